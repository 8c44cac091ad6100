//! Sealed goods: fetched from anywhere, checked before anyone pays, opened by the payment alone.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use purrwall_buyer::sealed::{Judgement, NoJudgement, judge};
use purrwall_buyer::store::Store;
use purrwall_buyer::ticket::Scheme;
use purrwall_buyer::{BuyError, Buyer, SealedError};
use serde_json::json;
use shared::claim::{Claim, Identifier};
use shared::content::{ContentHash, Description};
use shared::digest::{Digest, Nonce};
use shared::lightning::Preimage;
use shared::macaroon::Macaroon;
use shared::receipt::Receipt;
use shared::sealed::{BadManifest, CHUNK, Digests, FORMAT, Manifest, SecretId, WrappedKey};
use tempfile::TempDir;

use testing::nodes::{call, nodes};
use testing::sealed::{film, sells_a_film, sign, write_film};
use testing::shop::{CAT, Shop, body, run};
use testing::static_host::StaticHost;
use testing::tools::eventually;

/// A store that sells a film sealed, and the host where the ciphertext lies.
struct Cinema {
    shop: Shop,
    host: StaticHost,
    ct: Digest,
    place: TempDir,
}

impl Cinema {
    async fn opens() -> Self {
        let place = tempfile::tempdir().unwrap();
        let hosted = place.path().join("hosted");
        fs::create_dir(&hosted).unwrap();
        let host = StaticHost::start(&hosted).await;
        let mut ct = None;
        let shop = Shop::with(|options| {
            sells_a_film(options, place.path(), &[&host.url]);
            ct = Some(write_film(options, &hosted));
        })
        .await;
        let ct = ct.unwrap();
        Self {
            shop,
            host,
            ct,
            place,
        }
    }

    fn buyer(&self) -> Buyer {
        let mut buyer = self.shop.buyer();
        buyer.store = Store::new(self.shop.url("film").parse().unwrap(), Scheme::L402);
        buyer
    }

    /// How many bytes a whole ciphertext has.
    fn file_len(&self) -> u64 {
        let path = self.place.path().join("hosted").join(self.ct.to_hex());
        fs::metadata(path).unwrap().len()
    }

    #[track_caller]
    fn assert_bought(&self) {
        assert_eq!(fs::read(self.shop.out()).unwrap(), film());
        let names = fs::read_dir(self.shop.dir.path()).unwrap();
        let mut left: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["cat.txt", "cat.txt.receipt.json"]);
        assert_eq!(self.shop.node.payments(), 1);
    }

    fn requests(&self, path: &str) -> usize {
        let requests = self.shop.way.requests();
        requests.iter().filter(|head| head.contains(path)).count()
    }
}

#[track_caller]
fn assert_unpaid(cinema: &Cinema) {
    assert_eq!(cinema.shop.node.heard("xpay"), 0);
    assert!(cinema.shop.purchase().is_none());
}

