//! A BOLT11 invoice, and the checks that it must pass before anyone is asked to pay it.

use std::fmt;

use bitcoin::hashes::Hash as _;
use lightning_invoice::{Bolt11SemanticError, Currency, DEFAULT_EXPIRY_TIME, ExpiryTime};

use crate::api::{Item, Store};
use crate::bolt11;
use crate::content::{ContentHash, commitment, title};
use crate::fiat::{FiatPrice, StatedRate};
use crate::lightning::{Msat, Network, NodeId, Payees, PaymentHash};
use crate::lnurl;
use crate::sealed::SealedGoods;
use crate::text::split_last;

pub use crate::bolt11::DecodeError;

/// What a BOLT11 string says, its signature verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// The invoice as it was received; what a wallet needs.
    pub bolt11: String,
    /// Names the payment.
    pub payment_hash: PaymentHash,
    /// The asked amount; `None` lets the payer choose.
    pub amount_msat: Option<Msat>,
    /// The node that signed the invoice and receives the payment.
    pub payee: NodeId,
    /// The network of the payment.
    pub network: Network,
    /// The text that the payer sees; `None` where the invoice carries only a hash, and what has it is not
    /// known.
    pub description: Option<String>,
    /// The hash of the metadata that say more, in an invoice of a code ([`crate::lnurl`]).
    pub description_hash: Option<ContentHash>,
    /// What has that hash, once it is known ([`Self::described`]).
    pub metadata: Option<String>,
    /// When the invoice was made, in UNIX seconds.
    pub created_at: u64,
    /// The second from which it can no longer be paid, in UNIX seconds.
    pub expires_at: u64,
}

impl Invoice {
    /// Decodes a BOLT11 string and verifies its signature.
    ///
    /// # Errors
    /// Says what BOLT 11 requires and the string does not have.
    pub fn decode(bolt11: &str) -> Result<Self, DecodeError> {
        let (invoice, payee) = bolt11::read(bolt11)?;
        let network = match invoice.currency() {
            Currency::Bitcoin => Network::Bitcoin,
            Currency::BitcoinTestnet => Network::Testnet,
            Currency::Signet => Network::Signet,
            Currency::Regtest => Network::Regtest,
            Currency::Simnet => return Err(DecodeError::UnknownNetwork),
        };
        let payment_hash = invoice
            .payment_hash()
            .ok_or(Bolt11SemanticError::NoPaymentHash)?;
        let created_at = invoice.data.timestamp.as_unix_timestamp();
        let expiry = invoice.expiry_time().map(ExpiryTime::as_seconds);
        let expiry_secs = expiry.unwrap_or(DEFAULT_EXPIRY_TIME);
        let description = invoice.description();
        let description_hash = invoice.description_hash();
        Ok(Self {
            bolt11: bolt11.to_owned(),
            payment_hash: PaymentHash(payment_hash.0.to_byte_array()),
            amount_msat: invoice.amount_pico_btc().map(|amount| Msat(amount / 10)),
            payee: payee.into(),
            network,
            description: description.map(|text| text.as_inner().0.clone()),
            description_hash: description_hash.map(|hash| ContentHash(hash.0.to_byte_array())),
            metadata: None,
            created_at,
            expires_at: created_at.saturating_add(expiry_secs),
        })
    }

    /// The same, with what its description hash stands for. Metadata that have another hash change nothing.
    #[must_use]
    pub fn described(mut self, metadata: Option<&str>) -> Self {
        if let (Some(hash), Some(metadata)) = (self.description_hash, metadata)
            && hash == ContentHash::of(metadata.as_bytes())
        {
            self.description = lnurl::description(metadata);
            self.metadata = Some(metadata.to_owned());
        }
        self
    }

    /// The rate that the amount was made with, as the node signed it in the description.
    pub fn stated_rate(&self) -> Option<StatedRate<'_>> {
        self.description
            .as_deref()
            .map(title)
            .and_then(StatedRate::of)
    }

    /// What was sold, in words; without the rate that the description may state.
    pub fn title(&self) -> &str {
        let title = self.description.as_deref().map_or("", title);
        // A search for the two characters before the rate would be a kilobyte of the page's download.
        let stated = self.stated_rate().and(split_last(title, b'('));
        stated.map_or(title, |(title, _)| title.strip_suffix(' ').unwrap_or(title))
    }

    /// Whether the invoice can no longer be paid at `now` (UNIX seconds, the node's clock).
    pub fn is_expired(&self, now: u64) -> bool {
        now >= self.expires_at
    }
}

/// When a BOLT11 string says that it was made, in UNIX seconds; nothing else of it is looked at.
///
/// For who made the invoice: a check of its own signature would take longer than all the rest.
pub fn created_at(bolt11: &str) -> Option<u64> {
    const LETTERS: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let (_, data) = bolt11.rsplit_once('1')?;
    let timestamp = data.as_bytes().get(..7)?;
    timestamp.iter().try_fold(0, |seconds, letter| {
        let five_bits = LETTERS
            .iter()
            .position(|one| *one == letter.to_ascii_lowercase())?;
        Some(seconds << 5 | five_bits as u64)
    })
}

