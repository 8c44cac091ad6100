//! What a sale of a large film costs the gateway: delivered by it, and sealed, with the ciphertext at another
//! host. Invoice, payment and proof of it are the same for both; a sealed film needs no more of the gateway.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, sink};

use crate::{
    Http, Nodes, Program, Socket, content_length, create_request_for, get_request, median,
    start_gateway_with,
};

/// Bytes of the film.
const FILM: u64 = 1_000_000_000;
/// The most bytes that a sealed film may need of the gateway.
const AIM: u64 = 10_000;
/// How often each is measured, and how many are sold each time.
const ROUNDS: usize = 3;
const DELIVERED: u32 = 2;
const SEALED: u32 = 50;
/// What ends an answer's head.
const END: &[u8] = b"\r\n\r\n";

pub(crate) async fn measure(nodes: &Nodes, dir: &TempDir) {
    let folder = dir.path().join("cinema");
    fs::create_dir(&folder).unwrap();
    // A file without content is as long to deliver and to seal as a film.
    fs::File::create(folder.join("film"))
        .unwrap()
        .set_len(FILM)
        .unwrap();
    let item = |id: &str, more: &str| {
        format!(
            "[[item]]\nid = \"{id}\"\ntitle = \"A film\"\nfile = \"film\"\nprice = \"1 sat\"\n{more}\n"
        )
    };
    let file = folder.join("purrwall.toml");
    let sealed = "sealed = true\nsealed_at = [\"https://cdn.example/\"]";
    fs::write(
        &file,
        [item("delivered", ""), item("sealed", sealed)].concat(),
    )
    .unwrap();
    let gateway = start_gateway_with(
        &nodes.store,
        dir,
        &[
            "--config",
            &file.display().to_string(),
            "--store-id",
            "cinema",
        ],
    );
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut round = Vec::new();
        for (item, count) in [("delivered", DELIVERED), ("sealed", SEALED)] {
            let ticks = gateway.processor_ticks();
            let started = Instant::now();
            let mut bytes = 0;
            for _ in 0..count {
                bytes += sell(nodes, &gateway, item).await;
            }
            let rate = f64::from(count) / started.elapsed().as_secs_f64();
            let ticks = gateway.processor_ticks() - ticks;
            let each = Duration::from_millis(ticks * 10) / count;
            round.push((bytes / u64::from(count), rate, each.as_secs_f64()));
        }
        rounds.push(round);
    }
    for (at, how) in ["delivered", "sealed"].into_iter().enumerate() {
        let bytes = rounds[0][at].0;
        let rate = median(rounds.iter().map(|round| round[at].1));
        let each = median(rounds.iter().map(|round| round[at].2)) * 1000.0;
        println!(
            "a film of {FILM} bytes, {how}: {bytes} bytes through the gateway, {rate:.2} sales a second one after \
             the other, {each:.1} ms of processor time each"
        );
    }
    println!("  (aim: at most {AIM} bytes of a sealed one)");
    let ratio = median(rounds.iter().map(|round| round[1].1 / round[0].1));
    println!("  sealed ones are sold {ratio:.1} times as often");
}

/// Sells one; gives how many bytes went through the gateway.
async fn sell(nodes: &Nodes, gateway: &Program, item: &str) -> u64 {
    let mut buyer = Buyer {
        http: Http::connect(&gateway.address).await,
        bytes: 0,
    };
    let created = buyer.ask(&create_request_for(item)).await;
    assert_eq!(created["sealed"].is_object(), item == "sealed", "{created}");
    let mut alice = Socket::connect(&nodes.alice).await;
    let bolt11 = &created["invoice"]["bolt11"];
    alice.call("xpay", &json!({ "invstring": bolt11 })).await;
    let claim = created["claim"].as_str().unwrap();
    let authorization = format!("authorization: L402 {claim}\r\n");
    let question = get_request("/api/v1/invoice?wait=30", &authorization);
    let status = buyer.ask(&question).await;
    assert!(status["preimage"].is_string(), "the invoice is paid");
    if item == "delivered" {
        let path = format!("/api/v1/items/{item}/content");
        buyer.fetch(&get_request(&path, &authorization)).await;
    }
    buyer.bytes
}

/// A connection that counts what goes over it, both ways.
struct Buyer {
    http: Http,
    bytes: u64,
}

impl Buyer {
    async fn ask(&mut self, request: &str) -> Value {
        let (head, body) = self.http.exchange(request).await;
        assert!(head.starts_with("HTTP/1.1 20"), "{head}");
        self.bytes += (request.len() + head.len() + END.len() + body.len()) as u64;
        serde_json::from_slice(&body).unwrap()
    }

    /// Takes the film, which is too large to be held.
    async fn fetch(&mut self, request: &str) {
        let stream = &mut self.http.stream;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(END) {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 20"), "{head}");
        assert_eq!(content_length(&head) as u64, FILM);
        let sent = copy(&mut stream.take(FILM), &mut sink()).await.unwrap();
        assert_eq!(sent, FILM, "the gateway hung up");
        self.bytes += (request.len() + head.len()) as u64 + sent;
    }
}
