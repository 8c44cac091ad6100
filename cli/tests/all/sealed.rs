//! Sealed goods, as owners and buyers have them: real programs, real payments, a foreign static host.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use shared::api::{CreatedInvoice, InvoiceStatus};
use shared::claim::Identifier;
use shared::content::{ContentHash, Description};
use shared::digest::{Digest, Nonce};
use shared::lightning::Preimage;
use shared::receipt::Receipt;
use shared::sealed::{CHUNK, FORMAT, Manifest, SealedSale, SecretId, WrappedKey};
use tokio::task::JoinSet;

use testing::nodes::{nodes, pay, run};
use testing::sealed::{check, open, sign};
use testing::static_host::StaticHost;
use testing::tools::{l402, new_purchase, skipped};

use crate::own_store::{Folder, OwnStore, purrwall, section};

const LYRICS: &[u8] = b"la la la, purr purr purr";

/// A folder whose store sells a film sealed, and the host where the ciphertext is to lie.
struct Cinema {
    folder: Folder,
    host: StaticHost,
    hosted: PathBuf,
    film: Vec<u8>,
}

impl Cinema {
    async fn plans(film: Vec<u8>) -> Self {
        let folder = Folder::new("");
        let hosted = folder.path("hosted");
        fs::create_dir(&hosted).unwrap();
        let host = StaticHost::start(&hosted).await;
        let sealed = format!("sealed = true\nsealed_at = [\"{}\"]", host.url);
        let limits = "invoices_per_minute = 0\nopen_invoices_per_client = 0\n";
        folder.describe(&[limits, &section("film", "5 sat", &sealed)].concat());
        folder.put("film", &film);
        Self {
            folder,
            host,
            hosted,
            film,
        }
    }

    async fn runs(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = purrwall(arguments, &self.folder.file(), &nodes().await.store);
        told(&command.output().unwrap())
    }

    async fn seals(&self) -> PathBuf {
        let (ended_well, said) = self
            .runs(&["seal", "--out", self.hosted.to_str().unwrap()])
            .await;
        assert!(ended_well, "{said}");
        let mut files = fs::read_dir(&self.hosted).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(said.contains(file.to_str().unwrap()), "{said}");
        assert!(files.next().is_none(), "one ciphertext, and no draft");
        file
    }

    /// What a buyer does before they pay.
    fn check(&self, created: &CreatedInvoice) -> Vec<u8> {
        let sale = created.sealed.as_ref().unwrap();
        let name = sale.urls[0].strip_prefix(&self.host.url).unwrap();
        let file = ureq::get(&sale.urls[0]).call().unwrap();
        let file = file.into_body().read_to_vec().unwrap();
        assert_eq!(name, sale.manifest.ct.to_hex());
        let token_id = &created.claim.identifier().token_id;
        check(
            &sale.manifest,
            &created.invoice.description,
            token_id,
            &file,
        );
        file
    }

    #[track_caller]
    fn assert_opens(&self, created: &CreatedInvoice, preimage: &Preimage, file: &[u8]) {
        let manifest = &created.sealed.as_ref().unwrap().manifest;
        let opened = open(manifest, preimage, created.claim.identifier(), file);
        assert_eq!(opened.as_ref(), Some(&self.film));
    }
}

