//! Wallets that hang, answer late or answer wrongly, while the buyer pays by phone, too, loses patience, and uses
//! two tabs: whatever happens, one wish is paid at most once.
//!
//! lightningd takes one payment for an invoice. What must not happen is that two invoices for the same wish are paid.

#![expect(clippy::unwrap_used, reason = "a failing test may panic")]

mod common;

use std::time::Duration;

use common::{CREATED_AT, GOODS, payment_hash, preimage, purchase_id, sample, terms};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use purrwall_shared::api::{InvoiceStatus, PurchaseId, Status};
use purrwall_shared::claim::Claim;
use purrwall_shared::content::ContentHash;
use purrwall_shared::invoice::Terms;
use purrwall_shared::lightning::{Msat, PaymentHash};
use purrwall_shared::problem::{ErrorCode, Problem};
use purrwall_shared::purchase::{
    Event, Purchase, Saved, State, Task, Trouble, WALLET_PATIENCE, Wallet,
};

const RUNS: u32 = 1_000;
/// How long the samples live, in seconds.
const EXPIRY: u64 = 600;

/// What happens next; the tab is the first or the second.
#[derive(Clone, Debug)]
enum Step {
    Passes(u64),
    /// The job of the moment is answered, or fails.
    Answered(usize, Answer),
    Buys(usize),
    TellsWallet(usize, Habit),
    PaysByPhone(usize),
    NotNow(usize),
    Replaces(usize),
    Retries(usize),
    StartsOver(usize),
    Reloads(usize),
    /// The page allows less than the price, or as much again.
    Allows(usize, u64),
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    True,
    Offline,
    /// The gateway says that it never made the claim.
    Refusal,
}

/// What a wallet does once it is told to pay; the times are in seconds.
#[derive(Clone, Copy, Debug)]
enum Habit {
    Pays,
    PaysLateAndSaysNothing(u64),
    PaysLate(u64),
    SaysNothing,
    SaysThatItFailed,
    SaysThatItFailedAndPaysLate(u64),
}

/// What a wallet will do at a time.
#[derive(Clone, Debug)]
struct Plan {
    at: u64,
    tab: usize,
    payment_hash: PaymentHash,
    act: Act,
}

#[derive(Clone, Debug, PartialEq)]
enum Act {
    Pay,
    Answer(Wallet),
    Prove,
}

/// The store, its node, the buyer's browser and wallet.
struct World {
    now: u64,
    /// The invoices by number: for which purchase, when made, whether paid.
    invoices: Vec<(PurchaseId, u64, bool)>,
    tabs: [Purchase; 2],
    stored: Option<Saved>,
    plans: Vec<Plan>,
    next_id: u8,
    tellings: u32,
}

impl World {
    fn new() -> Self {
        Self {
            now: CREATED_AT,
            invoices: Vec::new(),
            tabs: [Purchase::new(terms()), Purchase::new(terms())],
            stored: None,
            plans: Vec::new(),
            next_id: 0,
            tellings: 0,
        }
    }

    fn invoice(&mut self, hash: PaymentHash) -> &mut (PurchaseId, u64, bool) {
        &mut self.invoices[usize::from(number_of(hash) - 1)]
    }

    /// lightningd's way with a payment.
    fn pay(&mut self, hash: PaymentHash) -> bool {
        let now = self.now;
        let (_, made, paid) = self.invoice(hash);
        let taken = !*paid && now < *made + EXPIRY;
        *paid |= taken;
        taken
    }

    fn paid(&self) -> usize {
        self.invoices.iter().filter(|(.., paid)| *paid).count()
    }

    /// As the browser does it: what changed is stored, and no ticket is lost.
    fn send(&mut self, tab: usize, event: Event) {
        let purchase = self.tabs[tab].clone().update(event);
        if let Some(saved) = purchase.saved()
            && !self
                .stored
                .as_ref()
                .is_some_and(|here| here.includes(&saved))
        {
            self.stored = Some(saved);
        }
        self.tabs[tab] = purchase;
    }

    /// Before the buyer does what could lead to another invoice, the tab looks into storage.
    fn hear(&mut self, tab: usize) {
        let told = self.stored.as_ref().filter(|saved| saved.told);
        let claim = told.and_then(|saved| saved.claim.as_ref());
        if let Some(payment_hash) = claim.map(Claim::payment_hash)
            && !self.tabs[tab].is_in_flight()
        {
            let wallet = Wallet::Silent;
            self.send(
                tab,
                Event::Wallet {
                    payment_hash,
                    wallet,
                },
            );
        }
    }

