//! lightningd's JSON-RPC on its Unix socket: the few calls that a store needs, typed.
//!
//! Only this module knows lightningd's field names. Each call has a connection to itself, so calls
//! run side by side and a slow one delays no other. A connection is kept for the next call after a
//! clean answer only; one that failed, timed out or was abandoned is dropped.
//!
//! cln-rpc provides the types of requests and answers. Its client is not used, because it holds
//! one connection, knows no deadline, and reports a lost connection as an error of lightningd's.

mod paying;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cln_rpc::TypedRequest;
use cln_rpc::model::requests::{
    AutocleanstatusRequest, DelinvoiceRequest, DelinvoiceStatus, GetinfoRequest, InvoiceRequest,
    ListinvoicesIndex, ListinvoicesRequest, WaitIndexname, WaitRequest, WaitSubsystem,
    WaitanyinvoiceRequest,
};
use cln_rpc::model::responses::{
    InvoiceResponse, ListinvoicesInvoices, ListinvoicesInvoicesStatus, WaitanyinvoiceResponse,
};
use cln_rpc::primitives::{Amount, AmountOrAny, AutocleanSubsystem, Secret, Sha256};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::api::Status;
use shared::lightning::{Msat, Network, NodeId, PaymentHash, Preimage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

pub use paying::Sent;

use crate::metrics::Metrics;

/// A client of one lightningd. It connects when it is used.
#[derive(Debug)]
pub struct Lightningd {
    socket: PathBuf,
    deadline: Duration,
    idle: Mutex<Vec<Connection>>,
    metrics: Option<Metrics>,
}

/// As many connections are kept for later calls; more are opened when needed.
const MAX_IDLE: usize = 32;

/// Who the node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its public key.
    pub id: NodeId,
    /// The network that it is on.
    pub network: Network,
    /// Its own words, where it has not caught up with the chain yet.
    pub syncing: Option<String>,
}

/// What an invoice is to say.
#[derive(Clone, Debug)]
pub struct NewInvoice {
    /// Unique at lightningd; at most 128 bytes.
    pub label: String,
    /// The price.
    pub amount_msat: Msat,
    /// At most 639 bytes, without control characters.
    pub description: String,
    /// Seconds. Always stated, because lightningd's default is a week. lightningd aborts at 2^60.
    pub expiry_secs: u32,
}

/// An invoice that lightningd knows.
#[derive(Clone, Debug)]
pub struct KnownInvoice {
    /// Names the payment.
    pub payment_hash: PaymentHash,
    /// What the buyer pays; `None` for a BOLT12 invoice, which is never ours.
    pub bolt11: Option<String>,
    /// The asked amount; `None` lets the payer choose, which is never ours.
    pub amount_msat: Option<Msat>,
    /// What the payer sees.
    pub description: String,
    /// Whether it is paid.
    pub standing: Standing,
}

/// An invoice in the order of lightningd's book.
#[derive(Clone, Debug)]
pub struct ListedInvoice {
    /// The order of creation, from 1.
    pub created_index: u64,
    /// Its unique name at lightningd.
    pub label: String,
    /// The rest.
    pub invoice: KnownInvoice,
}

/// Where an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// lightningd's word.
    pub status: Status,
    /// UNIX seconds.
    pub expires_at: u64,
    /// The proof, once it is paid.
    pub preimage: Option<Preimage>,
}

/// A payment that arrived.
#[derive(Clone, Debug)]
pub struct Payment {
    /// Its number in the order of payments.
    pub pay_index: u64,
    /// Names it.
    pub payment_hash: PaymentHash,
    /// The invoice's name at lightningd.
    pub label: String,
    /// The asked amount; `None` let the payer choose.
    pub amount_msat: Option<Msat>,
    /// The paid amount; a payer may pay more than was asked.
    pub received_msat: Msat,
    /// UNIX seconds.
    pub paid_at: u64,
    /// The paid invoice.
    pub standing: Standing,
}

/// Why lightningd did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LightningError {
    /// Nobody listens at the socket, or we may not talk to it.
    #[error("cannot connect to lightningd at {socket:?}")]
    Connect {
        /// The socket's path.
        socket: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The connection ended before the answer was complete.
    #[error("lightningd closed the connection during `{method}`")]
    Closed {
        /// The call.
        method: String,
    },
    /// No answer in time.
    #[error("lightningd did not answer `{method}` within {} ms", after.as_millis())]
    Timeout {
        /// The call.
        method: String,
        /// The deadline.
        after: Duration,
    },
    /// An answer that cannot be read. Its text is not repeated: it may hold a preimage.
    #[error("lightningd's answer to `{method}` has another form than expected (at byte {at})")]
    Decode {
        /// The call.
        method: String,
        /// Where in the answer the reader gave up.
        at: usize,
    },
    /// lightningd's own error.
    #[error("lightningd answered `{method}` with error {code}: {message}")]
    Rpc {
        /// The call.
        method: String,
        /// See the codes that lightningd documents for each call.
        code: i64,
        /// For people.
        message: String,
    },
}

