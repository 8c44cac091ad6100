//! Sealed goods: the ciphertext fetched from wherever it lies, checked before anyone pays, and opened by the
//! payment's preimage.
//!
//! Calls block: each belongs on a thread of its own.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write};
use std::time::Duration;

use http::StatusCode;
use http::header::{CONTENT_RANGE, RANGE};
use shared::claim::Identifier;
use shared::content::{ContentHash, ContentHasher, Description};
use shared::digest::Digest;
use shared::lightning::Preimage;
use shared::receipt::{Proof, Receipt, ReceiptError};
use shared::sealed::{Altered, BadHead, BadManifest, Cipher, Digests, Layout, Manifest};
use ureq::Agent;

use crate::web;

/// More than any host needs.
const REDIRECTS: u32 = 10;
/// All of a ciphertext in one answer. What came is kept, and the next try goes on from there.
const PATIENCE_FOR_ALL: Duration = Duration::from_hours(1);

/// Why a place does not give a ciphertext.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// No answer.
    #[error("it cannot be reached")]
    Unreachable(#[source] Box<ureq::Error>),
    /// Another answer than the file.
    #[error("it answers {0}")]
    Status(StatusCode),
    /// Another file.
    #[error("what lies there is another file: {0}")]
    Head(BadHead),
    /// A file that was changed.
    #[error("what lies there was changed in chunk {0}")]
    Chunk(u32),
    /// It broke off.
    #[error("it broke off")]
    BrokenOff(#[source] io::Error),
    /// This machine's disk.
    #[error("cannot keep it")]
    Disk(#[source] io::Error),
}

/// A ciphertext that none of its places gives.
#[derive(Debug, thiserror::Error)]
pub struct Nowhere(Vec<(String, PlaceError)>);

impl fmt::Display for Nowhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sealed goods are nowhere to be had")?;
        for (place, why) in &self.0 {
            write!(f, "; {place}: {why}")?;
        }
        Ok(())
    }
}

/// A ciphertext, as far as it has come and been checked.
#[derive(Debug)]
pub struct Ciphertext {
    layout: Layout,
    ct: Digest,
    digests: Option<Digests>,
    chunks: u32,
}

impl Ciphertext {
    /// Nothing of it is here yet.
    pub fn new(layout: Layout, ct: Digest) -> Self {
        Self {
            layout,
            ct,
            digests: None,
            chunks: 0,
        }
    }

    /// What of it is in this file; the rest of the file is cut off.
    pub fn resume(layout: Layout, ct: Digest, mut file: &File) -> io::Result<Self> {
        let mut known = Self::new(layout, ct);
        file.rewind()?;
        // What cannot be read or is something else comes again.
        known.take(BufReader::new(file), &mut io::sink()).ok();
        file.set_len(known.received())?;
        file.seek(SeekFrom::End(0))?;
        Ok(known)
    }

    /// How many bytes have come.
    pub fn received(&self) -> u64 {
        match self.chunks {
            _ if self.digests.is_none() => 0,
            0 => self.layout.head_len(),
            chunks => self.layout.place(chunks - 1).end,
        }
    }

    /// Whether all of it has come.
    pub fn is_complete(&self) -> bool {
        self.chunks == self.layout.chunks()
    }

    /// Fetches what is missing from these places, in turn, and writes it to `out`.
    pub fn fetch(&mut self, places: &[String], out: &mut impl Write) -> Result<(), Nowhere> {
        let agent = agent();
        let mut reasons = Vec::new();
        for place in places {
            loop {
                let before = self.received();
                match self.fetch_from(&agent, place, out) {
                    Ok(()) => return Ok(()),
                    // It got on; so it may again.
                    Err(PlaceError::BrokenOff(_)) if self.received() > before => {}
                    Err(why) => {
                        reasons.push((place.clone(), why));
                        break;
                    }
                }
            }
        }
        Err(Nowhere(reasons))
    }

    /// Fetches what is missing from one place.
    pub fn fetch_from(
        &mut self,
        agent: &Agent,
        place: &str,
        out: &mut impl Write,
    ) -> Result<(), PlaceError> {
        if self.is_complete() {
            return Ok(());
        }
        let from = self.received();
        let mut request = agent.get(place);
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        let answer = request.call();
        let mut answer = answer.map_err(|error| PlaceError::Unreachable(Box::new(error)))?;
        let range = answer.headers().get(CONTENT_RANGE);
        let range = range.and_then(|range| range.to_str().ok());
        let begins = format!("bytes {from}-");
        let skipped = match answer.status() {
            // A host without ranges sends all of it.
            StatusCode::OK => from,
            StatusCode::PARTIAL_CONTENT if range.is_some_and(|it| it.starts_with(&begins)) => 0,
            other => return Err(PlaceError::Status(other)),
        };
        let mut body = answer.body_mut().as_reader();
        let skipping = io::copy(&mut (&mut body).take(skipped), &mut io::sink());
        skipping.map_err(PlaceError::BrokenOff)?;
        self.take(body, out)
    }

