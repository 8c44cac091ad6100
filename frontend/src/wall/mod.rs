//! The wall in front of one item: from the offer to the goods.

mod announcements;
mod box_view;
pub mod content_view;
mod countdown;
mod failed_check;
mod help;
pub mod invoice_panel;
mod offer;
mod one_click;
mod proof_form;
mod until;
pub mod use_purchase;
mod use_server_now;
mod verified;
pub mod wallet_button;

use std::cell::Cell;
use std::rc::Rc;

use js_sys::Function;
use shared::api::{self, Item};
use shared::digest::Digest;
use shared::drawings::PAW;
use shared::invoice::{FailedCheck, Terms};
use shared::lightning::Msat;
use shared::link::Link;
use shared::problem::{ErrorCode, Problem};
use shared::purchase::{Event, Order, State, Tries, Undelivered, Wallet};
use shared::receipt::Receipt;
use shared::text::decimal;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::browser::allowance;
use crate::browser::client::Client;
use crate::browser::goods::Goods;
use crate::browser::sealed::Sealed;
use crate::hooks::{use_effect_on, use_node, use_value};
use crate::i18n::format::amount;
use crate::i18n::language::{Language, current};
use crate::i18n::say::{say, say_around, say_of};
use crate::ui::copy_button::copy_link;
use crate::ui::drawing::drawing;
use crate::ui::element::{button, element, paragraph};
use crate::ui::notice::notice;
use crate::ui::receipt_button::{evidence_button, receipt_button};
use crate::ui::trouble::{problem_text, trouble_line};
use crate::wall::announcements::announcements;
use crate::wall::box_view::box_view;
use crate::wall::content_view::{content_view, use_fitted_letters};
use crate::wall::failed_check::failed_check;
use crate::wall::invoice_panel::{InvoicePanel, not_kept, rate};
use crate::wall::offer::offer;
use crate::wall::one_click::one_click;
use crate::wall::proof_form::proof_form;
use crate::wall::until::until;
use crate::wall::use_purchase::{Handle, use_purchase};
use crate::wall::wallet_button::Teller;

/// From this size in bytes, goods take long enough to show the progress of their download.
const LARGE: u64 = 200_000;
/// From this size in bytes, sealed goods take so long to check that the buyer may leave it for later.
const HUGE: u64 = 16 << 20;

/// What is behind the wall, and what its invoice has to say.
#[derive(Clone, Properties, PartialEq)]
pub struct Props {
    /// The language that it speaks: that of what draws it.
    #[prop_or_else(current)]
    pub language: Language,
    /// The gateway that sells it.
    pub client: Client,
    /// The item.
    pub item: Rc<Item>,
    /// What an invoice must say before it is shown.
    pub terms: Terms,
    /// The catalogue does not have the item now: what was bought opens, and nothing new is offered.
    #[prop_or_default]
    pub off_the_shelf: bool,
    /// Asks the site for a wallet, or for a function that connects one.
    #[prop_or_default]
    pub site: Option<Function>,
    /// Called with the first state, and after each change.
    #[prop_or_default]
    pub on_change: Callback<Rc<Handle>>,
    /// Called once when the goods have arrived; returns whether the site shows them itself.
    #[prop_or_default]
    pub on_goods: Option<Callback<Rc<Goods>, bool>>,
}

/// Draws the purchase where it stands.
#[component]
pub fn Wall(props: &Props) -> Html {
    props.language.enter();
    let handle = Rc::new(use_purchase(&props.client, &props.item, &props.terms));
    let focus = use_node();
    let update = use_force_update();
    let purchase = handle.purchase();
    use_effect_on((purchase.clone(), props.on_change.clone()), {
        let handle = handle.clone();
        move |(_, on_change): &(_, Callback<Rc<Handle>>)| on_change.emit(handle)
    });
    let taken = use_taker(handle.goods(), props.on_goods.as_ref());
    let scene = Scene::of(purchase.state(), taken);
    let attended = use_attention(scene, &focus);
    let shown = handle.goods().filter(|_| taken == Some(false));
    use_fitted_letters(shown.as_ref(), &focus);

    let view = View {
        props,
        handle: &handle,
        focus: &focus,
        attended: &attended,
        taken,
        again: Callback::from(move |()| update.force_update()),
    };
    let over = matches!(purchase.state(), State::Undelivered { order, .. } if view.is_over(order));
    element("div", "wall")
        .part("wall")
        .attribute("role", "group")
        .attribute("data-scene", scene.name())
        .attribute("aria-label", props.item.title.clone())
        .children(view.draw())
        .child(announcements(purchase, over))
        .into()
}

