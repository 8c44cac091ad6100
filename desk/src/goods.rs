//! Goods: what is on the shelf, and how that is changed.

use std::path::Path;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path as Named, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use purrwall_gateway::Price;
use purrwall_gateway::goods::catalogue::Goods;
use serde_json::json;
use shared::api::ItemId;

use crate::days::{date, today};
use crate::desk::Desk;
use crate::figures::{bytes, number};
use crate::pages::{Tab, page, token};
use crate::posted::Posted;
use crate::refused::Refused;
use crate::sessions::{Notice, Session};
use crate::shelf::{NotWritten, Read, broke_down, read, write};
use crate::shelf_text::{ShelfText, Shift, Written};
use crate::typed::{check, free_name};
use crate::upload::{Upload, clean, receive};
use crate::words::{Said, Words, said};

/// Where uploads are kept, beside the store's file.
const FOLDER: &str = "goods";

/// What was typed and not written, because the file had changed meanwhile.
struct Unwritten<'a> {
    id: &'a str,
    typed: Written,
}

/// `GET /goods`
pub(crate) async fn show(
    State(desk): State<Desk>,
    words: Words,
    session: Session,
) -> Result<Response, Refused> {
    Ok(goods_page(&desk, words, &session, None)?.into_response())
}

fn goods_page(
    desk: &Desk,
    words: Words,
    session: &Session,
    unwritten: Option<&Unwritten>,
) -> Result<Markup, Refused> {
    let read = read(desk)?;
    let version = read.as_ref().map(Read::version);
    let shelf = read.as_ref().map(Read::shelf);
    let (shelf, trouble) = match shelf {
        Some(Ok(shelf)) => (Some(shelf), None),
        Some(Err(trouble)) => (None, Some(trouble)),
        None => (
            None,
            Some(said(
                "This store has no file, so its goods cannot be changed here. purrwall new makes one.",
            )),
        ),
    };
    let catalogue = desk.gateway.catalogue();
    let bought = desk.ledger.totals(0);
    let count = catalogue.goods().len();
    let content = html! {
        @if let Some(trouble) = &trouble {
            p class="told failed" role="alert" data-test="unchangeable" { (words.say(trouble)) }
        }
        @if shelf.is_some() { (add_form(words, session)) }
        @if count == 0 {
            p class="empty" { (words.t("Nothing is on the shelf.")) }
        }
        ul class="stock" {
            @for (index, goods) in catalogue.goods().iter().enumerate() {
                @let id = goods.id.as_str();
                @let versions = catalogue.versions_kept(&goods.id).unwrap_or_default();
                @let sales = bought.items.get(id).map_or(0, |sum| sum.sales);
                li class="panel ware" data-test={ "good-" (id) } {
                    (picture(desk, goods))
                    div class="about" {
                        h2 { bdi { (goods.title) } }
                        @if !goods.teaser.is_empty() { p class="teaser" dir="auto" { (goods.teaser) } }
                        (facts(words, goods, versions, sales))
                    }
                    @if let (Some(shelf), Some(version)) = (&shelf, &version) {
                        @let place = Place { first: index == 0, last: index + 1 == count };
                        div class="more-of" { (actions(words, session, shelf, version, id, place, unwritten)) }
                    }
                }
            }
        }
    };
    Ok(page(desk, words, session, Tab::Goods, &content))
}

fn picture(desk: &Desk, goods: &Goods) -> Markup {
    let kind = Path::new(&goods.content.file_name).extension();
    let kind = kind.unwrap_or_default().to_string_lossy().to_uppercase();
    html! {
        div class="picture" {
            @if desk.gateway.preview(&goods.id).is_some() {
                img src={ "/goods/" (goods.id) "/preview" } alt="";
            } @else {
                span aria-hidden="true" dir="ltr" { (kind) }
            }
        }
    }
}

fn facts(words: Words, goods: &Goods, versions: usize, sales: u64) -> Markup {
    let price = match (goods.price, goods.item()) {
        (Price::Fiat(price), Ok(item)) => format!("{price} · {}", item.price_msat.for_people()),
        (price, _) => price.to_string(),
    };
    let fact = |name: &str, value: Markup| html! { div { dt { (name) } dd { (value) } } };
    html! {
        dl class="facts-of" {
            (fact(words.t("Price"), html! { bdi data-test="price" { (price) } }))
            (fact(words.t("Size"), html! { (bytes(goods.content.size)) }))
            (fact(words.t("Kind"), html! { bdi dir="ltr" { (goods.content.content_type) } }))
            @if let Some(time) = goods.valid_for {
                (fact(words.t("Can be had for"), html! { bdi dir="ltr" { (humantime::format_duration(time)) } }))
            }
            (fact(words.t("Versions kept"), html! { (number(versions as u64)) }))
            (fact(words.t("Bought"), html! { span data-test="bought" { (number(sales)) } }))
            (fact(words.t("Name"), html! { bdi dir="ltr" { (goods.id) } }))
        }
    }
}

#[derive(Clone, Copy)]
struct Place {
    first: bool,
    last: bool,
}