    /// Reads what is missing and checks it: first that it is the beginning of this ciphertext, then each
    /// chunk, before a byte of it is written.
    fn take(&mut self, mut from: impl Read, out: &mut impl Write) -> Result<(), PlaceError> {
        let mut read = |length: u64, bytes: &mut Vec<u8>| {
            bytes.clear();
            let read = (&mut from).take(length).read_to_end(bytes);
            match read {
                Ok(read) if read as u64 == length => Ok(()),
                Ok(_) => Err(PlaceError::BrokenOff(io::ErrorKind::UnexpectedEof.into())),
                Err(error) => Err(PlaceError::BrokenOff(error)),
            }
        };
        let mut bytes = Vec::new();
        let digests = if let Some(digests) = &self.digests {
            digests
        } else {
            read(self.layout.head_len(), &mut bytes)?;
            let digests = Digests::read(self.layout, self.ct, &bytes).map_err(PlaceError::Head)?;
            out.write_all(&bytes).map_err(PlaceError::Disk)?;
            self.digests.insert(digests)
        };
        for index in self.chunks..self.layout.chunks() {
            let place = self.layout.place(index);
            read(place.end - place.start, &mut bytes)?;
            if !digests.holds(index, &bytes) {
                return Err(PlaceError::Chunk(index));
            }
            out.write_all(&bytes).map_err(PlaceError::Disk)?;
            self.chunks = index + 1;
        }
        Ok(())
    }
}

/// Follows redirects: nobody's claim goes with these requests, and what comes is checked.
pub fn agent() -> Agent {
    web::agent(REDIRECTS, PATIENCE_FOR_ALL)
}

/// Why a ciphertext is not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The key is another one.
    #[error(transparent)]
    Key(#[from] Altered),
    /// The disk.
    #[error("cannot read or write the goods")]
    Disk(#[from] io::Error),
}

/// Decrypts a complete ciphertext into `out`; gives the hash of the goods and their size.
pub fn open(
    mut ciphertext: &File,
    manifest: &Manifest,
    layout: Layout,
    (preimage, identifier): (&Preimage, &Identifier),
    out: &mut impl Write,
) -> Result<(ContentHash, u64), OpenError> {
    let cipher = Cipher::new(&manifest.key.unwrap(preimage, identifier), layout);
    ciphertext.seek(SeekFrom::Start(layout.head_len()))?;
    let mut hasher = ContentHasher::default();
    let mut chunk = Vec::new();
    for index in 0..layout.chunks() {
        let place = layout.place(index);
        chunk.clear();
        ciphertext
            .take(place.end - place.start)
            .read_to_end(&mut chunk)?;
        cipher.open(index, &mut chunk)?;
        hasher.update(&chunk);
        out.write_all(&chunk)?;
    }
    Ok((hasher.finish(), layout.size()))
}

/// What a receipt, its manifest, the claim's token_id and the ciphertext prove, in one sentence.
#[derive(Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The key that was sold opens what was promised.
    Kept(Proof, Digest),
    /// It does not: the store lied.
    Broken(Proof, Digest),
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (proof, rest) = match self {
            Self::Kept(proof, ct) => (
                proof,
                format!(
                    "the key that was sold opens the sealed goods {ct}, and they are the promised ones"
                ),
            ),
            Self::Broken(proof, ct) => (
                proof,
                format!(
                    "but the key that was sold does not make them of the sealed goods {ct}: the store lied"
                ),
            ),
        };
        let proof = proof.to_string();
        write!(f, "{}; {rest}.", proof.trim_end_matches('.'))
    }
}

/// Why nothing can be said about the store.
#[derive(Debug, thiserror::Error)]
pub enum NoJudgement {
    /// The receipt proves nothing.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// The manifest, or the token_id, is not the one that the node signed.
    #[error("nothing is proven against the store: {0}")]
    Manifest(#[from] BadManifest),
    /// The file is not the ciphertext.
    #[error(
        "nothing is proven against the store, because the file is not the one that was sold: {0}"
    )]
    Ciphertext(PlaceError),
    /// The disk.
    #[error("cannot read the sealed goods")]
    Disk(#[from] io::Error),
}

/// Judges a store, offline. The node signed all that counts: the goods' hash, and the manifest, which names
/// ciphertext, wrapped key and token_id. So who honestly sold cannot be convicted.
pub fn judge(
    receipt: &Receipt,
    manifest: &Manifest,
    token_id: [u8; 32],
    mut ciphertext: &File,
) -> Result<Judgement, NoJudgement> {
    let proof = receipt.verify(None)?;
    let description = proof.invoice.description.as_deref().unwrap_or_default();
    let layout = manifest.check(&Description::read(description), &token_id)?;
    ciphertext.rewind()?;
    let mut found = Ciphertext::new(layout, manifest.ct);
    found
        .take(BufReader::new(ciphertext), &mut io::sink())
        .map_err(NoJudgement::Ciphertext)?;
    let identifier = Identifier {
        payment_hash: proof.invoice.payment_hash,
        token_id,
    };
    let keys = (&receipt.preimage, &identifier);
    match open(ciphertext, manifest, layout, keys, &mut io::sink()) {
        Ok((found, _)) if found == proof.sha256 => Ok(Judgement::Kept(proof, manifest.ct)),
        Ok(_) | Err(OpenError::Key(_)) => Ok(Judgement::Broken(proof, manifest.ct)),
        Err(OpenError::Disk(error)) => Err(error.into()),
    }
}
