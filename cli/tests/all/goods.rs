//! Goods from a store's folder: which files may be sold, and how they are delivered.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::{Duration, SystemTime};

use shared::claim::CAVEAT_VALID_UNTIL;
use shared::content::{ContentHash, commitment};
use shared::problem::ErrorCode;

use crate::own_store::{
    Folder, OwnStore, assert_refuses, header, problem, purrwall, section, text,
};
use testing::nodes::{nodes, run};
use testing::tools::{eventually, new_purchase, unix_now};

/// One pixel.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n and a pixel";

#[test]
fn a_picture_is_sold_as_it_is() {
    run(async {
        let folder = Folder::new(
            &section("Katze 1.png", "5 sat", "").replace("id = \"Katze 1.png\"", "id = \"katze\""),
        );
        folder.put("Katze 1.png", PICTURE);
        let store = OwnStore::open(&folder).await;
        let [offer] = &store.offers()[..] else {
            panic!("one item");
        };
        assert_eq!(offer.content_type, "image/png");
        assert_eq!(offer.size, PICTURE.len() as u64);
        assert_eq!(offer.sha256, ContentHash::of(PICTURE));

        let claim = store.buy("katze").await;
        let answer = store.content("katze", &claim, &[]);
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.body(), PICTURE);
        assert_eq!(header(&answer, "content-type"), "image/png");
        assert_eq!(header(&answer, "content-length"), PICTURE.len().to_string());
        assert_eq!(header(&answer, "etag"), format!("\"{}\"", offer.sha256));
        assert_eq!(header(&answer, "accept-ranges"), "bytes");
        assert_eq!(header(&answer, "cache-control"), "private, no-store");
        assert_eq!(
            header(&answer, "content-disposition"),
            "inline; filename=\"Katze 1.png\""
        );
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    });
}

#[test]
fn a_part_is_delivered_where_one_is_asked_for() {
    run(async {
        let folder = Folder::new(
            &section("digits.txt", "1 sat", "").replace("id = \"digits.txt\"", "id = \"digits\""),
        );
        folder.put("digits.txt", b"0123456789");
        let store = OwnStore::open(&folder).await;
        let claim = store.buy("digits").await;
        let get = |headers: &[(&str, &str)]| store.content("digits", &claim, headers);

        let part = get(&[("range", "bytes=2-4")]);
        assert_eq!(part.status(), 206);
        assert_eq!(part.body(), b"234");
        assert_eq!(header(&part, "content-range"), "bytes 2-4/10");
        assert_eq!(header(&part, "content-length"), "3");
        let rest = get(&[("range", "bytes=-3")]);
        assert_eq!((rest.status().as_u16(), text(&rest)), (206, "789".into()));

        let etag = header(&part, "etag").to_owned();
        let same = get(&[("range", "bytes=8-"), ("if-range", &etag)]);
        assert_eq!((same.status().as_u16(), text(&same)), (206, "89".into()));
        let other = get(&[("range", "bytes=8-"), ("if-range", "\"other\"")]);
        assert_eq!(other.status(), 200);
        assert_eq!(other.body(), b"0123456789");
        let several = get(&[("range", "bytes=0-1,4-5")]);
        assert_eq!(several.status(), 200);

        let none = get(&[("range", "bytes=10-")]);
        assert_eq!(none.status(), 416);
        assert_eq!(header(&none, "content-range"), "bytes */10");
        assert_eq!(problem(&none).code, ErrorCode::RangeNotSatisfiable);
    });
}

#[test]
fn goods_cannot_run_in_the_stores_origin() {
    run(async {
        let folder = Folder::new(
            &["page.html", "drawing.svg"]
                .map(|name| {
                    let id = name.split('.').next().unwrap();
                    section(name, "1 sat", "")
                        .replace(&format!("id = \"{name}\""), &format!("id = \"{id}\""))
                })
                .concat(),
        );
        for name in ["page.html", "drawing.svg"] {
            folder.put(name, b"<script>steal()</script>");
        }
        let store = OwnStore::open(&folder).await;
        for id in ["page", "drawing"] {
            let claim = store.buy(id).await;
            let answer = store.content(id, &claim, &[]);
            assert_eq!(answer.status(), 200);
            let policy = header(&answer, "content-security-policy");
            assert_eq!(policy, "default-src 'none'; sandbox");
            assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
            let disposition = header(&answer, "content-disposition");
            assert!(disposition.starts_with("attachment;"), "{disposition}");
        }
    });
}

