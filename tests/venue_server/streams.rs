//! What streams tell, read with our own client's types.

use crate::support::{Desk, limit, market, stop};
use asterswarm::aster::stream::{Book, Step};
use asterswarm::aster::wire::{Body, Event, ExecutionType, Frame, OrderStatus, OrderType, OrderUpdate, Side, calls};
use swarm_core::model::{Qty, Usd};

fn events(desk: &mut Desk) -> Vec<Event> {
    let read = |text: String| match Frame::read(text.as_bytes()).unwrap().body {
        Body::Event(event) => vec![event],
        Body::Events(events) => events,
        other => panic!("{other:?}"),
    };
    desk.frames().into_iter().flat_map(read).collect()
}

fn orders(events: &[Event]) -> Vec<&OrderUpdate> {
    events.iter().filter_map(|event| if let Event::Order(update) = event { Some(&**update) } else { None }).collect()
}

fn listening() -> Desk {
    let mut desk = Desk::new();
    let key = desk.ask(&calls::start_user_stream()).unwrap().listen_key;
    desk.venue.connect(&format!("/ws/{key}"), "").unwrap();
    desk
}

#[test]
fn the_user_stream_tells_an_order_s_life_and_the_account_after_it() {
    let mut desk = listening();
    desk.ask(&calls::place_order(market(Side::Buy, "2"))).unwrap();
    let told = events(&mut desk);
    let steps: Vec<_> = orders(&told).iter().map(|it| (it.order.execution.clone(), it.order.status.clone())).collect();
    assert_eq!(steps, [(ExecutionType::New, OrderStatus::New), (ExecutionType::Trade, OrderStatus::Filled)]);
    let Some(Event::Account(update)) = told.last() else { panic!("an account update") };
    assert_eq!(update.change.positions[0].amount, Qty::whole(2));
    let balance = desk.ask(&calls::balance()).unwrap()[0].balance;
    assert_eq!(update.change.balances[0].wallet, balance);
    assert!(balance < Usd::whole(10_000), "a fee was paid");

    desk.ask(&calls::place_order(stop(Side::Sell, "95"))).unwrap();
    desk.price("94");
    let told = events(&mut desk);
    let last = orders(&told).last().map(|it| it.order.clone()).unwrap();
    assert_eq!((last.order_type, last.orig_type), (OrderType::Market, Some(OrderType::StopMarket)));
    assert!(last.realized_profit.unwrap() < Usd::ZERO);
    let Some(Event::Account(update)) = told.last() else { panic!("an account update") };
    assert_eq!(update.change.positions[0].amount, Qty::ZERO, "an amount of 0 signals the close");
}

#[test]
fn a_cancel_is_told_and_settings_too() {
    let mut desk = listening();
    let order = desk.ask(&calls::place_order(limit(Side::Buy, "1", "99"))).unwrap();
    desk.ask(&calls::cancel_order(asterswarm::aster::wire::OrderRef::by_id("SOLUSDT", order.order_id))).unwrap();
    desk.ask(&calls::set_leverage("SOLUSDT", 3)).unwrap();
    let told = events(&mut desk);
    let steps: Vec<_> = orders(&told).iter().map(|it| it.order.execution.clone()).collect();
    assert_eq!(steps, [ExecutionType::New, ExecutionType::Canceled]);
    assert!(matches!(told.last(), Some(Event::Config(config)) if config.leverage.as_ref().unwrap().leverage == 3));
}

#[test]
fn a_listen_key_is_shared_renewed_and_expires_without_closing_the_socket() {
    let mut desk = listening();
    let key = desk.ask(&calls::start_user_stream()).unwrap().listen_key;
    assert_eq!(desk.ask(&calls::start_user_stream()).unwrap().listen_key, key);
    let now = desk.venue.now();
    desk.clock += 3_599_000_000;
    desk.ask(&calls::keep_user_stream()).unwrap();
    desk.venue.advance(desk.clock + 3_599_000_000, now);
    assert!(desk.frames().is_empty());
    desk.venue.advance(desk.clock + 3_600_000_000, now);
    assert!(matches!(events(&mut desk)[..], [Event::ListenKeyExpired(_)]));
    assert_eq!(desk.code(&calls::keep_user_stream()), -1125);
    desk.ask(&calls::place_order(market(Side::Buy, "1"))).unwrap();
    assert!(desk.frames().is_empty(), "silence after the end of the key");
    assert_ne!(desk.ask(&calls::start_user_stream()).unwrap().listen_key, key);
}