#[track_caller]
fn sealed(error: BuyError) -> SealedError {
    match error {
        BuyError::Sealed(why) => *why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_film_comes_from_a_foreign_host_and_nothing_is_asked_of_the_store_once_it_is_paid() {
    run(async {
        let cinema = Cinema::opens().await;
        // The store is gone as soon as it has said that the invoice can be paid.
        let is_gone = Arc::new(AtomicBool::new(false));
        let gone = is_gone.clone();
        cinema.shop.way.changes(move |request, answer| {
            let is_status = request.starts_with("GET /api/v1/invoice ");
            if gone.fetch_or(is_status, Ordering::SeqCst) {
                Vec::new()
            } else {
                answer
            }
        });
        cinema.buyer().buy().await.unwrap();
        cinema.assert_bought();
        assert!(is_gone.load(Ordering::SeqCst));
        assert_eq!(cinema.requests("/api/v1/sealed/"), 0);
        // The challenge, and no goods.
        assert_eq!(cinema.requests("/content"), 1);
        assert_eq!(cinema.host.sent(), cinema.file_len());
        // All that the store sends for a sale, however large the film is.
        let sent = cinema.shop.way.sent();
        assert!(sent < 10_000, "{sent} bytes came from the store");
    });
}

#[test]
fn an_interrupted_download_goes_on() {
    run(async {
        let cinema = Cinema::opens().await;
        // A chunk and a bit come in each answer, and the store has none of it.
        cinema.host.breaks_off_after(1_100_000);
        cinema.buyer().buy().await.unwrap();
        cinema.assert_bought();
        let ranges = cinema.host.ranges();
        assert_eq!(ranges.len(), 3, "{ranges:?}");
        assert!(ranges[1..].iter().all(|range| range.starts_with("bytes=")));
        assert_eq!(cinema.requests("/api/v1/sealed/"), 0);
    });
}

#[test]
fn what_has_come_is_kept_over_the_end_of_the_program() {
    run(async {
        let cinema = Cinema::opens().await;
        cinema.host.breaks_off_after(1_100_000);
        cinema.shop.way.changes(|request, answer| {
            if request.contains("/api/v1/sealed/") {
                Vec::new()
            } else {
                answer
            }
        });
        // Each answer begins in the same place, so the second brings nothing.
        cinema.host.has_no_ranges();
        let error = cinema.buyer().buy().await.unwrap_err();
        assert!(matches!(sealed(error), SealedError::Nowhere(_)));
        assert_unpaid(&cinema);
        cinema.host.is_well();
        let before = cinema.host.sent();
        cinema.buyer().buy().await.unwrap();
        cinema.assert_bought();
        assert!(cinema.host.sent() - before < cinema.file_len() - 1_000_000);
    });
}

#[test]
fn a_host_that_lies_is_passed_over_and_a_store_that_lies_is_not_paid() {
    run(async {
        let cinema = Cinema::opens().await;
        for at in [3, 30, 200_000] {
            cinema.host.changes_byte(at);
            cinema.shop.way.changes(move |request, mut answer| {
                if request.contains("/api/v1/sealed/") {
                    let first = body(&answer);
                    answer[first] ^= 1;
                }
                answer
            });
            let error = cinema.buyer().buy().await.unwrap_err();
            assert!(matches!(sealed(error), SealedError::Nowhere(_)));
            assert_unpaid(&cinema);
        }
        cinema.shop.way.is_well();
        cinema.buyer().buy().await.unwrap();
        cinema.assert_bought();
        assert!(cinema.requests("/api/v1/sealed/") > 0);
    });
}

#[test]
fn a_store_that_lies_in_the_manifest_or_in_its_hash_is_not_paid() {
    run(async {
        let cinema = Cinema::opens().await;
        let changes = |from: &'static str, to: &'static str| {
            cinema.shop.way.changes(move |request, answer| {
                if !request.contains("/api/v1/manifest") {
                    return answer;
                }
                let text = String::from_utf8(answer).unwrap();
                text.replacen(from, to, 1).into_bytes()
            });
        };
        for (from, to) in [
            ("\"key\":\"", "\"key\":\"0"),
            ("\"format\":1", "\"format\":2"),
            ("\"size\":2500000", "\"size\":2400000"),
            ("\"chunk\":1048576", "\"chunk\":1048575"),
        ] {
            changes(from, to);
            let error = cinema.buyer().buy().await.unwrap_err();
            let is_refused = matches!(error, BuyError::Sealed(_) | BuyError::Store(_));
            assert!(is_refused, "{error:?}");
            assert_unpaid(&cinema);
        }
        // A store whose invoices commit to nothing, but which advertises sealed goods.
        let plain = Shop::open().await;
        let url = format!("{}{}", cinema.host.url, cinema.ct);
        let goods = json!({"ct": cinema.ct, "chunk": CHUNK, "urls": [url]});
        let listed = format!("\"sealed\":{goods},\"scene\"");
        plain.way.changes(move |request, answer| {
            if !request.contains("/api/v1/store") {
                return answer;
            }
            let text = String::from_utf8(answer).unwrap();
            let (_, body) = text.split_once("\r\n\r\n").unwrap();
            let size = |length| format!("\"size\":{length},");
            let body = body.replace("\"scene\"", &listed);
            let body = body.replace(&size(CAT.len()), &size(film().len()));
            format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
            .into_bytes()
        });
        let error = plain.buy().await.unwrap_err();
        assert!(matches!(sealed(error), SealedError::NoManifest));
        assert_eq!(plain.node.heard("xpay"), 0);
    });
}

#[test]
fn a_crash_at_any_step_pays_once() {
    run(async {
        let cinema = Cinema::opens().await;
        for method in ["listpays", "xpay"] {
            let before = cinema.shop.node.heard(method);
            let buyer = cinema.buyer();
            let task = tokio::spawn(async move { buyer.buy().await });
            eventually("the call", || cinema.shop.node.heard(method) > before).await;
            task.abort();
            assert!(task.await.is_err());
        }
        // What was fetched before is not fetched again.
        cinema.buyer().buy().await.unwrap();
        cinema.assert_bought();
        assert_eq!(cinema.host.sent(), cinema.file_len());
    });
}

/// What a store that lies signs: an invoice for a manifest with this key.
struct Liar {
    manifest: Manifest,
    bolt11: String,
    preimage: Preimage,
    identifier: Identifier,
}

async fn signs(cinema: &Cinema, key: WrappedKey) -> Liar {
    let mut preimage = Preimage([0; 32]);
    getrandom::fill(&mut preimage.0).unwrap();
    let identifier = Identifier {
        payment_hash: preimage.payment_hash(),
        token_id: [7; 32],
    };
    let head = fs::read(cinema.place.path().join("hosted").join(cinema.ct.to_hex())).unwrap();
    let digests = Digests::parse(&head[..24 + 3 * 32]).unwrap();
    let manifest = Manifest {
        format: FORMAT,
        ct: digests.root(),
        size: film().len() as u64,
        chunk: CHUNK,
        key,
        secret: SecretId([0; 4]),
        token: Digest::of(&[&identifier.token_id]),
    };
    let description = Description {
        title: "A film",
        manifest: Some(manifest.hash()),
        nonce: Some(Nonce([0; 8])),
        sha256: Some(ContentHash::of(&film())),
        ..Description::default()
    };
    let invoice = json!({
        "amount_msat": 5000, "label": format!("lie-{}", preimage.payment_hash()), "expiry": 600,
        "description": description.to_string(), "preimage": preimage.to_hex(),
    });
    let made = call(&nodes().await.store, "invoice", invoice)
        .await
        .unwrap();
    Liar {
        manifest,
        bolt11: made["bolt11"].as_str().unwrap().to_owned(),
        preimage,
        identifier,
    }
}

#[test]
fn a_false_key_is_paid_for_once_and_convicts_the_store() {
    run(async {
        let cinema = Cinema::opens().await;
        let liar = signs(&cinema, WrappedKey([9; 32])).await;
        let claim = Claim::new(Macaroon {
            location: None,
            identifier: liar.identifier.to_bytes(),
            caveats: vec![b"item=film".to_vec()],
            signature: [0; 32],
        });
        let challenge = format!(
            "HTTP/1.1 402 Pay\r\ncontent-length: 0\r\nwww-authenticate: L402 macaroon=\"{}\", invoice=\"{}\"\r\n\r\n",
            claim.unwrap().to_base64(),
            liar.bolt11
        );
        let json = |body: String| {
            format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        let manifest = json(format!(
            "{{\"manifest\":{},\"urls\":[]}}",
            liar.manifest.to_json()
        ));
        let status = json("{\"status\":\"unpaid\",\"expires_at\":1,\"server_time\":1}".to_owned());
        cinema.shop.way.changes(move |request, answer| {
            let lie = match request {
                ask if ask.contains("/content") && !ask.contains("authorization") => &challenge,
                ask if ask.contains("/content") => "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n",
                ask if ask.contains("/api/v1/manifest") => &manifest,
                ask if ask.contains("/api/v1/invoice ") => &status,
                _ => return answer,
            };
            lie.as_bytes().to_vec()
        });
        for _ in 0..2 {
            let error = cinema.buyer().buy().await.unwrap_err();
            assert!(matches!(error, BuyError::FalseKey { .. }), "{error:?}");
            assert!(error.to_string().contains("purrwall verify"), "{error}");
            assert_eq!(cinema.shop.node.payments(), 1, "it is paid for once");
        }
        let receipt = fs::read(cinema.shop.beside(".receipt.json")).unwrap();
        let receipt: Receipt = serde_json::from_slice(&receipt).unwrap();
        let manifest = fs::read(cinema.shop.beside(".manifest.json")).unwrap();
        let manifest: Manifest = serde_json::from_slice(&manifest).unwrap();
        let file = fs::File::open(cinema.shop.beside(".sealed")).unwrap();
        let judged = judge(&receipt, &manifest, liar.identifier.token_id, &file).unwrap();
        assert!(matches!(judged, Judgement::Broken(..)), "{judged}");
        let sentence = judged.to_string();
        assert!(
            sentence.ends_with("the store lied.") && sentence.matches(". ").count() == 0,
            "{sentence}"
        );

        // Nobody can do that to a store by another token_id, manifest or file.
        let other = judge(&receipt, &manifest, [8; 32], &file).unwrap_err();
        assert!(
            matches!(other, NoJudgement::Manifest(BadManifest::Token)),
            "{other}"
        );
        let made_up = Manifest {
            key: WrappedKey([1; 32]),
            ..manifest
        };
        let other = judge(&receipt, &made_up, liar.identifier.token_id, &file).unwrap_err();
        assert!(
            matches!(other, NoJudgement::Manifest(BadManifest::Commitment)),
            "{other}"
        );
        let changed = cinema.place.path().join("changed");
        let mut bytes = fs::read(cinema.shop.beside(".sealed")).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&changed, bytes).unwrap();
        let other = judge(
            &receipt,
            &manifest,
            liar.identifier.token_id,
            &open(&changed),
        )
        .unwrap_err();
        assert!(matches!(other, NoJudgement::Ciphertext(_)), "{other}");
    });
}

#[test]
fn an_honest_store_is_not_convicted() {
    run(async {
        let cinema = Cinema::opens().await;
        // The key that a store with this secret sells.
        let secret = fs::read_to_string(cinema.place.path().join("data/seal_secret")).unwrap();
        let secret = secret.trim().parse::<Digest>().unwrap();
        let key = shared::sealed::SealSecret(secret.0).content_key(CHUNK, ContentHash::of(&film()));
        let mut liar = signs(&cinema, WrappedKey([0; 32])).await;
        // Signed again, now that the preimage is known, for the true key.
        let wrapped = key.wrap(&liar.preimage, &liar.identifier);
        liar.manifest.key = wrapped;
        let description = Description {
            title: "A film",
            manifest: Some(liar.manifest.hash()),
            nonce: Some(Nonce([0; 8])),
            sha256: Some(ContentHash::of(&film())),
            ..Description::default()
        };
        let bolt11 = sign(&description.to_string(), &liar.preimage);
        let receipt = Receipt {
            bolt11,
            preimage: liar.preimage,
            item: "film".parse().unwrap(),
            sha256: ContentHash::of(&film()),
            size: film().len() as u64,
            metadata: None,
        };
        let file = open(&cinema.place.path().join("hosted").join(cinema.ct.to_hex()));
        let judged = judge(&receipt, &liar.manifest, liar.identifier.token_id, &file).unwrap();
        assert!(matches!(judged, Judgement::Kept(..)), "{judged}");
    });
}

fn open(path: &Path) -> fs::File {
    fs::File::open(path).unwrap()
}
