//! The program of the store's own page: draws the store where the page has a place for it.

use frontend::page::{Props, StorePage};
use web_sys::{Event, EventInit};
use yew::Callback;

/// The element that becomes the store.
const ROOT: &str = "purrwall-store";
/// What the page's script is told when there is something to show.
const READY: &str = "ready";

fn main() {
    let document = gloo_utils::document();
    let root = document.get_element_by_id(ROOT);
    if let (Some(root), Ok(view)) = (root, document.create_element("div")) {
        // It is hidden beside what the script has drawn, until that can go.
        let _ = view.set_attribute("hidden", "");
        let _ = root.append_child(&view);
        let on_ready = {
            let view = view.clone();
            Callback::from(move |()| {
                let told = EventInit::new();
                told.set_bubbles(true);
                if let Ok(ready) = Event::new_with_event_init_dict(READY, &told) {
                    let _ = view.dispatch_event(&ready);
                }
            })
        };
        yew::Renderer::<StorePage>::with_root_and_props(view, Props { on_ready }).render();
    }
}
