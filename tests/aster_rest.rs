//! The REST client against servers on loopback that answer well, badly, late, twice, or not at all.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use asterswarm::aster::environment::{Environment, Version};
use asterswarm::aster::errors::Class;
use asterswarm::aster::limiter::{Caps, Limiter, Permit, Reason};
use asterswarm::aster::rest::{Cause, NotSent, Outcome, Patience, Rest, RestError};
use asterswarm::aster::secret::Secret;
use asterswarm::aster::sign::{
    ApiKey, Credentials, CredentialsError, Domain, KeySigner, NonceMemory, Received, Wallet, WalletSigner, read_pairs,
    read_request,
};
use asterswarm::aster::wire::{
    Call, ExchangeInfo, Method, NewOrder, OrderAnswer, OrderRef, OrderType, Route, ServerTime, Side, Urgency,
    WireError, calls,
};
use asterswarm::market::live;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CHAIN: u64 = 714;
const NOW_MS: u64 = 1_735_689_600_000;

/// What a server does with a request.
#[derive(Clone)]
struct Script {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: String,
}

fn script(status: u16, body: impl Into<String>) -> Script {
    Script { status, headers: Vec::new(), body: body.into() }
}

/// A request as received.
#[derive(Clone, Debug)]
struct Seen {
    method: String,
    path: String,
    query: String,
    body: String,
    key: Option<String>,
}

struct Server {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    handle: actix_web::dev::ServerHandle,
}

