//! Sealed goods: the way to `js/sealed.js`, which is loaded for who buys them.

use std::cell::RefCell;
use std::mem;

use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use shared::api::Item;
use shared::claim::Claim;
use shared::content::{ContentHash, ContentHasher};
use shared::digest::Digest;
use shared::lightning::Preimage;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, AbortSignal};

use crate::browser::gateway::Gateway;
use crate::browser::kind::{Kind, media_type};
use crate::hooks::State;

thread_local! {
    static LOADER: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Takes the function that loads the module. What has started the program knows where it is, and calls this
/// at once.
#[wasm_bindgen]
pub fn sealed(load: Function) {
    LOADER.set(Some(load));
}

/// Whether this browser can keep and open sealed goods on this page: not over plain http, and not in
/// browsers whose pages cannot write files of their own.
pub fn can_open() -> bool {
    Reflect::has(&js_sys::global(), &"FileSystemWritableFileStream".into()).unwrap_or_default()
}

/// Why sealed goods are not here.
pub enum Failure {
    /// What the store itself gives is another ciphertext.
    Lie,
    /// The key does not open the ciphertext.
    Key,
    /// The browser does not keep them.
    Room,
    /// The network, or whatever else may be better the next time.
    Away,
}

/// Sealed goods as the module takes them; a clone is the same object.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    goods: Object,
    promised: Option<ContentHash>,
    life: AbortController,
}

impl Sealed {
    /// Those of an item, as it is offered now. Once `later` is aborted, no more than header and hashes is
    /// checked.
    pub fn offered(gateway: &Gateway, item: &Item, later: &AbortSignal) -> Option<Self> {
        let offered = item.sealed.as_ref()?;
        let goods = Self::of(gateway, item);
        goods.set("ct", &offered.ct.to_hex().into());
        goods.set("chunk", &offered.chunk.into());
        #[expect(
            clippy::cast_precision_loss,
            reason = "sizes are read from JSON, so they are exact"
        )]
        goods.set("size", &(item.size as f64).into());
        goods.set("later", later);
        Some(goods)
    }

    /// Those of a sale with this manifest.
    pub fn sold(gateway: &Gateway, item: &Item, manifest: &str) -> Self {
        let goods = Self::of(gateway, item);
        goods.set("manifest", &manifest.into());
        goods
    }

    fn of(gateway: &Gateway, item: &Item) -> Self {
        let goods = Self {
            goods: Object::new(),
            promised: None,
            life: AbortController::new().expect("fetch, and so its abort, exists"),
        };
        goods.set("life", &goods.life.signal());
        if let Kind::Audio | Kind::Video = Kind::of(&item.content_type) {
            goods.set("type", &media_type(&item.content_type).into());
        }
        let places = Array::new();
        for place in item.sealed.iter().flat_map(|sealed| &sealed.urls) {
            places.push(&place.into());
        }
        goods.set("places", &places);
        goods.set("store", &gateway.url("/api/v1/sealed/").into());
        goods
    }

    /// The same, with what opens them, and what they have to be then.
    #[must_use]
    pub fn paid(mut self, claim: &Claim, preimage: Preimage, promised: ContentHash) -> Self {
        let token_id = Digest(claim.identifier().token_id);
        self.set("token_id", &token_id.to_hex().into());
        self.set("preimage", &preimage.to_hex().into());
        self.promised = Some(promised);
        self
    }

    /// The same, to be opened as a whole, also if they can be played while they are sealed.
    #[must_use]
    pub fn whole(self) -> Self {
        self.set("type", &JsValue::UNDEFINED);
        self
    }

    /// Aborted by [`close`](Self::close).
    pub fn life(&self) -> AbortSignal {
        self.life.signal()
    }

    /// The page no longer needs what is open.
    pub fn close(&self) {
        self.life.abort();
    }

    #[inline(never)]
    fn set(&self, name: &str, value: &JsValue) {
        // Setting a property of an object of ours cannot fail.
        let _ = Reflect::set(&self.goods, &name.into(), value);
    }

    /// Lets the browser save the ciphertext, under its name.
    pub fn save(&self) {
        let goods = self.clone();
        spawn_local(async move {
            // Where it cannot be had any more, there is nothing to save.
            let _ = goods.start("save").await;
        });
    }

    /// Whether the key turns out to be false while the goods are played.
    pub async fn turn_out_false(&self) -> bool {
        match self.start("played").await {
            Ok(broken) => JsFuture::from(broken).await.is_err(),
            Err(_) => false,
        }
    }

    /// Calls `check` or `open`, and tells how many bytes are through. Gives what it returns.
    pub async fn call(
        &self,
        function: &str,
        signal: &AbortSignal,
        received: &State<Option<u64>>,
    ) -> Result<JsValue, Failure> {
        self.set("signal", signal);
        let on = self.listener(received.clone());
        self.set("on", on.as_ref());
        let answer = match self.start(function).await {
            Ok(answer) => JsFuture::from(answer).await,
            Err(error) => Err(error),
        };
        if answer.is_ok() {
            received.set(None);
        }
        answer.map_err(|error| match error.as_string().as_deref() {
            Some("lie") => Failure::Lie,
            Some("key") => Failure::Key,
            Some("room") => Failure::Room,
            _ => Failure::Away,
        })
    }

    /// Hears how many bytes are checked, or each piece of plaintext; after the last one nothing, and then says
    /// whether they are the promised goods.
    fn listener(&self, received: State<Option<u64>>) -> Closure<dyn FnMut(JsValue)> {
        let (goods, mut count, mut hasher) = (self.clone(), 0.0, ContentHasher::default());
        Closure::new(move |value: JsValue| {
            if value.is_undefined() {
                let found = mem::take(&mut hasher).finish();
                goods.set("right", &(Some(found) == goods.promised).into());
                return;
            }
            if let Some(checked) = value.as_f64() {
                count = checked;
            } else {
                let piece: Uint8Array = value.unchecked_into();
                count += f64::from(piece.length());
                hasher.update(&piece.to_vec());
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the module counts bytes"
            )]
            received.set(Some(count as u64));
        })
    }

    /// Loads the module and calls one of its functions.
    async fn start(&self, function: &str) -> Result<Promise, JsValue> {
        let load = LOADER.with_borrow(Clone::clone).ok_or(JsValue::NULL)?;
        let module = load.call0(&JsValue::NULL)?;
        let module = JsFuture::from(Promise::resolve(&module)).await?;
        let function: Function = Reflect::get(&module, &function.into())?.unchecked_into();
        Ok(function
            .call1(&JsValue::NULL, &self.goods)?
            .unchecked_into())
    }
}
