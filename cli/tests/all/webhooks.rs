//! Webhooks: every payment is told, whatever ends or fails in between, and receivers can check it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use purrwall_gateway::Secret;
use purrwall_gateway::options::{Timing, WebhooksOptions};
use purrwall_gateway::webhooks::{self, signing::SigningKey};
use serde_json::{Value, json};
use shared::api::CreatedInvoice;
use shared::claim::Claim;
use shared::lightning::Preimage;
use shared::problem::ErrorCode;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinHandle};

use crate::own_store::{self, Folder, OwnStore, section};
use crate::process::{Program, purrwall};
use testing::fake_lightningd::FakeLightningd;
use testing::tools::{
    TestGateway, eventually, free_port, l402, metric, new_purchase, options, python, skipped,
    unix_now,
};

/// A receiver that keeps what it is sent, and does not always say yes.
struct Receiver {
    url: String,
    inbox: Arc<Inbox>,
    server: AbortHandle,
}

#[derive(Default)]
struct Inbox {
    taken: Mutex<Vec<(HeaderMap, Value)>>,
    /// What it answers, by id, and without one to everything.
    answers: Mutex<BTreeMap<String, u16>>,
    asked: Mutex<Vec<String>>,
}

impl Receiver {
    async fn opens() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?key=s3cret", listener.local_addr().unwrap());
        let inbox = Arc::new(Inbox::default());
        let router = Router::new()
            .route("/hook", post(take))
            .with_state(inbox.clone());
        let server = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        let server = server.abort_handle();
        Self { url, inbox, server }
    }

    /// Answers with this status from now on: to everything, where the id is empty.
    fn answers(&self, id: &str, status: u16) {
        self.inbox.answers.lock().unwrap().insert(id.into(), status);
    }

    /// The ids of what it took, in order.
    fn ids(&self) -> Vec<String> {
        let taken = self.inbox.taken.lock().unwrap();
        taken
            .iter()
            .map(|(headers, _)| header(headers, "webhook-id"))
            .collect()
    }

    fn tries(&self) -> usize {
        self.inbox.asked.lock().unwrap().len()
    }

    async fn has_taken(&self, paid: &[&CreatedInvoice]) {
        let expected = sorted(paid.iter().map(|created| id(created)).collect());
        let what = format!("{} webhooks", expected.len());
        eventually(&what, || sorted(self.ids()) == expected).await;
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let id = header(&headers, "webhook-id");
    inbox.asked.lock().unwrap().push(id.clone());
    let answers = inbox.answers.lock().unwrap();
    let status = answers.get(&id).or(answers.get("")).copied().unwrap_or(204);
    if status < 300 {
        let event = serde_json::from_slice(&body).unwrap();
        inbox.taken.lock().unwrap().push((headers, event));
    }
    StatusCode::from_u16(status).unwrap()
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers[name].to_str().unwrap().to_owned()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort_unstable();
    ids
}

fn id(created: &CreatedInvoice) -> String {
    created.invoice.payment_hash.to_hex()
}

/// A store with receivers, over a lightningd that goes wrong; `start` and `ends` are what a
/// restart is.
struct Shop {
    fake: FakeLightningd,
    gateway: TestGateway,
    dir: TempDir,
}

impl Shop {
    fn new() -> Self {
        let fake = FakeLightningd::start();
        let mut options = options(fake.socket());
        options.timing.webhook_deadline = Duration::from_millis(500);
        options.timing.webhook_retry_min = Duration::from_millis(20);
        options.timing.webhook_retry_max = Duration::from_millis(100);
        let gateway = TestGateway::with(options);
        let dir = tempfile::tempdir().unwrap();
        Self { fake, gateway, dir }
    }

    fn start(&self, receivers: &[&Receiver]) -> JoinHandle<()> {
        let options = WebhooksOptions {
            urls: receivers.iter().map(|one| one.url.clone()).collect(),
            dir: self.dir.path().to_owned(),
        };
        let gateway = self.gateway.gateway.clone();
        tokio::spawn(async move { gateway.send_webhooks(options).await })
    }