fn actions(
    words: Words,
    session: &Session,
    shelf: &ShelfText,
    version: &str,
    id: &str,
    place: Place,
    unwritten: Option<&Unwritten>,
) -> Markup {
    let Some(written) = shelf.find(id) else {
        // The file has changed, and is about to be read again.
        return html! {};
    };
    let unwritten = unwritten.filter(|unwritten| unwritten.id == id);
    let typed = unwritten.map_or(&written, |unwritten| &unwritten.typed);
    let hidden = html! {
        (token(session))
        input type="hidden" name="version" value=(version);
    };
    let button = |what: &str, name: &str, class: &str| {
        html! {
            form method="post" action={ "/goods/" (id) "/" (what) } {
                (hidden)
                button class=(class) type="submit" data-test=(what) { (name) span class="unseen" { " " (written.title) } }
            }
        }
    };
    html! {
        div class="actions" {
            @if !place.first { (button("up", words.t("Move up"), "plain")) }
            @if !place.last { (button("down", words.t("Move down"), "plain")) }
            (button("off", words.t("Take off the shelf"), "plain danger"))
        }
        details open[unwritten.is_some()] data-test="edit" {
            summary { (words.t("Change")) span class="unseen" { " " (written.title) } }
            form method="post" action={ "/goods/" (id) "/change" } class="fields" {
                (hidden)
                (fields(words, id, typed))
                button class="main" type="submit" data-test="save" { (words.t("Save")) }
            }
        }
    }
}

/// The fields of an item, whose ids begin with `of`.
fn fields(words: Words, of: &str, typed: &Written) -> Markup {
    html! {
        label for={ (of) "-title" } { (words.t("Title")) }
        input id={ (of) "-title" } type="text" name="title" value=(typed.title) required maxlength="200" dir="auto" data-test="title";
        label for={ (of) "-teaser" } { (words.t("What buyers read before they pay")) }
        textarea id={ (of) "-teaser" } name="teaser" rows="2" maxlength="2000" dir="auto" data-test="teaser" { "\n" (typed.teaser) }
        label for={ (of) "-price" } { (words.t("Price")) " " span class="hint" { (words.t("such as 100 sat or 0.25 USD")) } }
        input id={ (of) "-price" } type="text" name="price" value=(typed.price) required dir="ltr" autocomplete="off" data-test="price-field";
        label for={ (of) "-valid" } { (words.t("Can be had for")) " " span class="hint" { (words.t("such as 30d; empty is for good")) } }
        input id={ (of) "-valid" } type="text" name="valid_for" value=(typed.valid_for) dir="ltr" autocomplete="off" data-test="valid-for";
    }
}

fn add_form(words: Words, session: &Session) -> Markup {
    html! {
        details class="panel" data-test="add" {
            summary { strong { (words.t("Put something on the shelf")) } }
            form #add method="post" action="/goods/add" enctype="multipart/form-data" class="fields"
                data-broken=(words.t("The connection broke off. Nothing was kept. Try it again.")) {
                (token(session))
                (fields(words, "new", &Written::default()))
                label for="new-preview" { (words.t("A small picture that everyone sees")) " " span class="hint" { (words.t("not needed")) } }
                input #new-preview type="file" name="preview" accept="image/png,image/jpeg,image/webp,image/gif" data-test="preview-file";
                label for="new-file" { (words.t("The file that buyers get")) " " span class="hint" { (words.t("of any size")) } }
                input #new-file type="file" name="file" required data-test="file";
                div class="uploading" hidden data-test="uploading" {
                    label for="sent" { (words.t("Uploading")) }
                    progress #sent max="100" value="0" {}
                }
                p class="told failed" role="alert" hidden data-test="upload-failed" {}
                button class="main" type="submit" data-test="put" { (words.t("Put it on the shelf")) }
            }
        }
    }
}

/// `GET /goods/{id}/preview`
pub(crate) async fn preview(
    State(desk): State<Desk>,
    Named(id): Named<String>,
) -> Result<Response, Refused> {
    let id: Option<ItemId> = id.parse().ok();
    let preview = id.and_then(|id| desk.gateway.preview(&id));
    let (kind, bytes) = preview.ok_or_else(unknown)?;
    Ok(([(CONTENT_TYPE, kind)], bytes).into_response())
}

/// `POST /goods/{id}/change`
pub(crate) async fn change(
    State(desk): State<Desk>,
    words: Words,
    Named(id): Named<String>,
    posted: Posted,
) -> Result<Response, Refused> {
    let new = Written {
        title: posted.get("title").to_owned(),
        teaser: posted.get("teaser").replace("\r\n", "\n"),
        price: posted.get("price").to_owned(),
        valid_for: posted.get("valid_for").to_owned(),
    };
    check(&new)?;
    let (item, change) = (id.clone(), new.clone());
    let edit = move |shelf: &mut ShelfText| found(shelf.change(&item, &change));
    let outcome = write(&desk, Some(posted.get("version")), edit).await;
    let typed = Unwritten {
        id: &id,
        typed: new,
    };
    answer(
        &desk,
        words,
        &posted.session,
        outcome,
        Some(&typed),
        said("Saved."),
    )
}

