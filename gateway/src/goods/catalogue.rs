//! What the store sells: the goods, ready to be delivered, and their prices.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shared::api::{Item, ItemId, Scene, Word};
use shared::content::{ContentHash, Description};
use shared::digest::{Digest, Nonce};
use shared::lightning::Msat;
use shared::sealed::Digests;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::goods::files::{self, FileError};
use crate::goods::preview::{self, Preview};
use crate::goods::price::{NoPrice, NoRate, Price, Quote};
use crate::goods::rates::Rates;
use crate::goods::sealed::{Seal, SealError, Seals, ToSeal};
use crate::goods::versions::unsold::promise;
use crate::goods::versions::{Version, VersionError, Versions};
use crate::look::Look;
use crate::metrics::GoodsCounts;
use crate::options::{CatalogueOptions, ItemOptions, NamedFile};

/// What the store sells, in the owner's order, and what it sold.
#[derive(Debug, Default)]
pub struct Catalogue {
    goods: Vec<Goods>,
    rates: Arc<Rates>,
    versions: Arc<Versions>,
    seals: Arc<Seals>,
    look: Look,
}

/// One item with its bytes.
#[derive(Debug)]
pub struct Goods {
    /// Its name in URLs.
    pub id: ItemId,
    /// Its name for people.
    pub title: String,
    /// What is shown before payment.
    pub teaser: String,
    /// What it costs.
    pub price: Price,
    /// How long the goods can be fetched after the invoice's time is over; `None` is for good.
    pub valid_for: Option<Duration>,
    /// What only buyers get.
    pub content: Content,
    sealing: Sealing,
    /// What everyone sees before.
    scene: Scene,
    preview: Option<Arc<Preview>>,
    button: Vec<Word>,
    rates: Arc<Rates>,
    /// Whether its kept version is known to stay.
    promised: AtomicBool,
}

/// Whether goods are sold sealed.
#[derive(Clone, Debug)]
enum Sealing {
    /// They are not.
    Open,
    /// They are.
    Sealed(Arc<Seal>, Arc<Seals>),
    /// They should be, but their copy is damaged.
    Impossible,
}

/// Bytes to deliver, and what goes with them.
#[derive(Clone, Debug)]
pub struct Content {
    /// The media type.
    pub content_type: String,
    /// The name that a downloaded file gets.
    pub file_name: String,
    /// The hash of the bytes.
    pub sha256: ContentHash,
    /// How many there are.
    pub size: u64,
    /// The bytes themselves.
    pub bytes: Bytes,
}

