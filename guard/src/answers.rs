//! What is left of lightningd's answers: nothing of an invoice that is not the store's.
//!
//! Its number in lightningd's order stays, because the store asks for the next one by it: a page says
//! in `next` where the next one begins, and of somebody else's payment only `pay_index` is told.

use serde_json::{Value, json};

use crate::owns::Owns;

/// What is left of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// All of it: it says nothing of anybody's invoice but the store's.
    All,
    /// The store's own of `invoices`.
    Invoices,
    /// The same of a page, in the order of this number.
    Page(&'static str),
    /// The payment, if it is the store's.
    Payment,
}

impl Kept {
    /// Takes everything else out of a result.
    pub(crate) fn of(self, result: Value, owns: &Owns) -> Value {
        match self {
            Self::All => result,
            Self::Invoices => json!({ "invoices": own(&result, owns) }),
            Self::Page(number) => {
                let listed = invoices(&result).iter();
                let last = listed.filter_map(|invoice| invoice[number].as_u64()).max();
                let invoices = own(&result, owns);
                match last {
                    Some(last) => json!({ "invoices": invoices, "next": last.saturating_add(1) }),
                    None => json!({ "invoices": invoices }),
                }
            }
            Self::Payment if is_own(&result, owns) => result,
            Self::Payment => json!({ "pay_index": result["pay_index"] }),
        }
    }
}

fn invoices(result: &Value) -> &[Value] {
    result["invoices"].as_array().map_or(&[], Vec::as_slice)
}

fn own<'a>(result: &'a Value, owns: &Owns) -> Vec<&'a Value> {
    let listed = invoices(result).iter();
    listed.filter(|invoice| is_own(invoice, owns)).collect()
}

fn is_own(invoice: &Value, owns: &Owns) -> bool {
    invoice["label"].as_str().is_some_and(|label| owns(label))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn of_other_invoices_their_numbers_alone_are_left() {
        let owns: Owns = Arc::new(|label| label.starts_with("purrwall/cats/"));
        let own = json!({"label": "purrwall/cats/cat/x", "created_index": 2, "pay_index": 1});
        let other = json!({"label": "order-1", "created_index": 3, "pay_index": 2});
        let unlabelled = json!({"created_index": 1});
        let both = json!({"invoices": [unlabelled, own, other]});
        let left = Kept::Invoices.of(both.clone(), &owns);
        assert_eq!(left, json!({"invoices": [own]}));
        let left = Kept::Page("created_index").of(both, &owns);
        assert_eq!(left, json!({"invoices": [own], "next": 4}));
        let end = Kept::Page("created_index").of(json!({"invoices": []}), &owns);
        assert_eq!(end, json!({"invoices": []}));
        assert_eq!(Kept::Payment.of(own.clone(), &owns), own);
        assert_eq!(Kept::Payment.of(other, &owns), json!({"pay_index": 2}));
    }
}
