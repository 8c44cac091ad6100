//! Which connections are open, who may open another one, and which one is closed for it.
//!
//! A connection is idle while it has no request: before the first one, between two, and during a TLS
//! handshake. One that speaks another protocol, such as a WebSocket, is busy. Nothing here does I/O, so the
//! rules can be tested alone.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// How many connections may be open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// In all.
    pub(crate) total: usize,
    /// Of one client.
    pub(crate) per_client: usize,
}

/// Names a connection for as long as the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(u64);

/// There is no room for another connection of this client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// The open connections. `C` names a client; `H` is a handle by which a connection can be closed.
#[derive(Debug)]
pub(crate) struct Connections<C, H> {
    bounds: Bounds,
    /// Counts what happened, so that of two connections the one that waits longer is known.
    now: u64,
    open: HashMap<Id, Connection<C, H>>,
    idle: BTreeMap<u64, Id>,
    /// What each client holds. Trusted proxies, who are many clients in one, are not here.
    clients: HashMap<C, Held>,
}

#[derive(Debug)]
struct Connection<C, H> {
    client: Option<C>,
    is_idle: bool,
    /// When it became idle or busy.
    since: u64,
    handle: H,
}

/// A client's connections by the time since which they are idle or busy.
#[derive(Debug, Default)]
struct Held {
    idle: BTreeMap<u64, Id>,
    busy: BTreeMap<u64, Id>,
}

impl Held {
    fn count(&self) -> usize {
        self.idle.len() + self.busy.len()
    }

    fn of(&mut self, is_idle: bool) -> &mut BTreeMap<u64, Id> {
        if is_idle {
            &mut self.idle
        } else {
            &mut self.busy
        }
    }
}