fn told(output: &Output) -> (bool, String) {
    let said = [&*output.stdout, &*output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn what_lies_at_the_host_is_checked_as_buyers_do() {
    run(async {
        let cinema = Cinema::plans(vec![7; 1_500_000]).await;
        let (_, said) = cinema.runs(&["check"]).await;
        assert!(
            said.contains("ok      sealed film: will be sealed"),
            "{said}"
        );
        let file = cinema.seals().await;
        let bytes = fs::read(&file).unwrap();
        assert_eq!(&bytes[..8], b"purrseal");
        let (_, said) = cinema.runs(&["check"]).await;
        assert!(said.contains("ok      sealed film: http://"), "{said}");

        // The same goods are the same file again, and it is the one that the store sells.
        fs::remove_file(&file).unwrap();
        assert_eq!(cinema.seals().await, file);
        assert_eq!(fs::read(&file).unwrap(), bytes);
        let store = OwnStore::open(&cinema.folder).await;
        cinema.check(&store.create("film"));

        for (at, wrong) in [
            (9, "another file"),
            (40, "another file"),
            (100_000, "chunk 0"),
        ] {
            cinema.host.changes_byte(at);
            let (ended_well, said) = cinema.runs(&["check"]).await;
            assert!(
                !ended_well && said.contains("failed  sealed film"),
                "{said}"
            );
            assert!(
                said.contains(wrong) && said.contains("purrwall seal"),
                "{said}"
            );
        }
        cinema.host.is_well();
        fs::remove_file(&file).unwrap();
        let (ended_well, said) = cinema.runs(&["check"]).await;
        assert!(!ended_well && said.contains("it answers 404"), "{said}");
    });
}

#[test]
fn a_hundred_buyers_get_the_goods_of_a_gateway_that_was_killed() {
    run(async {
        let cinema = Cinema::plans(vec![5; 20_000]).await;
        cinema.seals().await;
        let alice = &nodes().await.alice;
        let store = OwnStore::open(&cinema.folder).await;
        let buyers: Vec<_> = (0..100).map(|_| store.create("film")).collect();
        let by_phone: Vec<_> = (0..10).map(|_| store.create("film")).collect();
        drop(store);

        let mut served = 0;
        let mut paying = JoinSet::new();
        for created in buyers {
            let bolt11 = created.invoice.bolt11.clone();
            paying.spawn(async move {
                let preimage = pay(alice, &bolt11).await;
                (created, preimage.parse::<Preimage>().unwrap())
            });
        }
        while let Some(paid) = paying.join_next().await {
            let (created, preimage) = paid.unwrap();
            let file = cinema.check(&created);
            cinema.assert_opens(&created, &preimage, &file);
            served += 1;
        }
        assert_eq!(served, 100);

        // Who pays by phone learns no preimage, and needs one answer of the gateway's.
        for created in &by_phone {
            pay(alice, &created.invoice.bolt11).await;
        }
        let store = OwnStore::open(&cinema.folder).await;
        for created in &by_phone {
            let file = cinema.check(created);
            let credential = l402(&created.claim);
            let answer = store.get("/api/v1/invoice", &[("authorization", &credential)]);
            let status: InvoiceStatus = serde_json::from_slice(answer.body()).unwrap();
            cinema.assert_opens(created, &status.preimage.unwrap(), &file);
        }
        assert_eq!(store.metric("purrwall_delivered_bytes_total"), 0);
    });
}

#[test]
fn a_gateway_that_comes_back_gives_the_same_manifest() {
    run(async {
        let cinema = Cinema::plans(LYRICS.to_vec()).await;
        let store = OwnStore::open(&cinema.folder).await;
        let purchase = new_purchase();
        let ask = |store: &OwnStore| -> CreatedInvoice {
            serde_json::from_slice(store.ask_invoice("film", purchase).body()).unwrap()
        };
        let created = ask(&store);
        drop(store);
        let store = OwnStore::open(&cinema.folder).await;
        assert_eq!(ask(&store), created);
        let credential = l402(&created.claim);
        let by_claim = store.get("/api/v1/manifest", &[("authorization", &credential)]);
        let by_claim: SealedSale = serde_json::from_slice(by_claim.body()).unwrap();
        assert_eq!(Some(by_claim), created.sealed);
        let log = store.log();
        let secret = fs::read_to_string(cinema.folder.path(".purrwall/seal_secret")).unwrap();
        assert!(!log.contains(secret.trim()));
    });
}

#[test]
fn what_cannot_be_sealed_is_refused_with_the_remedy() {
    run(async {
        let store = &nodes().await.store;
        for (text, named) in [
            (
                section("film", "5 sat", "sealed = true\nvalid_for = \"1d\""),
                "cannot be kept for sealed goods",
            ),
            (
                section("film", "5 sat", "sealed_at = \"https://cdn.example/\""),
                "has no use without `sealed = true`",
            ),
            (
                section("film", "5 sat", "sealed = true\nsealed_at = [\"cdn\"]"),
                "is not the address of a folder",
            ),
            (
                "[[route]]\npath = \"/api2/*\"\nprice = \"1 sat\"\ntitle = \"A\"\nsealed = true\n\
                 upstream = \"http://127.0.0.1:1\"\n"
                    .to_owned(),
                "is for goods",
            ),
        ] {
            let folder = Folder::new(&text);
            folder.put("film", LYRICS);
            let output = purrwall(&["check"], &folder.file(), store)
                .output()
                .unwrap();
            let (ended_well, said) = told(&output);
            assert!(!ended_well && said.contains(named), "{said}");
        }
    });
}

#[test]
fn a_false_key_convicts_the_store_in_one_sentence_and_another_token_id_does_not() {
    run(async {
        let cinema = Cinema::plans(LYRICS.to_vec()).await;
        let ciphertext = cinema.seals().await;
        let name = ciphertext.file_name().unwrap().to_str().unwrap();
        let preimage = Preimage([3; 32]);
        let identifier = Identifier {
            payment_hash: preimage.payment_hash(),
            token_id: [7; 32],
        };
        let manifest = Manifest {
            format: FORMAT,
            ct: name.parse().unwrap(),
            size: LYRICS.len() as u64,
            chunk: CHUNK,
            key: WrappedKey([9; 32]),
            secret: SecretId([0; 4]),
            token: Digest::of(&[&identifier.token_id]),
        };
        let description = Description {
            title: "Lyrics",
            manifest: Some(manifest.hash()),
            nonce: Some(Nonce([0; 8])),
            sha256: Some(ContentHash::of(LYRICS)),
            ..Description::default()
        };
        let receipt = Receipt {
            bolt11: sign(&description.to_string(), &preimage),
            preimage,
            item: "film".parse().unwrap(),
            sha256: ContentHash::of(LYRICS),
            size: LYRICS.len() as u64,
            metadata: None,
        };
        let files = ["receipt.json", "manifest.json"].map(|name| cinema.folder.path(name));
        fs::write(&files[0], serde_json::to_vec(&receipt).unwrap()).unwrap();
        fs::write(&files[1], manifest.to_json()).unwrap();
        let verify = |token_id: &[u8; 32]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_purrwall"));
            command
                .arg("verify")
                .arg(&files[0])
                .arg("--manifest")
                .arg(&files[1]);
            command.args(["--token-id", &Digest(*token_id).to_hex()]);
            told(
                &command
                    .arg("--ciphertext")
                    .arg(&ciphertext)
                    .output()
                    .unwrap(),
            )
        };
        let (ended_well, said) = verify(&identifier.token_id);
        assert!(!ended_well, "{said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
        assert!(said.trim().ends_with("the store lied."), "{said}");
        let (ended_well, said) = verify(&[8; 32]);
        assert!(
            !ended_well && said.contains("nothing is proven against the store"),
            "{said}"
        );
        assert!(!said.contains("lied"), "{said}");

        // As the store's page saves it, all in one file.
        let evidence = serde_json::json!({
            "receipt": receipt,
            "manifest": manifest,
            "token_id": Digest(identifier.token_id),
        });
        let file = cinema.folder.path("evidence.json");
        fs::write(&file, serde_json::to_vec(&evidence).unwrap()).unwrap();
        let verify = |path: &Path, ciphertext: &[&Path]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_purrwall"));
            command.arg("verify").arg(path);
            for path in ciphertext {
                command.arg("--ciphertext").arg(path);
            }
            told(&command.output().unwrap())
        };
        let (ended_well, said) = verify(&file, &[&ciphertext]);
        assert!(
            !ended_well && said.trim().ends_with("the store lied."),
            "{said}"
        );
        let (ended_well, said) = verify(&file, &[]);
        assert!(
            ended_well && said.contains("the invoice was paid"),
            "{said}"
        );
        let (ended_well, said) = verify(&files[0], &[&ciphertext]);
        assert!(
            !ended_well && said.contains("--manifest and --token-id"),
            "{said}"
        );
    });
}

const GUIDE: &str = include_str!("../../../docs/l402.md");

/// Core Lightning's own `lightning-cli`, as far as the guide needs it.
const LIGHTNING_CLI: &str = "#!/usr/bin/env python3
import json, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect('SOCKET')
request = {'jsonrpc': '2.0', 'id': 1, 'method': sys.argv[1], 'params': sys.argv[2:]}
connection.sendall(json.dumps(request).encode())
text = b''
while not text.endswith(b'\\n\\n'):
    text += connection.recv(65536)
print(json.dumps(json.loads(text)['result'], indent=3))
";

#[test]
fn bash_curl_and_openssl_are_enough() {
    run(async {
        let film: Vec<u8> = (0..2_200_000_u32).map(|at| at.to_be_bytes()[2]).collect();
        for program in ["curl", "openssl", "xxd", "python3"] {
            if !is_there(program) {
                skipped(program);
                return;
            }
        }
        let cinema = Cinema::plans(film).await;
        cinema.seals().await;
        let store = OwnStore::open(&cinema.folder).await;
        let commands: Vec<_> = GUIDE
            .split("\n```bash\n")
            .skip(1)
            .map(|rest| rest.split_once("\n```").unwrap().0)
            .collect();
        assert!(commands.len() >= 5, "{} blocks of commands", commands.len());
        let script = commands
            .join("\n")
            .replace("https://cats.example", store.url());
        let (bin, work) = (cinema.folder.path("bin"), cinema.folder.path("work"));
        fs::create_dir_all(&work).unwrap();
        fs::create_dir_all(&bin).unwrap();
        let cli = LIGHTNING_CLI.replace("SOCKET", nodes().await.alice.to_str().unwrap());
        put_program(&bin.join("lightning-cli"), &cli);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_purrwall"), bin.join("purrwall")).unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let mut command = tokio::process::Command::new("bash");
        command
            .args(["-euc", &script])
            .current_dir(&work)
            .env("PATH", path);
        let (ended_well, said) = told(&command.output().await.unwrap());
        assert!(ended_well, "{said}");
        for line in [
            "the invoice commits to the manifest",
            "the manifest is for this claim",
            "the file is what the manifest names",
            "film.mp4: OK",
            "they are the promised ones.",
        ] {
            assert!(said.contains(line), "no {line:?} in {said}");
        }
        assert_eq!(fs::read(work.join("film.mp4")).unwrap(), cinema.film);
    });
}

fn is_there(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output();
    found.unwrap().status.success()
}

fn put_program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
