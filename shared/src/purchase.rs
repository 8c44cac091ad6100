//! The purchase: from "buy" to the delivered goods, as a pure state machine.
//!
//! [`Purchase::update`] takes an event and gives the next purchase; [`Purchase::job`] says what the
//! shell (the browser, a test) has to run now. Time, randomness, storage and answers come in as
//! events, so the whole purchase is tested without any of them.
//!
//! | state | on screen | job |
//! |---|---|---|
//! | `Idle` | price, button | none |
//! | `Requesting` | busy | `CreateInvoice`, after all checks of a ciphertext |
//! | `AwaitingPayment` | QR code, countdown | `AskStatus`, waiting |
//! | `Expired` | offer a new invoice | none; `AskStatus` once after `Recheck` |
//! | `Refused` | the failed check | `AskStatus` once: it may be paid all the same |
//! | `Failed` | what happened, retry | none |
//! | `Paid` | busy, cannot be lost | `FetchContent` |
//! | `Undelivered` | what happened, retry | none |
//! | `Delivered` | the goods | none |
//!
//! Each job has a *round*, and its answer carries the same number; an answer to an older round
//! changes nothing. One exception: the word that an invoice was paid counts whenever it arrives.
//!
//! A wallet that was told to pay and has not answered may pay yet. Until lightningd says that its invoice is
//! paid or expired, the page keeps asking, the wallet is not told again, and no other invoice is asked for.
//!
//! An invoice that was replaced may have been paid all the same. Each is asked about once when
//! another one has come, after a reload, and whenever the page wakes up, before the state's own job.

use std::mem;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::api::{CreatedInvoice, InvoiceStatus, PurchaseId, Status};
use crate::claim::Claim;
use crate::content::{ContentHash, Description, commitment};
use crate::invoice::{FailedCheck, Invoice, Terms, check};
use crate::lightning::{Msat, PaymentHash, Preimage};
use crate::problem::Problem;
use crate::sealed::Manifest;

/// How long one status question waits for the payment, in seconds. The next follows at once.
const WAIT_SECS: u64 = 25;
/// Between two status questions, so that a server which answers at once is not hammered.
const BETWEEN_ROUNDS: Duration = Duration::from_millis(250);
/// The same for an invoice that is not shown any more, but may be paid by a wallet that was told to.
const BETWEEN_LATE_ROUNDS: Duration = Duration::from_secs(5);
/// How long a wallet may take to answer before the buyer is told that it has not.
pub const WALLET_PATIENCE: Duration = Duration::from_secs(30);
/// The longest pause before a failed job is tried again.
const MAX_BACKOFF: Duration = Duration::from_secs(15);
/// How many replaced orders are remembered once the store has called them expired. Browsers' storage
/// is small. An order that may have been paid is always remembered.
const MAX_EARLIER: usize = 8;

/// One buyer's purchase of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    terms: Terms,
    state: State,
    /// The number of the current job; grows with each new one.
    round: u32,
    /// Orders that another one took the place of, the latest last. Should one turn out paid, it
    /// counts.
    earlier: Vec<Earlier>,
    /// How many of them, from the first on, are to be asked about.
    unasked: usize,
    /// The buyer has seen that the key of the sealed goods is false, and wants them from the store.
    unsealed: bool,
}

/// An order that another one took the place of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Earlier {
    order: Order,
    /// The store has said that it expired unpaid.
    expired: bool,
}

/// An invoice with the ticket that belongs to it. Both were read; `claim` names the same payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The purchase that it was made for.
    pub purchase_id: PurchaseId,
    /// The buyer's ticket.
    pub claim: Claim,
    /// The decoded invoice, its signature verified.
    pub invoice: Invoice,
    /// The size of the goods in bytes, where the store said it.
    pub size: Option<u64>,
    /// What is known of the wallet that this page told to pay.
    pub wallet: Wallet,
    /// The manifest of what the payment opens, in its one form, if the goods are sold sealed. It passed every check.
    pub manifest: Option<String>,
}

/// What is known of a wallet that a page told to pay an invoice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wallet {
    /// None was told.
    #[default]
    Untold,
    /// One was told, and may answer yet.
    Paying,
    /// It has not answered for [`WALLET_PATIENCE`], or its answer went with the page that waited for it.
    Silent,
    /// It says that it paid, but gave no proof.
    SaysPaid,
    /// It says that it did not pay. A wallet whose own network failed says so, too, and may pay yet.
    Failed,
    /// Whatever it says, lightningd has said that the invoice expired unpaid.
    TooLate,
}

impl Wallet {
    /// Whether it may pay, or have paid, what lightningd has not spoken of yet.
    fn is_in_flight(self) -> bool {
        !matches!(self, Self::Untold | Self::TooLate)
    }
}

