//! How a store looks: its owner's words, colours and pictures, ready to be put into pages.

pub mod colours;
pub(crate) mod help;

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use shared::api::Scene;
use shared::content::ContentHash;

use crate::goods::files::{self, FileError};
use crate::look::help::Wallet;
use crate::options::{CatalogueOptions, NamedFile};

/// The look of a store.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) headline: Option<String>,
    pub(crate) subline: Option<String>,
    pub(crate) footer: Option<String>,
    /// What the store's pages are like as a whole.
    pub(crate) scene: Scene,
    /// What stands on the pages of priced routes: a box only where the owner says so.
    pub(crate) route_scene: Scene,
    /// What differs from the style sheets that are built in.
    pub(crate) css: String,
    /// The ground by day and by night, for the bars of browsers; `None` where it is the built-in one.
    pub(crate) grounds: Option<[String; 2]>,
    pub(crate) logo: Option<Picture>,
    pub(crate) favicon: Option<Picture>,
    /// What buyers without a wallet may choose from.
    pub(crate) wallets: Vec<Wallet>,
}

/// A small picture of the owner's.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) media_type: String,
    pub(crate) bytes: Vec<u8>,
    /// Changes with the picture, so that browsers may keep it.
    pub(crate) version: String,
}

/// Without a store, priced routes have plain cards.
impl Default for Look {
    fn default() -> Self {
        Self {
            headline: None,
            subline: None,
            footer: None,
            scene: Scene::Card,
            route_scene: Scene::Card,
            css: EARLESS.to_owned(),
            grounds: None,
            logo: None,
            favicon: None,
            wallets: help::wallets(),
        }
    }
}

/// What the picture of a page may weigh, in bytes: it comes with each page.
const MAX_PICTURE: u64 = 256 * 1024;

/// Ears belong to cats.
const EARLESS: &str = ".card::before,.card::after{display:none}\n";

impl Look {
    /// Reads what the owner names.
    pub(crate) fn load(options: &CatalogueOptions) -> Result<Self, FileError> {
        let look = &options.look;
        let scene = if options.sells_cats() {
            Scene::Box
        } else {
            look.scene.unwrap_or(Scene::Card)
        };
        let picture = |named: &Option<NamedFile>| {
            let named = named.as_ref();
            named.map(|named| Picture::read(options, named)).transpose()
        };
        let colours = look.colours.css();
        let own_paper = look.colours.paper.is_some();
        Ok(Self {
            headline: look.headline.clone(),
            subline: look.subline.clone(),
            footer: look.footer.clone(),
            scene,
            route_scene: match look.scene {
                Some(Scene::Box) => Scene::Box,
                _ => Scene::Card,
            },
            css: match scene {
                Scene::Box => colours,
                _ => colours + EARLESS,
            },
            grounds: own_paper.then(|| look.colours.grounds().map(|colour| colour.to_string())),
            logo: picture(&look.logo)?,
            favicon: picture(&look.favicon)?,
            wallets: match &look.wallets {
                None => help::wallets(),
                Some(named) => wallets(options, named)?,
            },
        })
    }

    /// Whether nothing is the owner's.
    pub(crate) fn is_built_in(&self) -> bool {
        let words = [&self.headline, &self.subline, &self.footer];
        self.scene == Scene::Box
            && self.css.is_empty()
            && words.iter().all(|words| words.is_none())
            && self.logo.is_none()
            && self.favicon.is_none()
    }

    /// The version of the style, for an address that changes with it.
    pub(crate) fn css_version(&self) -> String {
        version(self.css.as_bytes())
    }
}

/// The owner's list of wallets.
fn wallets(options: &CatalogueOptions, named: &NamedFile) -> Result<Vec<Wallet>, FileError> {
    let path = files::find(options, named)?;
    let text = fs::read_to_string(path).map_err(FileError::read(named))?;
    help::read_wallets(&text).map_err(|line| {
        FileError::wrong(
            named,
            format!(
                "line {line} is not a wallet; write its name, its systems and its address, such as \
                 `Phoenix; Android, iPhone; https://phoenix.acinq.co`"
            ),
        )
    })
}

impl Picture {
    fn read(options: &CatalogueOptions, named: &NamedFile) -> Result<Self, FileError> {
        let path = files::find(options, named)?;
        let media_type = mime_guess::from_path(&path).first_or_octet_stream();
        if media_type.type_() != mime_guess::mime::IMAGE {
            return Err(FileError::wrong(
                named,
                "is not a picture; name a file in SVG, PNG, JPEG, WebP, GIF or ICO",
            ));
        }
        let size = path.metadata().map_err(FileError::read(named))?.len();
        if size > MAX_PICTURE {
            return Err(FileError::wrong(
                named,
                format!(
                    "has {size} bytes, which is much for a picture that comes with each page; make \
                     one of at most {MAX_PICTURE} bytes"
                ),
            ));
        }
        let bytes = fs::read(path).map_err(FileError::read(named))?;
        Ok(Self {
            media_type: media_type.to_string(),
            version: version(&bytes),
            bytes,
        })
    }

    /// The picture itself as an address, for pages that have no other of this store's.
    pub(crate) fn data_url(&self) -> String {
        format!(
            "data:{};base64,{}",
            self.media_type,
            BASE64.encode(&self.bytes)
        )
    }
}

fn version(bytes: &[u8]) -> String {
    ContentHash::of(bytes).to_hex()[..16].to_owned()
}
