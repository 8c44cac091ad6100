//! Saves goods and receipts as files.

use js_sys::Array;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Blob, HtmlAnchorElement, Url};

use crate::browser::kind::media_type;

/// Lets the browser save a blob, whose type must be one that no browser opens, under `file_name`.
pub fn save(blob: &Blob, file_name: &str) {
    // If it fails, the browser tells the buyer: a full disk, a forbidden download.
    let _ = try_save(blob, file_name);
}

/// Lets the browser save a text.
pub fn save_text(text: &str, file_name: &str) {
    if let Ok(blob) = Blob::new_with_str_sequence(&Array::of1(&text.into())) {
        save(&blob, file_name);
    }
}

/// The name under which an item's goods are saved.
pub fn file_name(item: &str, content_type: &str) -> String {
    let extension = match media_type(content_type) {
        "text/plain" => "txt",
        "text/markdown" => "md",
        "text/html" => "html",
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/svg+xml" => "svg",
        "audio/mpeg" => "mp3",
        "video/mp4" => "mp4",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        _ => "bin",
    };
    [item, ".", extension].concat()
}

fn try_save(blob: &Blob, file_name: &str) -> Result<(), JsValue> {
    let url = Url::create_object_url_with_blob(blob)?;
    let link: HtmlAnchorElement = gloo_utils::document().create_element("a")?.unchecked_into();
    link.set_href(&url);
    link.set_download(file_name);
    link.click();
    // Some browsers have only just begun to read the blob when `click` returns.
    gloo_timers::callback::Timeout::new(60_000, move || {
        let _ = Url::revoke_object_url(&url);
    })
    .forget();
    Ok(())
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::file_name;

    #[test]
    fn a_file_is_named_after_its_item_and_type() {
        assert_eq!(file_name("cat", "text/plain; charset=utf-8"), "cat.txt");
        assert_eq!(file_name("song", "audio/mpeg"), "song.mp3");
        assert_eq!(file_name("thing", "x/y"), "thing.bin");
    }
}
