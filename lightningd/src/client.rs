//! The calls that a store needs, typed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cln_rpc::TypedRequest as _;
use cln_rpc::model::requests::{
    AutocleanstatusRequest, DelinvoiceRequest, DelinvoiceStatus, GetinfoRequest, InvoiceRequest,
    ListinvoicesIndex, ListinvoicesRequest, WaitIndexname, WaitRequest, WaitSubsystem,
};
use cln_rpc::model::responses::{InvoiceResponse, ListinvoicesInvoices};
use cln_rpc::primitives::{Amount, AmountOrAny, AutocleanSubsystem};
use shared::api::Status;
use shared::lightning::{PaymentHash, Preimage};
use tokio::time::timeout;

use crate::call::{Call, decode_error};
use crate::endpoint::Endpoint;
use crate::entries::{List, Page, read};
use crate::error::{LightningError, NOT_PERMITTED};
use crate::invoice::{
    KnownInvoice, ListedInvoice, NewInvoice, Node, Payment, Standing, payment_hash,
};
use crate::observer::Observer;
use crate::pool::Pool;
use crate::watch::Watch;

/// A client of one lightningd. It connects when it is used.
#[derive(Debug)]
pub struct Lightningd {
    pub(crate) pool: Pool,
    pub(crate) deadline: Duration,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

/// `invoice`: one with this label exists.
const LABEL_EXISTS: i64 = 900;
/// `delinvoice`: there is no invoice with this label, it has another status, or our rune does not allow
/// its deletion.
const CANNOT_DELETE: [i64; 3] = [905, 906, NOT_PERMITTED];

impl Lightningd {
    /// A client of the lightningd at `endpoint`. Each call may take as long as `deadline` once it is
    /// its turn, and wait for that twice as long.
    pub fn new(endpoint: impl Into<Endpoint>, deadline: Duration) -> Self {
        Self {
            pool: Pool::new(endpoint.into()),
            deadline,
            observer: None,
        }
    }