impl<C: Copy + Eq + Hash, H> Connections<C, H> {
    /// None yet.
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            now: 0,
            open: HashMap::new(),
            idle: BTreeMap::new(),
            clients: HashMap::new(),
        }
    }

    /// Lets a new connection in, which is idle. The handle of the connection that has to be closed
    /// for it comes back, if there is one.
    pub(crate) fn enter(&mut self, client: Option<C>, handle: H) -> Result<(Id, Option<H>), Full> {
        let held = client.and_then(|client| self.clients.get(&client));
        let count = held.map_or(0, Held::count);
        let shed = if count >= self.bounds.per_client {
            let own_oldest = held.and_then(|held| held.idle.values().next());
            Some(*own_oldest.ok_or(Full)?)
        } else if self.open.len() >= self.bounds.total {
            let oldest = self.idle.values().next().copied();
            Some(oldest.or_else(|| self.busy_of_largest(count)).ok_or(Full)?)
        } else {
            None
        };
        let shed = shed.and_then(|id| self.leave(id));
        self.now += 1;
        let id = Id(self.now);
        let connection = Connection {
            client,
            is_idle: true,
            since: self.now,
            handle,
        };
        self.index(id, client, true, self.now);
        self.open.insert(id, connection);
        Ok((id, shed))
    }

    /// The connection has a request, or no longer has one.
    pub(crate) fn turn(&mut self, id: Id, is_idle: bool) {
        self.now += 1;
        let now = self.now;
        // A connection that was shed may still be answering.
        let Some(connection) = self.open.get_mut(&id) else {
            return;
        };
        let (client, was_idle, since) = (connection.client, connection.is_idle, connection.since);
        connection.is_idle = is_idle;
        connection.since = now;
        self.unindex(client, was_idle, since);
        self.index(id, client, is_idle, now);
    }

    /// The handles of the open connections.
    pub(crate) fn handles(&self) -> impl Iterator<Item = &H> {
        self.open.values().map(|connection| &connection.handle)
    }

    /// The connection has ended, or is going to.
    pub(crate) fn leave(&mut self, id: Id) -> Option<H> {
        let gone = self.open.remove(&id)?;
        self.unindex(gone.client, gone.is_idle, gone.since);
        Some(gone.handle)
    }

    /// Where every connection has a request, a client who holds less comes first: the longest
    /// request of the client with the most connections ends for one who holds `count`.
    fn busy_of_largest(&self, count: usize) -> Option<Id> {
        let largest = self.clients.values().max_by_key(|held| held.count())?;
        let is_unfair = largest.count() > count + 1;
        largest.busy.values().next().copied().filter(|_| is_unfair)
    }

    fn index(&mut self, id: Id, client: Option<C>, is_idle: bool, since: u64) {
        if is_idle {
            self.idle.insert(since, id);
        }
        if let Some(client) = client {
            let held = self.clients.entry(client).or_default();
            held.of(is_idle).insert(since, id);
        }
    }

    fn unindex(&mut self, client: Option<C>, is_idle: bool, since: u64) {
        if is_idle {
            self.idle.remove(&since);
        }
        if let Some(client) = client
            && let Some(held) = self.clients.get_mut(&client)
        {
            held.of(is_idle).remove(&since);
            if held.count() == 0 {
                self.clients.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Table = Connections<char, &'static str>;

    fn table(total: usize, per_client: usize) -> Table {
        Connections::new(Bounds { total, per_client })
    }

    #[track_caller]
    fn enters(table: &mut Table, client: char, handle: &'static str) -> Id {
        let (id, shed) = table.enter(Some(client), handle).unwrap();
        assert_eq!(shed, None);
        id
    }

    #[test]
    fn the_longest_idle_connection_is_shed_first() {
        let mut table = table(3, 3);
        let first = enters(&mut table, 'a', "first");
        enters(&mut table, 'b', "second");
        enters(&mut table, 'c', "third");
        // A request makes the first one the youngest of the idle.
        table.turn(first, false);
        table.turn(first, true);
        assert_eq!(table.enter(Some('d'), "fourth").unwrap().1, Some("second"));
        assert_eq!(table.enter(Some('d'), "fifth").unwrap().1, Some("third"));
        assert_eq!(table.enter(Some('e'), "sixth").unwrap().1, Some("first"));
        assert_eq!(table.open.len(), 3);
    }

    #[test]
    fn a_client_at_its_bound_loses_its_own_connections_only() {
        let mut table = table(10, 2);
        enters(&mut table, 'b', "another's");
        let first = enters(&mut table, 'a', "first");
        let second = enters(&mut table, 'a', "second");
        table.turn(first, false);
        let (third, shed) = table.enter(Some('a'), "third").unwrap();
        assert_eq!(shed, Some("second"));
        // It is gone already, whatever it still says.
        table.turn(second, false);
        assert_eq!(table.leave(second), None);
        table.turn(third, false);
        assert_eq!(table.enter(Some('a'), "fourth"), Err(Full));
        table.leave(first);
        enters(&mut table, 'a', "fifth");
        assert_eq!(table.open.len(), 3);
    }

    #[test]
    fn where_all_are_busy_a_client_who_holds_less_comes_first() {
        let mut table = table(4, 3);
        for (client, handle) in [('a', "a1"), ('a', "a2"), ('a', "a3"), ('b', "b1")] {
            let id = enters(&mut table, client, handle);
            table.turn(id, false);
        }
        let (id, shed) = table.enter(Some('c'), "c1").unwrap();
        assert_eq!(shed, Some("a1"));
        table.turn(id, false);
        // Two against one is fair enough.
        assert_eq!(table.enter(Some('c'), "c2"), Err(Full));
        let (id, shed) = table.enter(Some('d'), "d1").unwrap();
        assert_eq!(shed, Some("a2"));
        table.turn(id, false);
        assert_eq!(table.enter(Some('e'), "e1"), Err(Full));
    }

    #[test]
    fn proxies_are_not_one_client() {
        let mut table = table(4, 1);
        for handle in ["p1", "p2", "p3"] {
            let (id, shed) = table.enter(None, handle).unwrap();
            assert_eq!(shed, None);
            table.turn(id, false);
        }
        enters(&mut table, 'a', "idle");
        let (id, shed) = table.enter(None, "p4").unwrap();
        assert_eq!(shed, Some("idle"));
        table.turn(id, false);
        assert_eq!(table.enter(None, "p5"), Err(Full));
    }

    #[test]
    fn nothing_is_remembered_of_those_who_left() {
        let mut table = table(10, 10);
        for client in 'a'..='j' {
            let id = enters(&mut table, client, "x");
            table.turn(id, client < 'e');
            table.leave(id);
        }
        assert_eq!(table.open.len(), 0);
        assert!(table.idle.is_empty() && table.clients.is_empty());
    }
}
