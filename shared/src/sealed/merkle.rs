//! The Merkle tree over the chunks, whose root names the ciphertext.
//!
//! It is that of RFC 9162, 2.1.1 (Certificate Transparency): leaves and nodes are tagged apart, so that
//! no node passes for a chunk.

use crate::digest::Digest;
use crate::sealed::layout::Layout;

const LEAF: u8 = 0;
const NODE: u8 = 1;

/// The hash of each chunk. They stand in the file before the chunks, so that each chunk can be checked
/// by itself, in any order, as soon as it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    layout: Layout,
    leaves: Vec<Digest>,
}

/// Bytes that are not the beginning of the ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHead {
    /// Another format, another size, or no ciphertext at all.
    #[error("it does not begin as these sealed goods do")]
    Header,
    /// The hashes of other chunks.
    #[error("its chunks are those of {found}")]
    Root {
        /// Their Merkle root.
        found: Digest,
    },
}

impl Digests {
    /// The hashes of all chunks in order, as [`leaf`](Self::leaf) gives them.
    ///
    /// # Panics
    /// If there are not as many as the layout has chunks.
    pub fn new(layout: Layout, leaves: Vec<Digest>) -> Self {
        assert_eq!(leaves.len(), layout.chunks() as usize);
        Self { layout, leaves }
    }

    /// Reads the first [`head_len`](Layout::head_len) bytes of a file, which have to be those of the
    /// ciphertext `ct`.
    pub fn read(layout: Layout, ct: Digest, head: &[u8]) -> Result<Self, BadHead> {
        let digests = Self::parse(head).filter(|digests| digests.layout == layout);
        let digests = digests.ok_or(BadHead::Header)?;
        match digests.root() {
            found if found == ct => Ok(digests),
            found => Err(BadHead::Root { found }),
        }
    }

    /// Reads the beginning of a file, of whichever ciphertext; `None` if it is that of none.
    pub fn parse(head: &[u8]) -> Option<Self> {
        let (header, leaves) = head.split_first_chunk()?;
        let layout = Layout::parse(header)?;
        let (leaves, rest) = leaves.as_chunks();
        let fits = rest.is_empty() && leaves.len() == layout.chunks() as usize;
        fits.then(|| Self::new(layout, leaves.iter().copied().map(Digest).collect()))
    }

    /// The beginning of the file: what [`read`](Self::read) reads.
    pub fn head(&self) -> Vec<u8> {
        let mut head = self.layout.header().to_vec();
        for leaf in &self.leaves {
            head.extend_from_slice(&leaf.0);
        }
        head
    }

    /// The Merkle root: the name of the ciphertext.
    pub fn root(&self) -> Digest {
        root(&self.leaves)
    }

    /// How the file is laid out.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The hash of a chunk, its tag with it.
    pub fn leaf(chunk: &[u8]) -> Digest {
        Digest::of(&[&[LEAF], chunk])
    }

    /// Whether these bytes are chunk `index`.
    pub fn holds(&self, index: u32, chunk: &[u8]) -> bool {
        self.leaves.get(index as usize) == Some(&Self::leaf(chunk))
    }
}

fn root(leaves: &[Digest]) -> Digest {
    if let [leaf] = leaves {
        return *leaf;
    }
    // The largest power of two below their number.
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    Digest::of(&[&[NODE], &root(left).0, &root(right).0])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of Certificate Transparency's own implementations.
    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let inputs: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let leaves: Vec<_> = inputs.into_iter().map(Digests::leaf).collect();
        for (count, expected) in (1..).zip(roots) {
            assert_eq!(root(&leaves[..count]).to_hex(), expected, "{count} leaves");
        }
    }

    #[test]
    fn only_the_beginning_of_this_ciphertext_is_taken() {
        let layout = Layout::new(5, 4).unwrap();
        let chunks: [&[u8]; 2] = [&[7; 20], &[8; 17]];
        let digests = Digests::new(layout, chunks.map(Digests::leaf).to_vec());
        let (root, head) = (digests.root(), digests.head());
        assert_eq!(head.len() as u64, layout.head_len());
        assert_eq!(Digests::read(layout, root, &head), Ok(digests.clone()));
        assert!(digests.holds(0, chunks[0]) && digests.holds(1, chunks[1]));
        assert!(!digests.holds(1, chunks[0]) && !digests.holds(2, chunks[0]));

        for end in 0..head.len() {
            let cut = Digests::read(layout, root, &head[..end]);
            assert_eq!(cut, Err(BadHead::Header), "{end}");
        }
        let other = Layout::new(6, 4).unwrap();
        let of_another_size = Digests::read(other, root, &head);
        assert_eq!(of_another_size, Err(BadHead::Header));
        let mut changed = head;
        *changed.last_mut().unwrap() ^= 1;
        let changed = Digests::read(layout, root, &changed);
        assert!(matches!(changed, Err(BadHead::Root { found }) if found != root));
    }
}
