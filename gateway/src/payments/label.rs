//! The names of our invoices at lightningd: `purrwall/<item>/<token_id>`, where a route with a price
//! has `route:<name>` for its item.
//!
//! The name tells ours from everyone else's at the same node, and what was sold. It is not for
//! logs: with the gateway's secret, claims follow from it.

use bitcoin::hex::DisplayHex as _;
use shared::api::ItemId;

const PREFIX: &str = "purrwall/";

/// What a route is called where an item's id would stand. No id has a colon, so that no claim for one
/// is good for the other.
pub(crate) fn route(name: &ItemId) -> String {
    format!("{ROUTE}{name}")
}

const ROUTE: &str = "route:";

/// The label of an item's invoice.
pub(crate) fn label(item: &str, token_id: &[u8; 32]) -> String {
    format!("{PREFIX}{item}/{}", token_id.to_lower_hex_string())
}

/// What an invoice of ours is for; `None` where it is somebody else's.
pub(crate) fn item(label: &str) -> Option<&str> {
    let (item, token_id) = label.strip_prefix(PREFIX)?.split_once('/')?;
    let is_token = token_id.len() == 64 && token_id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id: Result<ItemId, _> = item.strip_prefix(ROUTE).unwrap_or(item).parse();
    (is_token && id.is_ok()).then_some(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_names_its_item() {
        let label = label("cat", &[0xab; 32]);
        assert_eq!(label, format!("purrwall/cat/{}", "ab".repeat(32)));
        assert_eq!(item(&label), Some("cat"));
    }

    #[test]
    fn a_label_names_its_route_in_128_bytes() {
        let name = "x".repeat(48).parse().unwrap();
        let label = label(&route(&name), &[0xab; 32]);
        assert_eq!(label.len(), 128, "lightningd takes no more");
        assert_eq!(item(&label), Some(&*format!("route:{name}")));
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
            &format!("purrwall/route:/{token}"),
        ] {
            assert_eq!(item(foreign), None, "{foreign}");
        }
    }
}
