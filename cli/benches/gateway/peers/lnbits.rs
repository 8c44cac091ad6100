//! LNbits with its own SQLite, as `cargo xtask bench --peers` installs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use testing::tools::free_port;

use super::page::Page;
use super::seller::{Sale, Seller, Wait};
use crate::{Creation, Http, Program, get_request, post_request};

/// The environment with LNbits in it.
const ENVIRONMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/lnbits");

pub(super) struct Lnbits {
    program: Program,
    version: String,
    /// What makes invoices for the wallet.
    key: String,
}

impl Lnbits {
    pub(super) async fn start(socket: &Path, dir: &TempDir) -> Self {
        let packages = packages();
        let port = free_port().to_string();
        let data = dir.path().join("lnbits");
        fs::create_dir_all(&data).unwrap();
        let mut command = Command::new(format!("{ENVIRONMENT}/bin/uvicorn"));
        command
            // One process; `lnbits` itself would start another one and leave it behind.
            .args(["lnbits.__main__:app", "--loop", "uvloop"])
            .args(["--host", "127.0.0.1", "--port"])
            .arg(&port)
            // It looks for its static files from where it is started.
            .current_dir(&packages)
            .env("LNBITS_DATA_FOLDER", &data)
            .env("LNBITS_EXTENSIONS_PATH", &data)
            .env("LNBITS_BACKEND_WALLET_CLASS", "CoreLightningWallet")
            .env("CORELIGHTNING_RPC", socket)
            .env("LNBITS_ADMIN_UI", "false")
            .env("LNBITS_RATE_LIMIT_NO", "1000000000");
        let program = Program::start_at(command, format!("127.0.0.1:{port}")).await;
        let mut http = Http::connect(&program.address).await;
        let account = post_request("/api/v1/account", "", &json!({ "name": "cats" }));
        let account: Value = serde_json::from_slice(&http.ask(&account).await).unwrap();
        let key = |name: &str| account[name].as_str().unwrap().to_owned();
        // Without a currency it asks nobody on the internet for a price, whatever the invoice.
        let admin = format!("x-api-key: {}\r\n", key("adminkey"));
        let plain = post_request("/api/v1/wallet", &admin, &json!({ "currency": "" }));
        http.ask(&plain.replacen("POST", "PATCH", 1)).await;
        Self {
            program,
            version: version(&packages),
            key: key("inkey"),
        }
    }
}

impl Seller for Lnbits {
    fn name(&self) -> String {
        format!("LNbits {}", self.version)
    }

    fn program(&self) -> &Program {
        &self.program
    }

    fn creation(&self) -> Creation {
        let invoice = json!({
            "out": false, "amount": 100, "unit": "sat", "memo": "A cat", "expiry": 600,
        });
        let key = format!("x-api-key: {}\r\n", self.key);
        let request = post_request("/api/v1/payments", &key, &invoice);
        Arc::new(move || request.clone())
    }

    fn sale(&self, answer: &[u8]) -> Sale {
        let payment: Value = serde_json::from_slice(answer).unwrap();
        let text = |name: &str| payment[name].as_str().unwrap().to_owned();
        let id = text("payment_hash");
        Sale {
            bolt11: text("bolt11"),
            status: get_request(&format!("/api/v1/payments/{id}"), ""),
            wait: Wait::WebSocket(format!("/api/v1/ws/{id}"), "\"success\""),
            id,
        }
    }

    fn waiting(&self) -> &'static str {
        "by its WebSocket"
    }

    /// Paywalls are an extension, which PyPI has not; its pages begin with this one's files.
    fn page(&self, _: &Sale) -> Page {
        Page {
            what: "its first page (a paywall is an extension, whose page loads the same files first)",
            path: "/".to_owned(),
            button: None,
            code: ".q-page",
        }
    }
}

/// The folder of the installed packages.
fn packages() -> PathBuf {
    let lib = Path::new(ENVIRONMENT).join("lib");
    let found = fs::read_dir(&lib).ok().and_then(|mut dirs| dirs.next());
    let found = found.unwrap_or_else(|| panic!("no LNbits: `cargo xtask bench --peers` has it"));
    found.unwrap().path().join("site-packages")
}

fn version(packages: &Path) -> String {
    let installed = fs::read_dir(packages).unwrap();
    let names = installed.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names = names.filter_map(|name| {
        let version = name.strip_prefix("lnbits-")?.strip_suffix(".dist-info")?;
        Some(version.to_owned())
    });
    names.next().unwrap()
}
