//! The way between buyers and the store: a TCP proxy that cuts, delays and garbles.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use fastrand::Rng;

use crate::connections::{Between, Open, accept};
use crate::lock::lock;

/// What happens to one direction of a connection.
#[derive(Clone, Copy, Debug)]
enum Harm {
    /// It ends after so many bytes.
    Cut(usize),
    /// The byte at this place becomes another.
    Garble(usize, u8),
    /// Every piece comes late.
    Delay(Duration),
}

/// A proxy to the store, wherever that listens at the time.
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    store: Mutex<Option<SocketAddr>>,
    rng: Mutex<Rng>,
    open: Open<TcpStream>,
    is_closed: AtomicBool,
    ended: AtomicBool,
    cut: AtomicU64,
    garbled: AtomicU64,
    delayed: AtomicU64,
}

impl Way {
    pub(crate) fn open(seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            store: Mutex::default(),
            rng: Mutex::new(Rng::with_seed(seed)),
            open: Open::default(),
            is_closed: AtomicBool::default(),
            ended: AtomicBool::default(),
            cut: AtomicU64::default(),
            garbled: AtomicU64::default(),
            delayed: AtomicU64::default(),
        });
        accept(&shared, move || Ok(listener.accept()?.0));
        Ok(Self { address, shared })
    }

    /// Leads to this address from now on.
    pub(crate) fn leads_to(&self, store: SocketAddr) {
        *lock(&self.shared.store) = Some(store);
    }

    /// Cuts every connection, and lets no new one through until it is opened again.
    pub(crate) fn close(&self) {
        self.shared.is_closed.store(true, Ordering::Relaxed);
        self.shared
            .open
            .drain(|stream| drop(stream.shutdown(Shutdown::Both)));
    }

    pub(crate) fn open_again(&self) {
        self.shared.is_closed.store(false, Ordering::Relaxed);
    }

    /// Connections that were cut, garbled and delayed one by one.
    pub(crate) fn harmed(&self) -> String {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        format!(
            "{} cut, {} garbled, {} delayed",
            count(&self.shared.cut),
            count(&self.shared.garbled),
            count(&self.shared.delayed)
        )
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        self.close();
        // The thread that accepts looks once more.
        TcpStream::connect(self.address).ok();
    }
}

impl Between for Shared {
    type Stream = TcpStream;

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    fn forward(&self, client: &TcpStream) -> io::Result<()> {
        let store = *lock(&self.store);
        if self.is_closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let store = TcpStream::connect(store.ok_or(io::ErrorKind::NotConnected)?)?;
        let id = self.open.add([client.try_clone()?, store.try_clone()?]);
        let (request, answer) = self.fate();
        thread::scope(|scope| {
            scope.spawn(|| pump(client, &store, request));
            pump(&store, client, answer);
        });
        self.open.remove(id);
        Ok(())
    }
}

impl Shared {
    /// What happens to the request and to the answer of one connection.
    fn fate(&self) -> (Option<Harm>, Option<Harm>) {
        let mut rng = lock(&self.rng);
        // Most requests are a few hundred bytes, and most answers about a thousand.
        let (is_request, at) = (rng.bool(), rng.usize(0..1500));
        let count = |counter: &AtomicU64, harm| {
            counter.fetch_add(1, Ordering::Relaxed);
            Some(harm)
        };
        let harm = match rng.u8(0..100) {
            0..12 => count(&self.cut, Harm::Cut(at)),
            12..24 => count(&self.garbled, Harm::Garble(at, rng.u8(1..))),
            24..36 => {
                let delay = Duration::from_millis(rng.u64(10..500));
                count(&self.delayed, Harm::Delay(delay))
            }
            _ => None,
        };
        if is_request {
            (harm, None)
        } else {
            (None, harm)
        }
    }
}

/// Copies one direction until it ends or is cut; then the other direction ends too, or is told so.
fn pump(mut from: &TcpStream, mut to: &TcpStream, harm: Option<Harm>) {
    let mut passed = 0;
    let mut piece = [0; 8192];
    loop {
        let Ok(length @ 1..) = from.read(&mut piece) else {
            to.shutdown(Shutdown::Write).ok();
            return;
        };
        let mut forwarded = length;
        match harm {
            Some(Harm::Cut(at)) if at < passed + length => forwarded = at - passed,
            Some(Harm::Garble(at, change)) if (passed..passed + length).contains(&at) => {
                piece[at - passed] ^= change;
            }
            Some(Harm::Delay(delay)) => thread::sleep(delay),
            _ => {}
        }
        if to.write_all(&piece[..forwarded]).is_err() || forwarded < length {
            from.shutdown(Shutdown::Both).ok();
            to.shutdown(Shutdown::Both).ok();
            return;
        }
        passed += length;
    }
}
