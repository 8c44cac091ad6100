//! `purrwall verify`: what a receipt proves, and by whose key.

use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use purrwall_buyer::sealed::{Judgement, judge};
use purrwall_buyer::store::hash;
use serde::Deserialize;
use shared::digest::Digest;
use shared::lightning::Payees;
use shared::receipt::Receipt;
use shared::sealed::Manifest;

use crate::commands::output::say;

/// What to check.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The receipt, as `purrwall buy` and the store's page save it; or the evidence that the page saves of sealed
    /// goods that do not open, which needs nothing but --ciphertext beside it.
    receipt: PathBuf,

    /// The goods, to be held against the receipt.
    content: Option<PathBuf>,

    /// The public key of the node that has to have signed the invoice, or several with spaces or commas
    /// between them.
    #[arg(long, value_name = "KEYS")]
    payee: Option<Payees>,

    #[command(flatten)]
    sealed: Sealed,
}

/// What judges a store that sold sealed goods.
#[derive(Debug, Args)]
struct Sealed {
    /// The manifest of sealed goods: whether the key that was sold opens them. Needs --token-id and
    /// --ciphertext.
    #[arg(long, value_name = "FILE", requires = "token_id")]
    manifest: Option<PathBuf>,

    /// The claim's token_id, in 64 hex digits. Whoever has it and the receipt can open the goods.
    #[arg(
        long,
        value_name = "HEX",
        requires = "manifest",
        requires = "ciphertext"
    )]
    token_id: Option<Digest>,

    /// The sealed goods.
    #[arg(long, value_name = "FILE")]
    ciphertext: Option<PathBuf>,
}

/// Prints in one sentence what is proven; an error is what does not hold.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Arguments {
        receipt,
        content,
        payee,
        sealed,
    } = arguments;
    let text = fs::read(receipt).with_context(|| format!("cannot read {}", receipt.display()))?;
    // What stands in it is not repeated in the error: it may be a preimage.
    let Some((receipt, evidence)) = read(&text) else {
        bail!(
            "{} is no receipt: a JSON object of bolt11, preimage, item, sha256 and size",
            receipt.display()
        );
    };
    let content = content.as_ref().map(|path| {
        let measured = File::open(path).and_then(hash);
        measured.with_context(|| format!("cannot read {}", path.display()))
    });
    let content = content.transpose()?;
    let proof = receipt.verify(content.map(|(sha256, _)| sha256))?;
    if let Some(expected) = payee
        .as_ref()
        .filter(|payees| !payees.contains(&proof.invoice.payee))
    {
        bail!(
            "the invoice was paid to the node {}, but --payee says {expected}",
            proof.invoice.payee
        );
    }
    if let Some((_, size)) = content
        && size != receipt.size
    {
        bail!(
            "the receipt says {} bytes, but the promised content has {size}",
            receipt.size
        );
    }
    match sealed.judge(&receipt, evidence)? {
        None => say!("{proof}"),
        Some(kept @ Judgement::Kept(..)) => say!("{kept}"),
        Some(broken @ Judgement::Broken(..)) => bail!("{broken}"),
    }
    Ok(())
}

/// What the store's page saves of sealed goods that do not open.
#[derive(Deserialize)]
struct Evidence {
    receipt: Receipt,
    manifest: Manifest,
    token_id: Digest,
}

/// A receipt, and what judges the store beside it, where the file has that, too.
fn read(text: &[u8]) -> Option<(Receipt, Option<(Manifest, Digest)>)> {
    if let Ok(receipt) = serde_json::from_slice(text) {
        return Some((receipt, None));
    }
    let Evidence {
        receipt,
        manifest,
        token_id,
    } = serde_json::from_slice(text).ok()?;
    Some((receipt, Some((manifest, token_id))))
}

impl Sealed {
    /// What is proven of the sealed goods; `None` if they were not given.
    fn judge(
        &self,
        receipt: &Receipt,
        evidence: Option<(Manifest, Digest)>,
    ) -> Result<Option<Judgement>> {
        let Some(ciphertext) = &self.ciphertext else {
            return Ok(None);
        };
        let cannot_read = |path: &PathBuf| format!("cannot read {}", path.display());
        let given = self.manifest.as_ref().zip(self.token_id);
        let (manifest, token_id) = match (given, evidence) {
            (Some((manifest, token_id)), _) => {
                let text = fs::read(manifest).with_context(|| cannot_read(manifest))?;
                let Ok(manifest) = serde_json::from_slice::<Manifest>(&text) else {
                    bail!(
                        "{} is no manifest: a JSON object of format, ct, size, chunk, key, secret and \
                         token",
                        manifest.display()
                    );
                };
                (manifest, token_id)
            }
            (None, Some(evidence)) => evidence,
            (None, None) => bail!("--ciphertext needs --manifest and --token-id beside a receipt"),
        };
        let file = File::open(ciphertext).with_context(|| cannot_read(ciphertext))?;
        Ok(Some(judge(receipt, &manifest, token_id.0, &file)?))
    }
}
