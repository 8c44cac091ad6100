//! The `Payment` scheme of HTTP authentication (MPP), as stores and clients on Lightning speak it:
//! challenge, credential and receipt, read and written. No keys.
//!
//! Sources: the drafts "Payment HTTP Authentication Scheme" and its method `lightning`, intent
//! `charge`; RFC 8785 (canonical JSON), RFC 9110 (header fields). `tests/mpp_vectors.rs` holds the
//! vectors that implementations share.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::lightning::{Network, PaymentHash, Preimage};

/// The scheme's name in headers.
pub const SCHEME: &str = "Payment";
/// The method of payment that is spoken here.
pub const METHOD: &str = "lightning";
/// The intent that is spoken here: one payment for one thing.
pub const INTENT: &str = "charge";

/// What a `402` asks for, as it stands in `WWW-Authenticate` and comes back in the credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Binds the rest; only who issued it can tell whether it does.
    pub id: String,
    /// Where it is valid: the host.
    pub realm: String,
    /// How to pay.
    pub method: String,
    /// What the payment is for.
    pub intent: String,
    /// The request in canonical JSON and base64url, such as a [`ChargeRequest`].
    pub request: String,
    /// In words. Not bound by the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The store's own data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<String>,
    /// The hash of the body that the challenge is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// When it can no longer be paid (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

impl Challenge {
    /// The value of a `WWW-Authenticate` header.
    pub fn to_header(&self) -> String {
        let parameters = [
            ("id", Some(&self.id)),
            ("realm", Some(&self.realm)),
            ("method", Some(&self.method)),
            ("intent", Some(&self.intent)),
            ("request", Some(&self.request)),
            ("expires", self.expires.as_ref()),
            ("digest", self.digest.as_ref()),
            ("description", self.description.as_ref()),
            ("opaque", self.opaque.as_ref()),
        ];
        let written: Vec<_> = parameters
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", quoted(value?))))
            .collect();
        format!("{SCHEME} {}", written.join(", "))
    }

    /// Every complete challenge of this scheme in the value of a `WWW-Authenticate` header, which may
    /// hold challenges of several schemes. An incomplete one is skipped.
    pub fn read_all(header: &str) -> Vec<Self> {
        challenges(header)
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
            .filter_map(|(_, parameters)| Self::of(&parameters))
            .collect()
    }

    fn of(parameters: &[(String, String)]) -> Option<Self> {
        // Of a parameter that is repeated, the first counts: what was added later is not the store's.
        let value = |name: &str| {
            let mut found = parameters.iter();
            let (_, value) = found.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
            Some(value.clone())
        };
        Some(Self {
            id: value("id")?,
            realm: value("realm")?,
            method: value("method")?,
            intent: value("intent")?,
            request: value("request")?,
            description: value("description"),
            opaque: value("opaque"),
            digest: value("digest"),
            expires: value("expires"),
        })
    }

    /// What the id is an HMAC over. Slots that are absent are empty.
    pub fn bound(&self) -> String {
        let optional = |value: &Option<String>| value.clone().unwrap_or_default();
        [
            self.realm.clone(),
            self.method.clone(),
            self.intent.clone(),
            self.request.clone(),
            optional(&self.expires),
            optional(&self.digest),
            optional(&self.opaque),
        ]
        .join("|")
    }

    /// What is to be paid, where it is a Lightning invoice.
    ///
    /// # Errors
    /// Another method or intent, or a request that cannot be read.
    pub fn charge(&self) -> Result<ChargeRequest, MppError> {
        if self.method != METHOD || self.intent != INTENT {
            return Err(MppError::Method);
        }
        let json = decode(&self.request)?;
        serde_json::from_slice(&json).map_err(|_| MppError::Json)
    }
}

/// What a charge over Lightning asks for. The fields stand in the order of canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChargeRequest {
    /// How much, in whole units of `currency`.
    pub amount: String,
    /// `sat`.
    pub currency: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The store's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The invoice.
    pub method_details: MethodDetails,
}

/// The invoice of a charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MethodDetails {
    /// In BOLT11.
    pub invoice: String,
    /// The network's name: `mainnet` for bitcoin, else as lightningd says it.
    pub network: String,
    /// What the payment is called.
    pub payment_hash: PaymentHash,
}

impl ChargeRequest {
    /// Canonical JSON in base64url, as it stands in a challenge.
    pub fn encode(&self) -> String {
        encode(canonical(self).as_bytes())
    }
}

/// The name that this scheme has for a network.
pub fn network_name(network: Network) -> String {
    match network {
        Network::Bitcoin => "mainnet".to_owned(),
        other => other.to_string(),
    }
}

/// What a buyer sends: the challenge and the proof that it is paid. Whoever has it can take what was
/// paid for, so `Debug` does not show it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credential {
    /// As it was issued.
    pub challenge: Challenge,
    /// Who pays, where a client says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What the intent wants: for a charge, the preimage.
    pub payload: Box<RawValue>,
}

/// What the payload of a charge says.
#[derive(Serialize, Deserialize)]
struct ChargePayload {
    preimage: Preimage,
}

impl Credential {
    /// The credential for a charge that is paid.
    ///
    /// # Panics
    /// Never: digits are JSON.
    pub fn for_charge(challenge: Challenge, preimage: Preimage) -> Self {
        let payload = serde_json::value::to_raw_value(&ChargePayload { preimage });
        Self {
            challenge,
            source: None,
            payload: payload.expect("digits are JSON"),
        }
    }