    fn new_id(&mut self) -> PurchaseId {
        self.next_id += 1;
        purchase_id(self.next_id)
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Passes(secs) => {
                for _ in 0..secs {
                    self.now += 1;
                    self.carry_out();
                }
            }
            Step::Answered(tab, answer) => self.answer(tab, answer),
            Step::Buys(tab) => {
                let event = match self.stored.clone() {
                    Some(saved) => Event::Restore(Box::new(saved)),
                    None => Event::Buy {
                        purchase_id: self.new_id(),
                    },
                };
                self.send(tab, event);
            }
            Step::TellsWallet(tab, habit) => self.tell(tab, habit),
            Step::PaysByPhone(tab) => {
                if let Some(order) = self.tabs[tab].payable(self.now) {
                    let hash = order.invoice.payment_hash;
                    self.pay(hash);
                }
            }
            Step::NotNow(tab) => self.send(tab, Event::Reset),
            Step::Replaces(tab) => {
                self.hear(tab);
                let mine = self.tabs[tab].saved().map(|saved| saved.purchase_id);
                let stored = self.stored.as_ref().map(|saved| saved.purchase_id);
                let purchase_id = match stored {
                    Some(stored) if Some(stored) != mine => stored,
                    _ => self.new_id(),
                };
                self.send(tab, Event::Replace { purchase_id });
            }
            Step::Retries(tab) => self.send(tab, Event::Retry),
            Step::StartsOver(tab) => {
                self.hear(tab);
                let purchase = &self.tabs[tab];
                if matches!(purchase.state(), State::Failed { .. }) {
                    let mine = purchase.saved().map(|saved| saved.purchase_id);
                    let stored = self.stored.as_ref().map(|saved| saved.purchase_id);
                    if purchase.may_start_over(self.now) && stored == mine {
                        self.stored = None;
                    }
                    self.send(tab, Event::Reset);
                }
            }
            Step::Reloads(tab) => {
                let terms = self.tabs[tab].terms().clone();
                self.tabs[tab] = Purchase::new(terms);
                if let Some(saved) = self.stored.clone() {
                    self.send(tab, Event::Restore(Box::new(saved)));
                }
            }
            Step::Allows(tab, sat) => {
                let terms = Terms {
                    max_msat: Some(Msat(sat * 1000)),
                    ..terms()
                };
                self.send(tab, Event::Terms(terms));
            }
        }
    }

    fn tell(&mut self, tab: usize, habit: Habit) {
        self.hear(tab);
        let purchase = &self.tabs[tab];
        let Some(order) = purchase.payable(self.now) else {
            return;
        };
        if !purchase.may_tell_wallet() {
            return;
        }
        let payment_hash = order.invoice.payment_hash;
        let wallet = Wallet::Paying;
        self.send(
            tab,
            Event::Wallet {
                payment_hash,
                wallet,
            },
        );
        self.tellings += 1;
        let failed = Act::Answer(Wallet::Failed);
        let patience = WALLET_PATIENCE.as_secs();
        let (acts, answers): (Vec<(u64, Act)>, bool) = match habit {
            Habit::Pays => (vec![(1, Act::Pay), (1, Act::Prove)], true),
            Habit::PaysLateAndSaysNothing(late) => (vec![(late, Act::Pay)], false),
            Habit::PaysLate(late) => (vec![(late, Act::Pay), (late, Act::Prove)], late < patience),
            Habit::SaysNothing => (Vec::new(), false),
            Habit::SaysThatItFailed => (vec![(1, failed)], true),
            Habit::SaysThatItFailedAndPaysLate(late) => (vec![(1, failed), (late, Act::Pay)], true),
        };
        let silent = (patience, Act::Answer(Wallet::Silent));
        let acts = acts.into_iter().chain((!answers).then_some(silent));
        let plans = acts.map(|(late, act)| Plan {
            at: self.now + late,
            tab,
            payment_hash,
            act,
        });
        self.plans.extend(plans);
    }

    fn carry_out(&mut self) {
        let now = self.now;
        for plan in self
            .plans
            .extract_if(.., |plan| plan.at <= now)
            .collect::<Vec<_>>()
        {
            let payment_hash = plan.payment_hash;
            match plan.act {
                Act::Pay => {
                    self.pay(payment_hash);
                }
                Act::Answer(wallet) => self.send(
                    plan.tab,
                    Event::Wallet {
                        payment_hash,
                        wallet,
                    },
                ),
                Act::Prove => {
                    if self.invoice(payment_hash).2 {
                        let preimage = preimage(number_of(payment_hash));
                        self.send(plan.tab, Event::WalletPaid { preimage });
                    }
                }
            }
        }
    }

    fn answer(&mut self, tab: usize, answer: Answer) {
        let Some(job) = self.tabs[tab].job() else {
            return;
        };
        let round = job.round;
        let failed = |trouble| Event::Failed { round, trouble };
        let event = match (answer, job.task) {
            (Answer::Offline, _) => failed(Trouble::Offline),
            (Answer::Refusal, Task::AskStatus { .. }) => {
                let problem = Problem::new(ErrorCode::InvalidClaim, "never made");
                failed(Trouble::Problem(problem))
            }
            (_, Task::CreateInvoice { purchase_id }) => {
                let known = self.invoices.iter().position(|(id, ..)| *id == purchase_id);
                let index = known.unwrap_or_else(|| {
                    self.invoices.push((purchase_id, self.now, false));
                    self.invoices.len() - 1
                });
                let mut sample = sample(u8::try_from(index + 1).unwrap());
                sample.created_at = self.invoices[index].1;
                Event::Created {
                    round,
                    created: Box::new(sample.created()),
                }
            }
            (_, Task::AskStatus { claim, .. }) => {
                let payment_hash = claim.payment_hash();
                let now = self.now;
                let (_, made, paid) = *self.invoice(payment_hash);
                let status = match paid {
                    true => Status::Paid,
                    false if now >= made + EXPIRY => Status::Expired,
                    false => Status::Unpaid,
                };
                let status = InvoiceStatus {
                    status,
                    expires_at: made + EXPIRY,
                    server_time: now,
                    preimage: None,
                };
                Event::Status {
                    round,
                    payment_hash,
                    status,
                }
            }
            (_, Task::FetchContent { .. }) => Event::Content {
                round,
                sha256: ContentHash::of(GOODS),
            },
        };
        self.send(tab, event);
    }
}

