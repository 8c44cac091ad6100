//! The invoice book of a node, with lightningd's rules: unique labels, statuses that only move
//! from `unpaid` to `paid` or `expired`, and counters that let a client follow what happened.
//!
//! The book knows nothing of channels or sockets. Time is an argument, so that a test can say it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use thiserror::Error;
use tokio::sync::broadcast;

use crate::hex::Hex32;

/// How many changes a slow follower may miss before it has to look at the book again.
const CHANGES_KEPT: usize = 1024;

/// An invoice, with the fields of lightningd's `listinvoices`.
#[derive(Debug, Clone, Serialize)]
pub struct Invoice {
    /// The node's own, unique name for it.
    pub label: String,
    /// What the payer gets.
    pub bolt11: String,
    /// SHA-256 of the preimage.
    pub payment_hash: Hex32,
    /// What is asked, in millisatoshi; `None` leaves it to the payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_msat: Option<u64>,
    /// Where it stands.
    pub status: Status,
    /// How it was paid, once it is.
    #[serde(flatten)]
    pub payment: Option<Payment>,
    /// Why to pay; `None` after `delinvoice desconly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// UNIX time at which it can no longer be paid.
    pub expires_at: u64,
    /// The order of creation, from 1.
    pub created_index: u64,
    /// The order of the last change, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_index: Option<u64>,
    /// What the payer buys by paying. Shown as `payment_preimage` only once it is paid.
    #[serde(skip)]
    pub preimage: Hex32,
}

impl Invoice {
    /// UNIX time at which it was paid, or else at which it expires.
    fn ended_at(&self) -> u64 {
        let payment = self.payment.as_ref();
        payment.map_or(self.expires_at, |payment| payment.paid_at)
    }

    /// The order of its payment, once it is paid.
    pub fn pay_index(&self) -> Option<u64> {
        self.payment.as_ref().map(|payment| payment.pay_index)
    }
}

/// Where an invoice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waiting.
    Unpaid,
    /// Paid, for good.
    Paid,
    /// Too late, for good.
    Expired,
}

impl Status {
    /// lightningd's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unpaid => "unpaid",
            Self::Paid => "paid",
            Self::Expired => "expired",
        }
    }
}

/// How an invoice was paid.
#[derive(Debug, Clone, Serialize)]
pub struct Payment {
    /// The order of payment, from 1.
    pub pay_index: u64,
    /// What arrived; it may be more than was asked.
    pub amount_received_msat: u64,
    /// UNIX time of the payment.
    pub paid_at: u64,
    /// The proof that the payer has now.
    pub payment_preimage: Hex32,
}

/// What an invoice consists of before the book gives it its indexes.
pub struct NewInvoice {
    /// The node's own, unique name for it.
    pub label: String,
    /// The signed invoice.
    pub bolt11: String,
    /// SHA-256 of the preimage.
    pub payment_hash: Hex32,
    /// The preimage.
    pub preimage: Hex32,
    /// What is asked, in millisatoshi.
    pub amount_msat: Option<u64>,
    /// Why to pay.
    pub description: String,
    /// UNIX time at which it can no longer be paid.
    pub expires_at: u64,
}

/// Why the book refuses something.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvoiceError {
    /// An invoice with this label exists.
    #[error("Duplicate label '{0}'")]
    DuplicateLabel(String),
    /// An invoice with this preimage exists.
    #[error("preimage already used")]
    PreimageUsed,
    /// No invoice has this label.
    #[error("Unknown invoice")]
    Unknown,
    /// The invoice has another status than the caller thought.
    #[error("Invoice status is {current} not {expected}")]
    WrongStatus {
        /// The status it has.
        current: &'static str,
        /// The status that the caller named.
        expected: String,
    },
    /// There is no description to remove.
    #[error("Invoice description already removed")]
    NoDescription,
}

/// Something that happened in the book. `index` counts the changes of its kind, from 1.
#[derive(Debug, Clone)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// Which change of this kind it was.
    pub index: u64,
    /// The invoice after the change; before it, when it was deleted.
    pub invoice: Arc<Invoice>,
}

/// The three counters of lightningd's `wait`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// A new invoice.
    Created,
    /// Paid, expired, or its description removed.
    Updated,
    /// Removed from the book.
    Deleted,
}

/// A node's invoices.
pub struct InvoiceBook {
    state: Mutex<State>,
    changes: broadcast::Sender<Change>,
}

