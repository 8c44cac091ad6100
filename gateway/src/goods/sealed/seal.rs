//! One ciphertext: the version that it is of, the secret that it was made with, and its head.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use shared::claim::Identifier;
use shared::content::ContentHash;
use shared::digest::{Digest, Nonce};
use shared::lightning::Preimage;
use shared::sealed::{
    CHUNK, Cipher, ContentKey, Digests, FORMAT, Layout, Manifest, SealSecret, SecretId,
};

use crate::goods::versions::{Version, VersionError, Versions, hash};

/// The folder of heads in a version's folder.
const HEADS: &str = ".sealed";

/// A ciphertext, of which only the head is kept.
#[derive(Debug)]
pub(crate) struct Seal {
    version: Version,
    id: SecretId,
    secret: SealSecret,
    key: ContentKey,
    digests: Digests,
    ct: Digest,
}

/// A version, the name of the secret that it was sealed with, and the ciphertext's head.
pub(super) type Kept = (Version, SecretId, Digests);

impl Seal {
    pub(super) fn new(
        version: Version,
        (id, secret): (SecretId, SealSecret),
        digests: Digests,
    ) -> Self {
        let key = secret.content_key(digests.layout().chunk(), version.sha256);
        let ct = digests.root();
        Self {
            version,
            id,
            secret,
            key,
            digests,
            ct,
        }
    }

    /// Reads all of the goods, and keeps the head.
    pub(super) fn make(
        versions: &Versions,
        version: &Version,
        secret: (SecretId, SealSecret),
    ) -> Result<Self, VersionError> {
        let mut file = versions.open_whole(version)?;
        file.rewind()?;
        let layout = layout(version.size)?;
        let cipher = cipher(&secret.1, version.sha256, layout);
        let leaves = encrypt(&cipher, layout, &mut file, &mut io::sink())?;
        let digests = Digests::new(layout, leaves);
        let path = place(&version.path, secret.0);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // An invoice may be about to promise it.
        durable::write(&path, &digests.head())?;
        Ok(Self::new(version.clone(), secret, digests))
    }

    /// Whether it is this version's, with this secret.
    pub(super) fn is(&self, version: &Version, id: SecretId) -> bool {
        self.version.path == version.path && self.id == id
    }

    /// The hash of the goods.
    pub(super) fn sha256(&self) -> ContentHash {
        self.version.sha256
    }

    /// The name of the ciphertext.
    pub(crate) fn ct(&self) -> Digest {
        self.ct
    }

    /// How it is laid out.
    pub(crate) fn layout(&self) -> Layout {
        self.digests.layout()
    }

    /// The beginning of the file.
    pub(super) fn head(&self) -> Vec<u8> {
        self.digests.head()
    }

    /// The kept copy of the goods.
    pub(super) fn version(&self) -> &Version {
        &self.version
    }

    /// Encrypts the chunks.
    pub(super) fn cipher(&self) -> Cipher {
        Cipher::new(&self.key, self.layout())
    }

    /// The preimage of an invoice for it.
    pub(crate) fn preimage(&self, token_id: &[u8; 32], nonce: Nonce) -> Preimage {
        self.secret.preimage(token_id, nonce)
    }

    /// The manifest of an invoice for it, whose payment reveals the preimage.
    pub(crate) fn manifest(&self, preimage: &Preimage, identifier: &Identifier) -> Manifest {
        let layout = self.layout();
        Manifest {
            format: FORMAT,
            ct: self.ct,
            size: layout.size(),
            chunk: layout.chunk(),
            key: self.key.wrap(preimage, identifier),
            secret: self.id,
            token: Digest::of(&[&identifier.token_id]),
        }
    }
}

/// All heads that are kept. What cannot be read is left out: it can be made again.
pub(super) fn kept(versions: &Versions) -> Vec<Kept> {
    let mut kept = Vec::new();
    for version in versions.kept().unwrap_or_default() {
        let folder = version.path.with_file_name(HEADS);
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let id = entry.file_name().to_string_lossy().parse().ok();
            let head = id.and_then(|id| Some((id, read(&version.path, id)?)));
            kept.extend(head.map(|(id, digests)| (version.clone(), id, digests)));
        }
    }
    kept
}

/// The head that was kept beside a copy of goods.
pub(super) fn read(copy: &Path, id: SecretId) -> Option<Digests> {
    Digests::parse(&fs::read(place(copy, id)).ok()?)
}

fn place(copy: &Path, id: SecretId) -> PathBuf {
    copy.with_file_name(HEADS).join(id.to_hex())
}

fn layout(size: u64) -> io::Result<Layout> {
    let layout = Layout::new(size, CHUNK);
    layout.map_err(|bad| io::Error::new(io::ErrorKind::InvalidInput, bad))
}

fn cipher(secret: &SealSecret, sha256: ContentHash, layout: Layout) -> Cipher {
    Cipher::new(&secret.content_key(layout.chunk(), sha256), layout)
}

/// Goods from their first byte on, and what they are encrypted with.
fn opened(source: &Path, secret: &SealSecret) -> io::Result<(File, Layout, Cipher)> {
    let mut plaintext = File::open(source)?;
    let sha256 = hash(&mut plaintext)?;
    plaintext.rewind()?;
    let layout = layout(plaintext.metadata()?.len())?;
    Ok((plaintext, layout, cipher(secret, sha256, layout)))
}

/// Encrypts all chunks of a plaintext; gives their hashes.
fn encrypt(
    cipher: &Cipher,
    layout: Layout,
    plaintext: &mut impl Read,
    out: &mut impl io::Write,
) -> io::Result<Vec<Digest>> {
    let mut leaves = Vec::with_capacity(layout.chunks() as usize);
    let mut chunk = Vec::new();
    for index in 0..layout.chunks() {
        let plain = layout.plain(index);
        chunk.clear();
        let read = plaintext
            .take(plain.end - plain.start)
            .read_to_end(&mut chunk)?;
        if read as u64 != plain.end - plain.start {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        cipher.seal(index, &mut chunk);
        leaves.push(Digests::leaf(&chunk));
        out.write_all(&chunk)?;
    }
    Ok(leaves)
}

/// The hashes of a ciphertext's chunks.
pub(super) fn digests(source: &Path, secret: &SealSecret) -> io::Result<Digests> {
    let (mut plaintext, layout, cipher) = opened(source, secret)?;
    let leaves = encrypt(&cipher, layout, &mut plaintext, &mut io::sink())?;
    Ok(Digests::new(layout, leaves))
}

/// Writes a whole ciphertext under its name, which is known at the end only.
pub(super) fn write(source: &Path, secret: &SealSecret, folder: &Path) -> io::Result<Digests> {
    let draft = folder.join(format!(".new-{}", std::process::id()));
    let written = write_draft(source, secret, &draft).and_then(|digests| {
        fs::rename(&draft, folder.join(digests.root().to_hex()))?;
        Ok(digests)
    });
    if written.is_err() {
        // The error of the write says more.
        fs::remove_file(&draft).ok();
    }
    written
}

fn write_draft(source: &Path, secret: &SealSecret, draft: &Path) -> io::Result<Digests> {
    let (mut plaintext, layout, cipher) = opened(source, secret)?;
    let mut out = BufWriter::new(File::create(draft)?);
    out.seek(SeekFrom::Start(layout.head_len()))?;
    let leaves = encrypt(&cipher, layout, &mut plaintext, &mut out)?;
    let digests = Digests::new(layout, leaves);
    out.seek(SeekFrom::Start(0))?;
    out.write_all(&digests.head())?;
    out.into_inner()?.sync_all()?;
    Ok(digests)
}
