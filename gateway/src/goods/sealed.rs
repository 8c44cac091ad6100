//! Goods that are sold sealed: what their ciphertexts are, and which manifest an invoice has.
//!
//! A ciphertext follows from the kept copy and a seal secret, so none is kept: the gateway encrypts
//! again for whoever asks (`stream`). What it keeps of each is its head, 32 bytes for a mebibyte, at
//! `<data_dir>/goods/<item>/<sha256>/.sealed/<name of the secret>`, since the head takes reading all of
//! the goods. Which manifest an invoice has follows from the invoice, so nothing is kept of sales.

mod seal;
pub(crate) mod stream;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use shared::api::ItemId;
use shared::claim::Identifier;
use shared::content::{ContentHash, Description};
use shared::digest::Digest;
use shared::sealed::{Digests, SealSecret, SealedGoods, SealedSale, SecretId};

use crate::goods::versions::{Version, VersionError, Versions};
use crate::secret::{Secret, SecretError};
pub(crate) use seal::Seal;

/// Why goods cannot be sold sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The seal secret cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The seal secret is not there any more.
    #[error(
        "goods were sealed with a secret that is not in {path:?}; put the file back from a backup, or \
         delete the folders .sealed in {dir:?} if nobody can be waiting for goods that were sealed with it"
    )]
    Lost {
        /// Where it should be.
        path: PathBuf,
        /// The folder of kept versions.
        dir: PathBuf,
    },
    /// A ciphertext cannot be written.
    #[error("cannot write the ciphertext into {folder:?}")]
    Write {
        /// Where it was to lie.
        folder: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The goods cannot be read, or their head not be kept.
    #[error("cannot seal the kept copy {path:?}")]
    Version {
        /// The copy.
        path: PathBuf,
        /// The reason.
        source: VersionError,
    },
}

/// The sealed goods of a store: those for sale, and those that were sold.
#[derive(Debug, Default)]
pub(crate) struct Seals {
    versions: Arc<Versions>,
    secret_file: PathBuf,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The current one first.
    secrets: Vec<(SecretId, SealSecret)>,
    seals: HashMap<Digest, Arc<Seal>>,
    /// Where the ciphertexts of an item lie: addresses that end in a slash.
    places: HashMap<ItemId, Vec<String>>,
}

/// An item that is sold sealed.
pub(crate) struct ToSeal<'a> {
    pub(crate) item: &'a ItemId,
    pub(crate) version: &'a Version,
    /// Where its ciphertext lies.
    pub(crate) places: &'a [String],
}

impl Seals {
    /// Seals of these versions, by the secret in this file.
    pub(crate) fn new(versions: Arc<Versions>, secret_file: PathBuf) -> Self {
        Self {
            versions,
            secret_file,
            known: RwLock::default(),
        }
    }

