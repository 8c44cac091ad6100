//! Plain http, where there is https: leads there, and answers nothing else.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::HOST;
use axum::http::{HeaderMap, Uri};
use axum::response::Redirect;

/// An answer is short, and nobody needs more than one.
pub(crate) const CONNECTIONS: usize = 64;
pub(crate) const CONNECTIONS_PER_CLIENT: usize = 8;

/// Leads each request to https, at one of these names: the one that was asked for, else the first.
pub(crate) fn router(domains: Vec<String>) -> Router {
    let domains: Arc<[String]> = domains.into();
    Router::new().fallback(redirect).with_state(domains)
}

async fn redirect(State(domains): State<Arc<[String]>>, headers: HeaderMap, uri: Uri) -> Redirect {
    let asked = headers.get(HOST).and_then(|host| host.to_str().ok());
    let asked = asked.and_then(|host| host.split(':').next());
    let known = domains.iter().find(|domain| asked == Some(domain));
    // A name that is not ours could lead anywhere.
    let host = known.unwrap_or(&domains[0]);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Redirect::permanent(&format!("https://{host}{path}"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    async fn leads_to(host: &str, path: &str) -> String {
        let domains = ["cats.example", "www.cats.example"].map(str::to_owned);
        let request = Request::post(path).header(HOST, host).body(Body::empty());
        let answer = router(domains.into())
            .oneshot(request.unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status(), 308);
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn it_leads_to_a_name_of_the_store_and_nowhere_else() {
        let asked = "/buy/cat?still";
        for (host, expected) in [
            ("cats.example", "https://cats.example/buy/cat?still"),
            (
                "www.cats.example:80",
                "https://www.cats.example/buy/cat?still",
            ),
            ("evil.example", "https://cats.example/buy/cat?still"),
            ("", "https://cats.example/buy/cat?still"),
        ] {
            assert_eq!(leads_to(host, asked).await, expected);
        }
        assert_eq!(
            leads_to("x", "//evil.example").await,
            "https://cats.example//evil.example"
        );
    }
}
