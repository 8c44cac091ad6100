//! A price on routes of somebody else's, over a lightningd that goes wrong. `examples` has the same
//! over real payments.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use purrwall_gateway::Secret;
use purrwall_gateway::{Gateway, Price, PriceError, PriceLayer};
use shared::claim::{CAVEAT_ITEM, CAVEAT_SHA256, CAVEAT_VALID_UNTIL, Claim};
use shared::content::commitment;
use shared::invoice::Invoice;
use shared::lightning::{Msat, Preimage};
use shared::problem::{ErrorCode, Problem};
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;
use tower::ServiceExt as _;

use testing::fake_lightningd::FakeLightningd;
use testing::tools::{SECRET, TestGateway, eventually, l402, options, unix_now};

/// A service of one's own that counts who reaches it.
struct Service {
    node: FakeLightningd,
    router: Router,
    reached: Arc<AtomicU32>,
}

impl Service {
    fn new() -> Self {
        Self::with(|price| price)
    }

    /// Its route `/words` has a price, as `change` makes it.
    fn with(change: impl FnOnce(PriceLayer) -> PriceLayer) -> Self {
        let node = FakeLightningd::start();
        let gateway = gateway(&node);
        let reached = Arc::new(AtomicU32::new(0));
        let counter = reached.clone();
        let words = any(move |method: Method, body: String| async move {
            counter.fetch_add(1, Ordering::SeqCst);
            (
                [("x-own", "kept"), ("cache-control", "public")],
                format!("{method} {body}"),
            )
        });
        let price = gateway.price("words", "21 sat".parse().unwrap()).unwrap();
        let router = Router::new()
            .route("/words", words.layer(change(price)))
            .nest("/store", gateway.router());
        Self {
            node,
            router,
            reached,
        }
    }

    async fn ask(&self, method: Method, credentials: &[&str], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri("/words");
        for credential in credentials {
            request = request.header(AUTHORIZATION, *credential);
        }
        self.send(request.body(body.to_owned().into()).unwrap())
            .await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        Answer::of(response).await
    }

    /// Asks without a credential; gives the claim and the invoice of the challenge.
    async fn challenge(&self) -> (Claim, Invoice) {
        self.ask(Method::GET, &[], "").await.challenge()
    }

    #[track_caller]
    fn assert_reached(&self, times: u32) {
        assert_eq!(self.reached.load(Ordering::SeqCst), times);
    }
}

fn gateway(node: &FakeLightningd) -> Gateway {
    let mut options = options(node.socket());
    options.store.invoice_expiry_secs = 5;
    Gateway::with(options, &Secret::from_bytes(SECRET)).unwrap()
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: axum::body::to_bytes(body, usize::MAX).await.unwrap(),
        }
    }

    #[track_caller]
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).expect(name).to_str().unwrap()
    }

    #[track_caller]
    fn problem(&self) -> ErrorCode {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status.as_u16());
        assert_eq!(self.header("cache-control"), "private, no-store");
        assert_eq!(self.header("access-control-allow-origin"), "*");
        assert_eq!(
            self.header("access-control-expose-headers"),
            "www-authenticate"
        );
        problem.code
    }

    #[track_caller]
    fn challenge(&self) -> (Claim, Invoice) {
        assert_eq!(self.problem(), ErrorCode::PaymentRequired);
        let (claim, bolt11) =
            purrwall_buyer::challenge::read([self.header("www-authenticate")]).unwrap();
        (claim, Invoice::decode(&bolt11).unwrap())
    }
}

#[tokio::test]
async fn without_a_credential_the_answer_is_what_to_pay() {
    let service = Service::with(|price| price.title("Wise words"));
    let (claim, invoice) = service.challenge().await;
    assert_eq!(invoice.amount_msat, Some(Msat(21_000)));
    assert_eq!(invoice.description.as_deref(), Some("Wise words"));
    assert_eq!(commitment(invoice.description.as_deref().unwrap()), None);
    assert_eq!(claim.payment_hash(), invoice.payment_hash);
    let caveats = |name| claim.caveats(name).collect::<Vec<_>>();
    assert_eq!(caveats(CAVEAT_ITEM), ["route:words"]);
    assert!(caveats(CAVEAT_SHA256).is_empty());
    assert!(caveats(CAVEAT_VALID_UNTIL).is_empty());
    service.assert_reached(0);
}

