//! The calls over clnrest, at a node with TLS and real runes.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use devnet::Network;
use purrwall_lightningd::{LightningError, Lightningd, NewInvoice, Rest, RestError};
use serde_json::{Value, json};
use shared::api::Status;
use shared::lightning::Msat;
use tempfile::TempDir;
use testing::nodes::pay;
use testing::rest::{self, ANY_PORT};

/// Longer than a busy machine needs.
const LONG: Duration = Duration::from_mins(1);
const ROUND: Duration = Duration::from_secs(1);

struct Stage {
    network: Network,
    clnrest: devnet::Rest,
    _dir: TempDir,
}

impl Stage {
    async fn set() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let network = Network::story(dir.path()).await.unwrap();
        let clnrest = network.store().start_rest(ANY_PORT).unwrap();
        Self {
            network,
            clnrest,
            _dir: dir,
        }
    }

    fn client(&self, rune: &str) -> Lightningd {
        let rest = rest::client(&self.clnrest, self.clnrest.address, rune);
        Lightningd::new(rest, LONG)
    }

    /// With the rune that was recorded for a store.
    async fn store(&self) -> Lightningd {
        let rune = rest::recorded_rune(&self.network.store().rpc_path()).await;
        self.client(&rune)
    }

    async fn restricted(&self, restrictions: Value) -> Lightningd {
        let socket = self.network.store().rpc_path();
        self.client(&rest::rune(&socket, restrictions).await)
    }
}

fn cat(label: &str) -> NewInvoice {
    NewInvoice {
        label: label.into(),
        amount_msat: Msat(1000),
        description: "A cat".into(),
        hash_description: false,
        preimage: None,
        expiry_secs: 600,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_makes_finds_follows_and_deletes() {
    let stage = Stage::set().await;
    let store = stage.store().await;
    assert_eq!(store.node().await.unwrap().syncing, None);
    let made = store.create_invoice(cat("purrwall/1")).await.unwrap();
    let made = made.unwrap();
    let again = store.create_invoice(cat("purrwall/1")).await.unwrap();
    assert!(again.is_none(), "the label is taken");
    let found = store.find_by_payment_hash(made.payment_hash).await;
    assert_eq!(found.unwrap().unwrap().bolt11, made.bolt11);

    let mut watch = store.watch().await.unwrap();
    assert_eq!(watch.newest_pay_index().await.unwrap(), 0);
    assert!(watch.next_payment(0, ROUND).await.unwrap().is_none());
    let alice = stage.network.alice().rpc_path();
    let bolt11 = made.bolt11.unwrap();
    let (next, _) = tokio::join!(watch.next_payment(0, LONG), pay(&alice, &bolt11));
    let payment = next.unwrap().unwrap();
    assert_eq!(payment.payment_hash, made.payment_hash);
    let found = store.find_by_label("purrwall/1".into()).await.unwrap();
    assert_eq!(found.unwrap().standing.status, Status::Paid);
    assert_eq!(store.newest_change().await.unwrap(), 1);

    let page = store.page(1, 10).await.unwrap();
    assert_eq!(page.entries.len(), 1);
    let changes = store.payments_by_change(1, 10).await.unwrap();
    assert_eq!(changes.entries[0].0, 1);
    assert!(!store.delete_expired("purrwall/1".into()).await.unwrap());
    assert!(!store.delete_expired("purrwall/2".into()).await.unwrap());
    // What the rune does not allow is left to whom it belongs to.
    assert!(!store.delete_expired("order-1".into()).await.unwrap());
    assert_eq!(store.cleans_paid().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rune_forbids_is_told_with_the_remedy() {
    let stage = Stage::set().await;
    let store = stage.store().await;
    let error = store.create_invoice(cat("order-1")).await.unwrap_err();
    assert!(
        matches!(error, LightningError::Rpc { code: 1502, .. }),
        "{error}"
    );
    assert!(
        error.remedy().contains("purrwall rune"),
        "{}",
        error.remedy()
    );
}

/// lightningd counts each use of a rune, so that two calls at once are too many.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_too_soon_waits() {
    let stage = Stage::set().await;
    let store = stage.restricted(json!([["per=50msec"]])).await;
    let calls = (0..4).map(|_| store.node());
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let (one, other) = tokio::join!(store.node(), store.node());
    assert_eq!(one.unwrap(), other.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn clnrest_comes_back() {
    let stage = Stage::set().await;
    let store = stage.store().await;
    store.node().await.unwrap();
    let mut watch = store.watch().await.unwrap();
    watch.next_payment(0, Duration::ZERO).await.unwrap();

    stage.network.store().stop_rest();
    let ended = watch.next_payment(0, LONG).await;
    assert!(
        matches!(ended, Err(LightningError::Closed { .. })),
        "{ended:?}"
    );
    let away = loop {
        match store.node().await {
            Err(LightningError::Closed { .. }) => {}
            answered => break answered,
        }
    };
    assert!(
        matches!(away, Err(LightningError::Unreachable { .. })),
        "{away:?}"
    );

    let address = stage.clnrest.address;
    stage.network.store().start_rest(address).unwrap();
    store.node().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_does_not_fit_is_refused() {
    let stage = Stage::set().await;
    let rune = rest::recorded_rune(&stage.network.store().rpc_path()).await;
    let url = format!("https://{}", stage.clnrest.address);
    let ca = std::fs::read(&stage.clnrest.ca).unwrap();
    let another = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
    let another = another.unwrap().cert.pem();
    for (ca, name, named) in [
        (another.as_bytes(), Some("localhost"), "localhost"),
        (&ca, Some("node.example"), "node.example"),
        // Without a name it is the address's.
        (&ca, None, "127.0.0.1"),
    ] {
        let rest = Rest::new(&url, &rune, Some(ca), name).unwrap();
        let error = Lightningd::new(rest, LONG).node().await.unwrap_err();
        assert!(
            matches!(error, LightningError::Certificate { .. }),
            "{error}"
        );
        assert!(error.to_string().contains(named), "{error}");
        assert!(error.remedy().contains("tls_name"), "{}", error.remedy());
    }
}

#[test]
fn a_rune_is_never_sent_in_the_clear_or_to_anyone() {
    let rune = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA9MA==";
    let new = |url: &str| Rest::new(url, rune, None, None).map(|rest| format!("{rest:?}"));
    assert_eq!(new("http://node.example:3010"), Err(RestError::Plain));
    assert_eq!(new("https://node.example:3010"), Err(RestError::NoCa));
    for wrong in [
        "node.example:3010",
        "ftp://node.example",
        "https://me@node.example",
        "https://a/b",
    ] {
        assert_eq!(new(wrong), Err(RestError::Url), "{wrong}");
    }
    for here in [
        "http://127.0.0.1:3010",
        "http://[::1]:3010",
        "http://localhost:3010",
    ] {
        let shown = new(here).unwrap();
        assert!(shown.contains(here) && !shown.contains("AAAA"), "{shown}");
    }
}
