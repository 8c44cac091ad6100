//! The link of a purchase: opens it on another device, to pay with the phone and read on the laptop.
//!
//! All of it stands in the fragment, which browsers send to nobody.

use serde::{Deserialize, Serialize};

use crate::api::{Item, ItemId, Scene};
use crate::content;
use crate::lightning::Msat;
use crate::purchase::Saved;
use crate::text::{base64_url, from_base64};

/// What the fragment begins with, so that it is not taken for the name of a place on the page.
const NAME: &str = "purchase=";

/// What a link carries. Whoever has it can take the goods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What was bought.
    pub item: ItemId,
    /// The purchase, paid or not.
    pub purchase: Saved,
}

/// Why a fragment is no purchase's. Never repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the link is not a purchase's; copy it again, and all of it")]
pub struct LinkError;

impl Link {
    /// What was bought as far as its invoice says it, for goods that the catalogue does not have now.
    /// The teaser is empty; a size of 0 is not known. `None` where there is no invoice, or it
    /// promises no goods.
    pub fn off_the_shelf(&self) -> Option<Item> {
        let order = self.purchase.order()?;
        let title = order.invoice.description.as_deref().map(content::title);
        Some(Item {
            id: self.item.clone(),
            title: title.unwrap_or_default().to_owned(),
            teaser: String::new(),
            price_msat: order.invoice.amount_msat.unwrap_or(Msat(0)),
            fiat_price: None,
            rate: None,
            valid_for_secs: None,
            content_type: String::new(),
            size: order.size.unwrap_or(0),
            sha256: order.promised()?,
            sealed: None,
            scene: Scene::Card,
            button: Vec::new(),
        })
    }

    /// What follows the `#` in the link with this JSON, which the browser's own parser writes.
    pub fn fragment(json: &str) -> String {
        [NAME, &base64_url(json.as_bytes())].concat()
    }

    /// Whether a fragment wants to be a purchase's, though it may be damaged.
    pub fn is_meant(fragment: &str) -> bool {
        fragment.starts_with(NAME)
    }

    /// The JSON in what follows the `#`.
    pub fn json(fragment: &str) -> Result<String, LinkError> {
        let encoded = fragment.strip_prefix(NAME).ok_or(LinkError)?;
        let json = from_base64(encoded).ok_or(LinkError)?;
        String::from_utf8(json).map_err(|_| LinkError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::PurchaseId;
    use crate::lightning::Preimage;

    #[test]
    fn a_link_opens_what_it_was_made_of() {
        let fragment = fragment();
        assert!(Link::is_meant(&fragment));
        let json = Link::json(&fragment).unwrap();
        assert_eq!(serde_json::from_str::<Link>(&json).unwrap(), link());
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=".contains(c);
        assert!(fragment.chars().all(plain), "{fragment}");
    }

    #[test]
    fn a_damaged_link_is_told_from_other_fragments() {
        let cut = fragment();
        let cut = &cut[..cut.len() - 9];
        assert!(Link::is_meant(cut));
        assert_eq!(read(cut), None);
        assert!(!Link::is_meant("cats"));
        assert_eq!(read("cats"), None);
    }

    fn fragment() -> String {
        Link::fragment(&serde_json::to_string(&link()).unwrap())
    }

    fn read(fragment: &str) -> Option<Link> {
        serde_json::from_str(&Link::json(fragment).ok()?).ok()
    }

    fn link() -> Link {
        Link {
            item: "two-cats".parse().unwrap(),
            purchase: Saved {
                bolt11: Some("lnbcrt1".to_owned()),
                preimage: Some(Preimage([9; 32])),
                ..Saved::begun(PurchaseId([7; 16]))
            },
        }
    }
}
