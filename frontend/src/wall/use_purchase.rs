//! The purchase in a component: the only place where a job becomes a fetch or a timer.
//!
//! Each decision is [`Purchase::update`]'s. What is here starts the job of the moment, ends it
//! when another takes its place or the component goes, and keeps the purchase in storage.

use std::cell::{Cell, RefCell};
use std::mem;
use std::rc::Rc;
use std::time::Duration;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::Array;
use shared::api::{Item, ItemId, PurchaseId};
use shared::claim::Claim;
use shared::content::ContentHash;
use shared::invoice::Terms;
use shared::lightning::Preimage;
use shared::purchase::{Event, Job, Purchase, Saved, State, Task, Trouble, Wallet};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, PageTransitionEvent, VisibilityState};
use yew::prelude::*;

use crate::browser::allowance;
use crate::browser::client::Client;
use crate::browser::clock::Clock;
use crate::browser::download;
use crate::browser::goods::{Arriving, Goods, harmless};
use crate::browser::sealed::{Failure, Sealed, can_open};
use crate::browser::storage::Slot;
use crate::hooks::{State as Value, use_effect_on, use_value};

/// How much longer than a status question's own wait its answer may take, and how long any other
/// short answer may take, in seconds. After that the connection counts as dead.
const PATIENCE_SECS: u64 = 15;

/// How many bytes are read of goods whose size no stored purchase knows.
const LARGEST: u64 = 4 << 30;

/// Holds one item's purchase, and runs it.
#[hook]
pub fn use_purchase(client: &Client, item: &Rc<Item>, terms: &Terms) -> Handle {
    let slot = Slot::new(client.gateway(), &item.id);
    let kept = use_ref(Kept::new);
    let received = use_value(|| None);
    let buying = use_reducer(|| Buying::restored(terms.clone(), &slot));
    let at_once = use_ref(|| Cell::new(false));
    let newest = use_mut_ref(|| Purchase::new(terms.clone()));
    newest.replace(buying.purchase.clone());

    use_effect_on(terms.clone(), {
        let answer = buying.dispatcher();
        move |terms: &Terms| answer.dispatch(Action::Event(Event::Terms(terms.clone())))
    });
    // The order of these two effects matters: stored first, asked for second.
    use_effect_on(buying.purchase.saved(), {
        let slot = slot.clone();
        move |saved: &Option<Saved>| {
            if let Some(saved) = saved {
                slot.save(saved);
            }
        }
    });
    // Each job has a round of its own, which is less to compare.
    use_effect_on(buying.purchase.round(), {
        let shell = Shell {
            client: client.clone(),
            item: item.clone(),
            kept: kept.clone(),
            received: received.clone(),
            answer: buying.dispatcher().into(),
        };
        let buying = buying.clone();
        move |_: &u32| {
            let running = buying.purchase.job().map(|job| start(job, shell));
            move || drop(running)
        }
    });
    use_effect_on((), {
        let answer: Callback<Action> = buying.dispatcher().into();
        move |(): &()| {
            let listeners = listen(&answer.reform(|()| Action::Event(Event::Recheck)));
            move || drop(listeners)
        }
    });
    Handle {
        buying,
        slot,
        received,
        clock: client.clock().clone(),
        at_once,
        newest,
        kept,
    }
}

/// What a component can see of its purchase, and do with it.
pub struct Handle {
    buying: UseReducerHandle<Buying>,
    slot: Slot,
    received: Value<Option<u64>>,
    clock: Clock,
    at_once: Rc<Cell<bool>>,
    /// The purchase as it was drawn last, also for a handle that was drawn before: a wallet may take minutes.
    newest: Rc<RefCell<Purchase>>,
    kept: Rc<Kept>,
}

impl Handle {
    /// Where the purchase stands.
    pub fn purchase(&self) -> &Purchase {
        &self.buying.purchase
    }

    /// The goods, once they are here and are what was promised.
    pub fn goods(&self) -> Option<Rc<Goods>> {
        self.buying.goods.clone()
    }

    /// Its place in storage.
    pub fn slot(&self) -> &Slot {
        &self.slot
    }

