//! Entries of lightningd's book, read one by one: one that cannot be read (of a later version, or of
//! a plugin's making) must not hide the others.

use cln_rpc::TypedRequest;
use cln_rpc::model::requests::{ListinvoicesRequest, WaitanyinvoiceRequest};
use cln_rpc::model::responses::{ListinvoicesInvoices, WaitanyinvoiceResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::invoice::Payment;

/// `listinvoices`, whose entries are read afterwards.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct List(pub(crate) ListinvoicesRequest);

/// The answer to [`List`].
#[derive(Deserialize)]
pub(crate) struct Listed {
    pub(crate) invoices: Vec<Value>,
    /// Where the next page begins, by the guard: it leaves out what is not the store's.
    #[serde(default)]
    next: Option<u64>,
}

impl TypedRequest for List {
    type Response = Listed;
    fn method(&self) -> &str {
        self.0.method()
    }
}

/// `waitanyinvoice`, whose payment is read afterwards.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct WaitAny(pub(crate) WaitanyinvoiceRequest);

/// The answer to [`WaitAny`].
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Waited(serde_json::Map<String, Value>);

impl TypedRequest for WaitAny {
    type Response = Waited;
    fn method(&self) -> &str {
        self.0.method()
    }
}

/// An invoice of a page; `None` where it cannot be read.
pub(crate) fn read(entry: Value) -> Option<ListinvoicesInvoices> {
    serde_json::from_value(entry).ok()
}

/// A page of lightningd's book, from the number that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What could be read, in lightningd's order.
    pub entries: Vec<T>,
    /// How many entries could not be read.
    pub unreadable: usize,
    /// The number from which the next page is to be asked for; `None` where this one was empty, so
    /// that the book ends here.
    pub next: Option<u64>,
}

impl<T> Page<T> {
    /// Reads `listed`, asked for from number `start` in the order of `index`.
    pub(crate) fn read(
        listed: Listed,
        start: u64,
        index: &str,
        make: impl Fn(ListinvoicesInvoices) -> T,
    ) -> Self {
        let mut page = Self {
            entries: Vec::with_capacity(listed.invoices.len()),
            unreadable: 0,
            next: None,
        };
        let mut at = start;
        for entry in listed.invoices {
            // Numbers only grow, so an entry whose number cannot be read has at least this one.
            at = entry[index].as_u64().unwrap_or(at).max(at);
            page.next = Some(at + 1);
            match read(entry) {
                Some(invoice) => page.entries.push(make(invoice)),
                None => page.unreadable += 1,
            }
            at += 1;
        }
        page.next = listed.next.or(page.next);
        page
    }
}

/// What a watch heard of.
pub(crate) enum News {
    /// A payment.
    Paid(Payment),
    /// A payment of this number that the guard does not tell of, because it is not the store's.
    Hidden(u64),
    /// A payment of this number that cannot be read. Where not even the number can be, it is at least
    /// this one.
    Unreadable(u64),
}

impl News {
    /// Reads the answer to a wait for a payment after number `after`.
    pub(crate) fn read(Waited(paid): Waited, after: u64) -> Self {
        let pay_index = paid.get("pay_index").and_then(Value::as_u64);
        let is_hidden = paid.len() == 1;
        let read = serde_json::from_value::<WaitanyinvoiceResponse>(Value::Object(paid));
        match (pay_index, read) {
            (Some(pay_index), Ok(paid)) => Self::Paid(Payment::arrived(pay_index, paid)),
            (Some(pay_index), _) if is_hidden => Self::Hidden(pay_index),
            (pay_index, _) => Self::Unreadable(pay_index.unwrap_or_default().max(after + 1)),
        }
    }

    pub(crate) fn pay_index(&self) -> u64 {
        match self {
            Self::Paid(payment) => payment.pay_index,
            Self::Hidden(pay_index) | Self::Unreadable(pay_index) => *pay_index,
        }
    }
}
