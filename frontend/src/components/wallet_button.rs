//! Pays with the wallet that the browser offers.

use shared::lightning::Preimage;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::components::icons::Bolt;
use crate::webln;

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

/// One button, and what the wallet says to it.
#[component]
pub fn WalletButton(props: &Props) -> Html {
    let wallet = use_state_eq(|| Wallet::Ready);
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
            <button type="button" class="main" data-test="pay-webln" {onclick} disabled={paying}>
                <Bolt />
                { if paying { "Your wallet is paying…" } else { "Pay with browser wallet" } }
            </button>
            <p class="wallet-line" aria-live="polite">{line}</p>
        </>
    }
}
