//! Codes on paper: LNURL-pay and Lightning Addresses, as wallets follow them.

use std::num::NonZeroU32;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use axum::http::{Method, Request, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bitcoin::hex::FromHex as _;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use purrwall_gateway::options::{ItemOptions, Options, RateOptions, RateSource};
use serde_json::{Value, json};
use shared::content::{ContentHash, commitment};
use shared::invoice::Invoice;
use shared::lightning::Preimage;
use shared::link::Link;
use shared::lnurl;
use shared::receipt::Receipt;
use tempfile::TempDir;

use testing::fake_lightningd::FakeLightningd;
use testing::nodes::{call, nodes, pay, run};
use testing::tools::{Answer, TestGateway, options, sold};

const HOST_NAME: &str = "cats.example";
const PICTURE: &[u8] = b"not really a picture";
const POEM: &str = "Purr, purr, purr.";

/// A store at a domain of its own, with a file and a short text.
struct Store {
    gateway: TestGateway,
    dir: TempDir,
}

impl Store {
    fn open(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("cats.png"), PICTURE).unwrap();
        std::fs::write(dir.path().join("poem.txt"), POEM).unwrap();
        let mut options = options;
        options.store.public_url = Some(format!("https://{HOST_NAME}"));
        options.catalogue.file = Some(dir.path().join("purrwall.toml"));
        options.catalogue.versions_dir = dir.path().join("goods");
        options.catalogue.items = vec![
            sold(
                "two-cats",
                "Two “cats” \\ \u{202e}\"and\" a\nnewline",
                "cats.png",
                "100 sat",
            ),
            sold("poem", "A poem", "poem.txt", "1500 msat"),
        ];
        Self {
            gateway: TestGateway::with(options),
            dir,
        }
    }

    async fn get(&self, url: &str) -> Value {
        let answer = self.answer(url).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
        // Wallets that are web pages ask, too.
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("cache-control"), "no-store");
        answer.json()
    }

    async fn answer(&self, url: &str) -> Answer {
        let path = url.strip_prefix("https://cats.example").unwrap_or(url);
        self.gateway.get(path).await
    }

    async fn offer(&self, name: &str) -> Value {
        self.get(&format!("/.well-known/lnurlp/{name}")).await
    }

    /// What a wallet gets that has scanned the code and agreed to the price.
    async fn invoice(&self, name: &str) -> (Value, Value) {
        let offer = self.offer(name).await;
        let invoice = self.get(&callback(&offer)).await;
        (offer, invoice)
    }
}

fn callback(offer: &Value) -> String {
    let callback = offer["callback"].as_str().unwrap();
    format!("{callback}?amount={}", offer["minSendable"])
}

/// What LUD-06 asks wallets to check.
#[track_caller]
fn checked(offer: &Value, answer: &Value) -> Invoice {
    let invoice = Invoice::decode(answer["pr"].as_str().unwrap()).unwrap();
    let metadata = offer["metadata"].as_str().unwrap();
    let hash = ContentHash::of(metadata.as_bytes());
    assert_eq!(invoice.description_hash, Some(hash));
    assert_eq!(invoice.description, None);
    assert_eq!(json!(invoice.amount_msat), offer["minSendable"]);
    assert_eq!(answer["routes"], json!([]));
    invoice.described(Some(metadata))
}

#[track_caller]
fn assert_failed(answer: &Value, why: &str) {
    assert_eq!(answer["status"], "ERROR", "{answer}");
    let reason = answer["reason"].as_str().unwrap();
    assert!(reason.contains(why), "{reason}");
}

