//! Until when the goods can be had, where that has an end.

use shared::claim::Claim;
use yew::prelude::*;

use crate::browser::clock::Clock;
use crate::i18n::format::moment;
use crate::i18n::language::{Language, current};
use crate::i18n::say::say_of;
use crate::ui::element::element;
use crate::wall::use_server_now::use_server_now;

/// The end, and what knows whether it is past.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The language that it speaks: that of what draws it.
    #[prop_or_else(current)]
    pub language: Language,
    /// In UNIX seconds.
    pub end: u64,
    /// The server's clock.
    pub clock: Clock,
}

/// Says until when, and once that is past, that it was.
#[component]
pub fn Until(props: &Props) -> Html {
    props.language.enter();
    let end = [&*moment(props.end)];
    let words = if use_server_now(&props.clock) <= props.end {
        say_of("Yours until {0}.", &end)
    } else {
        say_of("It was yours until {0}.", &end)
    };
    element("p", "quiet").test("valid-until").text(words).into()
}

/// The end that a claim states.
pub fn until(claim: &Claim, clock: &Clock) -> Option<Html> {
    let end = claim.valid_until()?;
    Some(html! { <Until {end} clock={clock.clone()} /> })
}
