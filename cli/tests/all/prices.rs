//! Prices in a state's currency, over real payments.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::api::CreatedInvoice;
use shared::invoice::{Invoice, Terms, check};
use shared::lightning::Msat;
use shared::problem::ErrorCode;

use crate::own_store::{Folder, OwnStore, assert_refuses, header, problem, section, text};
use testing::nodes::{nodes, pay, run};
use testing::tools::{eventually, new_purchase, unix_now};

/// A source of rates on this machine.
struct RateSource {
    address: SocketAddr,
    document: Arc<Mutex<Option<String>>>,
}

impl RateSource {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let document = Arc::new(Mutex::new(None::<String>));
        let told = document.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let read = stream.read(&mut [0; 4096]);
                let (status, body) = match told.lock().unwrap().clone() {
                    Some(document) => ("200 OK", document),
                    None => ("503 Service Unavailable", "closed".into()),
                };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                if read.is_ok() {
                    stream.write_all(answer.as_bytes()).ok();
                }
            }
        });
        Self { address, document }
    }

    fn says(&self, usd: &str) {
        let document = format!("{{\"bitcoin\": {{\"usd\": {usd}}}}}");
        *self.document.lock().unwrap() = Some(document);
    }

    fn is_closed(&self) {
        *self.document.lock().unwrap() = None;
    }

    fn url(&self) -> String {
        format!("http://{}/rates.json?key=s3cret", self.address)
    }

    fn section(&self) -> String {
        let url = self.url();
        format!("[rates.USD]\nurl = \"{url}\"\npointer = \"/bitcoin/usd\"\nmax_age = \"10s\"\n")
    }
}

/// Tests ask for many invoices.
fn described(rates: &str) -> String {
    let item = section("cat", "0.25 USD", "");
    format!("invoices_per_minute = 0\n{item}{rates}")
}

fn store_at(rates: &str) -> Folder {
    let folder = Folder::new(&described(rates));
    folder.put("cat", b"miau");
    folder
}

#[test]
fn a_price_by_a_fixed_rate_is_paid_and_stated() {
    run(async {
        let folder = store_at("[rates.USD]\nfixed = 65000\n");
        let store = OwnStore::open(&folder).await;
        let answer = store.get(shared::api::STORE_PATH, &[]);
        let offered: shared::api::Store = serde_json::from_slice(answer.body()).unwrap();
        let offer = &offered.items[0];
        assert_eq!(offer.price_msat, Msat(384_616), "rounded up");
        assert_eq!(offer.fiat_price.unwrap().to_string(), "0.25 USD");
        assert_eq!(offer.rate.unwrap().per_btc.to_string(), "65000");
        let manifest = store.get("/.well-known/l402.json", &[]);
        let manifest: serde_json::Value = serde_json::from_slice(manifest.body()).unwrap();
        let pricing = &manifest["services"][0]["resources"][0]["pricing"];
        let at_the_rate = serde_json::json!({"model": "fixed", "price_msat": 384_616});
        assert_eq!(*pricing, at_the_rate);

        let purchase_id = new_purchase();
        let ask = || {
            let answer = store.ask_invoice("cat", purchase_id);
            serde_json::from_slice::<CreatedInvoice>(answer.body()).unwrap()
        };
        let created = ask();
        let invoice = Invoice::decode(&created.invoice.bolt11).unwrap();
        assert_eq!(invoice.amount_msat, Some(Msat(384_616)));
        check(
            &invoice,
            created.claim.payment_hash(),
            &Terms::of(&offered, offer).expected(),
        )
        .unwrap();
        let rate = created.rate.unwrap();
        assert!(rate.at <= unix_now() && rate.at + 60 > unix_now());
        let description = invoice.description.unwrap();
        let stated = "cat (0.25 USD at 65000 USD/BTC of 20";
        assert!(description.starts_with(stated), "{description}");

        let again = ask();
        assert_eq!(again.invoice, created.invoice);
        assert_eq!(again.claim, created.claim);
        pay(&nodes().await.alice, &created.invoice.bolt11).await;
        assert_eq!(store.content("cat", &created.claim, &[]).body(), b"miau");
    });
}

