//! Lightning Charge, from a checkout with its modules.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use testing::tools::free_port;

use super::page::Page;
use super::seller::{Sale, Seller, Wait};
use crate::{Creation, Program, get_request, post_request};

const TOKEN: &str = "cats";

pub(super) struct Charge {
    program: Program,
    version: String,
}

impl Charge {
    pub(super) async fn start(checkout: OsString, socket: &Path, dir: &TempDir) -> Self {
        let checkout = PathBuf::from(checkout);
        let port = free_port().to_string();
        let mut command = Command::new("node");
        command
            .arg(checkout.join("bin/charged"))
            .args(["--api-token", TOKEN, "--host", "127.0.0.1", "--port"])
            .arg(&port)
            .arg("--ln-path")
            .arg(socket.parent().unwrap())
            .arg("--db-path")
            .arg(dir.path().join("charge.db"))
            .current_dir(&checkout);
        let manifest = fs::read(checkout.join("package.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        Self {
            program: Program::start_at(command, format!("127.0.0.1:{port}")).await,
            version: manifest["version"].as_str().unwrap().to_owned(),
        }
    }
}

fn authorization() -> String {
    let credentials = BASE64_STANDARD.encode(format!("api-token:{TOKEN}"));
    format!("authorization: Basic {credentials}\r\n")
}

impl Seller for Charge {
    fn name(&self) -> String {
        format!("Lightning Charge {}", self.version)
    }

    fn program(&self) -> &Program {
        &self.program
    }

    fn creation(&self) -> Creation {
        let invoice = json!({ "msatoshi": "100000", "description": "A cat", "expiry": 600 });
        let request = post_request("/invoice", &authorization(), &invoice);
        Arc::new(move || request.clone())
    }

    fn sale(&self, answer: &[u8]) -> Sale {
        let invoice: Value = serde_json::from_slice(answer).unwrap();
        let text = |name: &str| invoice[name].as_str().unwrap().to_owned();
        let id = text("id");
        let question = |path: &str| get_request(path, &authorization());
        Sale {
            bolt11: text("payreq"),
            status: question(&format!("/invoice/{id}")),
            wait: Wait::Question(
                question(&format!("/invoice/{id}/wait?timeout=30")),
                "\"paid\"",
            ),
            id,
        }
    }

    fn waiting(&self) -> &'static str {
        "by its long poll"
    }

    fn page(&self, sale: &Sale) -> Page {
        Page {
            what: "its checkout page",
            path: format!("/checkout/{}", sale.id),
            button: None,
            code: ".qr",
        }
    }
}
