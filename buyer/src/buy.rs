//! The order of things: ask, check, remember, pay, fetch, keep the receipt.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lightningd::{LightningError, Lightningd, Sent};
use shared::claim::Identifier;
use shared::content::{ContentHash, Description};
use shared::digest::Digest;
use shared::invoice::Invoice;
use shared::lightning::Preimage;
use shared::receipt::{Proof, Receipt};
use shared::sealed::{BadManifest, Layout, SealedSale};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use crate::checks::{FailedCheck, Limits, check, max_fee, promised};
use crate::decide::{Facts, Next, decide};
use crate::error::{BuyError, SealedError};
use crate::files::{Files, Purchase};
use crate::sealed::{self, Ciphertext, Nowhere, OpenError};
use crate::store::{self, Store, StoreError, Word};
use crate::ticket::Ticket;

/// Buys one item.
#[derive(Debug)]
pub struct Buyer {
    /// The item and its store.
    pub store: Store,
    /// The buyer's own node, which pays.
    pub lightningd: Lightningd,
    /// What the buyer agrees to.
    pub limits: Limits,
    /// Where the goods are to be.
    pub out: PathBuf,
    /// Whether the purchase is remembered for good, so that buying again gives the same goods and pays
    /// nothing; else it is forgotten once goods and receipt are there.
    pub keeps: bool,
    /// How long things may take.
    pub timing: Timing,
}

/// How long things may take. Not for users; tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long the node tries to pay, in whole seconds.
    pub retry_for: Duration,
    /// After this much more, a node that was told to pay has surely given up, or says that the
    /// payment is on its way.
    pub grace: Duration,
    /// Between two questions about a payment that is on its way.
    pub pause: Duration,
    /// How long such a payment is waited for.
    pub patience: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            retry_for: Duration::from_mins(1),
            grace: Duration::from_secs(15),
            pause: Duration::from_secs(1),
            patience: Duration::from_mins(3),
        }
    }
}

/// What was bought.
#[derive(Debug)]
pub struct Bought {
    /// The goods.
    pub out: PathBuf,
    /// The receipt.
    pub receipt: PathBuf,
    /// What the receipt proves.
    pub proof: Proof,
}

impl Buyer {
    /// Buys, or goes on with what an earlier run began.
    pub async fn buy(&self) -> Result<Bought, BuyError> {
        let files = Files::open(&self.out)?;
        let bought = self.buy_into(&files).await;
        files.clean_up();
        bought
    }

    async fn buy_into(&self, files: &Files) -> Result<Bought, BuyError> {
        let mut purchase = match files.purchase()? {
            Some(purchase) => self.ours(files, purchase)?,
            None if self.out.exists() => return Err(BuyError::Exists(self.out.clone())),
            None => self.begin(files).await?,
        };
        let proof = match purchase.preimage {
            Some(proof) => proof,
            None => self.settle(files, &mut purchase).await?,
        };
        self.fetch(files, &purchase, proof).await
    }

    /// Asks for an invoice, checks it and remembers it.
    async fn begin(&self, files: &Files) -> Result<Purchase, BuyError> {
        let store = self.store.clone();
        let listed = blocking(move || store.listed()).await;
        if let Ok(listed) = &listed
            && let Some(goods) = &listed.sealed
        {
            // Before the invoice, whose time is short.
            let layout = Layout::new(listed.size, goods.chunk).map_err(BadManifest::from);
            let layout = layout.map_err(SealedError::from)?;
            self.ciphertext(files, (layout, goods.ct), &goods.urls)
                .await?
                .map_err(SealedError::from)?;
        }
        let store = self.store.clone();
        // What it says of an item that it does not list is the better reason.
        let (ticket, bolt11) = blocking(move || store.ask()).await?;
        let listed = listed?;
        let invoice = self.check(&ticket, &bolt11).await?;
        let sealed = self.sealed_sale(&ticket, &invoice).await?;
        if listed.sealed.is_some() && ticket.claim().is_some() && sealed.is_none() {
            return Err(SealedError::NoManifest.into());
        }
        let purchase = Purchase {
            url: self.store.address().content(),
            ticket,
            bolt11,
            size: Some(listed.size),
            sealed,
            attempted_at: None,
            preimage: None,
        };
        files.remember(&purchase)?;
        Ok(purchase)
    }