#[test]
fn a_code_sells_a_file_over_real_payments() {
    run(async {
        let nodes = nodes().await;
        let store = Store::open(options(&nodes.store));
        let (offer, answer) = store.invoice("two-cats").await;
        assert_eq!(offer["tag"], "payRequest");
        assert_eq!(offer["minSendable"], 100_000);
        assert_eq!(offer["maxSendable"], 100_000);
        let said: Vec<(String, String)> =
            serde_json::from_str(offer["metadata"].as_str().unwrap()).unwrap();
        let promise = format!(
            "Two “cats” \\ \u{202e}\"and\" a newline sha256:{}",
            ContentHash::of(PICTURE)
        );
        let expected = [
            ("text/plain", promise.as_str()),
            ("text/identifier", "two-cats@cats.example"),
        ];
        let read = said.iter().map(|(kind, text)| (&**kind, &**text));
        assert!(read.eq(expected), "{said:?}");
        let invoice = checked(&offer, &answer);
        assert_eq!(invoice.description, Some(promise));

        let url = answer["successAction"]["url"].as_str().unwrap();
        let about = answer["successAction"]["description"].as_str().unwrap();
        assert_eq!(answer["successAction"]["tag"], "url");
        assert!(url.starts_with("https://cats.example/buy/two-cats/paid/"));
        assert!(
            about.chars().count() <= 144 && about.contains("preimage"),
            "{about}"
        );
        let verify = answer["verify"].as_str().unwrap();
        let pr = &answer["pr"];
        let unpaid = json!({"status": "OK", "settled": false, "preimage": null, "pr": pr});
        assert_eq!(store.get(verify).await, unpaid);
        let page = browse(&store, Method::GET, url, "", None).await;
        assert!(text(&page).contains("not paid yet"));
        assert_eq!(page.header("refresh"), "5");

        let preimage = pay(&nodes.alice, pr.as_str().unwrap()).await;
        let paid = json!({"status": "OK", "settled": true, "preimage": null, "pr": pr});
        assert_eq!(store.get(verify).await, paid);

        // Who was told all that the wallet was told, but did not pay, gets nothing: not by the page, …
        let page = browse(&store, Method::GET, url, "", None).await;
        assert!(text(&page).contains("preimage") && !text(&page).contains(&preimage));
        assert!(page.headers.get(SET_COOKIE).is_none());
        for guess in ["", "meow", &"00".repeat(32)] {
            let form = format!("purrwall_preimage={guess}");
            let refused = browse(&store, Method::POST, url, &form, None).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST);
            assert!(refused.headers.get(SET_COOKIE).is_none());
        }
        // … nor by the parts of its address; and who passed the payment on has the preimage alone.
        let tag = url.rsplit_once('/').unwrap().1;
        for odd in [&tag[1..], &tag[..tag.len() - 22], &preimage] {
            let path = format!("/buy/two-cats/paid/{odd}");
            let form = format!("purrwall_preimage={preimage}");
            for (method, form) in [(Method::GET, ""), (Method::POST, &*form)] {
                let refused = browse(&store, method, &path, form, None).await;
                assert_eq!(refused.status, StatusCode::NOT_FOUND);
            }
            assert_failed(
                &store.get(&verify.replace(tag, odd)).await,
                "nothing at this address",
            );
        }
        let elsewhere = url.replace("two-cats", "poem");
        let elsewhere = browse(&store, Method::GET, &elsewhere, "", None).await;
        assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);

        // The buyer, with both.
        let form = format!("purrwall_preimage={preimage}");
        let opened = browse(&store, Method::POST, url, &form, None).await;
        assert_eq!(opened.status, StatusCode::SEE_OTHER);
        assert_eq!(opened.header("location"), "/buy/two-cats");
        let cookie = opened.header("set-cookie").split(';').next().unwrap();
        let get = |path: &'static str| browse(&store, Method::GET, path, "", Some(cookie));
        assert_eq!(&*get("/buy/two-cats/content").await.body, PICTURE);
        let again = browse(&store, Method::GET, url, "", Some(cookie)).await;
        assert_eq!(again.headers[LOCATION], "/buy/two-cats");

        // What may be taken along holds, offline too.
        let receipt: Receipt = get("/buy/two-cats/receipt").await.json();
        let metadata = offer["metadata"].as_str().unwrap();
        assert_eq!(receipt.metadata.as_deref(), Some(metadata));
        assert_eq!(receipt.preimage.to_hex(), preimage);
        receipt.verify(Some(ContentHash::of(PICTURE))).unwrap();
        let kept = get("/buy/two-cats/keep").await;
        let (_, fragment) = text(&kept).split_once("https://cats.example/#").unwrap();
        let fragment = fragment.split_once('<').unwrap().0;
        let link: Link = serde_json::from_str(&Link::json(fragment).unwrap()).unwrap();
        let order = link.purchase.order().unwrap();
        assert_eq!(order.promised(), Some(ContentHash::of(PICTURE)));
        assert!(link.purchase.proof().is_some());

        // Another purchase is not thrown out of the browser.
        let (_, second) = store.invoice("two-cats").await;
        let preimage = pay(&nodes.alice, second["pr"].as_str().unwrap()).await;
        let form = format!("purrwall_preimage={preimage}");
        let url = second["successAction"]["url"].as_str().unwrap();
        let refused = browse(&store, Method::POST, url, &form, Some(cookie)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(text(&refused).contains("private window"));
    });
}

