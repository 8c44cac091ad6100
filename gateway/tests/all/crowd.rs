//! An honest crowd at a node as slow as lightningd, whose socket has lightningd's short queue.

use std::time::Duration;

use devnet::{Network, Pace};
use shared::api::{CreatedInvoice, Status};
use tokio::task::JoinSet;

use testing::tools::{TestGateway, new_purchase, options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_buyers_at_once_are_all_served() {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    network.store().set_pace(Pace::Lightningd);
    let mut options = options(network.store().rpc_path());
    // It takes some 3 s; a busy machine may take far longer.
    options.timing.call_deadline = Duration::from_mins(2);
    let gateway = TestGateway::with(options);
    let mut crowd = JoinSet::new();
    for buyer in 0..1000 {
        let gateway = gateway.clone();
        crowd.spawn(async move {
            let address = format!("10.{}.{}.1", buyer / 250, buyer % 250);
            let created = gateway.buys_from(&address, "", new_purchase()).await;
            assert_eq!(created.status, 201, "{created:?}");
            let created: CreatedInvoice = created.json();
            gateway.status(&created.claim, 0).await.status
        });
    }
    assert_eq!(crowd.join_all().await, [Status::Unpaid; 1000]);
    let metrics = gateway.metrics().await;
    assert!(
        !metrics.contains("\npurrwall_rpc_errors_total{"),
        "{metrics}"
    );
}
