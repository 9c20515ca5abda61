//! Streams against servers on loopback: what is delivered, what happens when a socket ends or gets old, and the
//! user stream with its listen key.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

use actix_web::{App, HttpResponse, HttpServer, web};
use asterswarm::aster::environment::{Environment, Version};
use asterswarm::aster::limiter::Limiter;
use asterswarm::aster::rest::{Patience, Rest};
use asterswarm::aster::secret::Secret;
use asterswarm::aster::sign::{Credentials, Wallet, WalletSigner};
use asterswarm::aster::stream::{Book, Delivery, Policy, Session, Step, Why, run, run_user};
use asterswarm::aster::wire::{Body, Control, Depth, DepthEvent, Event, Level};
use futures_util::{SinkExt, StreamExt};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, mpsc};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::{Bytes, Message};

type Socket = WebSocketStream<TcpStream>;

/// Serves sockets with `act`, which gets each with its number, from 0, and its path.
async fn serve<F>(act: impl Fn(u64, String, Socket) -> F + Send + Sync + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            let path = Arc::new(Mutex::new(String::new()));
            let seen = path.clone();
            #[allow(clippy::result_large_err, reason = "the library's signature")]
            let look = move |request: &Request, response: Response| {
                *seen.lock().unwrap() = request.uri().path().to_owned();
                Ok(response)
            };
            if let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, look).await {
                let path = path.lock().unwrap().clone();
                tokio::spawn(act(number, path, socket));
            }
        }
    });
    url
}

fn trade(id: u64) -> Message {
    Message::text(format!(
        r#"{{"e":"aggTrade","E":1,"s":"SOLUSDT","a":{id},"p":"1","q":"1","f":1,"l":1,"T":1,"m":true}}"#
    ))
}