#[derive(Default)]
struct State {
    by_created: BTreeMap<u64, Arc<Invoice>>,
    by_label: HashMap<String, u64>,
    by_hash: HashMap<Hex32, u64>,
    by_updated: BTreeMap<u64, u64>,
    /// Those that never changed, by order of creation.
    unchanged: BTreeSet<u64>,
    by_pay_index: BTreeMap<u64, u64>,
    open_by_expiry: BTreeSet<(u64, u64)>,
    created: u64,
    updated: u64,
    deleted: u64,
    paid: u64,
}

impl InvoiceBook {
    /// An empty book.
    pub fn new() -> Self {
        Self {
            state: Mutex::default(),
            changes: broadcast::Sender::new(CHANGES_KEPT),
        }
    }

    /// Follows the book. Look at the book after this, not before, and nothing is missed.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Tells early, before anything is signed, whether [`InvoiceBook::add`] would refuse.
    pub fn check_free(&self, label: &str, payment_hash: Hex32) -> Result<(), InvoiceError> {
        self.state().check_free(label, payment_hash)
    }

    /// Enters an invoice as `unpaid`.
    pub fn add(&self, new: NewInvoice) -> Result<Arc<Invoice>, InvoiceError> {
        let mut state = self.state();
        state.check_free(&new.label, new.payment_hash)?;
        state.created += 1;
        let index = state.created;
        let invoice = Arc::new(Invoice {
            label: new.label,
            bolt11: new.bolt11,
            payment_hash: new.payment_hash,
            amount_msat: new.amount_msat,
            status: Status::Unpaid,
            payment: None,
            description: Some(new.description),
            expires_at: new.expires_at,
            created_index: index,
            updated_index: None,
            preimage: new.preimage,
        });
        state.by_label.insert(invoice.label.clone(), index);
        state.by_hash.insert(invoice.payment_hash, index);
        state.open_by_expiry.insert((invoice.expires_at, index));
        state.unchanged.insert(index);
        state.by_created.insert(index, Arc::clone(&invoice));
        self.tell(ChangeKind::Created, index, &invoice);
        Ok(invoice)
    }

    /// The invoice of a label.
    pub fn by_label(&self, label: &str) -> Option<Arc<Invoice>> {
        let state = self.state();
        state
            .by_label
            .get(label)
            .map(|index| Arc::clone(&state.by_created[index]))
    }

    /// The invoice of a payment hash.
    pub fn by_hash(&self, payment_hash: Hex32) -> Option<Arc<Invoice>> {
        let state = self.state();
        state
            .by_hash
            .get(&payment_hash)
            .map(|index| Arc::clone(&state.by_created[index]))
    }

    /// A page in order of creation.
    pub fn page_by_created(&self, start: u64, limit: usize) -> Vec<Arc<Invoice>> {
        self.state()
            .by_created
            .range(start..)
            .take(limit)
            .map(|(_, invoice)| Arc::clone(invoice))
            .collect()
    }

    /// A page in order of change. Invoices that never changed count as changed at 0.
    pub fn page_by_updated(&self, start: u64, limit: usize) -> Vec<Arc<Invoice>> {
        let state = self.state();
        let unchanged = state.unchanged.iter().filter(|_| start == 0);
        let changed = state.by_updated.range(start..).map(|(_, index)| index);
        unchanged
            .chain(changed)
            .take(limit)
            .map(|index| Arc::clone(&state.by_created[index]))
            .collect()
    }

    /// The labels of the invoices that were paid, or expired, at `time` or before.
    pub fn ended_by(&self, status: Status, time: u64) -> Vec<String> {
        let state = self.state();
        let invoices = state.by_created.values();
        invoices
            .filter(|invoice| invoice.status == status && invoice.ended_at() <= time)
            .map(|invoice| invoice.label.clone())
            .collect()
    }

    /// How many invoices have this status.
    pub fn count_of(&self, status: Status) -> usize {
        let state = self.state();
        let invoices = state.by_created.values();
        invoices.filter(|invoice| invoice.status == status).count()
    }

    /// The first invoice in the book that was paid after `pay_index`, if there is one.
    pub fn first_paid_after(&self, pay_index: u64) -> Option<Arc<Invoice>> {
        let state = self.state();
        // lightningd adds one to what it is given, so the largest number means the beginning.
        let (_, index) = state
            .by_pay_index
            .range(pay_index.wrapping_add(1)..)
            .next()?;
        Some(Arc::clone(&state.by_created[index]))
    }

    /// The index of the newest payment, also if its invoice was deleted since; 0 before the first.
    pub fn newest_pay_index(&self) -> u64 {
        self.state().paid
    }

    /// How many changes of this kind there were.
    pub fn count(&self, kind: ChangeKind) -> u64 {
        let state = self.state();
        match kind {
            ChangeKind::Created => state.created,
            ChangeKind::Updated => state.updated,
            ChangeKind::Deleted => state.deleted,
        }
    }

