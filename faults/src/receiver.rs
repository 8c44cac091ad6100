//! The owner's program: it takes webhooks.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use shared::lightning::PaymentHash;

use crate::lock::lock;

/// Takes every webhook and remembers it.
pub(crate) struct Receiver {
    pub(crate) url: String,
    told: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    pub(crate) fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/sold", listener.local_addr()?);
        let told = Arc::new(Mutex::new(Vec::new()));
        let taking = Arc::clone(&told);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                stream
                    .set_read_timeout(Some(Duration::from_millis(500)))
                    .ok();
                let (mut text, mut piece) = (Vec::new(), [0; 8192]);
                // An event is small: its body ends with its object.
                while let Ok(length @ 1..) = stream.read(&mut piece) {
                    text.extend_from_slice(&piece[..length]);
                    if text.ends_with(b"}") {
                        break;
                    }
                }
                lock(&taking).push(String::from_utf8_lossy(&text).into_owned());
                let taken = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
                stream.write_all(taken).ok();
            }
        });
        Ok(Self { url, told })
    }

    /// How many of these payments it was not told of.
    pub(crate) fn missing(&self, payments: impl IntoIterator<Item = PaymentHash>) -> usize {
        let told = lock(&self.told);
        let is_untold = |hash: &PaymentHash| {
            let hash = hash.to_hex();
            !told.iter().any(|event| event.contains(&hash))
        };
        payments.into_iter().filter(is_untold).count()
    }
}
