//! The manifest: what one invoice sells sealed.

use serde::{Deserialize, Serialize};

use crate::content::Description;
use crate::digest::Digest;
use crate::sealed::keys::{SecretId, WrappedKey};
use crate::sealed::layout::{BadLayout, FORMAT, Layout};
use crate::text::decimal;

/// What one invoice sells sealed, and for whom. The invoice's description commits to it.
///
/// Its JSON has one form, which [`to_json`](Self::to_json) writes: the fields in this order, without
/// spaces. The hash is that of these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SealedManifest))]
pub struct Manifest {
    /// 1.
    pub format: u32,
    /// The Merkle root of the ciphertext's chunks; also the name of its file.
    pub ct: Digest,
    /// Bytes of plaintext.
    pub size: u64,
    /// Bytes of plaintext in each chunk but the last.
    pub chunk: u32,
    /// The content key, wrapped for this payment and this claim.
    pub key: WrappedKey,
    /// The name of the store's secret that the key follows from; for the store.
    pub secret: SecretId,
    /// The SHA-256 of the claim's token_id, so that nobody can blame the store with another one.
    pub token: Digest,
}

/// Why nobody should pay for what a manifest says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadManifest {
    /// Of a later version.
    #[error("the goods are sealed in format {0}, and only format {FORMAT} is known here")]
    Format(u32),
    /// Cannot be read.
    #[error(transparent)]
    Layout(#[from] BadLayout),
    /// Not the one that the invoice was signed for.
    #[error("the invoice was not made for this manifest")]
    Commitment,
    /// For somebody else's claim.
    #[error("the manifest is for another claim")]
    Token,
}

impl Manifest {
    /// The one form of its JSON.
    pub fn to_json(&self) -> String {
        let Self {
            format,
            ct,
            size,
            chunk,
            key,
            secret,
            token,
        } = self;
        [
            "{\"format\":",
            &decimal((*format).into()),
            ",\"ct\":\"",
            &ct.to_hex(),
            "\",\"size\":",
            &decimal(*size),
            ",\"chunk\":",
            &decimal((*chunk).into()),
            ",\"key\":\"",
            &key.to_hex(),
            "\",\"secret\":\"",
            &secret.to_hex(),
            "\",\"token\":\"",
            &token.to_hex(),
            "\"}",
        ]
        .concat()
    }

    /// What the invoice's description says of it.
    pub fn hash(&self) -> Digest {
        Digest::of(&[self.to_json().as_bytes()])
    }

    /// How its ciphertext is laid out.
    pub fn layout(&self) -> Result<Layout, BadManifest> {
        match self.format {
            FORMAT => Ok(Layout::new(self.size, self.chunk)?),
            other => Err(BadManifest::Format(other)),
        }
    }

    /// What can be known before paying: that the invoice with this description sells by it, to who has
    /// the claim with this token_id. Gives the layout of the ciphertext, which `ct` then has to name.
    pub fn check(
        &self,
        description: &Description<'_>,
        token_id: &[u8; 32],
    ) -> Result<Layout, BadManifest> {
        if description.manifest != Some(self.hash()) {
            return Err(BadManifest::Commitment);
        }
        if self.token != Digest::of(&[token_id]) {
            return Err(BadManifest::Token);
        }
        self.layout()
    }
}

/// Sealed goods as everyone may see them, paid or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SealedGoods {
    /// The Merkle root of the ciphertext's chunks; also the name of its file.
    pub ct: Digest,
    /// Bytes of plaintext in each chunk but the last.
    pub chunk: u32,
    /// Where the ciphertext lies, to be tried in turn; at the gateway last, in any case.
    pub urls: Vec<String>,
}

/// The manifest of an invoice, and where its ciphertext lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SealedSale {
    /// What the invoice was signed for.
    pub manifest: Manifest,
    /// Where the ciphertext lies, to be tried in turn; at the gateway last, in any case.
    pub urls: Vec<String>,
}