    /// How many bytes of the goods have come, while they are on their way; or, of sealed goods that are not
    /// paid for, how many are checked.
    pub fn received(&self) -> Option<u64> {
        self.received.get()
    }

    /// Whether this browser keeps sealed goods, and so can open them.
    pub fn can_keep_sealed(&self) -> bool {
        self.kept.can_keep.get()
    }

    /// Checks the rest of the sealed goods when they are paid for.
    pub fn check_later(&self) {
        self.kept.later.abort();
    }

    /// Saves the goods as a file. What is played while it is sealed is opened for that, and has to be what was promised.
    pub fn save(&self, item: &ItemId) {
        let Some(goods) = self.goods() else { return };
        let name = download::file_name(item.as_str(), goods.content_type());
        if let Some(blob) = goods.blob() {
            download::save(blob, &name);
        } else if let Some(sealed) = goods.sealed().filter(|_| self.received().is_none()) {
            let sealed = sealed.clone().whole();
            let (kept, received) = (self.kept.clone(), self.received.clone());
            let answer = self.buying.dispatcher();
            kept.not_saved.set(false);
            received.set(Some(0));
            spawn_local(async move {
                match sealed.call("open", &sealed.life(), &received).await {
                    Ok(parts) => {
                        let saved = harmless(parts.unchecked_ref());
                        let saved = saved.map(|blob| download::save(&blob, &name));
                        kept.not_saved.set(saved.is_err());
                    }
                    Err(Failure::Key) => answer.dispatch(Action::FalseKey(sealed)),
                    Err(_) => kept.not_saved.set(true),
                }
                received.set(None);
            });
        }
    }

    /// Whether the goods could not be opened to save them, for want of room or of the rest of them.
    pub fn is_not_saved(&self) -> bool {
        self.kept.not_saved.get()
    }

    /// Whether the browser refused to keep the purchase, so that it ends with the page.
    pub fn is_lost_with_the_page(&self) -> bool {
        self.slot.is_lost_with_the_page()
    }

    /// Tells the purchase what happened.
    pub fn send(&self, event: Event) {
        self.buying.dispatch(Action::Event(event));
    }

    /// Buys, or goes on with what this browser has begun to buy, perhaps in another tab or in another
    /// element of this page: what is begun is stored at once, before anything is drawn. Where the buyer has
    /// pressed something for that, and not a script, a wallet may pay without another question.
    pub fn buy(&self) {
        self.at_once.set(allowance::is_pressed());
        let event = if let Some(saved) = self.slot.load() {
            Event::Restore(Box::new(saved))
        } else {
            let purchase_id = random_purchase_id();
            self.slot.save(&Saved::begun(purchase_id));
            Event::Buy { purchase_id }
        };
        self.send(event);
    }

    /// Asks for an invoice in place of the one that expired or was refused; for the one that
    /// another tab or element has asked for meanwhile, if there is one. It is stored at once, too.
    pub fn replace(&self) {
        self.at_once.set(false);
        let mine = self.heard();
        if mine.is_in_flight() {
            return;
        }
        let mine = mine.saved();
        let others = self.slot.load().map(|saved| saved.purchase_id);
        let purchase_id = match (&mine, others) {
            (Some(mine), Some(other)) if mine.purchase_id != other => other,
            _ => random_purchase_id(),
        };
        if let Some(mut mine) = mine {
            let mut begun = Saved::begun(purchase_id);
            begun.earlier = mem::take(&mut mine.earlier);
            begun.earlier.push(mine);
            self.slot.save(&begun);
        }
        self.send(Event::Replace { purchase_id });
    }

    /// Takes the price that the rate has moved to.
    pub fn agree(&self) {
        self.send(Event::Agree);
    }

