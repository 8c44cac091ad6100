//! A form that was posted with its session's token.

use std::collections::HashMap;

use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::desk::Desk;
use crate::refused::Refused;
use crate::sessions::Session;
use crate::words::said;

/// The fields of a form, and whose it is.
pub(crate) struct Posted {
    pub(crate) session: Session,
    fields: HashMap<String, String>,
}

/// The field that carries the token.
pub(crate) const CSRF: &str = "csrf";

impl Posted {
    /// What was typed into a field; empty where it is missing.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |text| text.trim())
    }
}

/// Whether a form carries the token of its session.
pub(crate) fn check(session: &Session, sent: Option<&str>) -> Result<(), Refused> {
    if sent == Some(&session.csrf) {
        return Ok(());
    }
    let why = "This form is of another session. Nothing was changed. Load the page again, and do it again.";
    Err(Refused::new(StatusCode::FORBIDDEN, said(why)))
}

impl FromRequest<Desk> for Posted {
    type Rejection = Refused;

    async fn from_request(request: Request, desk: &Desk) -> Result<Self, Refused> {
        let session = request.extensions().get::<Session>().cloned();
        let session = session.ok_or_else(unknown)?;
        let form = Form::<HashMap<String, String>>::from_request(request, desk).await;
        let Form(fields) = form.map_err(|error| {
            let why = said("This form cannot be read. Nothing was changed.");
            Refused::new(StatusCode::BAD_REQUEST, why).detail(error.body_text())
        })?;
        check(&session, fields.get(CSRF).map(String::as_str))?;
        Ok(Self { session, fields })
    }
}

impl FromRequestParts<Desk> for Session {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &Desk) -> Result<Self, Refused> {
        parts.extensions.get().cloned().ok_or_else(unknown)
    }
}

/// The gate lets nobody in without a session, so this is said nowhere but on pages for everyone.
fn unknown() -> Refused {
    Refused::new(StatusCode::UNAUTHORIZED, said("You are not signed in."))
}
