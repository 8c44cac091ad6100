//! A node at the end of a slow line that is cut again and again: no payment is missed.

use std::time::Duration;

use devnet::Network;
use shared::api::{CreatedInvoice, InvoiceStatus, Status};
use testing::line::Line;
use testing::nodes::pay;
use testing::rest;
use testing::tools::{TestGateway, l402, new_purchase, options};

const CAT: &[u8] = include_bytes!("../../cats/cat.txt");
const DELAY: Duration = Duration::from_millis(100);
/// So often that each purchase sees a cut.
const CUT_EVERY: Duration = Duration::from_secs(2);
const PURCHASES: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_payment_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    let store = network.store().rpc_path();
    let clnrest = network.store().start_rest(rest::ANY_PORT).unwrap();
    let line = Line::to(clnrest.address, DELAY, CUT_EVERY).await;
    let rune = rest::recorded_rune(&store).await;
    let mut options = options(&store);
    options.nodes = vec![rest::client(&clnrest, line.address, &rune).into()];
    let gateway = TestGateway::with(options);

    for _ in 0..PURCHASES {
        let purchase = new_purchase();
        let created = loop {
            // The line may be cut while the invoice is asked for; the buyer's page asks again.
            let answer = gateway.ask_invoice("cat", purchase).await;
            if answer.status.is_success() {
                break answer.json::<CreatedInvoice>();
            }
            assert_eq!(answer.status, 503, "{answer:?}");
        };
        let cuts = line.cuts();
        let waiting = async {
            loop {
                let answer = gateway.ask_status(&created.claim, 5).await;
                if answer.status.is_success() {
                    let status: InvoiceStatus = answer.json();
                    if status.status == Status::Paid {
                        return;
                    }
                }
            }
        };
        let paying = async {
            // Paid after the line was cut while the buyer waits.
            while line.cuts() == cuts {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            pay(&network.alice().rpc_path(), &created.invoice.bolt11).await;
        };
        tokio::join!(waiting, paying);
        let mut goods = gateway.content("cat", &[&l402(&created.claim)]).await;
        while goods.status == 503 {
            goods = gateway.content("cat", &[&l402(&created.claim)]).await;
        }
        assert_eq!(goods.body, CAT, "{goods:?}");
    }
    let report = loop {
        match gateway.gateway.sales(0).await {
            Ok(report) => break report,
            Err(error) => eprintln!("the line was cut: {error}"),
        }
    };
    assert_eq!(report.total.sales, PURCHASES as u64);
}