/// What the buyer was offered, and so what the invoice must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The network that the store is on.
    pub network: Network,
    /// The nodes one of which must have signed: pinned by the embedding page, or the store's own.
    pub payees: Option<Payees>,
    /// The advertised price.
    pub price_msat: Msat,
    /// The price in a state's currency, where `price_msat` follows a rate, so that the invoice may ask
    /// for up to [`RATE_TOLERANCE_PERCENT`] more than was advertised, or for less.
    pub fiat_price: Option<FiatPrice>,
    /// The most that the embedding page allows.
    pub max_msat: Option<Msat>,
    /// The hash of the goods as advertised.
    pub sha256: ContentHash,
    /// Their size in bytes; no invoice says it, but receipts do.
    pub size: u64,
    /// Their ciphertext, if they are to be bought sealed.
    pub sealed: Option<SealedGoods>,
}

/// By how much a rate may have moved between the advertised price and the invoice. Beyond that the
/// buyer is asked again: what is paid is never far from what was shown.
pub const RATE_TOLERANCE_PERCENT: u64 = 1;

impl Terms {
    /// What the store itself offers, signed by a node of its own.
    pub fn of(store: &Store, item: &Item) -> Self {
        Self {
            network: store.network,
            payees: Some(store.payees()),
            price_msat: item.price_msat,
            fiat_price: item.fiat_price,
            max_msat: None,
            sha256: item.sha256,
            size: item.size,
            sealed: item.sealed.clone(),
        }
    }

    /// What the invoice has to say.
    pub fn expected(&self) -> Expected<'_> {
        let price = self.price_msat;
        let (least, most) = if self.fiat_price.is_some() {
            let tolerance = price.0 / 100 * RATE_TOLERANCE_PERCENT;
            (Msat(1), Msat(price.0.saturating_add(tolerance)))
        } else {
            (price, price)
        };
        Expected {
            network: self.network,
            payees: self.payees.as_ref(),
            asking: Asking::Price {
                advertised: price,
                least,
                most,
                maximum: self.max_msat,
            },
            sha256: Some(self.sha256),
        }
    }
}

/// What an invoice has to say, whoever is going to pay it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected<'a> {
    /// The network of the payment.
    pub network: Network,
    /// The nodes one of which must have signed; `None` accepts any.
    pub payees: Option<&'a Payees>,
    /// How much it may ask for.
    pub asking: Asking,
    /// The goods that it has to promise; `None` accepts any, but it has to promise some.
    pub sha256: Option<ContentHash>,
}

/// How much an invoice may ask for. An invoice that leaves the amount open is never accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// The price that was advertised.
    Price {
        /// As it was advertised.
        advertised: Msat,
        /// The least that counts as it.
        least: Msat,
        /// The most that counts as it, where it follows a rate.
        most: Msat,
        /// The most that is paid in any case.
        maximum: Option<Msat>,
    },
    /// Anything up to this.
    AtMost(Msat),
}

impl Asking {
    fn check(self, found: Option<Msat>) -> Result<(), FailedCheck> {
        let (expected, range, maximum) = match self {
            Self::Price {
                advertised,
                least,
                most,
                maximum,
            } => (advertised, least..=most, maximum),
            Self::AtMost(maximum) => (maximum, Msat(0)..=Msat(u64::MAX), Some(maximum)),
        };
        let Some(found) = found.filter(|found| range.contains(found)) else {
            return Err(FailedCheck::Amount { expected, found });
        };
        match maximum.filter(|maximum| found > *maximum) {
            Some(maximum) => Err(FailedCheck::AboveMaximum { maximum, found }),
            None => Ok(()),
        }
    }
}

/// The checks, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The string is BOLT11 and its signature is valid.
    Signature,
    /// The invoice is for the store's network.
    Network,
    /// An expected node signed it.
    Payee,
    /// It asks for the advertised price, give or take a rate's last steps where the price is in a
    /// state's currency, and for no more than the page allows.
    Amount,
    /// Its description promises the advertised goods.
    Commitment,
    /// It belongs to the claim that came with it.
    Claim,
    /// Of goods that are sold sealed: the ciphertext is here and is the advertised one, and the invoice commits
    /// to the manifest that says so.
    Sealed,
}

impl Check {
    /// Every check; an invoice that passes has passed all of them.
    pub const ALL: [Self; 7] = [
        Self::Signature,
        Self::Network,
        Self::Payee,
        Self::Amount,
        Self::Commitment,
        Self::Claim,
        Self::Sealed,
    ];

    /// A stable name for programs and style sheets.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Network => "network",
            Self::Payee => "payee",
            Self::Amount => "amount",
            Self::Commitment => "commitment",
            Self::Claim => "claim",
            Self::Sealed => "sealed",
        }
    }
}

