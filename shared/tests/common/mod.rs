//! Orders as a store would make them: invoices signed with a throwaway key, claims nobody verifies.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file compiles this module for itself and uses a part of it; a test may panic"
)]

use std::time::Duration;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::{Secp256k1, SecretKey};
use lightning_invoice::{
    Bolt11InvoiceDescription, Currency, Description, InvoiceBuilder, PaymentSecret, Sha256,
};
use purrwall_shared::api::{CreatedInvoice, InvoiceDetails, InvoiceStatus, PurchaseId, Status};
use purrwall_shared::claim::{Claim, Identifier};
use purrwall_shared::content::{ContentHash, describe};
use purrwall_shared::invoice::Terms;
use purrwall_shared::lightning::{Msat, Network, NodeId, Payees, PaymentHash, Preimage};
use purrwall_shared::macaroon::Macaroon;

pub const GOODS: &[u8] = b"two cats";
pub const CREATED_AT: u64 = 1_800_000_000;
pub const EXPIRES_AT: u64 = CREATED_AT + 600;

/// What an invoice says; the default passes every check of [`terms`].
pub struct Sample {
    pub number: u8,
    pub amount_msat: Option<u64>,
    pub description: String,
    /// Whether the invoice carries its hash alone.
    pub is_hashed: bool,
    pub key: [u8; 32],
    pub currency: Currency,
    /// In UNIX seconds.
    pub created_at: u64,
}

/// The invoice of the purchase with this number; each has a payment hash of its own.
pub fn sample(number: u8) -> Sample {
    Sample {
        number,
        amount_msat: Some(100_000),
        description: describe("Two cats", ContentHash::of(GOODS)),
        is_hashed: false,
        key: [42; 32],
        currency: Currency::Regtest,
        created_at: CREATED_AT,
    }
}

pub fn preimage(number: u8) -> Preimage {
    Preimage([number; 32])
}

pub fn payment_hash(number: u8) -> PaymentHash {
    preimage(number).payment_hash()
}

pub fn purchase_id(number: u8) -> PurchaseId {
    PurchaseId([number; 16])
}

pub fn node_id(key: [u8; 32]) -> NodeId {
    let key = SecretKey::from_slice(&key).unwrap();
    key.public_key(&Secp256k1::new()).into()
}

pub fn terms() -> Terms {
    Terms {
        network: Network::Regtest,
        payees: Some(Payees::new(node_id([42; 32]), Vec::new())),
        price_msat: Msat(100_000),
        fiat_price: None,
        max_msat: None,
        sha256: ContentHash::of(GOODS),
        size: GOODS.len() as u64,
        sealed: None,
    }
}

pub fn claim(number: u8) -> Claim {
    let identifier = Identifier {
        payment_hash: payment_hash(number),
        token_id: [number; 32],
    };
    Claim::new(Macaroon {
        location: None,
        identifier: identifier.to_bytes(),
        caveats: vec![b"item=two-cats".to_vec()],
        signature: [0; 32],
    })
    .unwrap()
}

impl Sample {
    pub fn bolt11(&self) -> String {
        let key = SecretKey::from_slice(&self.key).unwrap();
        let description = if self.is_hashed {
            let hash = sha256::Hash::hash(self.description.as_bytes());
            Bolt11InvoiceDescription::Hash(Sha256(hash))
        } else {
            let text = Description::new(self.description.clone()).unwrap();
            Bolt11InvoiceDescription::Direct(text)
        };
        let mut builder = InvoiceBuilder::new(self.currency.clone())
            .invoice_description(description)
            .payment_hash(sha256::Hash::from_byte_array(payment_hash(self.number).0))
            .payment_secret(PaymentSecret([1; 32]))
            .duration_since_epoch(Duration::from_secs(self.created_at))
            .expiry_time(Duration::from_secs(EXPIRES_AT - CREATED_AT))
            .min_final_cltv_expiry_delta(18);
        if let Some(amount) = self.amount_msat {
            builder = builder.amount_milli_satoshis(amount);
        }
        builder
            .build_signed(|message| Secp256k1::new().sign_ecdsa_recoverable(message, &key))
            .unwrap()
            .to_string()
    }

    /// The gateway's answer with this invoice.
    pub fn created(&self) -> CreatedInvoice {
        CreatedInvoice {
            claim: claim(self.number),
            invoice: InvoiceDetails {
                bolt11: self.bolt11(),
                payment_hash: payment_hash(self.number),
                amount_msat: Msat(self.amount_msat.unwrap_or(0)),
                description: self.description.clone(),
                created_at: self.created_at,
                expires_at: self.created_at + EXPIRES_AT - CREATED_AT,
            },
            rate: None,
            sealed: None,
        }
    }
}

pub fn status(status: Status, preimage: Option<Preimage>) -> InvoiceStatus {
    InvoiceStatus {
        status,
        expires_at: EXPIRES_AT,
        server_time: CREATED_AT + 1,
        preimage,
    }
}