    /// A wallet is to be told to pay what is shown. Returns whether it may be; that it was told is stored then.
    pub fn tell_wallet(&self) -> bool {
        let purchase = self.heard();
        let now = self.clock.now();
        let Some(order) = purchase.payable(now).filter(|_| purchase.may_tell_wallet()) else {
            return false;
        };
        let payment_hash = order.invoice.payment_hash;
        let paying = || Event::Wallet {
            payment_hash,
            wallet: Wallet::Paying,
        };
        let told = purchase.update(paying());
        if let Some(saved) = told.saved() {
            self.slot.save(&saved);
        }
        self.newest.replace(told);
        self.send(paying());
        true
    }

    /// Whether the buyer has just pressed "buy", and has seen no question since. Whoever takes it may pay at once.
    pub fn at_once(&self) -> &Rc<Cell<bool>> {
        &self.at_once
    }

    /// Whether another purchase may take the place of this one.
    pub fn may_start_over(&self) -> bool {
        self.purchase().may_start_over(self.clock.now())
    }

    /// The purchase, once it has heard what other tabs have told wallets.
    fn heard(&self) -> Purchase {
        let purchase = self.newest.borrow().clone();
        match self.slot.load() {
            Some(Saved {
                told: true,
                claim: Some(claim),
                ..
            }) if !purchase.is_in_flight() => {
                let silent = || Event::Wallet {
                    payment_hash: claim.payment_hash(),
                    wallet: Wallet::Silent,
                };
                self.send(silent());
                purchase.update(silent())
            }
            _ => purchase,
        }
    }

    /// Tries again what failed.
    pub fn retry(&self) {
        self.send(Event::Retry);
    }

    /// Puts the purchase away. An unpaid one stays in storage: its invoice may be paid yet, and
    /// the next "buy" goes on with it.
    pub fn put_away(&self) {
        self.at_once.set(false);
        self.send(Event::Reset);
    }

    /// Starts over with a new purchase. What has a ticket stays in storage under a name of its own. What a wallet may
    /// pay yet is put away only.
    pub fn start_over(&self) {
        let mine = self.heard();
        let is_mine = |there: &Saved| {
            mine.saved()
                .is_none_or(|mine| mine.purchase_id == there.purchase_id)
        };
        // Another tab may have gone on with another invoice.
        if mine.may_start_over(self.clock.now()) && self.slot.load().as_ref().is_none_or(is_mine) {
            self.slot.clear();
        }
        self.put_away();
    }
}

/// The purchase, and its goods beside it: they are too large for the machine to carry.
struct Buying {
    purchase: Purchase,
    goods: Option<Rc<Goods>>,
}

enum Action {
    Event(Event),
    Goods {
        round: u32,
        sha256: ContentHash,
        goods: Rc<Goods>,
    },
    /// The key does not open the goods that are here.
    FalseKey(Sealed),
}

impl Buying {
    fn restored(terms: Terms, slot: &Slot) -> Self {
        let purchase = Purchase::new(terms);
        let purchase = match slot.load() {
            Some(saved) => purchase.update(Event::Restore(Box::new(saved))),
            None => purchase,
        };
        Self {
            purchase,
            goods: None,
        }
    }
}

impl Reducible for Buying {
    type Action = Action;

    /// The same `Rc` where nothing changed, so that nothing is drawn again.
    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let (event, arrived) = match action {
            Action::Event(event) => (event, None),
            Action::Goods {
                round,
                sha256,
                goods,
            } => (Event::Content { round, sha256 }, Some(goods)),
            Action::FalseKey(sealed) => {
                let here = self.goods.as_ref().and_then(|goods| goods.sealed());
                if here != Some(&sealed) {
                    return self;
                }
                let round = self.purchase.round();
                (Event::FalseKey { round }, None)
            }
        };
        let purchase = self.purchase.clone().update(event);
        if purchase == self.purchase {
            return self;
        }
        let delivered = matches!(purchase.state(), State::Delivered { .. });
        let goods = arrived.or_else(|| self.goods.clone()).filter(|_| delivered);
        Rc::new(Self { purchase, goods })
    }
}

/// What outlives a job.
struct Kept {
    arriving: RefCell<Arriving>,
    /// Aborted if the buyer leaves the check of sealed goods for later.
    later: AbortController,
    /// Whether the browser keeps sealed goods, as far as is known.
    can_keep: Cell<bool>,
    /// Whether the goods were to be saved, and could not be.
    not_saved: Cell<bool>,
}

