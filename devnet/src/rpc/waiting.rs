//! `waitinvoice`, `waitanyinvoice`, `wait`: subscribe first, look second, then wait.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::answer::{Answer, result};
use super::error::RpcError;
use super::params::{Params, Token};
use crate::invoices::{Change, ChangeKind, Invoice, Status};
use crate::node::Node;

const EXPIRED: i32 = 903;
const TIMED_OUT: i32 = 904;

pub(super) fn waitinvoice(
    node: &Arc<Node>,
    params: &RawValue,
) -> Result<impl Future<Output = Answer> + use<>, RpcError> {
    let params = Params::read(params, &["label"], &[])?;
    let label = params.required("label", Token::label)?;
    let changes = node.invoices.changes();
    let invoice = node
        .invoices
        .by_label(&label)
        .ok_or_else(|| RpcError::general("Label not found"))?;
    Ok(wait_for_end(Arc::clone(node), invoice, changes))
}

async fn wait_for_end(
    node: Arc<Node>,
    mut invoice: Arc<Invoice>,
    mut changes: Receiver<Change>,
) -> Answer {
    loop {
        match invoice.status {
            Status::Paid => return result(&invoice),
            Status::Expired => {
                let error = RpcError::new(EXPIRED, "invoice expired during wait");
                return Err(error.with_data(&invoice));
            }
            Status::Unpaid => {}
        }
        next(&mut changes).await;
        let index = invoice.created_index;
        invoice = node
            .invoices
            .by_label(&invoice.label)
            .filter(|found| found.created_index == index)
            .ok_or_else(|| RpcError::general("Invoice deleted during wait"))?;
    }
}

pub(super) fn waitanyinvoice(
    node: &Arc<Node>,
    params: &RawValue,
) -> Result<impl Future<Output = Answer> + use<>, RpcError> {
    let params = Params::read(params, &[], &["lastpay_index", "timeout"])?;
    let last = params.optional("lastpay_index", Token::u64)?.unwrap_or(0);
    let timeout = params.optional("timeout", Token::u64)?;
    let changes = node.invoices.changes();
    let newest = node.invoices.newest_pay_index();
    let paid = node.invoices.first_paid_after(last);
    let node = Arc::clone(node);
    Ok(async move {
        if let Some(invoice) = paid {
            return result(&invoice);
        }
        let payment = next_payment(&node, newest, changes);
        let invoice = match timeout {
            None => payment.await,
            Some(seconds) => {
                // Like lightningd's clock, one that would run out before 1970 has run out.
                let seconds = i64::try_from(seconds).map_or(0, i64::unsigned_abs);
                let timeout = Duration::from_secs(seconds);
                tokio::time::timeout(timeout, payment).await.map_err(|_| {
                    let message = "Timed out while waiting for invoice to be paid";
                    RpcError::new(TIMED_OUT, message)
                })?
            }
        };
        result(&invoice)
    })
}

/// The next payment wakes every waiter, also one whose `lastpay_index` lies far ahead.
async fn next_payment(node: &Node, newest: u64, mut changes: Receiver<Change>) -> Arc<Invoice> {
    loop {
        match next(&mut changes).await {
            Some(change) if change.invoice.pay_index() > Some(newest) => return change.invoice,
            Some(_) => {}
            None => {
                if let Some(invoice) = node.invoices.first_paid_after(newest) {
                    return invoice;
                }
            }
        }
    }
}

#[derive(Serialize)]
struct WaitAnswer {
    subsystem: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoices: Option<WaitDetails>,
}

#[derive(Serialize)]
struct WaitDetails {
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bolt11: Option<String>,
}

pub(super) fn wait(
    node: &Arc<Node>,
    params: &RawValue,
) -> Result<impl Future<Output = Answer> + use<>, RpcError> {
    let params = Params::read(params, &["subsystem", "indexname", "nextvalue"], &[])?;
    params.required("subsystem", |token| match token.string().as_deref() {
        Ok("invoices") => Ok(()),
        _ => Err(token.should_be("unknown subsystem")),
    })?;
    let kind = params.required("indexname", |token| match token.string().as_deref() {
        Ok("created") => Ok(ChangeKind::Created),
        Ok("updated") => Ok(ChangeKind::Updated),
        Ok("deleted") => Ok(ChangeKind::Deleted),
        _ => Err(token.should_be("unknown index")),
    })?;
    let wanted = params.required("nextvalue", Token::u64)?;
    let changes = node.invoices.changes();
    Ok(wait_for_index(Arc::clone(node), kind, wanted, changes))
}

async fn wait_for_index(
    node: Arc<Node>,
    kind: ChangeKind,
    wanted: u64,
    mut changes: Receiver<Change>,
) -> Answer {
    let answer = |index, invoices| {
        let of_kind = |this| (kind == this).then_some(index);
        result(&WaitAnswer {
            subsystem: "invoices",
            created: of_kind(ChangeKind::Created),
            updated: of_kind(ChangeKind::Updated),
            deleted: of_kind(ChangeKind::Deleted),
            invoices,
        })
    };
    loop {
        // After a change was missed, the book has what matters: the index, without details.
        let index = node.invoices.count(kind);
        if index >= wanted {
            return answer(index, None);
        }
        while let Some(change) = next(&mut changes).await {
            if change.kind == kind && change.index >= wanted {
                return answer(change.index, Some(details(kind, &change.invoice)));
            }
        }
    }
}

/// What lightningd tells about a change: of an update the label only if it is a payment, and no
/// invoice.
fn details(kind: ChangeKind, invoice: &Invoice) -> WaitDetails {
    let has_label = kind != ChangeKind::Updated || invoice.status == Status::Paid;
    WaitDetails {
        status: invoice.status,
        label: has_label.then(|| invoice.label.clone()),
        bolt11: (kind != ChangeKind::Updated).then(|| invoice.bolt11.clone()),
    }
}

/// The next change, or `None` where so many were missed that the book has to be asked again.
async fn next(changes: &mut Receiver<Change>) -> Option<Change> {
    match changes.recv().await {
        Ok(change) => Some(change),
        Err(RecvError::Lagged(_)) => None,
        // The book is gone, so nothing will ever happen in it.
        Err(RecvError::Closed) => std::future::pending().await,
    }
}
