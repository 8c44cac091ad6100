//! Starts the store page, on pages that have a place for it.

use frontend::page::StorePage;
use talc::wasm::{WasmDynamicTalc, new_wasm_dynamic_allocator};

/// Smaller than the standard library's.
#[global_allocator]
static ALLOCATOR: WasmDynamicTalc = new_wasm_dynamic_allocator();

/// The element that becomes the store.
const ROOT: &str = "purrwall-store";

fn main() {
    if let Some(root) = gloo_utils::document().get_element_by_id(ROOT) {
        yew::Renderer::<StorePage>::with_root(root).render();
    }
}