impl Kept {
    fn new() -> Self {
        Self {
            arriving: RefCell::default(),
            later: new_controller(),
            can_keep: Cell::new(can_open()),
            not_saved: Cell::new(false),
        }
    }
}

/// What jobs need.
struct Shell {
    client: Client,
    item: Rc<Item>,
    kept: Rc<Kept>,
    received: Value<Option<u64>>,
    answer: Callback<Action>,
}

/// A job that runs; dropping it ends it.
struct Running {
    _pause: Timeout,
    controller: AbortController,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.controller.abort();
    }
}

fn start(job: Job, shell: Shell) -> Running {
    let controller = new_controller();
    let pause = Timeout::new(shortened(job.delay), {
        let controller = controller.clone();
        move || {
            spawn_local(async move {
                // An aborted job fails too, but its round is over then, so that changes nothing.
                let action = run(job, &shell, &controller).await;
                shell.answer.emit(action);
            });
        }
    });
    Running {
        _pause: pause,
        controller,
    }
}

fn new_controller() -> AbortController {
    AbortController::new().expect("fetch, and so its abort, exists")
}

/// By a random part of up to a half, so that many buyers do not come back in step.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "delays are seconds, never negative"
)]
fn shortened(delay: Duration) -> u32 {
    let part = 1.0 - js_sys::Math::random() / 2.0;
    (delay.as_secs_f64() * 1000.0 * part) as u32
}

async fn run(job: Job, shell: &Shell, controller: &AbortController) -> Action {
    let round = job.round;
    let (client, item) = (&shell.client, &shell.item.id);
    let signal = controller.signal();
    let mut files = None;
    if let Some((function, goods)) = shell.sealed(&job.task) {
        let is_offered = matches!(job.task, Task::CreateInvoice { .. });
        match goods.call(function, &signal, &shell.received).await {
            Ok(opened) => files = Some((opened, goods)),
            Err(Failure::Key) => return Action::Event(Event::FalseKey { round }),
            // Nothing has to be checked or opened then: the store delivers.
            Err(Failure::Room) => shell.kept.can_keep.set(false),
            Err(Failure::Lie) if is_offered => {
                return Action::Event(Event::WrongCiphertext { round });
            }
            Err(Failure::Away) if is_offered => {
                let trouble = Trouble::Offline;
                return Action::Event(Event::Failed { round, trouble });
            }
            // The store may deliver what no host has.
            Err(_) => {}
        }
    }
    let _deadline = job.task.deadline(controller.clone());
    let event = match job.task {
        Task::CreateInvoice { purchase_id } => client
            .create_invoice(item, purchase_id, &signal)
            .await
            .map(|created| Event::Created {
                round,
                created: Box::new(created),
            }),
        Task::AskStatus { claim, wait_secs } => client
            .ask_status(&claim, wait_secs, &signal)
            .await
            .map(|status| Event::Status {
                round,
                payment_hash: claim.payment_hash(),
                status,
            }),
        Task::FetchContent {
            claim,
            preimage,
            size,
            sealed,
        } => {
            let arrived = if let Some(((opened, goods), (_, promised))) = files.zip(sealed) {
                shell.watch(goods.clone());
                let goods = Goods::opened(opened, &shell.item.content_type, goods).await;
                Ok((goods, promised))
            } else {
                let size = size.unwrap_or(LARGEST);
                let arrived = shell.fetch(&claim, preimage, size, controller).await;
                match arrived {
                    Ok((parts, content_type, sha256)) => {
                        Ok((Goods::new(&parts, &content_type).await, sha256))
                    }
                    Err(trouble) => Err(trouble),
                }
            };
            match arrived {
                Ok((Ok(goods), sha256)) => {
                    return Action::Goods {
                        round,
                        sha256,
                        goods: goods.into(),
                    };
                }
                // No room: the next try may find some.
                Ok((Err(_), _)) => Err(Trouble::Unreadable),
                Err(trouble) => Err(trouble),
            }
        }
    };
    Action::Event(event.unwrap_or_else(|trouble: Trouble| Event::Failed { round, trouble }))
}