    /// The manifest of an invoice for sealed goods, which it has to commit to. A charge of the scheme
    /// `Payment` has no claim that would open them, and its goods are delivered as ever.
    async fn sealed_sale(
        &self,
        ticket: &Ticket,
        invoice: &Invoice,
    ) -> Result<Option<SealedSale>, BuyError> {
        let description = Description::read(invoice.description.as_deref().unwrap_or_default());
        let (Some(claim), Some(_)) = (ticket.claim().cloned(), description.manifest) else {
            return Ok(None);
        };
        let token_id = claim.identifier().token_id;
        let store = self.store.clone();
        let sale = blocking(move || store.manifest(&claim)).await?;
        let checked = sale.manifest.check(&description, &token_id);
        checked.map_err(SealedError::from)?;
        Ok(Some(sale))
    }

    /// Sees to it that the whole ciphertext is in its file, and is checked. Goes on from what is there.
    async fn ciphertext(
        &self,
        files: &Files,
        (layout, ct): (Layout, Digest),
        urls: &[String],
    ) -> Result<Result<File, Nowhere>, BuyError> {
        let file = files.sealed()?;
        let mut places = urls.to_vec();
        places.push(self.store.address().store().sealed(ct));
        let fetched = spawn_blocking(move || {
            let mut known = Ciphertext::resume(layout, ct, &file)?;
            let fetched = known.fetch(&places, &mut &file);
            file.sync_all()?;
            Ok::<_, std::io::Error>(fetched.map(|()| file))
        });
        let fetched = fetched.await.expect("fetching does not panic");
        Ok(fetched.map_err(StoreError::Disk)?)
    }

    /// The ciphertext of a purchase.
    async fn ciphertext_of(
        &self,
        files: &Files,
        SealedSale { manifest, urls }: &SealedSale,
    ) -> Result<(Layout, Result<File, Nowhere>), BuyError> {
        let layout = manifest.layout().map_err(SealedError::from)?;
        let file = self.ciphertext(files, (layout, manifest.ct), urls).await?;
        Ok((layout, file))
    }

    fn ours(&self, files: &Files, purchase: Purchase) -> Result<Purchase, BuyError> {
        if purchase.url == self.store.address().content() {
            Ok(purchase)
        } else {
            Err(BuyError::OtherPurchase {
                url: purchase.url,
                file: files.purchase_path(),
            })
        }
    }

    /// Sees to it that the purchase is paid, once, and gives the proof.
    async fn settle(&self, files: &Files, purchase: &mut Purchase) -> Result<Preimage, BuyError> {
        let until = Instant::now() + self.timing.patience;
        let mut is_replaced = false;
        loop {
            let invoice = Invoice::decode(&purchase.bolt11).map_err(FailedCheck::from)?;
            let sent = self.lightningd.sent(invoice.payment_hash).await?;
            // Who sees the own payment complete needs no word of the store's.
            let word = match sent {
                Sent::Complete(_) => Word::Unknown,
                _ => self.word(purchase).await?,
            };
            let now = unix_now();
            let facts = Facts {
                sent,
                word,
                is_expired: invoice.is_expired(now),
                is_attempted: self.is_attempted(purchase, now),
            };
            match decide(facts) {
                Next::Take(proof) => {
                    purchase.preimage = Some(proof);
                    files.remember(purchase)?;
                    return Ok(proof);
                }
                Next::Wait if Instant::now() >= until => return Err(BuyError::Pending),
                Next::Wait => sleep(self.timing.pause).await,
                Next::Replace if is_replaced => return Err(BuyError::Unpayable),
                Next::Replace => {
                    *purchase = self.begin(files).await?;
                    is_replaced = true;
                }
                Next::Pay => {
                    if let Some(sale) = &purchase.sealed {
                        let (_, file) = self.ciphertext_of(files, sale).await?;
                        file.map_err(SealedError::from)?;
                    }
                    self.pay(files, purchase).await?;
                }
            }
        }
    }

