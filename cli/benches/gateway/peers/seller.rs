//! What all programs that sell have in common.

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
