//! The link of a purchase: opens it on another device, to pay with the phone and read on the laptop.
//!
//! All of it stands in the fragment, which browsers send to nobody.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::api::ItemId;
use crate::purchase::Saved;

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
    /// What follows the `#` in the link.
    pub fn to_fragment(&self) -> String {
        // Text and hex can always be written; a link without its purchase would read as damaged.
        let json = serde_json::to_vec(self).unwrap_or_default();
        [NAME, &URL_SAFE_NO_PAD.encode(json)].concat()
    }

    /// Whether a fragment wants to be a purchase's, though it may be damaged.
    pub fn is_meant(fragment: &str) -> bool {
        fragment.starts_with(NAME)
    }
}

/// Reads what follows the `#`.
impl FromStr for Link {
    type Err = LinkError;
    fn from_str(fragment: &str) -> Result<Self, LinkError> {
        let encoded = fragment.strip_prefix(NAME).ok_or(LinkError)?;
        let json = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| LinkError)?;
        serde_json::from_slice(&json).map_err(|_| LinkError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::PurchaseId;
    use crate::lightning::Preimage;

    #[test]
    fn a_link_opens_what_it_was_made_of() {
        let link = link();
        let fragment = link.to_fragment();
        assert!(Link::is_meant(&fragment));
        assert_eq!(fragment.parse(), Ok(link));
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=".contains(c);
        assert!(fragment.chars().all(plain), "{fragment}");
    }

    #[test]
    fn a_damaged_link_is_told_from_other_fragments() {
        let cut = link().to_fragment();
        let cut = &cut[..cut.len() - 9];
        assert!(Link::is_meant(cut));
        assert_eq!(cut.parse::<Link>(), Err(LinkError));
        assert!(!Link::is_meant("cats"));
        assert_eq!("cats".parse::<Link>(), Err(LinkError));
    }

    fn link() -> Link {
        Link {
            item: "two-cats".parse().unwrap(),
            purchase: Saved {
                purchase_id: PurchaseId([7; 16]),
                claim: None,
                bolt11: Some("lnbcrt1".to_owned()),
                preimage: Some(Preimage([9; 32])),
            },
        }
    }
}
