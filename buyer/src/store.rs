//! The store as the buyer sees it: over HTTP, and never trusted.
//!
//! Calls block: each belongs on a thread of its own.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::thread::sleep;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_RANGE, IF_RANGE, LOCATION, RANGE, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use shared::api::{self, InvoiceStatus, Status};
use shared::claim::Claim;
use shared::content::{ContentHash, ContentHasher};
use shared::lightning::Preimage;
use shared::problem::Problem;
use shared::sealed::SealedSale;
use ureq::Agent;

use crate::address::{Address, StoreAddress};
use crate::challenge;
use crate::ticket::{Scheme, Ticket};
use crate::web;

/// One item at one store.
#[derive(Clone, Debug)]
pub struct Store {
    agent: Agent,
    address: Address,
    scheme: Scheme,
}

/// The store's word on a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It can be paid.
    Unpaid,
    /// It is paid, with the proof.
    Paid(Preimage),
    /// It can no longer be paid.
    Expired,
    /// The store does not accept the claim, or knows nothing of its invoice.
    Unknown,
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No answer.
    #[error("cannot reach the store at {url}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// The reason.
        source: Box<ureq::Error>,
    },
    /// An answer, but not the one that was asked for.
    #[error("the store answered {status} to {url}: {detail}")]
    Refused {
        /// What was asked.
        url: String,
        /// The answer's status.
        status: u16,
        /// In the store's words.
        detail: String,
    },
    /// Another form than the API's.
    #[error("what answers at {url} is no store that can be bought from here: {what}")]
    NoStore {
        /// What was asked.
        url: String,
        /// What is missing.
        what: &'static str,
    },
    /// The goods broke off again and again.
    #[error("the goods broke off after {received} bytes; run the same command again to go on")]
    BrokenOff {
        /// How much is there.
        received: u64,
        /// The reason.
        source: io::Error,
    },
    /// Complete, but something else.
    #[error("the store sent content with SHA-256 {found}, but promised {promised}")]
    OtherContent {
        /// The invoice's.
        promised: ContentHash,
        /// The content's.
        found: ContentHash,
    },
    /// More than was advertised: not the goods, and not worth the space.
    #[error(
        "the store sends more than the {size} bytes that it advertised; nothing of it was kept"
    )]
    TooLarge {
        /// As advertised.
        size: u64,
    },
    /// The disk.
    #[error("cannot keep the goods")]
    Disk(#[source] io::Error),
}

/// One piece of the goods. What came is kept, and the next try goes on from there.
const PATIENCE_FOR_GOODS: Duration = Duration::from_mins(10);
/// So many tries in a row may bring nothing.
const TRIES: u32 = 3;
/// The largest answer about one purchase.
const MAX_TEXT: u64 = 64 * 1024;
/// The largest list of what a store sells.
const MAX_LIST: u64 = 4 * 1024 * 1024;

impl Store {
    /// The item at this address, whose store is spoken with in this scheme.
    pub fn new(address: Address, scheme: Scheme) -> Self {
        Self {
            agent: agent(),
            address,
            scheme,
        }
    }

    /// The item's address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Asks for the goods without paying, and gives the ticket and the invoice of the answer. None
    /// of it is checked.
    pub fn ask(&self) -> Result<(Ticket, String), StoreError> {
        let url = self.address.content();
        let answer = self.get(&url, &[])?;
        if answer.status() != StatusCode::PAYMENT_REQUIRED {
            return Err(refused(url, answer));
        }
        let values = answer.headers().get_all(WWW_AUTHENTICATE).iter();
        let values = values.filter_map(|value| value.to_str().ok());
        let what = match self.scheme {
            Scheme::L402 => "its challenge has no macaroon and invoice",
            Scheme::Payment => "it has no challenge of the scheme Payment with an invoice",
        };
        challenge::ticket(values, self.scheme).ok_or(StoreError::NoStore { url, what })
    }

    /// Asks what the store advertises of the item.
    pub fn listed(&self) -> Result<api::Item, StoreError> {
        let list = list_with(&self.agent, self.address.store())?;
        let mut items = list.items.into_iter();
        let item = items.find(|item| item.id == *self.address.item());
        item.ok_or(StoreError::NoStore {
            url: self.address.store().list(),
            what: "it does not list the item, so the size of the goods is not known",
        })
    }

