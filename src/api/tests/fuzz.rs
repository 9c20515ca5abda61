//! Requests changed at random, as raw bytes: each is answered with a status of HTTP or its connection is closed, and
//! the server answers others as before.

#[path = "../../../tests/fuzz/change.rs"]
mod change;

use super::super::testing::{Fake, TOKEN};
use change::Changes;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How many; each is a connection of its own.
const REQUESTS: usize = 1_500;

fn seeds() -> Vec<Vec<u8>> {
    let head =
        |line: &str, more: &str| format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n");
    let token = format!("Authorization: Bearer {TOKEN}\r\n");
    let body = r#"{"reason":"looked into it"}"#;
    let json = format!("{token}Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    vec![
        head("GET /api/v1/decisions?agent=control-btcusdt&after=3&limit=5", "").into_bytes(),
        head("GET /api/v1/agents/control-btcusdt", "Accept-Encoding: gzip\r\n").into_bytes(),
        head("GET /metrics", "").into_bytes(),
        head("GET /", "Origin: http://localhost\r\n").into_bytes(),
        head("POST /api/v1/agents/control-btcusdt/stop?positions=close", &token).into_bytes(),
        format!("{}{body}", head("POST /api/v1/portfolios/control/breaker/reset", &json)).into_bytes(),
        head("GET /../../etc/passwd", "").into_bytes(),
        head("GET /api/v1/%2e%2e/%2e%2e/etc/passwd", "").into_bytes(),
    ]
}

#[tokio::test]
async fn whatever_is_sent_is_answered_or_cut_off() {
    let fake = Fake::start().await;
    let seeds = seeds();
    let mut changes = Changes::new(11, &seeds);
    for _ in 0..REQUESTS {
        let input = changes.next();
        let mut stream = TcpStream::connect(fake.server.address()).await.unwrap();
        // A server may close before it has read all of it.
        let _ = stream.write_all(&input).await;
        let _ = stream.shutdown().await;
        let mut answer = [0; 64];
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut answer)).await;
        let read = read.unwrap_or_else(|_| panic!("no answer and no end for b\"{}\"", input.escape_ascii()));
        let answer = &answer[..read.unwrap_or(0)];
        let is_status = |rest: &[u8]| rest.first().is_some_and(|digit| (b'2'..=b'5').contains(digit));
        let is_answer = answer.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..)).is_some_and(is_status);
        assert!(answer.is_empty() || is_answer, "{:?} for b\"{}\"", answer, input.escape_ascii());
        assert!(!answer.starts_with(b"HTTP/1.1 500"), "a fault inside for b\"{}\"", input.escape_ascii());
    }
    assert_eq!(super::get(&fake, "/healthz").await.status, 200);
    fake.server.stop().await;
}

#[tokio::test]
async fn no_path_leads_to_a_file() {
    let fake = Fake::start().await;
    for path in ["/../Cargo.toml", "/..%2fCargo.toml", "/%2e%2e/Cargo.toml", "//etc/passwd", "/api/v1/../../Cargo.toml"]
    {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let mut stream = TcpStream::connect(fake.server.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404") || answer.starts_with("HTTP/1.1 400"), "{path}: {answer}");
        assert!(!answer.contains("[package]") && !answer.contains("root:"), "{path}: {answer}");
    }
    fake.server.stop().await;
}
