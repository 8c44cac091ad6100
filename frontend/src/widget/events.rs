//! The events of `<purr-wall>` and their details, as `widget.d.ts` describes them.

use serde::Serialize;
use shared::api::Item;
use shared::lightning::{Msat, PaymentHash, Preimage};
use shared::problem::ErrorCode;
use shared::purchase::{Order, Purchase, State, Trouble, Undelivered};
use shared::receipt::Receipt;

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum WidgetEvent {
    /// `purr-wall:invoice`: an invoice that passed every check is shown.
    Invoice {
        /// What to pay.
        bolt11: String,
        /// Names the payment.
        payment_hash: PaymentHash,
        /// How much.
        amount_msat: Msat,
        /// In UNIX seconds.
        expires_at: u64,
    },
    /// `purr-wall:paid`.
    Paid {
        /// `None` where the payment is certain, but its proof was not given.
        receipt: Option<Receipt>,
    },
    /// `purr-wall:error`.
    Error {
        /// For programs.
        code: String,
        /// For people.
        message: String,
    },
}

impl WidgetEvent {
    /// An error.
    pub fn error(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Error {
            code: code.into(),
            message: message.into(),
        }
    }

    /// The store cannot be reached, or cannot be understood.
    pub fn trouble(trouble: &Trouble) -> Self {
        match trouble {
            Trouble::Offline => Self::error("offline", "the store cannot be reached"),
            Trouble::Unreadable => Self::error(
                "unreadable",
                "what answers is no store of ours; the attribute gateway names the store's address",
            ),
            Trouble::Problem(problem) => Self::error(code(problem.code), &*problem.detail),
        }
    }

    /// The event's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Invoice { .. } => "purr-wall:invoice",
            Self::Paid { .. } => "purr-wall:paid",
            Self::Error { .. } => "purr-wall:error",
        }
    }
}

/// The events between the previous state of a purchase and this one. Without a previous state, they
/// tell a site that has just loaded where the purchase stands.
pub fn events(previous: Option<&Purchase>, now: &Purchase, item: &Item) -> Vec<WidgetEvent> {
    let previous = previous.map(Purchase::state);
    let mut events = Vec::new();
    let paid = payment(now.state());
    if let Some((order, preimage)) = paid
        && previous.and_then(payment).is_none()
    {
        let size = order.size.unwrap_or(item.size);
        let receipt =
            preimage.and_then(|preimage| Receipt::new(order, preimage, item.id.clone(), size));
        events.push(WidgetEvent::Paid { receipt });
    }
    match now.state() {
        State::AwaitingPayment { order, .. } if shown(previous) != Some(order) => {
            events.push(invoice(order));
        }
        State::Refused { failure, .. } if !matches!(previous, Some(State::Refused { .. })) => {
            let code = ["refused-", failure.check().name()].concat();
            events.push(WidgetEvent::error(code, failure.text()));
        }
        State::Failed { problem, .. } if !matches!(previous, Some(State::Failed { .. })) => {
            events.push(WidgetEvent::error(code(problem.code), &*problem.detail));
        }
        State::Undelivered { reason, .. }
            if !matches!(previous, Some(State::Undelivered { .. })) =>
        {
            events.push(match reason {
                Undelivered::Problem(problem) => {
                    WidgetEvent::error(code(problem.code), &*problem.detail)
                }
                Undelivered::WrongContent { .. } => WidgetEvent::error(
                    "wrong-content",
                    "what came is not what the invoice promised",
                ),
                Undelivered::FalseKey => WidgetEvent::error(
                    "false-key",
                    "the key that was sold does not open the sealed goods",
                ),
            });
        }
        _ => {}
    }
    events
}

/// The state's name, as `widget.d.ts` has it.
pub fn state_name(state: &State) -> &'static str {
    match state {
        State::Idle => "idle",
        State::Requesting { .. } => "requesting",
        State::AwaitingPayment { .. } => "awaiting-payment",
        State::Expired { .. } => "expired",
        State::Refused { .. } => "refused",
        State::Failed { .. } => "failed",
        State::Paid { .. } => "paid",
        State::Undelivered { .. } => "undelivered",
        State::Delivered { .. } => "delivered",
    }
}

/// Whether it is certain that the buyer has paid.
pub fn is_paid(state: &State) -> bool {
    payment(state).is_some()
}

fn payment(state: &State) -> Option<(&Order, Option<Preimage>)> {
    match state {
        State::Paid {
            order, preimage, ..
        }
        | State::Undelivered {
            order, preimage, ..
        }
        | State::Delivered { order, preimage } => Some((order, *preimage)),
        _ => None,
    }
}

fn shown(previous: Option<&State>) -> Option<&Order> {
    match previous {
        Some(State::AwaitingPayment { order, .. }) => Some(order),
        _ => None,
    }
}

fn invoice(order: &Order) -> WidgetEvent {
    let invoice = &order.invoice;
    WidgetEvent::Invoice {
        bolt11: invoice.bolt11.clone(),
        payment_hash: invoice.payment_hash,
        amount_msat: invoice.amount_msat.unwrap_or(Msat(0)),
        expires_at: invoice.expires_at,
    }
}

fn code(code: ErrorCode) -> String {
    code.name().to_owned()
}
