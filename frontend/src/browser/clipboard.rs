//! Copies text, also on pages without TLS, where browsers hide their clipboard API.

use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlDocument, HtmlElement, HtmlTextAreaElement};

/// Copies `text` and returns whether that worked. Must be called from a click handler.
pub async fn copy(text: &str) -> bool {
    let window = gloo_utils::window();
    if window.is_secure_context() {
        let written = window.navigator().clipboard().write_text(text);
        if JsFuture::from(written).await.is_ok() {
            return true;
        }
    }
    copy_selection(text).unwrap_or(false)
}

/// The older way: selects the text in a temporary text area and copies the selection.
fn copy_selection(text: &str) -> Option<bool> {
    let document: HtmlDocument = gloo_utils::document().unchecked_into();
    let focused = document.active_element();
    let area: HtmlTextAreaElement = document.create_element("textarea").ok()?.unchecked_into();
    area.set_value(text);
    area.set_read_only(true);
    // Without this, the page would scroll to it.
    for (property, value) in [
        ("position", "fixed"),
        ("inset", "0 auto auto 0"),
        ("opacity", "0"),
    ] {
        area.style().set_property(property, value).ok()?;
    }
    document.body()?.append_child(&area).ok()?;
    area.select();
    let copied = document.exec_command("copy");
    area.remove();
    if let Some(focused) = focused.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // Gives the focus back, for buyers who use the keyboard. It may fail.
        let _ = focused.focus();
    }
    copied.ok()
}
