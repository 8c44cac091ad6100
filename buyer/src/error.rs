//! Why nothing was bought, or not yet.

use std::path::PathBuf;

use lightningd::LightningError;
use shared::receipt::ReceiptError;

use crate::checks::FailedCheck;
use crate::files::FileError;
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
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
    /// A receipt that would prove nothing is not written.
    #[error("the receipt would not hold")]
    Receipt(#[from] ReceiptError),
}

impl From<FailedCheck> for BuyError {
    fn from(check: FailedCheck) -> Self {
        Self::Check(Box::new(check))
    }
}
