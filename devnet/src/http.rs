//! The network's HTTP side: its own page, and what pages under development need.
//!
//! | method and path | does |
//! |---|---|
//! | `GET /` | the page: the network drawn, payments, and what can happen to a network |
//! | `GET /network` | the [`Picture`] that the page draws |
//! | `GET /webln.js?node=NAME` | a script that makes `window.webln` pay from that node |
//! | `GET /info/NAME` | what WebLN's `getInfo` answers |
//! | `POST /pay/NAME` | pays `{"bolt11"}`: 200 `{"preimage"}`, 400 or 422 `{"message"}` |
//! | `POST /invoice/NAME` | makes an invoice for `{"amount_msat", "description"}`: 200 `{"bolt11"}` |
//! | `POST /book/NAME` | enters old invoices for `{"count", "label"}`, labels that begin so: 200 `{}` |
//! | `POST /decode` | reads `{"bolt11"}`: 200 `{"amount_msat", "description", "payee", "expires_at"}` |
//! | `POST /mine` | mines a block, or `?blocks=N`: 200 `{"height"}` |
//! | `POST /channels` | opens a channel for `{"from", "to", "sats"}`: 200 `{}` |
//! | `PATCH /nodes/NAME` | `{"online"}`, `{"holding"}` or both: offline and back, still and not |
//!
//! Any page may call it, without credentials: coins here are worth nothing. It must listen on
//! loopback only.

use std::sync::Arc;

use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tower_http::cors::CorsLayer;

