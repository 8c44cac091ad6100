//! The options objects that the browser's `Intl` functions take.

use js_sys::{Object, Reflect};

/// An object with these properties.
pub(super) fn options(settings: &[(&str, &str)]) -> Object {
    let options = Object::new();
    for (name, value) in settings {
        // Setting a property of a new object cannot fail.
        let _ = Reflect::set(&options, &(*name).into(), &(*value).into());
    }
    options
}