/// What has come: pieces, their type, and their hash.
type Arrived = (Array, String, ContentHash);

impl Shell {
    /// What has to be done with sealed goods before the rest of a task, if anything: they are checked before there is an
    /// invoice, and opened once they are paid for. What the store no longer lists it delivers, with its type.
    fn sealed(&self, task: &Task) -> Option<(&'static str, Sealed)> {
        let (gateway, item) = (self.client.gateway(), &self.item);
        match task {
            Task::CreateInvoice { .. } if self.kept.can_keep.get() => {
                let later = self.kept.later.signal();
                Some(("check", Sealed::offered(gateway, item, &later)?))
            }
            Task::FetchContent {
                claim,
                preimage: Some(preimage),
                sealed: Some((manifest, promised)),
                ..
            } if self.kept.can_keep.get() && !item.content_type.is_empty() => {
                let goods = Sealed::sold(gateway, item, manifest);
                Some(("open", goods.paid(claim, *preimage, *promised)))
            }
            _ => None,
        }
    }

    /// Hears whether the key turns out to be false while the goods are played.
    fn watch(&self, sealed: Sealed) {
        let answer = self.answer.clone();
        spawn_local(async move {
            if sealed.turn_out_false().await {
                answer.emit(Action::FalseKey(sealed));
            }
        });
    }

    async fn fetch(
        &self,
        claim: &Claim,
        preimage: Option<Preimage>,
        size: u64,
        controller: &AbortController,
    ) -> Result<Arrived, Trouble> {
        let goes_on = |received| {
            self.received.set(Some(received));
            received <= size
        };
        let fetching = self.client.fetch_content(
            &self.item.id,
            claim,
            preimage,
            &self.kept.arriving,
            controller,
            goes_on,
        );
        fetching.await?;
        let arrived = self.kept.arriving.take();
        let content_type = arrived.content_type.clone();
        let (parts, sha256) = arrived.finish();
        self.received.set(None);
        Ok((parts, content_type, sha256))
    }
}

/// When a job counts as failed. Goods may take as long as they like, while they come.
trait Deadline {
    fn deadline(&self, controller: AbortController) -> Option<Timeout>;
}

impl Deadline for Task {
    fn deadline(&self, controller: AbortController) -> Option<Timeout> {
        let secs = match self {
            Self::CreateInvoice { .. } => PATIENCE_SECS,
            Self::AskStatus { wait_secs, .. } => wait_secs + PATIENCE_SECS,
            Self::FetchContent { .. } => return None,
        };
        let millis = u32::try_from(secs * 1000).ok()?;
        Some(Timeout::new(millis, move || controller.abort()))
    }
}

/// Phones suspend pages while the wallet is open, and networks come and go: a question may have
/// died without a word.
fn listen(recheck: &Callback<()>) -> [EventListener; 3] {
    let (window, document) = (gloo_utils::window(), gloo_utils::document());
    let visible = {
        let (recheck, document) = (recheck.clone(), document.clone());
        EventListener::new(&document.clone(), "visibilitychange", move |_| {
            if document.visibility_state() == VisibilityState::Visible {
                recheck.emit(());
            }
        })
    };
    let shown = {
        let recheck = recheck.clone();
        EventListener::new(&window, "pageshow", move |event| {
            // Only from the back-forward cache; the first show has just begun its question.
            if event.unchecked_ref::<PageTransitionEvent>().persisted() {
                recheck.emit(());
            }
        })
    };
    let online = {
        let recheck = recheck.clone();
        EventListener::new(&window, "online", move |_| recheck.emit(()))
    };
    [visible, shown, online]
}

fn random_purchase_id() -> PurchaseId {
    let mut bytes = [0; 16];
    gloo_utils::window()
        .crypto()
        .and_then(|crypto| crypto.get_random_values_with_u8_array(&mut bytes))
        .expect("every browser with WebAssembly has crypto.getRandomValues");
    PurchaseId(bytes)
}
