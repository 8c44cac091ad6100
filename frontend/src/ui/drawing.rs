//! Fixed drawings ([`shared::drawings`]), as markup that the browser parses: the string of a drawing
//! is a tenth of the code that would build it.

use yew::prelude::*;

/// Draws markup that stands in the program. The lifetime keeps everything else out: texts from
/// elsewhere must be drawn as text nodes.
pub fn drawing(markup: &'static str) -> Html {
    Html::from_html_unchecked(AttrValue::Static(markup))
}