#[test]
fn the_book_of_snapshot_and_changes_is_the_book_there_is() {
    let mut desk = Desk::new();
    desk.price("100");
    desk.venue.connect("/ws/solusdt@depth@100ms", "").unwrap();
    let snapshot = desk.ask(&calls::depth("SOLUSDT", 1_000)).unwrap();
    assert_eq!(snapshot.bids.len(), 50);
    let mut book = Book::default();
    assert_eq!(book.snapshot(&snapshot), Step::Applied);
    for price in ["100.5", "99.123", "99.124", "104.2", "100"] {
        desk.price(price);
        for event in events(&mut desk) {
            let Event::Depth(change) = event else { panic!("only depth was asked for") };
            assert_eq!(book.change(change), Step::Applied, "{price}");
        }
        let expected = desk.ask(&calls::depth("SOLUSDT", 1_000)).unwrap();
        assert_eq!(book.bids().collect::<Vec<_>>(), expected.bids, "{price}");
        assert_eq!(book.asks().collect::<Vec<_>>(), expected.asks, "{price}");
    }
}

#[test]
fn market_streams_carry_what_their_names_say() {
    let mut desk = Desk::new();
    let names =
        "solusdt@aggTrade/solusdt@bookTicker/solusdt@markPrice@1s/solusdt@kline_1m/solusdt@depth5/!markPrice@arr";
    desk.venue.connect("/stream", &format!("streams={names}")).unwrap();
    desk.price("101");
    let frames: Vec<_> = desk.frames().iter().map(|text| Frame::read(text.as_bytes()).unwrap()).collect();
    let mut streams: Vec<String> = frames.iter().filter_map(|frame| frame.stream.clone()).collect();
    streams.sort();
    let mut expected: Vec<&str> = names.split('/').collect();
    expected.sort();
    assert_eq!(streams, expected);
    desk.venue.connect("/ws/SOLUSDT@aggTrade", "").unwrap();
    desk.price("102");
    assert!(desk.frames().iter().all(|text| text.starts_with(r#"{"stream""#)), "upper case never delivers");
}

#[test]
fn every_stream_that_is_served_delivers() {
    let mut desk = Desk::new();
    let names = [
        "solusdt@aggTrade",
        "solusdt@bookTicker",
        "!bookTicker",
        "solusdt@markPrice",
        "solusdt@markPrice@1s",
        "!markPrice@arr",
        "!markPrice@arr@1s",
        "solusdt@kline_1m",
        "solusdt@kline_1h",
        "solusdt@depth",
        "solusdt@depth@100ms",
        "solusdt@depth@500ms",
        "solusdt@depth5",
        "solusdt@depth10@100ms",
        "solusdt@depth20@500ms",
        "solusdt@miniTicker",
        "solusdt@ticker",
        "!miniTicker@arr",
        "!ticker@arr",
        "solusdt@forceOrder",
        "!forceOrder@arr",
    ];
    let mut setup = crate::support::setup();
    let tape = crate::support::Still { candles: 12, played: 0, symbols: 2 };
    setup.market = asterswarm::venue_server::Market::Candles(Box::new(tape));
    desk.venue = asterswarm::venue_server::Venue::new(setup);
    desk.venue.connect("/stream", &format!("streams={}", names.join("/"))).unwrap();
    desk.control("POST", "money", r#"{"account":"paper-1","amount":"-9900"}"#);
    desk.control("POST", "step", r#"{"ms":1000}"#);
    desk.ask(&calls::place_order(market(Side::Buy, "15"))).unwrap();
    desk.price("90");
    desk.control("POST", "step", r#"{"ms":60000}"#);
    let frames: Vec<_> = desk.frames().iter().map(|text| Frame::read(text.as_bytes()).unwrap()).collect();
    for name in names {
        assert!(frames.iter().any(|frame| frame.stream.as_deref() == Some(name)), "{name}");
    }
    let closed = |frame: &Frame| matches!(&frame.body, Body::Event(Event::Kline(kline)) if kline.kline.closed);
    assert_eq!(frames.iter().filter(|frame| closed(frame)).count(), 1, "one minute ended, the hour did not");
}

#[test]
fn a_candle_made_by_hand_ends_with_the_first_trade_after_it() {
    let mut desk = Desk::new();
    desk.venue.connect("/ws/solusdt@kline_1m", "").unwrap();
    desk.price("101");
    desk.control("POST", "step", r#"{"ms":60000}"#);
    desk.price("102");
    let told = events(&mut desk);
    let closes: Vec<_> = told
        .iter()
        .map(
            |event| if let Event::Kline(it) = event { (it.kline.close.to_string(), it.kline.closed) } else { panic!() },
        )
        .collect();
    assert_eq!(closes, [("101".to_owned(), false), ("101".to_owned(), true), ("102".to_owned(), false)]);
}