/// Takes a subscription and acknowledges it.
async fn acknowledge(socket: &mut Socket) -> Control {
    let Some(Ok(Message::Text(text))) = socket.next().await else { panic!("a subscription") };
    let control: Control = serde_json::from_str(&text).unwrap();
    socket.send(Message::text(format!(r#"{{"result":null,"id":{}}}"#, control.id))).await.unwrap();
    control
}

fn policy() -> Policy {
    Policy { life_ms: 60_000, idle_ms: 20_000, answer_ms: 5_000, overlap_ms: 10_000 }
}

fn start(url: &str, policy: Policy) -> mpsc::Receiver<Delivery> {
    let (out, deliveries) = mpsc::channel(64);
    let session = Session::new(&["SOLUSDT@aggTrade".to_owned()], policy, 1).unwrap();
    tokio::spawn(run(session, format!("{url}/ws"), out));
    deliveries
}

fn trade_id(delivery: &Delivery) -> Option<u64> {
    match delivery {
        Delivery::Frame { frame, .. } => match &frame.body {
            Body::Event(Event::AggTrade(trade)) => Some(trade.id),
            _ => None,
        },
        _ => None,
    }
}

#[tokio::test]
async fn frames_come_in_order_and_a_socket_that_ends_is_replaced() {
    let url = serve(|number, path, mut socket| async move {
        assert_eq!(path, "/ws");
        let control = acknowledge(&mut socket).await;
        assert_eq!(control.params, ["solusdt@aggTrade"]);
        for id in number * 10..number * 10 + 3 {
            socket.send(trade(id)).await.unwrap();
        }
        socket.send(Message::Ping(Bytes::from_static(b"there?"))).await.unwrap();
        let pong = socket.next().await.unwrap().unwrap();
        assert_eq!(pong, Message::Pong(Bytes::from_static(b"there?")));
        socket.send(Message::text("<html>not JSON</html>")).await.unwrap();
        socket.send(Message::text(r#"{"e":"somethingNew","E":1}"#)).await.unwrap();
        socket.close(None).await.unwrap();
    })
    .await;
    let mut deliveries = start(&url, policy());
    let mut next = async || deliveries.recv().await.unwrap();
    for number in 0..2 {
        assert_eq!(next().await, Delivery::Up);
        for id in number * 10..number * 10 + 3 {
            assert_eq!(trade_id(&next().await), Some(id));
        }
        assert!(matches!(next().await, Delivery::Unreadable(_)));
        let new_kind = next().await;
        if number == 0 {
            let Delivery::Frame { frame, .. } = new_kind else { panic!("{new_kind:?}") };
            assert_eq!(frame.body, Body::Event(Event::Other { kind: "somethingNew".to_owned() }));
            assert!(matches!(next().await, Delivery::Closed(_)));
        } else {
            // The same bytes as before the interruption are no news.
            assert!(matches!(new_kind, Delivery::Closed(_)), "{new_kind:?}");
        }
        assert_eq!(next().await, Delivery::Down);
    }
}

#[tokio::test]
async fn an_old_socket_is_replaced_without_a_missing_or_repeated_trade() {
    let (tape, _) = broadcast::channel::<u64>(4_096);
    let sockets = Arc::new(AtomicU64::new(0));
    let (source, opened) = (tape.clone(), sockets.clone());
    let url = serve(move |_, _, mut socket| {
        let (mut trades, opened) = (source.subscribe(), opened.clone());
        async move {
            acknowledge(&mut socket).await;
            opened.fetch_add(1, Ordering::SeqCst);
            while let Ok(id) = trades.recv().await {
                if socket.send(trade(id)).await.is_err() {
                    return;
                }
            }
        }
    })
    .await;
    let mut deliveries = start(&url, Policy { life_ms: 60, overlap_ms: 30, ..policy() });
    assert_eq!(deliveries.recv().await, Some(Delivery::Up));
    let ticking = tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_millis(1));
        for id in 1.. {
            every.tick().await;
            let _ = tape.send(id);
        }
    });
    let mut last = None;
    while sockets.load(Ordering::SeqCst) < 4 || last.is_none() {
        let delivery = deliveries.recv().await.unwrap();
        let id = trade_id(&delivery).unwrap_or_else(|| panic!("nothing but trades, yet {delivery:?}"));
        assert!(last.is_none_or(|last| id == last + 1), "{id} after {last:?}");
        last = Some(id);
    }
    ticking.abort();
}

#[tokio::test]
async fn an_expired_listen_key_is_replaced_and_its_stream_with_it() {
    let keys = Arc::new(AtomicU64::new(0));
    let made = keys.clone();
    let server = HttpServer::new(move || {
        let made = made.clone();
        App::new().route(
            "/fapi/v3/listenKey",
            web::post().to(move || {
                let key = made.fetch_add(1, Ordering::SeqCst);
                async move { HttpResponse::Ok().body(format!(r#"{{"listenKey":"key{key}"}}"#)) }
            }),
        )
    })
    .workers(1)
    .disable_signals()
    .bind(("127.0.0.1", 0))
    .unwrap();
    let rest_url = format!("http://{}", server.addrs()[0]);
    tokio::spawn(server.run());

    let stream_url = serve(|number, path, mut socket| async move {
        assert_eq!(path, format!("/ws/key{number}"));
        let config = format!(r#"{{"e":"ACCOUNT_CONFIG_UPDATE","E":{number},"T":1,"ac":{{"s":"SOLUSDT","l":5}}}}"#);
        socket.send(Message::text(config)).await.unwrap();
        if number == 0 {
            socket.send(Message::text(r#"{"e":"listenKeyExpired","E":1}"#)).await.unwrap();
        }
        // As the venue does: the socket stays open, and silent.
        std::future::pending::<()>().await;
    })
    .await;

    let environment = Environment::custom(&rest_url, &stream_url, Version::V3, 714).unwrap();
    let wallet = Wallet::new(&Secret::new("01".repeat(32))).unwrap();
    let credentials = Credentials::Wallet(WalletSigner::new(wallet, None, 714));
    let limiter = Arc::new(Mutex::new(Limiter::default()));
    let rest = Arc::new(Rest::new(environment, Some(credentials), limiter, Patience::default()).unwrap());
    let (out, mut deliveries) = mpsc::channel(64);
    tokio::spawn(run_user(rest, policy(), 1, out));

    let mut kinds = Vec::new();
    while kinds.len() < 6 {
        kinds.push(match deliveries.recv().await.unwrap() {
            Delivery::Frame { frame, .. } => match frame.body {
                Body::Event(event) => event.kind().to_owned(),
                other => panic!("{other:?}"),
            },
            other => format!("{other:?}"),
        });
    }
    assert_eq!(kinds, ["Up", "ACCOUNT_CONFIG_UPDATE", "listenKeyExpired", "Down", "Up", "ACCOUNT_CONFIG_UPDATE"]);
    assert_eq!(keys.load(Ordering::SeqCst), 2);
}

#[test]
fn the_shared_depth_scenario_ends_in_its_book() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/aster/payloads/depth_sync_scenario.json");
    let Ok(text) = std::fs::read(path) else {
        eprintln!("SKIPPED: no ../shared/aster/payloads beside the workspace");
        return;
    };
    #[derive(serde::Deserialize)]
    struct Scenario {
        snapshot: Depth,
        events: Vec<DepthEvent>,
        expected_book: Expected,
        gap_event: DepthEvent,
    }
    #[derive(serde::Deserialize)]
    struct Expected {
        #[serde(rename = "lastUpdateId")]
        last_update_id: u64,
        bids: Vec<Level>,
        asks: Vec<Level>,
    }
    let scenario: Scenario = serde_json::from_slice(&text).unwrap();
    let check = |book: &Book| {
        assert_eq!(book.last_id(), scenario.expected_book.last_update_id);
        assert_eq!(book.bids().collect::<Vec<_>>(), scenario.expected_book.bids);
        assert_eq!(book.asks().collect::<Vec<_>>(), scenario.expected_book.asks);
    };
    // All changes before the snapshot, and the snapshot before all changes.
    let mut buffered = Book::new();
    scenario.events.iter().for_each(|event| assert_eq!(buffered.change(event.clone()), Step::Buffered));
    assert_eq!(buffered.snapshot(&scenario.snapshot), Step::Applied);
    check(&buffered);
    let mut followed = Book::new();
    assert_eq!(followed.snapshot(&scenario.snapshot), Step::Applied);
    let steps: Vec<Step> = scenario.events.iter().map(|event| followed.change(event.clone())).collect();
    assert_eq!(steps, [Step::Dropped, Step::Applied, Step::Applied, Step::Applied]);
    check(&followed);
    assert_eq!(followed.change(scenario.gap_event), Step::Snapshot(Why::Gap));
    assert!(!followed.is_usable());
}
