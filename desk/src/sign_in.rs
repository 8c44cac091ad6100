//! Signing in with a one-time code, and out.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::SystemTime;

use axum::extract::rejection::FormRejection;
use axum::extract::{ConnectInfo, Extension, Form, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;

use crate::code::{self, WrongCode};
use crate::desk::Desk;
use crate::pages::{Tab, bare_page};
use crate::posted::Posted;
use crate::refused::Refused;
use crate::sessions::Session;
use crate::words::{Said, Words, said};

pub(crate) const PATH: &str = "/sign-in";

#[derive(Deserialize)]
pub(crate) struct Typed {
    code: String,
}

/// `GET /`: the first page, for who is signed in.
pub(crate) async fn home() -> Redirect {
    Redirect::to(Tab::Sales.path())
}

/// `GET /sign-in`
pub(crate) async fn ask(
    State(desk): State<Desk>,
    words: Words,
    session: Option<Extension<Session>>,
) -> Response {
    if session.is_some() {
        return home().await.into_response();
    }
    form(&desk, words, None).into_response()
}

/// `POST /sign-in`: the code is in the body, so that it stays out of addresses and logs.
pub(crate) async fn sign_in(
    State(desk): State<Desk>,
    words: Words,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    typed: Result<Form<Typed>, FormRejection>,
) -> Result<Response, Refused> {
    let client = peer.map(|Extension(ConnectInfo(address))| address.ip());
    let client = client.unwrap_or(IpAddr::V6(Ipv6Addr::LOCALHOST));
    if let Err(many) = desk.sessions.count_try(client) {
        let secs = many.retry_secs;
        let why =
            said("Too many codes were tried. Wait {secs} seconds.").with("secs", secs.to_string());
        let refused = Refused::new(StatusCode::TOO_MANY_REQUESTS, why);
        return Err(Refused {
            retry_secs: Some(secs),
            ..refused
        });
    }
    let wrong = |why: Said| {
        let page = form(&desk, words, Some(&why));
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    let Ok(Form(typed)) = typed else {
        return wrong(said("Type the code in."));
    };
    match code::take(&desk.options.data_dir, &typed.code, SystemTime::now()) {
        Ok(()) => {}
        Err(WrongCode::Unknown) => {
            return wrong(said(
                "This code opens nothing, or it was used already. Run purrwall desk for a new one.",
            ));
        }
        Err(WrongCode::Expired) => {
            return wrong(said(
                "This code has expired: codes are good for ten minutes. Run purrwall desk for a new one.",
            ));
        }
    }
    let cookie = desk.sessions.begin().map_err(|error| {
        let why = said("The system gives no random numbers, so nobody can sign in.");
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, why).detail(error.to_string())
    })?;
    tracing::info!("somebody signed in at the desk");
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

/// `POST /sign-out`
pub(crate) async fn sign_out(State(desk): State<Desk>, posted: Posted) -> Response {
    let cookie = desk.sessions.end(&posted.session);
    ([(SET_COOKIE, cookie)], Redirect::to(PATH)).into_response()
}

fn form(desk: &Desk, words: Words, wrong: Option<&Said>) -> Markup {
    let title = words.t("Sign in");
    let content = html! {
        div class="panel narrow" {
            h1 { (title) }
            p {
                (words.t("Run this command on the machine of the store. It prints a code that is good once, for ten minutes."))
            }
            pre class="command" dir="ltr" { "purrwall desk --config purrwall.toml" }
            @if let Some(wrong) = wrong {
                p #wrong class="told failed" role="alert" data-test="wrong-code" { (words.say(wrong)) }
            }
            form method="post" action=(PATH) class="fields" {
                label for="code" { (words.t("One-time code")) }
                input #code class="code" type="text" name="code" data-test="code" required dir="ltr"
                    autocomplete="one-time-code" autocapitalize="characters" spellcheck="false"
                    placeholder="XXXX-XXXX-XXXX" aria-describedby=[wrong.map(|_| "wrong")];
                button class="main" type="submit" data-test="sign-in" { (title) }
            }
        }
    };
    bare_page(desk, words, title, &content)
}
