//! Many calls at once: few are at lightningd, the others wait for their turn.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use purrwall_lightningd::{LightningError, Lightningd};
use serde_json::json;
use tempfile::TempDir;
use testing::rpc::next_request;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

const LONG: Duration = Duration::from_mins(2);

struct Socket {
    _dir: TempDir,
    path: PathBuf,
    listener: UnixListener,
}

fn listens() -> Socket {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lightning-rpc");
    let listener = UnixListener::bind(&path).unwrap();
    Socket {
        _dir: dir,
        path,
        listener,
    }
}

/// Answers every call: no invoice is there.
async fn answers(mut stream: UnixStream) {
    while let Some(request) = next_request(&mut stream).await {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let result = json!({"invoices": []});
        let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
        let answered = stream.write_all(format!("{answer}\n\n").as_bytes()).await;
        answered.unwrap();
    }
}

async fn asks(lightningd: &Lightningd) -> Result<(), LightningError> {
    let found = lightningd.find_by_label("x".into()).await?;
    assert!(found.is_none());
    Ok(())
}

#[tokio::test]
async fn a_thousand_calls_have_at_most_32_connections() {
    let Socket {
        _dir,
        path,
        listener,
    } = listens();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(answers(stream));
        }
    });
    let lightningd = Arc::new(Lightningd::new(path, LONG));
    let mut calls = JoinSet::new();
    for _ in 0..1000 {
        let lightningd = lightningd.clone();
        calls.spawn(async move { asks(&lightningd).await });
    }
    for answered in calls.join_all().await {
        answered.unwrap();
    }
    let connections = connections.load(Ordering::Relaxed);
    assert!(connections <= 32, "{connections} connections");
}

#[tokio::test]
async fn a_full_queue_is_waited_for() {
    let Socket {
        _dir,
        path,
        listener,
    } = listens();
    let mut queued = Vec::new();
    let full = loop {
        match UnixStream::connect(&path).await {
            Ok(stream) => queued.push(stream),
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    let impatient = Lightningd::new(path.clone(), Duration::from_millis(50));
    let error = asks(&impatient).await.unwrap_err();
    assert!(matches!(error, LightningError::Timeout { .. }), "{error}");
    assert!(impatient.watch().await.is_err());

    let patient = Lightningd::new(path, LONG);
    let call = asks(&patient);
    tokio::pin!(call);
    let waits = tokio::time::timeout(Duration::from_millis(50), &mut call).await;
    assert!(waits.is_err(), "it waits");
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answers(stream));
        }
    });
    call.await.unwrap();
}
