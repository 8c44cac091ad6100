//! The purchase through every state and every stale event, then through random ones.

mod common;

use std::time::Duration;

use common::{
    CREATED_AT, EXPIRES_AT, GOODS, claim, node_id, payment_hash, preimage, purchase_id, sample,
    status, terms,
};
use proptest::prelude::*;
use purrwall_shared::api::Status;
use purrwall_shared::claim::Claim;
use purrwall_shared::content::{ContentHash, Description, describe};
use purrwall_shared::digest::{Digest, Nonce};
use purrwall_shared::fiat::FiatPrice;
use purrwall_shared::invoice::{Check, Terms};
use purrwall_shared::lightning::{Msat, Payees, PaymentHash};
use purrwall_shared::problem::{ErrorCode, Problem};
use purrwall_shared::purchase::{
    Event, Purchase, Saved, State, Task, Trouble, Undelivered, Wallet,
};
use purrwall_shared::sealed::{
    CHUNK, FORMAT, Manifest, SealedGoods, SealedSale, SecretId, WrappedKey,
};

const NOW: u64 = CREATED_AT + 1;

/// A buyer whose events carry the current round unless they say otherwise.
struct Buyer(Purchase);

impl Buyer {
    fn new() -> Self {
        Self(Purchase::new(terms()))
    }

    fn awaiting() -> Self {
        Self::new().buys(1).created(1)
    }

    fn paid() -> Self {
        Self::awaiting().status(1, Status::Paid)
    }

    /// The first invoice expired, and the second has come.
    fn replaced() -> Self {
        Self::awaiting()
            .status(1, Status::Expired)
            .event(Event::Replace {
                purchase_id: purchase_id(2),
            })
            .created(2)
    }

    fn event(self, event: Event) -> Self {
        Self(self.0.update(event))
    }

    /// The round of the current job; a job is asked for only where one must run.
    #[track_caller]
    fn round(&self) -> u32 {
        self.0.job().expect("a job runs in this state").round
    }

    fn buys(self, number: u8) -> Self {
        self.event(Event::Buy {
            purchase_id: purchase_id(number),
        })
    }

    #[track_caller]
    fn created(self, number: u8) -> Self {
        let round = self.round();
        self.event(Event::Created {
            round,
            created: Box::new(sample(number).created()),
        })
    }

    #[track_caller]
    fn status(self, number: u8, word: Status) -> Self {
        let round = self.round();
        self.status_of_round(round, number, word)
    }

    fn status_of_round(self, round: u32, number: u8, word: Status) -> Self {
        let proof = (word == Status::Paid).then(|| preimage(number));
        self.event(Event::Status {
            round,
            payment_hash: payment_hash(number),
            status: status(word, proof),
        })
    }

    #[track_caller]
    fn content(self, bytes: &[u8]) -> Self {
        let round = self.round();
        self.event(Event::Content {
            round,
            sha256: ContentHash::of(bytes),
        })
    }

    #[track_caller]
    fn fails(self, trouble: Trouble) -> Self {
        let round = self.round();
        self.event(Event::Failed { round, trouble })
    }

    fn saved(&self) -> Saved {
        self.0.saved().expect("this purchase is kept")
    }

    /// The same purchase after a reload of the page.
    fn reloaded(&self) -> Self {
        Self::new().event(Event::Restore(Box::new(self.saved())))
    }

    /// Which payment the status question of the moment is about.
    #[track_caller]
    fn asks_about(&self) -> PaymentHash {
        match self.0.job().map(|job| job.task) {
            Some(Task::AskStatus { claim, .. }) => claim.payment_hash(),
            other => panic!("{other:?} is no question"),
        }
    }

    fn payable(&self) -> bool {
        self.0.payable(NOW).is_some()
    }
}

/// A state by name, so that a renamed field touches one function.
fn name(buyer: &Buyer) -> &'static str {
    match buyer.0.state() {
        State::Idle => "idle",
        State::Requesting { .. } => "requesting",
        State::AwaitingPayment { .. } => "awaiting",
        State::Expired { .. } => "expired",
        State::Refused { .. } => "refused",
        State::Failed { .. } => "failed",
        State::Paid { .. } => "paid",
        State::Undelivered { .. } => "undelivered",
        State::Delivered { .. } => "delivered",
    }
}

#[track_caller]
fn check(buyer: &Buyer, state: &str, job: Option<&str>) {
    assert_eq!(name(buyer), state);
    let task = buyer.0.job().map(|job| match job.task {
        Task::CreateInvoice { .. } => "create",
        Task::AskStatus { wait_secs: 0, .. } => "ask",
        Task::AskStatus { .. } => "wait",
        Task::FetchContent { .. } => "fetch",
    });
    assert_eq!(task, job, "job in {state}");
}

fn gone() -> Trouble {
    Trouble::Problem(Problem::new(ErrorCode::UnknownInvoice, "gone"))
}

fn refusal() -> Trouble {
    Trouble::Problem(Problem::new(ErrorCode::InvalidClaim, "another secret"))
}

fn node_away() -> Trouble {
    Trouble::Problem(Problem::new(ErrorCode::LightningUnavailable, "away"))
}

#[test]
fn a_purchase_from_the_button_to_the_goods() {
    let buyer = Buyer::new();
    check(&buyer, "idle", None);
    let buyer = buyer.buys(1);
    check(&buyer, "requesting", Some("create"));
    let buyer = buyer.created(1);
    check(&buyer, "awaiting", Some("wait"));
    let buyer = buyer.status(1, Status::Paid);
    check(&buyer, "paid", Some("fetch"));
    let buyer = buyer.content(GOODS);
    check(&buyer, "delivered", None);
}

#[test]
fn only_an_invoice_in_its_time_is_payable() {
    let buyer = Buyer::awaiting();
    let order = buyer.0.payable(EXPIRES_AT - 1).unwrap();
    assert_eq!(order.invoice.payment_hash, payment_hash(1));
    assert_eq!(buyer.0.payable(EXPIRES_AT), None);
    assert!(!Buyer::new().buys(1).payable());
    assert!(!Buyer::paid().payable());
    assert!(!Buyer::awaiting().status(1, Status::Expired).payable());
}

#[test]
fn unpaid_asks_again_after_a_short_pause() {
    let buyer = Buyer::awaiting();
    let before = buyer.round();
    let buyer = buyer.status(1, Status::Unpaid);
    check(&buyer, "awaiting", Some("wait"));
    assert_ne!(buyer.round(), before, "a new question, not the old one");
    assert!(buyer.0.job().unwrap().delay < Duration::from_secs(1));
}

