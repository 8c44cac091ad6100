//! A host of static files that has nothing to do with any store: ranges, faults, and what it sent.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::shop::header;

/// Serves the files of a folder to everyone.
pub struct StaticHost {
    /// The folder's address, with a slash at its end.
    pub url: String,
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    dir: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    most: Option<usize>,
    flipped: Option<usize>,
    has_ranges: bool,
    sent: u64,
    ranges: Vec<String>,
}

impl StaticHost {
    pub async fn start(dir: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            state: Mutex::new(State {
                has_ranges: true,
                ..State::default()
            }),
        });
        let serving = shared.clone();
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(client, serving.clone()));
            }
        });
        Self {
            url,
            shared,
            task: task.abort_handle(),
        }
    }

    /// Each answer breaks off after so many bytes of a file.
    pub fn breaks_off_after(&self, bytes: usize) {
        self.state().most = Some(bytes);
    }

    /// One byte of each file is another one.
    pub fn changes_byte(&self, at: usize) {
        self.state().flipped = Some(at);
    }

    /// It sends all of a file, whatever is asked for.
    pub fn has_no_ranges(&self) {
        self.state().has_ranges = false;
    }

    /// Nothing goes wrong any more.
    pub fn is_well(&self) {
        let mut state = self.state();
        (state.most, state.flipped, state.has_ranges) = (None, None, true);
    }

    /// How many bytes of files it has sent.
    pub fn sent(&self) -> u64 {
        self.state().sent
    }

    /// The ranges that were asked for so far, empty for all of a file.
    pub fn ranges(&self) -> Vec<String> {
        self.state().ranges.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }
}

impl Drop for StaticHost {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut client: TcpStream, shared: Arc<Shared>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if client.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let head = String::from_utf8(head).unwrap();
    let answer = answer(&head, &shared);
    client.write_all(&answer).await.ok();
    client.shutdown().await.ok();
}

fn answer(head: &str, shared: &Shared) -> Vec<u8> {
    let path = head.split(' ').nth(1).unwrap().trim_start_matches('/');
    let Ok(mut file) = fs::read(shared.dir.join(path)) else {
        return b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec();
    };
    let mut state = shared.state.lock().unwrap();
    if let Some(at) = state.flipped {
        file[at] ^= 1;
    }
    let range = header(head, "range").unwrap_or_default().to_owned();
    state.ranges.push(range.clone());
    let from = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'));
    let from: Option<usize> = from.and_then(|(from, _)| from.parse().ok());
    let size = file.len();
    let (status, from) = match from.filter(|_| state.has_ranges) {
        Some(from) if from < size => ("206 Partial Content", from),
        Some(_) => {
            return b"HTTP/1.1 416 Range Not Satisfiable\r\ncontent-length: 0\r\n\r\n".to_vec();
        }
        None => ("200 OK", 0),
    };
    let bytes = &file[from..];
    let kept = &bytes[..state.most.unwrap_or(usize::MAX).min(bytes.len())];
    state.sent += kept.len() as u64;
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\ncontent-range: bytes {from}-{}/{size}\r\n\r\n",
        bytes.len(),
        size - 1
    );
    [head.as_bytes(), kept].concat()
}