use crate::bolt11;
use crate::invoicing::InvoiceRequest;
use crate::network::Network;
use crate::node::Node;
use crate::pay::{DEFAULT_RETRY, PayRequest};
use crate::picture::Picture;
use crate::random::random_bytes;

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The page's files and the WebLN provider: path, type, text.
fn files() -> [(&'static str, &'static str, &'static str); 10] {
    [
        ("/", HTML, include_str!("../page/index.html")),
        ("/network.css", CSS, include_str!("../page/network.css")),
        ("/tokens.css", CSS, shared::styles::tokens()),
        ("/logo.svg", SVG, shared::drawings::LOGO),
        ("/icon.svg", SVG, shared::drawings::ICON),
        (
            "/network.js",
            JAVASCRIPT,
            include_str!("../page/network.js"),
        ),
        ("/map.js", JAVASCRIPT, include_str!("../page/map.js")),
        ("/layout.js", JAVASCRIPT, include_str!("../page/layout.js")),
        ("/walk.js", JAVASCRIPT, include_str!("../page/walk.js")),
        ("/webln.js", JAVASCRIPT, include_str!("webln.js")),
    ]
}

/// Seconds for which an invoice of the page can be paid.
const INVOICE_EXPIRY: u64 = 3600;
/// More blocks than anyone needs at once.
const MOST_BLOCKS: u32 = 1000;

/// The routes over a network.
pub fn router(network: Arc<Network>) -> Router {
    let mut router = Router::new();
    for (path, content_type, text) in files() {
        let headers = [
            (header::CONTENT_TYPE, content_type),
            (header::CACHE_CONTROL, "no-store"),
        ];
        router = router.route(path, get(move || async move { (headers, text) }));
    }
    router
        .route("/network", get(picture))
        .route("/info/{node}", get(info))
        .route("/pay/{node}", post(pay))
        .route("/invoice/{node}", post(invoice))
        .route("/book/{node}", post(book))
        .route("/decode", post(decode))
        .route("/mine", post(mine))
        .route("/channels", post(open_channel))
        .route("/nodes/{node}", patch(change_node))
        .layer(CorsLayer::permissive())
        .with_state(network)
}

async fn picture(State(network): State<Arc<Network>>) -> Response {
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    (no_store, Json(Picture::of(&network))).into_response()
}

async fn info(
    State(network): State<Arc<Network>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let node = find(&network, &name)?;
    let info = json!({
        "node": {
            "alias": node.name(),
            "pubkey": node.node_id(),
            "color": format!("#{}", crate::hex::encode(&node.color())),
        },
        "methods": ["getInfo", "sendPayment"],
        "supports": ["lightning"],
        "version": env!("CARGO_PKG_VERSION"),
    });
    Ok(Json(info).into_response())
}

#[derive(Deserialize)]
struct Bolt11Body {
    bolt11: String,
}

async fn pay(
    State(network): State<Arc<Network>>,
    Path(name): Path<String>,
    Body(Bolt11Body { bolt11 }): Body<Bolt11Body>,
) -> Result<Response, Problem> {
    let node = find(&network, &name)?;
    let request = PayRequest {
        bolt11,
        amount_msat: None,
        max_fee_msat: None,
        retry_for: DEFAULT_RETRY,
    };
    let paid = node.pay(request).await.map_err(|error| refused(&error))?;
    Ok(Json(json!({ "preimage": paid.payment.preimage })).into_response())
}

#[derive(Deserialize)]
struct InvoiceBody {
    amount_msat: u64,
    description: String,
}

async fn invoice(
    State(network): State<Arc<Network>>,
    Path(name): Path<String>,
    Body(body): Body<InvoiceBody>,
) -> Result<Response, Problem> {
    let node = find(&network, &name)?;
    let random = random_bytes().map_err(|error| refused(&error))?;
    let created = node.create_invoice(InvoiceRequest {
        amount_msat: Some(body.amount_msat),
        label: format!("page/{}", crate::hex::encode(&random)),
        description: body.description,
        hash_description: false,
        expiry: INVOICE_EXPIRY,
        preimage: None,
        cltv: None,
        fallbacks: Vec::new(),
        hints: Vec::new(),
    });
    let created = created.map_err(|error| refused(&error))?;
    Ok(Json(json!({ "bolt11": created.invoice.bolt11 })).into_response())
}

#[derive(Deserialize)]
struct BookBody {
    count: u64,
    label: String,
}

async fn book(
    State(network): State<Arc<Network>>,
    Path(name): Path<String>,
    Body(BookBody { count, label }): Body<BookBody>,
) -> Result<Response, Problem> {
    let node = Arc::clone(find(&network, &name)?);
    // It works for as long as there are invoices to sign.
    let entered = tokio::task::spawn_blocking(move || node.add_history(count, &label)).await;
    entered
        .map_err(|error| refused(&error))?
        .map_err(|error| refused(&error))?;
    Ok(Json(json!({})).into_response())
}

async fn decode(
    State(network): State<Arc<Network>>,
    Body(Bolt11Body { bolt11 }): Body<Bolt11Body>,
) -> Result<Response, Problem> {
    let invoice = bolt11::parse(&bolt11).map_err(|error| refused(&error))?;
    let payee = invoice.get_payee_pub_key();
    let mut nodes = network.nodes().iter();
    let name = nodes
        .find(|node| node.ldk.node_id == payee)
        .map(|node| node.name());
    let read = json!({
        "amount_msat": invoice.amount_milli_satoshis(),
        "description": invoice.description().to_string(),
        "payee": name,
        "expires_at": invoice.expires_at().map(|time| time.as_secs()),
    });
    Ok(Json(read).into_response())
}

#[derive(Deserialize)]
struct Blocks {
    #[serde(default = "one")]
    blocks: u32,
}

fn one() -> u32 {
    1
}

async fn mine(
    State(network): State<Arc<Network>>,
    Query(Blocks { blocks }): Query<Blocks>,
) -> Response {
    let height = network.mine(blocks.min(MOST_BLOCKS));
    Json(json!({ "height": height })).into_response()
}

#[derive(Deserialize)]
struct ChannelBody {
    from: String,
    to: String,
    sats: u64,
}

async fn open_channel(
    State(network): State<Arc<Network>>,
    Body(body): Body<ChannelBody>,
) -> Result<Response, Problem> {
    let (from, to) = (find(&network, &body.from)?, find(&network, &body.to)?);
    let opened = network.open(from, to, body.sats).await;
    opened.map_err(|error| refused(&format!("{error:#}")))?;
    Ok(Json(json!({})).into_response())
}

#[derive(Deserialize)]
struct NodeBody {
    online: Option<bool>,
    holding: Option<bool>,
}

async fn change_node(
    State(network): State<Arc<Network>>,
    Path(name): Path<String>,
    Body(body): Body<NodeBody>,
) -> Result<Response, Problem> {
    let node = find(&network, &name)?;
    match body.online {
        Some(true) => network.bring_back(node).await,
        Some(false) => network
            .take_offline(node)
            .await
            .map_err(|error| refused(&error))?,
        None => {}
    }
    match body.holding {
        Some(true) => node.hold_payments(),
        Some(false) => node.release_payments(),
        None => {}
    }
    Ok(Json(json!({ "online": node.is_online(), "holding": node.is_holding() })).into_response())
}

fn find<'a>(network: &'a Network, name: &str) -> Result<&'a Arc<Node>, Problem> {
    network.node(name).ok_or_else(|| {
        let names: Vec<_> = network.nodes().iter().map(|node| node.name()).collect();
        let names = names.join(", ");
        Problem(
            StatusCode::NOT_FOUND,
            format!("no node is called {name}; there are {names}"),
        )
    })
}

/// JSON of this shape; another is a [`Problem`].
struct Body<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(Problem(StatusCode::BAD_REQUEST, rejection.body_text())),
        }
    }
}

/// What went wrong, in words for the page.
struct Problem(StatusCode, String);

fn refused(error: &impl ToString) -> Problem {
    Problem(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "message": self.1 }))).into_response()
    }
}
