//! Pays with the wallet that the browser offers.

use shared::lightning::Preimage;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::components::drawing::{BOLT, drawing};
use crate::webln::{self, devnet};

/// What to pay.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The invoice.
    pub bolt11: AttrValue,
    /// The wallet paid and gave its proof, which nobody has checked yet.
    pub on_paid: Callback<Preimage>,
}

#[derive(Clone, PartialEq)]
enum Wallet {
    Ready,
    Paying,
    /// It says that it paid; the store's word or a good proof is still awaited.
    Done,
    Failed(String),
}

/// The buyers of the development network; their buttons' names for tests.
const BUYERS: [(&str, &str); 2] = [("alice", "devnet-alice"), ("bob", "devnet-bob")];

/// One button, and what the wallet says to it.
#[component]
pub fn WalletButton(props: &Props) -> Html {
    let wallet = use_state_eq(|| Wallet::Ready);
    let redraw = use_force_update();
    let onclick = {
        let (bolt11, on_paid) = (props.bolt11.clone(), props.on_paid.clone());
        let wallet = wallet.setter();
        Callback::from(move |_: MouseEvent| {
            let (bolt11, on_paid) = (bolt11.clone(), on_paid.clone());
            let wallet = wallet.clone();
            wallet.set(Wallet::Paying);
            spawn_local(async move {
                match webln::pay(&bolt11).await {
                    Ok(preimage) => {
                        wallet.set(Wallet::Done);
                        if let Some(preimage) = preimage {
                            on_paid.emit(preimage);
                        }
                    }
                    Err(why) => wallet.set(Wallet::Failed(why)),
                }
            });
        })
    };
    let paying = *wallet == Wallet::Paying;
    let line = match &*wallet {
        Wallet::Ready | Wallet::Paying => Html::default(),
        Wallet::Done => html! { {"Your wallet says that it paid. Waiting for the store…"} },
        Wallet::Failed(why) => html! { <>{"Your wallet did not pay: "}{why}</> },
    };
    html! {
        <>
            <button type="button" class="main" part="button" data-test="pay-webln" {onclick} disabled={paying}>
                {drawing(BOLT)}
                { if paying { "Your wallet is paying…" } else { "Pay with browser wallet" } }
            </button>
            <p class="wallet-line" aria-live="polite">{line}</p>
            {devnet_switch(&redraw)}
        </>
    }
}

/// On the development network's demo alone: whose wallet pays.
fn devnet_switch(redraw: &UseForceUpdateHandle) -> Html {
    let Some(chosen) = devnet::node() else {
        return Html::default();
    };
    let button = |(name, test): (&'static str, &'static str)| {
        let redraw = redraw.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            devnet::choose(name);
            redraw.force_update();
        });
        let pressed = if chosen == name { "true" } else { "false" };
        html! {
            <button type="button" data-test={test} aria-pressed={pressed} {onclick}>{name}</button>
        }
    };
    html! {
        <div class="devnet" role="group" aria-label="Demo: who pays">
            {"Demo: pay as "}
            { for BUYERS.map(button) }
        </div>
    }
}