/// Where a purchase stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing was asked for.
    Idle,
    /// The invoice was asked for.
    Requesting {
        /// The purchase, stored before it was asked for.
        purchase_id: PurchaseId,
        /// Failed tries so far, and why the last one failed.
        trouble: Option<Tries>,
    },
    /// An invoice that passed every check waits for its payment. What may be shown as payable is
    /// [`Purchase::payable`].
    AwaitingPayment {
        /// What to pay.
        order: Order,
        /// Failed tries so far, and why the last one failed.
        trouble: Option<Tries>,
    },
    /// lightningd says that the invoice expired unpaid.
    Expired {
        /// What was not paid.
        order: Order,
        /// The status is being asked once more.
        asking: bool,
    },
    /// The invoice failed a check and is not shown.
    Refused {
        /// The check.
        failure: FailedCheck,
        /// The invoice, where it can be read and belongs to its claim.
        order: Option<Order>,
        /// The status is being asked once: an invoice paid before the price changed still counts.
        asking: bool,
    },
    /// Asking cannot help before something changes.
    Failed {
        /// The gateway's word.
        problem: Problem,
        /// The purchase, for the retry.
        purchase_id: PurchaseId,
        /// The invoice, if there was one already.
        order: Option<Order>,
    },
    /// Paid; the goods are on their way.
    Paid {
        /// What was paid.
        order: Order,
        /// The proof; `None` where the server gave none that fits the payment hash.
        preimage: Option<Preimage>,
        /// Failed tries so far, and why the last one failed.
        trouble: Option<Tries>,
    },
    /// Paid, but the goods cannot be had now.
    Undelivered {
        /// What was paid.
        order: Order,
        /// The proof.
        preimage: Option<Preimage>,
        /// Why.
        reason: Undelivered,
    },
    /// Paid, and the goods are here.
    Delivered {
        /// What was paid.
        order: Order,
        /// The proof.
        preimage: Option<Preimage>,
    },
}

/// Why paid goods are not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// The gateway refuses.
    Problem(Problem),
    /// The bytes are not those that the invoice promised.
    WrongContent {
        /// What the invoice promised.
        expected: ContentHash,
        /// What came.
        found: ContentHash,
    },
    /// The key that was sold does not make the promised goods of the ciphertext: the store lied, which the
    /// receipt proves with the manifest, the claim's token_id and the ciphertext.
    FalseKey,
}

/// Tries that failed in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tries {
    /// How many.
    pub count: u32,
    /// Why the last one failed.
    pub trouble: Trouble,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No answer: the network is away, or the gateway.
    Offline,
    /// An answer that is none of the gateway's: a proxy's page, a cut body.
    Unreadable,
    /// The gateway's own word.
    Problem(Problem),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The buyer wants the item. `purchase_id` is random and stored already.
    Buy {
        /// Names the new purchase.
        purchase_id: PurchaseId,
    },
    /// A purchase was found in storage.
    Restore(Box<Saved>),
    /// `CreateInvoice` was answered.
    Created {
        /// The job's.
        round: u32,
        /// The answer.
        created: Box<CreatedInvoice>,
    },
    /// A status question was answered.
    Status {
        /// The job's.
        round: u32,
        /// The invoice that was asked about.
        payment_hash: PaymentHash,
        /// The answer.
        status: InvoiceStatus,
    },
    /// All of the goods came.
    Content {
        /// The job's.
        round: u32,
        /// The hash of what came.
        sha256: ContentHash,
    },
    /// What the store itself gives as the ciphertext is another one.
    WrongCiphertext {
        /// The job's.
        round: u32,
    },
    /// The key does not make the promised goods of the ciphertext. That may turn out while they are played.
    FalseKey {
        /// The job's; or, of goods that are here, [`Purchase::round`].
        round: u32,
    },
    /// A job failed.
    Failed {
        /// The job's.
        round: u32,
        /// Why.
        trouble: Trouble,
    },
    /// The buyer's wallet, or the buyer, says that this proves the payment.
    WalletPaid {
        /// Checked against the payment hash; one that does not fit changes nothing.
        preimage: Preimage,
    },
    /// Something is known of the wallet that was told to pay this invoice.
    Wallet {
        /// The invoice.
        payment_hash: PaymentHash,
        /// What is known now.
        wallet: Wallet,
    },
    /// The page woke up, or the network is back: what was asked may have been lost.
    Recheck,
    /// The buyer wants a new invoice in place of an expired or refused one.
    Replace {
        /// Names the new purchase.
        purchase_id: PurchaseId,
    },
    /// The buyer agrees to [`Purchase::moved_price`].
    Agree,
    /// The buyer wants what failed tried again.
    Retry,
    /// The embedding page asks for something else now: another payee, a lower limit. An invoice
    /// that is not paid yet is checked again.
    Terms(Terms),
    /// The buyer starts over. The shell keeps every ticket in storage.
    Reset,
}