    /// The preimage that claims a payment of `amount_msat`, if the payment is to be taken: the
    /// invoice is open, and the amount is at least what is asked and at most twice that (BOLT 4).
    pub fn preimage_for(&self, payment_hash: Hex32, amount_msat: u64, now: u64) -> Option<Hex32> {
        let invoice = self.by_hash(payment_hash)?;
        let enough = invoice
            .amount_msat
            .is_none_or(|asked| asked <= amount_msat && amount_msat <= asked.saturating_mul(2));
        let open = invoice.status == Status::Unpaid && now < invoice.expires_at;
        (enough && open).then_some(invoice.preimage)
    }

    /// Enters that a payment was claimed. An invoice that was deleted meanwhile stays away.
    pub fn mark_paid(&self, payment_hash: Hex32, amount_received_msat: u64, paid_at: u64) {
        let mut state = self.state();
        let Some(&index) = state.by_hash.get(&payment_hash) else {
            return;
        };
        if state.by_created[&index].status == Status::Paid {
            return;
        }
        state.paid += 1;
        let pay_index = state.paid;
        state.by_pay_index.insert(pay_index, index);
        let expires_at = state.by_created[&index].expires_at;
        state.open_by_expiry.remove(&(expires_at, index));
        self.update(&mut state, index, |invoice| {
            invoice.status = Status::Paid;
            let payment_preimage = invoice.preimage;
            invoice.payment = Some(Payment {
                pay_index,
                amount_received_msat,
                paid_at,
                payment_preimage,
            });
        });
    }

    /// Marks as expired what is due.
    pub fn expire(&self, now: u64) {
        let mut state = self.state();
        while let Some(&(expires_at, index)) = state.open_by_expiry.first() {
            if now < expires_at {
                return;
            }
            state.open_by_expiry.pop_first();
            self.update(&mut state, index, |invoice| {
                invoice.status = Status::Expired;
            });
        }
    }

    /// Removes an invoice, if it has the status that the caller thinks it has.
    #[expect(clippy::missing_panics_doc, reason = "the book's indexes agree")]
    pub fn delete(&self, label: &str, status: &str) -> Result<Arc<Invoice>, InvoiceError> {
        let mut state = self.state();
        let index = state.find(label, status)?;
        let invoice = state
            .by_created
            .remove(&index)
            .expect("the label's index is an invoice");
        state.by_label.remove(label);
        state.by_hash.remove(&invoice.payment_hash);
        state.open_by_expiry.remove(&(invoice.expires_at, index));
        match invoice.updated_index {
            Some(updated) => state.by_updated.remove(&updated).is_some(),
            None => state.unchanged.remove(&index),
        };
        if let Some(payment) = &invoice.payment {
            state.by_pay_index.remove(&payment.pay_index);
        }
        state.deleted += 1;
        self.tell(ChangeKind::Deleted, state.deleted, &invoice);
        Ok(invoice)
    }

    /// Removes an invoice's description and returns what is left.
    pub fn delete_description(
        &self,
        label: &str,
        status: &str,
    ) -> Result<Arc<Invoice>, InvoiceError> {
        let mut state = self.state();
        let index = state.find(label, status)?;
        if state.by_created[&index].description.is_none() {
            return Err(InvoiceError::NoDescription);
        }
        Ok(self.update(&mut state, index, |invoice| invoice.description = None))
    }

    fn update(
        &self,
        state: &mut State,
        index: u64,
        change: impl FnOnce(&mut Invoice),
    ) -> Arc<Invoice> {
        state.updated += 1;
        let updated = state.updated;
        let mut invoice = Invoice::clone(&state.by_created[&index]);
        let before = invoice.updated_index.replace(updated);
        change(&mut invoice);
        let invoice = Arc::new(invoice);
        state.by_created.insert(index, Arc::clone(&invoice));
        match before {
            Some(before) => state.by_updated.remove(&before).is_some(),
            None => state.unchanged.remove(&index),
        };
        state.by_updated.insert(updated, index);
        self.tell(ChangeKind::Updated, updated, &invoice);
        invoice
    }

