//! The gateway, with the built page.

use std::path::Path;
use std::sync::Arc;

use shared::api::CreatedInvoice;
use tempfile::TempDir;

use super::page::Page;
use super::seller::{Sale, Seller, Wait};
use crate::{Creation, Program, create_request, get_request, start_gateway_with};

/// Where `cargo xtask build` puts the page.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../dist");

pub(super) struct Purrwall {
    program: Program,
}

impl Purrwall {
    pub(super) fn start(socket: &Path, dir: &TempDir) -> Self {
        Self {
            program: start_gateway_with(socket, dir, &["--frontend", PAGE]),
        }
    }
}

impl Seller for Purrwall {
    fn name(&self) -> String {
        format!("Purrwall {}", env!("CARGO_PKG_VERSION"))
    }

    fn program(&self) -> &Program {
        &self.program
    }

    fn creation(&self) -> Creation {
        Arc::new(create_request)
    }

    fn sale(&self, answer: &[u8]) -> Sale {
        let created: CreatedInvoice = serde_json::from_slice(answer).unwrap();
        let authorization = format!("authorization: L402 {}\r\n", created.claim.to_base64());
        let question = |path| get_request(path, &authorization);
        Sale {
            bolt11: created.invoice.bolt11,
            id: String::new(),
            status: question("/api/v1/invoice"),
            wait: Wait::Question(question("/api/v1/invoice?wait=30"), "\"paid\""),
        }
    }

    fn waiting(&self) -> &'static str {
        "by its long poll"
    }

    fn page(&self, _: &Sale) -> Page {
        Page {
            what: "its page, up to the checked code",
            path: "/".to_owned(),
            button: Some("[data-test=\"buy\"]"),
            code: "[data-test=\"qr\"]",
        }
    }
}
