//! Sealed goods: paying is the key.

use std::fs;
use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use purrwall_gateway::goods::catalogue::CatalogueError;
use purrwall_gateway::options::Options;
use purrwall_gateway::{Gateway, Secret};
use shared::api::{CreatedInvoice, MANIFEST_PATH, STORE_PATH, Status, Store, sealed_path};
use shared::claim::Identifier;
use shared::content::{ContentHash, Description};
use shared::digest::Digest;
use shared::invoice::Invoice;
use shared::lightning::Preimage;
use shared::problem::ErrorCode;
use shared::sealed::{Manifest, SealedSale};
use tempfile::TempDir;

use testing::fake_lightningd::FakeLightningd;
use testing::faults::{Fault, NodeProxy};
use testing::sealed::{check, film, open, open_with, sells_a_film};
use testing::tools::{SECRET, TestGateway, l402, new_purchase, options};

/// A store that sells a film sealed.
struct Cinema {
    fake: FakeLightningd,
    dir: TempDir,
    options: Options,
    gateway: TestGateway,
}

impl Cinema {
    fn opens() -> Self {
        let fake = FakeLightningd::start();
        let dir = tempfile::tempdir().unwrap();
        let mut options = options(fake.socket());
        sells_a_film(&mut options, dir.path(), &["https://cdn.example/goods/"]);
        Self {
            gateway: TestGateway::with(options.clone()),
            fake,
            dir,
            options,
        }
    }

    /// A gateway that starts now, and knows nothing but what is on the disk and at lightningd.
    fn another(&self) -> TestGateway {
        TestGateway::with(self.options.clone())
    }

    /// Puts a new seal secret before the old ones.
    fn rotates(&self) {
        let path = self.options.catalogue.seal_secret_file.clone();
        Secret::prepare(&path).unwrap();
        Secret::rotate(&path).unwrap();
    }
}

fn sale(created: &CreatedInvoice) -> &SealedSale {
    created.sealed.as_ref().expect("it is sold sealed")
}

async fn file(gateway: &TestGateway, ct: Digest) -> Vec<u8> {
    let answer = gateway.get(&sealed_path(ct)).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.body.to_vec()
}

#[tokio::test]
async fn paying_is_the_key() {
    let cinema = Cinema::opens();
    let created = cinema.gateway.create("film").await;
    let SealedSale { manifest, urls } = sale(&created);
    assert_eq!(
        *urls,
        [format!("https://cdn.example/goods/{}", manifest.ct)]
    );
    let store: Store = cinema.gateway.get(STORE_PATH).await.json();
    let listed = store.items[0].sealed.clone().unwrap();
    assert_eq!((listed.ct, &listed.urls), (manifest.ct, urls));

    // All of it is checked before the payment, against what the node signed.
    let invoice = Invoice::decode(&created.invoice.bolt11).unwrap();
    let identifier = *created.claim.identifier();
    let file = file(&cinema.gateway, manifest.ct).await;
    let description = invoice.description.unwrap();
    check(manifest, &description, &identifier.token_id, &file);
    assert!(description.ends_with(&ContentHash::of(&film()).to_hex()));

    let preimage = Preimage(cinema.fake.is_paid(&created.invoice.bolt11));
    let goods = open(manifest, &preimage, &identifier, &file).unwrap();
    assert_eq!(goods, film());
    // Who paid by phone learns the preimage by one answer.
    let status = cinema.gateway.status(&created.claim, 0).await;
    assert_eq!(
        (status.status, status.preimage),
        (Status::Paid, Some(preimage))
    );
    // And who cannot decrypt gets the goods as ever.
    let content = cinema
        .gateway
        .content("film", &[&l402(&created.claim)])
        .await;
    assert_eq!(content.body, film());
}

#[tokio::test]
async fn a_manifest_is_found_again_by_claim_and_by_purchase() {
    let cinema = Cinema::opens();
    let purchase = new_purchase();
    let first = cinema.gateway.ask_invoice("film", purchase).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let created: CreatedInvoice = first.json();
    for gateway in [cinema.gateway.clone(), cinema.another()] {
        let again = gateway.ask_invoice("film", purchase).await;
        assert_eq!(again.status, StatusCode::OK);
        assert_eq!(again.json::<CreatedInvoice>(), created);
        let claim = l402(&created.claim);
        let by_claim = gateway.get_with(MANIFEST_PATH, &[&claim]).await;
        assert_eq!(by_claim.json::<SealedSale>(), *sale(&created));
        // In the form whose hash the node signed.
        let form = sale(&created).manifest.to_json();
        let text = str::from_utf8(&by_claim.body).unwrap();
        assert!(
            text.starts_with(&format!("{{\"manifest\":{form},\"urls\":[")),
            "{text}"
        );
    }
    let nobody = cinema.gateway.get(MANIFEST_PATH).await;
    nobody.assert_problem(ErrorCode::InvalidClaim);
    cinema.fake.deletes(&created.invoice.bolt11);
    let claim = l402(&created.claim);
    let forgotten = cinema.another().get_with(MANIFEST_PATH, &[&claim]).await;
    forgotten.assert_problem(ErrorCode::UnknownInvoice);
}

