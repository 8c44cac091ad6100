//! What the browser keeps, so that a reload or another tab finds a purchase again.
//!
//! The purchase goes on where storage is forbidden, full or spoilt; it is then kept in memory, and
//! lasts as long as the page.

use std::cell::RefCell;
use std::collections::BTreeMap;

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
        let stored = local().and_then(|storage| storage.get_item(&self.key).ok()?);
        let text = stored.or_else(|| UNSTORED.with_borrow(|kept| kept.get(&self.key).cloned()))?;
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
        UNSTORED.with_borrow_mut(|kept| kept.remove(&self.key));
        if let Some(storage) = local() {
            // Where it cannot be removed, it was not kept either.
            let _ = storage.remove_item(&self.key);
        }
    }
}

thread_local! {
    /// What the browser would not store.
    static UNSTORED: RefCell<BTreeMap<String, String>> = const { RefCell::new(BTreeMap::new()) };
}

fn write(key: &str, saved: &Saved) {
    let Ok(text) = serde_json::to_string(saved) else {
        return;
    };
    let stored = local().is_some_and(|storage| storage.set_item(key, &text).is_ok());
    UNSTORED.with_borrow_mut(|kept| {
        if stored {
            kept.remove(key);
        } else {
            kept.insert(key.to_owned(), text);
        }
    });
}

/// `None` where the browser forbids storage, for instance in a third party's frame.
fn local() -> Option<Storage> {
    gloo_utils::window().local_storage().ok()?
}
