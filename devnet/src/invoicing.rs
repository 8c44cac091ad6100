//! Making a BOLT11 invoice: its secret, its signature, its entry in the book.

use std::sync::Arc;
use std::time::Duration;

use lightning::bitcoin::hashes::{Hash, sha256};
use lightning::ln::channelmanager::MIN_FINAL_CLTV_EXPIRY_DELTA;
use lightning::routing::gossip::RoutingFees;
use lightning::routing::router::{RouteHint, RouteHintHop};
use lightning::sign::{NodeSigner, Recipient};
use lightning::types::payment::PaymentHash;
use lightning_invoice::{
    Bolt11InvoiceDescription, Currency, Description, Fallback, InvoiceBuilder, Sha256,
};
use thiserror::Error;

use crate::clock::unix_time;
use crate::hex::Hex32;
use crate::invoices::{Invoice, InvoiceError, NewInvoice};
use crate::node::Node;
use crate::random::random_bytes;

/// What to invoice.
pub struct InvoiceRequest {
    /// In millisatoshi; `None` leaves it to the payer.
    pub amount_msat: Option<u64>,
    /// Unique among this node's invoices.
    pub label: String,
    /// For the payer, at most 639 bytes unless it is hashed.
    pub description: String,
    /// Puts the description's SHA-256 into the invoice instead of the description.
    pub hash_description: bool,
    /// Seconds of validity.
    pub expiry: u64,
    /// The preimage, if it is not to be random.
    pub preimage: Option<Hex32>,
    /// The least number of blocks for the last hop; LDK needs some and gets at least those.
    pub cltv: Option<u16>,
    /// Addresses to pay on chain instead.
    pub fallbacks: Vec<Fallback>,
    /// Channels to name in the invoice, by short channel id.
    pub hints: Vec<u64>,
}

/// An invoice that was made.
pub struct CreatedInvoice {
    /// Its entry in the book.
    pub invoice: Arc<Invoice>,
    /// The secret in the invoice that the payer's onion must carry.
    pub payment_secret: Hex32,
}

/// Why no invoice was made.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CreateError {
    /// The book refuses it.
    #[error(transparent)]
    Book(#[from] InvoiceError),
    /// BOLT 11 cannot express it.
    #[error("cannot make an invoice: {0}")]
    Inexpressible(String),
    /// A channel to name is not one of this node's, or its peer has not said its fees yet.
    #[error("None of those hints were suitable local channels")]
    UnknownHint,
}

impl Node {
    /// Makes, signs and enters an invoice.
    pub fn create_invoice(&self, request: InvoiceRequest) -> Result<CreatedInvoice, CreateError> {
        let preimage = match request.preimage {
            Some(preimage) => preimage,
            None => Hex32(random_bytes().map_err(|error| inexpressible(&error))?),
        };
        let hash = sha256::Hash::hash(&preimage.0);
        let payment_hash = Hex32(hash.to_byte_array());
        self.invoices.check_free(&request.label, payment_hash)?;

        let now = u64::from(unix_time());
        let expires_at = now.saturating_add(request.expiry);
        let secret = self.payment_secret(payment_hash, request.expiry)?;
        let description = if request.hash_description {
            Bolt11InvoiceDescription::Hash(Sha256(sha256::Hash::hash(
                request.description.as_bytes(),
            )))
        } else {
            let description = Description::new(request.description.clone());
            Bolt11InvoiceDescription::Direct(description.map_err(|error| inexpressible(&error))?)
        };
        let cltv = request.cltv.unwrap_or(0).max(MIN_FINAL_CLTV_EXPIRY_DELTA);
        let mut builder = InvoiceBuilder::new(Currency::Regtest)
            .invoice_description(description)
            .payment_hash(hash)
            .payment_secret(secret)
            .basic_mpp()
            .duration_since_epoch(Duration::from_secs(now))
            .expiry_time(Duration::from_secs(request.expiry))
            .min_final_cltv_expiry_delta(u64::from(cltv));
        if let Some(amount) = request.amount_msat {
            builder = builder.amount_milli_satoshis(amount);
        }
        for fallback in request.fallbacks {
            builder = builder.fallback(fallback);
        }
        for hint in request.hints {
            builder = builder.private_route(self.hint(hint)?);
        }
        let raw = builder.build_raw().map_err(|error| inexpressible(&error))?;
        let signature = self.ldk.keys.sign_invoice(&raw, Recipient::Node);
        let signed = raw.sign(|_| signature).map_err(|()| {
            CreateError::Inexpressible("the node's key does not sign it".to_owned())
        })?;
        let invoice = self.invoices.add(NewInvoice {
            label: request.label,
            bolt11: signed.to_string(),
            payment_hash,
            preimage,
            amount_msat: request.amount_msat,
            description: request.description,
            expires_at,
        })?;
        Ok(CreatedInvoice {
            invoice,
            payment_secret: Hex32(secret.0),
        })
    }

    /// LDK is told neither amount nor real expiry: the book decides on both when a payment comes,
    /// so that there is one place that decides.
    fn payment_secret(
        &self,
        payment_hash: Hex32,
        expiry: u64,
    ) -> Result<lightning::types::payment::PaymentSecret, CreateError> {
        let expiry = u32::try_from(expiry).unwrap_or(u32::MAX);
        let secret = self.ldk.channel_manager.create_inbound_payment_for_hash(
            PaymentHash(payment_hash.0),
            None,
            expiry,
            None,
        );
        secret.map_err(|()| CreateError::Inexpressible("LDK makes no secret for it".to_owned()))
    }

    fn hint(&self, short_channel_id: u64) -> Result<RouteHint, CreateError> {
        let channels = self.channels();
        let channel = channels
            .iter()
            .find(|channel| channel.short_channel_id == Some(short_channel_id))
            .ok_or(CreateError::UnknownHint)?;
        let forwarding = channel
            .counterparty
            .forwarding_info
            .as_ref()
            .ok_or(CreateError::UnknownHint)?;
        Ok(RouteHint(vec![RouteHintHop {
            src_node_id: channel.counterparty.node_id,
            short_channel_id,
            fees: RoutingFees {
                base_msat: forwarding.fee_base_msat,
                proportional_millionths: forwarding.fee_proportional_millionths,
            },
            cltv_expiry_delta: forwarding.cltv_expiry_delta,
            htlc_minimum_msat: None,
            htlc_maximum_msat: None,
        }]))
    }
}

/// The error that something cannot be made into an invoice.
pub(crate) fn inexpressible(error: &impl ToString) -> CreateError {
    CreateError::Inexpressible(error.to_string())
}