#[test]
fn a_source_is_followed_and_nothing_is_sold_at_a_stale_rate() {
    run(async {
        let source = RateSource::start();
        let folder = store_at(&source.section());
        let store = OwnStore::open(&folder).await;
        // Nothing is known yet: no price, no sale.
        eventually("word of the source", || {
            store.log().contains("no rate for USD")
        })
        .await;
        assert_eq!(store.offers(), []);
        let refused = store.ask_invoice("cat", new_purchase());
        assert_eq!(refused.status(), 503);
        assert_eq!(problem(&refused).code, ErrorCode::PriceUnavailable);
        assert_eq!(header(&refused, "retry-after"), "30");

        source.says("50000.5");
        let known = || store.offers().first().map(|offer| offer.price_msat);
        eventually("the first rate", || known() == Some(Msat(499_996))).await;
        let kept = new_purchase();
        assert_eq!(store.ask_invoice("cat", kept).status(), 201);

        // The rate moves: new invoices follow it, an open one keeps its amount.
        source.says("\"70000\"");
        eventually("the next rate", || known() == Some(Msat(357_143))).await;
        assert_eq!(store.create("cat").invoice.amount_msat, Msat(357_143));
        let open: CreatedInvoice =
            serde_json::from_slice(store.ask_invoice("cat", kept).body()).unwrap();
        assert_eq!(open.invoice.amount_msat, Msat(499_996));

        source.is_closed();
        let sells = || store.ask_invoice("cat", new_purchase()).status() == 201;
        for _ in 0..120 {
            if !sells() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let refused = store.ask_invoice("cat", new_purchase());
        assert_eq!(problem(&refused).code, ErrorCode::PriceUnavailable);
        let found = store.ask_invoice("cat", kept);
        assert_eq!(found.status(), 200, "{}", text(&found));

        source.says("70000");
        let sold = || sells();
        eventually("the rate's return", sold).await;
    });
}

/// Waits until the item is for sale, or is not.
async fn is_sold(store: &OwnStore, expected: bool) {
    let what = if expected { "a sale" } else { "no sale" };
    eventually(what, || {
        let answer = store.ask_invoice("cat", new_purchase());
        (answer.status() == 201) == expected
    })
    .await;
}

#[test]
fn a_rate_that_jumps_sells_nothing_and_is_told_once() {
    run(async {
        let source = RateSource::start();
        source.says("65000");
        let folder = store_at(&source.section());
        let store = OwnStore::open(&folder).await;
        is_sold(&store, true).await;
        for (times, wrong) in ["65000000000", "0.000065"].into_iter().enumerate() {
            source.says(wrong);
            is_sold(&store, false).await;
            let refused = store.ask_invoice("cat", new_purchase());
            assert_eq!(problem(&refused).code, ErrorCode::PriceUnavailable);
            // It goes on for a while.
            eventually("more answers", || {
                store.metric("purrwall_rates_refused_total") >= 3 * (times as u64 + 1)
            })
            .await;
            let told = store.log().matches("is not believed: its rate").count();
            assert_eq!(told, times + 1, "{}", store.log());
            source.says("66000");
            is_sold(&store, true).await;
            assert_eq!(store.create("cat").invoice.amount_msat, Msat(378_788));
        }
        // The new rate is right after all: a changed section begins anew.
        source.says("650000");
        is_sold(&store, false).await;
        let bounds = format!("{}min = 100000\nmax = 1000000\n", source.section());
        folder.describe(&described(&bounds));
        is_sold(&store, true).await;
        assert!(!store.log().contains("s3cret"), "{}", store.log());
    });
}

#[test]
fn a_second_source_has_to_agree() {
    run(async {
        let (one, two) = (RateSource::start(), RateSource::start());
        one.says("65000");
        two.says("650000");
        let second = format!(
            "second_url = \"{}\"\nsecond_pointer = \"/bitcoin/usd\"\n",
            two.url()
        );
        let folder = store_at(&format!("{}{second}", one.section()));
        let store = OwnStore::open(&folder).await;
        eventually("doubt", || store.log().contains("`max_difference`")).await;
        is_sold(&store, false).await;
        two.says("66000");
        is_sold(&store, true).await;
        // Both jump: that is believed.
        one.says("650000");
        two.says("651000");
        eventually("the rate of both", || {
            store.offers()[0].price_msat == Msat(38_462)
        })
        .await;
        is_sold(&store, true).await;
        two.is_closed();
        eventually("word of the second source", || {
            store.log().contains("`second_url` cannot be used")
        })
        .await;
        assert!(!store.log().contains("s3cret"), "{}", store.log());
    });
}

#[test]
fn limits_that_cannot_hold_are_refused_at_the_start() {
    let url = "[rates.USD]\nurl = \"https://rates.example/\"\npointer = \"/usd\"\n";
    for (rates, named) in [
        (
            format!("{url}min = 2\nmax = 1\n"),
            ["min = \"2\"", "above `max`"],
        ),
        (format!("{url}min = 0\n"), ["min = \"0\"", "65000"]),
        (
            format!("{url}max_jump = \"x\"\n"),
            ["max_jump = \"x\"", "50%"],
        ),
        (
            format!("{url}second_pointer = \"/usd\"\n"),
            ["second_pointer = \"/usd\"", "without `second_url`"],
        ),
        (
            format!("{url}second_url = \"https://other.example/\"\n"),
            ["[rates.USD]", "has no second_pointer"],
        ),
        (
            "[rates.USD]\nfixed = 1\nmax_jump = 50\n".into(),
            ["max_jump = \"50\"", "beside `fixed`"],
        ),
    ] {
        assert_refuses(&store_at(&rates), &named);
    }
}
