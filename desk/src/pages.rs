//! What every page of the desk has around its content. maud escapes every text that is put into it.

use std::sync::LazyLock;

use axum::response::{IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use purrwall_gateway::plain_style;
use shared::content::ContentHash;
use shared::drawings::LOGO;

use crate::desk::Desk;
use crate::posted::CSRF;
use crate::refused::Refused;
use crate::sessions::{Notice, Session};
use crate::words::Words;

/// A page of the desk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Sales,
    Goods,
    Health,
    Embed,
}

impl Tab {
    const ALL: [Self; 4] = [Self::Sales, Self::Goods, Self::Health, Self::Embed];

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Sales => "/sales",
            Self::Goods => "/goods",
            Self::Health => "/health",
            Self::Embed => "/embed",
        }
    }

    fn name(self, words: Words) -> &'static str {
        match self {
            Self::Sales => words.t("Sales"),
            Self::Goods => words.t("Goods"),
            Self::Health => words.t("Health"),
            Self::Embed => words.t("Embed"),
        }
    }
}

/// The desk's own style, behind that of the plain pages.
static STYLE: LazyLock<String> =
    LazyLock::new(|| [plain_style(), include_str!("style.css")].concat());

/// What makes the pages more comfortable where scripts run.
pub(crate) const SCRIPT: &str = include_str!("desk.js");

/// The style with the owner's look.
pub(crate) fn style(desk: &Desk) -> String {
    [STYLE.as_str(), &desk.gateway.look_css()].concat()
}

/// A page for the owner who is signed in.
pub(crate) fn page(
    desk: &Desk,
    words: Words,
    session: &Session,
    tab: Tab,
    content: &Markup,
) -> Markup {
    let notice = desk.sessions.notice(session);
    let content = html! {
        @match notice {
            Some(Notice::Done(said)) => p class="told done" role="status" data-test="done" { (words.say(&said)) },
            Some(Notice::Failed(said)) => p class="told failed" role="alert" data-test="failed" { (words.say(&said)) },
            None => {}
        }
        h1 { (tab.name(words)) }
        (content)
    };
    frame(
        desk,
        words,
        Some((session, Some(tab))),
        tab.name(words),
        &content,
    )
}

/// A page for everyone.
pub(crate) fn bare_page(desk: &Desk, words: Words, title: &str, content: &Markup) -> Markup {
    frame(desk, words, None, title, content)
}

/// What was refused, and why.
pub(crate) fn error_page(
    desk: &Desk,
    words: Words,
    session: Option<&Session>,
    refused: &Refused,
) -> Response {
    let title = words.t("That did not work");
    let content = html! {
        div class="panel narrow" data-test="refused" {
            h1 { (title) }
            p role="alert" { (words.say(&refused.why)) }
            @if let Some(detail) = &refused.detail {
                p class="detail" lang="en" dir="ltr" { (detail) }
            }
            p { a class="plain" href="/" { (words.t("To the desk")) } }
        }
    };
    let page = frame(
        desk,
        words,
        session.map(|session| (session, None)),
        title,
        &content,
    );
    let mut response = (refused.status, page).into_response();
    if let Some(secs) = refused.retry_secs {
        let headers = response.headers_mut();
        headers.insert("retry-after", secs.into());
    }
    response
}

/// The hidden field of every form.
pub(crate) fn token(session: &Session) -> Markup {
    html! { input type="hidden" name=(CSRF) value=(session.csrf); }
}

fn frame(
    desk: &Desk,
    words: Words,
    session: Option<(&Session, Option<Tab>)>,
    title: &str,
    content: &Markup,
) -> Markup {
    let name = &desk.options.store.name;
    let version = ContentHash::of(style(desk).as_bytes()).to_hex();
    html! {
        (DOCTYPE)
        html lang=(words.tag) dir=(words.direction()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) " · " (name) }
                link rel="stylesheet" href={ "/style.css?v=" (version[..16]) };
                link rel="icon" href="data:,";
                @if session.is_some() {
                    script src="/desk.js" defer {}
                }
            }
            body {
                header class="top" {
                    a class="brand" href="/" {
                        (PreEscaped(LOGO))
                        span { bdi { (name) } " " small { (words.t("Desk")) } }
                    }
                    @if let Some((session, _)) = session {
                        form method="post" action="/sign-out" {
                            (token(session))
                            button class="quiet-button" type="submit" data-test="sign-out" { (words.t("Sign out")) }
                        }
                    }
                }
                @if let Some((_, current)) = session {
                    nav class="tabs" aria-label=(words.t("Desk")) {
                        @for tab in Tab::ALL {
                            a href=(tab.path()) aria-current=[(current == Some(tab)).then_some("page")]
                                data-test={ "tab" (tab.path().replace('/', "-")) } {
                                (tab.name(words))
                            }
                        }
                    }
                }
                main { (content) }
            }
        }
    }
}
