//! Fixed drawings, as markup that the browser reads itself: a string of a drawing is a tenth of
//! the code that would build it.

use yew::prelude::*;

/// Draws markup that stands in this program. The lifetime keeps everything else out: what comes
/// from elsewhere must be drawn as text.
pub fn drawing(markup: &'static str) -> Html {
    Html::from_html_unchecked(AttrValue::Static(markup))
}

/// A bolt of lightning, as large as a letter.
pub const BOLT: &str = concat!(
    r#"<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">"#,
    r#"<path d="M9.8.8 2.6 9.3h4.2l-1 5.9 7.4-8.7H8.9z"/></svg>"#,
);

/// A tick, for what was checked.
pub const TICK: &str = concat!(
    r#"<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">"#,
    r#"<path d="M6.4 13.3 1.6 8.6l1.8-1.8 3 2.9 6.3-6.6 1.8 1.8z"/></svg>"#,
);

/// A paw print.
pub const PAW: &str = concat!(
    r#"<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">"#,
    r#"<ellipse cx="2.6" cy="7" rx="1.7" ry="2.2"/><ellipse cx="6" cy="3.4" rx="1.8" ry="2.4"/>"#,
    r#"<ellipse cx="10" cy="3.4" rx="1.8" ry="2.4"/><ellipse cx="13.4" cy="7" rx="1.7" ry="2.2"/>"#,
    r#"<path d="M8 7.6c-2.6 0-4.9 2.7-4.9 4.9 0 1.7 1.3 2.3 2.7 2.3.9 0 1.4-.4 2.2-.4s1.3.4 "#,
    r#"2.2.4c1.4 0 2.7-.6 2.7-2.3 0-2.2-2.3-4.9-4.9-4.9z"/></svg>"#,
);
