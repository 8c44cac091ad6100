//! "Next time, buy with one click": the limits up to which a remembered wallet pays without another question.

use shared::allowance::OFFERED;
use shared::text::decimal;
use wasm_bindgen::JsCast;
use web_sys::{HtmlFormElement, HtmlInputElement};
use yew::prelude::*;

use crate::browser::allowance;
use crate::i18n::say::say;
use crate::ui::element::{button, element};

/// One quiet line, and the limits behind it. `on_change` draws it again.
pub fn one_click(on_change: Callback<()>) -> Html {
    let allowed = allowance::load();
    let off = {
        let on_change = on_change.clone();
        Callback::from(move |()| {
            allowance::store(None);
            on_change.emit(());
        })
    };
    let off = allowed.map(|_| {
        let off = button("link", "one-click-off", &off);
        off.say("Turn off").into()
    });
    let on_submit = Callback::from(move |event: Event| {
        event.prevent_default();
        let form: Option<HtmlFormElement> = event.target().map(JsCast::unchecked_into);
        let field = |index| Some(form.as_ref()?.get_with_index(index)?.unchecked_into());
        let fields: [Option<HtmlInputElement>; 2] = [field(0), field(1)];
        let [Some(purchase), Some(day)] = fields else {
            return;
        };
        // Another tab may have spent meanwhile.
        let before = allowance::load().unwrap_or(OFFERED);
        let typed = before.typed([&purchase.value(), &day.value()]);
        for (index, field) in [purchase, day].into_iter().enumerate() {
            let wrong = if typed == Err(index) {
                say("Whole numbers from 1 to 1,000,000, a day’s no lower than a purchase’s.")
            } else {
                AttrValue::default()
            };
            field.set_custom_validity(&wrong);
            field.report_validity();
        }
        if let Ok(typed) = typed {
            allowance::store(Some(typed));
            on_change.emit(());
        }
    });
    let limits = allowed.unwrap_or(OFFERED).limits();
    let labels = [say("Most sat a purchase"), say("Most sat a day")];
    let fields = labels.into_iter().zip(limits).map(|(label, limit)| {
        let input = element("input", "")
            .attribute("type", "number")
            .attribute("value", decimal(limit));
        element("label", "quiet").text(label).child(input).into()
    });
    let form = element("form", "proof")
        // What is wrong is said in the page's own words.
        .attribute("novalidate", "")
        .on_submit(on_submit)
        .children(fields)
        .child(element("button", "plain").part("button").say("Save"))
        .children(off);
    element("details", "help")
        .test("one-click")
        .child(element("summary", "link").say("Next time, buy with one click"))
        .child(form)
        .into()
}
