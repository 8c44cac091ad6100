//! Saves the receipt of a purchase.

use shared::receipt::Receipt;
use yew::prelude::*;

use crate::browser::download;
use crate::browser::json;
use crate::ui::element::button;

/// The quiet button that saves the receipt as JSON.
pub fn receipt_button(receipt: Receipt) -> Html {
    let on_click = Callback::from(move |()| {
        let name = [receipt.item.as_str(), "-receipt.json"].concat();
        if let Some(json) = json::write(&receipt) {
            download::save_text(&json, &name);
        }
    });
    button("link", "save-receipt", &on_click)
        .say("Save receipt")
        .into()
}