#[test]
fn an_expired_invoice_is_replaced_in_place() {
    let buyer = Buyer::awaiting().status(1, Status::Expired);
    check(&buyer, "expired", None);
    let buyer = buyer.event(Event::Replace {
        purchase_id: purchase_id(2),
    });
    check(&buyer, "requesting", Some("create"));
    let buyer = buyer.created(2);
    assert_eq!(
        buyer.0.payable(NOW).unwrap().invoice.payment_hash,
        payment_hash(2)
    );
}

#[test]
fn a_late_payment_of_a_replaced_invoice_is_honoured() {
    let replaced = Buyer::awaiting()
        .status(1, Status::Expired)
        .event(Event::Replace {
            purchase_id: purchase_id(2),
        });
    let stale = 1;
    for buyer in [
        Buyer(replaced.0.clone()),
        Buyer(replaced.0.clone()).created(2),
    ] {
        let buyer = buyer.status_of_round(stale, 1, Status::Paid);
        check(&buyer, "paid", Some("fetch"));
        assert_eq!(buyer.saved().claim, Some(claim(1)));
    }
}

#[test]
fn a_replaced_invoice_is_asked_about_when_the_next_one_has_come() {
    let buyer = Buyer::replaced();
    check(&buyer, "awaiting", Some("ask"));
    assert_eq!(buyer.asks_about(), payment_hash(1));
    let buyer = buyer.status(1, Status::Expired);
    check(&buyer, "awaiting", Some("wait"));
    assert_eq!(buyer.asks_about(), payment_hash(2));

    let buyer = buyer.event(Event::Recheck);
    assert_eq!(buyer.asks_about(), payment_hash(1));
    let buyer = buyer.status(1, Status::Paid);
    check(&buyer, "paid", Some("fetch"));
    assert_eq!(buyer.saved().claim, Some(claim(1)));
}

#[test]
fn a_replaced_invoice_that_is_paid_is_honoured_after_a_reload() {
    let replaced = Buyer::replaced().status(1, Status::Expired);
    for buyer in [
        replaced.reloaded(),
        replaced.status(2, Status::Expired).reloaded(),
    ] {
        check(&buyer, "awaiting", Some("ask"));
        assert!(buyer.payable(), "the question hides nothing");
        let buyer = buyer.status(1, Status::Paid);
        check(&buyer, "paid", Some("fetch"));
        assert_eq!(buyer.saved().claim, Some(claim(1)));
        check(&buyer.reloaded(), "paid", Some("fetch"));
    }
}

#[test]
fn a_question_about_a_replaced_invoice_waits_for_the_network_and_breaks_nothing() {
    let buyer = Buyer::replaced().fails(Trouble::Offline);
    check(&buyer, "awaiting", Some("ask"));
    assert_eq!(buyer.asks_about(), payment_hash(1));
    assert!(buyer.0.job().unwrap().delay >= Duration::from_secs(1));
    // The node has forgotten it.
    let buyer = buyer.fails(gone());
    check(&buyer, "awaiting", Some("wait"));
    assert_eq!(buyer.asks_about(), payment_hash(2));
    assert!(buyer.0.job().unwrap().delay < Duration::from_secs(1));
}

#[test]
fn a_store_that_refuses_another_invoice_is_still_asked_about_the_replaced_one() {
    let buyer = Buyer::awaiting()
        .status(1, Status::Expired)
        .event(Event::Replace {
            purchase_id: purchase_id(2),
        })
        .fails(gone());
    check(&buyer, "failed", Some("ask"));
    check(&buyer.status(1, Status::Paid), "paid", Some("fetch"));
}

#[test]
fn of_many_replaced_invoices_the_latest_are_remembered() {
    let mut buyer = Buyer::awaiting();
    for number in 2..=12 {
        while buyer.asks_about() != payment_hash(number - 1) {
            let asked = buyer.asks_about();
            let asked = (1..number).find(|n| payment_hash(*n) == asked);
            buyer = buyer.status(asked.unwrap(), Status::Expired);
        }
        let round = buyer.round();
        buyer = buyer
            .status_of_round(round, number - 1, Status::Expired)
            .event(Event::Replace {
                purchase_id: purchase_id(number),
            })
            .created(number);
    }
    let kept: Vec<_> = buyer.saved().earlier;
    let kept: Vec<_> = kept
        .into_iter()
        .filter_map(|replaced| replaced.claim)
        .collect();
    let latest: Vec<_> = (4..12).map(claim).collect();
    assert_eq!(kept, latest);
}

/// Of these twelve the store said nothing but that it does not know them.
#[test]
fn an_order_that_may_be_paid_is_never_dropped() {
    let mut buyer = Buyer::awaiting();
    for number in 2..=12 {
        // The price changed: the invoice is refused and another one asked for.
        buyer = buyer
            .event(Event::Terms(limited(99)))
            .event(Event::Replace {
                purchase_id: purchase_id(number),
            })
            .event(Event::Terms(terms()))
            .created(number);
        while buyer.asks_about() != payment_hash(number) {
            buyer = buyer.fails(gone());
        }
    }
    assert_eq!(buyer.saved().earlier.len(), 11);
    let buyer = buyer.event(Event::WalletPaid {
        preimage: preimage(1),
    });
    check(&buyer, "paid", Some("fetch"));
    assert_eq!(buyer.saved().claim, Some(claim(1)));
}

#[test]
fn whoever_paid_one_of_two_invoices_keeps_the_ticket_of_the_other() {
    let buyer = Buyer::replaced().status(1, Status::Paid);
    let tickets = |buyer: &Buyer| {
        let earlier = buyer.saved().earlier.into_iter();
        earlier.map(|saved| saved.claim).collect::<Vec<_>>()
    };
    assert_eq!(buyer.saved().claim, Some(claim(1)));
    assert_eq!(tickets(&buyer), [Some(claim(2))]);
    let buyer = buyer.reloaded().content(GOODS);
    check(&buyer, "delivered", None);
    assert_eq!(tickets(&buyer), [Some(claim(2))]);
}

#[test]
fn nobody_says_unpaid_of_what_may_be_paid() {
    assert!(!Buyer::new().buys(1).fails(refusal()).0.may_be_paid());
    assert!(Buyer::awaiting().fails(gone()).0.may_be_paid());
    assert!(Buyer::awaiting().fails(refusal()).0.may_be_paid());
    let replaced = Buyer::awaiting()
        .status(1, Status::Expired)
        .event(Event::Replace {
            purchase_id: purchase_id(2),
        });
    assert!(replaced.fails(refusal()).0.may_be_paid());
}

