//! What all programs that sell have in common.

use std::net::TcpListener;

use serde_json::Value;

use super::page::Page;
use crate::{Creation, Http, Program};

/// A program that sells.
pub(super) trait Seller: Sync {
    /// Its name and its version.
    fn name(&self) -> String;
    fn program(&self) -> &Program;
    /// The request that makes an invoice of 100 satoshi.
    fn creation(&self) -> Creation;
    /// What the answer to that was.
    fn sale(&self, answer: &[u8]) -> Sale;
    /// How a buyer's browser waits, in words.
    fn waiting(&self) -> &'static str;
    /// Where a buyer pays for the sale.
    fn page(&self, sale: &Sale) -> Page;
}

/// An invoice, and how the buyer learns that it is paid.
pub(super) struct Sale {
    pub(super) bolt11: String,
    /// The seller's name for it.
    pub(super) id: String,
    /// The request that asks whether it is paid.
    pub(super) status: String,
    pub(super) wait: Wait,
}

/// How a buyer waits. What comes has the second text in it once the invoice is paid.
#[derive(Clone)]
pub(super) enum Wait {
    /// This request is answered late, and then asked again.
    Question(String, &'static str),
    /// A message comes on the WebSocket at this path.
    WebSocket(String, &'static str),
}

pub(super) async fn sell(seller: &dyn Seller) -> Sale {
    let mut client = Http::connect(&seller.program().address).await;
    seller.sale(&client.ask(&seller.creation()()).await)
}

/// Free a moment ago, for a program that cannot take any.
pub(super) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

pub(super) fn json_request(path: &str, headers: &str, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{headers}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}