    /// Asks for the manifest of the claim's invoice.
    pub fn manifest(&self, claim: &Claim) -> Result<SealedSale, StoreError> {
        let url = self.address.manifest();
        let credential = format!("L402 {}", claim.to_base64());
        let answer = self.get(&url, &[(AUTHORIZATION.as_str(), &credential)])?;
        if answer.status() != StatusCode::OK {
            return Err(refused(url, answer));
        }
        json(answer, MAX_TEXT).ok_or(StoreError::NoStore {
            url,
            what: "its answer is no manifest of sealed goods",
        })
    }

    /// Asks where the ticket's payment stands. Of a charge the store says nothing: as far as it is
    /// concerned, that can be paid.
    pub fn status(&self, ticket: &Ticket) -> Result<Word, StoreError> {
        let Some(claim) = ticket.claim() else {
            return Ok(Word::Unpaid);
        };
        let url = self.address.status();
        let credential = format!("L402 {}", claim.to_base64());
        let answer = self.get(&url, &[(AUTHORIZATION.as_str(), &credential)])?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND | StatusCode::GONE => {
                return Ok(Word::Unknown);
            }
            _ => return Err(refused(url, answer)),
        }
        let malformed = |what| StoreError::NoStore { url, what };
        let Some(status) = json::<InvoiceStatus>(answer, MAX_TEXT) else {
            return Err(malformed("its answer is no invoice's status"));
        };
        match (status.status, status.preimage) {
            (Status::Unpaid, _) => Ok(Word::Unpaid),
            (Status::Expired, _) => Ok(Word::Expired),
            (Status::Paid, Some(proof)) if proof.payment_hash() == claim.payment_hash() => {
                Ok(Word::Paid(proof))
            }
            (Status::Paid, _) => Err(malformed(
                "it says that the invoice is paid, without a proof",
            )),
        }
    }

    /// Fetches the goods into `part`, going on from what is there, until they are the promised
    /// ones. Reads no byte more than the `advertised` size, where that is known. Gives their size.
    pub fn download(
        &self,
        ticket: &Ticket,
        proof: Preimage,
        promised: ContentHash,
        advertised: Option<u64>,
        mut part: &File,
    ) -> Result<u64, StoreError> {
        let credential = ticket.credential(proof);
        let (mut furthest, mut in_vain, mut starts_over) = (0, 0, 0);
        loop {
            let (found, received) = measure(part).map_err(StoreError::Disk)?;
            if found == promised {
                return Ok(received);
            }
            if received > furthest {
                (furthest, in_vain) = (received, 0);
            }
            match self.fetch(&credential, promised, received, advertised, &mut part)? {
                Fetched::BrokenOff(source) if in_vain == TRIES => {
                    let received = received.max(furthest);
                    return Err(StoreError::BrokenOff { received, source });
                }
                Fetched::BrokenOff(_) => {
                    in_vain += 1;
                    sleep(Duration::from_millis(200) * in_vain);
                }
                // Complete, and it has to be the promised content; but what was there before may
                // have been something else.
                Fetched::ToTheEnd => {
                    let (found, received) = measure(part).map_err(StoreError::Disk)?;
                    if found == promised {
                        return Ok(received);
                    }
                    part.set_len(0).map_err(StoreError::Disk)?;
                    starts_over += 1;
                    if starts_over == 2 {
                        return Err(StoreError::OtherContent { promised, found });
                    }
                }
            }
        }
    }

    fn fetch(
        &self,
        credential: &str,
        promised: ContentHash,
        mut from: u64,
        advertised: Option<u64>,
        part: &mut &File,
    ) -> Result<Fetched, StoreError> {
        let url = self.address.content();
        // A store's ETag is the hash of the goods; other goods come whole.
        let (range, tag) = (format!("bytes={from}-"), format!("\"{promised}\""));
        let mut headers = vec![(AUTHORIZATION.as_str(), credential)];
        if from > 0 {
            headers.extend([(RANGE.as_str(), &*range), (IF_RANGE.as_str(), &*tag)]);
        }
        let mut answer = match self.get(&url, &headers) {
            Ok(answer) => answer,
            Err(StoreError::Unreachable { source, .. }) => {
                return Ok(Fetched::BrokenOff(io::Error::other(source)));
            }
            Err(error) => return Err(error),
        };
        match answer.status() {
            StatusCode::OK => {
                part.set_len(0).map_err(StoreError::Disk)?;
                from = 0;
            }
            StatusCode::PARTIAL_CONTENT if starts_at(answer.headers(), from) => {}
            StatusCode::RANGE_NOT_SATISFIABLE => return Ok(Fetched::ToTheEnd),
            _ => return Err(refused(url, answer)),
        }
        let mut goods = answer.body_mut().as_reader();
        let mut left = advertised.map_or(u64::MAX, |size| size.saturating_sub(from));
        let mut buffer = vec![0; 65_536];
        loop {
            match goods.read(&mut buffer) {
                Ok(0) => return Ok(Fetched::ToTheEnd),
                Ok(length) if length as u64 > left => {
                    part.set_len(0).map_err(StoreError::Disk)?;
                    let size = advertised.unwrap_or_default();
                    return Err(StoreError::TooLarge { size });
                }
                Ok(length) => {
                    left -= length as u64;
                    part.write_all(&buffer[..length])
                        .map_err(StoreError::Disk)?;
                }
                Err(source) => return Ok(Fetched::BrokenOff(source)),
            }
        }
    }

    fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, StoreError> {
        get(&self.agent, url, headers)
    }
}

