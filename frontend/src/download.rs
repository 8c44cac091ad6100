//! Saves goods as a file.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

/// Lets the browser save `bytes` under `file_name`.
pub fn save(bytes: &[u8], file_name: &str) {
    // What fails here, the browser has told the buyer: a full disk, a forbidden download.
    let _ = try_save(bytes, file_name);
}

/// The name under which an item's goods are saved.
pub fn file_name(item: &str, content_type: &str) -> String {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let extension = match media_type {
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

fn try_save(bytes: &[u8], file_name: &str) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    // A type that no browser opens: hostile goods must not run on the store's origin.
    options.set_type("application/octet-stream");
    let parts = Array::of1(&Uint8Array::from(bytes));
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options)?;
    let url = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = gloo_utils::document()
        .create_element("a")?
        .dyn_into()
        .map_err(JsValue::from)?;
    link.set_href(&url);
    link.set_download(file_name);
    link.click();
    // Browsers have begun to read the blob when `click` returns, but some only just.
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
