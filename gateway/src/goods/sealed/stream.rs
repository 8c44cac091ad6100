//! The bytes of a ciphertext, encrypted again from the kept copy as they are asked for.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::task::spawn_blocking;

use crate::goods::sealed::Seal;
use crate::goods::versions::{VersionError, Versions};

/// The kept copy, once it is known to be the promised one.
pub(crate) async fn open(seal: &Seal, versions: &Arc<Versions>) -> Result<File, VersionError> {
    versions.open(seal.version()).await
}

/// Writes these bytes of the ciphertext, a chunk in memory at a time, until whoever reads has gone.
pub(crate) async fn copy(
    seal: Arc<Seal>,
    file: File,
    range: Range<u64>,
    mut out: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let layout = seal.layout();
    write_part(&mut out, &seal.head(), 0, &range).await?;
    let cipher = Arc::new(seal.cipher());
    let file = Arc::new(file);
    for index in 0..layout.chunks() {
        let place = layout.place(index);
        if place.end <= range.start {
            continue;
        }
        if place.start >= range.end {
            break;
        }
        let (cipher, file, plain) = (cipher.clone(), file.clone(), layout.plain(index));
        let sealed = spawn_blocking(move || {
            let length = usize::try_from(plain.end - plain.start).map_err(io::Error::other)?;
            let mut chunk = vec![0; length];
            file.read_exact_at(&mut chunk, plain.start)?;
            cipher.seal(index, &mut chunk);
            Ok::<_, io::Error>(chunk)
        });
        let sealed = sealed.await.map_err(io::Error::other)??;
        write_part(&mut out, &sealed, place.start, &range).await?;
    }
    out.shutdown().await
}

/// Writes what of `bytes`, which begin at `start`, is in the range.
async fn write_part(
    out: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    start: u64,
    range: &Range<u64>,
) -> io::Result<()> {
    let within = |at: u64| {
        let at = usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
        at.min(bytes.len())
    };
    out.write_all(&bytes[within(range.start)..within(range.end)])
        .await
}