/// What the shell runs while the state lasts, and answers with an event of the same round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// To be repeated in the answer.
    pub round: u32,
    /// To be slept first. The shell shortens it by a random part, so that many buyers whose
    /// gateway was away do not come back in step.
    pub delay: Duration,
    /// What to do.
    pub task: Task,
}

/// The kinds of job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// `POST` [`crate::api::invoices_path`]; answer with [`Event::Created`]. If the terms name a ciphertext, it is
    /// fetched and checked first; one that is another gives [`Event::WrongCiphertext`].
    CreateInvoice {
        /// For the request's body.
        purchase_id: PurchaseId,
    },
    /// `GET` [`crate::api::INVOICE_PATH`]; answer with [`Event::Status`].
    AskStatus {
        /// For the header.
        claim: Claim,
        /// For the query; 0 asks without waiting.
        wait_secs: u64,
    },
    /// Open the ciphertext; or, if that cannot be done here, `GET` [`crate::api::content_path`]. Answer with
    /// [`Event::Content`], or with [`Event::FalseKey`].
    FetchContent {
        /// For the header.
        claim: Claim,
        /// For the header too; the claim alone is enough where lightningd knows the payment.
        preimage: Option<Preimage>,
        /// The size of the goods in bytes, where it is known: nothing beyond it is read.
        size: Option<u64>,
        /// The manifest of what the preimage opens, if the goods are sold sealed, and the hash of the promised ones.
        sealed: Option<(String, ContentHash)>,
    },
}

/// What is kept in the buyer's storage, so that a reload finds the purchase again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Alone, it finds everything else again, as long as the node knows the invoice.
    pub purchase_id: PurchaseId,
    /// The ticket, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// The invoice, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bolt11: Option<String>,
    /// What the invoice carries by its hash, where it was made for a code ([`crate::lnurl`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// The proof, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preimage: Option<Preimage>,
    /// The size of the goods in bytes, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// A wallet was told to pay the invoice, perhaps by another tab.
    #[serde(default, skip_serializing_if = "is_false")]
    pub told: bool,
    /// The manifest of what the payment opens, in its one form, if the goods are sold sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// What it took the place of, paid or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Self>,
}

