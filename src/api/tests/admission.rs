//! Who is let in: tokens, hosts, origins, and clients that dawdle.

use super::{AUTHORIZED, ask, check};
use crate::api::testing::{Fake, TOKEN};
use crate::api::{ROUTES, ServerLimits};
use futures_util::future::join_all;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_change_needs_the_token_and_nothing_else_does() {
    let fake = Fake::start().await;
    let stop = "/api/v1/agents/expert-btcusdt/stop";
    for (header, status, code) in [
        (None, 401, "token_missing"),
        (Some("Basic 0123456789abcdef"), 401, "token_missing"),
        (Some("0123456789abcdef"), 401, "token_missing"),
        (Some("Bearer"), 401, "token_missing"),
        (Some("Bearer "), 401, "token_missing"),
        (Some("Bearer 0123456789abcde"), 401, "token_wrong"),
        (Some("Bearer 0123456789abcdef0"), 401, "token_wrong"),
        (Some("Bearer 0123456789ABCDEF"), 401, "token_wrong"),
        (Some("bearer 0123456789abcdef"), 200, ""),
    ] {
        let headers: Vec<_> = header.map(|value| ("authorization", value)).into_iter().collect();
        let before = fake.told().len();
        check(&fake, "POST", stop, &headers, "", status, code).await;
        assert_eq!(fake.told().len() - before, usize::from(status == 200), "{header:?}");
    }
    check(&fake, "POST", stop, &[AUTHORIZED, AUTHORIZED], "", 401, "token_wrong").await;
    for (_, path) in ROUTES.iter().filter(|(method, _)| *method == "POST") {
        check(&fake, "POST", &path.replace("{name}", "expert"), &[], "{", 401, "token_missing").await;
    }
    let answer = ask(&fake, "POST", stop, &[], "").await;
    assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="swarm""#);
    assert!(!answer.text().contains(TOKEN));
    fake.server.stop().await;
}

#[tokio::test]
async fn other_names_and_other_origins_are_kept_out() {
    let fake = Fake::with(|state| state.with_host("swarm.internal")).await;
    let own = fake.server.address().to_string();
    let port = fake.server.address().port();
    let local = format!("localhost:{port}");
    let origin = format!("http://{own}");
    let local_origin = format!("http://{local}");
    let stop = "/api/v1/agents/expert-btcusdt/stop";
    for (host, status) in [
        (own.as_str(), 200),
        (local.as_str(), 200),
        ("swarm.internal", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("10.1.2.3", 403),
    ] {
        for path in ["/", "/healthz", "/metrics", "/api/v1/swarm", "/nothing"] {
            let status = if path == "/nothing" && status == 200 { 404 } else { status };
            let code = if status == 404 { "not_found" } else { "host_not_allowed" };
            check(&fake, "GET", path, &[("host", host)], "", status, code).await;
        }
        check(&fake, "POST", stop, &[("host", host), AUTHORIZED], "", status, "host_not_allowed").await;
    }
    for (host, origin, status) in [
        (&own, origin.as_str(), 200),
        (&local, &local_origin, 200),
        (&own, &local_origin, 403),
        (&own, "http://evil.example", 403),
        (&own, "http://127.0.0.1", 403),
        (&own, "null", 403),
        (&own, "", 403),
    ] {
        let headers = [("host", host.as_str()), ("origin", origin), AUTHORIZED];
        check(&fake, "POST", stop, &headers, "", status, "origin_not_allowed").await;
        check(&fake, "GET", "/api/v1/swarm", &headers, "", status, "origin_not_allowed").await;
    }
    fake.server.stop().await;
}

/// Sends bytes as they are and reads until the server closes.
async fn raw(fake: &Fake, request: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(fake.server.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    assert!(closed.is_ok(), "the connection stays open after {request:.200}: {}", String::from_utf8_lossy(&answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends what may be the beginning of a request only; the server must answer so and close.
async fn check_raw(fake: &Fake, request: &str, status: u16, code: &str) {
    let answer = raw(fake, request).await;
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:.200}: {answer}");
    assert!(answer.contains(code), "{request:.200}: {answer}");
}

#[tokio::test]
async fn clients_that_dawdle_are_let_go() {
    let limits = ServerLimits { body_timeout: Duration::from_millis(50), ..ServerLimits::default() };
    let fake = Fake::with(|state| state.with_limits(limits)).await;
    let chunked = "Transfer-Encoding: chunked\r\n";
    let cases = [
        ("POST /api/v1/apply", "Content-Length: 10\r\n", "{", 408, "body_timeout"),
        ("POST /api/v1/apply", "Content-Length: 99999999999\r\n", "", 413, "body_too_large"),
        ("POST /api/v1/apply", chunked, "1\r\n{\r\n", 411, "length_required"),
        ("POST /nothing", chunked, "", 411, "length_required"),
        ("GET /healthz", chunked, "", 411, "length_required"),
        ("DELETE /healthz", "Content-Length: 10\r\n", "{", 405, "method_not_allowed"),
    ];
    let checks = cases.map(async |(line, headers, body, status, code)| {
        let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n{headers}\r\n");
        check_raw(&fake, &format!("{head}{body}"), status, code).await;
    });
    join_all(checks).await;
    let no_token = "POST /api/v1/apply HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{";
    check_raw(&fake, no_token, 401, "token_missing").await;
    fake.server.stop().await;

    let limits = ServerLimits { head_timeout: Duration::from_millis(50), ..ServerLimits::default() };
    let fake = Fake::with(|state| state.with_limits(limits)).await;
    check_raw(&fake, "GET /healthz HTTP/1.1\r\nHost: local", 408, "").await;
    fake.server.stop().await;
}

#[tokio::test]
async fn a_request_names_one_host_and_it_is_ours() {
    let fake = Fake::start().await;
    for (target, hosts, status) in [
        ("/healthz", "Host: localhost\r\n", 200),
        ("/healthz", "", 400),
        ("/healthz", "Host:\r\n", 403),
        ("/healthz", "Host: localhost\r\nHost: localhost\r\n", 400),
        ("http://evil.example/healthz", "Host: localhost\r\n", 403),
        ("http://localhost/healthz", "Host: localhost\r\n", 200),
    ] {
        let code = if status == 403 { "host_not_allowed" } else { "" };
        check_raw(&fake, &format!("GET {target} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n"), status, code).await;
    }
    fake.server.stop().await;
}
