//! Pays with a wallet that the browser or the site offers, or opens another one.

use std::cell::Cell;
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::Function;
use shared::drawings::BOLT;
use shared::lightning::{Msat, PaymentHash};
use shared::purchase::{Event as Purchased, WALLET_PATIENCE, Wallet as Word};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::browser::allowance;
use crate::browser::gateway::Gateway;
use crate::browser::webln::{self, Wallet, connector};
use crate::hooks::{State, use_effect_on, use_node, use_value};
use crate::i18n::language::{Language, current};
use crate::i18n::say::{say, say_of};
use crate::ui::drawing::drawing;
use crate::ui::element::{button, element};
use crate::wall::help::Help;

/// How long a wallet may take to come to the front, in milliseconds.
const OPENING_MS: u32 = 1_500;

/// What to pay.
#[derive(Clone, Properties, PartialEq)]
pub struct Props {
    /// The language that it speaks: that of what draws it.
    #[prop_or_else(current)]
    pub language: Language,
    /// The invoice.
    pub bolt11: AttrValue,
    /// Names its payment.
    pub payment_hash: PaymentHash,
    /// What it asks for.
    pub amount: Msat,
    /// The store.
    pub gateway: Gateway,
    /// What is known of a wallet that was told to pay.
    pub word: Word,
    /// Where it is told.
    pub teller: Teller,
}

/// How a component tells wallets, and what it needs for that.
#[derive(Clone, PartialEq)]
pub struct Teller {
    /// Asks the site for a wallet.
    pub site: Option<Function>,
    /// Taken once: the buyer has pressed "buy", and within the limits that is enough.
    pub at_once: Rc<Cell<bool>>,
    /// Tells the purchase what is known of a wallet, or that it has paid. Whether one may be told to pay is returned for
    /// [`Word::Paying`].
    pub on_event: Callback<Purchased, bool>,
}

/// What is shown besides the invoice, and what the site gave.
#[derive(Clone, PartialEq)]
struct Shown {
    given: JsValue,
    said: Said,
    /// The wallet's own words.
    why: String,
}

/// What is said while no wallet was told, or after it failed.
#[derive(Clone, Copy, PartialEq)]
enum Said {
    Nothing,
    Asking,
    /// The link was followed, and nothing came.
    NoWallet,
    AboveLimit,
    Failed,
}

/// What the buyer pressed.
#[derive(Clone, Copy, PartialEq)]
enum Pressed {
    Pay,
    Connect,
    /// And within the buyer's limits, that is enough.
    Buy,
}

/// One link, and the wallet's answer below it. A click looks for a wallet of the site's or the browser's, because
/// those may come late; without one the link opens the system's wallet. Where the site can connect a
/// wallet, a button does.
#[component]
pub fn WalletButton(props: &Props) -> Html {
    props.language.enter();
    let shown = use_value(|| Shown {
        given: JsValue::UNDEFINED,
        said: Said::Nothing,
        why: String::new(),
    });
    let link = use_node();
    let payment = Rc::new(Payment {
        props: props.clone(),
        shown: shown.clone(),
        link: link.clone(),
    });
    use_effect_on((), {
        let payment = payment.clone();
        move |(): &()| {
            payment.say(payment.ask(), Said::Nothing, "");
            if payment.props.teller.at_once.take() && allowance::load().is_some() {
                payment.start(Pressed::Buy);
            }
        }
    });
    let shown = shown.get();
    // One that answered may be told again, of the same invoice.
    let told = !matches!(props.word, Word::Untold | Word::Failed);
    let busy = told || shown.said == Said::Asking;
    let connect = (!told && connector(&shown.given).is_some()).then(|| {
        let payment = payment.clone();
        let on_connect = Callback::from(move |()| {
            payment.start(Pressed::Connect);
        });
        button("plain", "connect", &on_connect)
            .say("Connect a wallet")
            .into()
    });
    let on_click = Callback::from(move |event: Event| {
        if busy || payment.start(Pressed::Pay) {
            event.prevent_default();
        } else {
            tell_if_nothing_opens(payment.clone());
        }
    });
    let pay = element("a", "main")
        .part("button")
        .test("pay-webln")
        .node(&link)
        .attribute("href", ["lightning:", &props.bolt11].concat())
        .on_click_event(on_click)
        .child(drawing(BOLT))
        .say("Pay with wallet");
    let pay = if busy {
        pay.attribute("aria-disabled", "true")
    } else {
        pay
    };
    let line = element("p", "wallet-line")
        .attribute("aria-live", "polite")
        .text(line(props.word, &shown));
    let open = shown.said == Said::NoWallet;
    element("div", "wallet")
        .child(pay)
        .children(connect)
        .child(line)
        .child(html! { <Help gateway={props.gateway.clone()} {open} /> })
        .into()
}

