//! A buyer without a browser: the page's own state machine, driven through the gateway's router.

use std::time::Duration;

use shared::api::{STORE_PATH, Store, content_path, invoices_path};
use shared::content::ContentHash;
use shared::invoice::Terms;
use shared::lightning::Preimage;
use shared::purchase::{Event, Job, Purchase, Saved, State, Task, Trouble};

use crate::tools::{Answer, TestGateway, item, l402, new_purchase};

pub struct Buyer {
    pub gateway: TestGateway,
    pub purchase: Purchase,
    pub goods: Vec<u8>,
    item: String,
}

impl Buyer {
    /// Comes to the store and looks at an item.
    pub async fn comes(gateway: &TestGateway, item: &str) -> Self {
        let store: Store = gateway.get(STORE_PATH).await.json();
        let offer = store
            .items
            .iter()
            .find(|offer| offer.id.as_str() == item)
            .unwrap();
        let purchase = Purchase::new(Terms::of(&store, offer));
        Self {
            gateway: gateway.clone(),
            purchase,
            goods: Vec::new(),
            item: item.to_owned(),
        }
    }

    /// The same buyer after a reload of the page: only what was stored is left.
    pub async fn comes_back(gateway: &TestGateway, item: &str, saved: Saved) -> Self {
        let mut buyer = Self::comes(gateway, item).await;
        buyer.takes(Event::Restore(Box::new(saved)));
        buyer
    }

    pub fn takes(&mut self, event: Event) {
        self.purchase = self.purchase.clone().update(event);
    }

    /// Buys up to the point where the invoice is on screen; gives what the QR code holds.
    pub async fn asks_for_the_invoice(&mut self) -> String {
        self.takes(Event::Buy {
            purchase_id: new_purchase(),
        });
        self.goes_on_until(|state| matches!(state, State::AwaitingPayment { .. }))
            .await;
        self.shown()
    }

    /// What the QR code on screen holds.
    pub fn shown(&self) -> String {
        let order = self.purchase.payable(crate::tools::unix_now());
        order.expect("nothing is payable").invoice.bolt11.clone()
    }

    /// Goes on until the goods are there, and checks that they are those that were promised.
    pub async fn gets_the_goods(&mut self) -> &[u8] {
        self.goes_on_until(|state| matches!(state, State::Delivered { .. }))
            .await;
        &self.goods
    }

    /// Runs one job after the other until the state is as wanted.
    pub async fn goes_on_until(&mut self, wanted: impl Fn(&State) -> bool) {
        for _ in 0..100 {
            if wanted(self.purchase.state()) {
                return;
            }
            let Some(job) = self.purchase.job() else {
                break;
            };
            let event = self.runs(job).await;
            self.takes(event);
        }
        panic!("the purchase stands still: {:?}", self.purchase.state());
    }

    /// What the browser's shell does with a job.
    pub async fn runs(&mut self, job: Job) -> Event {
        // Retries are as patient as needed for a restart, and no more.
        tokio::time::sleep(job.delay.min(Duration::from_millis(50))).await;
        let round = job.round;
        let answered = match job.task {
            Task::CreateInvoice { purchase_id } => {
                let body = serde_json::json!({ "purchase_id": purchase_id }).to_string();
                let path = invoices_path(&item(&self.item));
                succeeded(self.gateway.post(&path, body).await).map(|answer| Event::Created {
                    round,
                    created: Box::new(answer.json()),
                })
            }
            Task::AskStatus { claim, wait_secs } => {
                let answer = self.gateway.ask_status(&claim, wait_secs).await;
                succeeded(answer).map(|answer| Event::Status {
                    round,
                    payment_hash: claim.payment_hash(),
                    status: answer.json(),
                })
            }
            Task::FetchContent {
                claim, preimage, ..
            } => {
                let proof = preimage.as_ref().map(Preimage::to_hex).unwrap_or_default();
                let credential = format!("{}:{proof}", l402(&claim));
                let path = content_path(&item(&self.item));
                let answer = self.gateway.get_with(&path, &[&credential]).await;
                succeeded(answer).map(|answer| {
                    self.goods = answer.body.to_vec();
                    let sha256 = ContentHash::of(&answer.body);
                    Event::Content { round, sha256 }
                })
            }
        };
        answered.unwrap_or_else(|trouble| Event::Failed { round, trouble })
    }
}

fn succeeded(answer: Answer) -> Result<Answer, Trouble> {
    if answer.status.is_success() {
        Ok(answer)
    } else {
        Err(Trouble::Problem(answer.problem()))
    }
}