/// Where bytes are. They never change.
#[derive(Clone, Debug)]
pub enum Bytes {
    /// In the program.
    Here(&'static [u8]),
    /// In a kept copy.
    Kept(KeptBytes),
}

/// The bytes of a kept copy. They are only given out once they are known to be the promised ones.
#[derive(Clone, Debug)]
pub struct KeptBytes {
    version: Version,
    versions: Arc<Versions>,
}

impl KeptBytes {
    /// The file, from its beginning or anywhere else.
    pub(crate) async fn open(&self) -> Result<tokio::fs::File, VersionError> {
        let file = self.versions.open(&self.version).await?;
        Ok(tokio::fs::File::from_std(file))
    }
}

/// Why there is no catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A file that the store's file names cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// An item's file cannot be kept.
    #[error(
        "{place}: cannot keep a copy in {dir:?}; set `data_dir` to a folder that purrwall may write"
    )]
    Keep {
        /// Where it is named.
        place: String,
        /// Where it would be kept.
        dir: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Goods cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Catalogue {
    /// Reads what the configuration names; takes as long as reading the goods takes. Needs a Tokio
    /// runtime for the rates. From the catalogue of before it takes over what is still true.
    pub(crate) fn load(
        options: &CatalogueOptions,
        before: Option<&Self>,
        counts: &GoodsCounts,
    ) -> Result<Self, CatalogueError> {
        let nothing = Rates::default();
        let known = before.map_or(&nothing, |before| &before.rates);
        let versions = match before {
            Some(before) => before.versions.clone(),
            None => Arc::new(Versions::new(options.versions_dir.clone(), counts.clone())),
        };
        let seals = match before {
            Some(before) => before.seals.clone(),
            None => Arc::new(Seals::new(
                versions.clone(),
                options.seal_secret_file.clone(),
            )),
        };
        // Rates are followed once everything else is known to be right.
        let look = Look::load(options)?;
        let contents = contents(options, &versions)?;
        clean(&versions, &contents);
        if before.is_none() && options.file.is_some() {
            versions.check_all();
        }
        let sealings = seal(&contents, &seals)?;
        let rates = Arc::new(Rates::follow(&options.rates, known, counts));
        let goods = if options.sells_cats() {
            cats(&rates)
        } else {
            let goods = contents.into_iter().zip(sealings);
            let goods = goods.map(|((item, content), sealing)| {
                goods_of(options, before, item, content, sealing, &rates)
            });
            goods.collect::<Result<_, _>>()?
        };
        Ok(Self {
            goods,
            rates,
            versions,
            seals,
            look,
        })
    }

    /// How the store looks.
    pub(crate) fn look(&self) -> &Look {
        &self.look
    }

    /// What is sold sealed, and was.
    pub(crate) fn seals(&self) -> &Arc<Seals> {
        &self.seals
    }

    /// The rates that its prices follow.
    pub fn rates(&self) -> &Rates {
        &self.rates
    }

    /// The item of this name.
    pub fn find(&self, id: &ItemId) -> Option<&Goods> {
        self.goods.iter().find(|goods| goods.id == *id)
    }

    /// Everything that has a price, as everyone may see it. An item whose rate is too old is shown
    /// with the last price that it had; one whose rate was never known is not shown, and neither is one
    /// whose kept copy is damaged.
    pub fn items(&self) -> Vec<Item> {
        let sold = self.goods.iter().filter(|goods| !goods.is_damaged());
        let items = sold.map(Goods::item);
        items.filter_map(Result::ok).collect()
    }

    /// Everything that is on the shelf, in the owner's order, with or without a price at this moment.
    pub fn goods(&self) -> &[Goods] {
        &self.goods
    }

    /// How many versions of an item are kept.
    ///
    /// # Errors
    /// If their folder cannot be read.
    pub fn versions_kept(&self, id: &ItemId) -> io::Result<usize> {
        self.versions.count(id)
    }

    /// The version that was sold under a claim; a claim without a hash takes what is sold now.
    ///
    /// # Errors
    /// If it is gone, or cannot be read.
    pub fn sold(&self, id: &ItemId, sha256: Option<ContentHash>) -> Result<Content, VersionError> {
        let current = self.find(id).map(|goods| &goods.content);
        let kept = match (sha256, current) {
            (None, current) => current.cloned(),
            (Some(sha256), Some(current)) if current.sha256 == sha256 => Some(current.clone()),
            (Some(sha256), _) => self
                .versions
                .find(id, sha256)?
                .map(|version| Content::of(version, &self.versions)),
        };
        kept.ok_or(VersionError::Gone)
    }
}

impl Goods {
    /// What it costs now.
    pub fn quote(&self) -> Result<Quote, NoPrice> {
        self.rates.quote(self.price)
    }

    /// What an invoice for it says, with the manifest's hash and the nonce if it is sold sealed. The node
    /// signs it with the invoice.
    pub fn description(&self, quote: &Quote, sealed: Option<(Digest, Nonce)>) -> String {
        self.described(&self.price.stated(&self.title, quote), sealed)
    }

    /// What the code for paper says of it, at any rate.
    pub(crate) fn code_description(&self) -> String {
        self.described(&self.title, None)
    }

    fn described(&self, title: &str, sealed: Option<(Digest, Nonce)>) -> String {
        let description = Description {
            title,
            valid_secs: self.valid_for.map(|time| time.as_secs()),
            manifest: sealed.map(|(manifest, _)| manifest),
            nonce: sealed.map(|(_, nonce)| nonce),
            sha256: Some(self.content.sha256),
        };
        description.to_string()
    }

    /// Makes sure that the version an invoice is about to name stays available. Touches the disk once
    /// for each version.
    pub(crate) fn promise(&self) -> Result<(), VersionError> {
        if self.is_damaged() {
            return Err(VersionError::NotForSale(self.id.clone()));
        }
        if let Bytes::Kept(kept) = &self.content.bytes
            && !self.promised.load(Ordering::Relaxed)
        {
            promise(&kept.version.path).map_err(|source| VersionError::Promise {
                item: self.id.clone(),
                source,
            })?;
            self.promised.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Its ciphertext, if it is sold sealed.
    pub(crate) fn seal(&self) -> Option<&Arc<Seal>> {
        match &self.sealing {
            Sealing::Sealed(seal, _) => Some(seal),
            Sealing::Open | Sealing::Impossible => None,
        }
    }

    /// Whether its kept copy is known to be damaged.
    fn is_damaged(&self) -> bool {
        match (&self.content.bytes, &self.sealing) {
            (_, Sealing::Impossible) => true,
            (Bytes::Here(_), _) => false,
            (Bytes::Kept(kept), _) => kept.versions.is_damaged(&kept.version),
        }
    }

    /// The item as everyone may see it, at the last rate that is known.
    pub fn item(&self) -> Result<Item, NoPrice> {
        let last = |currency| self.rates.last(currency).ok_or(NoRate::Unknown(currency));
        let quote = self.price.quote(last)?;
        let fiat_price = match self.price {
            Price::Fixed(_) => None,
            Price::Fiat(price) => Some(price),
        };
        Ok(Item {
            id: self.id.clone(),
            title: self.title.clone(),
            teaser: self.teaser.clone(),
            price_msat: quote.msat,
            fiat_price,
            rate: quote.rate,
            valid_for_secs: self.valid_for.map(|valid_for| valid_for.as_secs()),
            content_type: self.content.content_type.clone(),
            size: self.content.size,
            sha256: self.content.sha256,
            sealed: match &self.sealing {
                Sealing::Sealed(seal, seals) => Some(seals.listed(&self.id, seal)),
                Sealing::Open | Sealing::Impossible => None,
            },
            scene: self.scene,
            button: self.button.clone(),
        })
    }

    /// The small picture that everyone may see, where the item has one.
    pub(crate) fn preview(&self) -> Option<&Arc<Preview>> {
        self.preview.as_ref()
    }
}

impl Content {
    /// All of the bytes; for goods that are known to be small.
    pub(crate) async fn read(&self) -> Result<Vec<u8>, VersionError> {
        match &self.bytes {
            Bytes::Here(bytes) => Ok(bytes.to_vec()),
            Bytes::Kept(kept) => {
                let (mut file, mut bytes) = (kept.open().await?, Vec::new());
                file.rewind().await?;
                file.read_to_end(&mut bytes).await?;
                Ok(bytes)
            }
        }
    }

    /// A kept version, with what its file's name says.
    fn of(version: Version, versions: &Arc<Versions>) -> Self {
        let name = version.path.file_name().unwrap_or_default();
        let file_name = name.to_string_lossy().into_owned();
        Self {
            content_type: guess(&version.path),
            file_name,
            sha256: version.sha256,
            size: version.size,
            bytes: Bytes::Kept(KeptBytes {
                version,
                versions: versions.clone(),
            }),
        }
    }
}

fn contents(
    options: &CatalogueOptions,
    versions: &Arc<Versions>,
) -> Result<Vec<(ItemOptions, Content)>, CatalogueError> {
    let one = |item: &ItemOptions| {
        let path = files::find(options, &named(item))?;
        let version = versions.keep(&item.id, &path);
        let version = version.map_err(|source| CatalogueError::Keep {
            place: item.place.clone(),
            dir: options.versions_dir.clone(),
            source,
        })?;
        let name = item.file.file_name().unwrap_or_default();
        let content = Content {
            content_type: item.content_type.clone().unwrap_or(guess(&item.file)),
            file_name: name.to_string_lossy().into_owned(),
            ..Content::of(version, versions)
        };
        Ok((item.clone(), content))
    };
    options.items.iter().map(one).collect()
}

/// Seals what is to be sold sealed; in the order of the items.
fn seal(
    contents: &[(ItemOptions, Content)],
    seals: &Arc<Seals>,
) -> Result<Vec<Sealing>, SealError> {
    let to_seal: Vec<_> = contents
        .iter()
        .filter_map(|(item, content)| match &content.bytes {
            Bytes::Kept(kept) => Some(ToSeal {
                item: &item.id,
                version: &kept.version,
                places: item.sealed_at.as_ref()?,
            }),
            Bytes::Here(_) => None,
        })
        .collect();
    let mut sealed = seals.stock(&to_seal)?.into_iter();
    let of_each = contents.iter().map(|(item, _)| match &item.sealed_at {
        None => Sealing::Open,
        Some(_) => match sealed.next().flatten() {
            Some(seal) => Sealing::Sealed(seal, seals.clone()),
            None => Sealing::Impossible,
        },
    });
    Ok(of_each.collect())
}

/// The item's file, as the store's file names it.
fn named(item: &ItemOptions) -> NamedFile {
    NamedFile {
        path: item.file.clone(),
        place: item.place.clone(),
    }
}

/// An item with all that its page needs.
fn goods_of(
    options: &CatalogueOptions,
    before: Option<&Catalogue>,
    item: ItemOptions,
    content: Content,
    sealing: Sealing,
    rates: &Arc<Rates>,
) -> Result<Goods, FileError> {
    let before = before.and_then(|before| before.find(&item.id)?.preview.clone());
    let preview = preview_of(options, &item, &content.content_type, before)?;
    let scene = match wanted_scene(options, &item) {
        Scene::Preview if preview.is_none() => Scene::Card,
        scene => scene,
    };
    let button = if item.button.is_empty() {
        options.look.button.clone()
    } else {
        item.button
    };
    Ok(Goods {
        id: item.id,
        title: item.title,
        teaser: item.teaser,
        price: item.price,
        valid_for: item.valid_for,
        content,
        sealing,
        scene,
        preview,
        button,
        rates: rates.clone(),
        promised: AtomicBool::new(false),
    })
}

/// The media types of goods that previews are drawn of.
const DRAWN: [&str; 4] = ["image/jpeg", "image/png", "image/webp", "image/gif"];

/// What the owner wants to stand before the item.
fn wanted_scene(options: &CatalogueOptions, item: &ItemOptions) -> Scene {
    let shown = item.preview.as_ref().map(|_| Scene::Preview);
    let scene = item.scene.or(shown).or(options.look.scene);
    scene.unwrap_or(Scene::Card)
}

/// The item's preview, where it is to have one: of the picture that the owner names, or of the goods.
/// The one of `before` is taken over while its picture is the same.
fn preview_of(
    options: &CatalogueOptions,
    item: &ItemOptions,
    content_type: &str,
    before: Option<Arc<Preview>>,
) -> Result<Option<Arc<Preview>>, FileError> {
    let draw = |named: &NamedFile, is_made| {
        let path = files::find(options, named)?;
        if let Some(before) = before.filter(|before| before.source == preview::source(&path)) {
            return Ok(before);
        }
        let drawn = preview::draw(&path, is_made);
        drawn.map_err(|error| FileError::wrong(named, error.to_string()))
    };
    match &item.preview {
        _ if wanted_scene(options, item) != Scene::Preview => Ok(None),
        Some(picture) => draw(picture, true).map(Some),
        // Other goods have a card.
        None if !DRAWN.contains(&content_type) => Ok(None),
        None => draw(&named(item), false).map(Some),
    }
}

/// Deletes versions that are no longer sold and that nobody ever asked an invoice for. If that
/// fails, nothing is lost but space, so it is only logged.
fn clean(versions: &Versions, contents: &[(ItemOptions, Content)]) {
    let current = contents
        .iter()
        .filter_map(|(_, content)| match &content.bytes {
            Bytes::Kept(kept) => kept.version.path.parent(),
            Bytes::Here(_) => None,
        });
    match versions.clean(&current.collect()) {
        Ok(0) => {}
        Ok(deleted) => tracing::info!(
            deleted,
            "deleted kept goods that nobody was asked to pay for"
        ),
        Err(error) => tracing::warn!("cannot delete kept goods that nobody needs: {error}"),
    }
}

/// What was found of an item's goods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Their path, size and price.
    pub found: String,
    /// Whether buyers would get no byte.
    pub is_empty: bool,
}

/// What is wrong with goods without a byte, and the remedy.
pub const EMPTY: &str = "the file is empty, so buyers get nothing for their money: put the goods in \
    its place";

/// Checks each item's file by itself, without keeping anything.
pub fn check(options: &CatalogueOptions) -> Vec<(&ItemId, Result<Checked, CatalogueError>)> {
    let one = |item: &ItemOptions| {
        let named = named(item);
        let path = files::find(options, &named)?;
        let read = fs::File::open(&path).and_then(|file| file.metadata());
        let size = read.map_err(FileError::read(&named))?.len();
        let content_type = item.content_type.clone().unwrap_or(guess(&item.file));
        preview_of(options, item, &content_type, None)?;
        let path = path.display();
        Ok(Checked {
            found: format!("{path}, {size} bytes, for {}", item.price),
            is_empty: size == 0,
        })
    };
    let items = options.items.iter();
    items.map(|item| (&item.id, one(item))).collect()
}

/// Writes the ciphertext of each item that is sold sealed into a folder, under its name; gives the hashes of
/// its chunks. The seal secret is made if there is none yet.
pub fn write_sealed<'a>(
    options: &'a CatalogueOptions,
    folder: &'a Path,
) -> impl Iterator<Item = (&'a ItemId, Result<Digests, CatalogueError>)> {
    let seals = seals_of(options);
    sealed_items(options).map(move |item| {
        let written = files::find(options, &named(item))
            .map_err(CatalogueError::from)
            .and_then(|path| Ok(seals.write(&path, folder)?));
        (&item.id, written)
    })
}

/// The hashes of the ciphertext's chunks of each item that is sold sealed, and where it should lie. `None` if
/// there is no seal secret yet. Keeps nothing.
pub fn sealed(
    options: &CatalogueOptions,
) -> impl Iterator<Item = (&ItemId, &[String], Result<Option<Digests>, CatalogueError>)> {
    let seals = seals_of(options);
    sealed_items(options).map(move |item| {
        let digests = files::find(options, &named(item))
            .map_err(CatalogueError::from)
            .and_then(|path| Ok(seals.digests(&path)?));
        let places = item.sealed_at.as_deref().unwrap_or_default();
        (&item.id, places, digests)
    })
}

fn seals_of(options: &CatalogueOptions) -> Seals {
    let versions = Versions::new(options.versions_dir.clone(), GoodsCounts::default());
    Seals::new(Arc::new(versions), options.seal_secret_file.clone())
}

fn sealed_items(options: &CatalogueOptions) -> impl Iterator<Item = &ItemOptions> {
    let items = options.items.iter();
    items.filter(|item| item.sealed_at.is_some())
}

/// Whether the pictures of the store's look can be used.
///
/// # Errors
/// What is wrong with them, and the remedy.
pub fn check_look(options: &CatalogueOptions) -> Result<(), FileError> {
    Look::load(options).map(drop)
}

/// The media type that a file's name stands for. Text is taken for UTF-8.
fn guess(path: &Path) -> String {
    let guessed = mime_guess::from_path(path).first_or_octet_stream();
    if guessed.type_() == mime_guess::mime::TEXT {
        format!("{guessed}; charset=utf-8")
    } else {
        guessed.to_string()
    }
}

/// The two cats, drawn for this store and built into the program.
fn cats(rates: &Arc<Rates>) -> Vec<Goods> {
    CATS.iter()
        .map(|cat| Goods {
            id: cat.id.parse().expect("the ids below are valid"),
            title: cat.title.to_owned(),
            teaser: cat.teaser.to_owned(),
            price: Price::Fixed(Msat(100_000)),
            valid_for: None,
            content: Content {
                content_type: "text/plain; charset=utf-8".to_owned(),
                file_name: format!("{}.txt", cat.id),
                sha256: ContentHash::of(cat.drawing),
                size: cat.drawing.len() as u64,
                bytes: Bytes::Here(cat.drawing),
            },
            sealing: Sealing::Open,
            scene: Scene::Box,
            preview: None,
            button: Vec::new(),
            rates: rates.clone(),
            promised: AtomicBool::new(false),
        })
        .collect()
}

/// A built-in cat.
#[derive(Clone, Copy, Debug)]
pub struct Cat {
    /// Its name in URLs; its file's name without `.txt`.
    pub id: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What is shown before payment.
    pub teaser: &'static str,
    /// Itself.
    pub drawing: &'static [u8],
}

/// The built-in cats. Each costs 100 sat.
pub const CATS: [Cat; 2] = [
    Cat {
        id: "cat",
        title: "A cat",
        teaser: "One ASCII cat at night, eyes wide open. She purrs.",
        drawing: include_bytes!("../../cats/cat.txt"),
    },
    Cat {
        id: "two-cats",
        title: "Two cats",
        teaser: "Two ASCII cats side by side, tails entwined. Company for your terminal.",
        drawing: include_bytes!("../../cats/two-cats.txt"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_cats_are_drawings_for_a_narrow_screen() {
        for cat in CATS {
            let text = str::from_utf8(cat.drawing).unwrap();
            assert!((12..=24).contains(&text.lines().count()));
            assert!(text.lines().all(|line| line.len() <= 64));
            let plain = |c: char| c == '\n' || c == ' ' || c.is_ascii_graphic();
            assert!(text.chars().all(plain), "{}", cat.id);
        }
    }

    #[test]
    fn media_types_are_guessed_by_the_name() {
        let guess = |name: &str| guess(Path::new(name));
        assert_eq!(guess("cat.txt"), "text/plain; charset=utf-8");
        assert_eq!(guess("CAT.PNG"), "image/png");
        assert_eq!(guess("song.mp3"), "audio/mpeg");
        assert_eq!(guess("book.pdf"), "application/pdf");
        assert_eq!(guess("cats"), "application/octet-stream");
    }
}