    /// Reads the value of an `Authorization` header.
    ///
    /// # Errors
    /// Another scheme, or what cannot be read.
    pub fn read(header: &str) -> Result<Self, MppError> {
        let (scheme, token) = header.trim().split_once(' ').ok_or(MppError::Scheme)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(MppError::Scheme);
        }
        Self::decode(token)
    }

    /// Reads what stands behind the scheme's name.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn decode(token: &str) -> Result<Self, MppError> {
        let json = decode(token.trim())?;
        serde_json::from_slice(&json).map_err(|_| MppError::Json)
    }

    /// The value of an `Authorization` header.
    ///
    /// # Panics
    /// Never: all of it is JSON.
    pub fn to_header(&self) -> String {
        let json = serde_json::to_vec(self).expect("string keys and no failing field");
        format!("{SCHEME} {}", encode(&json))
    }

    /// The proof of payment, where the intent is a charge.
    ///
    /// # Errors
    /// A payload without a preimage.
    pub fn preimage(&self) -> Result<Preimage, MppError> {
        let payload: ChargePayload =
            serde_json::from_str(self.payload.get()).map_err(|_| MppError::Preimage)?;
        Ok(payload.preimage)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(hidden)")
    }
}

/// What goes with the answer to a credential that was accepted, in `Payment-Receipt`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// `success`.
    pub status: String,
    /// How it was paid.
    pub method: String,
    /// When the credential was accepted (RFC 3339).
    pub timestamp: String,
    /// The payment hash.
    pub reference: String,
    /// The challenge that was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge_id: Option<String>,
}

impl Receipt {
    /// The value of a `Payment-Receipt` header.
    ///
    /// # Panics
    /// Never: all of it is text.
    pub fn to_header(&self) -> String {
        let json = serde_json::to_vec(self).expect("string keys and no failing field");
        encode(&json)
    }

    /// Reads the value of a `Payment-Receipt` header.
    ///
    /// # Errors
    /// What is no receipt.
    pub fn read(header: &str) -> Result<Self, MppError> {
        serde_json::from_slice(&decode(header)?).map_err(|_| MppError::Json)
    }
}

/// Why text is nothing of this scheme. Never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MppError {
    /// Another scheme's.
    #[error("it is not of the scheme `Payment`")]
    Scheme,
    /// Not base64url, or a second spelling of it.
    #[error("it is not base64url")]
    Base64,
    /// JSON of another form.
    #[error("it is not the JSON that the scheme `Payment` wants")]
    Json,
    /// Another way to pay.
    #[error("its method is not `lightning` with the intent `charge`")]
    Method,
    /// No proof.
    #[error("its payload has no `preimage` of 64 hex digits")]
    Preimage,
}

/// The canonical JSON of a value (RFC 8785).
///
/// # Panics
/// Where the value is no JSON, such as a map with keys that are no strings.
pub fn canonical(value: &impl Serialize) -> String {
    serde_json_canonicalizer::to_string(value).expect("the value is JSON")
}

/// Base64url without padding.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64url, with all of its padding or without. There is one spelling of each: bits that
/// stand for nothing have to be zero.
///
/// # Errors
/// [`MppError::Base64`].
pub fn decode(text: &str) -> Result<Vec<u8>, MppError> {
    let engine = if text.ends_with('=') {
        URL_SAFE
    } else {
        URL_SAFE_NO_PAD
    };
    engine.decode(text).map_err(|_| MppError::Base64)
}

/// A quoted string of RFC 9110.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// A scheme and its parameters.
type Read = (String, Vec<(String, String)>);

/// The challenges in a header's value: `Scheme name=value, name="value", Scheme …`.
fn challenges(header: &str) -> impl Iterator<Item = Read> {
    let mut read: Vec<Read> = Vec::new();
    for part in parts(header) {
        let (scheme, parameter) = scheme_and_parameter(part);
        if let Some(scheme) = scheme {
            read.push((scheme.to_owned(), Vec::new()));
        }
        let parameter = parameter.and_then(|text| text.split_once('='));
        if let (Some((_, parameters)), Some((name, value))) = (read.last_mut(), parameter) {
            parameters.push((name.trim().to_owned(), unquoted(value.trim())));
        }
    }
    read.into_iter()
}

/// What stands between commas, where those within quotes do not count. Empty parts are left out.
fn parts(header: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let separates = move |letter: char| {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ',' => return !is_quoted,
            _ => {}
        }
        false
    };
    let parts = header.split(separates).map(str::trim);
    parts.filter(|part| !part.is_empty())
}

/// Of `Scheme name=value`, both; of `name=value`, the parameter; of `Scheme`, the scheme.
fn scheme_and_parameter(part: &str) -> (Option<&str>, Option<&str>) {
    let is_token = |text: &str| !text.contains(['=', '"']);
    match part.split_once([' ', '\t']) {
        Some((scheme, rest)) if is_token(scheme) => (Some(scheme), Some(rest.trim())),
        None if is_token(part) => (Some(part), None),
        _ => (None, Some(part)),
    }
}

fn unquoted(value: &str) -> String {
    let Some(quoted) = value.strip_prefix('"') else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            '"' => break,
            other => text.push(other),
        }
    }
    text
}
