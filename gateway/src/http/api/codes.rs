//! Codes on paper: LNURL-pay and Lightning Addresses, for every item (LUD-06, 09, 10, 16 and 21).
//!
//! A code has no time and no buyer. So a wallet that scans it asks what is sold, and then for an invoice, which
//! is a purchase of its own each time. The invoice carries the hash of the metadata, and these the promise.
//!
//! What a wallet is told before it pays may be known to others: to its maker's servers, to a proxy. So it opens
//! nothing without the preimage, which who pays learns, and of others only who passes the payment on. The preimage is not told here.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shared::api::{ItemId, Status};
use shared::content::ContentHash;
use shared::invoice::RATE_TOLERANCE_PERCENT;
use shared::lightning::{Msat, Preimage};
use shared::lnurl::metadata;
use utoipa::ToSchema;

use crate::app::Shelf;
use crate::goods::catalogue::{Catalogue, Goods};
use crate::goods::price::Price;
use crate::goods::short_text::{self, Sealed, seal};
use crate::http::admission::{Asker, random, random_purchase_id};
use crate::http::code::address;
use crate::http::place::Place;
use crate::http::problem::Error;
use crate::payments::purchases::{Offer, Purchases};

/// What a code sells (LUD-06, step 3).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PayRequest {
    /// `payRequest`
    tag: &'static str,
    /// Where the invoice is: with `?amount=<msat>`.
    callback: String,
    /// The price.
    min_sendable: Msat,
    /// The same.
    max_sendable: Msat,
    /// JSON as text: what is sold, with its promise, and the Lightning Address.
    metadata: String,
}

/// An invoice (LUD-06, step 5).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PayInvoice {
    /// The BOLT11 string. Its description hash is that of the metadata.
    pr: String,
    /// Always empty.
    routes: [String; 0],
    /// The code may be used again (LUD-11).
    disposable: bool,
    success_action: SuccessAction,
    /// Where to ask whether it is paid (LUD-21).
    verify: String,
}

/// What the wallet shows once it has paid (LUD-09, LUD-10).
#[derive(Serialize, ToSchema)]
#[serde(tag = "tag", rename_all = "lowercase")]
pub(crate) enum SuccessAction {
    /// The page that opens the purchase by its preimage.
    Url {
        /// For people.
        description: String,
        /// Its address.
        url: String,
    },
    /// A text that the preimage opens.
    Aes {
        /// For people.
        description: String,
        /// In base64.
        ciphertext: String,
        /// In base64.
        iv: String,
    },
}

/// Whether an invoice is paid (LUD-21).
#[derive(Serialize, ToSchema)]
pub(crate) struct PayStatus {
    /// `OK`
    status: &'static str,
    settled: bool,
    /// Never told: it opens what was bought, and the payer has it.
    #[schema(required)]
    preimage: Option<String>,
    /// The BOLT11 string.
    pr: String,
}

/// What is wrong, in the form of these standards. The HTTP status is 200, because wallets show the reason then.
#[derive(Serialize, ToSchema)]
pub(crate) struct PayError {
    /// `ERROR`
    status: &'static str,
    /// For people.
    reason: String,
}

macro_rules! answers {
    ($($name:ident: $Good:ty;)*) => {$(
        #[derive(ToSchema)]
        #[serde(untagged)]
        #[expect(dead_code, reason = "tells the schema of an answer")]
        enum $name { Good($Good), Bad(PayError) }
    )*};
}

answers! {
    OfferAnswer: PayRequest;
    InvoiceAnswer: PayInvoice;
    StatusAnswer: PayStatus;
}

/// An error, to be told in the form of these standards.
pub(crate) struct Failed(Error);

impl<E: Into<Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let error = PayError {
            status: "ERROR",
            reason: self.0.problem().detail,
        };
        // The cause goes along to the log, and nothing else of the other form.
        let mut told = self.0.into_response();
        *told.status_mut() = StatusCode::OK;
        let (mut parts, _) = told.into_parts();
        let json = HeaderValue::from_static("application/json");
        parts.headers.insert(CONTENT_TYPE, json);
        let body = serde_json::to_string(&error).expect("two texts are JSON");
        (parts, body).into_response()
    }
}