/// For serde, which skips what is not worth storing.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Purchase {
    /// A purchase under these terms that nobody asked for yet.
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            state: State::Idle,
            round: 0,
            earlier: Vec::new(),
            unasked: 0,
            unsealed: false,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What the invoice has to say.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The order that may be shown as payable at `now` (UNIX seconds, the server's clock): it
    /// passed every check and has not expired. Nothing else is ever to be shown as a QR code.
    pub fn payable(&self, now: u64) -> Option<&Order> {
        match &self.state {
            State::AwaitingPayment { order, .. } if !order.invoice.is_expired(now) => Some(order),
            _ => None,
        }
    }

    /// Whether a wallet may be told to pay the order of the moment: none was, or it answered that it did not pay. The
    /// wallet is told of the same invoice then, which lightningd takes one payment for.
    pub fn may_tell_wallet(&self) -> bool {
        match &self.state {
            State::AwaitingPayment { order, .. } => {
                matches!(order.wallet, Wallet::Untold | Wallet::Failed)
            }
            _ => false,
        }
    }

    /// Whether a wallet that was told to pay may do so yet, so that another invoice could be paid besides. Only
    /// lightningd's word ends this.
    pub fn is_in_flight(&self) -> bool {
        self.unpaid_order()
            .is_some_and(|order| order.wallet.is_in_flight())
    }

    /// Whether the buyer may start over with another invoice at `now` (UNIX seconds, the server's clock). Where the
    /// store no longer answers for an invoice, its own end decides: lightningd takes no payment after it.
    pub fn may_start_over(&self, now: u64) -> bool {
        match &self.state {
            State::Failed {
                order: Some(order), ..
            } => !order.wallet.is_in_flight() || order.invoice.is_expired(now),
            _ => !self.is_in_flight(),
        }
    }

    /// What the invoice asks for, where all that speaks against it is that the rate has moved since
    /// the price was advertised: it is for the same price in the same currency, at a rate that it
    /// states. [`Event::Agree`] takes it.
    pub fn moved_price(&self) -> Option<Msat> {
        let State::Refused {
            order: Some(order), ..
        } = &self.state
        else {
            return None;
        };
        let stated = order.invoice.stated_rate()?;
        let price_msat = stated.msat()?;
        let terms = Terms {
            price_msat,
            ..self.terms.clone()
        };
        let same = self.terms.fiat_price == Some(stated.price)
            && order.invoice.amount_msat == Some(price_msat)
            && check(
                &order.invoice,
                order.claim.payment_hash(),
                &terms.expected(),
            )
            .is_ok();
        same.then_some(price_msat)
    }

    /// The replaced order that is being asked about.
    fn asked_earlier(&self) -> Option<&Order> {
        let latest = self.unasked.checked_sub(1)?;
        match self.state {
            State::AwaitingPayment { .. }
            | State::Expired { .. }
            | State::Refused { .. }
            | State::Failed { .. } => Some(&self.earlier.get(latest)?.order),
            _ => None,
        }
    }

    /// What to run now; a function of the state alone. A changed job replaces the one that runs.
    pub fn job(&self) -> Option<Job> {
        let ask = |order: &Order, wait_secs| Task::AskStatus {
            claim: order.claim.clone(),
            wait_secs,
        };
        let (task, trouble, pause) = match &self.state {
            state if let Some(earlier) = self.asked_earlier() => match state {
                State::AwaitingPayment { trouble, .. } => {
                    (ask(earlier, 0), trouble, Duration::ZERO)
                }
                _ => (ask(earlier, 0), &None, Duration::ZERO),
            },
            State::Requesting {
                purchase_id,
                trouble,
            } => {
                let purchase_id = *purchase_id;
                (Task::CreateInvoice { purchase_id }, trouble, Duration::ZERO)
            }
            State::AwaitingPayment { order, trouble } => {
                (ask(order, WAIT_SECS), trouble, BETWEEN_ROUNDS)
            }
            State::Expired {
                order,
                asking: true,
            }
            | State::Refused {
                order: Some(order),
                asking: true,
                ..
            } => {
                let (wait_secs, pause) = if order.wallet.is_in_flight() {
                    (WAIT_SECS, BETWEEN_LATE_ROUNDS)
                } else {
                    (0, Duration::ZERO)
                };
                (ask(order, wait_secs), &None, pause)
            }
            State::Paid {
                order,
                preimage,
                trouble,
            } => {
                let task = Task::FetchContent {
                    claim: order.claim.clone(),
                    preimage: *preimage,
                    size: order.size,
                    sealed: order
                        .manifest
                        .clone()
                        .filter(|_| !self.unsealed)
                        .zip(order.promised()),
                };
                (task, trouble, Duration::ZERO)
            }
            _ => return None,
        };
        Some(Job {
            round: self.round,
            delay: trouble.as_ref().map_or(pause, Tries::backoff),
            task,
        })
    }

    /// What to keep in storage; `None` where there is nothing to find again.
    pub fn saved(&self) -> Option<Saved> {
        let mut saved = match &self.state {
            State::Idle | State::Refused { order: None, .. } => return None,
            State::Requesting { purchase_id, .. }
            | State::Failed {
                purchase_id,
                order: None,
                ..
            } => Saved::begun(*purchase_id),
            State::AwaitingPayment { order, .. }
            | State::Expired { order, .. }
            | State::Refused {
                order: Some(order), ..
            }
            | State::Failed {
                order: Some(order), ..
            } => order.saved(None),
            State::Paid {
                order, preimage, ..
            }
            | State::Undelivered {
                order, preimage, ..
            }
            | State::Delivered { order, preimage } => order.saved(*preimage),
        };
        let earlier = self.earlier.iter();
        saved.earlier = earlier.map(|earlier| earlier.order.saved(None)).collect();
        Some(saved)
    }

    /// The order of the moment, unless it is known to be paid.
    fn unpaid_order(&self) -> Option<&Order> {
        match &self.state {
            State::AwaitingPayment { order, .. } | State::Expired { order, .. } => Some(order),
            State::Refused { order, .. } | State::Failed { order, .. } => order.as_ref(),
            _ => None,
        }
    }

    /// The first such order that is not known to be paid. Not generic: the browser loads it once.
    fn unpaid(&self, is_meant: &dyn Fn(&Order) -> bool) -> Option<&Order> {
        let mut earlier = self.earlier.iter().map(|earlier| &earlier.order);
        let latest = self.unpaid_order().filter(|order| is_meant(order));
        latest.or_else(|| earlier.find(|order| is_meant(order)))
    }

    /// Whether the buyer has an invoice that may have been paid all the same.
    pub fn may_be_paid(&self) -> bool {
        self.unpaid(&|_| true).is_some()
    }

    /// Whether `preimage` proves a payment that is not known yet; [`Event::WalletPaid`] takes it.
    pub fn is_proved_by(&self, preimage: Preimage) -> bool {
        self.unpaid(&|order| order.fits(preimage)).is_some()
    }

    /// The purchase after `event`. Every pair of state and event has an answer; what does not
    /// belong here changes nothing.
    #[must_use]
    pub fn update(self, event: Event) -> Self {
        match event {
            Event::Buy { purchase_id } => self.buy(purchase_id),
            Event::Restore(saved) => self.restore(&saved),
            Event::Created { round, created } => self.created(round, *created),
            Event::Status {
                round,
                payment_hash,
                status,
            } => self.status(round, payment_hash, &status),
            Event::Content { round, sha256 } => self.content(round, sha256),
            Event::WrongCiphertext { round } => self.wrong_ciphertext(round),
            Event::FalseKey { round } => self.false_key(round),
            Event::Failed { round, trouble } => self.failed(round, trouble),
            Event::WalletPaid { preimage } => self.wallet_paid(preimage),
            Event::Wallet {
                payment_hash,
                wallet,
            } => self.wallet(payment_hash, wallet),
            Event::Recheck => self.recheck(),
            Event::Replace { purchase_id } => self.replace(purchase_id),
            Event::Agree => self.agree(),
            Event::Retry => self.retry(),
            Event::Terms(terms) => self.change_terms(terms),
            Event::Reset => self.reset(),
        }
    }

    /// The number of the current job, or of the state that has none.
    pub fn round(&self) -> u32 {
        self.round
    }

    /// The next state, with a job of its own.
    fn enter(mut self, state: State) -> Self {
        self.state = state;
        self.round += 1;
        self
    }

    /// The state, out of which the next one is made. [`keep`](Self::keep) puts it back.
    fn take(&mut self) -> State {
        mem::replace(&mut self.state, State::Idle)
    }

    /// The same purchase: nothing has changed.
    fn keep(mut self, state: State) -> Self {
        self.state = state;
        self
    }

    fn buy(self, purchase_id: PurchaseId) -> Self {
        match self.state {
            State::Idle => self.request(purchase_id),
            _ => self,
        }
    }

    fn request(self, purchase_id: PurchaseId) -> Self {
        self.enter(State::Requesting {
            purchase_id,
            trouble: None,
        })
    }

    fn restore(mut self, saved: &Saved) -> Self {
        if !matches!(self.state, State::Idle) {
            return self;
        }
        for earlier in &saved.earlier {
            if let Some(order) = earlier.order() {
                self.remember(order, false);
            }
        }
        let order = saved.order().map(|order| self.sized(order));
        match (order, saved.proof()) {
            // The gateway finds the rest again.
            (None, _) => self.request(saved.purchase_id),
            (Some(order), Some(preimage)) => self.paid(order, Some(preimage)),
            (Some(order), None) => self.await_payment(order),
        }
    }

    fn created(self, round: u32, created: CreatedInvoice) -> Self {
        let State::Requesting { purchase_id, .. } = self.state else {
            return self;
        };
        if round != self.round {
            return self;
        }
        match Invoice::decode(&created.invoice.bolt11) {
            Ok(invoice) => {
                let order = self.sized(Order {
                    purchase_id,
                    claim: created.claim,
                    invoice,
                    size: None,
                    wallet: Wallet::Untold,
                    manifest: None,
                });
                let manifest = created.sealed.map(|sale| sale.manifest);
                match self.sold_sealed(order, manifest.as_ref()) {
                    Some(order) => self.await_payment(order),
                    None => self.refuse(FailedCheck::Manifest),
                }
            }
            Err(error) => self.refuse(FailedCheck::Signature(error)),
        }
    }

    /// What is advertised sealed has to be sold sealed, by a manifest that the invoice commits to.
    fn sold_sealed(&self, mut order: Order, manifest: Option<&Manifest>) -> Option<Order> {
        if let Some(advertised) = &self.terms.sealed {
            let manifest = manifest?;
            let description = order.invoice.description.as_deref().unwrap_or_default();
            let token_id = &order.claim.identifier().token_id;
            let layout = manifest.check(&Description::read(description), token_id);
            let found = (manifest.ct, layout.ok()?.size(), manifest.chunk);
            if found != (advertised.ct, self.terms.size, advertised.chunk) {
                return None;
            }
            order.manifest = Some(manifest.to_json());
        }
        Some(order)
    }

    fn wrong_ciphertext(self, round: u32) -> Self {
        match self.state {
            State::Requesting { .. } if round == self.round => self.refuse(FailedCheck::Ciphertext),
            _ => self,
        }
    }

    /// There is nothing to ask about, and nothing to keep.
    fn refuse(self, failure: FailedCheck) -> Self {
        self.enter(State::Refused {
            failure,
            order: None,
            asking: false,
        })
    }

    /// Of the goods that are advertised now, the size is known, unless they are off the shelf
    /// ([`crate::link::Link::off_the_shelf`]).
    fn sized(&self, mut order: Order) -> Order {
        if order.promised() == Some(self.terms.sha256) && self.terms.size > 0 {
            order.size = Some(self.terms.size);
        }
        order
    }

    /// Only an order that passes every check gets to the state that shows a QR code.
    fn await_payment(self, order: Order) -> Self {
        let state = match check(
            &order.invoice,
            order.claim.payment_hash(),
            &self.terms.expected(),
        ) {
            Ok(()) => State::AwaitingPayment {
                order,
                trouble: None,
            },
            Err(failure @ FailedCheck::Claim { .. }) => return self.refuse(failure),
            Err(failure) => State::Refused {
                failure,
                order: Some(order),
                asking: true,
            },
        };
        self.enter(state)
    }

    fn status(mut self, round: u32, payment_hash: PaymentHash, status: &InvoiceStatus) -> Self {
        if status.status == Status::Paid {
            return self.paid_by_status(payment_hash, status.preimage);
        }
        if round != self.round {
            return self;
        }
        if self.asked_earlier().is_some() {
            return self.ask_next(status.status == Status::Expired);
        }
        match (self.take(), status.status) {
            (State::AwaitingPayment { order, .. }, Status::Unpaid) => {
                self.enter(State::AwaitingPayment {
                    order,
                    trouble: None,
                })
            }
            (State::AwaitingPayment { order, .. } | State::Expired { order, .. }, _) => {
                self.enter(State::Expired {
                    order: order.over(),
                    asking: false,
                })
            }
            (
                State::Refused {
                    failure,
                    order: Some(order),
                    ..
                },
                word,
            ) => {
                let order = match word {
                    Status::Expired => order.over(),
                    _ => order,
                };
                self.enter(State::Refused {
                    failure,
                    asking: order.wallet.is_in_flight(),
                    order: Some(order),
                })
            }
            (state, _) => self.keep(state),
        }
    }

    fn paid_by_status(self, payment_hash: PaymentHash, preimage: Option<Preimage>) -> Self {
        if matches!(
            self.state,
            State::Paid { .. } | State::Undelivered { .. } | State::Delivered { .. }
        ) {
            // The goods that are on their way or here stay.
            return self;
        }
        let order = self
            .unpaid(&|order| order.invoice.payment_hash == payment_hash)
            .cloned();
        match order {
            Some(order) => {
                let preimage = preimage.filter(|&preimage| order.fits(preimage));
                self.paid(order, preimage)
            }
            None => self,
        }
    }

    /// The replaced order that was asked about is not paid, as far as can be known.
    fn ask_next(mut self, expired: bool) -> Self {
        self.unasked -= 1;
        self.earlier[self.unasked].expired |= expired;
        let mut state = self.take();
        if let State::AwaitingPayment { trouble, .. } = &mut state {
            *trouble = None;
        }
        self.enter(state)
    }

    fn paid(mut self, order: Order, preimage: Option<Preimage>) -> Self {
        // The buyer may have paid the others, too, so their tickets stay.
        if let Some(other) = self.unpaid_order().cloned() {
            self.remember(other, false);
        }
        self.forget(&order);
        self.enter(State::Paid {
            order,
            preimage,
            trouble: None,
        })
    }

    fn wallet_paid(self, preimage: Preimage) -> Self {
        self.paid_by_status(preimage.payment_hash(), Some(preimage))
    }

    fn wallet(mut self, payment_hash: PaymentHash, wallet: Wallet) -> Self {
        let may_tell = self.may_tell_wallet();
        let (State::AwaitingPayment { order, .. }
        | State::Refused {
            order: Some(order), ..
        }
        | State::Failed {
            order: Some(order), ..
        }) = &mut self.state
        else {
            return self;
        };
        let fits = match wallet {
            Wallet::Untold | Wallet::TooLate => false,
            Wallet::Paying => may_tell,
            // Another tab has told a wallet, whose answer this one will not hear.
            Wallet::Silent => matches!(order.wallet, Wallet::Untold | Wallet::Paying),
            Wallet::SaysPaid | Wallet::Failed => {
                matches!(order.wallet, Wallet::Paying | Wallet::Silent)
            }
        };
        if !fits || order.invoice.payment_hash != payment_hash {
            return self;
        }
        order.wallet = wallet;
        // A refused invoice need not be asked about, unless a wallet may be paying it all the same.
        if let State::Refused { asking, .. } = &mut self.state
            && wallet.is_in_flight()
        {
            *asking = true;
            self.round += 1;
        }
        self
    }

    fn content(mut self, round: u32, found: ContentHash) -> Self {
        match self.take() {
            State::Paid {
                order, preimage, ..
            } if round == self.round => match order.promised() {
                Some(expected) if expected != found => self.enter(State::Undelivered {
                    order,
                    preimage,
                    reason: Undelivered::WrongContent { expected, found },
                }),
                _ => self.enter(State::Delivered { order, preimage }),
            },
            state => self.keep(state),
        }
    }

    fn false_key(mut self, round: u32) -> Self {
        match self.take() {
            State::Paid {
                order, preimage, ..
            }
            | State::Delivered { order, preimage }
                if round == self.round =>
            {
                self.enter(State::Undelivered {
                    order,
                    preimage,
                    reason: Undelivered::FalseKey,
                })
            }
            state => self.keep(state),
        }
    }

    fn failed(mut self, round: u32, trouble: Trouble) -> Self {
        if round != self.round {
            return self;
        }
        let trouble = trouble.into_final();
        let is_shown = matches!(self.state, State::AwaitingPayment { .. }) && trouble.is_err();
        if self.asked_earlier().is_some() && !is_shown {
            return self.ask_next(false);
        }
        // Only lightningd's word ends this.
        let in_flight = self.is_in_flight();
        let state = match (self.take(), trouble) {
            (
                State::Requesting {
                    purchase_id,
                    trouble,
                },
                Err(why),
            ) => State::Requesting {
                purchase_id,
                trouble: Some(Tries::after(trouble, why)),
            },
            (State::AwaitingPayment { order, trouble }, Err(why)) => State::AwaitingPayment {
                order,
                trouble: Some(Tries::after(trouble, why)),
            },
            (
                State::Paid {
                    order,
                    preimage,
                    trouble,
                },
                Err(why),
            ) => State::Paid {
                order,
                preimage,
                trouble: Some(Tries::after(trouble, why)),
            },
            (State::Requesting { purchase_id, .. }, Ok(problem)) => State::Failed {
                problem,
                purchase_id,
                order: None,
            },
            (State::AwaitingPayment { order, .. }, Ok(problem)) => State::Failed {
                problem,
                purchase_id: order.purchase_id,
                order: Some(order),
            },
            (
                State::Paid {
                    order, preimage, ..
                },
                Ok(problem),
            ) => State::Undelivered {
                order,
                preimage,
                reason: Undelivered::Problem(problem),
            },
            // A question asked once more on the side; its failure changes nothing on screen.
            (State::Expired { order, .. }, _) => State::Expired {
                order,
                asking: false,
            },
            (State::Refused { failure, order, .. }, trouble) => match (order, trouble) {
                (Some(order), Ok(problem)) if in_flight => State::Failed {
                    problem,
                    purchase_id: order.purchase_id,
                    order: Some(order),
                },
                (order, _) => State::Refused {
                    failure,
                    order,
                    asking: in_flight,
                },
            },
            (state, _) => return self.keep(state),
        };
        self.enter(state)
    }

    fn recheck(mut self) -> Self {
        let state = match self.take() {
            State::Requesting {
                purchase_id,
                trouble: Some(_),
            } => State::Requesting {
                purchase_id,
                trouble: None,
            },
            // A suspended page's question may have died without a word.
            State::AwaitingPayment { order, .. } => State::AwaitingPayment {
                order,
                trouble: None,
            },
            State::Expired { order, .. } => State::Expired {
                order,
                asking: true,
            },
            State::Refused { failure, order, .. } => State::Refused {
                asking: order.is_some(),
                failure,
                order,
            },
            failed @ State::Failed { .. } => failed,
            State::Paid {
                order,
                preimage,
                trouble: Some(_),
            } => State::Paid {
                order,
                preimage,
                trouble: None,
            },
            state => return self.keep(state),
        };
        self.unasked = self.earlier.len();
        self.enter(state)
    }

    fn replace(mut self, purchase_id: PurchaseId) -> Self {
        match self.take() {
            State::Expired { order, .. } => self.remember(order, true),
            State::Refused {
                order: Some(order), ..
            } if !order.wallet.is_in_flight() => self.remember(order, false),
            State::Refused { order: None, .. } => {}
            state => return self.keep(state),
        }
        self.request(purchase_id)
    }

    fn agree(self) -> Self {
        match self.moved_price() {
            Some(price_msat) => {
                let terms = Terms {
                    price_msat,
                    ..self.terms.clone()
                };
                self.change_terms(terms)
            }
            None => self,
        }
    }

    fn remember(&mut self, order: Order, expired: bool) {
        self.forget(&order);
        if self.earlier.len() >= MAX_EARLIER
            && let Some(oldest) = self.earlier.iter().position(|earlier| earlier.expired)
        {
            self.earlier.remove(oldest);
        }
        self.earlier.push(Earlier { order, expired });
        self.unasked = self.earlier.len();
    }

    /// It is no earlier one any more.
    fn forget(&mut self, order: &Order) {
        let hash = order.invoice.payment_hash;
        self.earlier
            .retain(|earlier| earlier.order.invoice.payment_hash != hash);
    }

    fn retry(mut self) -> Self {
        match self.take() {
            State::Failed {
                order: Some(order), ..
            } => self.await_payment(order),
            State::Failed { purchase_id, .. } => self.request(purchase_id),
            State::Undelivered {
                order,
                preimage,
                reason,
            } => {
                self.unsealed |= reason == Undelivered::FalseKey;
                self.paid(order, preimage)
            }
            state => self.keep(state).recheck(),
        }
    }

    fn change_terms(mut self, terms: Terms) -> Self {
        if terms == self.terms {
            return self;
        }
        self.terms = terms;
        match self.take() {
            State::AwaitingPayment { order, .. }
            | State::Refused {
                order: Some(order), ..
            } => self.await_payment(order),
            state => self.keep(state),
        }
    }

    fn reset(mut self) -> Self {
        if matches!(self.state, State::Idle) {
            return self;
        }
        self.earlier.clear();
        self.unsealed = false;
        self.enter(State::Idle)
    }
}

