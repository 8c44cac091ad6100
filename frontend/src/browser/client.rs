//! Everything that goes over the network: calls to the gateway, in the types of [`shared::api`], and
//! the files of languages. A call ends when its signal is aborted.
//!
//! No answer is [`Trouble::Offline`]; an answer that does not come from a gateway is
//! [`Trouble::Unreadable`]; a problem document is [`Trouble::Problem`].

use std::cell::RefCell;
use std::pin::Pin;

use gloo_net::http::{Request, Response};
use gloo_timers::callback::Timeout;
use js_sys::{JSON, Reflect, Uint8Array};
use serde::de::DeserializeOwned;
use shared::api::{
    CreateInvoice, CreatedInvoice, INVOICE_PATH, InvoiceStatus, ItemId, PurchaseId, STORE_PATH,
    Store, content_path, invoices_path,
};
use shared::claim::Claim;
use shared::lightning::Preimage;
use shared::problem::CONTENT_TYPE;
use shared::purchase::Trouble;
use shared::text::decimal;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, ReadableStreamDefaultReader};
use yew::html::ImplicitClone;

use crate::browser::clock::Clock;
use crate::browser::gateway::Gateway;
use crate::browser::goods::Arriving;
use crate::browser::json;
use crate::browser::object::object;

/// How long a download may stand still before its connection counts as dead, in milliseconds.
const PATIENCE_MS: u32 = 20_000;
/// The longest answer in JSON that is read, in bytes. The longest there is, a large store's
/// catalogue, is a fraction of it.
const MAX_JSON: usize = 4 << 20;
/// The status of an answer that holds the part that was asked for.
const PARTIAL_CONTENT: u16 = 206;

/// A gateway and its clock, which each answer sets.
#[derive(Clone, PartialEq)]
pub struct Client {
    gateway: Gateway,
    clock: Clock,
}

/// A clone shares the clock.
impl ImplicitClone for Client {}

impl Client {
    /// A client of `gateway` whose clock has not been set yet.
    pub fn new(gateway: Gateway) -> Self {
        Self {
            gateway,
            clock: Clock::default(),
        }
    }

    /// The gateway that it calls.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The server's time.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The store and what it sells.
    pub async fn store(&self, signal: &AbortSignal) -> Result<Store, Trouble> {
        json(&self.ask(STORE_PATH, &[], None, signal).await?)
    }

    /// Creates an item's invoice, or finds the one that the purchase already has.
    pub async fn create_invoice(
        &self,
        item: &ItemId,
        purchase_id: PurchaseId,
        signal: &AbortSignal,
    ) -> Result<CreatedInvoice, Trouble> {
        let headers = [("content-type", "application/json")];
        let body = json::write(&CreateInvoice { purchase_id });
        json(
            &self
                .ask(&invoices_path(item), &headers, body, signal)
                .await?,
        )
    }

    /// Asks for the status of the claim's invoice; waits up to `wait_secs` for its payment.
    pub async fn ask_status(
        &self,
        claim: &Claim,
        wait_secs: u64,
        signal: &AbortSignal,
    ) -> Result<InvoiceStatus, Trouble> {
        let path = [INVOICE_PATH, "?wait=", &decimal(wait_secs)].concat();
        let headers = [("authorization", &*credential(claim, None))];
        let status: InvoiceStatus = json(&self.ask(&path, &headers, None, signal).await?)?;
        self.clock.learn(status.server_time);
        Ok(status)
    }

    /// Fetches paid goods, or the part that is still missing. If the connection breaks, it returns
    /// `Offline`, and what has arrived stays in `arriving`. It calls `goes_on` after each piece with
    /// the number of bytes so far, and reads no further if that returns false. What has arrived then
    /// fails its check, as other goods than the promised ones do.
    pub async fn fetch_content(
        &self,
        item: &ItemId,
        claim: &Claim,
        preimage: Option<Preimage>,
        arriving: &RefCell<Arriving>,
        controller: &AbortController,
        goes_on: impl Fn(u64) -> bool,
    ) -> Result<(), Trouble> {
        let mut patience = Patience::new(controller);
        let received = arriving.borrow().received();
        let credential = credential(claim, preimage);
        // The parts cannot come from two versions of the goods: the claim names one, and the whole
        // is checked against its hash.
        let range = ["bytes=", &decimal(received), "-"].concat();
        let headers = [("authorization", &*credential), ("range", &range)];
        let headers = &headers[..if received > 0 { 2 } else { 1 }];
        let (path, signal) = (content_path(item), controller.signal());
        let response = match self.send(&path, headers, None, &signal).await {
            Err(trouble) => {
                // The gateway may refuse the rest and still give the whole.
                match &trouble {
                    Trouble::Offline => {}
                    Trouble::Problem(problem) if problem.is_transient() => {}
                    _ => drop(arriving.take()),
                }
                return Err(trouble);
            }
            Ok(response) => response,
        };
        if response.status() != PARTIAL_CONTENT {
            arriving.take();
        }
        arriving.borrow_mut().content_type = media_type(&response);
        let mut body = Body::of(&response)?;
        while let Some(piece) = body.next().await? {
            // A piece may still arrive after the abort. The next job asks for it again.
            if signal.aborted() {
                return Err(Trouble::Offline);
            }
            patience.renew();
            arriving.borrow_mut().push(&piece);
            let received = arriving.borrow().received();
            if !goes_on(received) {
                controller.abort();
                break;
            }
        }
        Ok(())
    }

