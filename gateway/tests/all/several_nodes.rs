//! Several nodes behind one store: each purchase has its invoice at one of them, whatever becomes of the
//! others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use devnet::{Network, Plan};
use purrwall_gateway::claims::{Claims, Terms};
use purrwall_gateway::options::Options;
use purrwall_gateway::{Gateway, NodeError, Secret};
use serde_json::{Value, json};
use shared::api::{CreatedInvoice, PurchaseId, STORE_PATH, Status, Store};
use shared::claim::{CAVEAT_NODE, Claim, Identifier};
use shared::invoice::Invoice;
use shared::lightning::{NodeId, PaymentHash, Preimage};
use shared::problem::ErrorCode;
use tempfile::TempDir;
use testing::fake_lightningd::{FakeLightningd, Fault};
use testing::nodes::{call, pay};
use testing::rest;
use testing::tools::{SECRET, TestGateway, l402, metric, new_purchase, options};

const CAT: &[u8] = include_bytes!("../../cats/cat.txt");

/// A purchase, and what it got.
struct Bought {
    purchase: PurchaseId,
    created: CreatedInvoice,
}

impl Bought {
    /// Asks for a new purchase's invoice.
    async fn at(gateway: &TestGateway) -> Self {
        Self::by(gateway, new_purchase()).await
    }

    /// Asks for this purchase's invoice, which it does not have yet.
    async fn by(gateway: &TestGateway, purchase: PurchaseId) -> Self {
        let answer = gateway.ask_invoice("cat", purchase).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let created = answer.json();
        Self { purchase, created }
    }

    fn payee(&self) -> NodeId {
        Invoice::decode(&self.created.invoice.bolt11).unwrap().payee
    }

    /// The invoice that it finds when it asks again.
    async fn again(&self, gateway: &TestGateway) -> CreatedInvoice {
        let answer = gateway.ask_invoice("cat", self.purchase).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Whether the claim alone opens the cat.
    async fn is_delivered(&self, gateway: &TestGateway) -> bool {
        let answer = gateway.content("cat", &[&l402(&self.created.claim)]).await;
        answer.status == 200 && answer.body == CAT
    }
}

/// A store with several nodes in the devnet.
struct Shop {
    network: Network,
    gateway: TestGateway,
    _dir: TempDir,
}

impl Shop {
    async fn open(nodes: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let network = Network::start(dir.path(), &Plan::stores(nodes)).await;
        let network = network.unwrap();
        let options = several(network.stores().map(|node| node.rpc_path()));
        Self {
            network,
            gateway: TestGateway::with(options),
            _dir: dir,
        }
    }

    fn id(&self, node: usize) -> NodeId {
        let node = self.network.stores().nth(node).unwrap();
        node.node_id().parse().unwrap()
    }

    /// Buys until every node has so many of the invoices.
    async fn sells(&self, each: usize) -> Vec<Bought> {
        let mut bought: Vec<Bought> = Vec::new();
        let mut counts = BTreeMap::new();
        let nodes = self.network.stores().count();
        while counts.len() < nodes || counts.values().any(|count| *count < each) {
            let one = Bought::at(&self.gateway).await;
            *counts.entry(one.payee().to_hex()).or_insert(0) += 1;
            bought.push(one);
        }
        bought
    }

    async fn pays(&self, bought: &Bought) -> Preimage {
        let alice = self.network.alice().rpc_path();
        let preimage = pay(&alice, &bought.created.invoice.bolt11).await;
        preimage.parse().unwrap()
    }

    /// Ends a node as far as anybody can see: for the store and for those who pay.
    async fn kill(&self, node: usize) {
        let node = self.network.stores().nth(node).unwrap();
        node.stop_rpc();
        self.network.take_offline(node).await.unwrap();
    }