#[test]
fn the_owner_may_name_the_media_type() {
    run(async {
        let folder = Folder::new(&section("song", "1 sat", "content_type = \"audio/mpeg\""));
        folder.put("song", b"la");
        let store = OwnStore::open(&folder).await;
        assert_eq!(store.offers()[0].content_type, "audio/mpeg");
        let claim = store.buy("song").await;
        let answer = store.content("song", &claim, &[]);
        assert_eq!(header(&answer, "content-type"), "audio/mpeg");
    });
}

#[test]
fn no_goods_at_all_are_delivered_as_such() {
    run(async {
        let folder = Folder::new(&section("nothing", "1 sat", ""));
        folder.put("nothing", b"");
        let store = OwnStore::open(&folder).await;
        let claim = store.buy("nothing").await;
        let answer = store.content("nothing", &claim, &[]);
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.body(), b"");
        assert_eq!(header(&answer, "content-length"), "0");
        let part = store.content("nothing", &claim, &[("range", "bytes=0-")]);
        assert_eq!(part.status(), 200);
    });
}

#[test]
fn paths_out_of_the_folder_are_refused_at_the_start() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("key"), "private").unwrap();
    let folder = Folder::new("");
    symlink(outside.path().join("key"), folder.path("link")).unwrap();
    symlink(outside.path(), folder.path("dir-link")).unwrap();
    fs::create_dir_all(folder.path(".purrwall")).unwrap();
    folder.put(".purrwall/secret", "ab".repeat(32).as_bytes());
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(folder.path(".purrwall/secret"), private).unwrap();
    fs::create_dir(folder.path("folder")).unwrap();
    let name = outside.path().file_name().unwrap().to_str().unwrap();
    let absolute = outside.path().join("key").display().to_string();
    for (file, why) in [
        (
            format!("../{name}/key").as_str(),
            "out of the store's folder",
        ),
        (&absolute, "out of the store's folder"),
        ("link", "out of the store's folder"),
        ("dir-link/key", "out of the store's folder"),
        (".purrwall/secret", "can be neither sold nor shown"),
        ("purrwall.toml", "can be neither sold nor shown"),
        ("folder", "is not a file"),
        ("missing.txt", "cannot read this file"),
    ] {
        folder.describe(
            &section("x", "1 sat", "").replace("file = \"x\"", &format!("file = \"{file}\"")),
        );
        let place = format!("purrwall.toml:4: file = {file:?}");
        assert_refuses(&folder, &[&place, why]);
    }
}

#[test]
fn links_and_dots_within_the_folder_are_fine() {
    run(async {
        let folder =
            Folder::new(&section("x", "1 sat", "").replace("\"x\"\nprice", "\"a/../link\"\nprice"));
        fs::create_dir(folder.path("a")).unwrap();
        folder.put("real", b"here");
        symlink("real", folder.path("link")).unwrap();
        let store = OwnStore::open(&folder).await;
        assert_eq!(store.offers()[0].sha256, ContentHash::of(b"here"));
    });
}

#[test]
fn what_is_limited_in_time_ends() {
    run(async {
        let limited = section("day", "1 sat", "valid_for = \"1s\"");
        let folder = Folder::new(&format!("invoice_expiry = \"3s\"\n{limited}"));
        folder.put("day", b"today");
        let store = OwnStore::open(&folder).await;
        assert_eq!(store.offers()[0].valid_for_secs, Some(1));
        let purchase_id = new_purchase();
        let ask = || {
            let answer = store.ask_invoice("day", purchase_id);
            serde_json::from_slice::<shared::api::CreatedInvoice>(answer.body()).unwrap()
        };
        let created = ask();
        assert_eq!(ask(), created, "the same purchase has the same claim");
        let until: Vec<u64> = created
            .claim
            .caveats(CAVEAT_VALID_UNTIL)
            .map(|until| until.parse().unwrap())
            .collect();
        assert_eq!(until, [created.invoice.expires_at + 1]);
        let alice = &testing::nodes::nodes().await.alice;
        testing::nodes::pay(alice, &created.invoice.bolt11).await;
        assert_eq!(store.content("day", &created.claim, &[]).body(), b"today");

        eventually("the end of the claim", || unix_now() > until[0]).await;
        let late = store.content("day", &created.claim, &[]);
        assert_eq!(late.status(), 401);
        assert_eq!(problem(&late).code, ErrorCode::InvalidClaim);
        assert!(problem(&late).detail.contains("time is over"));
    });
}

