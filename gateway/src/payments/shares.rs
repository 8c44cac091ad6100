//! How many open invoices each client may hold. Pure: it knows neither time nor invoices.
//!
//! Asking for an invoice is free, so a stranger with little means could fill any bound that holds for
//! all. Therefore what one client holds is bounded, and what its networks hold; and once the store
//! has many open invoices, a network that holds none comes before those that hold some.

use std::collections::HashMap;
use std::num::NonZeroU32;

use ipnet::IpNet;

use crate::options::LimitsOptions;
use crate::payments::client::ClientKey;

/// Why a client gets no further invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The client's own share.
    #[error(
        "as many invoices of yours are waiting for their payment as one buyer may have; pay one of them"
    )]
    Client,
    /// The share of its network.
    #[error(
        "as many invoices are waiting for their payment as buyers in your network may have; pay one of them"
    )]
    Network,
    /// All that the store allows.
    #[error("as many invoices are waiting for their payment as the store allows")]
    Store,
}

/// Bounds on open invoices; where there is none, as many as are asked for.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    client: Option<NonZeroU32>,
    network: Option<NonZeroU32>,
    /// From here on, a network that holds some gets no more.
    crowded: Option<NonZeroU32>,
    /// What memory is planned for.
    ceiling: NonZeroU32,
}

/// A network of 48 bits has 256 of 56 bits, so it may hold more than one of them: so many times more.
const WIDEST: NonZeroU32 = NonZeroU32::new(4).expect("it is not 0");

impl Bounds {
    /// What counts for the client: itself and its networks, each with the most that it may hold.
    fn counted(
        self,
        client: ClientKey,
    ) -> impl Iterator<Item = (IpNet, Option<NonZeroU32>, Refusal)> {
        let (network, widest) = (client.network(), client.widest());
        let most = self.network.map(|network| network.saturating_mul(WIDEST));
        let is_wider = widest != network;
        [
            Some((client.itself(), self.client, Refusal::Client)),
            Some((network, self.network, Refusal::Network)),
            is_wider.then_some((widest, most, Refusal::Network)),
        ]
        .into_iter()
        .flatten()
    }
}

/// Who holds how many open invoices.
#[derive(Debug)]
pub(crate) struct Shares {
    bounds: Bounds,
    /// Clients, their networks and the widest of them; none holds zero.
    held: HashMap<IpNet, u32>,
    /// All that clients with an address hold.
    addressed: u32,
    /// All that was asked for without an address. Those who asked cannot be told apart.
    anonymous: u32,
    /// Those that this gateway did not make. They are nobody's here, but they take memory.
    found: u32,
}

impl Shares {
    /// Nobody holds any.
    pub(crate) fn new(options: &LimitsOptions) -> Self {
        Self {
            bounds: Bounds {
                client: options.open_invoices_per_client,
                network: options.open_invoices_per_network,
                crowded: options.open_invoices,
                ceiling: options.most_open_invoices,
            },
            held: HashMap::new(),
            addressed: 0,
            anonymous: 0,
            found: 0,
        }
    }

    /// Gives the client one more, or says why not.
    pub(crate) fn take(&mut self, client: Option<ClientKey>) -> Result<(), Refusal> {
        if self.is_full() {
            return Err(Refusal::Store);
        }
        let Some(client) = client else {
            return self.take_anonymous();
        };
        for (net, most, refusal) in self.bounds.counted(client) {
            if is_reached(most, self.held_by(net)) {
                return Err(refusal);
            }
        }
        let is_crowded = is_reached(self.bounds.crowded, self.addressed);
        if is_crowded && self.held_by(client.widest()) > 0 {
            return Err(Refusal::Store);
        }
        for (net, ..) in self.bounds.counted(client) {
            *self.held.entry(net).or_default() += 1;
        }
        self.addressed += 1;
        Ok(())
    }

    /// Takes back one that the client was given.
    pub(crate) fn give_back(&mut self, client: Option<ClientKey>) {
        let Some(client) = client else {
            self.anonymous -= 1;
            return;
        };
        for (net, ..) in self.bounds.counted(client) {
            let held = self
                .held
                .get_mut(&net)
                .expect("it was counted when it was taken");
            *held -= 1;
            if *held == 0 {
                self.held.remove(&net);
            }
        }
        self.addressed -= 1;
    }