#[tokio::test]
async fn what_is_paid_for_passes_as_it_is() {
    let service = Service::new();
    let (claim, invoice) = service.challenge().await;
    assert_eq!(invoice.description.as_deref(), Some("words"));
    let unpaid = service.ask(Method::POST, &[&l402(&claim)], "hello").await;
    assert_eq!(unpaid.challenge(), (claim.clone(), invoice.clone()));
    service.assert_reached(0);

    let proof = Preimage(service.node.is_paid(&invoice.bolt11)).to_hex();
    let with_proof = format!("{}:{proof}", l402(&claim));
    // Until the watcher has heard of the payment, the invoice is remembered as unpaid.
    let heard = async {
        let credential = l402(&claim);
        while service.ask(Method::HEAD, &[&credential], "").await.status != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let heard = tokio::time::timeout(Duration::from_mins(1), heard).await;
    heard.unwrap();
    for credential in [l402(&claim), with_proof] {
        let paid = service.ask(Method::POST, &[&credential], "hello").await;
        assert_eq!(paid.status, StatusCode::OK);
        assert_eq!(paid.body, "POST hello");
        assert_eq!(paid.header("x-own"), "kept");
        assert_eq!(paid.header("cache-control"), "private, no-store");
        assert_eq!(paid.header("access-control-allow-origin"), "*");
    }
    service.assert_reached(3);
    assert_eq!(service.node.invoices(), 1);
}

#[tokio::test]
async fn who_asks_for_nothing_gets_no_invoice() {
    let service = Service::new();
    for method in [Method::HEAD, Method::OPTIONS] {
        let answer = service.ask(method, &[], "").await;
        assert_eq!(answer.status, StatusCode::PAYMENT_REQUIRED);
        assert!(!answer.headers.contains_key("www-authenticate"));
    }
    let preflight = Request::options("/words")
        .header("origin", "https://blog.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    let answer = service.send(preflight.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let allowed = answer.header("access-control-allow-headers");
    assert!(allowed.contains("authorization"), "{allowed}");
    assert_eq!(service.node.invoices(), 0);
    service.assert_reached(0);
}

#[tokio::test]
async fn of_several_credentials_one_that_is_paid_is_enough() {
    let service = Service::new();
    let (unpaid, _) = service.challenge().await;
    let (claim, invoice) = service.challenge().await;
    service.node.is_paid(&invoice.bolt11);
    let (unpaid, paid) = (l402(&unpaid), l402(&claim));
    for credentials in [
        vec![unpaid.as_str(), &paid],
        vec!["L402 %%%", &paid],
        vec![&format!("{paid}, {unpaid}")],
    ] {
        let answer = service.ask(Method::GET, &credentials, "").await;
        assert_eq!(answer.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn what_is_no_claim_of_the_route_is_refused() {
    let service = Service::new();
    let (claim, invoice) = service.challenge().await;
    let proof = Preimage(service.node.is_paid(&invoice.bolt11)).to_hex();
    let payment_hash = invoice.payment_hash.to_hex();
    for stranger in [
        format!("L402 {proof}"),
        format!("L402 {payment_hash}:{proof}"),
        format!("{}:{payment_hash}", l402(&claim)),
        "L402 %%%".to_owned(),
    ] {
        let answer = service.ask(Method::GET, &[&stranger], "").await;
        assert_eq!(answer.problem(), ErrorCode::InvalidClaim);
        assert_eq!(answer.header("www-authenticate"), "L402");
    }
    service.assert_reached(0);
    assert_eq!(service.node.invoices(), 1);
}

/// A route may be cheaper than an item of the same name, and the other way round.
#[tokio::test]
async fn routes_and_items_of_the_same_name_are_paid_for_apart() {
    let node = FakeLightningd::start();
    let gateway = gateway(&node);
    let price = gateway.price("cat", "1 msat".parse().unwrap()).unwrap();
    let router: Router = Router::new().route("/cat", any(|| async { "a route" }).layer(price));
    let ask = async |credential: Option<&str>| {
        let mut request = Request::get("/cat");
        if let Some(credential) = credential {
            request = request.header(AUTHORIZATION, credential);
        }
        let request = request.body(Body::empty()).unwrap();
        Answer::of(router.clone().oneshot(request).await.unwrap()).await
    };
    let store = TestGateway::new(node.socket());

    let (route, invoice) = ask(None).await.challenge();
    let proof = Preimage(node.is_paid(&invoice.bolt11)).to_hex();
    let route = format!("{}:{proof}", l402(&route));
    assert_eq!(ask(Some(&route)).await.body, "a route");
    let at_the_store = store.content("cat", &[&route]).await;
    at_the_store.assert_problem(ErrorCode::InvalidClaim);

    let created = store.create("cat").await;
    let proof = Preimage(node.is_paid(&created.invoice.bolt11)).to_hex();
    let bought = format!("{}:{proof}", l402(&created.claim));
    assert_eq!(
        store.content("cat", &[&bought]).await.status,
        StatusCode::OK
    );
    let at_the_route = ask(Some(&bought)).await;
    assert_eq!(at_the_route.problem(), ErrorCode::PaymentRequired);
}

#[tokio::test]
async fn access_ends_when_its_time_is_over() {
    let service = Service::with(|price| price.valid_for(Duration::from_secs(1)));
    let (claim, invoice) = service.challenge().await;
    let until: Vec<_> = claim.caveats(CAVEAT_VALID_UNTIL).collect();
    assert_eq!(until, [(invoice.expires_at + 1).to_string()]);
    let proof = Preimage(service.node.is_paid(&invoice.bolt11)).to_hex();
    let credential = format!("{}:{proof}", l402(&claim));
    let in_time = service.ask(Method::GET, &[&credential], "").await;
    assert_eq!(in_time.status, StatusCode::OK);
    let is_over = || unix_now() > invoice.expires_at + 1;
    eventually("the end of the claim", is_over).await;
    let late = service.ask(Method::GET, &[&credential], "").await;
    assert_ne!(late.challenge().0, claim);
    service.assert_reached(1);
}

#[tokio::test]
async fn a_route_can_be_waited_for_at_the_nested_store() {
    let service = Service::new();
    let (claim, invoice) = service.challenge().await;
    let request = Request::get("/store/api/v1/invoice?wait=20").header(AUTHORIZATION, l402(&claim));
    let waiting = service.send(request.body(Body::empty()).unwrap());
    let pay = async { service.node.is_paid(&invoice.bolt11) };
    let (answer, preimage) = tokio::join!(waiting, pay);
    let status: shared::api::InvoiceStatus = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(status.preimage, Some(Preimage(preimage)));
}

/// The second piece is made only when the first has arrived, so nothing waits for the end.
#[tokio::test]
async fn a_response_streams_through() {
    let node = FakeLightningd::start();
    let (mut pieces, source) = tokio::io::duplex(64);
    let source = Arc::new(std::sync::Mutex::new(Some(source)));
    let stream = any(move || async move {
        let source = source.lock().unwrap().take().unwrap();
        Body::from_stream(ReaderStream::new(source)).into_response()
    });
    let price = gateway(&node)
        .price("stream", "1 sat".parse().unwrap())
        .unwrap();
    let router: Router = Router::new().route("/", stream.layer(price));
    let request = |credential: &str| {
        let request = Request::get("/").header(AUTHORIZATION, credential);
        router.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let (claim, invoice) = Answer::of(request("Basic x").await.unwrap())
        .await
        .challenge();
    node.is_paid(&invoice.bolt11);

    let response = request(&l402(&claim)).await.unwrap();
    let mut body = response.into_body();
    let mut next = async || poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
    for piece in ["one", "two"] {
        pieces.write_all(piece.as_bytes()).await.unwrap();
        let frame = next().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), piece);
    }
    drop(pieces);
    assert!(next().await.is_none());
}

#[tokio::test]
async fn while_lightningd_is_away_nobody_passes_without_a_proof() {
    let service = Service::new();
    let (claim, invoice) = service.challenge().await;
    let proof = Preimage(service.node.is_paid(&invoice.bolt11)).to_hex();
    service.node.goes_away().await;
    let stranger = service.ask(Method::GET, &[], "").await;
    assert_eq!(stranger.problem(), ErrorCode::LightningUnavailable);
    assert_eq!(stranger.header("retry-after"), "2");
    service.assert_reached(0);
    let credential = format!("{}:{proof}", l402(&claim));
    let paid = service.ask(Method::GET, &[&credential], "").await;
    assert_eq!(paid.status, StatusCode::OK);
}

#[tokio::test]
async fn a_gateway_without_a_catalogue_sells_nothing_of_its_own() {
    let node = FakeLightningd::start();
    let gateway = Gateway::new(node.socket(), &Secret::from_bytes(SECRET));
    let router: Router = gateway.router();
    let request = Request::get("/api/v1/store").body(Body::empty()).unwrap();
    let answer = Answer::of(router.oneshot(request).await.unwrap()).await;
    let store: shared::api::Store = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(store.items, []);
}

#[tokio::test]
async fn a_price_that_could_never_be_asked_for_is_refused_at_once() {
    let gateway = gateway(&FakeLightningd::start());
    let price = |name: &str, price: &str| {
        let price: Price = price.parse().unwrap();
        gateway.price(name, price).map(drop)
    };
    assert_eq!(price("words", "1 sat"), Ok(()));
    let name = "Wise words".to_owned();
    assert_eq!(price("Wise words", "1 sat"), Err(PriceError::Name(name)));
    let error = price("words", "0.25 USD").unwrap_err();
    assert!(error.to_string().contains("[rates.USD]"), "{error}");
}
