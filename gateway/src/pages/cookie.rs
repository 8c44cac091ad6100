//! The cookie that holds the buyer's claim: one for each item, sent to that item's pages alone, and
//! one for each route with a price. Once the gateway knows of the payment, the preimage stands beside
//! the claim, so that the purchase opens even if lightningd deletes the paid invoice.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use crate::payments::claims::Credential;

/// How long the browser keeps a claim, in seconds: 30 days.
const MAX_AGE_SECS: u32 = 30 * 86_400;

/// What `Set-Cookie` says to keep `credential` for what is called `name`, at `path` and what is below.
///
/// No script reads it, and no other site's form or image sends it along. `Secure` if the buyer
/// came by https, so that the claim never travels in the clear after that.
pub(crate) fn keep(credential: &Credential, name: &str, path: &str, is_https: bool) -> HeaderValue {
    let secure = if is_https { "; Secure" } else { "" };
    let cookie = format!(
        "{}={}; Path={path}; Max-Age={MAX_AGE_SECS}; HttpOnly; SameSite=Lax{secure}",
        cookie_name(name),
        credential.write()
    );
    let mut value =
        HeaderValue::try_from(cookie).expect("names, base64 and paths are visible ASCII");
    value.set_sensitive(true);
    value
}

/// Every claim for what is called `name` that the browser sent, none of them verified. Anything
/// that is not a claim is left out: anyone can write anything into a cookie.
pub(crate) fn kept(name: &str, headers: &HeaderMap) -> Vec<Credential> {
    let name = cookie_name(name);
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(its_name, _)| *its_name == name)
        .filter_map(|(_, credential)| Credential::read_one(credential).ok())
        .collect()
}

/// A route's name has a colon, which a cookie's may not have; no item's id has a dot.
fn cookie_name(name: &str) -> String {
    format!("purrwall-{}", name.replace(':', "."))
}

#[cfg(test)]
mod tests {
    use shared::claim::{Claim, Identifier};
    use shared::lightning::{PaymentHash, Preimage};
    use shared::macaroon::Macaroon;

    use super::*;

    fn bare() -> Credential {
        Credential {
            claim: claim(),
            preimage: None,
        }
    }

    fn claim() -> Claim {
        let identifier = Identifier {
            payment_hash: PaymentHash([0xfb; 32]),
            token_id: [0xff; 32],
        };
        Claim::new(Macaroon {
            location: None,
            identifier: identifier.to_bytes(),
            caveats: vec![],
            signature: [0xfe; 32],
        })
        .unwrap()
    }

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn what_is_kept_comes_back() {
        let set = keep(&bare(), "cat", "/buy/cat", false);
        let (pair, attributes) = set.to_str().unwrap().split_once("; ").unwrap();
        assert_eq!(
            attributes,
            "Path=/buy/cat; Max-Age=2592000; HttpOnly; SameSite=Lax"
        );
        let later = headers("cookie", &format!("a=b; {pair};purrwall-cat-2=x"));
        assert_eq!(kept("cat", &later), [bare()]);
        assert!(set.is_sensitive());

        let proven = Credential {
            preimage: Some(Preimage([7; 32])),
            ..bare()
        };
        let set = keep(&proven, "cat", "/buy/cat", false);
        let pair = set.to_str().unwrap().split_once("; ").unwrap().0;
        assert_eq!(kept("cat", &headers("cookie", pair)), [proven]);
    }

    #[test]
    fn a_buyer_who_came_by_https_sends_it_by_https_alone() {
        let set = keep(&bare(), "cat", "/buy/cat", true);
        assert!(set.to_str().unwrap().ends_with("; Secure"));
        let set = keep(&bare(), "cat", "/buy/cat", false);
        assert!(!set.to_str().unwrap().contains("Secure"));
    }

    #[test]
    fn what_is_no_claim_of_the_item_is_left_out() {
        let claim = claim().to_base64();
        for sent in [
            "purrwall-cat=meow".to_owned(),
            "purrwall-cat".to_owned(),
            format!("purrwall-two-cats={claim}"),
            format!("xpurrwall-cat={claim}"),
            claim,
        ] {
            assert_eq!(kept("cat", &headers("cookie", &sent)), []);
        }
    }
}