fn line(word: Word, shown: &Shown) -> AttrValue {
    match (word, shown.said) {
        (Word::Paying, _) => say("Your wallet is paying…"),
        (Word::Silent, _) => say(
            "Your wallet has not answered yet. It may still pay. If another one pays now, only one of \
             the two payments goes through.",
        ),
        (Word::SaysPaid, _) => say("Your wallet says that it paid. Waiting for the store…"),
        (_, Said::Nothing) => AttrValue::default(),
        (_, Said::Asking) => say("Asking…"),
        (_, Said::NoWallet) => say("No wallet opened on this device."),
        (_, Said::AboveLimit) => say("This is above your limit for one click."),
        (_, Said::Failed) => {
            let silent = say("it gave no reason");
            let why = match &*shown.why {
                "" => &*silent,
                why => why,
            };
            say_of("Your wallet did not pay: {0}", &[why]).into()
        }
    }
}

/// All that paying one invoice needs.
struct Payment {
    props: Props,
    shown: State<Shown>,
    link: NodeRef,
}

impl Payment {
    /// Asks the site.
    fn ask(&self) -> JsValue {
        webln::ask(self.props.teller.site.as_ref())
    }

    /// Tells the purchase what is known of the wallet.
    fn tell(&self, wallet: Word) -> bool {
        let payment_hash = self.props.payment_hash;
        let event = Purchased::Wallet {
            payment_hash,
            wallet,
        };
        self.props.teller.on_event.emit(event)
    }

    fn say(&self, given: JsValue, said: Said, why: &str) {
        let why = why.to_owned();
        self.shown.set(Shown { given, said, why });
    }

    /// Begins what the buyer asks for. Returns false where there is no wallet for it.
    fn start(self: &Rc<Self>, pressed: Pressed) -> bool {
        let given = self.ask();
        let wallet = Wallet::find(given.clone()).filter(|_| pressed != Pressed::Connect);
        let connect = connector(&given).filter(|_| wallet.is_none() && pressed != Pressed::Pay);
        let asked = match (&wallet, connect) {
            (None, None) => {
                self.say(given, Said::Nothing, "");
                return false;
            }
            (Some(wallet), _) => wallet.enable(),
            (None, Some(connect)) => webln::future(connect.call0(&JsValue::NULL)),
        };
        self.say(given.clone(), Said::Asking, "");
        spawn_local(self.clone().go_on(pressed, given, wallet, asked));
        true
    }

    /// Goes on once the wallet is enabled, or one is connected.
    async fn go_on(
        self: Rc<Self>,
        pressed: Pressed,
        given: JsValue,
        wallet: Option<Wallet>,
        asked: JsFuture,
    ) {
        let answer = match asked.await {
            Ok(answer) => answer,
            Err(error) => return self.say(given, Said::Failed, &webln::message(&error)),
        };
        let wallet = if let Some(wallet) = wallet {
            wallet
        } else {
            webln::connected(answer);
            if pressed == Pressed::Connect {
                self.say(given, Said::Nothing, "");
                // The button that was pressed goes.
                if let Some(link) = self.link.cast::<HtmlElement>() {
                    let _ = link.focus();
                }
                return;
            }
            match Wallet::find(given.clone()) {
                Some(wallet) => wallet,
                None => return,
            }
        };
        if pressed == Pressed::Buy {
            let spent = JsFuture::from(allowance::spend(self.props.amount)).await;
            if !spent.is_ok_and(|spent| spent.is_truthy()) {
                return self.say(given, Said::AboveLimit, "");
            }
        }
        self.say(given.clone(), Said::Nothing, "");
        if !self.tell(Word::Paying) {
            return;
        }
        let patience = u32::try_from(WALLET_PATIENCE.as_millis()).unwrap_or(u32::MAX);
        let silent = self.clone();
        let silence = Timeout::new(patience, move || {
            silent.tell(Word::Silent);
        });
        let answer = wallet.pay(&self.props.bolt11).await;
        drop(silence);
        match answer {
            Ok(answer) => {
                self.tell(Word::SaysPaid);
                if let Some(preimage) = webln::preimage(&answer) {
                    let event = Purchased::WalletPaid { preimage };
                    self.props.teller.on_event.emit(event);
                }
            }
            Err(error) => {
                self.tell(Word::Failed);
                self.say(given, Said::Failed, &webln::message(&error));
            }
        }
    }
}

/// No browser says whether a link opened something. But what opens takes the focus from the page.
fn tell_if_nothing_opens(payment: Rc<Payment>) {
    let opened = Rc::new(Cell::new(false));
    let leaving = EventListener::once(&gloo_utils::window(), "blur", {
        let opened = opened.clone();
        move |_| opened.set(true)
    });
    let waited = Timeout::new(OPENING_MS, move || {
        drop(leaving);
        if !opened.get() {
            payment.say(payment.ask(), Said::NoWallet, "");
        }
    });
    // It ends by itself, and changes nothing once the button is gone.
    waited.forget();
}