    /// Seals what is for sale now, and learns of what was. A version that was sealed with the current
    /// secret is not read again. Gives the seal of each, or `None` where the kept copy is damaged, which
    /// is not for sale then.
    pub(crate) fn stock(&self, items: &[ToSeal<'_>]) -> Result<Vec<Option<Arc<Seal>>>, SealError> {
        let kept = seal::kept(&self.versions);
        let secrets = self.secrets(!items.is_empty(), &kept)?;
        let find = |id| secrets.iter().find(|(other, _)| *other == id);
        let mut seals = HashMap::new();
        for (version, id, digests) in kept {
            // An old one whose secret the owner took away is owed to nobody.
            if let Some((id, secret)) = find(id) {
                let seal = Seal::new(version, (*id, *secret), digests);
                seals.insert(seal.ct(), Arc::new(seal));
            }
        }
        let current = secrets.first();
        let mut stocked = Vec::new();
        for ToSeal { version, .. } in items {
            let Some((id, secret)) = current else { break };
            let of_it = |seal: &&Arc<Seal>| seal.is(version, *id);
            let seal = match seals.values().find(of_it) {
                Some(seal) => Some(seal.clone()),
                None => match Seal::make(&self.versions, version, (*id, *secret)) {
                    Ok(seal) => Some(Arc::new(seal)),
                    Err(VersionError::Damaged) => None,
                    Err(source) => {
                        let path = version.path.clone();
                        return Err(SealError::Version { path, source });
                    }
                },
            };
            seals.extend(seal.iter().map(|seal| (seal.ct(), seal.clone())));
            stocked.push(seal);
        }
        let places = items.iter();
        let places = places.map(|one| (one.item.clone(), one.places.to_vec()));
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known {
            secrets,
            seals,
            places: places.collect(),
        };
        Ok(stocked)
    }

    /// Writes the ciphertext of these goods into a folder, under its name, as they are sealed for sale now.
    pub(crate) fn write(&self, goods: &Path, folder: &Path) -> Result<Digests, SealError> {
        let secrets = self.secrets(true, &seal::kept(&self.versions))?;
        let (_, secret) = secrets.first().expect("a secret has a current key");
        let written = seal::write(goods, secret, folder);
        written.map_err(|source| SealError::Write {
            folder: folder.to_owned(),
            source,
        })
    }

    /// The hashes of the chunks of these goods, as they are sealed for sale now; `None` if there is no secret
    /// yet.
    pub(crate) fn digests(&self, goods: &Path) -> Result<Option<Digests>, SealError> {
        let secrets = self.secrets(false, &[])?;
        let digests = secrets
            .first()
            .map(|(_, secret)| seal::digests(goods, secret));
        digests.transpose().map_err(|source| SealError::Version {
            path: goods.to_owned(),
            source: source.into(),
        })
    }

    /// The secrets, the current one first. The file is made for the first goods that are sealed, but
    /// never in place of one that was lost.
    fn secrets(
        &self,
        needed: bool,
        kept: &[seal::Kept],
    ) -> Result<Vec<(SecretId, SealSecret)>, SealError> {
        let path = &self.secret_file;
        let secret = match Secret::load_if_there(path)? {
            None if !needed => return Ok(Vec::new()),
            None if !kept.is_empty() => {
                return Err(SealError::Lost {
                    path: path.clone(),
                    dir: self.versions.dir().to_owned(),
                });
            }
            None => Secret::load_or_create(path)?,
            Some(secret) => secret,
        };
        Ok(secret.seal_secrets().collect())
    }

    /// The ciphertext of this name.
    pub(crate) fn find(&self, ct: Digest) -> Option<Arc<Seal>> {
        self.known().seals.get(&ct).cloned()
    }

    /// Its versions' bytes.
    pub(crate) fn versions(&self) -> &Arc<Versions> {
        &self.versions
    }

    /// Where the ciphertexts lie of what is sold now: addresses that end in a slash.
    pub(crate) fn places(&self) -> Vec<String> {
        self.known().places.values().flatten().cloned().collect()
    }

    /// What everyone may see of an item that is sold sealed.
    pub(crate) fn listed(&self, item: &ItemId, seal: &Seal) -> SealedGoods {
        SealedGoods {
            ct: seal.ct(),
            chunk: seal.layout().chunk(),
            urls: self.urls(item.as_str(), seal.ct()),
        }
    }

    /// What an invoice with this description sold sealed, if it did. All of it follows from the invoice:
    /// of the store's secrets, that one sealed it whose preimage belongs to its payment hash.
    pub(crate) fn sale(
        &self,
        item: &str,
        identifier: &Identifier,
        description: &str,
    ) -> Option<SealedSale> {
        let Description {
            manifest: committed,
            nonce,
            sha256,
            ..
        } = Description::read(description);
        let (committed, nonce, sha256) = (committed?, nonce?, sha256?);
        let preimage_of = |seal: &Arc<Seal>| {
            let preimage = seal.preimage(&identifier.token_id, nonce);
            let fits = preimage.payment_hash() == identifier.payment_hash;
            fits.then(|| seal.manifest(&preimage, identifier))
        };
        let manifest = self
            .sealed(item, sha256)
            .iter()
            .find_map(preimage_of)
            .filter(|manifest| manifest.hash() == committed);
        let Some(manifest) = manifest else {
            tracing::error!(
                item,
                "an invoice sold sealed goods whose manifest cannot be made again; put the seal secret that is \
                 missing back into {:?}",
                self.secret_file
            );
            return None;
        };
        Some(SealedSale {
            manifest,
            urls: self.urls(item, manifest.ct),
        })
    }

    /// All ciphertexts of a version. Another gateway may have sealed it since this one looked.
    fn sealed(&self, item: &str, sha256: ContentHash) -> Vec<Arc<Seal>> {
        let known = self.known();
        let of_it = known.seals.values();
        let of_it = of_it.filter(|seal| seal.sha256() == sha256);
        let found: Vec<_> = of_it.cloned().collect();
        if !found.is_empty() {
            return found;
        }
        let Ok(item) = item.parse() else {
            return found;
        };
        let Ok(Some(version)) = self.versions.find(&item, sha256) else {
            return found;
        };
        let secrets = known.secrets.iter();
        let read = secrets.filter_map(|(id, secret)| {
            let digests = seal::read(&version.path, *id)?;
            let seal = Seal::new(version.clone(), (*id, *secret), digests);
            Some(Arc::new(seal))
        });
        read.collect()
    }

    fn urls(&self, item: &str, ct: Digest) -> Vec<String> {
        let known = self.known();
        let places = known.places.iter();
        let mut places = places.filter(|(one, _)| one.as_str() == item);
        let places = places.next().map_or(&[][..], |(_, places)| places);
        places.iter().map(|place| format!("{place}{ct}")).collect()
    }

    fn known(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}