/// The limit that was sold stands in the signed description, so no change of the owner's renews it,
/// shortens it or takes it away.
#[test]
fn a_time_limit_stays_as_it_was_sold() {
    run(async {
        let offer = |valid_for: &str| section("day", "1 sat", valid_for);
        let folder = Folder::new(&offer("valid_for = \"1h\""));
        folder.put("day", b"today");
        let store = OwnStore::open(&folder).await;
        let ask = |purchase_id| {
            let answer = store.ask_invoice("day", purchase_id);
            serde_json::from_slice::<shared::api::CreatedInvoice>(answer.body()).unwrap()
        };
        let until = |created: &shared::api::CreatedInvoice| {
            let limits = created.claim.caveats(CAVEAT_VALID_UNTIL);
            let limits = limits.map(|until| until.parse::<u64>().unwrap());
            limits
                .map(|until| until - created.invoice.expires_at)
                .collect::<Vec<_>>()
        };
        let hash = ContentHash::of(b"today");
        let limited = new_purchase();
        let sold = ask(limited);
        assert_eq!(
            sold.invoice.description,
            format!("day valid:3600 sha256:{hash}")
        );
        assert_eq!(until(&sold), [3600]);

        folder.describe(&offer(""));
        let secs = || store.offers()[0].valid_for_secs;
        eventually("the limit's end", || secs().is_none()).await;
        assert_eq!(ask(limited), sold);
        let for_good = new_purchase();
        let sold_for_good = ask(for_good);
        assert_eq!(
            sold_for_good.invoice.description,
            format!("day sha256:{hash}")
        );
        assert_eq!(until(&sold_for_good), [0; 0]);

        for longer_and_shorter in ["30d", "1s"] {
            folder.describe(&offer(&format!("valid_for = \"{longer_and_shorter}\"")));
            let expected = if longer_and_shorter == "1s" {
                1
            } else {
                2_592_000
            };
            eventually("the new limit", || secs() == Some(expected)).await;
            assert_eq!(ask(limited), sold);
            assert_eq!(ask(for_good), sold_for_good);
        }
    });
}

#[test]
fn a_version_that_nobody_was_asked_to_pay_for_is_not_kept_for_good() {
    run(async {
        let folder = Folder::new(&section("cat", "1 sat", ""));
        let kept = |bytes: &[u8]| {
            let sha256 = ContentHash::of(bytes).to_hex();
            folder.path(&format!(".purrwall/goods/cat/{sha256}"))
        };
        folder.put("cat", b"one");
        drop(OwnStore::open(&folder).await);
        folder.put("cat", b"two");
        let store = OwnStore::open(&folder).await;
        let claim = store.buy("cat").await;
        drop(store);
        assert!(!kept(b"two").join(".unsold").exists());
        let yesterday = SystemTime::now() - Duration::from_hours(24);
        let mark = File::open(kept(b"one").join(".unsold")).unwrap();
        mark.set_modified(yesterday).unwrap();

        folder.put("cat", b"three");
        let store = OwnStore::open(&folder).await;
        assert!(!kept(b"one").exists());
        assert!(kept(b"three").join(".unsold").exists());
        assert_eq!(store.content("cat", &claim, &[]).body(), b"two");
    });
}

/// A megabyte more or less; the goods are 200 times that.
#[test]
fn memory_does_not_grow_with_the_goods() {
    const SIZE: u64 = 200 * 1024 * 1024;
    run(async {
        let folder = Folder::new(&section("large", "1 sat", ""));
        let file = File::create(folder.path("large")).unwrap();
        file.set_len(SIZE).unwrap();
        let store = OwnStore::open(&folder).await;
        let claim = store.buy("large").await;
        let before = peak_kib(store.pid());
        let answer = store.content("large", &claim, &[]);
        assert_eq!(answer.body().len() as u64, SIZE);
        let offer = &store.offers()[0];
        assert_eq!(ContentHash::of(answer.body()), offer.sha256);
        let peak = peak_kib(store.pid());
        assert!(peak < before + 20 * 1024, "{before} KiB, then {peak} KiB");
        // And not while it was hashed and copied either.
        assert!(peak < 150 * 1024, "{peak} KiB");

        let description = store.create("large").invoice.description;
        assert_eq!(commitment(&description), Some(offer.sha256));
    });
}

