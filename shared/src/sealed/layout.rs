//! Where everything lies in a ciphertext's file: a header, the hashes of the chunks, the chunks.

use std::ops::Range;

/// The format that is described here. Another one has another number.
pub const FORMAT: u32 = 1;
/// How many bytes of plaintext a chunk of a new ciphertext holds.
pub const CHUNK: u32 = 1 << 20;
/// The largest chunk that is read: who checks one has it in memory.
pub const MAX_CHUNK: u32 = 1 << 24;
/// The most chunks that are read: who checks them has the hash of each in memory.
pub const MAX_CHUNKS: u64 = 1 << 20;
/// How many bytes a chunk is longer than its plaintext: GCM's tag.
pub const TAG: u64 = 16;

const MAGIC: [u8; 8] = *b"purrseal";
const HEADER: u64 = 24;
const LEAF: u64 = 32;

/// The parts of a ciphertext of this many bytes of plaintext in chunks of this size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    size: u64,
    chunk: u32,
    chunks: u32,
}

/// A ciphertext that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "sealed goods of {size} bytes in chunks of {chunk} are not read: chunks hold 1 to {MAX_CHUNK} bytes, \
     and there are {MAX_CHUNKS} at most"
)]
pub struct BadLayout {
    /// Bytes of plaintext.
    pub size: u64,
    /// Bytes of plaintext in a chunk.
    pub chunk: u32,
}

impl Layout {
    /// The layout of `size` bytes of plaintext, of which each chunk but the last holds `chunk`.
    pub fn new(size: u64, chunk: u32) -> Result<Self, BadLayout> {
        let bad = BadLayout { size, chunk };
        if !(1..=MAX_CHUNK).contains(&chunk) {
            return Err(bad);
        }
        // No plaintext is one empty chunk.
        let chunks = size.div_ceil(chunk.into()).max(1);
        if chunks > MAX_CHUNKS {
            return Err(bad);
        }
        let chunks = u32::try_from(chunks).map_err(|_| bad)?;
        Ok(Self {
            size,
            chunk,
            chunks,
        })
    }

    /// Bytes of plaintext.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes of plaintext in each chunk but the last.
    pub fn chunk(&self) -> u32 {
        self.chunk
    }

    /// How many chunks there are: one at least.
    pub fn chunks(&self) -> u32 {
        self.chunks
    }

    /// The first 24 bytes of the file: `purrseal`, then the format, the chunk's size (32 bits each) and
    /// the plaintext's (64 bits), all big-endian.
    pub fn header(&self) -> [u8; 24] {
        let mut header = [0; 24];
        header[..8].copy_from_slice(&MAGIC);
        header[8..12].copy_from_slice(&FORMAT.to_be_bytes());
        header[12..16].copy_from_slice(&self.chunk.to_be_bytes());
        header[16..].copy_from_slice(&self.size.to_be_bytes());
        header
    }

    /// Reads such a header; `None` if it is another one, or one of a file that is not read.
    pub fn parse(header: &[u8; 24]) -> Option<Self> {
        let (start, size) = header.split_last_chunk()?;
        let (_, chunk) = start.split_last_chunk()?;
        let layout = Self::new(u64::from_be_bytes(*size), u32::from_be_bytes(*chunk)).ok()?;
        (layout.header() == *header).then_some(layout)
    }

    /// How many bytes stand before the first chunk: the header, and 32 for each chunk.
    pub fn head_len(&self) -> u64 {
        HEADER + LEAF * u64::from(self.chunks)
    }

    /// How many bytes the file has.
    pub fn file_len(&self) -> u64 {
        self.head_len() + self.size + TAG * u64::from(self.chunks)
    }

    /// The bytes of the plaintext that chunk `index` holds, counted from zero.
    pub fn plain(&self, index: u32) -> Range<u64> {
        let start = u64::from(index) * u64::from(self.chunk);
        start..(start + u64::from(self.chunk)).min(self.size)
    }

    /// The bytes of the file that chunk `index` is, its tag with them.
    pub fn place(&self, index: u32) -> Range<u64> {
        let Range { start, end } = self.plain(index);
        let before = self.head_len() + TAG * u64::from(index);
        before + start..before + end + TAG
    }

    /// Whether this is the last chunk, which is encrypted as such, so that nobody cuts the goods.
    pub fn is_last(&self, index: u32) -> bool {
        index + 1 == self.chunks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_the_file_has_one_place() {
        for (size, chunk, chunks) in [(0, 4, 1), (1, 4, 1), (4, 4, 1), (5, 4, 2), (17, 4, 5)] {
            let layout = Layout::new(size, chunk).unwrap();
            assert_eq!(layout.chunks(), chunks);
            let (mut at, mut plain) = (24 + 32 * u64::from(chunks), 0);
            for index in 0..chunks {
                let place = layout.place(index);
                assert_eq!((place.start, layout.plain(index).start), (at, plain));
                (at, plain) = (place.end, layout.plain(index).end);
                assert_eq!(layout.is_last(index), index == chunks - 1);
            }
            assert_eq!((at, plain), (layout.file_len(), size));
        }
    }

    #[test]
    fn what_needs_too_much_memory_is_not_read() {
        assert!(Layout::new(1, 0).is_err());
        assert!(Layout::new(1, MAX_CHUNK + 1).is_err());
        assert!(Layout::new(u64::MAX, MAX_CHUNK).is_err());
        assert!(Layout::new(MAX_CHUNKS, 1).is_ok());
        assert!(Layout::new(MAX_CHUNKS + 1, 1).is_err());
    }

    #[test]
    fn the_header_says_how_to_read_the_file() {
        let header = Layout::new(0x0102_0304_0506, 0x00a0_b0c0).unwrap().header();
        assert_eq!(
            header,
            *b"purrseal\0\0\0\x01\0\xa0\xb0\xc0\0\0\x01\x02\x03\x04\x05\x06"
        );
        assert_eq!(Layout::parse(&header).unwrap().header(), header);
        for at in 0..12 {
            let mut other = header;
            other[at] ^= 1;
            assert_eq!(Layout::parse(&other), None, "byte {at}");
        }
    }
}
