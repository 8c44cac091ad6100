//! The store's secret: lost, made for a new store, rotated.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use shared::api::CreatedInvoice;
use shared::claim::Claim;
use shared::lightning::Preimage;

use crate::process::{Observed, Program, purrwall};
use testing::fake_lightningd::FakeLightningd;
use testing::tools::{eventually, l402, new_purchase};

/// A command on the secret's file, with this lightningd.
fn command(arguments: &[&str], fake: &FakeLightningd, secret: &Path) -> Output {
    let serve = purrwall(&fake.socket(), secret);
    let mut command = Command::new(serve.get_program());
    command.env_clear().args(arguments).args(serve.get_args());
    command.output().unwrap()
}

#[track_caller]
fn succeeds(arguments: &[&str], fake: &FakeLightningd, secret: &Path) -> String {
    let output = command(arguments, fake, secret);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What it says when it refuses.
#[track_caller]
fn refuses(arguments: &[&str], fake: &FakeLightningd, secret: &Path) -> String {
    let output = command(arguments, fake, secret);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn start(fake: &FakeLightningd, secret: &Path) -> Program {
    Program::start(purrwall(&fake.socket(), secret))
}

/// Status of the answer to who asks for the cat with this claim.
fn content(program: &Program, claim: &Claim) -> u16 {
    let credential = l402(claim);
    let head = format!("GET /api/v1/items/cat/content HTTP/1.1\r\nauthorization: {credential}");
    program.ask(&head, "").0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_secret_is_not_replaced() {
    let fake = FakeLightningd::start();
    // More than a page of strangers come first.
    fake.has_strangers(250);
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("data/secret");
    let program = start(&fake, &secret);
    let sold = program.create(&new_purchase().to_hex());
    fake.is_paid(&sold.invoice.bolt11);
    assert_eq!(content(&program, &sold.claim), 200);
    drop(program);
    let kept = dir.path().join("backup");
    fs::rename(&secret, &kept).unwrap();

    let error = refuses(&[], &fake, &secret);
    let new = format!("secret new --secret-file {secret:?}");
    for named in ["from a backup", "--secret-file", &new] {
        assert!(error.contains(named), "{error}");
    }
    assert!(!secret.exists());
    let checked = command(&["check"], &fake, &secret);
    let told = String::from_utf8(checked.stdout).unwrap();
    assert!(
        told.contains("failed  secret: there is no secret"),
        "{told}"
    );

    fs::rename(&kept, &secret).unwrap();
    assert_eq!(content(&start(&fake, &secret), &sold.claim), 200);

    // The owner's word makes a new one, and never in the place of another.
    let error = refuses(&["secret", "new"], &fake, &secret);
    assert!(error.contains("secret rotate"), "{error}");
    fs::remove_file(&secret).unwrap();
    succeeds(&["secret", "new"], &fake, &secret);
    assert_eq!(content(&start(&fake, &secret), &sold.claim), 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_lightningd_a_missing_secret_cannot_be_judged() {
    let fake = FakeLightningd::start();
    fake.goes_away().await;
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    let error = refuses(&[], &fake, &secret);
    for named in ["start lightningd first", "secret new --secret-file"] {
        assert!(error.contains(named), "{error}");
    }
    assert!(!secret.exists());

    succeeds(&["secret", "new"], &fake, &secret);
    let program = start(&fake, &secret);
    assert_eq!(program.ask("GET /healthz HTTP/1.1", "").0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_invoices_do_not_keep_a_fresh_store_from_its_secret() {
    let fake = FakeLightningd::start();
    fake.has_strangers(250);
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    let program = start(&fake, &secret);
    assert_eq!(program.ask("GET /healthz HTTP/1.1", "").0, 200);
    assert!(secret.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_keeps_what_was_sold_and_makes_no_second_invoice() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    let purchase_id = new_purchase().to_hex();
    let program = start(&fake, &secret);
    let before = program.create(&purchase_id);
    drop(program);
    let first = fs::read_to_string(&secret).unwrap();
    let told = succeeds(&["secret", "rotate"], &fake, &secret);
    assert!(told.contains("take it within seconds"), "{told}");

    let program = start(&fake, &secret);
    let again = program.create(&purchase_id);
    assert_eq!(again.invoice, before.invoice);
    assert_eq!(fake.invoices(), 1);
    fake.is_paid(&before.invoice.bolt11);
    assert_eq!(content(&program, &before.claim), 200);
    assert_eq!(content(&program, &again.claim), 200);
    let after = program.create(&new_purchase().to_hex());
    let preimage = Preimage(fake.is_paid(&after.invoice.bolt11));
    assert_eq!(preimage.payment_hash(), after.invoice.payment_hash);
    drop(program);

    let listed = succeeds(&["secret", "list"], &fake, &secret);
    let keys: Vec<_> = listed
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .collect();
    let [(current, "current"), (old, "old")] = keys[..] else {
        panic!("{listed}");
    };
    assert!(!fs::read_to_string(&secret).unwrap().contains(current));
    assert!(!first.contains(old), "a name shows nothing of its key");
    let error = refuses(&["secret", "remove", current], &fake, &secret);
    assert!(error.contains("is the current key"), "{error}");
    succeeds(&["secret", "remove", old], &fake, &secret);

    let program = start(&fake, &secret);
    let statuses = |claims: [&CreatedInvoice; 3]| claims.map(|one| content(&program, &one.claim));
    assert_eq!(statuses([&before, &again, &after]), [401, 200, 200]);
}

/// No restart is needed, and no mistake with the file closes the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_gateway_takes_a_rotation() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    let observed = Observed::start(purrwall(&fake.socket(), &secret), dir.path());
    let program = &observed.program;
    let says = async |words: &str, times: usize| {
        eventually(words, || {
            let log = fs::read_to_string(&observed.log).unwrap();
            log.matches(words).count() == times
        })
        .await;
    };
    let before = program.create(&new_purchase().to_hex());
    fake.is_paid(&before.invoice.bolt11);

    let rotated = succeeds(&["secret", "rotate"], &fake, &secret);
    let current = rotated
        .lines()
        .find_map(|line| line.strip_suffix("  current"));
    says(&format!("current={}", current.unwrap()), 1).await;
    let after = program.create(&new_purchase().to_hex());
    fake.is_paid(&after.invoice.bolt11);
    let statuses = || [&before, &after].map(|one| content(program, &one.claim));
    assert_eq!(statuses(), [200, 200]);

    let whole = fs::read_to_string(&secret).unwrap();
    let foreign = "ab".repeat(32);
    for (content, why) in [
        ("half", "64 hex digits"),
        (foreign.as_str(), "none of the keys"),
    ] {
        fs::write(&secret, content).unwrap();
        says(why, 1).await;
    }
    fs::remove_file(&secret).unwrap();
    says("its file is gone", 1).await;
    assert_eq!(statuses(), [200, 200]);
    fs::write(&secret, &whole).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();

    let listed = succeeds(&["secret", "list"], &fake, &secret);
    let old = listed.lines().find_map(|line| line.strip_suffix("  old"));
    succeeds(&["secret", "remove", old.unwrap()], &fake, &secret);
    program.signal("HUP");
    says("keys=1", 1).await;
    assert_eq!(statuses(), [401, 200]);
    let current = whole.lines().next().unwrap();
    let log = fs::read_to_string(&observed.log).unwrap();
    assert!(!log.contains(current) && !log.contains(&foreign));
}

/// Every gateway knows the new key before one makes anything with it, so it does not matter which of
/// them goes on to it first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_that_rotate_apart_make_one_invoice_of_a_purchase() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| dir.path().join(name));
    succeeds(&["secret", "new"], &fake, &first);
    let before = fs::read(&first).unwrap();
    let told = succeeds(&["secret", "prepare"], &fake, &first);
    assert!(
        told.contains("  current") && told.contains("  next"),
        "{told}"
    );
    fs::copy(&first, &second).unwrap();
    succeeds(&["secret", "rotate"], &fake, &first);
    let rotated = fs::read_to_string(&first).unwrap();
    assert!(rotated.ends_with(std::str::from_utf8(&before).unwrap()));

    let (ahead, behind) = (start(&fake, &first), start(&fake, &second));
    for (here, there) in [(&ahead, &behind), (&behind, &ahead)] {
        let purchase_id = new_purchase().to_hex();
        let made = here.create(&purchase_id);
        let found = there.create(&purchase_id);
        assert_eq!(found.invoice, made.invoice);
        fake.is_paid(&made.invoice.bolt11);
        for claim in [&made.claim, &found.claim] {
            assert_eq!(content(here, claim), 200);
            assert_eq!(content(there, claim), 200);
        }
    }
    assert_eq!(fake.invoices(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_the_environment_are_rotated_by_hand() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let unused = dir.path().join("secret");
    let start = |keys: &str| {
        let mut command = purrwall(&fake.socket(), &unused);
        command.env("PURRWALL_SECRET", keys);
        Program::start(command)
    };
    let [old, new] = ["ab", "cd"].map(|digits| digits.repeat(32));
    let purchase_id = new_purchase().to_hex();
    let sold = start(&old).create(&purchase_id);
    fake.is_paid(&sold.invoice.bolt11);
    let rotated = start(&format!("{new} {old}"));
    assert_eq!(rotated.create(&purchase_id).invoice, sold.invoice);
    assert_eq!(content(&rotated, &sold.claim), 200);
    assert_eq!(content(&start(&new), &sold.claim), 401);
    assert!(!unused.exists());

    let mut rotate = Command::new(env!("CARGO_BIN_EXE_purrwall"));
    let rotate = rotate
        .args(["secret", "rotate", "--secret-file"])
        .arg(&unused);
    let output = rotate.env("PURRWALL_SECRET", &old).output().unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("PURRWALL_SECRET takes the place"), "{error}");
    assert!(!error.contains(&old), "{error}");
}