    /// Tells the node to pay. Whether it did is for the next round to find out, unless it is sure
    /// that nothing was sent.
    async fn pay(&self, files: &Files, purchase: &mut Purchase) -> Result<(), BuyError> {
        // The limits may be others than when the invoice was asked for.
        let invoice = self.check(&purchase.ticket, &purchase.bolt11).await?;
        let price = invoice
            .amount_msat
            .expect("the check accepts no open amount");
        purchase.attempted_at = Some(unix_now());
        files.remember(purchase)?;
        let paid = self
            .lightningd
            .pay(&purchase.bolt11, max_fee(price), self.timing.retry_for)
            .await;
        let error = match paid {
            Ok(_) => return Ok(()),
            Err(
                error @ (LightningError::Closed { .. }
                | LightningError::Timeout { .. }
                | LightningError::Decode { .. }),
            ) => {
                tracing::debug!("the node's answer is not known: {error}");
                return Ok(());
            }
            Err(
                error @ (LightningError::Connect { .. }
                | LightningError::Unreachable { .. }
                | LightningError::Certificate { .. }
                | LightningError::Rpc { .. }),
            ) => error,
        };
        // lightningd has given up, but a part may still be on its way back, or arrive.
        if matches!(error, LightningError::Rpc { .. })
            && self.lightningd.sent(invoice.payment_hash).await? != Sent::Nothing
        {
            return Ok(());
        }
        purchase.attempted_at = None;
        files.remember(purchase)?;
        Err(match error {
            LightningError::Rpc { .. } => BuyError::Failed(error),
            source => BuyError::Lightning { source },
        })
    }

    /// Whether a call to pay may still be under way at the node, though it lists nothing sent: the
    /// node tries on when its client is gone, and between two tries nothing is on its way.
    fn is_attempted(&self, purchase: &Purchase, now: u64) -> bool {
        let Timing {
            retry_for, grace, ..
        } = self.timing;
        let lasts = (retry_for + grace).as_secs();
        let begun = purchase.attempted_at;
        begun.is_some_and(|begun| now < begun.saturating_add(lasts))
    }

    async fn word(&self, purchase: &Purchase) -> Result<Word, BuyError> {
        let (store, ticket) = (self.store.clone(), purchase.ticket.clone());
        Ok(blocking(move || store.status(&ticket)).await?)
    }

    /// Fetches the goods and writes the receipt; then the purchase may be forgotten.
    async fn fetch(
        &self,
        files: &Files,
        purchase: &Purchase,
        proof: Preimage,
    ) -> Result<Bought, BuyError> {
        let invoice = Invoice::decode(&purchase.bolt11).map_err(FailedCheck::from)?;
        let promised = promised(&invoice)?;
        let size = if let Some(size) = goods_at(files.out(), promised).await? {
            size
        } else {
            let size = match (&purchase.sealed, purchase.ticket.claim()) {
                (Some(sale), Some(claim)) => {
                    let claim = claim.identifier();
                    self.open(files, purchase, sale, claim, proof, promised)
                        .await?
                }
                _ => self.download(files, purchase, proof, promised).await?,
            };
            files.finish_goods()?;
            size
        };
        let receipt = self.receipt(purchase, proof, promised, size);
        let proof = receipt.verify(Some(promised))?;
        files.write_receipt(&receipt)?;
        files.drop_sealed()?;
        if !self.keeps {
            files.forget()?;
        }
        Ok(Bought {
            out: files.out().to_owned(),
            receipt: files.receipt_path(),
            proof,
        })
    }

