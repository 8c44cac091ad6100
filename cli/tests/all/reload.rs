//! The catalogue read again while buyers wait and own.

use std::fs;
use std::process::Command;

use shared::content::ContentHash;
use shared::problem::ErrorCode;

use crate::own_store::{Folder, OwnStore, header, problem, section};
use testing::nodes::{nodes, pay, run};
use testing::tools::{eventually, item};

fn hang_up(store: &OwnStore) {
    let pid = store.pid().to_string();
    let sent = Command::new("kill").args(["-HUP", &pid]).status().unwrap();
    assert!(sent.success());
}

fn ids(store: &OwnStore) -> Vec<String> {
    let ids = store.offers().into_iter().map(|offer| offer.id.to_string());
    ids.collect()
}

#[test]
fn a_changed_file_is_read_again_and_nobody_who_waits_is_dropped() {
    run(async {
        let folder = Folder::new(&section("cat", "1 sat", ""));
        folder.put("cat", b"one");
        folder.put("dog", b"dog");
        let store = OwnStore::open(&folder).await;
        let created = store.create("cat");
        let waiting = store.waits(&created.claim);

        folder.describe(&[section("cat", "2 sat", ""), section("dog", "3 sat", "")].concat());
        eventually("the new item", || ids(&store) == ["cat", "dog"]).await;
        assert_eq!(store.offers()[0].price_msat.0, 2000);
        assert!(!waiting.is_finished());
        pay(&nodes().await.alice, &created.invoice.bolt11).await;
        let answer = waiting.join().unwrap();
        assert!(answer.contains("\"paid\""), "{answer}");
        assert_eq!(store.content("cat", &created.claim, &[]).body(), b"one");
    });
}

#[test]
fn a_changed_good_is_sold_in_its_new_version_and_delivered_in_the_one_that_was_sold() {
    run(async {
        let folder = Folder::new(&section("cat", "1 sat", ""));
        folder.put("cat", b"one");
        let store = OwnStore::open(&folder).await;
        let created = store.create("cat");
        folder.put("cat", b"two");
        let two = ContentHash::of(b"two");
        eventually("the new version", || store.offers()[0].sha256 == two).await;

        // The invoice committed to the first version, and is paid after the change.
        pay(&nodes().await.alice, &created.invoice.bolt11).await;
        let answer = store.content("cat", &created.claim, &[]);
        assert_eq!(answer.body(), b"one");
        let etag = format!("\"{}\"", ContentHash::of(b"one"));
        assert_eq!(header(&answer, "etag"), etag);

        let after = store.buy("cat").await;
        assert_eq!(store.content("cat", &after, &[]).body(), b"two");
    });
}

#[test]
fn sighup_reads_again_at_once() {
    run(async {
        let folder = Folder::new(&section("cat", "1 sat", ""));
        folder.put("cat", b"one");
        let store = OwnStore::open(&folder).await;
        hang_up(&store);
        let told = || store.log().contains("the catalogue was read again");
        eventually("word of it", told).await;
        assert_eq!(ids(&store), ["cat"]);
    });
}

#[test]
fn a_changed_setting_is_named_because_it_waits_for_the_next_start() {
    run(async {
        let goods = section("cat", "1 sat", "");
        let folder = Folder::new(&format!("store_name = \"Cats\"\n{goods}"));
        folder.put("cat", b"one");
        let store = OwnStore::open(&folder).await;
        let changed =
            "trusted_proxies = \"127.0.0.1\"\nopen_invoices_per_client = 9\ncors_origins = \"*\"\n";
        folder.describe(&format!("store_name = \"Cats\"\n{changed}{goods}"));
        let told = |key: &str| {
            store
                .log()
                .contains(&format!("{key} was changed; it takes"))
        };
        eventually("word of it", || {
            told("trusted_proxies") && told("open_invoices_per_client")
        })
        .await;
        let log = store.log();
        assert_eq!(log.matches("was changed; it takes").count(), 2, "{log}");
    });
}

#[test]
fn a_broken_file_leaves_the_old_catalogue_in_force_and_says_why() {
    run(async {
        let folder = Folder::new(&section("cat", "1 sat", ""));
        folder.put("cat", b"one");
        let store = OwnStore::open(&folder).await;
        folder.describe(&section("cat", "free", ""));
        let why = "purrwall.toml:5: price = \"free\": is not a price";
        eventually("the reason", || store.log().contains(why)).await;
        assert_eq!(ids(&store), ["cat"]);
        let claim = store.buy("cat").await;
        assert_eq!(store.content("cat", &claim, &[]).body(), b"one");

        // An item whose file comes a moment later is no trouble either.
        folder.describe(&section("dog", "1 sat", ""));
        let why = "file = \"dog\": cannot read this file";
        eventually("the reason", || store.log().contains(why)).await;
        assert_eq!(ids(&store), ["cat"]);
        folder.put("dog", b"dog");
        eventually("the dog", || ids(&store) == ["dog"]).await;
    });
}

#[test]
fn what_was_taken_out_is_delivered_to_those_who_paid_until_it_is_deleted() {
    run(async {
        let both = [section("cat", "1 sat", ""), section("dog", "1 sat", "")].concat();
        let folder = Folder::new(&both);
        folder.put("cat", b"cat");
        folder.put("dog", b"dog");
        let store = OwnStore::open(&folder).await;
        let claim = store.buy("dog").await;
        let unpaid = store.create("dog").claim;

        folder.describe(&section("cat", "1 sat", ""));
        fs::remove_file(folder.path("dog")).unwrap();
        eventually("the end of the dog", || ids(&store) == ["cat"]).await;
        assert_eq!(store.content("dog", &claim, &[]).body(), b"dog");
        let refused = store.content("dog", &unpaid, &[]);
        assert_eq!(problem(&refused).code, ErrorCode::PaymentRequired);
        let path = shared::api::content_path(&item("dog"));
        let stranger = store.get(&path, &[]);
        assert_eq!(problem(&stranger).code, ErrorCode::UnknownItem);

        // A program that never saw the item on sale delivers it too.
        drop(store);
        let store = OwnStore::open(&folder).await;
        assert_eq!(store.content("dog", &claim, &[]).body(), b"dog");

        fs::remove_dir_all(folder.path(".purrwall/goods/dog")).unwrap();
        let gone = store.content("dog", &claim, &[]);
        assert_eq!(gone.status(), 410);
        assert_eq!(problem(&gone).code, ErrorCode::Gone);
        assert!(problem(&gone).detail.contains("ask its owner"));
    });
}
