//! The challenge of a `402`: what to pay, and the ticket that the payment makes worth something.

use shared::claim::Claim;
use shared::mpp::Challenge;

use crate::ticket::{Charge, Scheme, Ticket};

/// What has to be paid, as a BOLT11 string, and the ticket for it, in the scheme that is wanted. `None`
/// where the headers have no such challenge that can be read.
pub fn ticket<'a>(
    headers: impl IntoIterator<Item = &'a str>,
    scheme: Scheme,
) -> Option<(Ticket, String)> {
    match scheme {
        Scheme::L402 => {
            let (claim, bolt11) = read(headers)?;
            Some((Ticket::Claim(claim), bolt11))
        }
        Scheme::Payment => headers
            .into_iter()
            .flat_map(Challenge::read_all)
            .find_map(charge),
    }
}

fn charge(challenge: Challenge) -> Option<(Ticket, String)> {
    let details = challenge.charge().ok()?.method_details;
    let charge = Charge {
        challenge: Box::new(challenge),
        payment_hash: details.payment_hash,
    };
    Some((Ticket::Charge(charge), details.invoice))
}

/// The first L402 challenge among the values of the `WWW-Authenticate` headers, as a claim and a
/// BOLT11 string. `None` where there is none that can be read.
///
/// Reads what any L402 server sends: the scheme `L402` or `LSAT` in any case, the parameters in any
/// order, quoted or not, the claim named `macaroon` or `token`.
pub fn read<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<(Claim, String)> {
    headers.into_iter().find_map(read_one)
}

fn read_one(header: &str) -> Option<(Claim, String)> {
    let (scheme, parameters) = header.trim().split_once(' ')?;
    if !["L402", "LSAT"]
        .iter()
        .any(|ours| scheme.eq_ignore_ascii_case(ours))
    {
        return None;
    }
    let value = |name| {
        parameters.split(',').find_map(|parameter| {
            // Neither base64 nor BOLT11 holds a comma, and base64 may end in `=`.
            let (key, value) = parameter.split_once('=')?;
            let is_it = key.trim().eq_ignore_ascii_case(name);
            is_it.then(|| value.trim().trim_matches('"'))
        })
    };
    let claim = value("macaroon").or_else(|| value("token"))?;
    Some((claim.parse().ok()?, value("invoice")?.to_owned()))
}

#[cfg(test)]
mod tests {
    use shared::claim::Identifier;
    use shared::lightning::PaymentHash;
    use shared::macaroon::Macaroon;
    use shared::mpp::{ChargeRequest, MethodDetails};

    use super::*;

    fn claim() -> Claim {
        let identifier = Identifier {
            payment_hash: PaymentHash([1; 32]),
            token_id: [2; 32],
        };
        Claim::new(Macaroon {
            location: None,
            identifier: identifier.to_bytes(),
            caveats: vec![b"item=cat".to_vec()],
            signature: [3; 32],
        })
        .unwrap()
    }

    #[test]
    fn every_usual_form_is_read() {
        let claim = claim();
        let base64 = claim.to_base64();
        for header in [
            format!(
                "L402 macaroon=\"{base64}\", invoice=\"lnbc1x\", version=\"0\", token=\"{base64}\""
            ),
            format!("LSAT macaroon=\"{base64}\",invoice=\"lnbc1x\""),
            format!("l402 invoice=lnbc1x, token={base64}"),
        ] {
            let read = read(["Basic realm=\"x\"", &header]);
            assert_eq!(read, Some((claim.clone(), "lnbc1x".to_owned())), "{header}");
        }
    }

    #[test]
    fn the_scheme_that_is_wanted_is_taken() {
        let base64 = claim().to_base64();
        let l402 = format!("L402 macaroon=\"{base64}\", invoice=\"lnbc1x\"");
        let request = ChargeRequest {
            amount: "1".to_owned(),
            currency: "sat".to_owned(),
            description: None,
            external_id: None,
            method_details: MethodDetails {
                invoice: "lnbc1y".to_owned(),
                network: "mainnet".to_owned(),
                payment_hash: PaymentHash([7; 32]),
            },
        };
        let session = "Payment id=\"i\", realm=\"r\", method=\"lightning\", intent=\"session\", request=\"e30\"";
        let charge = session
            .replace("session", "charge")
            .replace("e30", &request.encode());
        let headers = [&*l402, session, &charge];
        let (ticket, bolt11) = super::ticket(headers, Scheme::Payment).unwrap();
        assert_eq!(
            (&*bolt11, ticket.payment_hash()),
            ("lnbc1y", PaymentHash([7; 32]))
        );
        let (ticket, bolt11) = super::ticket(headers, Scheme::L402).unwrap();
        assert_eq!((&*bolt11, ticket.claim()), ("lnbc1x", Some(&claim())));
        assert_eq!(super::ticket([&*l402, session], Scheme::Payment), None);
    }

    #[test]
    fn half_a_challenge_is_none() {
        let base64 = claim().to_base64();
        for header in [
            "L402".to_owned(),
            "Basic realm=\"x\"".to_owned(),
            "L402 invoice=\"lnbc1x\"".to_owned(),
            format!("L402 macaroon=\"{base64}\""),
            "L402 macaroon=\"%%%\", invoice=\"lnbc1x\"".to_owned(),
        ] {
            assert_eq!(read([header.as_str()]), None, "{header}");
        }
    }
}