/// Asks a store what it sells.
pub fn list(store: &StoreAddress) -> Result<api::Store, StoreError> {
    list_with(&agent(), store)
}

fn list_with(agent: &Agent, store: &StoreAddress) -> Result<api::Store, StoreError> {
    let url = store.list();
    let answer = get(agent, &url, &[])?;
    if answer.status() != StatusCode::OK {
        return Err(refused(url, answer));
    }
    json(answer, MAX_LIST).ok_or(StoreError::NoStore {
        url,
        what: "it does not list what it sells",
    })
}

type Answer = http::Response<ureq::Body>;

/// Follows no redirect: a claim is for this store alone.
fn agent() -> Agent {
    web::agent(0, PATIENCE_FOR_GOODS)
}

fn get(agent: &Agent, url: &str, headers: &[(&str, &str)]) -> Result<Answer, StoreError> {
    let mut request = agent.get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.call().map_err(|source| StoreError::Unreachable {
        url: url.to_owned(),
        source: Box::new(source),
    })
}

enum Fetched {
    ToTheEnd,
    BrokenOff(io::Error),
}

/// Hash and length of what is in the file.
fn measure(mut file: &File) -> io::Result<(ContentHash, u64)> {
    file.seek(SeekFrom::Start(0))?;
    hash(file)
}

/// Hash and length of everything that the reader gives.
pub fn hash(mut reader: impl io::Read) -> io::Result<(ContentHash, u64)> {
    let (mut hasher, mut total) = (ContentHasher::default(), 0);
    let mut buffer = vec![0; 65_536];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finish(), total)),
            Ok(length) => {
                hasher.update(&buffer[..length]);
                total += length as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn starts_at(headers: &HeaderMap, from: u64) -> bool {
    let range = headers
        .get(CONTENT_RANGE)
        .and_then(|range| range.to_str().ok());
    range.is_some_and(|range| range.trim().starts_with(&format!("bytes {from}-")))
}

fn json<T: DeserializeOwned>(answer: Answer, most: u64) -> Option<T> {
    let text = answer.into_body().into_reader().take(most);
    serde_json::from_reader(text).ok()
}

/// What the store says about its refusal, fit for a terminal.
fn refused(url: String, answer: Answer) -> StoreError {
    let status = answer.status();
    let place = answer.headers().get(LOCATION).cloned();
    let detail = match (place, json::<Problem>(answer, MAX_TEXT)) {
        (Some(place), _) => format!("it is at {place:?} now; ask there"),
        (None, Some(problem)) => problem.detail,
        (None, None) => status
            .canonical_reason()
            .unwrap_or("no reason given")
            .into(),
    };
    let detail = detail
        .chars()
        .filter(|c| !c.is_control())
        .take(500)
        .collect();
    StoreError::Refused {
        url,
        status: status.as_u16(),
        detail,
    }
}