/// `POST /goods/{id}/off`
pub(crate) async fn take_off(
    State(desk): State<Desk>,
    words: Words,
    Named(id): Named<String>,
    posted: Posted,
) -> Result<Response, Refused> {
    let note = format!("Taken off the shelf on {}:", date(today()));
    let edit = move |shelf: &mut ShelfText| found(shelf.take_off(&id, &note));
    let outcome = write(&desk, Some(posted.get("version")), edit).await;
    let done = said(
        "It is off the shelf. Who bought it still gets it. Its section stays in the store’s file as a comment, and its file where it is.",
    );
    answer(&desk, words, &posted.session, outcome, None, done)
}

/// `POST /goods/{id}/up`
pub(crate) async fn up(
    desk: State<Desk>,
    words: Words,
    id: Named<String>,
    posted: Posted,
) -> Result<Response, Refused> {
    shift(desk, words, id, posted, Shift::Up).await
}

/// `POST /goods/{id}/down`
pub(crate) async fn down(
    desk: State<Desk>,
    words: Words,
    id: Named<String>,
    posted: Posted,
) -> Result<Response, Refused> {
    shift(desk, words, id, posted, Shift::Down).await
}

async fn shift(
    State(desk): State<Desk>,
    words: Words,
    Named(id): Named<String>,
    posted: Posted,
    shift: Shift,
) -> Result<Response, Refused> {
    let edit = move |shelf: &mut ShelfText| found(shelf.shift(&id, shift));
    let outcome = write(&desk, Some(posted.get("version")), edit).await;
    answer(
        &desk,
        words,
        &posted.session,
        outcome,
        None,
        said("The order is changed."),
    )
}

/// `POST /goods/add`: an upload of any size. It takes as long as it takes.
pub(crate) async fn add(
    State(desk): State<Desk>,
    session: Session,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let file = desk.options.file.as_ref();
    let root = file.ok_or_else(unknown)?.folder();
    let folder = root.join(FOLDER);
    clean(&folder);
    let upload = receive(&session, &headers, body, &folder).await?;
    // A browser that leaves now stops nothing half way.
    let putting = desk.clone();
    let put = tokio::spawn(async move { put(&putting, upload, &root, &folder).await });
    put.await.unwrap_or_else(|_| Err(broke_down()))?;
    desk.sessions
        .notify(&session, Notice::Done(said("It is on the shelf.")));
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    if accepts == Some("application/json") {
        return Ok(Json(json!({ "to": Tab::Goods.path() })).into_response());
    }
    Ok(Redirect::to(Tab::Goods.path()).into_response())
}

/// Keeps what arrived, and sells it. What is not sold in the end is not kept.
async fn put(desk: &Desk, upload: Upload, root: &Path, folder: &Path) -> Result<(), Refused> {
    let wanted = upload.goods.stem().to_owned();
    let goods = upload.goods.keep(folder)?;
    let preview = upload
        .preview
        .map(|preview| preview.keep(folder))
        .transpose()?;
    let file = goods.named(root);
    let preview_file = preview.as_ref().map(|preview| preview.named(root));
    let add = move |shelf: &mut ShelfText| {
        let ids = shelf.ids();
        let id = free_name(&wanted, |id| ids.iter().any(|known| known == id));
        shelf.add(&id, &file, preview_file.as_deref(), &upload.written);
        Ok(())
    };
    match write(desk, None, add).await {
        Ok(()) => {
            goods.stays();
            if let Some(preview) = preview {
                preview.stays();
            }
            Ok(())
        }
        Err(NotWritten::Refused(refused)) => Err(*refused),
        Err(NotWritten::Meanwhile) => {
            let why = said(
                "The store’s file was changed in the same moment. Nothing was changed here. Try it again.",
            );
            Err(Refused::new(StatusCode::CONFLICT, why))
        }
    }
}

fn found(is_found: bool) -> Result<(), Refused> {
    if is_found { Ok(()) } else { Err(unknown()) }
}

/// What was asked for is not there.
pub(crate) fn unknown() -> Refused {
    let why = said("The store has no such item, or it cannot go there.");
    Refused::new(StatusCode::NOT_FOUND, why)
}

fn answer(
    desk: &Desk,
    words: Words,
    session: &Session,
    outcome: Result<(), NotWritten>,
    unwritten: Option<&Unwritten>,
    done: Said,
) -> Result<Response, Refused> {
    match outcome {
        Ok(()) => {
            desk.sessions.notify(session, Notice::Done(done));
            Ok(Redirect::to(Tab::Goods.path()).into_response())
        }
        Err(NotWritten::Refused(refused)) => Err(*refused),
        Err(NotWritten::Meanwhile) => {
            let why = said(
                "Somebody changed the store’s file meanwhile, so nothing was changed here. This is how it is now. Look it over, and do it again.",
            );
            desk.sessions.notify(session, Notice::Failed(why));
            let page = goods_page(desk, words, session, unwritten)?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
    }
}
