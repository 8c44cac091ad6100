//! A node that goes away and comes back, as seen by who sells and who buys.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::{sleep, timeout};

use super::buyer::Buyer;
use super::seller::{Seller, sell};
use super::switch::Switch;
use crate::{Http, Nodes, Socket};

/// How long the node is away, in seconds: different times, as programs look for it again at some of
/// their own.
pub(super) const AWAY: [u64; 4] = [1, 3, 6, 10];
/// How long the node may be back before a seller counts as not knowing.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// What became of a seller whose node came back: how many seconds later.
pub(super) struct Restart {
    /// It made an invoice.
    pub(super) sells: Option<f64>,
    /// It told a buyer of what was paid meanwhile.
    pub(super) tells: Option<f64>,
}

pub(super) async fn measure(
    seller: &dyn Seller,
    nodes: &Nodes,
    switch: &mut Switch,
    away: Duration,
) -> Restart {
    let sale = sell(seller).await;
    let address = &seller.program().address;
    let buyer = Buyer::arrive(address, &sale.wait, 0).await;
    let buyer = tokio::spawn(buyer.told());
    sleep(Duration::from_secs(1)).await;
    let left = Instant::now();
    switch.off().await;
    let mut payer = Socket::connect(&nodes.alice).await;
    let paid = payer
        .call("xpay", &json!({ "invstring": sale.bolt11 }))
        .await;
    assert!(paid["result"].is_object(), "{paid}");
    sleep(away.saturating_sub(left.elapsed())).await;
    switch.on();
    let back = Instant::now();
    let seconds = |then: Instant| then.saturating_duration_since(back).as_secs_f64();
    let sells = async {
        loop {
            let mut client = Http::connect(address).await;
            let made = client.try_exchange(&seller.creation()()).await;
            if made.is_ok_and(|(head, _)| head.starts_with("HTTP/1.1 20")) {
                return Instant::now();
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let (sells, tells) = tokio::join!(timeout(PATIENCE, sells), timeout(PATIENCE, buyer));
    Restart {
        sells: sells.ok().map(seconds),
        tells: tells.ok().map(|told| seconds(told.unwrap())),
    }
}