    /// Starts, and waits until payments are followed.
    async fn started(&self, receivers: &[&Receiver]) -> JoinHandle<()> {
        let task = self.start(receivers);
        self.index().await;
        task
    }

    async fn index(&self) -> u64 {
        let path = index(self.dir.path()).await;
        let text = fs::read_to_string(path).unwrap();
        text.split_whitespace().next().unwrap().parse().unwrap()
    }

    async fn sells(&self) -> CreatedInvoice {
        let created = self.gateway.create("cat").await;
        self.fake.is_paid(&created.invoice.bolt11);
        created
    }

    fn undelivered(&self) -> usize {
        undelivered(self.dir.path())
    }

    /// Whether the operators' `/readyz` says so.
    async fn says_that_webhooks_are_stalled(&self, expected: bool) -> bool {
        let report = self.gateway.get_as_operator("/readyz").await;
        let report: Value = serde_json::from_slice(&report.body).unwrap();
        report["webhooks_stalled"] == expected
    }

    /// Waits until a metric is as it should be.
    async fn counts(&self, name: &str, expected: impl Fn(u64) -> bool) {
        for _ in 0..3000 {
            if expected(metric(&self.gateway.metrics().await, name)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{name}: {}", self.gateway.metrics().await);
    }
}

/// The files that say how far each node's payments were read.
fn indexes(dir: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(dir).into_iter().flatten();
    let paths = names.map(|entry| entry.unwrap().path());
    let is_index = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("index-") && !name.contains('.')
    };
    paths.filter(is_index).collect()
}

/// Waits until the payments of the only node are read.
async fn index(dir: &Path) -> PathBuf {
    eventually("an index", || !indexes(dir).is_empty()).await;
    indexes(dir).remove(0)
}

/// How many events wait in this folder.
fn undelivered(dir: &Path) -> usize {
    let folders = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let folders = folders.filter(|path| path.is_dir());
    let files = folders.flat_map(|path| fs::read_dir(path).unwrap());
    files
        .filter(|entry| entry.as_ref().unwrap().path().is_file())
        .count()
}

async fn ends(task: JoinHandle<()>) {
    task.abort();
    task.await.unwrap_err();
}

#[tokio::test]
async fn a_payment_is_told_to_everyone_who_is_named() {
    let shop = Shop::new();
    shop.fake.has_a_past_of(3);
    let receivers = [Receiver::opens().await, Receiver::opens().await];
    let _task = shop.started(&[&receivers[0], &receivers[1]]).await;
    shop.fake.has_a_past_of(1);
    let sold = shop.sells().await;
    for receiver in &receivers {
        receiver.has_taken(&[&sold]).await;
        let taken = receiver.inbox.taken.lock().unwrap();
        let (headers, event) = &taken[0];
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(event["type"], "invoice.paid");
        let data = event["data"].clone();
        let paid_at = data["paid_at"].as_u64().unwrap();
        let at = humantime::parse_rfc3339(event["timestamp"].as_str().unwrap()).unwrap();
        let since = at.duration_since(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(since.as_secs(), paid_at);
        let expected = json!({
            "payment_hash": id(&sold), "item": "cat", "amount_msat": 100_000,
            "amount_received_msat": 100_000, "paid_at": paid_at,
        });
        assert_eq!(data, expected);
    }
    eventually("an empty spool", || shop.undelivered() == 0).await;
}

#[tokio::test]
async fn what_is_refused_is_sent_again_and_holds_up_nothing() {
    let shop = Shop::new();
    let (bad, good) = (Receiver::opens().await, Receiver::opens().await);
    let _task = shop.started(&[&bad, &good]).await;
    bad.answers("", 500);
    let [one, two] = [shop.sells().await, shop.sells().await];
    good.has_taken(&[&one, &two]).await;
    eventually("tries", || bad.tries() >= 6).await;
    assert!(bad.ids().is_empty());
    shop.counts("purrwall_webhooks_delivered_total", |count| count == 2)
        .await;
    shop.counts("purrwall_webhooks_failed_total", |count| count >= 6)
        .await;
    shop.counts("purrwall_webhooks_pending", |count| count == 2)
        .await;

    // One event that is never taken, and one that comes after it.
    bad.answers(&id(&one), 302);
    bad.answers("", 200);
    bad.has_taken(&[&two]).await;
    let three = shop.sells().await;
    bad.has_taken(&[&two, &three]).await;
    eventually("one that waits", || shop.undelivered() == 1).await;
    bad.answers(&id(&one), 202);
    bad.has_taken(&[&one, &two, &three]).await;
    shop.counts("purrwall_webhooks_delivered_total", |count| count == 6)
        .await;
    shop.counts("purrwall_webhooks_pending", |count| count == 0)
        .await;
}

#[tokio::test]
async fn a_payment_while_everything_was_down_is_told_after() {
    let shop = Shop::new();
    let receiver = Receiver::opens().await;
    // The gateway.
    ends(shop.started(&[&receiver]).await).await;
    let one = shop.sells().await;
    shop.fake.has_a_past_of(2);
    let two = shop.sells().await;
    let task = shop.start(&[&receiver]);
    receiver.has_taken(&[&one, &two]).await;

    // lightningd.
    let three = shop.gateway.create("cat").await;
    shop.fake.goes_away().await;
    shop.fake.is_paid(&three.invoice.bolt11);
    shop.fake.comes_back();
    receiver.has_taken(&[&one, &two, &three]).await;

    // The receiver, and the gateway meanwhile.
    receiver.answers("", 503);
    let four = shop.sells().await;
    eventually("a try", || receiver.tries() > 3).await;
    eventually("one that waits", || shop.undelivered() == 1).await;
    ends(task).await;
    receiver.answers("", 204);
    let _task = shop.start(&[&receiver]);
    receiver.has_taken(&[&one, &two, &three, &four]).await;
}

#[tokio::test]
async fn a_crash_between_event_and_index_tells_twice_under_one_id() {
    let shop = Shop::new();
    let receiver = Receiver::opens().await;
    let task = shop.started(&[&receiver]).await;
    let before = shop.index().await;
    let sold = shop.sells().await;
    receiver.has_taken(&[&sold]).await;
    ends(task).await;
    fs::write(index(shop.dir.path()).await, before.to_string()).unwrap();
    let _task = shop.start(&[&receiver]);
    eventually("a second time", || receiver.ids() == [id(&sold), id(&sold)]).await;
}

/// An older book gives numbers once more that were told of, and a book that went on passes them.
#[tokio::test]
async fn what_a_node_with_another_book_was_paid_is_told() {
    let shop = Shop::new();
    shop.fake.has_a_past_of(9);
    let receiver = Receiver::opens().await;
    let mut task = shop.started(&[&receiver]).await;
    assert_eq!(shop.index().await, 9);
    let mut sold = vec![shop.sells().await];
    receiver.has_taken(&sold.iter().collect::<Vec<_>>()).await;
    for past in [0, 5, 20, 2] {
        // Else what was taken may come once more.
        eventually("a note of all", || shop.undelivered() == 0).await;
        ends(task).await;
        shop.fake.forgets_everything();
        shop.fake.has_a_past_of(past);
        // Once before the gateway has seen this book, and once after.
        sold.push(shop.sells().await);
        task = shop.start(&[&receiver]);
        receiver.has_taken(&sold.iter().collect::<Vec<_>>()).await;
        sold.push(shop.sells().await);
        receiver.has_taken(&sold.iter().collect::<Vec<_>>()).await;
    }
}

/// A buyer may be quicker than the gateway's first look at the book.
#[tokio::test]
async fn what_is_paid_after_the_first_start_is_told_and_nothing_before() {
    let shop = Shop::new();
    shop.fake.has_a_past_of(9);
    let receiver = Receiver::opens().await;
    let before = shop.gateway.create("cat").await;
    let hour_ago = unix_now() - 3600;
    shop.fake.was_paid(&before.invoice.bolt11, hour_ago);
    let sold = [
        shop.gateway.create("cat").await,
        shop.gateway.create("cat").await,
    ];
    shop.fake.goes_away().await;
    let task = shop.start(&[&receiver]);
    eventually("the first start", || shop.dir.path().join("since").exists()).await;
    for created in &sold {
        shop.fake.is_paid(&created.invoice.bolt11);
    }
    // Nor does it matter that the gateway ends before it has looked.
    ends(task).await;
    let _task = shop.start(&[&receiver]);
    shop.fake.comes_back();
    receiver.has_taken(&sold.each_ref()).await;
}

/// Two gateways with one data folder; the one that sends is killed, over and over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_killed_gateways_another_tells_the_rest() {
    let fake = FakeLightningd::start();
    let shop = TestGateway::new(fake.socket());
    let receiver = Receiver::opens().await;
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = purrwall(&fake.socket(), &dir.path().join("secret"));
        command
            .arg("--data-dir")
            .arg(dir.path())
            .args(["--webhooks", &receiver.url]);
        Program::start(command)
    };
    let mut gateways = [start(), start()];
    index(&dir.path().join("webhooks")).await;
    let mut sold = Vec::new();
    for round in 0..6 {
        for _ in 0..5 {
            let created = shop.create("cat").await;
            fake.is_paid(&created.invoice.bolt11);
            sold.push(created);
        }
        // Ends with SIGKILL.
        gateways[round % 2] = start();
    }
    let mut expected: Vec<String> = sold.iter().map(id).collect();
    expected.sort_unstable();
    eventually("every payment", || {
        let mut ids = sorted(receiver.ids());
        ids.dedup();
        ids == expected
    })
    .await;
    let twice = receiver.ids().len() - expected.len();
    assert!(twice <= 12, "{twice} payments were told twice by 6 kills");
}