/// The most memory that a process ever had, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.unwrap().split_whitespace().nth(1).unwrap();
    number.parse().unwrap()
}

#[test]
fn what_was_sold_is_told_in_the_claim_for_any_gateway_with_the_secret() {
    run(async {
        let folder = Folder::new(&section("cat", "1 sat", ""));
        folder.put("cat", b"one");
        let store = OwnStore::open(&folder).await;
        let claim = store.buy("cat").await;
        drop(store);
        // Sold by one program, changed while none ran, delivered by the next.
        folder.put("cat", b"two");
        let store = OwnStore::open(&folder).await;
        assert_eq!(store.offers()[0].sha256, ContentHash::of(b"two"));
        assert_eq!(store.content("cat", &claim, &[]).body(), b"one");
        let new = store.buy("cat").await;
        assert_eq!(store.content("cat", &new, &[]).body(), b"two");
    });
}

/// Overwrites a kept copy in place.
fn damage(folder: &Folder, version: &[u8], bytes: &[u8]) {
    let sha256 = ContentHash::of(version).to_hex();
    let copy = folder.path(&format!(".purrwall/goods/cat/{sha256}/cat"));
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o640)).unwrap();
    fs::write(copy, bytes).unwrap();
}

#[test]
fn a_damaged_copy_is_made_again_or_withdrawn_and_never_delivered() {
    run(async {
        let folder = Folder::new(&section("cat", "1 sat", ""));
        folder.put("cat", b"whole");
        let mut store = OwnStore::open(&folder).await;
        let claim = store.buy("cat").await;
        for wrong in [&b"wrong"[..], b"cut"] {
            damage(&folder, b"whole", wrong);
            let answer = store.content("cat", &claim, &[("range", "bytes=1-")]);
            assert_eq!(answer.body(), b"hole", "while it runs");
            drop(store);
            damage(&folder, b"whole", wrong);
            store = OwnStore::open(&folder).await;
            assert_eq!(store.content("cat", &claim, &[]).body(), b"whole");
        }
        drop(store);

        // The owner's file has changed since, so nobody has the bytes any more.
        folder.put("cat", b"other");
        damage(&folder, b"whole", b"wrong");
        let store = OwnStore::open(&folder).await;
        eventually("the damage", || store.metric("purrwall_goods_damaged") == 1).await;
        let refused = store.content("cat", &claim, &[]);
        assert_eq!(refused.status(), 410);
        assert_eq!(problem(&refused).code, ErrorCode::Gone);
        assert!(store.log().contains("neither sold nor"), "{}", store.log());
        let new = store.buy("cat").await;
        assert_eq!(store.content("cat", &new, &[]).body(), b"other");

        let mut check = purrwall(&["check"], &folder.file(), &nodes().await.store);
        let checked = check.output().unwrap();
        assert!(!checked.status.success());
        let told = String::from_utf8_lossy(&checked.stdout).into_owned();
        let sha256 = ContentHash::of(b"whole").to_hex();
        assert!(told.contains("failed  kept goods: damaged"), "{told}");
        assert!(told.contains(&sha256), "{told}");

        // The right bytes end it.
        damage(&folder, b"whole", b"whole");
        assert_eq!(store.content("cat", &claim, &[]).body(), b"whole");
        assert_eq!(store.metric("purrwall_goods_damaged"), 0);
    });
}

#[test]
fn an_item_whose_copy_is_damaged_is_not_for_sale() {
    run(async {
        let folder = Folder::new(&section("cat", "1 sat", ""));
        folder.put("cat", b"whole");
        let store = OwnStore::open(&folder).await;
        let claim = store.buy("cat").await;
        // While the owner's file is a moment away, too.
        fs::remove_file(folder.path("cat")).unwrap();
        damage(&folder, b"whole", b"wrong");
        assert_eq!(store.content("cat", &claim, &[]).status(), 410);
        assert_eq!(store.offers(), []);
        let refused = store.ask_invoice("cat", new_purchase());
        assert_eq!(refused.status(), 410);
        assert!(problem(&refused).detail.contains("damaged"));
        folder.put("cat", b"whole");
        eventually("the sale", || !store.offers().is_empty()).await;
        assert_eq!(store.content("cat", &claim, &[]).body(), b"whole");
    });
}