impl Server {
    async fn start(script: Script) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, script) = (seen.clone(), script.clone());
        let server = HttpServer::new(move || {
            let (log, script) = (log.clone(), script.clone());
            App::new().default_service(web::to(move |request: HttpRequest, body: web::Bytes| {
                let (log, script) = (log.clone(), script.clone());
                async move {
                    let key = request.headers().get("X-MBX-APIKEY").map(|key| key.to_str().unwrap().to_owned());
                    log.lock().unwrap().push(Seen {
                        method: request.method().to_string(),
                        path: request.path().to_owned(),
                        query: request.query_string().to_owned(),
                        body: String::from_utf8(body.to_vec()).unwrap(),
                        key,
                    });
                    let mut answer = HttpResponse::build(StatusCode::from_u16(script.status).unwrap());
                    script.headers.iter().for_each(|header| {
                        answer.insert_header(*header);
                    });
                    answer.body(script.body)
                }
            }))
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { url, seen, handle }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

fn wallet() -> Credentials {
    Credentials::Wallet(WalletSigner::new(Wallet::new(&Secret::new("01".repeat(32))).unwrap(), None, CHAIN))
}

fn api_key() -> ApiKey {
    ApiKey::new(Secret::new("a-key"), &Secret::new("throw-away-test-secret"))
}

fn environment(url: &str, version: Version) -> Environment {
    Environment::custom(url, "ws://localhost:1", version, CHAIN).unwrap()
}

fn patience() -> Patience {
    Patience { connect: Duration::from_secs(2), answer: Duration::from_millis(700) }
}

fn client(url: &str, version: Version, credentials: Option<Credentials>) -> Rest {
    let limiter = Arc::new(Mutex::new(Limiter::default()));
    let clock = Arc::new(|| NOW_MS * 1_000);
    Rest::with_clock(environment(url, version), credentials, limiter, patience(), clock).unwrap()
}

fn order() -> NewOrder {
    let mut order = NewOrder::new("SOLUSDT", Side::Buy, OrderType::Market);
    order.quantity = Some("2.4".parse().unwrap());
    order.new_client_order_id = Some("sw-3-9-0".to_owned());
    order
}

fn order_body() -> String {
    let answers = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/aster/answers.json")).unwrap();
    serde_json::from_slice::<serde_json::Value>(&answers).unwrap()["order"].to_string()
}

/// Sends an order to a server with this script. It must arrive exactly once, whatever comes back.
async fn place(script: Script) -> Outcome<OrderAnswer> {
    let server = Server::start(script).await;
    let outcome = client(&server.url, Version::V3, Some(wallet())).send(&calls::place_order(order())).await;
    assert_eq!(server.seen().len(), 1, "an order is sent once");
    outcome
}

/// Asks for an order at a server with this script.
async fn query(script: Script) -> Outcome<OrderAnswer> {
    let server = Server::start(script).await;
    let call = calls::query_order(OrderRef::by_client_id("SOLUSDT", "sw-3-9-0"));
    client(&server.url, Version::V3, Some(wallet())).send(&call).await
}

#[actix_web::test]
async fn a_venue_can_verify_and_read_a_v3_order() {
    let server = Server::start(script(200, order_body())).await;
    let rest = client(&server.url, Version::V3, Some(wallet()));
    for _ in 0..2 {
        let Outcome::Answered(answer) = rest.send(&calls::place_order(order())).await else { panic!("an answer") };
        assert_eq!(answer.order_id, 51_001);
    }
    let mut nonces = NonceMemory::default();
    for seen in server.seen() {
        assert_eq!((seen.method.as_str(), seen.query.as_str(), seen.key), ("POST", "", None));
        assert_eq!(Route::find(Version::V3, Method::Post, &seen.path), Some(Route::PlaceOrder));
        // Verified over the text as it arrived.
        let received = Received::split(&seen.body);
        let signer = Domain::new(CHAIN).recover(received.text, received.signature.unwrap()).unwrap();
        let pairs = read_pairs(received.text).unwrap();
        let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap();
        assert_eq!(value("signer"), signer.to_string());
        nonces.accept(value("nonce").parse().unwrap(), NOW_MS * 1_000, 5_000_000).unwrap();
        assert_eq!(read_request::<NewOrder>(&pairs).unwrap(), order());
    }
}

#[actix_web::test]
async fn reads_and_cancels_carry_their_text_in_the_query_as_it_was_signed() {
    let server = Server::start(script(200, order_body())).await;
    let rest = client(&server.url, Version::V3, Some(wallet()));
    let odd = OrderRef::by_client_id("SOLUSDT", "a:b/c.d-e_f");
    let _ = rest.send(&calls::query_order(odd.clone())).await.answer().unwrap();
    let _ = rest.send(&calls::cancel_order(odd)).await.answer().unwrap();
    for (seen, method) in server.seen().into_iter().zip(["GET", "DELETE"]) {
        assert_eq!((seen.method.as_str(), seen.body.as_str()), (method, ""));
        assert!(seen.query.contains("origClientOrderId=a%3Ab%2Fc.d-e_f&"), "{}", seen.query);
        let received = Received::split(&seen.query);
        let signer = Domain::new(CHAIN).recover(received.text, received.signature.unwrap()).unwrap();
        assert!(received.text.contains(&format!("signer={signer}")));
    }
}

#[actix_web::test]
async fn a_v1_request_is_signed_with_its_key_in_the_header_and_goes_to_v1_paths() {
    let server = Server::start(script(200, "[]")).await;
    let key = Credentials::Key(KeySigner::new(api_key(), 5_000));
    let rest = client(&server.url, Version::V1, Some(key));
    assert_eq!(rest.send(&calls::balance()).await, Outcome::Answered(vec![]));
    let noop: Outcome<_> = rest.send(&calls::noop()).await;
    assert_eq!(noop, Outcome::NotSent(NotSent::NoSuchCall));
    let seen = &server.seen()[0];
    assert_eq!((seen.path.as_str(), seen.key.as_deref()), ("/fapi/v2/balance", Some("a-key")));
    let received = Received::split(&seen.query);
    assert_eq!(received.text, format!("recvWindow=5000&timestamp={NOW_MS}"));
    assert!(api_key().verify(received.text, "", received.signature.unwrap()));
}

#[actix_web::test]
async fn listen_keys_are_signed_in_v3_and_only_keyed_in_v1() {
    let server = Server::start(script(200, r#"{"listenKey":"k"}"#)).await;
    let v1 = client(&server.url, Version::V1, Some(Credentials::Key(KeySigner::new(api_key(), 5_000))));
    let v3 = client(&server.url, Version::V3, Some(wallet()));
    for rest in [v1, v3] {
        assert_eq!(rest.send(&calls::start_user_stream()).await.answer().unwrap().listen_key, "k");
    }
    let seen = server.seen();
    assert_eq!((seen[0].body.as_str(), seen[0].key.as_deref()), ("", Some("a-key")));
    assert!(seen[1].body.contains("&signature=0x") && seen[1].key.is_none());
}

#[actix_web::test]
async fn lost_answers_to_orders_are_unknown_and_to_questions_unanswered() {
    let error = |code: i64| json!({ "code": code, "msg": "text" }).to_string();
    for script in [
        script(503, error(-1000)),
        script(503, order_body()),
        script(500, ""),
        script(502, "<html>Bad Gateway</html>"),
        script(408, "{}"),
        script(400, error(-1007)),
        script(200, error(-1006)),
        script(429, error(-1007)),
        script(400, "<html>odd</html>"),
        script(404, "not json"),
        script(302, ""),
        script(200, "<html>All is well</html>"),
        script(200, ""),
        script(200, "{\"orderId\":1"),
        script(200, "{\"orderId\":\"x\"}"),
        script(200, "[]"),
    ] {
        let (status, body) = (script.status, script.body.clone());
        let placed = place(script.clone()).await;
        assert!(placed.is_unknown(), "{status} {body}: {placed:?}");
        let asked = query(script).await;
        assert!(matches!(asked, Outcome::Unanswered(_)), "{status} {body}: {asked:?}");
    }
}

#[actix_web::test]
async fn the_cause_says_what_came_instead_of_an_answer() {
    let page = place(script(200, "<html>x</html>")).await;
    assert!(matches!(page, Outcome::Unknown(Cause::Unreadable(WireError::Html { .. }))), "{page:?}");
    let cut = place(script(200, "{\"orderId\":1")).await;
    assert!(matches!(cut, Outcome::Unknown(Cause::Unreadable(WireError::Truncated { .. }))), "{cut:?}");
    let undecided = place(script(503, r#"{"code":-1000,"msg":"text"}"#)).await;
    let expected = Cause::Undecided { status: 503, code: Some(-1000), message: "text".to_owned() };
    assert_eq!(undecided, Outcome::Unknown(expected));
}

#[actix_web::test]
async fn refusals_carry_class_code_and_words() {
    for (status, body, class, code) in [
        (400, r#"{"code":-2019,"msg":"Margin is insufficient."}"#, Class::Refuse, Some(-2019)),
        (400, r#"{"code":"-2011","msg":"Unknown order sent."}"#, Class::Refuse, Some(-2011)),
        (200, r#"{"code":-5050,"msg":"deposit"}"#, Class::Halt, Some(-5050)),
        (400, r#"{"code":-4225,"msg":"Nonce Expired"}"#, Class::Retry, Some(-4225)),
        (401, r#"{"code":-2014,"msg":"API-key format invalid."}"#, Class::Halt, Some(-2014)),
        (403, "<html>Forbidden</html>", Class::Halt, None),
        (429, "slow down", Class::Retry, None),
        (400, r#"{"code":-987654,"msg":"new"}"#, Class::Refuse, Some(-987_654)),
    ] {
        let Outcome::Refused(refusal) = place(script(status, body)).await else { panic!("{status} {body} is refused") };
        assert_eq!((refusal.class, refusal.code, refusal.status), (class, code, status), "{body}");
        assert!(!refusal.message.is_empty());
    }
    let server = Server::start(script(400, r#"{"code":-4059,"msg":"No need to change position side."}"#)).await;
    let rest = client(&server.url, Version::V3, Some(wallet()));
    assert_eq!(rest.send(&calls::set_dual_side(false)).await, Outcome::AlreadySo);
}

/// Serves every connection by reading a request and then doing `act` with the socket.
async fn raw<F>(act: impl Fn(tokio::net::TcpStream) -> F + Send + Sync + 'static) -> (String, Arc<Mutex<u32>>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(Mutex::new(0));
    let requests = count.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = vec![0; 4_096];
            let read = socket.read(&mut buffer).await.unwrap_or(0);
            if read > 0 {
                *requests.lock().unwrap() += 1;
            }
            tokio::spawn(act(socket));
        }
    });
    (url, count)
}

async fn check_broken(name: &str, url: &str, requests: &Mutex<u32>, expected: fn(&Cause) -> bool) {
    let rest = client(url, Version::V3, Some(wallet()));
    let outcome = rest.send(&calls::place_order(order())).await;
    assert!(matches!(&outcome, Outcome::Unknown(cause) if expected(cause)), "{name}: {outcome:?}");
    assert_eq!(*requests.lock().unwrap(), 1, "{name}: an order is sent once");
    // Neither address nor signature is in what would be logged.
    assert!(!format!("{outcome:?}").contains("signature"), "{name}");
}

#[actix_web::test]
async fn connections_that_break_or_stall_leave_an_order_unknown() {
    let broken = |cause: &Cause| matches!(cause, Cause::Broken(_));
    let (url, requests) = raw(|socket| async move { drop(socket) }).await;
    check_broken("closed without a word", &url, &requests, broken).await;

    let (url, requests) = raw(|mut socket| async move {
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"orderId\":1").await;
    })
    .await;
    check_broken("closed within the body", &url, &requests, broken).await;

    let (url, requests) = raw(|mut socket| async move {
        let _ = socket.write_all(b"not http at all\r\n\r\n").await;
    })
    .await;
    check_broken("another protocol", &url, &requests, broken).await;

    let late = |cause: &Cause| *cause == Cause::Timeout;
    let silent = |socket: tokio::net::TcpStream| async move {
        std::future::pending::<()>().await;
        drop(socket);
    };
    let (url, requests) = raw(silent).await;
    check_broken("no answer", &url, &requests, late).await;

    let (url, requests) = raw(|mut socket| async move {
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"orderId\":1").await;
        std::future::pending::<()>().await;
        drop(socket);
    })
    .await;
    check_broken("half an answer", &url, &requests, late).await;
}

#[actix_web::test]
async fn an_order_lost_on_a_kept_connection_is_not_sent_again() {
    // The first request of a connection is answered and the connection kept; the second is read and dropped.
    let (url, connections) = raw(|mut socket| async move {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]";
        socket.write_all(answer.as_bytes()).await.unwrap();
        let mut buffer = vec![0; 4_096];
        let _ = socket.read(&mut buffer).await;
    })
    .await;
    let rest = client(&url, Version::V3, Some(wallet()));
    assert_eq!(rest.send(&calls::balance()).await, Outcome::Answered(vec![]));
    let placed = rest.send(&calls::place_order(order())).await;
    assert!(matches!(placed, Outcome::Unknown(Cause::Broken(_))), "{placed:?}");
    assert_eq!(*connections.lock().unwrap(), 1, "it went over the kept connection and nowhere else");
}

#[actix_web::test]
async fn what_could_not_be_sent_is_not_unknown() {
    // A port that was free a moment ago and has no listener.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rest = client(&format!("http://{port}"), Version::V3, Some(wallet()));
    let outcome = rest.send(&calls::place_order(order())).await;
    assert!(matches!(outcome, Outcome::NotSent(NotSent::Unreachable(_))), "{outcome:?}");

    let rest = client("http://127.0.0.1:1", Version::V3, None);
    assert_eq!(rest.send(&calls::place_order(order())).await, Outcome::NotSent(NotSent::NoCredentials));
    let full = Arc::new(Mutex::new(Limiter::default()));
    let now = swarm_core::model::Time(i64::try_from(NOW_MS).unwrap());
    while full.lock().unwrap().ask(now, Urgency::Normal, 40, 0) == Permit::Go {}
    let clock = Arc::new(|| NOW_MS * 1_000);
    let rest = Rest::with_clock(environment("http://127.0.0.1:1", Version::V3), None, full, patience(), clock).unwrap();
    let outcome = rest.send(&calls::balance()).await;
    assert_eq!(outcome, Outcome::NotSent(NotSent::NoCredentials), "also while limits are near");

    let limiter = Arc::new(Mutex::new(Limiter::default()));
    let wrong = Rest::new(environment("http://127.0.0.1:1", Version::V1), Some(wallet()), limiter, patience());
    assert!(matches!(wrong, Err(RestError::Credentials(CredentialsError::WalletForV1))));
}

#[actix_web::test]
async fn after_429_entries_wait_and_cancels_go_and_after_418_nothing_goes() {
    for (status, cancels) in [(429, true), (418, false)] {
        let slow = Script { headers: vec![("Retry-After", "12")], ..script(status, r#"{"code":-1003,"msg":"slow"}"#) };
        let server = Server::start(slow).await;
        let rest = client(&server.url, Version::V3, Some(wallet()));
        let first = rest.send(&calls::place_order(order())).await;
        assert!(matches!(&first, Outcome::Refused(refusal) if refusal.class == Class::Retry), "{first:?}");
        let second = rest.send(&calls::place_order(order())).await;
        let Outcome::NotSent(NotSent::Limited { until, .. }) = second else { panic!("{second:?}") };
        assert_eq!(until.0 as u64, NOW_MS + 12_000);
        let cancel = rest.send(&calls::cancel_order(OrderRef::by_client_id("SOLUSDT", "x"))).await;
        assert_eq!(matches!(cancel, Outcome::Refused(_)), cancels, "{cancel:?}");
        assert_eq!(server.seen().len(), if cancels { 2 } else { 1 });
    }
}

#[actix_web::test]
async fn what_others_use_at_the_same_address_is_respected() {
    let used = Script { headers: vec![("X-MBX-USED-WEIGHT-1M", "1919")], ..script(200, r#"{"serverTime":1}"#) };
    let server = Server::start(used).await;
    let rest = client(&server.url, Version::V3, Some(wallet()));
    let time: Call<_, ServerTime> = calls::time();
    assert!(rest.send(&time).await.answer().is_some());
    assert!(rest.send(&time).await.answer().is_some());
    let third = rest.send(&calls::balance()).await;
    assert!(matches!(third, Outcome::NotSent(NotSent::Limited { reason: Reason::Weight, .. })), "{third:?}");
}

#[actix_web::test]
async fn limits_that_the_venue_declares_hold_for_all_that_share_them_and_none_is_above_its_cap() {
    let answers = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/aster/answers.json")).unwrap();
    let mut info = serde_json::from_slice::<serde_json::Value>(&answers).unwrap()["exchange_info"].clone();
    let limit = |kind: &str, interval: &str, number: u32, limit: u32| json!({ "rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit });
    info["rateLimits"] = json!([
        limit("REQUEST_WEIGHT", "MINUTE", 1, 900),
        limit("ORDERS", "MINUTE", 1, 10),
        limit("ORDERS", "SECOND", 10, 5)
    ]);
    let server = Server::start(script(200, info.to_string())).await;
    let limiter = Arc::new(Mutex::new(Limiter::capped(Caps { orders_a_minute: Some(8), ..Caps::default() })));
    let sharing = |credentials| {
        let clock = Arc::new(|| NOW_MS * 1_000);
        Rest::with_clock(environment(&server.url, Version::V3), credentials, limiter.clone(), patience(), clock)
            .unwrap()
    };
    // As a start asks for the contracts.
    let public = sharing(None);
    live::contracts(&public, &[]).await.unwrap();
    let adopted = (vec![(60_000, 900)], vec![(60_000, 8), (10_000, 5)]);
    assert_eq!(limiter.lock().unwrap().limits(), adopted);
    let own = sharing(Some(wallet()));
    let mut sent = 0;
    for number in 0..6 {
        let order = NewOrder { new_client_order_id: Some(format!("sw-{number}")), ..order() };
        match own.send(&calls::place_order(order)).await {
            Outcome::NotSent(NotSent::Limited { reason: Reason::Orders, .. }) => {}
            other => {
                assert!(other.is_unknown(), "this server answers with contracts: {other:?}");
                sent += 1;
            }
        }
    }
    assert_eq!(sent, 4, "entries use four fifths of five orders");
    assert_eq!(server.seen().iter().filter(|seen| seen.path.ends_with("/order")).count(), 4);
    // As the hourly look does: the same again changes nothing.
    let declared: ExchangeInfo = serde_json::from_value(info).unwrap();
    assert!(!public.adopt_limits(&declared.rate_limits));
    assert!(!public.adopt_limits(&declared.rate_limits[..1]), "what is not declared stays");
    let mut other = declared.rate_limits;
    other[0].limit = 1_000;
    assert!(public.adopt_limits(&other));
}

#[actix_web::test]
async fn signatures_follow_the_venues_clock_once_it_was_measured() {
    let ahead_ms = NOW_MS + 90_000;
    let server = Server::start(script(200, json!({ "serverTime": ahead_ms }).to_string())).await;
    let rest = client(&server.url, Version::V3, Some(wallet()));
    assert_eq!(rest.measure_clock().await, Outcome::Answered(90_000_500));
    assert!(rest.clock_offset().is_alarming());
    let _ = rest.send(&calls::noop()).await;
    let nonce = format!("nonce={}&", ahead_ms * 1_000 + 500);
    assert!(server.seen()[1].body.starts_with(&nonce), "{:?}", server.seen()[1]);
}

#[actix_web::test]
async fn many_requests_at_once_have_a_nonce_each() {
    let server = Server::start(script(200, "[]")).await;
    let rest = client(&server.url, Version::V3, Some(wallet()));
    let call = calls::balance();
    let outcomes = futures_util::future::join_all((0..60).map(|_| rest.send(&call))).await;
    assert!(outcomes.into_iter().all(|outcome| outcome.answer().is_some()));
    let mut nonces = NonceMemory::default();
    for seen in server.seen() {
        let pairs = read_pairs(&seen.query).unwrap();
        let nonce = pairs.iter().find(|(key, _)| key == "nonce").unwrap().1.parse().unwrap();
        nonces.accept(nonce, NOW_MS * 1_000, 5_000_000).unwrap();
    }
    assert_eq!(server.seen().len(), 60);
}