/// What an item's code sells. The address is that of LUD-16, too: `<item>@<host>`.
#[utoipa::path(
    get,
    path = "/.well-known/lnurlp/{item}",
    tag = "codes",
    params(("item" = String, Path, example = "two-cats")),
    responses((status = 200, body = OfferAnswer, description = "What is sold, or what is wrong.")),
)]
pub(crate) async fn get_code(
    State(shelf): State<Shelf>,
    asker: Asker,
    item: Result<Path<String>, PathRejection>,
) -> Result<Json<PayRequest>, Failed> {
    let catalogue = shelf.catalogue();
    let goods = find(&catalogue, item?.0.as_str())?;
    let place = &asker.place;
    let metadata = metadata_of(goods, place);
    let price = goods.quote()?.msat;
    Ok(Json(PayRequest {
        tag: "payRequest",
        callback: known(place)?.address(&format!(
            "/api/v1/items/{}/codes/{}",
            goods.id,
            ContentHash::of(metadata.as_bytes())
        )),
        min_sendable: price,
        max_sendable: price,
        metadata,
    }))
}

/// The query of [`get_code_invoice`].
#[derive(Deserialize)]
pub(crate) struct Amount {
    amount: Option<String>,
}

/// An invoice for the item: a new one for each request. `metadata` is the SHA-256 of the metadata that the wallet
/// was told.
#[utoipa::path(
    get,
    path = "/api/v1/items/{item}/codes/{metadata}",
    tag = "codes",
    params(
        ("item" = String, Path, example = "two-cats"),
        ("metadata" = String, Path),
        ("amount" = Option<String>, Query, description = "The price in millisatoshi.", example = "100000"),
    ),
    responses((status = 200, body = InvoiceAnswer, description = "The invoice, or what is wrong.")),
)]
pub(crate) async fn get_code_invoice(
    State(shelf): State<Shelf>,
    State(purchases): State<Purchases>,
    asker: Asker,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<Amount>, QueryRejection>,
) -> Result<Json<PayInvoice>, Failed> {
    let Path((item, told)) = path?;
    let catalogue = shelf.catalogue();
    let goods = find(&catalogue, &item)?;
    let place = known(&asker.place)?;
    let metadata = metadata_of(goods, place);
    if told != ContentHash::of(metadata.as_bytes()).to_hex() {
        return Err(invalid(
            "what is sold here has changed since; scan the code again",
        ));
    }
    let amount = query.ok().and_then(|Query(Amount { amount })| amount);
    let amount = amount.and_then(|amount| amount.parse().ok()).map(Msat);
    let amount = amount.ok_or_else(|| invalid("`amount` has to be the price in millisatoshi"))?;
    check(amount, goods)?;
    if asker.method != Method::GET || asker.visitor.is_embedded {
        return Err(invalid(
            "this request makes no invoice; send GET, for a person",
        ));
    }

    let text = short_text(goods).await?;
    let preimage = text.is_some().then(|| random().map(Preimage)).transpose()?;
    let offer = Offer::by_code(goods, amount, metadata, preimage);
    let created = purchases.create_or_find(asker.visitor.key(), &offer, random_purchase_id()?);
    let (_, created) = created.await?;
    let tag = purchases
        .claims()
        .tag(goods.id.as_str(), *created.claim.identifier());
    let url = place.address(&format!("/buy/{}/paid/{tag}", goods.id));
    Ok(Json(PayInvoice {
        pr: created.invoice.bolt11,
        routes: [],
        disposable: false,
        success_action: success_action(goods, &url, text.zip(preimage))?,
        verify: place.address(&format!("/api/v1/items/{}/payments/{tag}", goods.id)),
    }))
}

