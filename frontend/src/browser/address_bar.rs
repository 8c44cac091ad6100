//! The link of a purchase that the page was opened with.

use shared::link::{Link, LinkError};
use wasm_bindgen::JsValue;

use crate::browser::json;

/// Takes the link out of the address bar, so that nobody reads or shares it by mistake. `None`
/// where the page has no link.
///
/// # Errors
/// The link is damaged.
pub fn take_link() -> Option<Result<Link, LinkError>> {
    let window = gloo_utils::window();
    let location = window.location();
    let fragment = location.hash().ok()?;
    let fragment = fragment.strip_prefix('#')?;
    if !Link::is_meant(fragment) {
        return None;
    }
    let rest = [location.pathname(), location.search()];
    let address = rest.map(Result::unwrap_or_default).concat();
    if let Ok(history) = window.history() {
        // If the browser does not allow the change, the address stays.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
    }
    let link = Link::json(fragment).and_then(|text| json::read::<Link>(&text).ok_or(LinkError));
    Some(link.map(|mut link| {
        // A stranger's link could have a false one, which must not take the place of the true one.
        link.purchase.preimage = link.purchase.proof();
        link
    }))
}