#[test]
fn a_preimage_that_is_typed_in_opens_what_the_node_has_forgotten() {
    let buyer = Buyer::awaiting().fails(gone());
    check(&buyer, "failed", None);
    assert!(!buyer.0.is_proved_by(preimage(9)));
    assert!(buyer.0.is_proved_by(preimage(1)));
    let wrong = buyer.reloaded().fails(gone()).event(Event::WalletPaid {
        preimage: preimage(9),
    });
    check(&wrong, "failed", None);
    assert_eq!(wrong.saved().preimage, None);
    let buyer = buyer.event(Event::WalletPaid {
        preimage: preimage(1),
    });
    check(&buyer, "paid", Some("fetch"));
    assert_eq!(buyer.saved().preimage, Some(preimage(1)), "stored first");
    let Some(Task::FetchContent {
        claim: ticket,
        preimage: proof,
        size,
        sealed: None,
    }) = buyer.0.job().map(|job| job.task)
    else {
        panic!("nothing is fetched");
    };
    assert_eq!((ticket, proof), (claim(1), Some(preimage(1))));
    assert_eq!(size, Some(GOODS.len() as u64));
}

impl Buyer {
    fn wallet(self, number: u8, wallet: Wallet) -> Self {
        self.event(Event::Wallet {
            payment_hash: payment_hash(number),
            wallet,
        })
    }

    fn replaces(self, number: u8) -> Self {
        self.event(Event::Replace {
            purchase_id: purchase_id(number),
        })
    }
}

/// A wallet's word that it did not pay.
fn no_route() -> Wallet {
    Wallet::Failed
}

#[test]
fn a_wallet_is_told_once_until_it_says_that_it_did_not_pay() {
    assert!(!Buyer::new().0.may_tell_wallet());
    let buyer = Buyer::awaiting();
    assert!(buyer.0.may_tell_wallet() && !buyer.0.is_in_flight());
    let round = buyer.round();
    let buyer = buyer.wallet(1, Wallet::Paying);
    assert_eq!(buyer.round(), round, "the page goes on asking");
    for wallet in [Wallet::Paying, Wallet::Silent, Wallet::SaysPaid] {
        let buyer = Buyer(buyer.0.clone()).wallet(1, wallet);
        assert!(!buyer.0.may_tell_wallet() && buyer.0.is_in_flight());
        assert!(buyer.payable(), "another wallet may pay the same invoice");
        let again = Buyer(buyer.0.clone()).wallet(1, Wallet::Paying);
        assert_eq!(again.0, buyer.0);
    }
    let failed = buyer.wallet(1, Wallet::Silent).wallet(1, no_route());
    assert!(failed.0.may_tell_wallet());
    assert!(failed.0.is_in_flight(), "its word is not lightningd's");
    check(&failed.wallet(1, Wallet::Paying), "awaiting", Some("wait"));
}

#[test]
fn an_answer_that_comes_late_or_for_another_invoice_changes_nothing() {
    let replaced = Buyer::replaced();
    let before = replaced.0.clone();
    assert_eq!(replaced.wallet(1, no_route()).0, before);
    let untold = Buyer::awaiting();
    let before = untold.0.clone();
    assert_eq!(untold.wallet(1, Wallet::SaysPaid).0, before);
    let paid = Buyer::paid();
    let before = paid.0.clone();
    assert_eq!(paid.wallet(1, no_route()).0, before);
}

#[test]
fn what_a_wallet_may_pay_is_not_replaced_before_lightningd_has_spoken() {
    let buyer = Buyer::awaiting()
        .wallet(1, Wallet::Paying)
        .event(Event::Terms(limited(99)));
    check(&buyer, "refused", Some("wait"));
    let buyer = buyer.replaces(2).status(1, Status::Unpaid).replaces(2);
    check(&buyer, "refused", Some("wait"));
    let buyer = buyer.fails(Trouble::Offline).replaces(2);
    check(&buyer, "refused", Some("wait"));
    assert!(buyer.0.job().unwrap().delay >= Duration::from_secs(1));
    assert!(!buyer.0.may_start_over(EXPIRES_AT + 1));
    let buyer = buyer.reloaded();
    assert!(!buyer.0.may_tell_wallet(), "a reload forgets nothing");
    let buyer = buyer
        .event(Event::Terms(limited(99)))
        .status(1, Status::Expired);
    check(&buyer, "refused", None);
    check(&buyer.replaces(2), "requesting", Some("create"));
}

#[test]
fn where_the_store_no_longer_answers_the_invoices_own_end_decides() {
    let buyer = Buyer::awaiting()
        .wallet(1, Wallet::Paying)
        .wallet(1, Wallet::Silent);
    let refused = Buyer(buyer.0.clone()).event(Event::Terms(limited(99)));
    for buyer in [buyer.fails(gone()), refused.fails(gone())] {
        check(&buyer, "failed", None);
        assert!(!buyer.0.may_start_over(EXPIRES_AT - 1));
        assert!(buyer.0.may_start_over(EXPIRES_AT));
    }
    let untold = Buyer::awaiting().fails(gone());
    assert!(untold.0.may_start_over(CREATED_AT));
    assert!(Buyer::paid().0.may_start_over(CREATED_AT));
}

#[test]
fn an_invoice_that_a_wallet_was_told_of_expires_as_any_other() {
    let buyer = Buyer::awaiting()
        .wallet(1, Wallet::Paying)
        .status(1, Status::Expired);
    check(&buyer, "expired", None);
    assert!(!buyer.0.is_in_flight());
    let stored = buyer.saved();
    let buyer = buyer.replaces(2).created(2);
    assert!(buyer.0.may_tell_wallet(), "the new one is another matter");
    assert!(buyer.saved().includes(&stored), "nothing is set aside");
}

#[test]
fn a_tab_hears_what_another_has_told_a_wallet() {
    let told = Buyer::awaiting().wallet(1, Wallet::Paying);
    assert!(told.saved().told);
    let other = Buyer::awaiting().wallet(1, Wallet::Silent);
    assert!(!other.0.may_tell_wallet() && other.0.is_in_flight());
    assert!(told.saved().includes(&Buyer::awaiting().saved()));
    assert!(!Buyer::awaiting().saved().includes(&told.saved()));
}

#[test]
fn what_is_stored_knows_what_may_go() {
    let awaiting = Buyer::awaiting().saved();
    let paid = Buyer::paid().saved();
    assert!(paid.includes(&awaiting) && !awaiting.includes(&paid));
    let asking = Buyer::new().buys(1).saved();
    assert!(awaiting.includes(&asking) && !asking.includes(&awaiting));
    assert!(!awaiting.includes(&Buyer::new().buys(2).saved()));
    let replaced = Buyer::replaced().saved();
    assert!(replaced.includes(&awaiting) && !awaiting.includes(&replaced));
    let mut other = awaiting.clone();
    other.claim = Some(claim(2));
    assert!(!awaiting.includes(&other));

    assert_eq!(asking.ticketed(), None);
    let between = Buyer::awaiting()
        .status(1, Status::Expired)
        .event(Event::Replace {
            purchase_id: purchase_id(2),
        });
    assert_eq!(between.saved().ticketed(), Some(awaiting));
}

