//! Why nothing was bought, or not yet.

use std::path::PathBuf;

use lightningd::LightningError;
use shared::receipt::ReceiptError;
use shared::sealed::BadManifest;

use crate::checks::FailedCheck;
use crate::files::FileError;
use crate::sealed::Nowhere;
use crate::store::StoreError;

/// Why nothing was bought, or not yet.
#[derive(Debug, thiserror::Error)]
pub enum BuyError {
    /// Something is where the goods are to be.
    #[error("{0:?} exists already; nothing was bought. Choose another place with --out")]
    Exists(PathBuf),
    /// The file beside the goods is about something else.
    #[error(
        "{file:?} remembers a purchase at {url} that is not finished; finish it, or choose another \
         place with --out"
    )]
    OtherPurchase {
        /// What is remembered.
        url: String,
        /// Where.
        file: PathBuf,
    },
    /// The invoice fails a check. Nothing was paid for it.
    #[error("the invoice is not paid")]
    Check(#[source] Box<FailedCheck>),
    /// The node could not pay. Nothing was paid.
    #[error("the payment failed, and nothing was paid")]
    Failed(#[source] LightningError),
    /// The node does not answer.
    #[error("{}", source.remedy())]
    Lightning {
        /// What went wrong.
        #[from]
        source: LightningError,
    },
    /// The payment neither arrived nor came back.
    #[error(
        "the payment is still on its way; nothing more will be paid. Run the same command again \
         later to fetch the goods"
    )]
    Pending,
    /// An invoice that the store has just made cannot be paid either.
    #[error(
        "a new invoice of the store's cannot be paid either, and nothing was paid: it is unknown \
         to the store or expired; is this machine's clock right?"
    )]
    Unpayable,
    /// The store, before anything was paid or with the purchase kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was paid, but the goods did not come. The purchase is kept.
    #[error(
        "it is paid for, but the goods are not here yet; run the same command again. The proof of \
         payment is in {file:?}"
    )]
    Undelivered {
        /// The purchase's file.
        file: PathBuf,
        /// What went wrong.
        source: StoreError,
    },
    /// The sealed goods cannot be had, or not be checked. Nothing was paid.
    #[error("the sealed goods are not paid for")]
    Sealed(#[source] Box<SealedError>),
    /// The sealed goods were paid for, and cannot be had any more. The purchase is kept.
    #[error(
        "it is paid for, but the sealed goods are not here any more; run the same command again"
    )]
    SealedGone(#[source] Nowhere),
    /// The store sold a key that does not open its goods, and does not deliver them either.
    #[error(
        "the store was paid and sold a false key. Anyone can check that offline: `purrwall verify {receipt:?} \
         --manifest {manifest:?} --token-id {token_id} --ciphertext {ciphertext:?}`"
    )]
    FalseKey {
        /// The receipt.
        receipt: PathBuf,
        /// The manifest.
        manifest: PathBuf,
        /// Of the claim, in hex.
        token_id: String,
        /// The sealed goods.
        ciphertext: PathBuf,
        /// Why the goods themselves did not come, either.
        source: Box<BuyError>,
    },
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
    /// A receipt that would prove nothing is not written.
    #[error("the receipt would not hold")]
    Receipt(#[from] ReceiptError),
}

/// Why sealed goods are not paid for.
#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    /// The store advertises sealed goods, and sells others.
    #[error("the store advertises them sealed, but its invoice commits to no manifest")]
    NoManifest,
    /// The manifest is not the invoice's, or not for us.
    #[error(transparent)]
    Manifest(#[from] BadManifest),
    /// The ciphertext cannot be had.
    #[error(transparent)]
    Nowhere(#[from] Nowhere),
}

impl From<SealedError> for BuyError {
    fn from(error: SealedError) -> Self {
        Self::Sealed(Box::new(error))
    }
}

impl From<FailedCheck> for BuyError {
    fn from(check: FailedCheck) -> Self {
        Self::Check(Box::new(check))
    }
}