/// The panels between which the focus moves.
#[derive(Clone, Copy, PartialEq)]
enum Scene {
    Offer,
    Invoice,
    Expired,
    Refused,
    Failed,
    Paid,
    Goods,
}

impl Scene {
    fn of(state: &State, taken: Option<bool>) -> Self {
        match state {
            State::Delivered { .. } if taken.is_none() => Self::Paid,
            State::Idle | State::Requesting { .. } => Self::Offer,
            State::AwaitingPayment { .. } => Self::Invoice,
            State::Expired { .. } => Self::Expired,
            State::Refused { .. } => Self::Refused,
            State::Failed { .. } => Self::Failed,
            State::Paid { .. } | State::Undelivered { .. } => Self::Paid,
            State::Delivered { .. } => Self::Goods,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Invoice => "invoice",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Paid => "paid",
            Self::Goods => "goods",
        }
    }
}

/// Moves the focus with the scene, but only once the buyer has used this wall: after a reload, a
/// restored purchase must not take the focus. The cell holds whether the wall was used.
#[hook]
fn use_attention(scene: Scene, focus: &NodeRef) -> Rc<Cell<bool>> {
    let attended = use_ref(|| Cell::new(false));
    use_effect_on((scene, focus.clone()), {
        let attended = attended.clone();
        move |(scene, focus): &(Scene, NodeRef)| {
            if attended.get()
                && let Some(element) = focus.cast::<HtmlElement>()
            {
                // If it cannot be focused, it is not read out; nothing else depends on it.
                let _ = element.focus();
            }
            // A buyer who sees an invoice may pay it at any moment, and wants to see the goods then.
            if *scene == Scene::Invoice {
                attended.set(true);
            }
        }
    });
    attended
}

/// Whether the site shows the goods itself; `None` until it has answered.
#[hook]
fn use_taker(goods: Option<Rc<Goods>>, taker: Option<&Callback<Rc<Goods>, bool>>) -> Option<bool> {
    let taken = use_value(|| None);
    use_effect_on(goods, {
        let (taken, taker) = (taken.clone(), taker.cloned());
        move |goods: &Option<Rc<Goods>>| {
            taken.set(
                goods
                    .clone()
                    .zip(taker)
                    .map(|(goods, taker)| taker.emit(goods)),
            );
        }
    });
    match taker {
        None => Some(false),
        Some(_) => taken.get(),
    }
}

/// Draws each state; what the buyer does counts as attention.
struct View<'a> {
    props: &'a Props,
    handle: &'a Rc<Handle>,
    focus: &'a NodeRef,
    attended: &'a Rc<Cell<bool>>,
    taken: Option<bool>,
    /// Draws it again.
    again: Callback<()>,
}

