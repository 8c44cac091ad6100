//! Paid goods, while they arrive and afterwards.
//!
//! Each piece is hashed and handed to the browser at once. The program's own memory holds one piece
//! at a time, so goods may be larger than that memory.

use std::ptr;

use js_sys::{Array, Uint8Array};
use shared::content::{ContentHash, ContentHasher};
use shared::text::base64;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, Url};
use yew::AttrValue;

use crate::browser::kind::{Kind, SVG, media_type};
use crate::browser::object::object;
use crate::browser::sealed::Sealed;

/// A type that no browser opens: hostile goods must not run on the store's origin.
const HARMLESS: &str = "application/octet-stream";

/// Goods that have arrived completely. They are the same as themselves only.
#[derive(Debug)]
pub struct Goods {
    content_type: String,
    blob: Option<Blob>,
    text: Option<AttrValue>,
    address: Option<Address>,
    sealed: Option<Sealed>,
}

impl Goods {
    /// Takes the bytes of goods that the store says are of this type, in pieces or files.
    ///
    /// # Errors
    /// The browser's, if it has no room.
    pub async fn new(parts: &Array, content_type: &str) -> Result<Self, JsValue> {
        let blob = harmless(parts)?;
        let text = match Kind::of(content_type) {
            Kind::Text => JsFuture::from(blob.text()).await?.as_string(),
            _ => None,
        };
        let address = Address::of(&blob, content_type).await?;
        Ok(Self {
            content_type: content_type.to_owned(),
            blob: Some(blob),
            text: text.map(AttrValue::from),
            address,
            sealed: None,
        })
    }

    /// Takes what `sealed` has opened: parts, or an address where a player finds what stays sealed.
    ///
    /// # Errors
    /// The browser's, if it has no room.
    pub async fn opened(
        opened: JsValue,
        content_type: &str,
        sealed: Sealed,
    ) -> Result<Self, JsValue> {
        let mut goods = match opened.as_string() {
            Some(address) => Self {
                content_type: content_type.to_owned(),
                blob: None,
                text: None,
                address: Some(Address(address)),
                sealed: None,
            },
            None => Self::new(opened.unchecked_ref(), content_type).await?,
        };
        goods.sealed = Some(sealed);
        Ok(goods)
    }

    /// The bytes, of a type that no browser opens, where all of them are here.
    pub fn blob(&self) -> Option<&Blob> {
        self.blob.as_ref()
    }

    /// What has opened them, or opens them while they are played.
    pub fn sealed(&self) -> Option<&Sealed> {
        self.sealed.as_ref()
    }

    /// The type that the store says they have.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// The bytes under their own type, for a site that asked for them.
    ///
    /// # Errors
    /// The browser's.
    pub fn typed(&self) -> Result<Blob, JsValue> {
        let blob = self.blob.as_ref().ok_or(JsValue::NULL)?;
        self::blob(&Array::of1(blob), &self.content_type)
    }

    /// The text, if the goods are text.
    pub fn text(&self) -> Option<&AttrValue> {
        self.text.as_ref()
    }

    /// The URL for an element that shows them; it lasts as long as the goods.
    pub fn address(&self) -> Option<&str> {
        self.address.as_ref().map(|address| &*address.0)
    }

    /// Their size in bytes, where all of them are here.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a blob's size is a whole number"
    )]
    pub fn size(&self) -> Option<u64> {
        self.blob.as_ref().map(|blob| blob.size() as u64)
    }
}

impl PartialEq for Goods {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self, other)
    }
}

impl Drop for Goods {
    fn drop(&mut self) {
        if let Some(sealed) = &self.sealed {
            sealed.close();
        }
    }
}

/// A URL, revoked when it is dropped.
#[derive(Debug)]
struct Address(String);

impl Address {
    async fn of(blob: &Blob, content_type: &str) -> Result<Option<Self>, JsValue> {
        let media_type = media_type(content_type);
        let url = match Kind::of(content_type) {
            Kind::Text | Kind::File => return Ok(None),
            // Opened in a tab of its own, a drawing may run scripts. At a `data:` URL they run
            // nowhere; at a blob's they would run on the store's origin.
            Kind::Image if media_type == SVG => {
                let bytes = JsFuture::from(blob.array_buffer()).await?;
                let bytes = Uint8Array::new(&bytes).to_vec();
                ["data:image/svg+xml;base64,", &base64(&bytes)].concat()
            }
            _ => {
                let typed = self::blob(&Array::of1(blob), media_type)?;
                Url::create_object_url_with_blob(&typed)?
            }
        };
        Ok(Some(Self(url)))
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        // It fails only if the URL is revoked already; a `data:` URL needs no revocation.
        let _ = Url::revoke_object_url(&self.0);
    }
}

/// Goods that are still arriving. They outlive the connection, so that the next one resumes where
/// the last one ended.
#[derive(Default)]
pub struct Arriving {
    /// The type that the store says they have.
    pub content_type: String,
    parts: Array,
    hasher: ContentHasher,
    received: u64,
}

impl Arriving {
    /// How many bytes have arrived.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Adds the next piece.
    pub fn push(&mut self, piece: &Uint8Array) {
        self.hasher.update(&piece.to_vec());
        self.parts.push(piece);
        self.received += u64::from(piece.length());
    }

    /// Ends the arrival: returns the pieces and the hash of the whole.
    pub fn finish(self) -> (Array, ContentHash) {
        (self.parts, self.hasher.finish())
    }
}

/// A blob of a type that no browser opens.
///
/// # Errors
/// The browser's, if it has no room.
pub fn harmless(parts: &Array) -> Result<Blob, JsValue> {
    blob(parts, HARMLESS)
}

fn blob(parts: &Array, content_type: &str) -> Result<Blob, JsValue> {
    let options = object(&[("type", content_type.into())]);
    Blob::new_with_blob_sequence_and_options(parts, options.unchecked_ref())
}
