//! A buyer who waits for the word that the invoice is paid.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::seller::Wait;
use super::websocket::WebSocket;
use crate::Http;
use crate::waiters::connect;

/// The longest pause after an error, where the store's page makes growing ones.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

pub(super) enum Buyer {
    Asks {
        http: Http,
        question: String,
        paid: &'static str,
        /// Where to ask again, and from which of the loopback addresses.
        again: (String, usize),
    },
    Listens {
        socket: WebSocket,
        paid: &'static str,
    },
}

impl Buyer {
    /// Connects to the seller from one of the loopback addresses.
    pub(super) async fn arrive(seller: &str, wait: &Wait, from: usize) -> Self {
        let stream = connect(seller, from).await;
        match wait {
            Wait::Question(question, paid) => Self::Asks {
                http: Http::over(stream),
                question: question.clone(),
                paid,
                again: (seller.to_owned(), from),
            },
            Wait::WebSocket(path, paid) => Self::Listens {
                socket: WebSocket::open(stream, path).await,
                paid,
            },
        }
    }

    /// When the seller said that the invoice is paid.
    pub(super) async fn told(self) -> Instant {
        match self {
            Self::Listens { mut socket, paid } => while !socket.message().await.contains(paid) {},
            Self::Asks {
                mut http,
                question,
                paid,
                again: (seller, from),
            } => {
                let mut pause = Duration::from_secs(1);
                loop {
                    match http.try_exchange(&question).await {
                        Ok((_, body)) if String::from_utf8_lossy(&body).contains(paid) => break,
                        Ok((head, _)) if !head.starts_with("HTTP/1.1 5") => {}
                        _ => {
                            sleep(pause).await;
                            pause = (pause * 2).min(LONGEST_PAUSE);
                            http = Http::over(connect(&seller, from).await);
                        }
                    }
                }
            }
        }
        Instant::now()
    }
}