    /// Called with the lock held, so that changes are told in order.
    fn tell(&self, kind: ChangeKind, index: u64, invoice: &Arc<Invoice>) {
        // Sending fails if nobody listens. Those who come later look at the book first.
        let _ = self.changes.send(Change {
            kind,
            index,
            invoice: Arc::clone(invoice),
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for InvoiceBook {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn check_free(&self, label: &str, payment_hash: Hex32) -> Result<(), InvoiceError> {
        if self.by_label.contains_key(label) {
            return Err(InvoiceError::DuplicateLabel(label.to_owned()));
        }
        if self.by_hash.contains_key(&payment_hash) {
            return Err(InvoiceError::PreimageUsed);
        }
        Ok(())
    }

    fn find(&self, label: &str, status: &str) -> Result<u64, InvoiceError> {
        let &index = self.by_label.get(label).ok_or(InvoiceError::Unknown)?;
        let current = self.by_created[&index].status.as_str();
        if current == status {
            Ok(index)
        } else {
            Err(InvoiceError::WrongStatus {
                current,
                expected: status.to_owned(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn book_with(labels: &[&str]) -> InvoiceBook {
        let book = InvoiceBook::new();
        for (byte, label) in (1..).zip(labels) {
            book.add(NewInvoice {
                label: (*label).to_owned(),
                bolt11: String::new(),
                payment_hash: hash(byte),
                preimage: Hex32([byte + 100; 32]),
                amount_msat: Some(1000),
                description: "cat".to_owned(),
                expires_at: NOW + 60,
            })
            .unwrap();
        }
        book
    }

    fn hash(byte: u8) -> Hex32 {
        Hex32([byte; 32])
    }

    #[test]
    fn amounts_from_the_asked_to_its_double_are_taken() {
        let book = book_with(&["a"]);
        let taken = |amount| book.preimage_for(hash(1), amount, NOW).is_some();
        assert_eq!(
            [999, 1000, 2000, 2001].map(taken),
            [false, true, true, false]
        );
    }

    #[test]
    fn paid_expired_and_unknown_invoices_take_no_payment() {
        let book = book_with(&["paid", "expired"]);
        book.mark_paid(hash(1), 1000, NOW);
        assert_eq!(book.preimage_for(hash(1), 1000, NOW), None);
        assert_eq!(book.preimage_for(hash(2), 1000, NOW + 60), None);
        assert_eq!(book.preimage_for(hash(9), 1000, NOW), None);
    }

    #[test]
    fn an_invoice_is_paid_once() {
        let book = book_with(&["a"]);
        book.mark_paid(hash(1), 1000, NOW);
        book.mark_paid(hash(1), 2000, NOW + 1);
        let payment = book.by_label("a").unwrap().payment.clone().unwrap();
        assert_eq!((payment.pay_index, payment.amount_received_msat), (1, 1000));
        assert_eq!(book.count(ChangeKind::Updated), 1);
    }

    #[test]
    fn expiry_comes_at_its_second_and_never_to_a_paid_invoice() {
        let book = book_with(&["open", "paid"]);
        book.mark_paid(hash(2), 1000, NOW);
        book.expire(NOW + 59);
        assert_eq!(book.by_label("open").unwrap().status, Status::Unpaid);
        book.expire(NOW + 60);
        assert_eq!(book.by_label("open").unwrap().status, Status::Expired);
        assert_eq!(book.by_label("paid").unwrap().status, Status::Paid);
    }

    #[test]
    fn deleted_payments_are_skipped_and_the_label_is_free_again() {
        let book = book_with(&["a", "b"]);
        book.mark_paid(hash(1), 1000, NOW);
        book.mark_paid(hash(2), 1000, NOW);
        book.delete("a", "paid").unwrap();
        assert_eq!(book.first_paid_after(0).unwrap().label, "b");
        assert_eq!(book.check_free("a", hash(1)), Ok(()));
    }

    #[test]
    fn pages_by_change_start_with_what_never_changed() {
        let book = book_with(&["a", "b", "c"]);
        book.mark_paid(hash(3), 1000, NOW);
        book.mark_paid(hash(1), 1000, NOW);
        let labels = |page: Vec<Arc<Invoice>>| -> Vec<String> {
            page.iter().map(|invoice| invoice.label.clone()).collect()
        };
        assert_eq!(labels(book.page_by_updated(0, 9)), ["b", "c", "a"]);
        assert_eq!(labels(book.page_by_updated(1, 1)), ["c"]);
        assert_eq!(labels(book.page_by_created(2, 9)), ["b", "c"]);
    }

    #[test]
    fn followers_see_every_change_with_its_index() {
        let book = book_with(&["a"]);
        let mut changes = book.changes();
        book.mark_paid(hash(1), 1000, NOW);
        book.delete("a", "paid").unwrap();
        let seen = [changes.try_recv().unwrap(), changes.try_recv().unwrap()];
        assert_eq!(
            seen.map(|change| (change.kind, change.index)),
            [(ChangeKind::Updated, 1), (ChangeKind::Deleted, 1)]
        );
    }
}
