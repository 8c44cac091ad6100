//! The nodes behind the store, one or several.
//!
//! A purchase has its invoice at one of them, which its claim names. What is asked about a claim is asked
//! of that node; claims of before name none, and are asked about everywhere.

use std::sync::Arc;

use lightningd::{KnownInvoice, LightningError, Node, Standing};
use shared::api::Status;
use shared::claim::Claim;
use shared::lightning::{NodeId, PaymentHash};
use tokio::time::Instant;

use crate::payments::claims::Claims;
use crate::payments::invoices::{InvoiceError, Invoices};
use crate::payments::label::OldLabels;
use crate::payments::making::Making;
use crate::payments::node::NodeError;
use crate::payments::rendezvous::weight;

/// The nodes of a store, at least one. A clone is another handle to the same.
#[derive(Clone)]
pub(crate) struct Nodes(Arc<[Member]>);

/// One of them, and what belongs to it alone. A clone is another handle to the same.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) invoices: Invoices,
    pub(crate) making: Making,
    pub(crate) old_labels: Arc<OldLabels>,
}

/// A node that answers, for a purchase.
#[derive(Clone)]
pub(crate) struct Present {
    pub(crate) member: Member,
    /// What it last said of itself.
    pub(crate) node: Node,
}

impl Nodes {
    /// These nodes.
    ///
    /// # Panics
    /// If there is none.
    pub(crate) fn new(members: Vec<Member>) -> Self {
        assert!(!members.is_empty(), "a store has a node");
        Self(members.into())
    }

    /// All of them, in the owner's order.
    pub(crate) fn all(&self) -> &[Member] {
        &self.0
    }

    /// All that are known, in the owner's order: those that answered once, and now those that were not
    /// asked before. There is one at least.
    pub(crate) async fn known(&self) -> Result<Vec<Node>, NodeError> {
        if let [only] = self.all() {
            return Ok(vec![only.invoices.node().await?]);
        }
        let known = self.at_all(|member| async move {
            match member.invoices.our_node().away() {
                Some(error) if member.invoices.our_node().last().is_none() => Err(error.into()),
                _ => member.invoices.node().await,
            }
        });
        some(known.await)
    }

    /// Asks all of them now.
    pub(crate) async fn ask(&self) -> Vec<Result<Node, NodeError>> {
        self.at_all(|member| async move { member.invoices.ask_node().await })
            .await
    }

    /// Those that answer, in the order in which the purchase that is called `token_id` wants to go to
    /// them; those that cannot be paid yet come last. There is one at least.
    pub(crate) async fn present(&self, token_id: &[u8; 32]) -> Result<Vec<Present>, NodeError> {
        let [only] = self.all() else {
            return self.several_present(token_id).await;
        };
        let (member, node) = (only.clone(), only.invoices.node().await?);
        Ok(vec![Present { member, node }])
    }

    async fn several_present(&self, token_id: &[u8; 32]) -> Result<Vec<Present>, NodeError> {
        let present = self.at_all(|member| async move {
            let node = member.invoices.our_node();
            if !node.answers().await
                && let Some(error) = node.away()
            {
                return Err(error.into());
            }
            let node = member.invoices.node().await?;
            Ok(Present { member, node })
        });
        let mut present = some(present.await)?;
        let rank = |one: &Present| (one.node.syncing.is_none(), weight(token_id, &one.node.id));
        present.sort_by_cached_key(|one| std::cmp::Reverse(rank(one)));
        Ok(present)
    }

    /// Whether it is known where the claim's invoice stands, so that no node need be asked.
    pub(crate) fn is_known(&self, claim: &Claim) -> bool {
        let payment_hash = claim.payment_hash();
        let mut asked = match self.named(claim) {
            Some(member) => std::slice::from_ref(member),
            None => self.all(),
        }
        .iter();
        asked.all(|member| member.invoices.is_known(payment_hash))
    }

    /// Where the claim's invoice stands.
    pub(crate) async fn standing(&self, claim: &Claim) -> Result<Standing, InvoiceError> {
        if let Some(member) = self.named(claim) {
            return member.invoices.standing(claim.payment_hash()).await;
        }
        let found = self.search(claim.payment_hash()).await;
        found.map(|(_, standing)| standing)
    }

    /// What the buyer pays for the claim.
    pub(crate) async fn bolt11(&self, claim: &Claim) -> Result<Arc<str>, InvoiceError> {
        let member = self.holder(claim).await?;
        member.invoices.bolt11(claim.payment_hash()).await
    }

    /// Where the claim's invoice stands once that is final, or at `until`, whichever comes first.
    pub(crate) async fn wait(
        &self,
        claim: &Claim,
        until: Instant,
    ) -> Result<Standing, InvoiceError> {
        let member = self.holder(claim).await?;
        member.invoices.wait(claim.payment_hash(), until).await
    }

