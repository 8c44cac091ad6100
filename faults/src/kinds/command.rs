//! `purrwall buy`, which may be killed at any moment: the same command goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use fastrand::Rng;
use shared::api::content_path;
use shared::lightning::PaymentHash;

use crate::kinds::returns::{Outcome, Places, Returns};
use crate::nodes::{Nodes, program};
use crate::store::Item;

/// Longer than most purchases take.
const LONGEST: u64 = 1500;

pub(crate) struct CommandBuyer {
    out: PathBuf,
    alice: PathBuf,
}

impl CommandBuyer {
    /// Buys the cat into a file of this number, and is killed in the middle as often as not.
    pub(crate) fn buys(
        places: &Places,
        nodes: &Nodes,
        folder: &Path,
        number: u32,
        rng: &mut Rng,
    ) -> Result<Self> {
        let buyer = Self {
            out: folder.join(format!("{number}.txt")),
            alice: nodes.alice.clone(),
        };
        let mut child = buyer.command(places)?;
        if rng.bool() {
            thread::sleep(Duration::from_millis(rng.u64(1..LONGEST)));
            child.kill()?;
        }
        child.wait()?;
        Ok(buyer)
    }

    fn command(&self, places: &Places) -> Result<Child> {
        let path = content_path(&Item::cat().id.parse()?);
        let url = format!("http://{}{path}", places.store);
        let mut command = Command::new(program("PURRWALL", "purrwall")?);
        command.args(["buy", &url, "--max-sat", "10", "--lightning-rpc"]);
        command.arg(&self.alice).arg("--out").arg(&self.out);
        let silent = command.stdin(Stdio::null()).stdout(Stdio::null());
        Ok(silent.stderr(Stdio::null()).spawn()?)
    }

    fn has_goods(&self) -> bool {
        let receipt = format!("{}.receipt.json", self.out.display());
        let goods = fs::read(&self.out);
        goods.is_ok_and(|goods| goods == Item::cat().goods.as_bytes())
            && Path::new(&receipt).is_file()
    }
}

impl Returns for CommandBuyer {
    fn kind(&self) -> &'static str {
        "purrwall buy"
    }

    fn payment(&self) -> Option<PaymentHash> {
        None
    }

    fn comes_back(&mut self, places: &Places) -> Result<Outcome> {
        let mut code = None;
        if !self.has_goods() {
            code = self.command(places)?.wait()?.code();
        }
        Ok(if self.has_goods() {
            Outcome::Delivered
        } else {
            Outcome::Neither(format!("exit status {code:?}"))
        })
    }
}