/// A check that failed, with what was found: the invoice must not be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailedCheck {
    /// [`Check::Signature`]
    Signature(DecodeError),
    /// [`Check::Network`]
    Network {
        /// The store's network.
        expected: Network,
        /// The invoice's.
        found: Network,
    },
    /// [`Check::Payee`]
    Payee {
        /// The pinned nodes.
        expected: Payees,
        /// The node that signed.
        found: NodeId,
    },
    /// [`Check::Amount`]: not the price, or no amount at all.
    Amount {
        /// The advertised price.
        expected: Msat,
        /// What the invoice asks for; `None` leaves it open.
        found: Option<Msat>,
    },
    /// [`Check::Amount`]: the price itself is above what the page allows.
    AboveMaximum {
        /// The page's limit.
        maximum: Msat,
        /// What the invoice asks for.
        found: Msat,
    },
    /// [`Check::Commitment`]
    Commitment {
        /// The advertised goods; `None` where any would do.
        expected: Option<ContentHash>,
        /// What the description promises, if anything.
        found: Option<ContentHash>,
    },
    /// [`Check::Claim`]: another payment's claim.
    Claim {
        /// The payment that the claim is for.
        claim: PaymentHash,
        /// The payment that the invoice is for.
        invoice: PaymentHash,
    },
    /// [`Check::Sealed`]: the manifest is not the one that the invoice was signed for, or is for another claim or for
    /// other goods ([`crate::sealed::Manifest::check`]).
    Manifest,
    /// [`Check::Sealed`]: what the store itself gives as the ciphertext is another one.
    Ciphertext,
}

impl FailedCheck {
    /// The check that failed.
    pub fn check(&self) -> Check {
        match self {
            Self::Signature(_) => Check::Signature,
            Self::Network { .. } => Check::Network,
            Self::Payee { .. } => Check::Payee,
            Self::Amount { .. } | Self::AboveMaximum { .. } => Check::Amount,
            Self::Commitment { .. } => Check::Commitment,
            Self::Claim { .. } => Check::Claim,
            Self::Manifest | Self::Ciphertext => Check::Sealed,
        }
    }

    /// In words for the buyer.
    pub fn text(&self) -> String {
        let asks = "the invoice asks for ";
        let text = match self {
            Self::Signature(error) => error.text(),
            Self::Network { expected, found } => {
                let [expected, found] = [expected, found].map(|network| network.name());
                return [
                    "the invoice is for the network ",
                    found,
                    ", but the store is on ",
                    expected,
                ]
                .concat();
            }
            Self::Payee { expected, found } => {
                return [
                    "the invoice pays the node ",
                    &found.to_hex(),
                    ", but this page expects ",
                    &expected.to_hex(),
                ]
                .concat();
            }
            Self::Amount {
                expected,
                found: Some(found),
            } => {
                return [asks, &found.text(), ", but the price is ", &expected.text()].concat();
            }
            Self::Amount {
                expected,
                found: None,
            } => {
                let open = "the invoice leaves the amount open, but the price is ";
                return [open, &expected.text()].concat();
            }
            Self::AboveMaximum { maximum, found } => {
                let at_most = ", but this page allows at most ";
                return [asks, &found.text(), at_most, &maximum.text()].concat();
            }
            Self::Commitment { found: Some(_), .. } => {
                "the invoice promises other goods than the store offers"
            }
            Self::Commitment { found: None, .. } => {
                "the invoice does not say which goods it pays for"
            }
            Self::Claim { .. } => {
                "the ticket that came with the invoice belongs to another payment"
            }
            Self::Manifest => "the invoice is not for the sealed goods of the offer",
            Self::Ciphertext => "the sealed goods are not those of the offer",
        };
        text.to_owned()
    }
}

impl fmt::Display for FailedCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::error::Error for FailedCheck {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Signature(error) => error.source(),
            _ => None,
        }
    }
}

/// Makes every [`Check`] but the signature's, which [`Invoice::decode`] made, and that of sealed goods, whose
/// manifest comes beside the invoice ([`crate::purchase`]). Expiry is no check
/// here: it depends on the time, so it is asked when the invoice is shown ([`Invoice::is_expired`]).
/// `paid_for` is the payment that the ticket is for.
///
/// # Errors
/// The first check that fails.
pub fn check(
    invoice: &Invoice,
    paid_for: PaymentHash,
    expected: &Expected,
) -> Result<(), FailedCheck> {
    if invoice.network != expected.network {
        return Err(FailedCheck::Network {
            expected: expected.network,
            found: invoice.network,
        });
    }
    if let Some(payees) = expected.payees
        && !payees.contains(&invoice.payee)
    {
        return Err(FailedCheck::Payee {
            expected: payees.clone(),
            found: invoice.payee,
        });
    }
    expected.asking.check(invoice.amount_msat)?;
    let found = invoice.description.as_deref().and_then(commitment);
    if found.is_none() || (expected.sha256.is_some() && found != expected.sha256) {
        return Err(FailedCheck::Commitment {
            expected: expected.sha256,
            found,
        });
    }
    if paid_for != invoice.payment_hash {
        return Err(FailedCheck::Claim {
            claim: paid_for,
            invoice: invoice.payment_hash,
        });
    }
    Ok(())
}
