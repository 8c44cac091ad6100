//! Plain objects, as the browser's functions take them for their options.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;

/// An object with these properties. Where the browser has a type of its own for its options, that
/// type's setters would be an import each.
pub fn object(properties: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in properties {
        // Setting a property of a new object cannot fail.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object
}
