//! The names of our invoices at lightningd: `purrwall/<item>/<token_id>`.
//!
//! The name tells ours from everyone else's at the same node, and what was sold. It is not for
//! logs: with the gateway's secret, claims follow from it.

use bitcoin::hex::DisplayHex as _;
use shared::api::ItemId;

const PREFIX: &str = "purrwall/";

/// The label of an item's invoice.
pub(crate) fn label(item: &ItemId, token_id: &[u8; 32]) -> String {
    format!("{PREFIX}{item}/{}", token_id.to_lower_hex_string())
}

/// What an invoice of ours is for; `None` where it is somebody else's.
pub(crate) fn item(label: &str) -> Option<ItemId> {
    let (item, token_id) = label.strip_prefix(PREFIX)?.split_once('/')?;
    let is_token = token_id.len() == 64 && token_id.bytes().all(|byte| byte.is_ascii_hexdigit());
    item.parse().ok().filter(|_| is_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_names_its_item() {
        let cat: ItemId = "cat".parse().unwrap();
        let label = label(&cat, &[0xab; 32]);
        assert_eq!(label, format!("purrwall/cat/{}", "ab".repeat(32)));
        assert_eq!(item(&label), Some(cat));
    }

    #[test]
    fn labels_of_others_name_nothing() {
        let token = "ab".repeat(32);
        for foreign in [
            "",
            "purrwall/",
            "purrwall/cat",
            "purrwall/cat/",
            "purrwall/cat/order-1",
            &format!("purrwall/{token}"),
            &format!("Purrwall/cat/{token}"),
            &format!("purrwall/cat/{token}/1"),
            &format!("purrwall/No item/{token}"),
        ] {
            assert_eq!(item(foreign), None, "{foreign}");
        }
    }
}