    /// The text of a short answer. Boxed, so that the download has all of this once, and not for
    /// each kind of answer.
    fn ask<'a>(
        &'a self,
        path: &'a str,
        headers: &'a [(&str, &str)],
        body: Option<String>,
        signal: &'a AbortSignal,
    ) -> Pin<Box<dyn Future<Output = Result<String, Trouble>> + 'a>> {
        Box::pin(async move { text(&self.send(path, headers, body, signal).await?).await })
    }

    /// Sends a request, with a body as `POST`; an answer that is not a success is an error.
    async fn send(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
        signal: &AbortSignal,
    ) -> Result<Response, Trouble> {
        let headers: Vec<(&str, JsValue)> = headers
            .iter()
            .map(|(name, value)| (*name, JsValue::from_str(value)))
            .collect();
        let options = [
            ("cache", "no-store".into()),
            ("signal", signal.into()),
            ("headers", object(&headers).into()),
            ("method", if body.is_some() { "POST" } else { "GET" }.into()),
            ("body", body.into()),
        ];
        let response = answer(&self.gateway.url(path), &options).await;
        let response = response.ok_or(Trouble::Offline)?;
        // A page on another origin cannot read this header; there the status answers set the clock.
        if let Some(date) = response.headers().get("date") {
            self.clock.learn_from_date(&date);
        }
        if response.ok() {
            Ok(response)
        } else {
            Err(trouble(&response).await)
        }
    }
}

/// Loads a JSON file; `None` if there is none, or the signal is aborted.
pub async fn load_json(url: &str, signal: &AbortSignal) -> Option<JsValue> {
    let response = answer(url, &[("signal", signal.into())]).await?;
    JSON::parse(&text(&response).await.ok()?).ok()
}

/// What answers a request, whatever its status; `None` where nothing does. The browser's own type of request takes
/// its options at once; gloo-net's builder would be a kilobyte of the download. Boxed, so that the download has all
/// of this once.
fn answer(
    address: &str,
    options: &[(&str, JsValue)],
) -> Pin<Box<dyn Future<Output = Option<Response>>>> {
    let options = object(options);
    let request = web_sys::Request::new_with_str_and_init(address, options.unchecked_ref());
    Box::pin(async move {
        // A request can only be invalid if its address is, and nothing answers there.
        Request::from(request.ok()?).send().await.ok()
    })
}

/// Aborts a download that stands still for too long.
struct Patience<'a> {
    controller: &'a AbortController,
    _timeout: Timeout,
}

impl<'a> Patience<'a> {
    fn new(controller: &'a AbortController) -> Self {
        let ending = controller.clone();
        Self {
            controller,
            _timeout: Timeout::new(PATIENCE_MS, move || ending.abort()),
        }
    }

    fn renew(&mut self) {
        *self = Self::new(self.controller);
    }
}

/// An answer's bytes, piece by piece as they arrive.
struct Body(ReadableStreamDefaultReader);

impl Body {
    fn of(response: &Response) -> Result<Self, Trouble> {
        let body = response.body().ok_or(Trouble::Unreadable)?;
        Ok(Self(body.get_reader().unchecked_into()))
    }

    /// `None` at the end.
    async fn next(&mut self) -> Result<Option<Uint8Array>, Trouble> {
        let read = JsFuture::from(self.0.read()).await;
        let read = read.map_err(|_| Trouble::Offline)?;
        let piece = Reflect::get(&read, &"value".into()).unwrap_or_default();
        Ok(piece.dyn_into().ok())
    }
}

fn media_type(response: &Response) -> String {
    response.headers().get("content-type").unwrap_or_default()
}

async fn trouble(response: &Response) -> Trouble {
    if !media_type(response).starts_with(CONTENT_TYPE) {
        return Trouble::Unreadable;
    }
    match text(response).await.and_then(|text| json(&text)) {
        Ok(problem) => Trouble::Problem(problem),
        Err(unreadable) => unreadable,
    }
}

/// All of an answer, if it is short.
async fn text(response: &Response) -> Result<String, Trouble> {
    let mut body = Body::of(response)?;
    let mut bytes = Vec::new();
    while let Ok(Some(piece)) = body.next().await {
        if bytes.len() + piece.length() as usize > MAX_JSON {
            // Nobody waits for the rest.
            let _ = body.0.cancel();
            return Err(Trouble::Unreadable);
        }
        bytes.extend(piece.to_vec());
    }
    String::from_utf8(bytes).map_err(|_| Trouble::Unreadable)
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, Trouble> {
    json::read(text).ok_or(Trouble::Unreadable)
}

/// The header `Authorization`: the scheme is L402's.
fn credential(claim: &Claim, preimage: Option<Preimage>) -> String {
    let claim = claim.to_base64();
    match preimage {
        Some(preimage) => ["L402 ", &claim, ":", &preimage.to_hex()].concat(),
        None => ["L402 ", &claim].concat(),
    }
}