#[test]
fn a_code_sells_a_short_text_which_the_payment_opens() {
    run(async {
        let nodes = nodes().await;
        let store = Store::open(options(&nodes.store));
        let (offer, answer) = store.invoice("poem").await;
        let invoice = checked(&offer, &answer);
        let promised = commitment(invoice.description.as_deref().unwrap());
        assert_eq!(promised, Some(ContentHash::of(POEM.as_bytes())));
        let action = &answer["successAction"];
        assert_eq!(action["tag"], "aes");
        assert_eq!(action["iv"].as_str().unwrap().len(), 24);
        assert!(!answer.to_string().contains(POEM));

        let preimage = pay(&nodes.bob, answer["pr"].as_str().unwrap()).await;
        let told = opened(action, &preimage);
        let (poem, page) = told.split_once("\n\nOn a page: ").unwrap();
        assert_eq!(poem, POEM);
        let form = format!("purrwall_preimage={preimage}");
        let opened = browse(&store, Method::POST, page, &form, None).await;
        let cookie = opened.header("set-cookie").split(';').next().unwrap();
        let goods = browse(&store, Method::GET, "/buy/poem/content", "", Some(cookie)).await;
        assert_eq!(&*goods.body, POEM.as_bytes());
        let listed = call(
            &nodes.store,
            "listinvoices",
            json!({"payment_hash": invoice.payment_hash}),
        );
        let label = listed.await.unwrap()["invoices"][0]["label"].clone();
        assert!(label.as_str().unwrap().starts_with("purrwall/store/poem/"));
    });
}

/// What a wallet shows of a text that the payment opens.
#[track_caller]
fn opened(action: &Value, preimage: &str) -> String {
    let decode = |name: &str| {
        BASE64_STANDARD
            .decode(action[name].as_str().unwrap())
            .unwrap()
    };
    let key = <[u8; 32]>::from_hex(preimage).unwrap();
    let iv = <[u8; 16]>::try_from(decode("iv")).unwrap();
    let decryptor = cbc::Decryptor::<aes::Aes256>::new(&key.into(), &iv.into());
    let text = decryptor.decrypt_padded_vec::<Pkcs7>(&decode("ciphertext"));
    String::from_utf8(text.unwrap()).unwrap()
}

/// A request of a browser's without scripts.
async fn browse(
    store: &Store,
    method: Method,
    url: &str,
    form: &str,
    cookie: Option<&str>,
) -> Answer {
    let path = url.strip_prefix("https://cats.example").unwrap_or(url);
    let mut request = Request::builder().method(method).uri(path);
    request = request
        .header("accept", "text/html")
        .header(HOST, HOST_NAME);
    if let Some(cookie) = cookie {
        request = request.header(COOKIE, cookie);
    }
    if !form.is_empty() {
        request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    let request = request.body(Body::from(form.to_owned())).unwrap();
    store.gateway.send(request).await
}

fn text(answer: &Answer) -> &str {
    str::from_utf8(&answer.body).unwrap()
}

#[tokio::test]
async fn a_code_that_is_scanned_twice_makes_two_purchases_within_the_bounds() {
    let node = FakeLightningd::start();
    let mut limited = options(node.socket());
    limited.limits.invoices_per_minute = NonZeroU32::new(2);
    let store = Store::open(limited);
    let offer = store.offer("two-cats").await;
    let ask = || async {
        let path = callback(&offer).replace("https://cats.example", "");
        let request = Request::get(path).body(Body::empty()).unwrap();
        store.gateway.send_from("203.0.113.7", request).await
    };
    let first: Value = ask().await.json();
    let second: Value = ask().await.json();
    let hashes = [first, second].map(|answer| checked(&offer, &answer).payment_hash);
    assert_ne!(hashes[0], hashes[1]);
    assert_eq!(node.invoices(), 2);

    let third = ask().await;
    assert_failed(&third.json(), "try again in");
    assert!(third.header("retry-after").parse::<u64>().unwrap() > 0);
    assert_eq!(node.invoices(), 2);

    // Nobody needs an invoice who only looks at the headers, or is a picture in a page of another site.
    let path = callback(&offer).replace("https://cats.example", "");
    store.gateway.ask(Method::HEAD, &path, &[]).await;
    let embedded = Request::get(&path)
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "no-cors")
        .header("sec-fetch-dest", "image");
    let answer = store
        .gateway
        .send(embedded.body(Body::empty()).unwrap())
        .await;
    assert_failed(&answer.json(), "no invoice");
    assert_eq!(node.invoices(), 2);
}