/// Each run begins with a wallet that is silent or late.
fn run() -> impl Strategy<Value = Vec<Step>> {
    let late = 1..1_500_u64;
    let habit = prop_oneof![
        late.clone().prop_map(Habit::PaysLateAndSaysNothing),
        late.clone().prop_map(Habit::PaysLate),
        late.prop_map(Habit::SaysThatItFailedAndPaysLate),
        Just(Habit::SaysNothing),
    ];
    (habit, steps()).prop_map(|(habit, steps)| {
        let begin = [
            Step::Buys(0),
            Step::Answered(0, Answer::True),
            Step::TellsWallet(0, habit),
        ];
        begin.into_iter().chain(steps).collect()
    })
}

/// The number of the sample with this payment hash.
fn number_of(hash: PaymentHash) -> u8 {
    (1..=u8::MAX).find(|&n| payment_hash(n) == hash).unwrap()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let tab = || 0..2_usize;
    let late = || 1..1_500_u64;
    let habit = prop_oneof![
        1 => Just(Habit::Pays),
        4 => late().prop_map(Habit::PaysLateAndSaysNothing),
        2 => late().prop_map(Habit::PaysLate),
        2 => Just(Habit::SaysNothing),
        1 => Just(Habit::SaysThatItFailed),
        2 => late().prop_map(Habit::SaysThatItFailedAndPaysLate),
    ];
    let answer = prop_oneof![
        8 => Just(Answer::True),
        1 => Just(Answer::Offline),
        1 => Just(Answer::Refusal),
    ];
    let step = prop_oneof![
        4 => (1..400_u64).prop_map(Step::Passes),
        12 => (tab(), answer).prop_map(|(tab, answer)| Step::Answered(tab, answer)),
        4 => tab().prop_map(Step::Buys),
        6 => (tab(), habit).prop_map(|(tab, habit)| Step::TellsWallet(tab, habit)),
        1 => tab().prop_map(Step::PaysByPhone),
        1 => tab().prop_map(Step::NotNow),
        4 => tab().prop_map(Step::Replaces),
        2 => tab().prop_map(Step::Retries),
        3 => tab().prop_map(Step::StartsOver),
        1 => tab().prop_map(Step::Reloads),
        2 => (tab(), prop_oneof![Just(99), Just(100)]).prop_map(|(tab, sat)| Step::Allows(tab, sat)),
    ];
    prop::collection::vec(step, 20..80)
}

#[test]
fn one_wish_is_paid_at_most_once_in_a_thousand_runs() {
    let config = Config {
        cases: RUNS,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let counts = std::cell::Cell::new((0, 0, 0));
    let outcome = runner.run(&run(), |steps| {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            if world.paid() > 0 {
                // The wish is fulfilled. What a wallet was told of before may still come.
                break;
            }
        }
        world.step(&Step::Passes(3_000));
        prop_assert!(world.paid() <= 1, "paid {} times", world.paid());
        let (paid, tellings, again) = counts.get();
        let again = again + u32::from(world.invoices.len() > 1);
        let paid = paid + u32::from(world.paid() == 1);
        counts.set((paid, tellings + world.tellings, again));
        Ok(())
    });
    outcome.unwrap();
    let (paid, tellings, again) = counts.get();
    // Otherwise the runs would show nothing.
    assert!(paid > 200, "{paid} runs were paid");
    assert!(tellings >= RUNS, "wallets were told {tellings} times");
    assert!(again > 100, "{again} runs came to a second invoice");
    assert!(WALLET_PATIENCE < Duration::from_secs(EXPIRY));
}
