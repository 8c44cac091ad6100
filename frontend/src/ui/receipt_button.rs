//! Saves the receipt of a purchase, and what convicts a store.

use shared::receipt::Receipt;
use yew::prelude::*;

use crate::browser::download;
use crate::browser::json;
use crate::ui::element::button;

/// The quiet button that saves the receipt as JSON.
pub fn receipt_button(receipt: Receipt) -> Html {
    let on_click = Callback::from(move |()| {
        if let Some(json) = json::write(&receipt) {
            save(&receipt, &json, "-receipt.json");
        }
    });
    button("link", "save-receipt", &on_click)
        .say("Save receipt")
        .into()
}

/// The quiet button that saves what convicts a store beside the ciphertext: the receipt, the manifest and the
/// claim's token_id.
pub fn evidence_button(receipt: Receipt, manifest: &str, token_id: &str) -> Html {
    let rest = [
        ",\"manifest\":",
        manifest,
        ",\"token_id\":\"",
        token_id,
        "\"}",
    ];
    let rest = rest.concat();
    let on_click = Callback::from(move |()| {
        if let Some(json) = json::write(&receipt) {
            let evidence = ["{\"receipt\":", &json, &rest].concat();
            save(&receipt, &evidence, "-evidence.json");
        }
    });
    button("link", "save-evidence", &on_click)
        .say("Save the evidence")
        .into()
}

fn save(receipt: &Receipt, json: &str, end: &str) {
    download::save_text(json, &[receipt.item.as_str(), end].concat());
}