#[tokio::test]
async fn where_a_payment_stands_is_told_from_memory() {
    let node = FakeLightningd::start();
    let store = Store::open(options(node.socket()));
    let (_, answer) = store.invoice("two-cats").await;
    let verify = answer["verify"].as_str().unwrap();
    testing::tools::eventually("the watcher", || store.gateway.gateway.follows_payments()).await;
    for _ in 0..5 {
        assert_eq!(store.get(verify).await["settled"], false);
    }
    assert_eq!(node.questions(), 1);
    // A name that was made up asks nobody.
    let odd = verify.replace("payments/AAA", "payments/AAB");
    let odd = if odd == verify {
        format!("{verify}A")
    } else {
        odd
    };
    assert_failed(&store.get(&odd).await, "nothing");
    assert_eq!(node.questions(), 1);
    let pr = answer["pr"].as_str().unwrap();
    node.is_paid(pr);
    testing::tools::eventually("the payment", || true).await;
    while store.get(verify).await["settled"] == false {
        tokio::task::yield_now().await;
    }
    node.deletes(pr);
    assert_eq!(store.get(verify).await["settled"], true);
}

#[tokio::test]
async fn what_is_not_sold_so_is_told_in_the_form_of_wallets() {
    let node = FakeLightningd::start();
    let store = Store::open(options(node.socket()));
    assert_failed(&store.offer("dog").await, "no item dog");
    for odd in ["Two-Cats", "two.cats", "..", "x%20y", &"x".repeat(49)] {
        assert_failed(&store.offer(odd).await, "nothing at this address");
    }
    let offer = store.offer("two-cats").await;
    let to = offer["callback"].as_str().unwrap();
    assert_failed(&store.get(to).await, "`amount`");
    for (query, why) in [
        ("amount=", "`amount`"),
        ("amount=much", "`amount`"),
        ("amount=-1", "`amount`"),
        ("amount=99999", "the price, which is 100 sat"),
        ("amount=100001", "the price, which is 100 sat"),
        ("amount=18446744073709551615", "the price"),
    ] {
        assert_failed(&store.get(&format!("{to}?{query}")).await, why);
    }
    let other = format!("{}00?amount=100000", &to[..to.len() - 2]);
    let other = if other.starts_with(to) {
        to.replace("/codes/", "/codes/0")
    } else {
        other
    };
    assert_failed(&store.get(&other).await, "has changed");

    // The file is another one by the time that the wallet asks for the invoice.
    std::fs::write(store.dir.path().join("cats.png"), "other cats").unwrap();
    let mut options = options(node.socket()).catalogue;
    options.file = Some(store.dir.path().join("purrwall.toml"));
    options.versions_dir = store.dir.path().join("goods");
    options.items = vec![sold("two-cats", "Two cats", "cats.png", "100 sat")];
    store.gateway.gateway.restock(options).await.unwrap();
    assert_failed(
        &store.get(&callback(&offer)).await,
        "has changed since; scan the code again",
    );
    assert_eq!(node.invoices(), 0);

    node.goes_away().await;
    let offer = store.offer("two-cats").await;
    assert_failed(&store.get(&callback(&offer)).await, "cannot make");
}

