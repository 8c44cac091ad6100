//! The wall before one item: from the offer to the goods.

use std::cell::Cell;
use std::rc::Rc;

use shared::api::Item;
use shared::invoice::Terms;
use shared::problem::Problem;
use shared::purchase::{Event, State, Tries, Undelivered};
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::client::Client;
use crate::components::announcements::announcements;
use crate::components::box_view::box_view;
use crate::components::content_view::{content_view, use_fitted_letters};
use crate::components::drawing::{PAW, drawing};
use crate::components::invoice_panel::InvoicePanel;
use crate::components::notice::notice;
use crate::components::offer::offer;
use crate::components::trouble::{problem_words, trouble_line};
use crate::hooks::use_purchase::{Handle, use_purchase};

/// What stands behind the wall, and what its invoice has to say.
#[derive(Clone, Properties, PartialEq)]
pub struct Props {
    /// The gateway that sells it.
    pub client: Client,
    /// The item.
    pub item: Rc<Item>,
    /// What an invoice must say before it is shown.
    pub terms: Terms,
    /// Told of each change, and of how things stand at the beginning.
    #[prop_or_default]
    pub on_change: Callback<Rc<Handle>>,
    /// Asked once when the goods are here: whether they are taken elsewhere, and not to be shown.
    #[prop_or_default]
    pub on_goods: Option<Callback<Rc<[u8]>, bool>>,
}

