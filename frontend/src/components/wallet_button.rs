//! Pays with the wallet that the browser offers.

use shared::lightning::Preimage;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::components::drawing::{BOLT, drawing};
use crate::components::element::{button, element};
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
    let on_click = {
        let (bolt11, on_paid) = (props.bolt11.clone(), props.on_paid.clone());
        let wallet = wallet.setter();
        Callback::from(move |()| {
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
    let (label, line) = match &*wallet {
        Wallet::Ready => ("Pay with browser wallet", String::new()),
        Wallet::Paying => ("Your wallet is paying…", String::new()),
        Wallet::Done => (
            "Pay with browser wallet",
            "Your wallet says that it paid. Waiting for the store…".to_owned(),
        ),
        Wallet::Failed(why) => (
            "Pay with browser wallet",
            ["Your wallet did not pay: ", why].concat(),
        ),
    };
    let mut pay = button("main", "pay-webln", &on_click)
        .child(drawing(BOLT))
        .text(label);
    if *wallet == Wallet::Paying {
        pay = pay.attribute("disabled", "");
    }
    let line = element("p", "wallet-line")
        .attribute("aria-live", "polite")
        .text(line);
    element("div", "wallet")
        .child(pay)
        .child(line)
        .children(devnet_switch(&redraw))
        .into()
}

/// On the development network's demo alone: whose wallet pays.
fn devnet_switch(redraw: &UseForceUpdateHandle) -> Option<Html> {
    let chosen = devnet::node()?;
    let choice = |(name, test): (&'static str, &'static str)| {
        let redraw = redraw.clone();
        let on_click = Callback::from(move |()| {
            devnet::choose(name);
            redraw.force_update();
        });
        let pressed = if chosen == name { "true" } else { "false" };
        button("", test, &on_click)
            .attribute("aria-pressed", pressed)
            .text(name)
            .into()
    };
    let switch = element("div", "devnet")
        .attribute("role", "group")
        .attribute("aria-label", "Demo: who pays")
        .text("Demo: pay as ")
        .children(BUYERS.map(choice));
    Some(switch.into())
}