#[test]
fn a_purchase_is_read_as_it_was_stored_before_replaced_invoices_were() {
    let stored = format!(r#"{{"purchase_id":"{}"}}"#, purchase_id(1).to_hex());
    let saved: Saved = serde_json::from_str(&stored).unwrap();
    assert_eq!(saved, Buyer::new().buys(1).saved());
    assert_eq!(serde_json::to_string(&saved).unwrap(), stored);

    let kept = Buyer::replaced().saved();
    let stored = serde_json::to_value(&kept).unwrap();
    assert_eq!(
        stored["earlier"],
        serde_json::json!([{
            "purchase_id": purchase_id(1).to_hex(),
            "claim": claim(1).to_base64(),
            "bolt11": sample(1).bolt11(),
            "size": GOODS.len(),
        }])
    );
    assert_eq!(serde_json::from_value::<Saved>(stored).unwrap(), kept);
}

#[test]
fn paid_wins_in_every_state_that_has_the_order() {
    let expired = Buyer::awaiting().status(1, Status::Expired);
    let failed = Buyer::awaiting().fails(gone());
    let mut dear = sample(1);
    dear.amount_msat = Some(1);
    let refused = Buyer::new().buys(1);
    let round = refused.round();
    let refused = refused.event(Event::Created {
        round,
        created: Box::new(dear.created()),
    });
    check(&refused, "refused", Some("ask"));
    for buyer in [Buyer::awaiting(), expired, failed, refused] {
        let buyer = buyer.status_of_round(0, 1, Status::Paid);
        check(&buyer, "paid", Some("fetch"));
    }
}

#[test]
fn anothers_payment_is_not_ours() {
    let buyer = Buyer::awaiting().status_of_round(0, 9, Status::Paid);
    check(&buyer, "awaiting", Some("wait"));
}

#[test]
fn a_wallets_proof_unlocks_at_once_and_a_wrong_one_changes_nothing() {
    let buyer = Buyer::awaiting().event(Event::WalletPaid {
        preimage: preimage(9),
    });
    check(&buyer, "awaiting", Some("wait"));
    let buyer = buyer.event(Event::WalletPaid {
        preimage: preimage(1),
    });
    check(&buyer, "paid", Some("fetch"));
    assert_eq!(buyer.saved().preimage, Some(preimage(1)));
}

#[test]
fn a_false_preimage_of_the_server_is_not_kept() {
    let buyer = Buyer::awaiting().event(Event::Status {
        round: 0,
        payment_hash: payment_hash(1),
        status: status(Status::Paid, Some(preimage(9))),
    });
    check(&buyer, "paid", Some("fetch"));
    assert_eq!(buyer.saved().preimage, None);
}

#[test]
fn stale_answers_change_nothing() {
    let requesting = Buyer::new().buys(1);
    let stale = requesting.round() - 1;
    let created = Event::Created {
        round: stale,
        created: Box::new(sample(1).created()),
    };
    let failure = Event::Failed {
        round: stale,
        trouble: gone(),
    };
    for event in [created, failure.clone()] {
        let before = requesting.0.clone();
        assert_eq!(before.clone().update(event), before);
    }

    let awaiting = Buyer::awaiting();
    for word in [Status::Unpaid, Status::Expired] {
        let before = awaiting.0.clone();
        let after = Buyer(before.clone()).status_of_round(stale, 1, word);
        assert_eq!(after.0, before, "{word:?}");
    }
    let before = awaiting.0.clone();
    assert_eq!(before.clone().update(failure), before);

    let paid = Buyer::paid();
    let before = paid.0.clone();
    let content = Event::Content {
        round: stale,
        sha256: ContentHash::of(b"old"),
    };
    assert_eq!(before.clone().update(content), before);
}

#[test]
fn events_that_do_not_belong_change_nothing() {
    let delivered = Buyer::paid().content(GOODS);
    let events = || {
        vec![
            Event::Buy {
                purchase_id: purchase_id(7),
            },
            Event::Replace {
                purchase_id: purchase_id(7),
            },
            Event::Restore(Box::new(Buyer::awaiting().saved())),
            Event::Recheck,
            Event::Retry,
            Event::WalletPaid {
                preimage: preimage(1),
            },
        ]
    };
    for event in events() {
        let after = delivered.0.clone().update(event.clone());
        assert_eq!(after, delivered.0, "{event:?}");
    }
    for event in events().into_iter().take(3) {
        let awaiting = Buyer::awaiting().0;
        assert_eq!(
            awaiting.clone().update(event.clone()),
            awaiting,
            "{event:?}"
        );
    }
}

#[test]
fn being_offline_is_retried_with_growing_pauses_and_never_fails() {
    for mut buyer in [Buyer::new().buys(1), Buyer::awaiting(), Buyer::paid()] {
        let before = name(&buyer);
        let mut last = Duration::ZERO;
        for _ in 0..8 {
            buyer = buyer.fails(Trouble::Offline);
            assert_eq!(name(&buyer), before);
            let delay = buyer.0.job().unwrap().delay;
            assert!(delay >= last && delay <= Duration::from_secs(15));
            last = delay;
        }
        assert_eq!(last, Duration::from_secs(15));
        let buyer = buyer.event(Event::Recheck);
        assert!(buyer.0.job().unwrap().delay < Duration::from_secs(1));
    }
}

#[test]
fn a_nodes_absence_is_retried_and_a_refusal_is_not() {
    let buyer = Buyer::new().buys(1).fails(node_away());
    check(&buyer, "requesting", Some("create"));
    let unknown = Trouble::Problem(Problem::new(ErrorCode::UnknownItem, "no dogs"));
    let buyer = buyer.fails(unknown);
    check(&buyer, "failed", None);
    let buyer = buyer.event(Event::Retry);
    check(&buyer, "requesting", Some("create"));
    assert_eq!(buyer.saved().purchase_id, purchase_id(1));
}

#[test]
fn retry_after_a_failed_question_asks_about_the_same_invoice() {
    let buyer = Buyer::awaiting().fails(gone());
    check(&buyer, "failed", None);
    let buyer = buyer.event(Event::Retry);
    check(&buyer, "awaiting", Some("wait"));
    assert_eq!(buyer.saved().claim, Some(claim(1)));
}

#[test]
fn paid_goods_that_cannot_be_had_stay_paid() {
    let buyer = Buyer::paid().fails(gone());
    check(&buyer, "undelivered", None);
    assert_eq!(buyer.saved().preimage, Some(preimage(1)));
    let buyer = buyer.event(Event::Retry);
    check(&buyer, "paid", Some("fetch"));
}

#[test]
fn other_bytes_than_the_promised_ones_are_named() {
    let buyer = Buyer::paid().content(b"a dog");
    let State::Undelivered { reason, .. } = buyer.0.state() else {
        panic!("{}", name(&buyer));
    };
    assert_eq!(
        *reason,
        Undelivered::WrongContent {
            expected: ContentHash::of(GOODS),
            found: ContentHash::of(b"a dog"),
        }
    );
}

#[track_caller]
fn check_refused(change: impl FnOnce(&mut common::Sample), failed: Check) {
    let mut changed = sample(1);
    change(&mut changed);
    let buyer = Buyer::new().buys(1);
    let round = buyer.round();
    let buyer = buyer.event(Event::Created {
        round,
        created: Box::new(changed.created()),
    });
    let State::Refused { failure, .. } = buyer.0.state() else {
        panic!("{failed:?} must be refused, not {}", name(&buyer));
    };
    assert_eq!(failure.check(), failed);
    assert!(!buyer.payable());
    assert!(!failure.to_string().is_empty());
}

#[test]
fn every_check_refuses_what_breaks_it() {
    check_refused(|s| s.key = [43; 32], Check::Payee);
    check_refused(|s| s.amount_msat = Some(100_001), Check::Amount);
    check_refused(|s| s.amount_msat = None, Check::Amount);
    check_refused(|s| s.description = "cats".into(), Check::Commitment);
    check_refused(
        |s| s.description = describe("Two cats", ContentHash::of(b"a dog")),
        Check::Commitment,
    );
    check_refused(
        |s| s.currency = lightning_invoice::Currency::Bitcoin,
        Check::Network,
    );
}

#[test]
fn an_invoice_that_belongs_to_another_claim_is_refused() {
    let buyer = Buyer::new().buys(1);
    let round = buyer.round();
    let mut created = sample(1).created();
    created.claim = claim(2);
    let buyer = buyer.event(Event::Created {
        round,
        created: Box::new(created),
    });
    check(&buyer, "refused", None);
    assert!(!buyer.payable());
}

#[test]
fn a_broken_signature_is_refused() {
    let buyer = Buyer::new().buys(1);
    let round = buyer.round();
    let mut created = sample(1).created();
    created.invoice.bolt11.pop();
    let buyer = buyer.event(Event::Created {
        round,
        created: Box::new(created),
    });
    check(&buyer, "refused", None);
}

#[test]
fn a_page_that_pins_another_node_refuses_the_stores_own_invoice() {
    let mut pinned = terms();
    pinned.payees = Some(Payees::new(node_id([7; 32]), Vec::new()));
    let buyer = Buyer(Purchase::new(pinned)).buys(1).created(1);
    assert_eq!(name(&buyer), "refused");
}

#[test]
fn an_invoice_of_any_node_of_the_store_is_accepted() {
    let mut several = terms();
    several.payees = Some(Payees::new(node_id([7; 32]), vec![node_id([42; 32])]));
    let buyer = Buyer(Purchase::new(several)).buys(1).created(1);
    assert_eq!(name(&buyer), "awaiting");
}

#[test]
fn a_price_above_the_pages_limit_is_refused() {
    let mut limited = terms();
    limited.max_msat = Some(Msat(99_999));
    let buyer = Buyer(Purchase::new(limited)).buys(1).created(1);
    assert_eq!(name(&buyer), "refused");
}

/// The terms of a price of 0.25 USD, which is advertised at 100 sat.
fn floating(max_msat: Option<u64>) -> Terms {
    Terms {
        fiat_price: Some(FiatPrice {
            amount: "0.25".parse().expect("a decimal number"),
            currency: "USD".parse().expect("a currency"),
        }),
        max_msat: max_msat.map(Msat),
        ..terms()
    }
}

/// A buyer under these terms who was given an invoice that asks for this and states this rate.
fn asked(terms: Terms, amount_msat: u64, rate: &str) -> Buyer {
    let buyer = Buyer(Purchase::new(terms)).buys(1);
    let mut changed = sample(1);
    changed.amount_msat = Some(amount_msat);
    let title = format!("Two cats ({rate} of 2026-11-23T06:00:00Z)");
    changed.description = describe(&title, ContentHash::of(GOODS));
    let round = buyer.round();
    buyer.event(Event::Created {
        round,
        created: Box::new(changed.created()),
    })
}

#[track_caller]
fn check_floating(amount_msat: u64, max_msat: Option<u64>, state: &str) {
    let buyer = asked(floating(max_msat), amount_msat, "no rate");
    assert_eq!(name(&buyer), state, "{amount_msat} msat");
    assert_eq!(buyer.payable(), state == "awaiting");
    assert_eq!(buyer.0.moved_price(), None);
}

#[test]
fn a_price_that_follows_a_rate_may_move_a_little_and_never_above_the_limit() {
    check_floating(100_000, None, "awaiting");
    check_floating(101_000, None, "awaiting");
    check_floating(101_001, None, "refused");
    check_floating(60_000, None, "awaiting");
    check_floating(101_000, Some(101_000), "awaiting");
    check_floating(100_501, Some(100_500), "refused");
    check_floating(100_400, Some(100_500), "awaiting");
}

#[test]
fn a_price_whose_rate_has_moved_is_payable_once_the_buyer_agrees() {
    // 0.25 USD are 125 sat at 200000 USD for a bitcoin.
    let buyer = asked(floating(None), 125_000, "0.25 USD at 200000 USD/BTC");
    check(&buyer, "refused", Some("ask"));
    assert!(!buyer.payable(), "nothing is shown before");
    assert_eq!(buyer.0.moved_price(), Some(Msat(125_000)));
    let buyer = buyer.event(Event::Agree);
    check(&buyer, "awaiting", Some("wait"));
    assert!(buyer.payable());
    assert_eq!(buyer.0.terms().price_msat, Msat(125_000));
}

#[track_caller]
fn check_no_agreement(terms: Terms, amount_msat: u64, rate: &str) {
    let buyer = asked(terms, amount_msat, rate);
    assert_eq!(buyer.0.moved_price(), None, "{amount_msat} msat, {rate}");
    let buyer = buyer.event(Event::Agree);
    assert_eq!(name(&buyer), "refused", "{amount_msat} msat, {rate}");
    assert!(!buyer.payable());
}

#[test]
fn nobody_is_asked_to_agree_to_what_a_rate_does_not_explain() {
    let rate = "0.25 USD at 200000 USD/BTC";
    check_no_agreement(floating(None), 125_001, rate);
    check_no_agreement(floating(None), 125_000, "0.50 USD at 400000 USD/BTC");
    check_no_agreement(floating(None), 125_000, "0.25 EUR at 200000 EUR/BTC");
    check_no_agreement(floating(None), 125_000, "no rate");
    check_no_agreement(floating(Some(124_999)), 125_000, rate);
    check_no_agreement(terms(), 125_000, rate);
    let pinned = Terms {
        payees: Some(Payees::new(node_id([7; 32]), Vec::new())),
        ..floating(None)
    };
    check_no_agreement(pinned, 125_000, rate);
}

#[test]
fn agreement_changes_nothing_where_there_is_nothing_to_agree_to() {
    for buyer in [Buyer::new(), Buyer::awaiting(), Buyer::paid()] {
        let before = buyer.0.clone();
        assert_eq!(buyer.event(Event::Agree).0, before);
    }
}

#[test]
fn the_size_of_the_goods_is_kept_for_the_receipt() {
    let size = Some(GOODS.len() as u64);
    assert_eq!(Buyer::awaiting().saved().size, size);
    assert_eq!(Buyer::paid().saved().size, size);
    let mut saved = Buyer::paid().saved();
    saved.size = None;
    let other = Terms {
        sha256: ContentHash::of(b"a dog"),
        ..terms()
    };
    let restored = |terms| Purchase::new(terms).update(Event::Restore(Box::new(saved.clone())));
    assert_eq!(restored(terms()).saved().unwrap().size, size);
    assert_eq!(restored(other).saved().unwrap().size, None);
}

#[test]
fn a_reload_finds_the_purchase_again_in_every_state() {
    check(
        &Buyer::new().buys(1).reloaded(),
        "requesting",
        Some("create"),
    );
    check(&Buyer::awaiting().reloaded(), "awaiting", Some("wait"));
    check(&Buyer::paid().reloaded(), "paid", Some("fetch"));
    let delivered = Buyer::paid().content(GOODS);
    check(&delivered.reloaded(), "paid", Some("fetch"));
    let expired = Buyer::awaiting().status(1, Status::Expired);
    check(&expired.reloaded(), "awaiting", Some("wait"));
}

#[test]
fn a_reload_after_the_price_changed_still_delivers_what_was_paid() {
    let saved = Buyer::awaiting().saved();
    let mut dearer = terms();
    dearer.price_msat = Msat(200_000);
    let buyer = Buyer(Purchase::new(dearer)).event(Event::Restore(Box::new(saved)));
    check(&buyer, "refused", Some("ask"));
    check(&buyer.status(1, Status::Paid), "paid", Some("fetch"));
}

#[test]
fn a_broken_storage_entry_finds_the_rest_at_the_gateway() {
    let mut saved = Buyer::awaiting().saved();
    saved.bolt11 = Some("lnbcrt1nonsense".into());
    let buyer = Buyer::new().event(Event::Restore(Box::new(saved)));
    check(&buyer, "requesting", Some("create"));
}

#[test]
fn waking_up_asks_again() {
    let buyer = Buyer::awaiting();
    let before = buyer.round();
    let buyer = buyer.event(Event::Recheck);
    assert_ne!(buyer.round(), before);
    let buyer = buyer.status(1, Status::Expired).event(Event::Recheck);
    check(&buyer, "expired", Some("ask"));
    check(&buyer.status(1, Status::Expired), "expired", None);
}

#[test]
fn a_running_download_survives_waking_up() {
    let buyer = Buyer::paid();
    let before = buyer.round();
    assert_eq!(buyer.event(Event::Recheck).round(), before);
}

#[test]
fn starting_over_forgets_the_order_on_screen() {
    let buyer = Buyer::awaiting().event(Event::Reset);
    check(&buyer, "idle", None);
    check(&buyer.buys(2), "requesting", Some("create"));
}

/// The terms of a page that allows at most this; the price is 100 sat.
fn limited(max_sat: u64) -> Terms {
    Terms {
        max_msat: Some(Msat(max_sat * 1000)),
        ..terms()
    }
}

#[test]
fn an_invoice_that_the_page_no_longer_allows_is_hidden_at_once() {
    let buyer = Buyer::awaiting().event(Event::Terms(limited(99)));
    check(&buyer, "refused", Some("ask"));
    assert!(!buyer.payable());

    let buyer = buyer.event(Event::Terms(limited(100)));
    check(&buyer, "awaiting", Some("wait"));
    assert!(buyer.payable());
}

#[test]
fn other_terms_do_not_touch_what_is_paid() {
    for buyer in [Buyer::paid(), Buyer::paid().content(GOODS)] {
        let before = buyer.0.state().clone();
        let after = buyer.event(Event::Terms(limited(99)));
        assert_eq!(*after.0.state(), before);
    }
}

#[test]
fn the_same_terms_change_nothing() {
    let before = Buyer::awaiting().0;
    assert_eq!(before.clone().update(Event::Terms(terms())), before);
}

/// A step of a random walk; rounds are given relative to the current one, so that many answers
/// are current and some are late.
#[derive(Clone, Debug)]
enum Step {
    Buy(u8),
    Created(u8, u32),
    Status(u8, Status, u32),
    Content(bool, u32),
    Fail(Trouble, u32),
    Wallet(u8),
    /// A wallet is told to pay this one, and perhaps answers.
    Tell(u8, Wallet),
    Recheck,
    Replace(u8),
    Agree,
    Retry,
    Terms(u64),
    /// The page is loaded again.
    Reload,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = 1..4_u8;
    let late = prop_oneof![4 => Just(0), 1 => 1..3_u32];
    let word = prop_oneof![
        Just(Status::Unpaid),
        Just(Status::Paid),
        Just(Status::Expired)
    ];
    let trouble = prop_oneof![
        Just(Trouble::Offline),
        Just(Trouble::Unreadable),
        Just(node_away()),
        Just(refusal()),
        Just(gone())
    ];
    let wallet = prop_oneof![
        Just(Wallet::Paying),
        Just(Wallet::Silent),
        Just(Wallet::SaysPaid),
        Just(no_route())
    ];
    let step = prop_oneof![
        number.clone().prop_map(Step::Buy),
        (number.clone(), late.clone()).prop_map(|(n, l)| Step::Created(n, l)),
        (number.clone(), word, late.clone()).prop_map(|(n, w, l)| Step::Status(n, w, l)),
        (any::<bool>(), late.clone()).prop_map(|(right, l)| Step::Content(right, l)),
        (trouble, late).prop_map(|(t, l)| Step::Fail(t, l)),
        number.clone().prop_map(Step::Wallet),
        (number.clone(), wallet).prop_map(|(n, w)| Step::Tell(n, w)),
        Just(Step::Recheck),
        number.prop_map(Step::Replace),
        Just(Step::Agree),
        Just(Step::Retry),
        prop_oneof![Just(99), Just(100)].prop_map(Step::Terms),
        Just(Step::Reload),
    ];
    prop::collection::vec(step, 1..40)
}

fn event(step: &Step, round: u32) -> Event {
    match step {
        Step::Buy(n) => Event::Buy {
            purchase_id: purchase_id(*n),
        },
        Step::Created(n, late) => Event::Created {
            round: round.saturating_sub(*late),
            created: Box::new(sample(*n).created()),
        },
        Step::Status(n, word, late) => Event::Status {
            round: round.saturating_sub(*late),
            payment_hash: payment_hash(*n),
            status: status(*word, (*word == Status::Paid).then(|| preimage(*n))),
        },
        Step::Content(right, late) => Event::Content {
            round: round.saturating_sub(*late),
            sha256: ContentHash::of(if *right { GOODS } else { b"wrong" }),
        },
        Step::Fail(trouble, late) => Event::Failed {
            round: round.saturating_sub(*late),
            trouble: trouble.clone(),
        },
        Step::Wallet(n) => Event::WalletPaid {
            preimage: preimage(*n),
        },
        Step::Tell(n, wallet) => Event::Wallet {
            payment_hash: payment_hash(*n),
            wallet: *wallet,
        },
        Step::Recheck => Event::Recheck,
        Step::Replace(n) => Event::Replace {
            purchase_id: purchase_id(*n),
        },
        Step::Agree => Event::Agree,
        Step::Retry => Event::Retry,
        Step::Terms(max_sat) => Event::Terms(limited(*max_sat)),
        Step::Reload => unreachable!("no event; see Page::step"),
    }
}

/// A page that can be loaded again, with the storage that outlives it.
#[derive(Clone)]
struct Page {
    purchase: Purchase,
    stored: Option<Saved>,
}

impl Page {
    fn new() -> Self {
        Self {
            purchase: Purchase::new(terms()),
            stored: None,
        }
    }

    fn step(&mut self, step: &Step) {
        let purchase = match step {
            Step::Reload => {
                let new = Purchase::new(terms());
                match &self.stored {
                    Some(saved) => new.update(Event::Restore(Box::new(saved.clone()))),
                    None => new,
                }
            }
            step => {
                let round = self.purchase.job().map_or(0, |job| job.round);
                self.purchase.clone().update(event(step, round))
            }
        };
        self.stored = purchase.saved().or(self.stored.take());
        self.purchase = purchase;
    }

    /// The store's answer to the job of the moment, where only this invoice was paid.
    fn answer(&mut self, paid: u8) {
        let step = match self.purchase.job().map(|job| job.task) {
            Some(Task::CreateInvoice { .. }) => Step::Created(paid % 3 + 1, 0),
            Some(Task::AskStatus { claim, .. }) => {
                let asked = (1..4).find(|&n| payment_hash(n) == claim.payment_hash());
                let asked = asked.expect("one of the three samples");
                let word = if asked == paid {
                    Status::Paid
                } else {
                    Status::Unpaid
                };
                Step::Status(asked, word, 0)
            }
            Some(Task::FetchContent { .. }) => Step::Content(true, 0),
            None => Step::Retry,
        };
        self.step(&step);
    }

    /// The order on screen.
    fn order(&self) -> Option<u8> {
        let hash = match self.purchase.state() {
            State::AwaitingPayment { order, .. }
            | State::Expired { order, .. }
            | State::Refused {
                order: Some(order), ..
            }
            | State::Failed {
                order: Some(order), ..
            } => order.invoice.payment_hash,
            _ => return None,
        };
        (1..4).find(|&n| payment_hash(n) == hash)
    }
}

/// The tickets that the page keeps.
fn tickets(purchase: &Purchase) -> Vec<Claim> {
    let saved = purchase.saved();
    let all = saved
        .iter()
        .flat_map(|saved| saved.earlier.iter().chain([saved]));
    all.filter_map(|saved| saved.claim.clone()).collect()
}

fn has_paid(purchase: &Purchase) -> bool {
    matches!(
        purchase.state(),
        State::Paid { .. } | State::Undelivered { .. } | State::Delivered { .. }
    )
}

proptest! {
    /// The promises: paid is never lost, nothing unpaid is delivered, no second invoice is asked
    /// for while one can be paid, and only checked invoices are payable.
    #[test]
    fn the_promises_hold_under_random_events(steps in steps()) {
        let mut page = Page::new();
        let mut proof_of_payment = false;
        for step in &steps {
            let before = page.purchase.clone();
            proof_of_payment |= matches!(step, Step::Status(_, Status::Paid, _) | Step::Wallet(_));
            page.step(step);
            let purchase = &page.purchase;

            prop_assert!(!has_paid(&before) || has_paid(purchase), "{step:?} lost a payment");
            prop_assert!(!has_paid(purchase) || proof_of_payment, "{step:?} paid by itself");
            if before.payable(NOW).is_some() || before.is_in_flight() {
                let asks_anew = matches!(
                    purchase.job().map(|job| job.task),
                    Some(Task::CreateInvoice { .. })
                );
                prop_assert!(!asks_anew, "{step:?} asked for a second invoice");
            }
            if let Some(order) = purchase.payable(NOW) {
                prop_assert_eq!(
                    purrwall_shared::invoice::check(&order.invoice, order.claim.payment_hash(), &purchase.terms().expected()),
                    Ok(())
                );
            }
            if let State::Delivered { order, .. } = purchase.state() {
                prop_assert_eq!(order.promised(), Some(ContentHash::of(GOODS)));
            }
            prop_assert!(purchase.saved().is_some() || !has_paid(purchase));
            // The browser starts a job when the round changes.
            if purchase.round() == before.round() && !matches!(step, Step::Reload) {
                prop_assert_eq!(purchase.job(), before.job(), "{:?} changed a running job", step);
            }
            for ticket in tickets(&before) {
                prop_assert!(tickets(purchase).contains(&ticket), "{step:?} lost a ticket");
            }
        }
    }

    /// Whichever invoice the buyer was given and paid: after a reload at any moment the page finds
    /// out by itself, and the goods come.
    #[test]
    fn an_invoice_that_was_given_is_never_forgotten(steps in steps()) {
        let mut page = Page::new();
        let mut given = Vec::new();
        for step in &steps {
            let mut next = page.clone();
            next.step(step);
            if has_paid(&next.purchase) {
                break;
            }
            given.extend(next.order());
            page = next;
        }
        given.sort_unstable();
        given.dedup();
        for paid in given {
            let mut page = page.clone();
            page.step(&Step::Reload);
            for _ in 0..12 {
                page.answer(paid);
            }
            let State::Delivered { order, .. } = page.purchase.state() else {
                panic!("{:?}", page.purchase);
            };
            prop_assert_eq!(order.invoice.payment_hash, payment_hash(paid));
        }
    }

    /// Every state reaches rest: with a gateway that answers and a payment, any purchase that was
    /// begun ends delivered.
    #[test]
    fn every_purchase_reaches_rest(steps in steps()) {
        let mut page = Page::new();
        for step in &steps {
            page.step(step);
        }
        let mut purchase = page.purchase;
        for _ in 0..8 {
            purchase = match purchase.job() {
                Some(job) => {
                    let answer = match job.task {
                        Task::CreateInvoice { .. } => Step::Created(1, 0),
                        Task::AskStatus { claim, .. } => {
                            let number = (1..4).find(|&n| payment_hash(n) == claim.payment_hash());
                            Step::Status(number.unwrap(), Status::Paid, 0)
                        }
                        Task::FetchContent { .. } => Step::Content(true, 0),
                    };
                    purchase.update(event(&answer, job.round))
                }
                None => match purchase.state() {
                    State::Delivered { .. } => break,
                    State::Idle => purchase.update(event(&Step::Buy(1), 0)),
                    State::Expired { .. } | State::Refused { .. } => {
                        purchase.update(event(&Step::Replace(1), 0))
                    }
                    _ => purchase.update(Event::Retry),
                },
            };
        }
        let rests = matches!(purchase.state(), State::Delivered { .. });
        prop_assert!(rests, "{:?}", purchase.state());
    }
}

#[test]
fn a_refused_invoice_that_another_tab_has_a_wallet_pay_is_asked_about() {
    let mut page = Page::new();
    for step in [
        Step::Buy(1),
        Step::Terms(99),
        Step::Created(1, 0),
        Step::Fail(Trouble::Offline, 0),
        Step::Tell(1, Wallet::Silent),
    ] {
        page.step(&step);
    }
    let task = page.purchase.job().map(|job| job.task);
    assert!(matches!(task, Some(Task::AskStatus { .. })), "{task:?}");
}

/// What is sold sealed by the first invoice.
fn manifest() -> Manifest {
    Manifest {
        format: FORMAT,
        ct: Digest([7; 32]),
        size: GOODS.len() as u64,
        chunk: CHUNK,
        key: WrappedKey([9; 32]),
        secret: SecretId([1; 4]),
        token: Digest::of(&[&[1; 32]]),
    }
}

fn offers_sealed() -> Buyer {
    Buyer(Purchase::new(Terms {
        sealed: Some(SealedGoods {
            ct: manifest().ct,
            chunk: CHUNK,
            urls: vec!["https://cdn.example/7".to_owned()],
        }),
        ..terms()
    }))
    .buys(1)
}

/// A buyer of sealed goods who is given one manifest, and an invoice that commits to another.
fn sold_sealed(given: Option<Manifest>, committed: Manifest) -> Buyer {
    let buyer = offers_sealed();
    let mut changed = sample(1);
    changed.description = Description {
        title: "Two cats",
        manifest: Some(committed.hash()),
        nonce: Some(Nonce([0; 8])),
        sha256: Some(ContentHash::of(GOODS)),
        ..Description::default()
    }
    .to_string();
    let mut created = changed.created();
    created.sealed = given.map(|manifest| SealedSale {
        manifest,
        urls: Vec::new(),
    });
    let round = buyer.round();
    buyer.event(Event::Created {
        round,
        created: Box::new(created),
    })
}

#[test]
fn sealed_goods_are_payable_only_by_the_manifest_that_the_invoice_commits_to() {
    let right = manifest();
    let buyer = sold_sealed(Some(right), right);
    check(&buyer, "awaiting", Some("wait"));
    assert!(buyer.payable());
    assert_eq!(buyer.saved().manifest, Some(right.to_json()));

    let another_ct = Manifest {
        ct: Digest([8; 32]),
        ..right
    };
    let another_size = Manifest { size: 1, ..right };
    let another_chunk = Manifest {
        chunk: 1 << 10,
        ..right
    };
    let another_claim = Manifest {
        token: Digest::of(&[&[2; 32]]),
        ..right
    };
    let another_format = Manifest { format: 2, ..right };
    for wrong in [
        another_ct,
        another_size,
        another_chunk,
        another_claim,
        another_format,
    ] {
        let refused = [
            sold_sealed(Some(wrong), wrong),
            sold_sealed(Some(wrong), right),
        ];
        for buyer in refused {
            let State::Refused { failure, .. } = buyer.0.state() else {
                panic!("{wrong:?}: {}", name(&buyer));
            };
            assert_eq!(failure.check(), Check::Sealed, "{wrong:?}");
            check(&buyer, "refused", None);
            // A reload shows it no more than this page does.
            assert_eq!(buyer.0.saved(), None);
        }
    }
    assert_eq!(name(&sold_sealed(None, right)), "refused");
}

#[test]
fn another_ciphertext_is_refused_before_there_is_an_invoice() {
    let buyer = offers_sealed();
    let round = buyer.round();
    let stale = Event::WrongCiphertext { round: round + 1 };
    check(&offers_sealed().event(stale), "requesting", Some("create"));
    let buyer = buyer.event(Event::WrongCiphertext { round });
    check(&buyer, "refused", None);
}

#[test]
fn a_reload_finds_what_the_payment_opens() {
    let paid = sold_sealed(Some(manifest()), manifest()).event(Event::WalletPaid {
        preimage: preimage(1),
    });
    let reloaded = Buyer(Purchase::new(terms())).event(Event::Restore(Box::new(paid.saved())));
    let Some(Task::FetchContent {
        sealed: Some(opened),
        ..
    }) = reloaded.0.job().map(|job| job.task)
    else {
        panic!("{}", name(&reloaded));
    };
    assert_eq!(opened, (manifest().to_json(), ContentHash::of(GOODS)));
}

#[test]
fn a_key_may_turn_out_false_while_the_goods_are_played() {
    let played = || {
        let paid = sold_sealed(Some(manifest()), manifest()).event(Event::WalletPaid {
            preimage: preimage(1),
        });
        let round = paid.0.round();
        let sha256 = ContentHash::of(GOODS);
        (round, paid.event(Event::Content { round, sha256 }))
    };
    let (old, buyer) = played();
    check(&buyer, "delivered", None);
    let buyer = buyer.event(Event::FalseKey { round: old });
    check(&buyer, "delivered", None);
    let round = buyer.0.round();
    let buyer = buyer.event(Event::FalseKey { round });
    check(&buyer, "undelivered", None);
}

#[test]
fn a_false_key_is_reported_and_the_store_may_deliver_all_the_same() {
    let buyer = sold_sealed(Some(manifest()), manifest()).event(Event::WalletPaid {
        preimage: preimage(1),
    });
    let round = buyer.round();
    let buyer = buyer.event(Event::FalseKey { round });
    check(&buyer, "undelivered", None);
    let State::Undelivered { reason, order, .. } = buyer.0.state() else {
        unreachable!();
    };
    assert_eq!(*reason, Undelivered::FalseKey);
    assert!(order.manifest.is_some());

    let buyer = buyer.event(Event::Retry);
    let task = buyer.0.job().map(|job| job.task);
    assert!(matches!(
        task,
        Some(Task::FetchContent { sealed: None, .. })
    ));
    check(&buyer.content(GOODS), "delivered", None);
}