    /// The one with this id. That none has it is only certain once all have answered.
    pub(crate) async fn with_id(&self, id: NodeId) -> Result<Option<&Member>, NodeError> {
        let mut answer = Ok(None);
        for member in self.all() {
            match member.invoices.node().await {
                Ok(node) if node.id == id => return Ok(Some(member)),
                Ok(_) => {}
                Err(error) => answer = Err(error),
            }
        }
        answer
    }

    /// Asks all of them for this invoice; with it comes the node that has it.
    pub(crate) async fn find(
        &self,
        payment_hash: PaymentHash,
    ) -> Result<Option<(NodeId, KnownInvoice)>, NodeError> {
        let found = self.at_all(move |member| async move {
            let lightningd = member.invoices.lightningd();
            match lightningd.find_by_payment_hash(payment_hash).await? {
                Some(invoice) => Ok(Some((member.invoices.node().await?.id, invoice))),
                None => Ok(None),
            }
        });
        let mut answer = Ok(None);
        for found in found.await {
            match found {
                Ok(None) => {}
                Ok(found) => return Ok(found),
                Err(error) => answer = Err(error),
            }
        }
        answer
    }

    /// Whether one of them knows of this payment.
    pub(crate) async fn has_payment(
        &self,
        payment_hash: PaymentHash,
    ) -> Result<bool, LightningError> {
        let found = self.at_all(move |member| async move {
            let lightningd = member.invoices.lightningd();
            lightningd.find_by_payment_hash(payment_hash).await
        });
        let mut answer = Ok(false);
        for found in found.await {
            match found {
                Ok(Some(invoice)) if invoice.standing.status == Status::Paid => return Ok(true),
                Ok(_) => {}
                Err(error) => answer = Err(error),
            }
        }
        answer
    }

    /// Whether the payments of all of them are followed at this moment. Without it they are found by
    /// asking.
    pub(crate) fn are_followed(&self) -> bool {
        let mut all = self.all().iter();
        all.all(|member| member.invoices.are_followed())
    }

    /// Answers everyone who waits with what is known.
    pub(crate) fn close(&self) {
        for member in self.all() {
            member.invoices.close();
        }
    }

    /// The node that has the claim's invoice.
    async fn holder(&self, claim: &Claim) -> Result<Member, InvoiceError> {
        if let Some(member) = self.named(claim) {
            return Ok(member.clone());
        }
        let found = Box::pin(self.search(claim.payment_hash())).await;
        found.map(|(member, _)| member)
    }

    /// The node that the claim names, where it is known; the only one in any case.
    fn named(&self, claim: &Claim) -> Option<&Member> {
        if let [only] = self.all() {
            return Some(only);
        }
        let named = Claims::node(claim)?;
        let is_named = |member: &&Member| {
            let known = member.invoices.our_node().last();
            known.is_some_and(|node| node.id == named)
        };
        self.all().iter().find(is_named)
    }

    /// Looks everywhere for the node that has this invoice, and says where that stands. That no node has it
    /// is only certain once all have answered.
    pub(crate) async fn search(
        &self,
        payment_hash: PaymentHash,
    ) -> Result<(Member, Standing), InvoiceError> {
        let found = self.at_all(move |member| async move {
            if let Some(error) = member.invoices.our_node().away() {
                return Err(error.into());
            }
            let standing = member.invoices.standing(payment_hash).await?;
            Ok((member, standing))
        });
        let mut missing = InvoiceError::Unknown;
        for found in found.await {
            match found {
                Ok(found) => return Ok(found),
                Err(InvoiceError::Unknown) => {}
                Err(error) => missing = error,
            }
        }
        Err(missing)
    }

    /// Does this with all of them at once; the answers are in the owner's order.
    async fn at_all<T, F>(&self, ask: impl Fn(Member) -> F) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        at_once(self.all().iter().map(|member| ask(member.clone()))).await
    }
}

/// Does all of it at once; the answers are in the same order.
pub(crate) async fn at_once<T, F>(asking: impl Iterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let asking: Vec<_> = asking.map(tokio::spawn).collect();
    let mut answers = Vec::with_capacity(asking.len());
    for asked in asking {
        answers.push(asked.await.expect("asking a node does not panic"));
    }
    answers
}

/// All that there are; if there are none, why there is not one.
fn some<T>(all: Vec<Result<T, NodeError>>) -> Result<Vec<T>, NodeError> {
    let mut some = Vec::new();
    let mut why = None;
    for one in all {
        match one {
            Ok(one) => some.push(one),
            Err(error) => why = why.or(Some(error)),
        }
    }
    match why {
        Some(error) if some.is_empty() => Err(error),
        _ => Ok(some),
    }
}
