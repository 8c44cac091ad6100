//! What the browser keeps, so that a reload or another tab finds a purchase again.
//!
//! The purchase goes on where storage is forbidden, full or spoilt; it then lasts as long as the
//! page.

use shared::api::ItemId;
use shared::purchase::Saved;
use web_sys::Storage;

use crate::config::Gateway;

/// The place of one item's purchase at one gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    key: String,
}

impl Slot {
    /// The slot of `item`. Two walls with the same item and gateway share it, in all tabs.
    pub fn new(gateway: &Gateway, item: &ItemId) -> Self {
        let key = ["purrwall:", gateway.name(), ":", item.as_str()].concat();
        Self { key }
    }

    /// The purchase that is kept. Read each time, since another tab may have changed it.
    pub fn load(&self) -> Option<Saved> {
        let text = local()?.get_item(&self.key).ok()??;
        serde_json::from_str(&text).ok()
    }

    /// Keeps the purchase in place of an earlier one.
    pub fn save(&self, saved: &Saved) {
        write(&self.key, saved);
    }

    /// Empties the slot for another purchase. What was paid stays, under a name of its own.
    pub fn clear(&self) {
        if let Some(saved) = self.load()
            && let (Some(claim), Some(_)) = (&saved.claim, saved.preimage)
        {
            let hash = claim.payment_hash().to_hex();
            write(&[&self.key, ":", &hash].concat(), &saved);
        }
        if let Some(storage) = local() {
            // Where it cannot be removed, it was not kept either.
            let _ = storage.remove_item(&self.key);
        }
    }
}

fn write(key: &str, saved: &Saved) {
    if let Some(storage) = local()
        && let Ok(text) = serde_json::to_string(saved)
    {
        // Full or forbidden: this page still has the purchase.
        let _ = storage.set_item(key, &text);
    }
}

/// `None` where the browser forbids storage, for instance in a third party's frame.
fn local() -> Option<Storage> {
    gloo_utils::window().local_storage().ok()?
}
