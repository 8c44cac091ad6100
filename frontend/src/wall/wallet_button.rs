//! Pays with the wallet that the browser offers, or opens another one.

use std::cell::Cell;
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use shared::drawings::BOLT;
use shared::lightning::Preimage;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::browser::gateway::Gateway;
use crate::browser::webln::Wallet;
use crate::i18n::language::use_language;
use crate::i18n::say::{say, say_of};
use crate::ui::drawing::drawing;
use crate::ui::element::element;
use crate::wall::help::Help;

/// How long a wallet may take to come to the front, in milliseconds.
const OPENING_MS: u32 = 1_500;

/// What to pay.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The invoice.
    pub bolt11: AttrValue,
    /// The store.
    pub gateway: Gateway,
    /// The wallet paid and gave its proof, which nobody has checked yet.
    pub on_paid: Callback<Preimage>,
}

#[derive(Clone, PartialEq)]
enum Stage {
    Ready,
    /// The link was followed, and nothing came.
    NoWallet,
    Paying,
    /// It says that it paid. The store's answer or a valid preimage is still awaited.
    Done,
    Failed(String),
}

/// One link, and the wallet's answer below it. A click looks for a wallet in the browser, because
/// extensions may load late; without one the link opens the system's wallet.
#[component]
pub fn WalletButton(props: &Props) -> Html {
    use_language();
    let stage = use_state_eq(|| Stage::Ready);
    let on_click = {
        let (bolt11, on_paid) = (props.bolt11.clone(), props.on_paid.clone());
        let (busy, stage) = (*stage == Stage::Paying, stage.setter());
        Callback::from(move |event: Event| {
            let Some(wallet) = Wallet::find() else {
                tell_if_nothing_opens(stage.clone());
                return;
            };
            event.prevent_default();
            if busy {
                return;
            }
            let (bolt11, on_paid) = (bolt11.clone(), on_paid.clone());
            let stage = stage.clone();
            stage.set(Stage::Paying);
            spawn_local(async move {
                match wallet.pay(&bolt11).await {
                    Ok(preimage) => {
                        stage.set(Stage::Done);
                        if let Some(preimage) = preimage {
                            on_paid.emit(preimage);
                        }
                    }
                    Err(why) => stage.set(Stage::Failed(why)),
                }
            });
        })
    };
    let line = match &*stage {
        Stage::Ready => AttrValue::default(),
        Stage::NoWallet => say("No wallet opened on this device."),
        Stage::Paying => say("Your wallet is paying…"),
        Stage::Done => say("Your wallet says that it paid. Waiting for the store…"),
        Stage::Failed(why) => {
            let silent = say("it gave no reason");
            let why = if why.is_empty() {
                &silent
            } else {
                why.as_str()
            };
            say_of("Your wallet did not pay: {0}", &[why]).into()
        }
    };
    let pay = element("a", "main")
        .part("button")
        .test("pay-webln")
        .attribute("href", ["lightning:", &props.bolt11].concat())
        .on_click_event(on_click)
        .child(drawing(BOLT))
        .say("Pay with wallet");
    let pay = match *stage {
        Stage::Paying => pay.attribute("aria-disabled", "true"),
        _ => pay,
    };
    let line = element("p", "wallet-line")
        .attribute("aria-live", "polite")
        .text(line);
    let open = *stage == Stage::NoWallet;
    element("div", "wallet")
        .child(pay)
        .child(line)
        .child(html! { <Help gateway={props.gateway.clone()} {open} /> })
        .into()
}

/// No browser says whether a link opened something. But what opens takes the focus from the page.
fn tell_if_nothing_opens(stage: UseStateSetter<Stage>) {
    let opened = Rc::new(Cell::new(false));
    let leaving = EventListener::once(&gloo_utils::window(), "blur", {
        let opened = opened.clone();
        move |_| opened.set(true)
    });
    let waited = Timeout::new(OPENING_MS, move || {
        drop(leaving);
        if !opened.get() {
            stage.set(Stage::NoWallet);
        }
    });
    // It ends by itself, and changes nothing once the button is gone.
    waited.forget();
}
