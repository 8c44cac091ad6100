//! What a network looks like before it is built: its nodes, their fees, who opens channels to whom.
//!
//! The opener of a channel owns all the money in it at first. So each plan opens its channels
//! towards the store, and every node has a path to pay it.

use fastrand::Rng;

/// The fees of lightningd's defaults, which the story's nodes ask for.
pub const DEFAULT_FEES: Fees = Fees {
    base_msat: 1,
    proportional_millionths: 10,
};
/// The size of each channel of the story.
pub const CHANNEL_SATS: u64 = 1_000_000;

/// The names that nodes can have. The story's three come first.
const NAMES: [&str; 24] = [
    "store", "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy",
    "kofi", "lena", "mona", "nils", "olga", "pete", "quinn", "rosa", "sami", "tess", "uma", "vera",
    "wanda",
];
/// The fewest and the most nodes of a random network.
pub const RANDOM_NODES: std::ops::RangeInclusive<usize> = 3..=NAMES.len();

const STORE: usize = 0;
const ALICE: usize = 1;
const BOB: usize = 2;

/// What a node earns for forwarding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    /// For each payment, in millisatoshi.
    pub base_msat: u32,
    /// In millionths of the forwarded amount.
    pub proportional_millionths: u32,
}

/// A network to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Names with fees; `store`, `alice` and `bob` are always the first three.
    pub nodes: Vec<(&'static str, Fees)>,
    /// Channels, each with all its money on the opener's side.
    pub channels: Vec<PlannedChannel>,
}

/// A channel to be opened. The ends are positions in [`Plan::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedChannel {
    /// Who opens it, and pays for it.
    pub from: usize,
    /// The other end.
    pub to: usize,
    /// Its size in satoshi.
    pub sats: u64,
}

impl Plan {
    /// Alice has a channel to the store, bob one to alice.
    pub fn story() -> Self {
        let channel = |from, to| PlannedChannel {
            from,
            to,
            sats: CHANNEL_SATS,
        };
        Self {
            nodes: NAMES[..3]
                .iter()
                .map(|name| (*name, DEFAULT_FEES))
                .collect(),
            channels: vec![channel(ALICE, STORE), channel(BOB, ALICE)],
        }
    }

    /// The story with so many nodes that sell, of which alice has a channel to each: `store`, and those
    /// after bob. There is at least one, and there are at most 22.
    pub fn stores(count: usize) -> Self {
        let count = count.clamp(1, NAMES.len() - 2);
        let mut plan = Self::story();
        for (to, name) in NAMES.iter().enumerate().take(count + 2).skip(BOB + 1) {
            plan.nodes.push((name, DEFAULT_FEES));
            plan.channels.push(PlannedChannel {
                from: ALICE,
                to,
                sats: CHANNEL_SATS,
            });
        }
        plan
    }

    /// A network of `nodes` nodes that the seed decides on. As in the story, alice has a channel to
    /// the store and bob has none. `nodes` outside of [`RANDOM_NODES`] is brought within.
    pub fn random(nodes: usize, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let count = nodes.clamp(*RANDOM_NODES.start(), *RANDOM_NODES.end());
        // Each opens channels to some who came before it, bob as the last of all.
        let order: Vec<usize> = [STORE, ALICE]
            .into_iter()
            .chain(BOB + 1..count)
            .chain([BOB])
            .collect();
        let mut channels = Vec::new();
        for (position, &from) in order.iter().enumerate().skip(1) {
            let mut earlier = order[..position].to_vec();
            rng.shuffle(&mut earlier);
            let wanted = match from {
                ALICE => 1,
                BOB => {
                    earlier.retain(|&node| node != STORE);
                    2
                }
                _ => rng.usize(1..=2),
            };
            for &to in earlier.iter().take(wanted) {
                let sats = rng.u64(5..=40) * 50_000;
                channels.push(PlannedChannel { from, to, sats });
            }
        }
        let nodes = NAMES[..count]
            .iter()
            .map(|name| (*name, random_fees(&mut rng)))
            .collect();
        Self { nodes, channels }
    }
}

/// Fees that make one way worth more than another, and let a price of 100 sat pass several of them
/// within what payers accept by default.
fn random_fees(rng: &mut Rng) -> Fees {
    let choose = |rng: &mut Rng, from: [u32; 4]| from[rng.usize(..from.len())];
    Fees {
        base_msat: choose(rng, [0, 1, 100, 500]),
        proportional_millionths: choose(rng, [1, 10, 100, 500]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_can_pay_the_store_in_every_random_network() {
        for seed in 0..200 {
            let nodes = 3 + usize::try_from(seed).unwrap() % 22;
            let plan = Plan::random(nodes, seed);
            assert_eq!(plan.nodes.len(), nodes);
            let mut reached = vec![STORE];
            for _ in 0..nodes {
                let openers = plan
                    .channels
                    .iter()
                    .filter(|channel| reached.contains(&channel.to));
                reached = reached
                    .iter()
                    .copied()
                    .chain(openers.map(|channel| channel.from))
                    .collect();
                reached.sort_unstable();
                reached.dedup();
            }
            assert_eq!(reached.len(), nodes, "seed {seed}: {plan:?}");
        }
    }

    #[test]
    fn bob_needs_others_to_pay_the_store_in_every_random_network() {
        for seed in 0..200 {
            let plan = Plan::random(12, seed);
            let between =
                |a, b| move |channel: &&PlannedChannel| (channel.from, channel.to) == (a, b);
            assert!(
                plan.channels
                    .iter()
                    .any(|channel| between(ALICE, STORE)(&channel))
            );
            assert!(
                !plan
                    .channels
                    .iter()
                    .any(|channel| between(BOB, STORE)(&channel))
            );
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_network_and_another_gives_another() {
        assert_eq!(Plan::random(12, 7), Plan::random(12, 7));
        assert_ne!(Plan::random(12, 7), Plan::random(12, 8));
    }
}