impl Saved {
    /// A purchase that nobody has asked for yet.
    pub fn begun(purchase_id: PurchaseId) -> Self {
        Self {
            purchase_id,
            claim: None,
            bolt11: None,
            metadata: None,
            preimage: None,
            size: None,
            told: false,
            manifest: None,
            earlier: Vec::new(),
        }
    }

    /// What was ordered; `None` where there is no invoice yet, or it cannot be read, or belongs to
    /// another claim.
    pub fn order(&self) -> Option<Order> {
        let claim = self.claim.clone()?;
        let invoice = Invoice::decode(self.bolt11.as_ref()?).ok()?;
        let invoice = invoice.described(self.metadata.as_deref());
        (claim.payment_hash() == invoice.payment_hash).then_some(Order {
            purchase_id: self.purchase_id,
            claim,
            invoice,
            size: self.size,
            // Its answer went with the page that waited for it.
            wallet: if self.told {
                Wallet::Silent
            } else {
                Wallet::Untold
            },
            manifest: self.manifest.clone(),
        })
    }

    /// The proof of the payment, where it holds.
    pub fn proof(&self) -> Option<Preimage> {
        let order = self.order()?;
        self.preimage.filter(|&preimage| order.fits(preimage))
    }

    /// The latest that has a ticket, with those before it; `None` if nothing has.
    #[must_use]
    pub fn ticketed(mut self) -> Option<Self> {
        if self.claim.is_some() {
            return Some(self);
        }
        let latest = self.earlier.pop()?;
        Some(Self {
            earlier: self.earlier,
            ..latest
        })
    }

