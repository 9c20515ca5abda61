//! Our own client against the venue, over sockets.

use crate::support::{CHAIN, limit, market, setup, wallet};
use asterswarm::aster::environment::{Environment, Version};
use asterswarm::aster::limiter::Limiter;
use asterswarm::aster::rest::{Outcome, Patience, Rest};
use asterswarm::aster::stream::{Delivery, Policy, Session, run, run_user};
use asterswarm::aster::wire::{Body, Event, OrderRef, OrderStatus, Side, calls};
use asterswarm::venue_server::{Pace, Venue, VenueServer, serve};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

struct Wire {
    server: VenueServer,
    rest: Arc<Rest>,
    url: String,
}

fn start(version: Version, credentials: asterswarm::aster::sign::Credentials) -> Wire {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let server = serve(listener, Venue::new(setup()), Pace::Hand).unwrap();
    let url = server.address().to_string();
    let environment = Environment::custom(&format!("http://{url}"), &format!("ws://{url}"), version, CHAIN).unwrap();
    let limiter = Arc::new(Mutex::new(Limiter::default()));
    let rest = Arc::new(Rest::new(environment, Some(credentials), limiter, Patience::default()).unwrap());
    Wire { server, rest, url }
}

fn answered<A: std::fmt::Debug>(outcome: Outcome<A>) -> A {
    match outcome {
        Outcome::Answered(answer) => answer,
        other => panic!("{other:?}"),
    }
}

/// The next event that `pick` takes.
async fn next<T>(deliveries: &mut mpsc::Receiver<Delivery>, pick: impl Fn(&Event) -> Option<T>) -> T {
    loop {
        if let Delivery::Frame { frame, .. } = deliveries.recv().await.unwrap()
            && let Body::Event(event) = &frame.body
            && let Some(picked) = pick(event)
        {
            return picked;
        }
    }
}

async fn up(deliveries: &mut mpsc::Receiver<Delivery>) {
    while deliveries.recv().await.unwrap() != Delivery::Up {}
}

async fn trade(version: Version, credentials: asterswarm::aster::sign::Credentials) {
    let wire = start(version, credentials);
    let offset = answered(wire.rest.measure_clock().await);
    assert!(offset.abs() < 60_000_000);
    let info = answered(wire.rest.send(&calls::exchange_info()).await);
    let brackets = answered(wire.rest.send(&calls::leverage_bracket(Some("SOLUSDT"))).await);
    let sol = info.symbols.rows.iter().find(|row| row.symbol == "SOLUSDT").unwrap();
    let instrument = sol.instrument(&brackets.0[0].brackets).unwrap();
    assert_eq!(
        instrument,
        asterswarm::config::instruments::instrument("SOLUSDT"),
        "filters survive the way there and back"
    );

    let (out, mut user) = mpsc::channel(64);
    let following = tokio::spawn(run_user(wire.rest.clone(), Policy::USER, 1, out));
    up(&mut user).await;
    let filled = answered(wire.rest.send(&calls::place_order(market(Side::Buy, "2"))).await);
    assert_eq!(filled.status, OrderStatus::Filled);
    let told = next(&mut user, |event| match event {
        Event::Order(update) if update.order.status == OrderStatus::Filled => Some(update.order.clone()),
        _ => None,
    })
    .await;
    assert_eq!((told.order_id, Some(told.avg_price)), (filled.order_id, filled.avg_price));
    let resting = answered(wire.rest.send(&calls::place_order(limit(Side::Sell, "2", "101"))).await);
    let cancelled = wire.rest.send(&calls::cancel_order(OrderRef::by_id("SOLUSDT", resting.order_id))).await;
    assert_eq!(answered(cancelled).status, OrderStatus::Canceled);
    let refused = wire.rest.send(&calls::cancel_order(OrderRef::by_id("SOLUSDT", resting.order_id))).await;
    assert!(matches!(refused, Outcome::Refused(refusal) if refusal.code == Some(-2011)));
    following.abort();
    wire.server.stop().await;
}

#[actix_web::test]
async fn our_client_trades_with_a_wallet() {
    trade(Version::V3, wallet(1)).await;
}

#[actix_web::test]
async fn our_client_trades_with_a_key() {
    trade(Version::V1, crate::support::key(2)).await;
}

#[actix_web::test]
async fn our_client_follows_the_market_through_a_disconnection() {
    let wire = start(Version::V3, wallet(1));
    let session = Session::new(&["SOLUSDT@aggTrade".to_owned()], Policy::MARKET, 1).unwrap();
    let (out, mut deliveries) = mpsc::channel(64);
    let following = tokio::spawn(run(session, format!("ws://{}/ws", wire.url), out));
    up(&mut deliveries).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let control = async |path: &str, body: &'static str| {
        let url = format!("http://{}/control/{path}", wire.url);
        assert_eq!(http.post(url).body(body).send().await.unwrap().status(), 200);
    };
    let price = |event: &Event| if let Event::AggTrade(trade) = event { Some(trade.price.to_string()) } else { None };
    control("price", r#"{"symbol":"SOLUSDT","price":"101"}"#).await;
    assert_eq!(next(&mut deliveries, price).await, "101");
    control("disconnect", "").await;
    up(&mut deliveries).await;
    control("price", r#"{"symbol":"SOLUSDT","price":"102"}"#).await;
    assert_eq!(next(&mut deliveries, price).await, "102");
    following.abort();
    wire.server.stop().await;
}

#[actix_web::test]
async fn a_socket_where_there_is_none_is_refused_at_once() {
    let wire = start(Version::V3, wallet(1));
    let mut stream = tokio::net::TcpStream::connect(&wire.url).await.unwrap();
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
    let request = format!("GET /public/stream HTTP/1.1\r\nHost: {}\r\n{upgrade}\r\n\r\n", wire.url);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 404");
    wire.server.stop().await;
}