    async fn bring_back(&self, node: usize) {
        let node = self.network.stores().nth(node).unwrap();
        node.start_rpc().unwrap();
        self.network.bring_back(node).await;
    }
}

fn several(sockets: impl Iterator<Item = PathBuf>) -> Options {
    let sockets: Vec<_> = sockets.collect();
    let mut options = options(&sockets[0]);
    options.nodes = sockets
        .iter()
        .map(|socket| rest::endpoint(socket))
        .collect();
    options
}

/// Asks again and again, with a limit.
async fn until<Asked: Future<Output = bool>>(what: &str, ask: impl Fn() -> Asked) {
    let limit = std::time::Instant::now() + Duration::from_mins(1);
    while !ask().await {
        assert!(
            std::time::Instant::now() < limit,
            "waited in vain for {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// While this node is away, purchases that have their invoice elsewhere find it, and all others get one
/// elsewhere: gives the second ones of those that had one there, and those of new purchases.
async fn sells_without(
    gateway: &TestGateway,
    away: NodeId,
    before: &[Bought],
) -> (Vec<Bought>, Vec<Bought>) {
    let mut second = Vec::new();
    for one in before {
        let named = one.created.claim.caveats(CAVEAT_NODE).next();
        assert_eq!(named, Some(&*one.payee().to_hex()), "the claim's node");
        if one.payee() == away {
            let other = Bought::by(gateway, one.purchase).await;
            assert_ne!(other.payee(), away);
            second.push(other);
        } else {
            let again = one.again(gateway).await;
            assert_eq!(again, one.created, "one purchase, one invoice");
        }
    }
    let mut new = Vec::new();
    for _ in 0..9 {
        let one = Bought::at(gateway).await;
        assert_ne!(one.payee(), away);
        new.push(one);
    }
    (second, new)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_paid_is_delivered_while_a_node_is_killed_and_comes_back() {
    let shop = Shop::open(3).await;
    let (gateway, killed) = (&shop.gateway, shop.id(1));
    let before = shop.sells(3).await;
    // One purchase was paid at the node before it is killed.
    let paid_there = before.iter().find(|one| one.payee() == killed).unwrap();
    let preimage = shop.pays(paid_there).await;
    until("the payment", || paid_there.is_delivered(gateway)).await;
    let mut paid = 1;

    shop.kill(1).await;
    let (second, new) = sells_without(gateway, killed, &before).await;
    // What the node alone knows waits for it; what the buyer proves does not.
    let other = TestGateway::with(several(shop.network.stores().map(|node| node.rpc_path())));
    let claim = l402(&paid_there.created.claim);
    let alone = other.content("cat", &[&claim]).await;
    alone.assert_problem(ErrorCode::LightningUnavailable);
    let proof = format!("{claim}:{}", preimage.to_hex());
    for gateway in [gateway, &other] {
        let answer = gateway.content("cat", &[&proof]).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, CAT));
    }
    let unpaid_there = before.iter().filter(|one| one.payee() == killed);
    let unpaid_there: Vec<_> = unpaid_there
        .filter(|one| one.purchase != paid_there.purchase)
        .collect();
    let status = gateway.ask_status(&unpaid_there[0].created.claim, 0).await;
    status.assert_problem(ErrorCode::LightningUnavailable);
    // Who pays meanwhile gets the cat meanwhile.
    let alive = before.iter().filter(|one| one.payee() != killed);
    let meanwhile: Vec<_> = alive.take(4).chain(&new).chain(&second[1..]).collect();
    for one in &meanwhile {
        shop.pays(one).await;
        until("the cat", || one.is_delivered(gateway)).await;
        paid += 1;
    }

    shop.bring_back(1).await;
    // The first invoice of a purchase that has two can be paid again, and nobody has to pay twice.
    let both = &unpaid_there[0];
    until("its invoices", || async {
        gateway.ask_status(&both.created.claim, 0).await.status == 200
    })
    .await;
    for one in &unpaid_there {
        let again = one.again(gateway).await;
        let has_paid = second
            .iter()
            .skip(1)
            .find(|other| other.purchase == one.purchase);
        match has_paid {
            Some(other) => assert_eq!(again.invoice, other.created.invoice, "the paid one"),
            None => assert_eq!(gateway.status(&again.claim, 0).await.status, Status::Unpaid),
        }
    }
    // The story of two invoices that are both paid: both open, and the store has both.
    let payer = shop.network.alice().rpc_path();
    until("the channel", || async {
        let listed = call(&payer, "listpeerchannels", json!({})).await.unwrap();
        let mut channels = listed["channels"].as_array().unwrap().iter();
        channels.any(|channel| {
            channel["peer_id"] == killed.to_hex() && channel["peer_connected"] == true
        })
    })
    .await;
    shop.pays(both).await;
    until("the cat of the first invoice", || {
        both.is_delivered(gateway)
    })
    .await;
    paid += 1;
    for one in meanwhile.into_iter().chain([paid_there, *both]) {
        assert!(one.is_delivered(gateway).await, "{:?}", one.purchase);
    }
    let report = gateway.gateway.sales(0).await.unwrap();
    assert_eq!(report.total.sales, paid);
    let times: Vec<_> = report.sales.iter().map(|sale| sale.paid_at).collect();
    assert!(
        times.is_sorted_by(|a, b| a >= b),
        "the newest first: {times:?}"
    );
    until("every payment", || async {
        metric(&gateway.metrics().await, "purrwall_invoices_paid_total") == paid
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_finds_its_invoice_from_any_gateway() {
    let fakes = [1, 2, 3].map(FakeLightningd::with_key);
    let sockets = || fakes.each_ref().map(FakeLightningd::socket);
    let gateway = TestGateway::with(several(sockets().into_iter()));
    let other = TestGateway::with(several(sockets().into_iter().rev()));
    for _ in 0..12 {
        let one = Bought::at(&gateway).await;
        assert_eq!(
            one.again(&other).await,
            one.created,
            "in whatever order they are listed"
        );
    }
    let made: usize = fakes.iter().map(FakeLightningd::invoices).sum();
    assert_eq!(made, 12);
    assert!(
        fakes.iter().all(|fake| fake.invoices() > 0),
        "all of them sell"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_hangs_delays_one_purchase_and_no_more() {
    let fakes = [1, 2].map(FakeLightningd::with_key);
    let mut options = several(fakes.iter().map(FakeLightningd::socket));
    options.timing.call_deadline = Duration::from_millis(500);
    let gateway = TestGateway::with(options);
    while fakes.iter().any(|fake| fake.invoices() == 0) {
        gateway.create("cat").await;
    }
    let before = fakes[0].invoices();
    for method in ["invoice", "listinvoices", "getinfo"] {
        fakes[0].goes_wrong(method, Fault::Hangs);
    }
    for _ in 0..8 {
        gateway.create("cat").await;
    }
    assert_eq!(fakes[0].invoices(), before);
    // The gateway itself goes on to ask for those that the node may have made.
    let labels = || -> BTreeSet<String> {
        let calls = ["invoice", "listinvoices"].map(|method| fakes[0].calls(method));
        let labels = calls.into_iter().flatten();
        labels.map(|params| params["label"].to_string()).collect()
    };
    let asked = labels();
    for _ in 0..20 {
        gateway.create("cat").await;
    }
    assert_eq!(labels(), asked, "nobody waits for it any more");

    fakes[0].recovers();
    until("the node to sell again", || async {
        gateway.create("cat").await;
        fakes[0].invoices() > before
    })
    .await;
}

/// Claims that were sold before a store had several nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_names_no_node_is_asked_about_everywhere() {
    let fakes = [1, 2].map(FakeLightningd::with_key);
    let gateway = TestGateway::with(several(fakes.iter().map(FakeLightningd::socket)));
    let claims = Claims::new(&Secret::from_bytes(SECRET));
    let unnamed = |payment_hash: PaymentHash| -> Claim {
        let identifier = Identifier {
            payment_hash,
            token_id: [7; 32],
        };
        claims.mint("cat", identifier, Terms::default())
    };
    let mut bought = Vec::new();
    while fakes.iter().any(|fake| fake.invoices() == 0) {
        bought.push(Bought::at(&gateway).await);
    }
    for one in &bought {
        let claim = unnamed(one.created.invoice.payment_hash);
        assert_eq!(gateway.status(&claim, 0).await.status, Status::Unpaid);
        let bolt11 = &one.created.invoice.bolt11;
        let holder = fakes.iter().find(|fake| fake.bolt11s().contains(bolt11));
        holder.unwrap().is_paid(bolt11);
        assert_eq!(gateway.status(&claim, 30).await.status, Status::Paid);
        assert_eq!(gateway.content("cat", &[&l402(&claim)]).await.body, CAT);
    }
    // That nobody has it is certain only once all have said so.
    let nobodys = unnamed(PaymentHash([9; 32]));
    let answer = gateway.ask_status(&nobodys, 0).await;
    answer.assert_problem(ErrorCode::UnknownInvoice);
    let elsewhere = unnamed(PaymentHash([8; 32]));
    fakes[1].goes_away().await;
    let answer = gateway.ask_status(&elsewhere, 0).await;
    answer.assert_problem(ErrorCode::LightningUnavailable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_do_not_fit_together_are_refused() {
    let [one, other, twin] = [1, 2, 1].map(FakeLightningd::with_key);
    let gateway = |nodes: [&FakeLightningd; 2]| {
        let options = several(nodes.into_iter().map(FakeLightningd::socket));
        Gateway::with(options, &Secret::from_bytes(SECRET)).unwrap()
    };
    gateway([&one, &other]).check_nodes().await.unwrap();
    let twice = gateway([&one, &twin]).check_nodes().await.unwrap_err();
    assert!(matches!(twice, NodeError::Twice { .. }), "{twice:?}");
    other.is_on("signet");
    let unlike = gateway([&one, &other]).check_nodes().await.unwrap_err();
    assert!(
        matches!(unlike, NodeError::OtherNetwork { .. }),
        "{unlike:?}"
    );
    let told = unlike.to_string();
    assert!(
        told.contains("signet") && told.contains("regtest"),
        "{told}"
    );

    // One that is away is looked at when it comes: it gets no purchase.
    other.goes_away().await;
    let gateway = TestGateway::with(several(
        [&one, &other].map(FakeLightningd::socket).into_iter(),
    ));
    gateway.gateway.check_nodes().await.unwrap();
    other.comes_back();
    until("it to be asked", || async {
        !other.calls("getinfo").is_empty()
    })
    .await;
    for _ in 0..12 {
        gateway.create("cat").await;
    }
    assert_eq!(other.invoices(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_and_buyers_see_each_node() {
    let fakes = [1, 2].map(FakeLightningd::with_key);
    let gateway = TestGateway::with(several(fakes.iter().map(FakeLightningd::socket)));
    let store: Store = gateway.get(STORE_PATH).await.json();
    assert_eq!(store.node_ids.len(), 2);
    assert_eq!(store.node_id, store.node_ids[0]);
    let manifest: Value = gateway.get("/.well-known/l402.json").await.json();
    let keys: Vec<NodeId> =
        serde_json::from_value(manifest["provider"]["node_pubkeys"].clone()).unwrap();
    assert_eq!(keys, store.node_ids);
    assert_eq!(manifest["provider"]["node_pubkey"], store.node_id.to_hex());

    let place = |fake: &FakeLightningd| rest::endpoint(&fake.socket()).to_string();
    let report = || async {
        let answer = gateway.get_as_operator("/readyz").await;
        (
            answer.status,
            serde_json::from_slice::<Value>(&answer.body).unwrap(),
        )
    };
    until("both to be followed", || async {
        report().await.1["payments_followed"] == true
    })
    .await;
    fakes[0].goes_away().await;
    until("the first to be missed", || async {
        report().await.1["nodes"][0]["payments_followed"] == false
    })
    .await;
    let (status, told) = report().await;
    assert_eq!(status, 200, "the other one sells: {told}");
    assert_eq!(
        (&told["ready"], &told["payments_followed"]),
        (&true.into(), &false.into())
    );
    assert_eq!(told["node_id"], store.node_ids[1].to_hex());
    let nodes = told["nodes"].as_array().unwrap();
    assert_eq!(
        (&nodes[0]["ready"], &nodes[1]["ready"]),
        (&false.into(), &true.into())
    );
    assert!(nodes[0]["remedy"].is_string(), "{told}");
    if !rest::is_wanted() {
        let metrics = gateway.metrics().await;
        for (fake, is_up) in fakes.iter().zip([0, 1]) {
            let name = format!("purrwall_watcher_up{{node=\"{}\"}}", place(fake));
            assert_eq!(metric(&metrics, &name), is_up);
        }
    }
    assert_eq!(gateway.get("/readyz").await.status, 200);
    let again: Store = gateway.get(STORE_PATH).await.json();
    assert_eq!(
        again.node_ids, store.node_ids,
        "its invoices may be paid all the same"
    );
}