/// Two that nobody kills tell once.
#[tokio::test]
async fn two_gateways_with_one_folder_tell_once() {
    let shop = Shop::new();
    let receiver = Receiver::opens().await;
    let one = shop.started(&[&receiver]).await;
    let _other = shop.start(&[&receiver]);
    let first = shop.sells().await;
    receiver.has_taken(&[&first]).await;
    eventually("an empty spool", || shop.undelivered() == 0).await;
    ends(one).await;
    let second = shop.sells().await;
    receiver.has_taken(&[&first, &second]).await;
    assert_eq!(receiver.ids().len(), 2);
}

/// A spool that cannot be read for a while loses nothing: the index does not move past a payment that
/// one of the addresses cannot be told of.
#[tokio::test]
async fn a_spool_that_cannot_be_read_skips_no_payment() {
    let shop = Shop::new();
    let receiver = Receiver::opens().await;
    ends(shop.started(&[&receiver]).await).await;
    receiver.answers("", 503);
    let task = shop.start(&[&receiver]);
    let one = shop.sells().await;
    eventually("one that waits", || shop.undelivered() == 1).await;
    ends(task).await;
    receiver.answers("", 204);
    let folders = fs::read_dir(shop.dir.path()).unwrap();
    let mut folders = folders.map(|entry| entry.unwrap().path());
    let folder = folders.find(|path| path.is_dir()).unwrap();
    let away = shop.dir.path().with_extension("away");
    fs::rename(&folder, &away).unwrap();
    fs::write(&folder, "not a folder").unwrap();

    let _task = shop.start(&[&receiver]);
    shop.counts("purrwall_webhooks_stalled", |stalled| stalled == 1)
        .await;
    let two = shop.sells().await;
    fs::remove_file(&folder).unwrap();
    fs::rename(&away, &folder).unwrap();
    // A try that was under way at the end of the first task may have been taken, too.
    eventually("both payments", || {
        let mut ids = sorted(receiver.ids());
        ids.dedup();
        ids == sorted(vec![id(&one), id(&two)])
    })
    .await;
    shop.counts("purrwall_webhooks_stalled", |stalled| stalled == 0)
        .await;
}

