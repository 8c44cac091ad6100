//! One question that many ask at once: it is put once, and all have the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, OwnedMutexGuard};

/// Those who ask about one thing. At any time at most one of them asks lightningd.
///
/// Nobody gets an answer to a call that began before they came: it may be older than what they want
/// to know. So they wait for the end of the call that is under way, and share the next.
#[derive(Debug)]
pub(crate) struct Question<Answer> {
    /// How many calls have begun.
    begun: AtomicU64,
    turn: Arc<Mutex<Turn<Answer>>>,
}

/// The newest answer, while somebody waits who shares it.
#[derive(Debug)]
struct Turn<Answer> {
    /// The number of its call.
    number: u64,
    answer: Option<Answer>,
}

/// Whether others wait for their turn.
fn is_awaited<Answer>(turn: &OwnedMutexGuard<Turn<Answer>>) -> bool {
    // The question holds it, and whoever has it now.
    Arc::strong_count(OwnedMutexGuard::mutex(turn)) > 2
}

impl<Answer> Default for Question<Answer> {
    fn default() -> Self {
        let nothing = Turn {
            number: 0,
            answer: None,
        };
        Self {
            begun: AtomicU64::new(0),
            turn: Arc::new(Mutex::new(nothing)),
        }
    }
}

impl<Answer: Clone + Send + Sync + 'static> Question<Answer> {
    /// Asks by `call`, or shares the answer of somebody whose call began after this question. Neither
    /// is needed where `known` has the answer once the call before has ended.
    ///
    /// A call that has begun goes on to its end even if whoever asked goes away. Otherwise each stranger
    /// who comes and goes would cost a call. It is made where it runs: a crowd that asks at once would hold each
    /// several times over.
    pub(crate) async fn ask<Call>(
        &self,
        known: impl FnOnce() -> Option<Answer>,
        call: impl FnOnce() -> Call + Send + 'static,
    ) -> Answer
    where
        Call: Future<Output = Answer> + Send,
    {
        let before = self.begun.load(Ordering::SeqCst);
        let mut turn = self.turn.clone().lock_owned().await;
        if turn.number > before
            && let Some(answer) = turn.answer.take()
        {
            turn.answer = is_awaited(&turn).then(|| answer.clone());
            return answer;
        }
        if let Some(answer) = known() {
            return answer;
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let asking = tokio::spawn(async move {
            let answer = call().await;
            *turn = Turn {
                number,
                answer: is_awaited(&turn).then(|| answer.clone()),
            };
            answer
        });
        asking.await.expect("asking does not panic")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::Semaphore;
    use tokio::task::JoinSet;

    use super::*;

    /// A question whose calls are counted and wait until they are let through.
    struct Asked {
        question: Arc<Question<u64>>,
        calls: Arc<AtomicU64>,
        gate: Arc<Semaphore>,
    }

    impl Asked {
        fn new() -> Self {
            Self {
                question: Arc::default(),
                calls: Arc::default(),
                gate: Arc::new(Semaphore::new(0)),
            }
        }

        fn ask(&self) -> impl Future<Output = u64> + Send + 'static {
            let (question, calls, gate) =
                (self.question.clone(), self.calls.clone(), self.gate.clone());
            async move {
                let call = async move {
                    let number = calls.fetch_add(1, Ordering::SeqCst) + 1;
                    gate.acquire().await.unwrap().forget();
                    number
                };
                question.ask(|| None, || call).await
            }
        }

        async fn has_begun(&self, calls: u64) {
            while self.calls.load(Ordering::SeqCst) < calls {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }

    #[tokio::test]
    async fn who_comes_during_a_call_shares_the_next() {
        let asked = Asked::new();
        let first = tokio::spawn(asked.ask());
        asked.has_begun(1).await;
        let mut crowd: JoinSet<_> = (0..100).map(|_| asked.ask()).collect();
        // All of them have come: with one thread, they run while this task rests.
        tokio::task::yield_now().await;
        asked.gate.add_permits(9);
        assert_eq!(first.await.unwrap(), 1);
        while let Some(answer) = crowd.join_next().await {
            assert_eq!(answer.unwrap(), 2, "the call that began after they came");
        }
        assert_eq!(asked.ask().await, 3, "a later question is a new one");
        let turn = asked.question.turn.lock().await;
        assert_eq!(turn.answer, None, "nobody waits for it");
    }

    #[tokio::test]
    async fn what_was_learnt_meanwhile_needs_no_call() {
        let asked = Asked::new();
        let first = tokio::spawn(asked.ask());
        asked.has_begun(1).await;
        let question = asked.question.clone();
        let call = || async { panic!("it is known") };
        let second = tokio::spawn(async move { question.ask(|| Some(7), call).await });
        asked.gate.add_permits(1);
        assert_eq!(first.await.unwrap(), 1);
        assert_eq!(second.await.unwrap(), 7);
    }

    #[tokio::test]
    async fn who_goes_away_leaves_the_call_to_others() {
        let asked = Asked::new();
        let gone = tokio::spawn(asked.ask());
        asked.has_begun(1).await;
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        for _ in 0..100 {
            let gives_up = tokio::time::timeout(Duration::from_millis(1), asked.ask());
            assert!(gives_up.await.is_err());
        }
        assert_eq!(asked.calls.load(Ordering::SeqCst), 1);
        asked.gate.add_permits(9);
        assert_eq!(asked.ask().await, 2);
    }
}