    /// Tells `observer` of each call.
    #[must_use]
    pub fn observed(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Asks who the node is.
    pub async fn node(&self) -> Result<Node, LightningError> {
        let request = GetinfoRequest {};
        let info = self.call(&request).await?;
        Ok(Node {
            id: info.id.into(),
            network: info
                .network
                .parse()
                .map_err(|_| decode_error(&request, 0))?,
            syncing: info.warning_bitcoind_sync.or(info.warning_lightningd_sync),
        })
    }

    /// Creates an invoice; `None` where one with this label exists.
    pub async fn create_invoice(
        &self,
        invoice: NewInvoice,
    ) -> Result<Option<KnownInvoice>, LightningError> {
        let request = InvoiceRequest {
            label: invoice.label,
            amount_msat: AmountOrAny::Amount(Amount::from_msat(invoice.amount_msat.0)),
            description: invoice.description,
            expiry: Some(invoice.expiry_secs.into()),
            cltv: None,
            deschashonly: invoice.hash_description.then_some(true),
            preimage: invoice.preimage.as_ref().map(Preimage::to_hex),
            exposeprivatechannels: None,
            fallbacks: None,
        };
        match self.call(&request).await {
            Ok(answer) => {
                log_warnings(&answer);
                Ok(Some(KnownInvoice {
                    payment_hash: payment_hash(&answer.payment_hash),
                    bolt11: Some(answer.bolt11),
                    description: request.description,
                    standing: Standing {
                        status: Status::Unpaid,
                        expires_at: answer.expires_at,
                        amount_msat: Some(invoice.amount_msat),
                        preimage: None,
                        paid_at: None,
                    },
                }))
            }
            Err(LightningError::Rpc {
                code: LABEL_EXISTS, ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks for the invoice with this label.
    pub async fn find_by_label(
        &self,
        label: String,
    ) -> Result<Option<KnownInvoice>, LightningError> {
        self.find(ListinvoicesRequest {
            label: Some(label),
            ..find_nothing()
        })
        .await
    }

    /// Looks for the invoice with this payment hash.
    pub async fn find_by_payment_hash(
        &self,
        payment_hash: PaymentHash,
    ) -> Result<Option<KnownInvoice>, LightningError> {
        self.find(ListinvoicesRequest {
            payment_hash: Some(payment_hash.to_hex()),
            ..find_nothing()
        })
        .await
    }

    /// The number of the newest change of an invoice: it was paid, or it expired.
    pub async fn newest_change(&self) -> Result<u64, LightningError> {
        let request = WaitRequest {
            subsystem: WaitSubsystem::INVOICES,
            indexname: WaitIndexname::UPDATED,
            // It is there already, so this does not wait.
            nextvalue: 0,
        };
        let answer = self.call(&request).await?;
        answer.updated.ok_or_else(|| decode_error(&request, 0))
    }

    /// A page of the book in the order of changes: at most `limit` invoices from change number
    /// `start` (the first is 1), anyone's, each with its number and with its payment where that is
    /// what changed it.
    pub async fn payments_by_change(
        &self,
        start: u64,
        limit: u32,
    ) -> Result<Page<(u64, Option<Payment>)>, LightningError> {
        self.list(ListinvoicesIndex::UPDATED, start, limit, |invoice| {
            let change = invoice.updated_index.unwrap_or_default();
            (change, Payment::listed(invoice))
        })
        .await
    }

    /// A page of the book: at most `limit` invoices from number `start` (the first is 1) in order
    /// of creation, anyone's.
    pub async fn page(
        &self,
        start: u64,
        limit: u32,
    ) -> Result<Page<ListedInvoice>, LightningError> {
        self.list(ListinvoicesIndex::CREATED, start, limit, |invoice| {
            ListedInvoice {
                created_index: invoice.created_index,
                label: invoice.label.clone(),
                invoice: invoice.into(),
            }
        })
        .await
    }

    async fn list<T>(
        &self,
        index: ListinvoicesIndex,
        start: u64,
        limit: u32,
        make: impl Fn(ListinvoicesInvoices) -> T,
    ) -> Result<Page<T>, LightningError> {
        let number = match index {
            ListinvoicesIndex::CREATED => "created_index",
            ListinvoicesIndex::UPDATED => "updated_index",
        };
        let request = List(ListinvoicesRequest {
            index: Some(index),
            start: Some(start),
            limit: Some(limit),
            ..find_nothing()
        });
        let page = Page::read(self.call(&request).await?, start, number, make);
        if let (Some(observer), 1..) = (&self.observer, page.unreadable) {
            observer.skipped(request.method(), page.unreadable);
        }
        Ok(page)
    }

    /// Deletes the invoice with this label if it has expired unpaid; false where it is gone, has
    /// another status, or has a label that our rune does not allow.
    pub async fn delete_expired(&self, label: String) -> Result<bool, LightningError> {
        let request = DelinvoiceRequest {
            label,
            status: DelinvoiceStatus::EXPIRED,
            desconly: None,
        };
        match self.call(&request).await {
            Ok(_) => Ok(true),
            Err(LightningError::Rpc { code, .. }) if CANNOT_DELETE.contains(&code) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether lightningd's plugin autoclean deletes expired invoices.
    pub async fn cleans_expired(&self) -> Result<bool, LightningError> {
        let request = AutocleanstatusRequest {
            subsystem: Some(AutocleanSubsystem::EXPIREDINVOICES),
        };
        let status = self.call(&request).await?.autoclean.expiredinvoices;
        Ok(status.is_some_and(|expired| expired.enabled))
    }

    /// The age in seconds at which lightningd's plugin autoclean deletes paid invoices; `None` where
    /// it keeps them.
    pub async fn cleans_paid(&self) -> Result<Option<u64>, LightningError> {
        let request = AutocleanstatusRequest {
            subsystem: Some(AutocleanSubsystem::PAIDINVOICES),
        };
        let status = self.call(&request).await?.autoclean.paidinvoices;
        let paid = status.filter(|paid| paid.enabled);
        Ok(paid.map(|paid| paid.age.unwrap_or_default()))
    }

    /// Opens a connection to follow payments on. It is none of those that calls wait for.
    pub async fn watch(&self) -> Result<Watch, LightningError> {
        let connection = timeout(self.deadline, self.pool.connect()).await;
        let queue_is_full = |_| LightningError::Timeout {
            method: "connect".into(),
            after: self.deadline,
        };
        Ok(Watch {
            connection: connection.map_err(queue_is_full)??,
            deadline: self.deadline,
            observer: self.observer.clone(),
            skipped: None,
        })
    }

    async fn find(
        &self,
        request: ListinvoicesRequest,
    ) -> Result<Option<KnownInvoice>, LightningError> {
        let request = List(request);
        let Some(entry) = self.call(&request).await?.invoices.into_iter().next() else {
            return Ok(None);
        };
        // It is there, so it must not be told as if it were not.
        let found = read(entry).ok_or_else(|| decode_error(&request, 0))?;
        Ok(Some(found.into()))
    }

    /// Calls lightningd. The observer's time begins here, with the wait for a connection.
    pub(crate) async fn call<R: Call>(&self, request: &R) -> Result<R::Response, LightningError> {
        let started = Instant::now();
        let answer = self.pool.call(request, self.deadline).await;
        if let Some(observer) = &self.observer {
            observer.called(request.method(), started.elapsed(), answer.as_ref().err());
        }
        answer
    }
}

/// `listinvoices` needs exactly one selector; without any it lists everything.
fn find_nothing() -> ListinvoicesRequest {
    ListinvoicesRequest {
        index: None,
        invstring: None,
        label: None,
        limit: None,
        offer_id: None,
        payment_hash: None,
        start: None,
    }
}

/// lightningd warns where nobody may be able to pay the invoice.
fn log_warnings(invoice: &InvoiceResponse) {
    let warnings = [
        ("capacity", &invoice.warning_capacity),
        ("deadends", &invoice.warning_deadends),
        ("mpp", &invoice.warning_mpp),
        ("offline", &invoice.warning_offline),
        ("private_unused", &invoice.warning_private_unused),
    ];
    for (kind, text) in warnings {
        if let Some(text) = text {
            tracing::warn!(
                kind,
                "lightningd doubts that the invoice can be paid: {text}"
            );
        }
    }
}