    /// Whether it knows all that `other` knows, so that `other` can go.
    pub fn includes(&self, other: &Self) -> bool {
        let knows = |ours: &Self, theirs: &Self| {
            ours.claim == theirs.claim
                && ours.bolt11 == theirs.bolt11
                && (ours.preimage == theirs.preimage || theirs.preimage.is_none())
                && (ours.size == theirs.size || theirs.size.is_none())
                && (ours.told || !theirs.told)
                && (ours.manifest.is_some() || theirs.manifest.is_none())
        };
        let has = |theirs: &Self| {
            if theirs.claim.is_none() {
                return self.purchase_id == theirs.purchase_id;
            }
            let mut ours = self.earlier.iter();
            knows(self, theirs) || ours.any(|ours| knows(ours, theirs))
        };
        has(other) && other.earlier.iter().all(has)
    }
}

impl Order {
    fn saved(&self, preimage: Option<Preimage>) -> Saved {
        Saved {
            purchase_id: self.purchase_id,
            claim: Some(self.claim.clone()),
            bolt11: Some(self.invoice.bolt11.clone()),
            metadata: self.invoice.metadata.clone(),
            preimage,
            size: self.size,
            told: self.wallet != Wallet::Untold,
            manifest: self.manifest.clone(),
            earlier: Vec::new(),
        }
    }