#[tokio::test]
async fn a_gateway_that_is_killed_between_invoice_and_answer_leaves_the_same_manifest() {
    let cinema = Cinema::opens();
    let way = NodeProxy::start(cinema.fake.socket());
    way.goes_wrong("invoice", Fault::Mute);
    let mut options = cinema.options.clone();
    options.nodes = vec![way.socket().into()];
    let killed = TestGateway::with(options);
    let purchase = new_purchase();
    tokio::select! {
        answer = killed.ask_invoice("film", purchase) => panic!("it had no answer to give: {answer:?}"),
        () = async {
            while cinema.fake.invoices() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        } => {}
    }
    drop(killed);

    let answer = cinema.gateway.ask_invoice("film", purchase).await;
    assert_eq!(answer.status, StatusCode::OK, "the invoice was there");
    let created: CreatedInvoice = answer.json();
    assert_eq!(cinema.fake.invoices(), 1);
    let manifest = sale(&created).manifest;
    let identifier = *created.claim.identifier();
    let file = file(&cinema.gateway, manifest.ct).await;
    check(
        &manifest,
        &created.invoice.description,
        &identifier.token_id,
        &file,
    );
    let preimage = Preimage(cinema.fake.is_paid(&created.invoice.bolt11));
    assert_eq!(open(&manifest, &preimage, &identifier, &file), Some(film()));
}

#[tokio::test]
async fn who_routes_or_watches_cannot_decrypt() {
    let cinema = Cinema::opens();
    let created = cinema.gateway.create("film").await;
    let manifest = sale(&created).manifest;
    let file = file(&cinema.gateway, manifest.ct).await;
    // All that bob knows who routed the payment, and whoever saw invoice, manifest and ciphertext.
    let preimage = Preimage(cinema.fake.is_paid(&created.invoice.bolt11));
    let payment_hash = preimage.payment_hash();
    let known = [
        manifest.token.0,
        manifest.ct.0,
        manifest.key.0,
        manifest.hash().0,
        payment_hash.0,
        preimage.0,
        ContentHash::of(&film()).0,
        [0; 32],
    ];
    for token_id in known {
        let identifier = Identifier {
            payment_hash,
            token_id,
        };
        assert_eq!(open(&manifest, &preimage, &identifier, &file), None);
    }
    for key in known {
        let key = shared::sealed::ContentKey(key);
        assert_eq!(open_with(&key, &manifest, &file), None);
    }
    // Another buyer's claim and payment are of no use for this manifest.
    let other = cinema.gateway.create("film").await;
    let others = Preimage(cinema.fake.is_paid(&other.invoice.bolt11));
    let identifier = *other.claim.identifier();
    assert_eq!(open(&manifest, &others, &identifier, &file), None);
    let own = *created.claim.identifier();
    assert_eq!(open(&manifest, &preimage, &own, &file), Some(film()));
}

#[tokio::test]
async fn any_part_of_a_ciphertext_is_given_to_anyone() {
    let cinema = Cinema::opens();
    let ct = sale(&cinema.gateway.create("film").await).manifest.ct;
    let all = file(&cinema.gateway, ct).await;
    let size = all.len();
    let part = async |range: String| {
        let request = Request::get(sealed_path(ct)).header("range", range);
        let request = request.header("origin", "https://elsewhere.example");
        cinema
            .gateway
            .send(request.body(Body::empty()).unwrap())
            .await
    };
    // In the head, over its end, in a chunk, over two chunks, the last byte.
    for (start, end) in [
        (0, 23),
        (100, 200),
        (1_000_000, 1_000_009),
        (1_048_000, 1_050_000),
        (500, size - 7),
        (size - 1, size - 1),
    ] {
        let answer = part(format!("bytes={start}-{end}")).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(answer.body, all[start..=end]);
        assert_eq!(
            answer.header("content-range"),
            format!("bytes {start}-{end}/{size}")
        );
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("etag"), format!("\"{ct}\""));
        assert!(answer.header("cache-control").contains("immutable"));
    }
    part(format!("bytes={size}-"))
        .await
        .assert_problem(ErrorCode::RangeNotSatisfiable);
    let head = cinema
        .gateway
        .ask(Method::HEAD, &sealed_path(ct), &[])
        .await;
    assert_eq!(head.header("content-length"), size.to_string());
    assert!(head.body.is_empty());
    for none in [
        sealed_path(Digest([0; 32])),
        "/api/v1/sealed/cat".to_owned(),
    ] {
        cinema
            .gateway
            .get(&none)
            .await
            .assert_problem(ErrorCode::NotFound);
    }
}