/// An invoice with this label exists.
const LABEL_EXISTS: i64 = 900;
/// `delinvoice`: there is no invoice with this label, or it has another status.
const CANNOT_DELETE: [i64; 2] = [905, 906];
/// `waitanyinvoice`: nothing was paid in time.
const WAIT_TIMED_OUT: i64 = 904;

impl LightningError {
    /// The kind of failure in a word.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Closed { .. } => "closed",
            Self::Timeout { .. } => "timeout",
            Self::Decode { .. } => "decode",
            Self::Rpc { .. } => "rpc",
        }
    }

    /// What the store's owner can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Connect { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => {
                    "start lightningd, or name the socket that it has with --lightning-rpc \
                     (`lightning-cli getinfo` shows its folder as lightning-dir)"
                }
                io::ErrorKind::PermissionDenied => {
                    "run purrwall as the user that runs lightningd, or set lightningd's option \
                     rpc-file-mode=0660 and put purrwall's user into its group"
                }
                io::ErrorKind::ConnectionRefused => {
                    "lightningd has stopped or is still starting: wait a moment, then look at \
                     lightningd's log"
                }
                _ => "check that --lightning-rpc names lightningd's socket",
            },
            Self::Closed { .. } => "lightningd is stopping or restarting: wait until it is back",
            Self::Timeout { .. } => "lightningd is overloaded or hangs: look at its log",
            Self::Decode { .. } => {
                "check that --lightning-rpc names the socket of a Core Lightning of version 24.02 \
                 or newer"
            }
            Self::Rpc { .. } => "look at lightningd's log",
        }
    }
}

impl Lightningd {
    /// A client of the lightningd at `socket`, each of whose calls may take as long as `deadline`.
    pub fn new(socket: PathBuf, deadline: Duration) -> Self {
        Self {
            socket,
            deadline,
            idle: Mutex::default(),
            metrics: None,
        }
    }

