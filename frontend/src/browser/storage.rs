//! What the browser keeps, so that a reload or another tab finds a purchase again.
//!
//! If storage is forbidden, full or corrupt, the purchase is kept in memory and lasts as long as the
//! page.

use std::cell::RefCell;

use shared::api::{Item, ItemId};
use shared::claim::Claim;
use shared::link::Link;
use shared::purchase::Saved;
use web_sys::Storage;

use crate::browser::gateway::Gateway;
use crate::browser::json;

/// The place of one item's purchase at one gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    key: String,
}

impl Slot {
    /// The slot of `item`. Two walls with the same item and gateway share it, in all tabs.
    pub fn new(gateway: &Gateway, item: &ItemId) -> Self {
        let key = [&prefix(gateway), item.as_str()].concat();
        Self { key }
    }

    /// The purchase that is kept. Read each time, since another tab may have changed it.
    pub fn load(&self) -> Option<Saved> {
        read(&self.key)
    }

    /// The item of the purchase that is kept, for a catalogue that does not have it now.
    pub fn off_the_shelf(&self, item: &ItemId) -> Option<Item> {
        let link = Link {
            item: item.clone(),
            purchase: self.load()?.ticketed()?,
        };
        link.off_the_shelf()
    }

    /// Stores a purchase, perhaps in place of another one of the same item. No ticket is lost: what
    /// the new state does not include moves to a name of its own, since it is paid or may be.
    pub fn save(&self, saved: &Saved) {
        if let Some(here) = self.load() {
            // The stored state may know more: a link that was made before the payment has no
            // preimage, and no link has the invoices that were replaced.
            if here.includes(saved) {
                return;
            }
            if !saved.includes(&here) {
                self.set_aside(here);
            }
        }
        write(&self.key, saved);
        remove(&self.name_aside(saved));
    }

    /// Whether this browser has the purchase already.
    pub fn has(&self, saved: &Saved) -> bool {
        [&self.key, &self.name_aside(saved)]
            .into_iter()
            .any(|key| read(key).is_some_and(|here| here.purchase_id == saved.purchase_id))
    }

    /// Empties the slot for another purchase. What has a ticket moves to a name of its own.
    pub fn clear(&self) {
        if let Some(here) = self.load() {
            self.set_aside(here);
        }
        remove(&self.key);
    }

    /// Deletes a purchase with its ticket, because the buyer says so.
    pub fn forget(&self, saved: &Saved) {
        remove(&self.name_aside(saved));
        if self.load().is_some_and(|here| here.claim == saved.claim) {
            remove(&self.key);
        }
    }

    /// Whether the browser refused to keep the purchase, so that it ends with the page.
    pub fn is_lost_with_the_page(&self) -> bool {
        UNSTORED.with_borrow(|kept| find(kept, &self.key).is_some())
    }

    fn set_aside(&self, saved: Saved) {
        if let Some(saved) = saved.ticketed() {
            write(&self.name_aside(&saved), &saved);
        }
    }

    fn name_aside(&self, saved: &Saved) -> String {
        let hash = saved.claim.as_ref().map(Claim::payment_hash);
        let hash = hash.map(|hash| hash.to_hex()).unwrap_or_default();
        [&self.key, ":", &hash].concat()
    }
}

/// The language that the visitor chose.
pub fn language() -> Option<String> {
    text(LANGUAGE)
}

/// Stores the visitor's choice, if the browser allows it; an empty string removes it.
pub fn keep_language(language: &str) {
    keep_text(LANGUAGE, language);
}

/// Not the name of a purchase, since those begin with `purrwall:`.
const LANGUAGE: &str = "purrwall-language";

/// A text that is stored under a name.
pub fn text(name: &str) -> Option<String> {
    local()?.get_item(name).ok()?
}

/// Stores a text under a name, if the browser allows it; an empty one is removed. What cannot be stored
/// is forgotten.
pub fn keep_text(name: &str, text: &str) {
    if let Some(storage) = local() {
        let _ = if text.is_empty() {
            storage.remove_item(name)
        } else {
            storage.set_item(name, text)
        };
    }
}

/// The purchases at a gateway, in no order: those that were paid, and those that were set aside. A
/// purchase that waits in its slot for its payment is left out where its item `is_sold`, because its
/// wall shows it.
pub fn purchases(gateway: &Gateway, is_sold: &dyn Fn(&ItemId) -> bool) -> Vec<Link> {
    let prefix = prefix(gateway);
    let mut keys: Vec<String> =
        UNSTORED.with_borrow(|kept| kept.iter().map(|(key, _)| key.clone()).collect());
    if let Some(storage) = local() {
        for index in 0..storage.length().unwrap_or(0) {
            if let Ok(Some(key)) = storage.key(index)
                && !keys.contains(&key)
            {
                keys.push(key);
            }
        }
    }
    let open = |key: &str| {
        let name = key.strip_prefix(&prefix)?;
        let (item, is_aside) = match name.split_once(':') {
            Some((item, _)) => (item, true),
            None => (name, false),
        };
        let purchase = read(key)?.ticketed()?;
        let item = item.parse().ok()?;
        (is_aside || purchase.preimage.is_some() || !is_sold(&item)).then_some(())?;
        Some(Link { item, purchase })
    };
    let mut purchases = Vec::new();
    for key in keys {
        purchases.extend(open(&key));
    }
    purchases
}

/// What the names of a gateway's purchases begin with.
fn prefix(gateway: &Gateway) -> String {
    ["purrwall:", gateway.name(), ":"].concat()
}

thread_local! {
    /// What the browser would not store. A list takes less code than a map, and it stays short.
    static UNSTORED: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) };
}

fn find(entries: &[(String, String)], key: &str) -> Option<usize> {
    entries.iter().position(|(other, _)| other == key)
}

fn read(key: &str) -> Option<Saved> {
    let stored = self::text(key);
    // What could not be stored is newer than what may have been stored before.
    let text = UNSTORED
        .with_borrow(|kept| Some(kept[find(kept, key)?].1.clone()))
        .or(stored)?;
    json::read(&text)
}

fn remove(key: &str) {
    forget_unstored(key);
    if let Some(storage) = local() {
        // If it cannot be removed, it was never stored.
        let _ = storage.remove_item(key);
    }
}

fn write(key: &str, saved: &Saved) {
    let Some(text) = json::write(saved) else {
        return;
    };
    let stored = local().is_some_and(|storage| storage.set_item(key, &text).is_ok());
    forget_unstored(key);
    if !stored {
        UNSTORED.with_borrow_mut(|kept| kept.push((key.to_owned(), text)));
    }
}

fn forget_unstored(key: &str) {
    UNSTORED.with_borrow_mut(|kept| kept.retain(|(other, _)| other != key));
}

/// `None` where the browser forbids storage, for instance in a third party's frame.
fn local() -> Option<Storage> {
    gloo_utils::window().local_storage().ok()?
}