#[tokio::test]
async fn a_rotation_seals_new_sales_anew_and_keeps_what_is_owed() {
    let cinema = Cinema::opens();
    let purchase = new_purchase();
    let answer = cinema.gateway.ask_invoice("film", purchase).await;
    let before: CreatedInvoice = answer.json();
    cinema.rotates();
    cinema
        .gateway
        .gateway
        .restock(cinema.options.catalogue.clone())
        .await
        .unwrap();

    for gateway in [cinema.gateway.clone(), cinema.another()] {
        let again = gateway.ask_invoice("film", purchase).await;
        assert_eq!(again.json::<CreatedInvoice>(), before, "it is owed");
        let after = gateway.create("film").await;
        let (old, new) = (sale(&before).manifest, sale(&after).manifest);
        assert_ne!(old.ct, new.ct);
        assert_ne!(old.secret, new.secret);
        for (created, Manifest { ct, .. }) in [(&before, old), (&after, new)] {
            let file = file(&gateway, ct).await;
            let token_id = &created.claim.identifier().token_id;
            check(
                &sale(created).manifest,
                &created.invoice.description,
                token_id,
                &file,
            );
        }
    }
    let preimage = Preimage(cinema.fake.is_paid(&before.invoice.bolt11));
    let manifest = &sale(&before).manifest;
    let file = file(&cinema.gateway, manifest.ct).await;
    let opened = open(manifest, &preimage, before.claim.identifier(), &file);
    assert_eq!(opened, Some(film()));
}

#[tokio::test]
async fn what_was_sold_opens_after_the_goods_changed_and_after_they_left_the_shelf() {
    let cinema = Cinema::opens();
    let purchase = new_purchase();
    let answer = cinema.gateway.ask_invoice("film", purchase).await;
    let before: CreatedInvoice = answer.json();
    fs::write(cinema.dir.path().join("film.mp4"), "a remake").unwrap();
    let remade = cinema.another();
    assert_ne!(
        sale(&remade.create("film").await).manifest.ct,
        sale(&before).manifest.ct
    );
    let again = remade.ask_invoice("film", purchase).await;
    assert_eq!(again.json::<CreatedInvoice>(), before);

    let mut emptied = cinema.options.clone();
    emptied.catalogue.items.clear();
    let emptied = TestGateway::with(emptied);
    let again: CreatedInvoice = emptied.ask_invoice("film", purchase).await.json();
    assert_eq!(sale(&again).manifest, sale(&before).manifest);
    let file = file(&emptied, sale(&before).manifest.ct).await;
    let preimage = Preimage(cinema.fake.is_paid(&before.invoice.bolt11));
    let opened = open(
        &sale(&before).manifest,
        &preimage,
        before.claim.identifier(),
        &file,
    );
    assert_eq!(opened, Some(film()));
}

#[tokio::test]
async fn a_label_that_is_made_again_reuses_no_preimage() {
    let cinema = Cinema::opens();
    let purchase = new_purchase();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let answer = cinema.gateway.ask_invoice("film", purchase).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        let created: CreatedInvoice = answer.json();
        let description = Description::read(&created.invoice.description);
        assert!(description.nonce.is_some());
        seen.push((
            created.invoice.payment_hash,
            sale(&created).manifest.key.to_hex(),
        ));
        cinema.fake.deletes(&created.invoice.bolt11);
    }
    let labels = cinema.fake.calls("invoice");
    assert!(
        labels
            .iter()
            .all(|call| call["label"] == labels[0]["label"])
    );
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn programs_learn_where_the_manifest_is() {
    let cinema = Cinema::opens();
    let answer = cinema.gateway.get("/goods/film").await;
    assert_eq!(answer.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(
        answer.header("link"),
        "</api/v1/manifest>; rel=\"describedby\""
    );
    let open = TestGateway::new(cinema.fake.socket());
    let answer = open.get("/goods/cat").await;
    assert!(!answer.headers.contains_key("link"));
    let created = open.create("cat").await;
    let none = open.get_with(MANIFEST_PATH, &[&l402(&created.claim)]).await;
    none.assert_problem(ErrorCode::NotFound);
}

fn start(options: &Options) -> Result<(), String> {
    match Gateway::with(options.clone(), &Secret::from_bytes(SECRET)) {
        Ok(_) => Ok(()),
        Err(CatalogueError::Seal(error)) => Err(error.to_string()),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_lost_seal_secret_is_not_replaced() {
    let cinema = Cinema::opens();
    let path = &cinema.options.catalogue.seal_secret_file;
    let secret = fs::read(path).unwrap();
    fs::remove_file(path).unwrap();
    let refused = start(&cinema.options).unwrap_err();
    assert!(
        refused.contains("seal_secret") && refused.contains("backup"),
        "{refused}"
    );
    assert!(!path.exists());
    fs::write(path, secret).unwrap();
    set_private(path);
    start(&cinema.options).unwrap();
}

fn set_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
