//! The one place where an error becomes a status and a problem document.

use axum::Json;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::http::header::{CONTENT_RANGE, CONTENT_TYPE, LINK, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use shared::api::ItemId;
use shared::problem::{self, ErrorCode, Problem};

use crate::errors::chain;
use crate::goods::delivery::NotSatisfiable;
use crate::goods::price::NoPrice;
use crate::goods::versions::VersionError;
use crate::payments::admission::AdmissionError;
use crate::payments::claims::ClaimRejection;
use crate::payments::invoices::InvoiceError;
use crate::payments::limits::TooManyRequests;
use crate::payments::node::NodeError;
use crate::payments::open_invoices::TooManyOpen;
use crate::payments::purchases::PurchaseError;
use crate::payments::shares::Refusal;

/// Why a request is not answered as asked. Each variant names whoever has to act.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The client: the request has another form than the API's.
    #[error("{0}")]
    InvalidRequest(String),
    /// The client: the body is larger than any of the API's.
    #[error("the body holds more than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// The client: has had its share for now.
    #[error(
        "many invoices were asked for from your network in a short time; try again in {}",
        seconds(*retry_secs)
    )]
    TooManyRequests {
        /// When one more is allowed.
        retry_secs: u64,
    },
    /// The client: asks about one invoice in too many requests at once.
    #[error("many requests are waiting for this payment already; try again in a few seconds")]
    TooManyWaits,
    /// The buyer: holds as many unpaid invoices as it may, or its network does.
    #[error("{why}, or try again in {}", seconds(*retry_secs))]
    TooManyUnpaid {
        /// Whose share it is.
        why: Refusal,
        /// When to try again.
        retry_secs: u64,
    },
    /// Time, or the owner: no more invoices may be open.
    #[error("as many invoices are waiting for their payment as the store allows")]
    TooManyInvoices {
        /// When to try again.
        retry_secs: u64,
    },
    /// The client, or lightningd: took longer than any request may.
    #[error("the request took too long; send it again")]
    TooSlow,
    /// The client: no such address.
    #[error("there is nothing at this address")]
    NotFound,
    /// The owner, or a stranger: only proxies may ask here.
    #[error(
        "there is nothing at this address but for the proxies that `trusted_proxies` names; if you are \
         one, add your address there"
    )]
    NoProxy,
    /// The client: the address is not for this method.
    #[error("this address does not have this method")]
    MethodNotAllowed,
    /// The client: no such item.
    #[error("the store has no item {0}")]
    UnknownItem(ItemId),
    /// The buyer: the claim is not valid here.
    #[error("the claim is not valid here")]
    InvalidClaim(#[from] ClaimRejection),
    /// The owner: the key is not the one in the file.
    #[error(
        "the key is not valid here; send what is in the file that the store's verify_key_file names: \
         `Authorization: Bearer <key>`"
    )]
    InvalidKey,
    /// The client: has tried as many keys as it may for now.
    #[error(
        "many wrong keys came from your network in a short time; try again in {}",
        seconds(*retry_secs)
    )]
    TooManyKeys {
        /// When one more is allowed.
        retry_secs: u64,
    },
    /// The buyer: has to pay first.
    #[error("the goods are given out after payment")]
    PaymentRequired(Demand),
    /// The buyer: the invoice was deleted at the node.
    #[error(
        "this payment can no longer be confirmed here, because the store's node no longer has the \
         invoice; if you paid, send the preimage as well: `Authorization: L402 <claim>:<preimage>`"
    )]
    UnknownInvoice,
    /// The client: what it has a claim for is not sealed.
    #[error(
        "what this claim is for was not sold sealed, so it has no manifest; fetch the goods themselves"
    )]
    NotSealed,
    /// The owner: what was sold is gone.
    #[error(
        "the store no longer has what you paid for; ask its owner to put it back. Your claim stays \
         valid, and your receipt proves what was promised"
    )]
    Gone,
    /// The owner: the kept copy is damaged.
    #[error("the store's copy of {0} is damaged; it is not sold until its owner has put it back")]
    NotForSale(ItemId),
    /// The client: wants bytes that are not there.
    #[error(transparent)]
    Range(#[from] NotSatisfiable),
    /// The owner, or time: no rate to sell at.
    #[error("there is no price to sell at")]
    NoPrice(#[from] NoPrice),
    /// The owner, or time: the node cannot be used.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The owner: the service behind a route does not answer as it should.
    #[error("the service behind this address does not answer as it should: {0}")]
    Upstream(String),
    /// The owner: the service behind a route is this gateway.
    #[error("the request came back to the store that had passed it on")]
    Loop,
    /// The gateway itself: a bug of ours.
    #[error("{0}")]
    Internal(String),
}

/// What a `402` says.
#[derive(Debug, Default)]
pub(crate) struct Demand {
    /// What to pay, as values of `WWW-Authenticate`; `HEAD` gets none.
    pub(crate) challenges: Vec<HeaderValue>,
    /// The path at which programs get the goods, where it is another than the one that was asked for.
    pub(crate) goods: Option<String>,
    /// The path of the manifest, where what is to be paid for is sealed.
    pub(crate) manifest: Option<String>,
    /// What is wrong with the credential that was sent.
    pub(crate) why: Option<ClaimRejection>,
}

impl Error {
    /// What the client is told.
    pub(crate) fn problem(&self) -> Problem {
        let code = match self {
            Self::InvalidRequest(_) => ErrorCode::InvalidRequest,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::TooManyRequests { .. }
            | Self::TooManyKeys { .. }
            | Self::TooManyUnpaid { .. }
            | Self::TooManyWaits => ErrorCode::TooManyRequests,
            Self::TooManyInvoices { .. } => ErrorCode::TooManyInvoices,
            Self::TooSlow => ErrorCode::RequestTimeout,
            Self::NotFound | Self::NoProxy | Self::NotSealed => ErrorCode::NotFound,
            Self::MethodNotAllowed => ErrorCode::MethodNotAllowed,
            Self::UnknownItem(_) => ErrorCode::UnknownItem,
            Self::InvalidClaim(_) => ErrorCode::InvalidClaim,
            Self::InvalidKey => ErrorCode::InvalidKey,
            Self::PaymentRequired(_) => ErrorCode::PaymentRequired,
            Self::UnknownInvoice => ErrorCode::UnknownInvoice,
            Self::Gone | Self::NotForSale(_) => ErrorCode::Gone,
            Self::Range(_) => ErrorCode::RangeNotSatisfiable,
            Self::NoPrice(_) => ErrorCode::PriceUnavailable,
            Self::Node(_) => ErrorCode::LightningUnavailable,
            Self::Upstream(_) => ErrorCode::UpstreamUnavailable,
            Self::Loop => ErrorCode::LoopDetected,
            Self::Internal(_) => ErrorCode::Internal,
        };
        let detail = match self {
            Self::Node(_) => {
                "The store cannot make or check invoices at the moment. Try again shortly.".into()
            }
            Self::NoPrice(_) => {
                "The price follows an exchange rate that the store does not know at the moment. Try \
                 again shortly."
                    .into()
            }
            Self::TooManyInvoices { retry_secs } => format!(
                "Too many invoices are waiting for their payment. Try again in {}.",
                seconds(*retry_secs)
            ),
            Self::Upstream(_) => {
                "The service behind this address does not answer as it should. What you paid stays \
                 good; try again shortly."
                    .into()
            }
            Self::Internal(_) => "The store's log says more. Try again shortly.".into(),
            Self::InvalidClaim(why) => format!("{self}: {why}"),
            Self::PaymentRequired(Demand { goods, why, .. }) => {
                let place = goods.as_ref().map(|path| format!("; programs get them at {path}"));
                let why = why.map(|why| format!("; the credential that you sent does not open them: {why}"));
                format!("{self}{}{}", place.unwrap_or_default(), why.unwrap_or_default())
            }
            told => told.to_string(),
        };
        Problem {
            retry_after: self.retry_secs(),
            ..Problem::new(code, detail)
        }
    }

    /// When the same request may succeed, in seconds.
    fn retry_secs(&self) -> Option<u64> {
        match self {
            Self::TooManyRequests { retry_secs }
            | Self::TooManyKeys { retry_secs }
            | Self::TooManyUnpaid { retry_secs, .. }
            | Self::TooManyInvoices { retry_secs } => Some(*retry_secs),
            Self::TooManyWaits => Some(5),
            Self::Node(_) | Self::Upstream(_) => Some(2),
            Self::NoPrice(_) => Some(30),
            _ => None,
        }
    }
}

impl From<TooManyRequests> for Error {
    fn from(TooManyRequests { retry_secs }: TooManyRequests) -> Self {
        Self::TooManyRequests { retry_secs }
    }
}

impl From<TooManyOpen> for Error {
    fn from(TooManyOpen { why, retry_secs }: TooManyOpen) -> Self {
        match why {
            Refusal::Client | Refusal::Network => Self::TooManyUnpaid { why, retry_secs },
            Refusal::Store => Self::TooManyInvoices { retry_secs },
        }
    }
}

impl From<VersionError> for Error {
    fn from(error: VersionError) -> Self {
        match error {
            VersionError::Gone | VersionError::Damaged => Self::Gone,
            VersionError::NotForSale(item) => Self::NotForSale(item),
            broken @ (VersionError::Read(_) | VersionError::Promise { .. }) => {
                Self::Internal(chain(&broken))
            }
        }
    }
}

impl From<InvoiceError> for Error {
    fn from(error: InvoiceError) -> Self {
        match error {
            InvoiceError::Lightning(error) => Self::Node(error.into()),
            InvoiceError::Unknown => Self::UnknownInvoice,
            InvoiceError::TooManyWaits(_) => Self::TooManyWaits,
        }
    }
}

impl From<AdmissionError> for Error {
    fn from(error: AdmissionError) -> Self {
        match error {
            AdmissionError::Claim(why) => why.into(),
            AdmissionError::Invoice(error) => error.into(),
            many @ AdmissionError::TooMany => Self::InvalidRequest(many.to_string()),
        }
    }
}

impl From<PurchaseError> for Error {
    fn from(error: PurchaseError) -> Self {
        match error {
            PurchaseError::TooManyRequests(error) => error.into(),
            PurchaseError::TooManyOpen(error) => error.into(),
            PurchaseError::NoPrice(why) => why.into(),
            PurchaseError::Version(error) => error.into(),
            PurchaseError::Node(error) => error.into(),
            odd @ (PurchaseError::Vanished
            | PurchaseError::NotBolt11
            | PurchaseError::Random(_)) => Self::Internal(odd.to_string()),
        }
    }
}

/// As people say it.
pub(crate) fn seconds(secs: u64) -> String {
    match secs {
        1 => "1 second".into(),
        _ => format!("{secs} seconds"),
    }
}

/// How many bytes there are, where none of them are sent (RFC 9110, 14.4).
fn whole(size: u64) -> HeaderValue {
    HeaderValue::try_from(format!("bytes */{size}")).expect("digits are plain ASCII")
}

/// Goes with an answer to where requests are logged. Strangers never see it.
#[derive(Clone, Debug)]
pub(crate) struct Cause(pub(crate) String);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = self.problem();
        let status = StatusCode::from_u16(problem.status).expect("every code has a valid status");
        let mut response = (status, Json(&problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static(problem::CONTENT_TYPE),
        );
        match &self {
            Self::PaymentRequired(demand) => {
                for challenge in &demand.challenges {
                    headers.append(WWW_AUTHENTICATE, challenge.clone());
                }
                let link = demand.manifest.as_ref();
                let link = link.map(|path| format!("<{path}>; rel=\"describedby\""));
                if let Some(Ok(link)) = link.map(HeaderValue::try_from) {
                    headers.insert(LINK, link);
                }
            }
            Self::InvalidClaim(_) => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("L402"));
            }
            Self::InvalidKey => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Range(NotSatisfiable { size }) => {
                headers.insert(CONTENT_RANGE, whole(*size));
            }
            _ => {}
        }
        if let Some(secs) = problem.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        response.extensions_mut().insert(Cause(chain(&self)));
        response.extensions_mut().insert(Told(problem));
        response
    }
}

/// Goes with an answer to where it may become a page for people.
#[derive(Clone, Debug)]
pub(crate) struct Told(pub(crate) Problem);

/// The largest body of the API is a receipt, of some two thousand bytes.
pub(crate) const MAX_BODY: usize = 4096;

impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        match rejection {
            JsonRejection::BytesRejection(BytesRejection::FailedToBufferBody(_)) => {
                Self::TooLarge { max: MAX_BODY }
            }
            // axum's own text repeats parts of the body, which may hold a purchase id.
            JsonRejection::MissingJsonContentType(_) => Self::InvalidRequest(
                "the body has to come as `Content-Type: application/json`".into(),
            ),
            _ => Self::InvalidRequest(
                "the body has to be JSON: {\"purchase_id\": \"<32 hex digits>\"}".into(),
            ),
        }
    }
}

impl From<QueryRejection> for Error {
    fn from(_: QueryRejection) -> Self {
        Self::InvalidRequest("`wait` has to be a whole number of seconds".into())
    }
}

/// An invalid item id cannot name anything, so the answer is 404.
impl From<PathRejection> for Error {
    fn from(_: PathRejection) -> Self {
        Self::NotFound
    }
}