/// Draws the purchase where it stands.
#[component]
pub fn Wall(props: &Props) -> Html {
    let handle = Rc::new(use_purchase(&props.client, &props.item.id, &props.terms));
    let focus = use_node_ref();
    let purchase = handle.purchase();
    use_effect_with((purchase.clone(), props.on_change.clone()), {
        let handle = handle.clone();
        move |(_, on_change)| on_change.emit(handle)
    });
    let taken = use_taker(handle.goods(), props.on_goods.as_ref());
    let scene = Scene::of(purchase.state(), taken);
    let attended = use_attention(scene, &focus);
    let shown = handle.goods().filter(|_| taken == Some(false));
    use_fitted_letters(&props.item, shown.as_ref(), &focus);

    let view = View {
        props,
        handle: &handle,
        focus: &focus,
        attended: &attended,
        taken,
    };
    html! {
        <section class="wall" part="wall" data-scene={scene.name()} aria-label={props.item.title.clone()}>
            {view.draw()}
            {announcements(purchase)}
        </section>
    }
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

/// Moves the focus with the scene, but only for a buyer who is at it: a page that is loaded again
/// keeps its focus, though a purchase may be restored in it. The cell says whether one is.
#[hook]
fn use_attention(scene: Scene, focus: &NodeRef) -> Rc<Cell<bool>> {
    let attended = use_memo((), |()| Cell::new(false));
    use_effect_with((scene, focus.clone()), {
        let attended = attended.clone();
        move |(scene, focus)| {
            if attended.get()
                && let Some(element) = focus.cast::<HtmlElement>()
            {
                // An element that cannot be focused is only not read out.
                let _ = element.focus();
            }
            // Who sees an invoice may pay it at any moment, and will want to see the goods.
            if *scene == Scene::Invoice {
                attended.set(true);
            }
        }
    });
    attended
}

/// Whether the goods are taken elsewhere; `None` as long as it is not known.
#[hook]
fn use_taker(goods: Option<Rc<[u8]>>, taker: Option<&Callback<Rc<[u8]>, bool>>) -> Option<bool> {
    let taken = use_state_eq(|| None);
    use_effect_with(goods, {
        let (taken, taker) = (taken.setter(), taker.cloned());
        move |goods| {
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
        Some(_) => *taken,
    }
}

/// Draws each state; what the buyer does counts as attention.
struct View<'a> {
    props: &'a Props,
    handle: &'a Rc<Handle>,
    focus: &'a NodeRef,
    attended: &'a Rc<Cell<bool>>,
    taken: Option<bool>,
}

impl View<'_> {
    fn draw(&self) -> Html {
        match self.handle.purchase().state() {
            State::Idle => self.offer(false, None),
            State::Requesting { trouble, .. } => self.offer(true, trouble.as_ref()),
            State::AwaitingPayment { trouble, .. } => self.invoice(trouble.clone()),
            State::Expired { .. } => self.notice("expired", "This invoice has expired", html! {
                <>
                    <p>{"Nothing was taken from you. If you did pay it at the last moment, the box \
                        opens by itself."}</p>
                    {self.new_invoice()}
                </>
            }),
            State::Refused { failure, .. } => self.notice(
                "refused",
                "Do not pay this invoice",
                html! {
                    <>
                        <p>{"Your browser checked it, and "}<strong>{with_code(&failure.to_string())}</strong>
                            {"."}</p>
                        <p class="quiet">{"Nothing was paid, and nothing payable is shown."}</p>
                        {self.new_invoice()}
                    </>
                },
            ),
            State::Failed { problem, .. } => self.failed(problem),
            State::Paid { trouble, .. } => self.paid(trouble.as_ref()),
            State::Undelivered { reason, .. } => self.undelivered(reason),
            State::Delivered { .. } => match self.taken {
                None => self.paid(None),
                Some(taken) => self.goods(taken),
            },
        }
    }

    fn offer(&self, busy: bool, trouble: Option<&Tries>) -> Html {
        // In a widget, `slot` lets the site draw this itself; on a page it is nothing.
        html! {
            <>
                <slot name="locked">
                    {offer(&self.props.item, busy, self.focus, &self.on(Handle::buy))}
                </slot>
                {self.trouble(trouble)}
            </>
        }
    }

    fn invoice(&self, trouble: Option<Tries>) -> Html {
        let on_paid = {
            let handle = self.handle.clone();
            Callback::from(move |preimage| handle.send(Event::WalletPaid { preimage }))
        };
        html! {
            <InvoicePanel purchase={self.handle.purchase().clone()}
                clock={self.props.client.clock().clone()} title={self.props.item.title.clone()}
                {trouble} focus={self.focus} {on_paid}
                on_retry={self.on(|handle| handle.send(Event::Retry))}
                on_close={self.on(Handle::put_away)} />
        }
    }

    fn failed(&self, problem: &Problem) -> Html {
        self.notice("failed", "The store could not go on", html! {
            <>
                <p>{problem_words(problem)}</p>
                <p class="quiet">{"You have not been charged."}</p>
                <div class="ways">
                    {self.button("retry", "main", "Try again", |handle| handle.send(Event::Retry))}
                    {self.button("start-over", "plain", "Start over", Handle::start_over)}
                </div>
            </>
        })
    }

    fn paid(&self, trouble: Option<&Tries>) -> Html {
        html! {
            <>
                <div class="stage lit">
                    {box_view(self.props.item.sha256, true)}
                </div>
                {self.notice("paid", "Paid. Thank you!", html! {
                    <><p>{"The box is opening…"}</p>{self.trouble(trouble)}</>
                })}
            </>
        }
    }

    fn undelivered(&self, reason: &Undelivered) -> Html {
        let why = match reason {
            Undelivered::Problem(problem) => problem_words(problem),
            Undelivered::WrongContent { .. } => {
                "What came is not what the invoice promised, so it is not shown.".into()
            }
        };
        self.notice("paid", "Paid, but not here yet", html! {
            <>
                <p data-test="failed">{why}</p>
                <p class="quiet">{"Your payment is safe: this browser keeps the ticket."}</p>
                <div class="ways">
                    {self.button("retry", "main", "Try again", |handle| handle.send(Event::Retry))}
                    {self.button("start-over", "plain", "Start over", Handle::start_over)}
                </div>
            </>
        })
    }

    fn goods(&self, taken: bool) -> Html {
        let item = &self.props.item;
        let Some(bytes) = self.handle.goods() else {
            return Html::default();
        };
        html! {
            <slot name="paid">
                if !taken {
                    <div class="stage lit">
                        {content_view(item, &bytes, self.focus)}
                        {self.joy()}
                    </div>
                }
                <div class="about">
                    <h2 part="title">{&item.title}</h2>
                    <p class="badge" data-test="paid">{drawing(PAW)}{"Paid. It is yours."}</p>
                    {self.button("buy-again", "link", "Buy another", Handle::start_over)}
                </div>
            </slot>
        }
    }

    fn trouble(&self, tries: Option<&Tries>) -> Html {
        let on_retry = self.on(|handle| handle.send(Event::Retry));
        tries.map_or_else(Html::default, |tries| {
            trouble_line(&tries.trouble, &on_retry)
        })
    }

    fn notice(&self, name: &'static str, heading: &'static str, rest: Html) -> Html {
        let rest = html! { <><p class="eyebrow">{&self.props.item.title}</p>{rest}</> };
        notice(name, heading, self.focus, rest)
    }

    fn new_invoice(&self) -> Html {
        self.button("new-invoice", "main", "Get a new invoice", Handle::replace)
    }

    /// A small joy at the moment of payment; not for one who merely loads the page again.
    fn joy(&self) -> Html {
        if !self.attended.get() {
            return Html::default();
        }
        html! {
            <div class="joy" aria-hidden="true">{ for (0..6).map(|_| drawing(PAW)) }</div>
        }
    }

    fn button(
        &self,
        test: &'static str,
        class: &'static str,
        label: &'static str,
        act: impl Fn(&Handle) + 'static,
    ) -> Html {
        let onclick = self.on(act).reform(|_: MouseEvent| ());
        html! { <button type="button" {class} part="button" data-test={test} {onclick}>{label}</button> }
    }

    fn on(&self, act: impl Fn(&Handle) + 'static) -> Callback<()> {
        let (handle, attended) = (self.handle.clone(), self.attended.clone());
        Callback::from(move |()| {
            attended.set(true);
            act(&handle);
        })
    }
}

/// A sentence whose keys and hashes are set as code, so that they can be told from the words.
fn with_code(sentence: &str) -> Html {
    sentence
        .split_inclusive(' ')
        .map(|word| match word.trim_end_matches([' ', ',']) {
            key if key.len() >= 64 => html! { <><code>{key}</code>{&word[key.len()..]}</> },
            _ => html! { {word} },
        })
        .collect()
}
