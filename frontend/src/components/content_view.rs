//! The goods, paid and checked.

use std::rc::Rc;

use web_sys::HtmlElement;
use yew::prelude::*;

use crate::download;

/// The columns between tab stops, as the style sheet has them.
const TAB: usize = 4;

/// What to show.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The goods.
    pub bytes: Rc<[u8]>,
    /// Their media type as the store states it.
    pub content_type: AttrValue,
    /// The item's name in URLs; the file's name.
    pub item: AttrValue,
    /// The item's name for people.
    pub title: AttrValue,
    /// Gets the focus when the goods arrive.
    pub focus: NodeRef,
}

/// Text is shown as it is; anything can be saved.
#[component]
pub fn ContentView(props: &Props) -> Html {
    let on_save = {
        let bytes = props.bytes.clone();
        let name = download::file_name(&props.item, &props.content_type);
        Callback::from(move |_: MouseEvent| download::save(&bytes, &name))
    };
    let shown = if props.content_type.starts_with("text/") {
        let text = String::from_utf8_lossy(&props.bytes).into_owned();
        html! { <TextArt {text} title={&props.title} focus={&props.focus} /> }
    } else {
        html! {
            <p class="file" ref={&props.focus} tabindex="-1" data-test="content">
                {"Your file is here: "}{&props.content_type}
            </p>
        }
    };
    html! {
        <div class="goods">
            {shown}
            <button type="button" class="plain save" data-test="save" onclick={on_save}>
                {"Save"}
            </button>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct TextProps {
    text: String,
    title: AttrValue,
    focus: NodeRef,
}

/// A text node in a `pre` whose letters are as small as its longest line demands, so that ASCII
/// art never breaks.
#[component]
fn TextArt(props: &TextProps) -> Html {
    // Set from here, not as an attribute: pages may forbid inline styles.
    use_effect_with((props.text.clone(), props.focus.clone()), |(text, pre)| {
        if let Some(pre) = pre.cast::<HtmlElement>() {
            let columns = columns(text).to_string();
            // Without the property the style sheet's default width holds.
            let _ = pre.style().set_property("--columns", &columns);
        }
    });
    html! {
        <div class="fit">
            <pre ref={&props.focus} tabindex="0" role="region" aria-label={&props.title}
                data-test="content">{&props.text}</pre>
        </div>
    }
}

/// The length of the longest line, tabs expanded.
fn columns(text: &str) -> usize {
    let width = |line: &str| {
        line.chars().fold(0, |column, character| match character {
            '\t' => (column / TAB + 1) * TAB,
            _ => column + 1,
        })
    };
    text.lines().map(width).max().unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn the_longest_line_decides() {
        assert_eq!(columns(" /\\_/\\\n( o.o )\n > ^ <\r\n"), 7);
        assert_eq!(columns("ab\tc"), 5);
        assert_eq!(columns(""), 1);
    }
}