    fn receipt(
        &self,
        purchase: &Purchase,
        preimage: Preimage,
        sha256: ContentHash,
        size: u64,
    ) -> Receipt {
        Receipt {
            bolt11: purchase.bolt11.clone(),
            preimage,
            item: self.store.address().item().clone(),
            sha256,
            size,
            // Codes alone sell by metadata.
            metadata: None,
        }
    }

    /// Opens sealed goods, for which the store need not be there any more. If the store sold a false key,
    /// its goods may still be delivered as ever; if they are not, what convicts it is kept.
    async fn open(
        &self,
        files: &Files,
        purchase: &Purchase,
        sale: &SealedSale,
        identifier: &Identifier,
        proof: Preimage,
        promised: ContentHash,
    ) -> Result<u64, BuyError> {
        let (layout, file) = self.ciphertext_of(files, sale).await?;
        let file = file.map_err(BuyError::SealedGone)?;
        let part = files.part().try_clone().map_err(StoreError::Disk)?;
        part.set_len(0).map_err(StoreError::Disk)?;
        let (manifest, keys) = (sale.manifest, *identifier);
        let opening = spawn_blocking(move || {
            let keys = (&proof, &keys);
            sealed::open(&file, &manifest, layout, keys, &mut &part)
        });
        match opening.await.expect("opening does not panic") {
            Ok((found, size)) if found == promised => return Ok(size),
            Ok(_) | Err(OpenError::Key(_)) => {}
            Err(OpenError::Disk(error)) => return Err(StoreError::Disk(error).into()),
        }
        tracing::warn!(
            "the store sold a false key; its goods are fetched as if they were not sealed"
        );
        files.part().set_len(0).map_err(StoreError::Disk)?;
        let delivered = self.download(files, purchase, proof, promised).await;
        let Err(source) = delivered else {
            return delivered;
        };
        files.write_receipt(&self.receipt(purchase, proof, promised, layout.size()))?;
        Err(BuyError::FalseKey {
            receipt: files.receipt_path(),
            manifest: files.write_manifest(&manifest)?,
            token_id: Digest(identifier.token_id).to_hex(),
            ciphertext: files.sealed_path(),
            source: Box::new(source),
        })
    }

    async fn download(
        &self,
        files: &Files,
        purchase: &Purchase,
        proof: Preimage,
        promised: ContentHash,
    ) -> Result<u64, BuyError> {
        let (store, ticket) = (self.store.clone(), purchase.ticket.clone());
        let undelivered = |source| BuyError::Undelivered {
            file: files.purchase_path(),
            source,
        };
        let size = purchase.size;
        let part = files.part().try_clone();
        let part = part.map_err(|error| undelivered(StoreError::Disk(error)))?;
        let done = blocking(move || store.download(&ticket, proof, promised, size, &part)).await;
        done.map_err(undelivered)
    }

    /// Makes every check on an invoice that is to be paid.
    async fn check(&self, ticket: &Ticket, bolt11: &str) -> Result<Invoice, BuyError> {
        let network = self.lightningd.node().await?.network;
        Ok(check(ticket, bolt11, network, &self.limits)?)
    }
}

/// The size of the goods, where they are there already and are the promised ones.
async fn goods_at(out: &Path, promised: ContentHash) -> Result<Option<u64>, BuyError> {
    let path = out.to_owned();
    let measured = spawn_blocking(move || match File::open(&path) {
        Ok(file) => store::hash(file).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    });
    let measured = measured.await.expect("hashing does not panic");
    match measured.map_err(StoreError::Disk)? {
        None => Ok(None),
        Some((found, size)) if found == promised => Ok(Some(size)),
        Some(_) => Err(BuyError::Exists(out.to_owned())),
    }
}

/// Runs a call that blocks on a thread of its own.
async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    spawn_blocking(call)
        .await
        .expect("the store's calls do not panic")
}

/// Now, in UNIX seconds.
fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