    /// lightningd has said that it cannot be paid any more, whatever a wallet does.
    fn over(mut self) -> Self {
        if self.wallet.is_in_flight() {
            self.wallet = Wallet::TooLate;
        }
        self
    }

    /// Whether `preimage` proves this order's payment.
    pub fn fits(&self, preimage: Preimage) -> bool {
        preimage.payment_hash() == self.invoice.payment_hash
    }

    /// The hash of the goods that the invoice promises.
    pub fn promised(&self) -> Option<ContentHash> {
        self.invoice.description.as_deref().and_then(commitment)
    }
}

impl Tries {
    fn after(before: Option<Self>, trouble: Trouble) -> Self {
        let count = before.map_or(1, |tries| tries.count.saturating_add(1));
        Self { count, trouble }
    }

    /// 1 s, 2 s, 4 s, … up to the longest pause, or as long as the store asks for.
    fn backoff(&self) -> Duration {
        let doublings = self.count.saturating_sub(1).min(10);
        let pause = Duration::from_secs(1 << doublings).min(MAX_BACKOFF);
        match &self.trouble {
            Trouble::Problem(Problem {
                retry_after: Some(secs),
                ..
            }) => pause.max(Duration::from_secs(*secs)),
            _ => pause,
        }
    }
}

impl Trouble {
    /// `Ok` with the problem where asking again cannot help, `Err` where it can.
    fn into_final(self) -> Result<Problem, Self> {
        match self {
            Self::Problem(problem) if !problem.is_transient() => Ok(problem),
            other => Err(other),
        }
    }
}