impl View<'_> {
    fn draw(&self) -> Vec<Html> {
        match self.handle.purchase().state() {
            State::Idle => self.offer(false, None),
            State::Requesting { trouble, .. } => {
                let mut drawn = self.offer(true, trouble.as_ref());
                drawn.push(self.about_sealed("about", false));
                drawn
            }
            State::AwaitingPayment { order, trouble } => {
                // Sealed goods open without the store's word.
                let is_alone = order.manifest.is_some() && trouble.is_some();
                let about = self.about_sealed("invoice", is_alone);
                vec![self.invoice(trouble.clone()), about]
            }
            State::Expired { .. } => vec![self.expired()],
            State::Refused { failure, order, .. } => {
                match self.handle.purchase().moved_price().zip(order.as_ref()) {
                    Some((price, order)) => vec![self.moved(price, order)],
                    None => vec![self.refused(failure)],
                }
            }
            State::Failed { problem, .. } => vec![self.failed(problem)],
            State::Paid { trouble, .. } => self.paid(trouble.as_ref()),
            State::Undelivered { order, reason, .. } => vec![self.undelivered(order, reason)],
            State::Delivered { order, .. } => match self.taken.zip(self.handle.goods()) {
                None => self.paid(None),
                Some((taken, goods)) => vec![self.goods(order, taken, &goods)],
            },
        }
    }

    fn offer(&self, busy: bool, trouble: Option<&Tries>) -> Vec<Html> {
        let gateway = self.props.client.gateway();
        let on_buy = self.on(Handle::buy);
        let offer = offer(gateway, &self.props.item, busy, self.focus, &on_buy);
        let mut drawn = vec![offer];
        drawn.extend(self.trouble(trouble));
        drawn
    }

    /// How far the check of sealed goods is, or that there is none; and how they open while the store is away.
    fn about_sealed(&self, class: &'static str, is_alone: bool) -> Html {
        let about = element("div", class);
        let about = if is_alone {
            let words =
                say("If you have paid, the preimage that your wallet shows opens the goods:");
            about.child(paragraph("", words)).child(self.proof())
        } else if self.props.item.sealed.is_some() && !self.handle.can_keep_sealed() {
            let words =
                say("This browser cannot open sealed goods here, so the store delivers them open.");
            about.child(element("p", "quiet").test("not-opened").text(words))
        } else if let Some(bar) = self.progress() {
            let words = say("Your browser checks the sealed goods before you pay.");
            let later = button("plain", "check-later", &self.on(Handle::check_later));
            let later = later.say("Check after paying").into();
            about
                .child(paragraph("quiet", words))
                .child(bar)
                .children((self.props.item.size >= HUGE).then_some(later))
        } else {
            return Html::default();
        };
        about.into()
    }

    fn invoice(&self, trouble: Option<Tries>) -> Html {
        let handle = self.handle.clone();
        let teller = Teller {
            site: self.props.site.clone(),
            at_once: self.handle.at_once().clone(),
            on_event: Callback::from(move |event| match event {
                Event::Wallet {
                    wallet: Wallet::Paying,
                    ..
                } => handle.tell_wallet(),
                event => {
                    handle.send(event);
                    true
                }
            }),
        };
        html! {
            <InvoicePanel purchase={self.handle.purchase().clone()}
                gateway={self.props.client.gateway().clone()} clock={self.props.client.clock().clone()} title={self.props.item.title.clone()}
                {trouble} focus={self.focus} {teller} link={self.link().unwrap_or_default()}
                lost_with_the_page={self.handle.is_lost_with_the_page()}
                on_retry={self.on(Handle::retry)} on_close={self.on(Handle::put_away)} />
        }
    }

    fn expired(&self) -> Html {
        let comfort = say(
            "Nothing was taken from you. If you did pay it at the last moment, it opens by itself.",
        );
        self.notice(
            "expired",
            say("This invoice has expired"),
            vec![paragraph("", comfort), self.new_invoice("main")],
        )
    }

    fn refused(&self, failure: &FailedCheck) -> Html {
        let (before, after) = say_around("Your browser checked it, and {0}.");
        let why = element("p", "")
            .text(before)
            .child(with_code(&failed_check(failure)))
            .text(after);
        // Another invoice of this store would be the same.
        let meaning = match failure {
            FailedCheck::Payee { .. } => Some(say("Somebody else would get the money.")),
            FailedCheck::Network { .. } => Some(say("The money would not reach the store.")),
            FailedCheck::AboveMaximum { .. } => {
                Some(say("The page promises you to ask for no more."))
            }
            _ => None,
        };
        let remedy = match failure {
            _ if meaning.is_some() => Some(say(
                "Another invoice would not help. Load the page again; if this stays, tell whoever \
                 runs the page.",
            )),
            FailedCheck::Amount { .. } => Some(say(
                "The store may have another price by now. Load the page again to see it.",
            )),
            _ => None,
        };
        let way = if meaning.is_some() {
            button("plain", "close", &self.on(Handle::put_away))
                .say("Close")
                .into()
        } else {
            self.new_invoice("main")
        };
        let mut children = vec![why.into()];
        for words in [meaning, remedy].into_iter().flatten() {
            children.push(paragraph("", words));
        }
        children.extend([nothing_payable(), way]);
        self.notice("refused", say("Do not pay this invoice"), children)
    }

    /// The rate moved so far that the buyer has to agree.
    fn moved(&self, price: Msat, order: &Order) -> Html {
        let shown = amount(self.handle.purchase().terms().price_msat);
        let price = amount(price);
        let words = say_of(
            "The price follows an exchange rate. This page showed {0}; the invoice asks for {1}.",
            &[&shown, &price],
        );
        let agree = button("main", "agree", &self.on(Handle::agree))
            .text(say_of("Go on with {0}", &[&price]));
        let ways = element("div", "ways")
            .child(agree)
            .child(self.new_invoice("plain"));
        let mut children = vec![paragraph("", words)];
        children.extend(rate(&order.invoice));
        children.extend([nothing_payable(), ways.into()]);
        self.notice("moved", say("The price has moved"), children)
    }

    fn failed(&self, problem: &Problem) -> Html {
        let may_be_paid = self.handle.purchase().may_be_paid();
        let heading = if may_be_paid && problem.code == ErrorCode::UnknownInvoice {
            say("This payment can no longer be confirmed here")
        } else {
            say("The store could not go on")
        };
        let why = paragraph("", problem_text(problem));
        let mut children = vec![why];
        if may_be_paid {
            children.extend(self.unknown_payment());
        } else {
            children.push(paragraph("quiet", say("You have not been charged.")));
        }
        if !self.handle.may_start_over() {
            children.push(in_flight());
        }
        children.push(self.retry_or_start_over());
        self.notice("failed", heading, children)
    }

    /// The truth where nobody can tell whether the buyer has paid, and the way on for those who did.
    fn unknown_payment(&self) -> [Html; 3] {
        let words = say(
            "We cannot tell whether this was paid, so this browser keeps the ticket. If you did \
             pay, your wallet shows a preimage as the proof. It opens what you bought:",
        );
        [paragraph("quiet", words), self.proof(), self.asides(vec![])]
    }

    fn proof(&self) -> Html {
        let handle = self.handle.clone();
        proof_form(Callback::from(move |preimage| {
            let fits = handle.purchase().is_proved_by(preimage);
            handle.send(Event::WalletPaid { preimage });
            fits
        }))
    }

    fn paid(&self, trouble: Option<&Tries>) -> Vec<Html> {
        let stage = self.is_box().then(|| {
            let opened = box_view(self.props.item.sha256, true);
            element("div", "stage lit").child(opened).into()
        });
        let mut words = vec![paragraph("", say("What you bought is coming…"))];
        words.extend(self.progress());
        words.extend(self.trouble(trouble));
        let mut drawn = Vec::from_iter(stage);
        drawn.push(self.notice("paid", say("Paid. Thank you!"), words));
        drawn
    }

    fn is_box(&self) -> bool {
        self.props.item.scene == api::Scene::Box
    }

    /// How much of large goods has arrived.
    fn progress(&self) -> Option<Html> {
        let size = self.props.item.size;
        let received = self.handle.received().filter(|_| size >= LARGE)?;
        let bar = element("progress", "")
            .test("progress")
            .attribute("aria-label", say("Goods received"))
            .attribute("max", decimal(size))
            .attribute("value", decimal(received));
        Some(bar.into())
    }

    fn undelivered(&self, order: &Order, reason: &Undelivered) -> Html {
        if self.is_over(order) {
            return self.over(order);
        }
        let why = match reason {
            Undelivered::Problem(problem) => problem_text(problem),
            Undelivered::WrongContent { .. } => {
                say("What came is not what the invoice promised, so it is not shown.")
            }
            Undelivered::FalseKey => say(
                "The key that was sold does not open these goods: the store lied. Whoever has the \
                 evidence and the sealed goods can check that.",
            ),
        };
        let comfort = say("Your payment is safe: this browser keeps the ticket.");
        let mut children = vec![element("p", "").test("failed").text(why).into()];
        children.extend(self.until(order));
        children.extend([
            paragraph("quiet", comfort),
            self.asides(self.evidence(order, reason)),
            self.retry_or_start_over(),
        ]);
        self.notice("paid", say("Paid, but not here yet"), children)
    }

    /// What convicts a store that lied.
    fn evidence(&self, order: &Order, reason: &Undelivered) -> Vec<Html> {
        let State::Undelivered { preimage, .. } = self.handle.purchase().state() else {
            return Vec::new();
        };
        let (Undelivered::FalseKey, Some(manifest), Some(preimage)) =
            (reason, &order.manifest, *preimage)
        else {
            return Vec::new();
        };
        let item = &self.props.item;
        let size = order.size.unwrap_or(item.size);
        let receipt = Receipt::new(order, preimage, item.id.clone(), size);
        let token_id = Digest(order.claim.identifier().token_id).to_hex();
        let evidence = receipt.map(|receipt| evidence_button(receipt, manifest, &token_id));
        let sealed = Sealed::sold(self.props.client.gateway(), item, manifest);
        let on_save = Callback::from(move |()| sealed.save());
        let ciphertext = button("link", "save-sealed", &on_save).say("Save the sealed goods");
        let mut evidence = Vec::from_iter(evidence);
        evidence.push(ciphertext.into());
        evidence
    }

    fn is_over(&self, order: &Order) -> bool {
        let now = self.props.client.clock().now();
        order.claim.valid_until().is_some_and(|end| end < now)
    }

    fn until(&self, order: &Order) -> Option<Html> {
        until(&order.claim, self.props.client.clock())
    }

    /// Goods that were limited in time, and cannot be had any more.
    fn over(&self, order: &Order) -> Html {
        let mut children = Vec::from_iter(self.until(order));
        children.push(self.start_over("plain"));
        self.notice("over", say("Its time is over"), children)
    }

    fn goods(&self, order: &Order, taken: bool, goods: &Goods) -> Html {
        let item = &self.props.item;
        let (handle, id) = (self.handle.clone(), item.id.clone());
        let on_save = Callback::from(move |()| handle.save(&id));
        let not_saved = self.handle.is_not_saved().then(|| {
            let words = say(
                "The goods are not saved: this browser has no room for them, or a part of them cannot \
                 be fetched now.",
            );
            element("p", "quiet").test("not-saved").text(words).into()
        });
        let stage = (!taken).then(|| {
            element("div", "stage lit")
                .child(content_view(item, goods, self.focus, &on_save))
                .children(self.progress())
                .children(not_saved)
                .children(self.joy())
                .into()
        });
        let again = if self.props.off_the_shelf {
            self.start_over("link")
        } else {
            button("link", "buy-again", &self.on(Handle::start_over))
                .say("Buy another")
                .into()
        };
        let mut asides = Vec::from_iter(self.save_receipt(goods));
        asides.push(again);
        let badge = element("p", "badge")
            .test("paid")
            .child(drawing(PAW))
            .say("Paid. It is yours.");
        let told = order.wallet != Wallet::Untold || allowance::load().is_some();
        let about = element("div", "about")
            .child(
                element("h2", "")
                    .part("title")
                    .attribute("dir", "auto")
                    .text(item.title.clone()),
            )
            .child(badge)
            .children(self.until(order))
            .child(self.asides(asides))
            .children(told.then(|| one_click(self.again.clone())));
        element("slot", "")
            .attribute("name", "paid")
            .children(stage)
            .child(about)
            .into()
    }

    /// The link's button, and others of its kind.
    fn asides(&self, others: Vec<Html>) -> Html {
        let asides = element("div", "asides")
            .children(self.link().map(|link| copy_link(&link)))
            .children(others);
        let lost = self.handle.is_lost_with_the_page();
        element("div", "")
            .children(lost.then(not_kept))
            .child(asides)
            .into()
    }

    fn save_receipt(&self, goods: &Goods) -> Option<Html> {
        let State::Delivered {
            order,
            preimage: Some(preimage),
        } = self.handle.purchase().state()
        else {
            return None;
        };
        let id = self.props.item.id.clone();
        let size = goods.size().or(order.size);
        let size = size.unwrap_or(self.props.item.size);
        let receipt = Receipt::new(order, *preimage, id, size)?;
        Some(receipt_button(receipt))
    }

    fn link(&self) -> Option<AttrValue> {
        let link = Link {
            item: self.props.item.id.clone(),
            purchase: self.handle.purchase().saved()?,
        };
        Some(self.props.client.gateway().link(&link).into())
    }

    fn trouble(&self, tries: Option<&Tries>) -> Option<Html> {
        tries.map(|tries| trouble_line(&tries.trouble, &self.on(Handle::retry)))
    }

    fn notice(&self, name: &'static str, heading: AttrValue, mut rest: Vec<Html>) -> Html {
        let eyebrow = paragraph("eyebrow", self.props.item.title.clone());
        rest.insert(0, eyebrow);
        notice(name, heading, self.focus, rest)
    }

    fn new_invoice(&self, class: &'static str) -> Html {
        if self.props.off_the_shelf {
            return self.start_over(class);
        }
        if self.handle.purchase().is_in_flight() {
            return in_flight();
        }
        let on_click = self.on(Handle::replace);
        button(class, "new-invoice", &on_click)
            .say("Get a new invoice")
            .into()
    }

    fn retry_or_start_over(&self) -> Html {
        element("div", "ways")
            .child(button("main", "retry", &self.on(Handle::retry)).say("Try again"))
            .children(
                self.handle
                    .may_start_over()
                    .then(|| self.start_over("plain")),
            )
            .into()
    }

    fn start_over(&self, class: &'static str) -> Html {
        if self.props.off_the_shelf {
            // There is nothing to buy instead. The purchase stays where the next look finds it.
            return button(class, "put-away", &self.on(Handle::put_away))
                .say("Close")
                .into();
        }
        button(class, "start-over", &self.on(Handle::start_over))
            .say("Start over")
            .into()
    }

    /// A small celebration of the payment, but not after a reload.
    fn joy(&self) -> Option<Html> {
        let paws = || element("div", "joy").attribute("aria-hidden", "true");
        (self.attended.get() && self.is_box())
            .then(|| paws().children((0..6).map(|_| drawing(PAW))).into())
    }

    fn on(&self, act: fn(&Handle)) -> Callback<()> {
        let (handle, attended) = (self.handle.clone(), self.attended.clone());
        Callback::from(move |()| {
            attended.set(true);
            act(&handle);
        })
    }
}

/// Why there is no other invoice yet.
fn in_flight() -> Html {
    let words = say(
        "Your wallet may still pay this invoice. You can get another one once the store’s node says that it \
         is over.",
    );
    element("p", "quiet").test("in-flight").text(words).into()
}

fn nothing_payable() -> Html {
    let words =
        say("Nothing payable is shown. If you did pay this invoice before, it opens by itself.");
    paragraph("quiet", words)
}

/// A sentence whose keys and hashes are set as code, so that they can be told from the words.
fn with_code(sentence: &str) -> Html {
    sentence
        .split_inclusive(' ')
        .fold(element("strong", ""), |strong, word| {
            match word.trim_end_matches([' ', ',']) {
                key if key.len() >= 64 => strong
                    .child(element("code", "").text(key.to_owned()))
                    .text(word[key.len()..].to_owned()),
                _ => strong.text(word.to_owned()),
            }
        })
        .into()
}
