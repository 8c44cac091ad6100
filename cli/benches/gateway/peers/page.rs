//! What a browser loads to let a buyer pay.

use std::process::Command;

use crate::Program;

/// Where the browser tests are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../e2e");

/// A page on which a buyer pays.
pub(super) struct Page {
    /// Which page it is, in words.
    pub(super) what: &'static str,
    pub(super) path: String,
    /// What has to be pressed, as a CSS selector.
    pub(super) button: Option<&'static str>,
    /// What can be seen at the end, as a CSS selector.
    pub(super) code: &'static str,
}

/// What a page weighs.
pub(super) struct Weight {
    pub(super) what: &'static str,
    /// On the wire, with the heads of the answers.
    pub(super) bytes: f64,
}

impl Page {
    /// Opens it in Chromium with an empty cache.
    pub(super) fn weigh(&self, program: &Program) -> Weight {
        let mut node = Command::new("node");
        node.current_dir(SCRIPTS)
            .arg("weigh.mjs")
            .arg(format!("http://{}{}", program.address, self.path))
            .arg(self.code)
            .args(self.button);
        let weighed = node.output().unwrap();
        let printed = String::from_utf8_lossy(&weighed.stdout);
        let bytes = printed.trim().parse();
        let bytes = bytes
            .unwrap_or_else(|_| panic!("{node:?}: {}", String::from_utf8_lossy(&weighed.stderr)));
        let what = self.what;
        Weight { what, bytes }
    }
}