/// Whether the invoice of a code is paid.
#[utoipa::path(
    get,
    path = "/api/v1/items/{item}/payments/{tag}",
    tag = "codes",
    params(("item" = String, Path, example = "two-cats"), ("tag" = String, Path)),
    responses((status = 200, body = StatusAnswer, description = "Whether it is, or what is wrong.")),
)]
pub(crate) async fn get_code_status(
    State(purchases): State<Purchases>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<PayStatus>, Failed> {
    let Path((item, tag)) = path?;
    let identifier = purchases.claims().tagged(&item, &tag);
    let payment_hash = identifier.ok_or(Error::NotFound)?.payment_hash;
    let (member, standing) = purchases.nodes().search(payment_hash).await?;
    let bolt11 = member.invoices.bolt11(payment_hash).await?;
    Ok(Json(PayStatus {
        status: "OK",
        settled: standing.status == Status::Paid,
        preimage: None,
        pr: bolt11.to_string(),
    }))
}

fn invalid(why: &str) -> Failed {
    Error::InvalidRequest(why.to_owned()).into()
}

fn find<'a>(catalogue: &'a Catalogue, item: &str) -> Result<&'a Goods, Failed> {
    let id: ItemId = item.parse().map_err(|_| Error::NotFound)?;
    let goods = catalogue.find(&id);
    Ok(goods.ok_or(Error::UnknownItem(id))?)
}

/// The place, if its host is known: wallets follow whole addresses only.
fn known(place: &Place) -> Result<&Place, Failed> {
    let unknown = || invalid("the request has to name the host that it is for");
    place.url.is_some().then_some(place).ok_or_else(unknown)
}

/// What the code says of the goods. It is the same for as long as they are, so it states no rate.
fn metadata_of(goods: &Goods, place: &Place) -> String {
    metadata(
        &goods.code_description(),
        address(place, &goods.id).as_deref(),
    )
}

/// Whether this is the price. A rate may have moved since the wallet was told, by as much as between any offer
/// and its invoice.
fn check(amount: Msat, goods: &Goods) -> Result<(), Failed> {
    let price = goods.quote()?.msat;
    let tolerance = match goods.price {
        Price::Fixed(_) => 0,
        Price::Fiat(_) => price.0 / 100 * RATE_TOLERANCE_PERCENT,
    };
    if amount.0.abs_diff(price.0) <= tolerance {
        return Ok(());
    }
    Err(invalid(&format!(
        "{amount} is not the price, which is {price}; scan the code again"
    )))
}

/// Texts of so many bytes are shown by the wallet itself: with the address of their page they can be sealed.
const SHORT: u64 = 2048;

/// The goods, where they are a text that wallets can show.
async fn short_text(goods: &Goods) -> Result<Option<String>, Error> {
    let content = &goods.content;
    if !content.content_type.starts_with("text/plain") || content.size > SHORT {
        return Ok(None);
    }
    Ok(String::from_utf8(content.read().await?).ok())
}

/// What the wallet shows after the payment. The description has 144 letters at most.
fn success_action(
    goods: &Goods,
    url: &str,
    sealed: Option<(String, Preimage)>,
) -> Result<SuccessAction, Error> {
    let title: String = goods.title.chars().take(60).collect();
    let Some((text, preimage)) = sealed else {
        return Ok(SuccessAction::Url {
            description: format!(
                "{title}: open it with the proof of payment (preimage) that your wallet shows"
            ),
            url: url.to_owned(),
        });
    };
    let text = format!("{text}\n\nOn a page: {url}");
    // The address is the store's own: a very long one leaves room for nothing else.
    let text = if text.len() > short_text::MOST {
        url
    } else {
        &text
    };
    let Sealed { ciphertext, iv } = seal(text, preimage, random()?);
    Ok(SuccessAction::Aes {
        description: format!(
            "{title}, and its page, which asks for the proof of payment (preimage)"
        ),
        ciphertext,
        iv,
    })
}