#[tokio::test]
async fn a_price_that_follows_a_rate_may_move_a_little() {
    let node = FakeLightningd::start();
    let at = |per_btc: &str| {
        let mut options = options(node.socket());
        options.catalogue.rates = vec![RateOptions {
            currency: "USD".parse().unwrap(),
            source: RateSource::Fixed(per_btc.parse().unwrap()),
        }];
        options
    };
    let store = Store::open(at("100000"));
    let restock = |per_btc: &str| {
        let mut options = at(per_btc).catalogue;
        options.file = Some(store.dir.path().join("purrwall.toml"));
        options.versions_dir = store.dir.path().join("goods");
        options.items = vec![sold("two-cats", "Two cats", "cats.png", "0.25 USD")];
        store.gateway.gateway.restock(options)
    };
    restock("100000").await.unwrap();
    let offer = store.offer("two-cats").await;
    assert_eq!(offer["minSendable"], 250_000);
    let said = lnurl::description(offer["metadata"].as_str().unwrap()).unwrap();
    assert!(said.starts_with("Two cats sha256:"), "{said}");
    // What the wallet was told stands, up to the hundredth that offers and invoices may differ by.
    for near in ["100900", "99100"] {
        restock(near).await.unwrap();
        let answer = store.get(&callback(&offer)).await;
        assert_eq!(json!(checked(&offer, &answer).amount_msat), 250_000);
    }
    for far in ["102000", "98000"] {
        restock(far).await.unwrap();
        assert_failed(&store.get(&callback(&offer)).await, "scan the code again");
    }
}

#[tokio::test]
async fn what_is_limited_in_time_is_limited_by_a_code_too() {
    let node = FakeLightningd::start();
    let store = Store::open(options(node.socket()));
    let mut options = options(node.socket()).catalogue;
    options.file = Some(store.dir.path().join("purrwall.toml"));
    options.versions_dir = store.dir.path().join("goods");
    options.items = vec![ItemOptions {
        valid_for: Some(std::time::Duration::from_hours(1)),
        ..sold("two-cats", "Two cats", "cats.png", "1 sat")
    }];
    store.gateway.gateway.restock(options).await.unwrap();
    let (offer, answer) = store.invoice("two-cats").await;
    let invoice = checked(&offer, &answer);
    assert!(
        invoice
            .description
            .unwrap()
            .starts_with("Two cats valid:3600 sha256:")
    );
    let preimage = Preimage(node.is_paid(answer["pr"].as_str().unwrap()));
    let url = answer["successAction"]["url"].as_str().unwrap();
    let form = format!("purrwall_preimage={}", preimage.to_hex());
    let opened = browse(&store, Method::POST, url, &form, None).await;
    let cookie = opened.header("set-cookie").split(';').next().unwrap();
    let page = browse(&store, Method::GET, "/buy/two-cats", "", Some(cookie)).await;
    assert!(text(&page).contains("Yours until"), "{}", text(&page));
}

#[tokio::test]
async fn the_plain_page_shows_the_code_with_what_it_sells() {
    let node = FakeLightningd::start();
    let store = Store::open(options(node.socket()));
    let page = browse(&store, Method::GET, "/buy/poem", "", None).await;
    let code = lnurl::encode("https://cats.example/.well-known/lnurlp/poem").unwrap();
    for said in [
        "“A poem” for 1.5 sat",
        "poem@cats.example",
        &code,
        "<svg class=\"qr\"",
    ] {
        assert!(text(&page).contains(said), "{said}: {}", text(&page));
    }

    // No wallet follows a code to plain http, or to this machine.
    let gateway = TestGateway::new(node.socket());
    let request = Request::get("/buy/cat").header(HOST, "127.0.0.1:8080");
    let page = gateway.send(
        request
            .header("accept", "text/html")
            .body(Body::empty())
            .unwrap(),
    );
    assert!(!text(&page.await).contains("LNURL1"));
    // By the address that is asked, where the owner set none; below a path there is no Lightning Address.
    let nested = TestGateway::nested(node.socket(), "/shop");
    let request = |path: &str| {
        let request = Request::get(path).header(HOST, HOST_NAME);
        let request = request.header("x-forwarded-proto", "https");
        request
            .header("accept", "text/html")
            .body(Body::empty())
            .unwrap()
    };
    let page = nested.send(request("/shop/buy/cat")).await;
    let code = lnurl::encode("https://cats.example/shop/.well-known/lnurlp/cat").unwrap();
    assert!(text(&page).contains(&code) && !text(&page).contains("cat@"));
    let offer: Value = nested
        .send(request("/shop/.well-known/lnurlp/cat"))
        .await
        .json();
    let to = offer["callback"].as_str().unwrap();
    assert!(
        to.starts_with("https://cats.example/shop/api/v1/items/cat/codes/"),
        "{to}"
    );
    assert!(!offer["metadata"].as_str().unwrap().contains("identifier"));
}
