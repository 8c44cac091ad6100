//! What the buyer agrees to, and the checks of an invoice before it is paid.

use std::error::Error;
use std::fmt;

use shared::content::{ContentHash, commitment};
use shared::invoice::{self, Asking, DecodeError, Expected, Invoice};
use shared::lightning::{Msat, Network, Payees};

use crate::ticket::Ticket;

/// What the buyer agrees to.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The most that the invoice may ask for. Routing fees come on top, see [`max_fee`].
    pub max_price: Msat,
    /// The nodes one of which has to be paid; `None` pays any.
    pub payees: Option<Payees>,
}

/// The most that is paid for routing: 1 % of the price, but always up to 5 sat. lightningd's own
/// default for `xpay`.
pub fn max_fee(price: Msat) -> Msat {
    Msat((price.0 / 100).max(5_000))
}

/// A check that the invoice fails, so that it is not paid, in words for whoever runs the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedCheck(pub invoice::FailedCheck);

impl From<DecodeError> for FailedCheck {
    fn from(error: DecodeError) -> Self {
        Self(invoice::FailedCheck::Signature(error))
    }
}

impl fmt::Display for FailedCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use invoice::FailedCheck as Failed;
        match &self.0 {
            Failed::Signature(_) => f.write_str("it cannot be read"),
            Failed::Network { expected, found } => write!(
                f,
                "it is for the network {found}, but your node is on {expected}"
            ),
            Failed::Payee { expected, found } => {
                write!(f, "it pays the node {found}, but --payee says {expected}")
            }
            Failed::Amount { found: None, .. } => f.write_str("it does not say how much to pay"),
            Failed::Amount {
                expected: maximum,
                found: Some(found),
            }
            | Failed::AboveMaximum { maximum, found } => {
                write!(f, "it asks for {found}, but --max-sat allows {maximum}")
            }
            Failed::Commitment { .. } => f.write_str(
                "its description does not promise any content (by ` sha256:…` at its end), so \
                 nothing could be held against what comes",
            ),
            Failed::Claim { claim, invoice } => write!(
                f,
                "the claim or charge that came with it is for the payment {claim}, but it is for {invoice}"
            ),
            // The page's; programs check sealed goods by themselves ([`crate::sealed`]).
            page @ (Failed::Manifest | Failed::Ciphertext) => write!(f, "{page}"),
        }
    }
}

impl Error for FailedCheck {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            invoice::FailedCheck::Signature(error) => Some(error),
            _ => None,
        }
    }
}

/// Decodes an invoice and makes every check that it has to pass before it is paid.
pub(crate) fn check(
    ticket: &Ticket,
    bolt11: &str,
    network: Network,
    limits: &Limits,
) -> Result<Invoice, FailedCheck> {
    let invoice = Invoice::decode(bolt11)?;
    let expected = Expected {
        network,
        payees: limits.payees.as_ref(),
        asking: Asking::AtMost(limits.max_price),
        sha256: None,
    };
    invoice::check(&invoice, ticket.payment_hash(), &expected).map_err(FailedCheck)?;
    Ok(invoice)
}

/// The goods that the invoice promises.
pub(crate) fn promised(invoice: &Invoice) -> Result<ContentHash, FailedCheck> {
    let description = invoice.description.as_deref();
    let missing = invoice::FailedCheck::Commitment {
        expected: None,
        found: None,
    };
    description.and_then(commitment).ok_or(FailedCheck(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routing_may_cost_five_satoshi_or_one_per_cent() {
        assert_eq!(max_fee(Msat(100_000)), Msat(5_000));
        assert_eq!(max_fee(Msat(1_000_000)), Msat(10_000));
    }
}
