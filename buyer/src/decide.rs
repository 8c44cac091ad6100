//! What to do next about a purchase that is not known to be paid: a pure decision.

use lightningd::Sent;
use shared::lightning::Preimage;

use crate::store::Word;

/// What is known about a purchase that is not known to be paid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// By the own node.
    pub(crate) sent: Sent,
    /// By the store.
    pub(crate) word: Word,
    /// By the invoice and the clock.
    pub(crate) is_expired: bool,
    /// Whether the own node may be about to send.
    pub(crate) is_attempted: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is paid, and this is the proof.
    Take(Preimage),
    /// Ask again in a moment.
    Wait,
    /// Pay the invoice.
    Pay,
    /// Ask for another invoice; this one is not paid and never will be.
    Replace,
}

/// Moves money only where nothing else can be moving it.
pub(crate) fn decide(facts: Facts) -> Next {
    match facts {
        Facts {
            sent: Sent::Complete(proof),
            ..
        }
        | Facts {
            word: Word::Paid(proof),
            ..
        } => Next::Take(proof),
        Facts {
            sent: Sent::Pending,
            ..
        }
        | Facts {
            is_attempted: true, ..
        } => Next::Wait,
        Facts {
            word: Word::Expired | Word::Unknown,
            ..
        }
        | Facts {
            is_expired: true, ..
        } => Next::Replace,
        Facts {
            word: Word::Unpaid, ..
        } => Next::Pay,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROOF: Preimage = Preimage([1; 32]);
    const WORDS: [Word; 4] = [
        Word::Unpaid,
        Word::Paid(PROOF),
        Word::Expired,
        Word::Unknown,
    ];

    /// Every combination of what can be known.
    fn everything() -> impl Iterator<Item = Facts> {
        let sent = [Sent::Nothing, Sent::Pending, Sent::Complete(PROOF)];
        sent.into_iter().flat_map(|sent| {
            WORDS.into_iter().flat_map(move |word| {
                (0..4).map(move |bits| Facts {
                    sent,
                    word,
                    is_expired: bits & 1 != 0,
                    is_attempted: bits & 2 != 0,
                })
            })
        })
    }

    #[test]
    fn money_moves_only_where_none_is_moving() {
        for facts in everything() {
            if matches!(decide(facts), Next::Pay | Next::Replace) {
                assert_eq!(facts.sent, Sent::Nothing, "{facts:?}");
                assert!(!facts.is_attempted, "{facts:?}");
            }
        }
    }

    #[test]
    fn only_an_invoice_that_can_be_paid_is_paid_and_only_another_is_replaced() {
        for facts in everything() {
            let is_payable = facts.word == Word::Unpaid && !facts.is_expired;
            match decide(facts) {
                Next::Pay => assert!(is_payable, "{facts:?}"),
                Next::Replace => assert!(!is_payable, "{facts:?}"),
                Next::Take(_) | Next::Wait => {}
            }
        }
    }

    #[test]
    fn a_proof_is_taken_wherever_it_comes_from() {
        for facts in everything() {
            let is_proven = facts.sent == Sent::Complete(PROOF) || facts.word == Word::Paid(PROOF);
            assert_eq!(decide(facts) == Next::Take(PROOF), is_proven, "{facts:?}");
        }
    }
}
