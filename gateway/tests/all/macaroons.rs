//! Claims against macaroon implementations that this project did not write: pymacaroons (Python)
//! and macaroon (JavaScript). Each has to verify ours, and we have to verify theirs.

use std::path::Path;
use std::process::{Command, Stdio};

use hmac::{Hmac, KeyInit as _, Mac as _};
use purrwall_gateway::Secret;
use purrwall_gateway::claims::{Claims, Terms};
use serde_json::{Value, json};
use sha2::Sha256;
use shared::claim::{Claim, Identifier};
use shared::lightning::PaymentHash;
use shared::macaroon::Macaroon;

use testing::tools::{SECRET, python, skipped};

const PYTHON: &str = r#"
import base64, json, sys
from pymacaroons import Macaroon, Verifier, MACAROON_V2
from pymacaroons.serializers import BinarySerializer
ask = json.load(sys.stdin)
key, identifier = bytes.fromhex(ask["root_key"]), bytes.fromhex(ask["identifier"])
ours = Macaroon.deserialize(ask["claim"].replace("+", "-").replace("/", "_").rstrip("="))
verifier = Verifier()
for caveat in ask["caveats"]:
    verifier.satisfy_exact(caveat)
theirs = Macaroon(location=None, identifier=identifier, key=key, version=MACAROON_V2)
for caveat in ask["caveats"]:
    theirs.add_first_party_caveat(caveat)
narrowed = ours.copy()
narrowed.add_first_party_caveat("valid_until=1")
print(json.dumps({
    "verified": verifier.verify(ours, key),
    "minted": theirs.serialize(serializer=BinarySerializer()),
    "narrowed": narrowed.serialize(serializer=BinarySerializer()),
}))
"#;

const JAVASCRIPT: &str = r#"
const { importMacaroon, newMacaroon } = require("macaroon");
const ask = JSON.parse(require("fs").readFileSync(0, "utf8"));
const key = Buffer.from(ask.root_key, "hex");
const ours = importMacaroon(Buffer.from(ask.claim, "base64"));
let verified = true;
try {
  ours.verify(key, (caveat) => (ask.caveats.includes(caveat) ? null : "unknown caveat"));
} catch (error) {
  verified = String(error);
}
const theirs = newMacaroon({ identifier: Buffer.from(ask.identifier, "hex"), rootKey: key, version: 2 });
for (const caveat of ask.caveats) theirs.addFirstPartyCaveat(caveat);
const narrowed = importMacaroon(Buffer.from(ask.claim, "base64"));
narrowed.addFirstPartyCaveat("valid_until=1");
const text = (macaroon) => Buffer.from(macaroon.exportBinary()).toString("base64");
console.log(JSON.stringify({ verified, minted: text(theirs), narrowed: text(narrowed) }));
"#;

#[test]
fn pymacaroons_and_we_agree() {
    let Some(python) = python("python") else {
        return skipped("there is no pymacaroons");
    };
    check(Command::new(python).args(["-c", PYTHON]));
}

#[test]
fn javascripts_macaroon_and_we_agree() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../e2e");
    if !dir.join("node_modules/macaroon").exists() {
        return skipped("there is no npm package macaroon");
    }
    check(
        Command::new("node")
            .args(["-e", JAVASCRIPT])
            .current_dir(&dir),
    );
}

/// The other implementation gets our claim and its root key, says whether it verifies, mints the
/// same macaroon itself, and narrows ours.
#[track_caller]
fn check(program: &mut Command) {
    let claims = Claims::new(&Secret::from_bytes(SECRET));
    let identifier = Identifier {
        payment_hash: PaymentHash([0xab; 32]),
        token_id: [0xcd; 32],
    };
    let claim = claims.mint("two-cats", identifier, Terms::default());
    let ask = json!({
        "claim": claim.to_base64(),
        "root_key": root_key(&identifier),
        "identifier": hex(&identifier.to_bytes()),
        "caveats": claim.macaroon().caveats.iter().map(|caveat| String::from_utf8_lossy(caveat)).collect::<Vec<_>>(),
    });
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    serde_json::to_writer(child.stdin.take().unwrap(), &ask).unwrap();
    let output = child.wait_with_output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();

    assert_eq!(told["verified"], true);
    let minted: Claim = told["minted"].as_str().unwrap().parse().unwrap();
    // An empty location may stand there or not; no signature covers it.
    let unlocated = Claim::new(Macaroon {
        location: None,
        ..minted.macaroon().clone()
    });
    assert_eq!(unlocated, Ok(claim));
    assert_eq!(claims.verify(&minted, 0), Ok("two-cats"));
    let narrowed: Claim = told["narrowed"].as_str().unwrap().parse().unwrap();
    assert_eq!(claims.verify(&narrowed, 1), Ok("two-cats"));
    assert!(claims.verify(&narrowed, 2).is_err());
}

/// What the gateway derives, written once more: claims that were sold have to stay valid.
fn root_key(identifier: &Identifier) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&SECRET).unwrap();
    mac.update(b"purrwall root_key\0");
    mac.update(&identifier.to_bytes());
    hex(&mac.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    use bitcoin::hex::DisplayHex as _;
    bytes.to_lower_hex_string()
}
