//! Problems as pages for people.

use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, REFRESH};
use axum::response::{IntoResponse, Response};

use crate::http::problem::Told;
use crate::pages::views::{self, Site};

/// Tells a problem as a page, with the same status; any other answer stays as it is. If trying again
/// helps, the page does so: it asks for `path`, also after a form, which is not sent twice.
pub(crate) fn problem_page(site: Site<'_>, path: &str, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Some(Told(problem)) = parts.extensions.remove() else {
        return Response::from_parts(parts, body);
    };
    if let Some(secs) = views::comes_back_in(&problem) {
        let refresh = format!("{secs}; url={path}");
        let refresh = HeaderValue::try_from(refresh).expect("the path came in a request's head");
        parts.headers.insert(REFRESH, refresh);
    }
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    let page = views::problem(site, &problem);
    let (page_parts, body) = page.into_response().into_parts();
    parts.headers.extend(page_parts.headers);
    Response::from_parts(parts, body)
}