/// What cannot be kept is counted, pending, and kept once that works again; who could be told
/// meanwhile is told once.
#[tokio::test]
async fn what_cannot_be_kept_waits_and_is_counted() {
    let shop = Shop::new();
    let receivers = [Receiver::opens().await, Receiver::opens().await];
    let _task = shop.started(&[&receivers[0], &receivers[1]]).await;
    let first = shop.sells().await;
    for receiver in &receivers {
        receiver.has_taken(&[&first]).await;
    }
    eventually("an empty spool", || shop.undelivered() == 0).await;
    let folders = fs::read_dir(shop.dir.path()).unwrap();
    let mut folders = folders.map(|entry| entry.unwrap().path());
    let folder = folders.find(|path| path.is_dir()).unwrap();
    fs::remove_dir(&folder).unwrap();
    fs::write(&folder, "not a folder").unwrap();
    let second = shop.sells().await;
    let third = shop.sells().await;
    shop.counts("purrwall_webhooks_not_kept_total", |count| count >= 5)
        .await;
    shop.counts("purrwall_webhooks_stalled", |stalled| stalled == 1)
        .await;
    assert!(shop.says_that_webhooks_are_stalled(true).await);
    // Those of the third are counted, too, although it waits at lightningd. Of the second, the other
    // receiver may have been told.
    shop.counts("purrwall_webhooks_pending", |count| {
        count == 3 || count == 4
    })
    .await;
    fs::remove_file(&folder).unwrap();
    for receiver in &receivers {
        receiver.has_taken(&[&first, &second, &third]).await;
    }
    shop.counts("purrwall_webhooks_pending", |count| count == 0)
        .await;
    shop.counts("purrwall_webhooks_stalled", |stalled| stalled == 0)
        .await;
    assert!(shop.says_that_webhooks_are_stalled(false).await);
}