    /// Counts one that was found; false where there is no memory for it.
    pub(crate) fn find(&mut self) -> bool {
        let fits = !self.is_full();
        self.found += u32::from(fits);
        fits
    }

    /// Forgets one that was found.
    pub(crate) fn lose(&mut self) {
        self.found -= 1;
    }

    /// Those without an address share the store's bound among themselves. So they can close the store
    /// for each other, but not for clients with an address, nor the other way round.
    fn take_anonymous(&mut self) -> Result<(), Refusal> {
        if is_reached(self.bounds.crowded, self.anonymous) {
            return Err(Refusal::Store);
        }
        self.anonymous += 1;
        Ok(())
    }

    fn is_full(&self) -> bool {
        let all = [self.addressed, self.anonymous, self.found];
        let all: u64 = all.map(u64::from).iter().sum();
        all >= self.bounds.ceiling.get().into()
    }

    fn held_by(&self, net: IpNet) -> u32 {
        self.held.get(&net).copied().unwrap_or(0)
    }
}

fn is_reached(most: Option<NonZeroU32>, held: u32) -> bool {
    most.is_some_and(|most| held >= most.get())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    fn shares(client: u32, network: u32, crowded: u32, ceiling: u32) -> Shares {
        Shares::new(&LimitsOptions {
            open_invoices_per_client: NonZeroU32::new(client),
            open_invoices_per_network: NonZeroU32::new(network),
            open_invoices: NonZeroU32::new(crowded),
            most_open_invoices: NonZeroU32::new(ceiling).unwrap(),
            ..LimitsOptions::default()
        })
    }

    #[expect(clippy::unnecessary_wraps, reason = "as callers have it")]
    fn client(address: &str) -> Option<ClientKey> {
        let address: IpAddr = address.parse().unwrap();
        Some(address.into())
    }

    /// So many are given until one is refused, and why.
    fn until_refused(
        shares: &mut Shares,
        mut clients: impl Iterator<Item = Option<ClientKey>>,
    ) -> (usize, Refusal) {
        let given = |client| shares.take(client).err();
        clients
            .by_ref()
            .map(given)
            .enumerate()
            .find_map(|(count, refused)| refused.map(|refusal| (count, refusal)))
            .unwrap()
    }

    #[test]
    fn a_client_has_a_share_and_its_neighbours_have_theirs() {
        let mut shares = shares(5, 50, 0, 1000);
        let one = std::iter::repeat(client("198.51.100.1"));
        assert_eq!(until_refused(&mut shares, one), (5, Refusal::Client));
        shares.take(client("198.51.100.2")).unwrap();
        shares.give_back(client("198.51.100.1"));
        shares.take(client("198.51.100.1")).unwrap();
        assert_eq!(shares.take(client("198.51.100.1")), Err(Refusal::Client));
    }

    #[test]
    fn a_network_has_a_share_however_many_clients_it_has() {
        let mut shares = shares(5, 50, 0, 10_000);
        let v4 = (0..=255).map(|last| client(&format!("198.51.100.{last}")));
        assert_eq!(until_refused(&mut shares, v4), (50, Refusal::Network));
        shares.take(client("198.51.101.1")).unwrap();

        // 200 networks of 64 bits in one of 56, and then 256 of 56 in one of 48.
        let v6 = (0..200).map(|net: u16| client(&format!("2001:db8:1:2{net:02x}::7")));
        assert_eq!(until_refused(&mut shares, v6), (50, Refusal::Network));
        let v6 = (0..=255_u8).flat_map(|net| {
            (0..8).map(move |one: u8| client(&format!("2001:db8:1:{net:02x}{one:02x}::7")))
        });
        let mut given = 0;
        for client in v6 {
            given += usize::from(shares.take(client).is_ok());
        }
        assert_eq!(given, 150, "with the 50 of before it has 200");
        shares.take(client("2001:db8:2::1")).unwrap();
    }

    #[test]
    fn in_a_crowd_a_network_that_holds_none_comes_first() {
        let mut shares = shares(5, 50, 10, 12);
        for one in 0..2 {
            let many = std::iter::repeat_n(client(&format!("198.51.{one}.1")), 5);
            many.for_each(|client| shares.take(client).unwrap());
        }
        assert_eq!(shares.take(client("198.51.0.2")), Err(Refusal::Store));
        shares.take(client("203.0.113.1")).unwrap();
        assert_eq!(shares.take(client("203.0.113.2")), Err(Refusal::Store));
        shares.take(client("2001:db8::1")).unwrap();
        assert_eq!(
            shares.take(client("192.0.2.1")),
            Err(Refusal::Store),
            "the ceiling"
        );
    }

    #[test]
    fn without_an_address_nobody_is_one_client() {
        let mut shares = shares(5, 50, 100, 1000);
        let nobody = std::iter::repeat(None);
        assert_eq!(until_refused(&mut shares, nobody), (100, Refusal::Store));
        shares.take(client("198.51.100.1")).unwrap();
        shares.take(client("198.51.100.1")).unwrap();
    }

    #[test]
    fn what_was_found_takes_memory_and_nothing_else() {
        let mut shares = shares(5, 50, 10, 1000);
        for _ in 0..995 {
            assert!(shares.find());
        }
        let one = std::iter::repeat(client("198.51.100.1"));
        assert_eq!(until_refused(&mut shares, one), (5, Refusal::Store));
        assert!(!shares.find());
        shares.lose();
        shares.take(client("203.0.113.1")).unwrap();
    }

    fn any_client() -> impl Strategy<Value = Option<ClientKey>> {
        // Few enough that many meet in each network.
        let v4 = (0..3_u8, 0..4_u8).prop_map(|(net, one)| Ipv4Addr::new(198, 51, net, one).into());
        let v6 = (0..2_u16, 0..3_u16, 0..3_u16).prop_map(|(wide, net, one)| {
            Ipv6Addr::new(0x2001, 0xdb8, wide, net << 8 | one, 0, 0, 0, 9).into()
        });
        let key = |address: IpAddr| ClientKey::from(address);
        prop_oneof![
            v4.prop_map(move |address: IpAddr| Some(key(address))),
            v6.prop_map(move |address: IpAddr| Some(key(address))),
            Just(None),
        ]
    }

    proptest! {
        /// Whatever is taken and given back in whatever order, no bound is ever passed, nobody is
        /// refused without a reason, and in the end nothing is left behind.
        #[test]
        fn bounds_are_exact(
            steps in prop::collection::vec((any_client(), 0..4_u8), 0..300),
            (one, network, crowded, ceiling) in (1..6_u32, 1..12_u32, 1..30_u32, 1..60_u32),
        ) {
            let mut shares = shares(one, network, crowded, ceiling);
            let mut held: Vec<Option<ClientKey>> = Vec::new();
            for (client, step) in steps {
                if step == 0 {
                    if let Some(before) = held.iter().position(|other| *other == client) {
                        held.swap_remove(before);
                        shares.give_back(client);
                    }
                    continue;
                }
                let count = |is: &dyn Fn(ClientKey) -> bool| {
                    let known = held.iter().filter(|other| other.is_some_and(is));
                    u32::try_from(known.count()).unwrap()
                };
                let all = u32::try_from(held.len()).unwrap();
                let addressed = count(&|_| true);
                let expected = match client {
                    _ if all >= ceiling => Err(Refusal::Store),
                    None if all - addressed >= crowded => Err(Refusal::Store),
                    None => Ok(()),
                    Some(client) => {
                        let widest = count(&|other| other.widest() == client.widest());
                        let factor = if client.widest() == client.network() { 1 } else { 4 };
                        if count(&|other| other == client) >= one {
                            Err(Refusal::Client)
                        } else if count(&|other| other.network() == client.network()) >= network
                            || widest >= network * factor
                        {
                            Err(Refusal::Network)
                        } else if addressed >= crowded && widest > 0 {
                            Err(Refusal::Store)
                        } else {
                            Ok(())
                        }
                    }
                };
                prop_assert_eq!(shares.take(client), expected);
                if expected.is_ok() {
                    held.push(client);
                }
            }
            for client in held {
                shares.give_back(client);
            }
            prop_assert!(shares.held.is_empty());
            prop_assert_eq!((shares.addressed, shares.anonymous), (0, 0));
        }
    }
}