    /// Measures each call.
    #[must_use]
    pub fn measured(mut self, metrics: Metrics) -> Self {
        self.metrics = Some(metrics);
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
            deschashonly: None,
            preimage: None,
            exposeprivatechannels: None,
            fallbacks: None,
        };
        match self.call(&request).await {
            Ok(answer) => {
                log_warnings(&answer);
                Ok(Some(KnownInvoice {
                    payment_hash: payment_hash(&answer.payment_hash),
                    bolt11: Some(answer.bolt11),
                    amount_msat: Some(invoice.amount_msat),
                    description: request.description,
                    standing: Standing {
                        status: Status::Unpaid,
                        expires_at: answer.expires_at,
                        preimage: None,
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
    ) -> Result<Vec<(u64, Option<Payment>)>, LightningError> {
        let request = ListinvoicesRequest {
            index: Some(ListinvoicesIndex::UPDATED),
            start: Some(start),
            limit: Some(limit),
            ..find_nothing()
        };
        let page = self.call(&request).await?.invoices.into_iter();
        Ok(page
            .map(|invoice| {
                (
                    invoice.updated_index.unwrap_or_default(),
                    Payment::of(invoice),
                )
            })
            .collect())
    }

    /// A page of the book: at most `limit` invoices from number `start` (the first is 1) in order
    /// of creation, anyone's.
    pub async fn page(&self, start: u64, limit: u32) -> Result<Vec<ListedInvoice>, LightningError> {
        let request = ListinvoicesRequest {
            index: Some(ListinvoicesIndex::CREATED),
            start: Some(start),
            limit: Some(limit),
            ..find_nothing()
        };
        let listed = |invoice: ListinvoicesInvoices| ListedInvoice {
            created_index: invoice.created_index,
            label: invoice.label.clone(),
            invoice: invoice.into(),
        };
        let page = self.call(&request).await?.invoices;
        Ok(page.into_iter().map(listed).collect())
    }

    /// Deletes the invoice with this label if it has expired unpaid; false where it is gone or has
    /// another status.
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

    /// Opens a connection to follow payments on.
    pub async fn watch(&self) -> Result<Watch, LightningError> {
        Ok(Watch {
            connection: self.connect().await?,
            deadline: self.deadline,
        })
    }

    async fn find(
        &self,
        request: ListinvoicesRequest,
    ) -> Result<Option<KnownInvoice>, LightningError> {
        let found = self.call(&request).await?.invoices.into_iter().next();
        Ok(found.map(KnownInvoice::from))
    }

    /// Calls lightningd on a connection of its own, within the deadline.
    async fn call<R: Call>(&self, request: &R) -> Result<R::Response, LightningError> {
        let call = within(self.deadline, request, async {
            let idle = self.idle().pop();
            if let Some(connection) = idle {
                match self.call_on(connection, request).await {
                    // lightningd was restarted since. Every call of ours may be repeated: an
                    // invoice that was made all the same is found by its label.
                    Err(LightningError::Closed { .. }) => self.idle().clear(),
                    answered => return answered,
                }
            }
            self.call_on(self.connect().await?, request).await
        });
        measure(self.metrics.as_ref(), request, call).await
    }

    async fn call_on<R: Call>(
        &self,
        mut connection: Connection,
        request: &R,
    ) -> Result<R::Response, LightningError> {
        let answer = connection.call(request).await;
        if matches!(answer, Ok(_) | Err(LightningError::Rpc { .. })) {
            let mut idle = self.idle();
            if idle.len() < MAX_IDLE {
                idle.push(connection);
            }
        }
        answer
    }

    async fn connect(&self) -> Result<Connection, LightningError> {
        Connection::open(&self.socket).await
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that follows payments.
#[derive(Debug)]
pub struct Watch {
    connection: Connection,
    deadline: Duration,
}

impl Watch {
    /// Waits for the next payment after number `after`; `None` when none came within `wait`
    /// (whole seconds).
    pub async fn next_payment(
        &mut self,
        after: u64,
        wait: Duration,
    ) -> Result<Option<Payment>, LightningError> {
        let request = WaitanyinvoiceRequest {
            lastpay_index: Some(after),
            timeout: Some(wait.as_secs()),
        };
        let answer = within(
            wait + self.deadline,
            &request,
            self.connection.call(&request),
        )
        .await;
        match answer {
            Ok(paid) => match paid.pay_index {
                Some(pay_index) => Ok(Some(Payment::new(pay_index, paid))),
                None => Err(decode_error(&request, 0)),
            },
            Err(LightningError::Rpc {
                code: WAIT_TIMED_OUT,
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The number of the newest payment, 0 where nothing was ever paid.
    ///
    /// lightningd has no call for it, and listing what was paid may take megabytes. But
    /// `waitanyinvoice` without waiting tells whether any payment is newer than a number, so the
    /// newest is found by doubling and halving: some 40 quick calls after a million payments.
    /// It must be exact: when a number is too high, lightningd wakes a call that waits, but a
    /// payment between two calls would be missed.
    pub async fn newest_pay_index(&mut self) -> Result<u64, LightningError> {
        let (mut newest, mut at_most) = (0, None);
        loop {
            let guess = match at_most {
                Some(bound) if newest >= bound => return Ok(newest),
                Some(bound) => newest + (bound - newest) / 2,
                None => newest * 2,
            };
            match self.next_payment(guess, Duration::ZERO).await? {
                Some(payment) => newest = payment.pay_index,
                None => at_most = Some(guess),
            }
        }
    }
}

/// What cln-rpc's requests are.
trait Call: TypedRequest<Response: DeserializeOwned> + Serialize + Sync {}
impl<R: TypedRequest<Response: DeserializeOwned> + Serialize + Sync> Call for R {}

#[derive(Debug)]
struct Connection {
    stream: UnixStream,
    calls: u64,
    buffer: Vec<u8>,
}

#[derive(Serialize)]
struct Question<'a, P> {
    jsonrpc: &'static str,
    id: &'a str,
    method: &'a str,
    params: &'a P,
}

#[derive(Deserialize)]
struct Answer<T> {
    id: Option<String>,
    result: Option<T>,
    error: Option<AnswerError>,
}

#[derive(Deserialize)]
struct AnswerError {
    code: i64,
    message: String,
}

impl Connection {
    async fn open(socket: &Path) -> Result<Self, LightningError> {
        let stream =
            UnixStream::connect(socket)
                .await
                .map_err(|source| LightningError::Connect {
                    socket: socket.to_owned(),
                    source,
                })?;
        Ok(Self {
            stream,
            calls: 0,
            buffer: Vec::new(),
        })
    }

    async fn call<R: Call>(&mut self, request: &R) -> Result<R::Response, LightningError> {
        let method = request.method();
        self.calls += 1;
        let id = format!("purrwall:{method}#{}", self.calls);
        let question = serde_json::to_vec(&Question {
            jsonrpc: "2.0",
            id: &id,
            method,
            params: request,
        })
        .expect("requests have string keys and no failing field");
        let closed = |_| LightningError::Closed {
            method: method.to_owned(),
        };
        self.stream.write_all(&question).await.map_err(closed)?;
        let end = self.read_answer().await.map_err(closed)?;

        let answer: Answer<R::Response> = serde_json::from_slice(&self.buffer[..end])
            .map_err(|error| decode_error(request, error.column()))?;
        self.buffer.clear();
        match answer {
            Answer {
                id: Some(answered),
                result: Some(result),
                ..
            } if answered == id => Ok(result),
            Answer {
                id: Some(answered),
                error: Some(error),
                ..
            } if answered == id => Err(LightningError::Rpc {
                method: method.to_owned(),
                code: error.code,
                message: error.message,
            }),
            _ => Err(decode_error(request, 0)),
        }
    }

    /// Reads up to the blank line that ends an answer, and gives the answer's length.
    async fn read_answer(&mut self) -> io::Result<usize> {
        let mut searched = 0;
        loop {
            if let Some(found) = self.buffer[searched..]
                .windows(2)
                .position(|w| w == b"\n\n")
            {
                return Ok(searched + found);
            }
            // The first newline may be the last byte so far.
            searched = self.buffer.len().saturating_sub(1);
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

async fn measure<R: Call, T>(
    metrics: Option<&Metrics>,
    request: &R,
    call: impl Future<Output = Result<T, LightningError>>,
) -> Result<T, LightningError> {
    let started = Instant::now();
    let answer = call.await;
    if let Some(metrics) = metrics {
        metrics.called(request.method(), started.elapsed(), answer.as_ref().err());
    }
    answer
}

/// Gives up a call after `deadline`.
async fn within<R: Call, T>(
    deadline: Duration,
    request: &R,
    call: impl Future<Output = Result<T, LightningError>>,
) -> Result<T, LightningError> {
    timeout(deadline, call).await.unwrap_or_else(|_| {
        Err(LightningError::Timeout {
            method: request.method().to_owned(),
            after: deadline,
        })
    })
}

fn decode_error(request: &impl Call, at: usize) -> LightningError {
    LightningError::Decode {
        method: request.method().to_owned(),
        at,
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

impl From<ListinvoicesInvoices> for KnownInvoice {
    fn from(invoice: ListinvoicesInvoices) -> Self {
        Self {
            payment_hash: payment_hash(&invoice.payment_hash),
            bolt11: invoice.bolt11,
            amount_msat: invoice.amount_msat.map(|amount| Msat(amount.msat())),
            description: invoice.description.unwrap_or_default(),
            standing: Standing {
                status: match invoice.status {
                    ListinvoicesInvoicesStatus::UNPAID => Status::Unpaid,
                    ListinvoicesInvoicesStatus::PAID => Status::Paid,
                    ListinvoicesInvoicesStatus::EXPIRED => Status::Expired,
                },
                expires_at: invoice.expires_at,
                preimage: invoice.payment_preimage.map(preimage),
            },
        }
    }
}

impl Payment {
    fn of(invoice: ListinvoicesInvoices) -> Option<Self> {
        let msat = |amount: Amount| Msat(amount.msat());
        Some(Self {
            pay_index: invoice.pay_index?,
            payment_hash: payment_hash(&invoice.payment_hash),
            label: invoice.label.clone(),
            amount_msat: invoice.amount_msat.map(msat),
            received_msat: invoice.amount_received_msat.map_or(Msat(0), msat),
            paid_at: invoice.paid_at.unwrap_or_default(),
            standing: KnownInvoice::from(invoice).standing,
        })
    }

    fn new(pay_index: u64, paid: WaitanyinvoiceResponse) -> Self {
        let msat = |amount: Amount| Msat(amount.msat());
        Self {
            pay_index,
            payment_hash: payment_hash(&paid.payment_hash),
            label: paid.label,
            amount_msat: paid.amount_msat.map(msat),
            received_msat: paid.amount_received_msat.map_or(Msat(0), msat),
            paid_at: paid.paid_at.unwrap_or_default(),
            standing: Standing {
                // lightningd gives only paid invoices a pay_index.
                status: Status::Paid,
                expires_at: paid.expires_at,
                preimage: paid.payment_preimage.map(preimage),
            },
        }
    }
}

fn payment_hash(hash: &Sha256) -> PaymentHash {
    PaymentHash(*hash.as_ref())
}

fn preimage(secret: Secret) -> Preimage {
    Preimage(secret.into())
}