/// The macaroon with its signature's last byte changed, as after a change of the secret.
fn forged(claim: &Claim) -> Claim {
    let mut macaroon = claim.macaroon().clone();
    macaroon.signature[31] ^= 1;
    Claim::new(macaroon).unwrap()
}

/// Once for each payment and reason, by every gateway of a data folder, also after a restart. Claims
/// that anyone can make up tell nobody anything.
#[tokio::test]
async fn who_paid_and_is_refused_is_told_of_once() {
    let shop = Shop::new();
    let receiver = Receiver::opens().await;
    let task = shop.started(&[&receiver]).await;
    let made_up = {
        let elsewhere = FakeLightningd::start();
        let created = TestGateway::new(elsewhere.socket()).create("cat").await;
        let preimage = Preimage(elsewhere.is_paid(&created.invoice.bolt11));
        format!("{}:{}", l402(&forged(&created.claim)), preimage.to_hex())
    };
    let refused = shop.gateway.content("cat", &[&made_up]).await;
    refused.assert_problem(ErrorCode::InvalidClaim);

    let created = shop.gateway.create("cat").await;
    let preimage = Preimage(shop.fake.is_paid(&created.invoice.bolt11)).to_hex();
    let paid = id(&created);
    let wrong_item = format!("{}:{preimage}", l402(&created.claim));
    let forged = format!("{}:{preimage}", l402(&forged(&created.claim)));
    let is_told_of = |reason: &str| {
        let id = format!("{paid}-{reason}");
        receiver.ids().iter().filter(|told| **told == id).count()
    };
    for (item, credential, reason) in [
        ("two-cats", &wrong_item, "other_item"),
        ("cat", &forged, "not_issued"),
    ] {
        let limit = Instant::now() + Duration::from_mins(1);
        while is_told_of(reason) == 0 {
            assert!(Instant::now() < limit, "nobody is told of {reason}");
            let refused = shop.gateway.content(item, &[credential]).await;
            refused.assert_problem(ErrorCode::InvalidClaim);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let event = {
        let taken = receiver.inbox.taken.lock().unwrap();
        let found = taken
            .iter()
            .find(|(_, event)| event["data"]["reason"] == "other_item");
        found.unwrap().1.clone()
    };
    assert_eq!(event["type"], "purchase.refused");
    let data = json!({
        "payment_hash": paid, "item": "two-cats", "reason": "other_item",
        "refused_at": event["data"]["refused_at"],
    });
    assert_eq!(event["data"], data);

    eventually("an empty spool", || shop.undelivered() == 0).await;
    ends(task).await;
    let _task = shop.started(&[&receiver]).await;
    shop.gateway.content("two-cats", &[&wrong_item]).await;
    // Another event comes after the one that must not come.
    let sold = shop.sells().await;
    eventually("the sale", || receiver.ids().contains(&id(&sold))).await;
    let refusals = fs::read_dir(shop.dir.path().join("refused")).unwrap();
    let files = refusals.filter(|entry| entry.as_ref().unwrap().path().is_file());
    assert_eq!(files.count(), 0);
    assert_eq!((is_told_of("other_item"), is_told_of("not_issued")), (1, 1));
    let all = receiver.ids();
    assert_eq!(all.len(), 4, "two sales and two refusals: {all:?}");
}

#[tokio::test]
async fn payments_that_were_deleted_meanwhile_are_counted() {
    let shop = Shop::new();
    let receiver = Receiver::opens().await;
    ends(shop.started(&[&receiver]).await).await;
    let [one, two, three] = [shop.sells().await, shop.sells().await, shop.sells().await];
    shop.fake.deletes(&one.invoice.bolt11);
    shop.fake.deletes(&two.invoice.bolt11);
    let _task = shop.start(&[&receiver]);
    receiver.has_taken(&[&three]).await;
    shop.counts("purrwall_payments_pruned_total", |count| count == 2)
        .await;
}

/// Each node numbers its payments itself.
#[tokio::test]
async fn payments_of_several_nodes_are_all_told_of() {
    let fakes = [1, 2].map(FakeLightningd::with_key);
    let receiver = Receiver::opens().await;
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(fakes[0].socket());
    options.nodes = fakes.each_ref().map(|fake| fake.socket().into()).to_vec();
    let gateway = TestGateway::with(options);
    // The place of before, when there was the first node only.
    fs::write(dir.path().join("index"), "0\n").unwrap();
    let start = || {
        let options = WebhooksOptions {
            urls: vec![receiver.url.clone()],
            dir: dir.path().to_owned(),
        };
        let gateway = gateway.gateway.clone();
        tokio::spawn(async move { gateway.send_webhooks(options).await })
    };
    let pays = |created: &CreatedInvoice| {
        let bolt11 = &created.invoice.bolt11;
        let holder = fakes
            .iter()
            .position(|fake| fake.bolt11s().contains(bolt11));
        fakes[holder.unwrap()].is_paid(bolt11);
        holder.unwrap()
    };
    let mut sold = [0, 0];
    let mut all = Vec::new();
    for round in 0..3 {
        let task = start();
        eventually("the places", || indexes(dir.path()).len() == 2).await;
        // In the second round while nobody follows.
        if round == 1 {
            ends(task).await;
        }
        for _ in 0..8 {
            let created = gateway.create("cat").await;
            sold[pays(&created)] += 1;
            all.push(created);
        }
        if round != 1 {
            receiver.has_taken(&all.iter().collect::<Vec<_>>()).await;
        }
    }
    assert!(
        sold.iter().all(|sold| *sold > 0),
        "both have sold: {sold:?}"
    );
    assert!(!dir.path().join("index").exists(), "it was handed over");
}

#[test]
fn the_owner_has_webhooks_sent_again() {
    testing::nodes::run(async {
        let receiver = Receiver::opens().await;
        let webhooks = format!("webhooks = \"{}\"\n", receiver.url);
        let folder = Folder::new(&(webhooks + &section("again", "1 sat", "")));
        folder.put("again", b"miau");
        let store = OwnStore::open(&folder).await;
        index(&folder.path(".purrwall/webhooks")).await;
        let nodes = testing::nodes::nodes().await;
        let created = store.create("again");
        testing::nodes::pay(&nodes.alice, &created.invoice.bolt11).await;
        let hash = id(&created);
        // Other tests sell through the same node.
        let times = || receiver.ids().iter().filter(|id| **id == hash).count();
        eventually("the webhook", || times() == 1).await;

        let resend = |arguments: &[&str]| {
            let arguments = [&["webhook", "resend"], arguments].concat();
            let mut command = own_store::purrwall(&arguments, &folder.file(), &nodes.store);
            command.output().unwrap()
        };
        let again = resend(&[&hash]);
        assert!(again.status.success(), "{again:?}");
        eventually("the webhook again", || times() == 2).await;
        let again = resend(&["--since", "1h"]);
        assert!(again.status.success(), "{again:?}");
        eventually("the webhook once more", || times() == 3).await;
        let unknown = resend(&[&"0".repeat(64)]);
        assert!(!unknown.status.success(), "{unknown:?}");
        assert!(store.log().contains("a webhook was delivered"));
        assert!(!store.log().contains("s3cret"), "{}", store.log());
    });
}

const DOCS: &str = include_str!("../../../docs/webhooks.md");

/// A receiver of the docs, run as a program of its own.
struct OwnersProgram {
    child: Child,
    stdout: BufReader<ChildStdout>,
    port: u16,
}

impl OwnersProgram {
    fn start(mut command: Command, port: u16, secret: &str) -> Self {
        let mut child = command
            .env("SECRET", secret)
            .env("PORT", port.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            stdout,
            port,
        }
    }

    async fn is_there(&self) {
        let address = ("127.0.0.1", self.port);
        eventually("the receiver", || TcpStream::connect(address).is_ok()).await;
    }

    /// Reads what it prints up to a line that holds `text`.
    fn says(&mut self, text: &str) {
        let found = self
            .stdout
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .any(|line| line.contains(text));
        assert!(found, "the receiver never said {text:?}");
    }
}

impl Drop for OwnersProgram {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn docs_program(language: &str) -> &'static str {
    let (_, rest) = DOCS.split_once(&format!("\n```{language}\n")).unwrap();
    let program = rest.split_once("\n```").unwrap().0;
    assert!(program.lines().count() <= 14, "a receiver is short");
    program
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receiver_in_python_takes_ours_and_no_others() {
    let Some(python) = python("python") else {
        return skipped("there is no standardwebhooks");
    };
    let mut command = Command::new(python);
    command.args(["-c", docs_program("python")]);
    check_owners_program(command).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receiver_in_javascript_takes_ours_and_no_others() {
    if Command::new("node").arg("--version").output().is_err() {
        return skipped("the receiver in JavaScript: there is no node");
    }
    let mut command = Command::new("node");
    command.args(["-e", docs_program("js")]);
    check_owners_program(command).await;
}

async fn check_owners_program(command: Command) {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/");
    let ours = |arguments: &[&str]| {
        let mut command = purrwall(&fake.socket(), &dir.path().join("secret"));
        command.args(["--data-dir", dir.path().to_str().unwrap()]);
        let mut ordered = Command::new(command.get_program());
        ordered.env_clear().args(arguments).args(command.get_args());
        ordered.output().unwrap()
    };
    let refused = ours(&["webhook", "test", &url]);
    assert!(!refused.status.success());
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("does not answer"), "{told}");

    let secret = ours(&["webhook", "secret", &url]);
    let secret = String::from_utf8(secret.stdout).unwrap();
    let mut receiver = OwnersProgram::start(command, port, secret.trim());
    receiver.is_there().await;
    // The receiver knows the key of before.
    let rotated = ours(&["secret", "rotate"]);
    assert!(rotated.status.success(), "{rotated:?}");
    let tested = ours(&["webhook", "test", &url]);
    assert!(tested.status.success(), "{tested:?}");

    // With another key, nobody is believed.
    let key = SigningKey::of_url(&Secret::from_bytes([9; 32]), &url);
    let forged = webhooks::send_test(&url, &key, Timing::default()).await;
    forged.unwrap_err();

    let mut command = purrwall(&fake.socket(), &dir.path().join("secret"));
    command
        .arg("--data-dir")
        .arg(dir.path())
        .args(["--webhooks", &url]);
    let program = Program::start(command);
    index(&dir.path().join("webhooks")).await;
    let created = program.create(&new_purchase().to_hex());
    fake.is_paid(&created.invoice.bolt11);
    let receiver = tokio::task::spawn_blocking(move || {
        receiver.says("test");
        receiver.says(&id(&created));
        receiver
    });
    let _receiver = receiver.await.unwrap();
    let spool = dir.path().join("webhooks");
    eventually("an empty spool", || undelivered(&spool) == 0).await;
    let (log, ended_well) = program.end();
    assert!(ended_well);
    assert!(!log.contains("was not delivered"), "{log}");
}
