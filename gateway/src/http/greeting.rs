//! The first bytes of a connection, by which the server tells the versions of HTTP apart. They have to come
//! in time, and version 2 is not spoken: its limits would be others.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How a connection in version 2 begins. No method of version 1 does.
const VERSION_2: &[u8] = b"PRI";

/// A connection that has to begin in time, in version 1.
pub(crate) struct Greeted<S> {
    stream: S,
    /// While it may still become either: how much of the other's beginning has come, and until when.
    undecided: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<S> Greeted<S> {
    /// The first bytes have to come within this time.
    pub(crate) fn new(stream: S, patience: Duration) -> Self {
        Self {
            stream,
            undecided: Some((0, Box::pin(sleep(patience)))),
        }
    }

    /// Looks at what has just come.
    fn look(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some((seen, _)) = &mut self.undecided else {
            return Ok(());
        };
        for byte in bytes {
            if VERSION_2[*seen] != *byte {
                self.undecided = None;
                return Ok(());
            }
            *seen += 1;
            if *seen == VERSION_2.len() {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some((_, patience)) = &mut self.undecided
            && patience.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let looked = self.look(&buffer.filled()[before..]);
        if looked.is_err() {
            buffer.set_filled(before);
        }
        Poll::Ready(looked)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Greeted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const LONG: Duration = Duration::from_mins(10);

    async fn read(pieces: &[&str], patience: Duration) -> io::Result<String> {
        let (mut client, server) = duplex(64);
        for piece in pieces {
            client.write_all(piece.as_bytes()).await?;
        }
        let mut greeted = Greeted::new(server, patience);
        let mut text = String::new();
        if !pieces.is_empty() {
            drop(client);
            greeted.read_to_string(&mut text).await?;
            return Ok(text);
        }
        greeted.read_u8().await?;
        Ok(text)
    }

    #[tokio::test]
    async fn version_1_passes_and_version_2_does_not() {
        for pieces in [&["GET / HTTP/1.1"][..], &["P", "ROPFIND /"], &["PR", "x"]] {
            assert_eq!(read(pieces, LONG).await.unwrap(), pieces.concat());
        }
        for pieces in [&["PRI * HTTP/2.0"][..], &["P", "R", "I"]] {
            let error = read(pieces, LONG).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }

    #[tokio::test]
    async fn who_says_nothing_is_not_waited_for() {
        let error = read(&[], Duration::from_millis(10)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
