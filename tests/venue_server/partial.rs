//! Orders that are filled in parts, where an account may only trade a share of what the market trades.

use crate::support::{Desk, key, limit, market, setup, stop, wallet};
use asterswarm::aster::environment::Version;
use asterswarm::aster::wire::{
    Body, Event, ExecutionType, Frame, IncomeHistory, ModifyOrder, OrderAnswer, OrderEvent, OrderRef, OrderStatus,
    OrderType, PlaceStrategy, Side, TimeInForce, UserTrade, UserTrades, calls,
};
use asterswarm::venue_server::Setup;
use serde_json::json;
use swarm_core::model::{ExchangeParams, Price, Qty, Rate, Usd};

/// A tenth of each trade, and a stream that listens.
fn scarce() -> Desk {
    scarce_with(wallet(1), Version::V3)
}

fn scarce_with(credentials: asterswarm::aster::sign::Credentials, version: Version) -> Desk {
    let whole = setup();
    let params = ExchangeParams { participation: Some(Rate::percent(10)), ..whole.params };
    let mut desk = Desk::with(Setup { params, ..whole }, credentials, version);
    let key = desk.ask(&calls::start_user_stream()).unwrap().listen_key;
    desk.venue.connect(&format!("/ws/{key}"), "").unwrap();
    desk
}

/// The market trades so much at a price; accounts may trade a tenth of it.
fn trade(desk: &mut Desk, price: &str, qty: &str) {
    desk.control("POST", "price", &json!({"symbol": "SOLUSDT", "price": price, "qty": qty}).to_string());
}

fn events(desk: &mut Desk) -> Vec<Event> {
    let read = |text: String| match Frame::read(text.as_bytes()).unwrap().body {
        Body::Event(event) => vec![event],
        other => panic!("{other:?}"),
    };
    desk.frames().into_iter().flat_map(read).collect()
}

fn told(events: &[Event]) -> Vec<OrderEvent> {
    let of = |event: &Event| if let Event::Order(update) = event { Some(update.order.clone()) } else { None };
    events.iter().filter_map(of).collect()
}

fn steps(events: &[Event]) -> Vec<(ExecutionType, OrderStatus, Qty, Qty)> {
    let step = |it: OrderEvent| (it.execution, it.status, it.last_qty, it.filled_qty);
    told(events).into_iter().map(step).collect()
}

fn asked(desk: &mut Desk, order: u64) -> OrderAnswer {
    desk.ask(&calls::query_order(OrderRef::by_id("SOLUSDT", order))).unwrap()
}

fn trades(desk: &mut Desk) -> Vec<UserTrade> {
    let query =
        UserTrades { end_time: None, from_id: None, limit: None, start_time: None, symbol: "SOLUSDT".to_owned() };
    desk.ask(&calls::user_trades(query)).unwrap()
}

fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

/// The venue's books in themselves: balance and income, executions and orders, position and executions.
fn reconcile(desk: &mut Desk, orders: &[u64]) {
    let all = IncomeHistory { end_time: None, income_type: None, limit: Some(1_000), start_time: None, symbol: None };
    let income: Usd = desk.ask(&calls::income(all)).unwrap().iter().map(|row| row.income).sum();
    assert_eq!(desk.ask(&calls::balance()).unwrap()[0].balance, Usd::whole(10_000) + income);
    let trades = trades(desk);
    for order in orders {
        let own: Vec<_> = trades.iter().filter(|trade| trade.order_id == *order).collect();
        let answer = asked(desk, *order);
        assert_eq!(own.iter().map(|trade| trade.qty).sum::<Qty>(), answer.executed_qty);
        assert_eq!(Some(own.iter().map(|trade| trade.quote_qty).sum::<Usd>()), answer.cum_quote);
        assert!(answer.executed_qty <= answer.orig_qty);
    }
    let signed = trades.iter().map(|trade| if trade.buyer { trade.qty } else { Qty(-trade.qty.0) });
    let held = desk.ask(&calls::position_risk(Some("SOLUSDT"))).unwrap()[0].position_amt;
    assert_eq!(signed.sum::<Qty>(), held);
}

#[test]
fn a_limit_order_is_filled_in_parts_and_each_is_told() {
    let mut desk = scarce();
    let placed = desk.ask(&calls::place_order(limit(Side::Buy, "1", "99"))).unwrap();
    assert_eq!(steps(&events(&mut desk)), [(ExecutionType::New, OrderStatus::New, Qty::ZERO, Qty::ZERO)]);
    trade(&mut desk, "98.9", "4");
    let all = events(&mut desk);
    assert_eq!(steps(&all), [(ExecutionType::Trade, OrderStatus::PartiallyFilled, qty("0.4"), qty("0.4"))]);
    let [part] = &told(&all)[..] else { panic!("one part") };
    assert_eq!((part.last_price, part.avg_price, part.maker), (Price::whole(99), Price::whole(99), true));
    assert_eq!(part.bid_notional, Some("59.4".parse().unwrap()), "what is open");
    let Some(Event::Account(update)) = all.last() else { panic!("an account update for each execution") };
    assert_eq!(update.change.positions[0].amount, qty("0.4"));
    let answer = asked(&mut desk, placed.order_id);
    assert_eq!((answer.status, answer.executed_qty), (OrderStatus::PartiallyFilled, qty("0.4")));
    assert_eq!((answer.cum_quote, answer.avg_price), (Some("39.6".parse().unwrap()), Some(Price::whole(99))));
    assert_eq!(desk.ask(&calls::open_orders(Some("SOLUSDT"))).unwrap().len(), 1);
    trade(&mut desk, "98.9", "100");
    let all = events(&mut desk);
    assert_eq!(steps(&all), [(ExecutionType::Trade, OrderStatus::Filled, qty("0.6"), qty("1"))]);
    assert_eq!(desk.ask(&calls::open_orders(Some("SOLUSDT"))).unwrap().len(), 0);
    let fees: Usd = trades(&mut desk).iter().map(|trade| trade.commission).sum();
    assert_eq!(fees, "0.0099".parse().unwrap(), "each part paid its own");
    reconcile(&mut desk, &[placed.order_id]);
}

#[test]
fn the_rest_of_a_market_order_expires() {
    for (credentials, version) in [(wallet(1), Version::V3), (key(1), Version::V1)] {
        let mut desk = scarce_with(credentials, version);
        trade(&mut desk, "100", "5");
        let placed = desk.ask(&calls::place_order(market(Side::Buy, "1.2"))).unwrap();
        assert_eq!((placed.status, placed.executed_qty), (OrderStatus::Expired, qty("0.5")));
        let nothing = desk.ask(&calls::place_order(market(Side::Buy, "1.2"))).unwrap();
        assert_eq!((nothing.status, nothing.executed_qty), (OrderStatus::Expired, Qty::ZERO));
        let expected = [
            (ExecutionType::New, OrderStatus::New, Qty::ZERO, Qty::ZERO),
            (ExecutionType::Trade, OrderStatus::PartiallyFilled, qty("0.5"), qty("0.5")),
            (ExecutionType::Expired, OrderStatus::Expired, Qty::ZERO, qty("0.5")),
            (ExecutionType::New, OrderStatus::New, Qty::ZERO, Qty::ZERO),
            (ExecutionType::Expired, OrderStatus::Expired, Qty::ZERO, Qty::ZERO),
        ];
        assert_eq!(steps(&events(&mut desk)), expected);
        reconcile(&mut desk, &[placed.order_id, nothing.order_id]);
    }
}

#[test]
fn a_limit_order_beyond_the_price_goes_on_at_the_prices_that_follow() {
    let mut desk = scarce();
    trade(&mut desk, "100", "5");
    let placed = desk.ask(&calls::place_order(limit(Side::Buy, "1.2", "102"))).unwrap();
    trade(&mut desk, "101", "5");
    trade(&mut desk, "101.5", "5");
    let expected = [
        (ExecutionType::New, OrderStatus::New, Qty::ZERO, Qty::ZERO),
        (ExecutionType::Trade, OrderStatus::PartiallyFilled, qty("0.5"), qty("0.5")),
        (ExecutionType::Trade, OrderStatus::PartiallyFilled, qty("0.5"), qty("1")),
        (ExecutionType::Trade, OrderStatus::Filled, qty("0.2"), qty("1.2")),
    ];
    assert_eq!(steps(&events(&mut desk)), expected);
    let answer = asked(&mut desk, placed.order_id);
    let paid: Usd = trades(&mut desk).iter().map(|trade| trade.quote_qty).sum();
    assert_eq!(answer.cum_quote, Some(paid));
    let average = answer.avg_price.unwrap().to_f64();
    assert!((average - paid.to_f64() / 1.2).abs() < 1e-6 && average > 100.5, "{average}");
    reconcile(&mut desk, &[placed.order_id]);
}

#[test]
fn the_rest_of_ioc_expires_and_fok_wants_all() {
    let mut desk = scarce();
    let with = |tif, qty: &str| {
        let mut order = limit(Side::Buy, qty, "101");
        order.time_in_force = Some(tif);
        order.new_order_resp_type = Some(asterswarm::aster::wire::ResponseType::Result);
        calls::place_order(order)
    };
    trade(&mut desk, "100", "4");
    assert_eq!(desk.code(&with(TimeInForce::Fok, "0.41")), -2020);
    let placed = desk.ask(&with(TimeInForce::Ioc, "1")).unwrap();
    assert_eq!((placed.status, placed.executed_qty), (OrderStatus::Expired, qty("0.4")));
    let expected = [
        (ExecutionType::New, OrderStatus::New, Qty::ZERO, Qty::ZERO),
        (ExecutionType::Trade, OrderStatus::PartiallyFilled, qty("0.4"), qty("0.4")),
        (ExecutionType::Expired, OrderStatus::Expired, Qty::ZERO, qty("0.4")),
    ];
    assert_eq!(steps(&events(&mut desk)), expected);
    trade(&mut desk, "100", "4");
    assert_eq!(desk.ask(&with(TimeInForce::Fok, "0.4")).unwrap().status, OrderStatus::Filled);
    reconcile(&mut desk, &[placed.order_id]);
}

#[test]
fn a_stop_that_closes_the_position_works_until_it_is_closed() {
    let mut desk = scarce();
    trade(&mut desk, "100", "100");
    desk.ask(&calls::place_order(market(Side::Buy, "1"))).unwrap();
    let resting = desk.ask(&calls::place_order(stop(Side::Sell, "95"))).unwrap();
    events(&mut desk);
    trade(&mut desk, "94", "4");
    let all = events(&mut desk);
    let expected = [
        (ExecutionType::New, OrderStatus::New, Qty::ZERO, Qty::ZERO),
        (ExecutionType::Trade, OrderStatus::PartiallyFilled, qty("0.4"), qty("0.4")),
    ];
    assert_eq!(steps(&all), expected);
    let last = told(&all).pop().unwrap();
    assert_eq!((last.order_type, last.orig_type), (OrderType::Market, Some(OrderType::StopMarket)));
    assert!(last.realized_profit.unwrap() < Usd::ZERO);
    assert_eq!(last.orig_qty, qty("1"));
    // Back above its trigger it works on.
    trade(&mut desk, "96", "100");
    assert_eq!(steps(&events(&mut desk)), [(ExecutionType::Trade, OrderStatus::Filled, qty("0.6"), qty("1"))]);
    assert_eq!(desk.ask(&calls::position_risk(Some("SOLUSDT"))).unwrap()[0].position_amt, Qty::ZERO);
    reconcile(&mut desk, &[resting.order_id]);
}

#[test]
fn a_part_can_be_cancelled_and_its_rest_changed() {
    let mut desk = scarce();
    let placed = desk.ask(&calls::place_order(limit(Side::Buy, "1", "99"))).unwrap();
    trade(&mut desk, "98.9", "4");
    let change = |price: &str, qty: &str| {
        calls::modify_order(ModifyOrder {
            order_id: Some(placed.order_id),
            orig_client_order_id: None,
            price: price.parse().unwrap(),
            quantity: qty.parse().unwrap(),
            symbol: "SOLUSDT".to_owned(),
        })
    };
    trade(&mut desk, "100", "1");
    let changed = desk.ask(&change("98", "0.9")).unwrap();
    assert_eq!((changed.status, changed.orig_qty), (OrderStatus::PartiallyFilled, qty("0.9")));
    assert_eq!((changed.executed_qty, changed.price), (qty("0.4"), Price::whole(98)));
    trade(&mut desk, "97.9", "2");
    let part = asked(&mut desk, placed.order_id);
    assert_eq!((part.status, part.executed_qty), (OrderStatus::PartiallyFilled, qty("0.6")));
    events(&mut desk);
    let ended = desk.ask(&calls::cancel_order(OrderRef::by_id("SOLUSDT", placed.order_id))).unwrap();
    assert_eq!((ended.status, ended.executed_qty), (OrderStatus::Canceled, qty("0.6")));
    assert_eq!(steps(&events(&mut desk)), [(ExecutionType::Canceled, OrderStatus::Canceled, Qty::ZERO, qty("0.6"))]);
    reconcile(&mut desk, &[placed.order_id]);
    // As much as is executed is as much as was wanted.
    let second = desk.ask(&calls::place_order(limit(Side::Buy, "1", "97"))).unwrap();
    trade(&mut desk, "96.9", "5");
    let change = ModifyOrder {
        order_id: Some(second.order_id),
        orig_client_order_id: None,
        price: Price::whole(96),
        quantity: qty("0.5"),
        symbol: "SOLUSDT".to_owned(),
    };
    let ended = desk.ask(&calls::modify_order(change)).unwrap();
    assert_eq!((ended.status, ended.executed_qty), (OrderStatus::Canceled, qty("0.5")));
}

#[test]
fn the_rest_of_an_order_holds_its_margin() {
    let mut desk = scarce();
    desk.ask(&calls::set_leverage("SOLUSDT", 10)).unwrap();
    let placed = desk.ask(&calls::place_order(limit(Side::Buy, "10", "99"))).unwrap();
    assert_eq!(desk.ask(&calls::account()).unwrap().total_open_order_initial_margin, Usd::whole(99));
    trade(&mut desk, "98.9", "40");
    let account = desk.ask(&calls::account()).unwrap();
    assert_eq!(account.total_open_order_initial_margin, "59.4".parse().unwrap());
    desk.ask(&calls::cancel_order(OrderRef::by_id("SOLUSDT", placed.order_id))).unwrap();
    assert_eq!(desk.ask(&calls::account()).unwrap().total_open_order_initial_margin, Usd::ZERO);
}

#[test]
fn the_second_order_of_a_strategy_is_placed_with_the_first_fill() {
    let mut desk = scarce();
    let place = PlaceStrategy::entry_with_exit(limit(Side::Buy, "1", "99"), stop(Side::Sell, "95"));
    let placed = desk.ask(&calls::place_strategy(place)).unwrap();
    assert_eq!(desk.ask(&calls::open_orders(Some("SOLUSDT"))).unwrap().len(), 1);
    trade(&mut desk, "98.9", "3");
    let open = desk.ask(&calls::open_orders(Some("SOLUSDT"))).unwrap();
    let statuses: Vec<_> = open.iter().map(|order| (order.status.clone(), order.order_type.clone())).collect();
    let expected = [(OrderStatus::PartiallyFilled, OrderType::Limit), (OrderStatus::New, OrderType::StopMarket)];
    assert_eq!(statuses, expected);
    trade(&mut desk, "98.9", "3");
    assert_eq!(desk.ask(&calls::open_orders(Some("SOLUSDT"))).unwrap().len(), 2, "placed once");
    // The stop closes what is there, and what was still open of the entry goes on by itself.
    trade(&mut desk, "94", "1000");
    let held = desk.ask(&calls::position_risk(Some("SOLUSDT"))).unwrap()[0].position_amt;
    assert!(held >= Qty::ZERO, "{held} of {}", placed.strategy_id);
    reconcile(&mut desk, &open.iter().map(|order| order.order_id).collect::<Vec<_>>());
}

#[test]
fn parts_can_be_turned_on_and_off_while_it_runs() {
    let mut desk = Desk::new();
    let filled = desk.ask(&calls::place_order(market(Side::Buy, "5"))).unwrap();
    assert_eq!(filled.status, OrderStatus::Filled, "whole fills where nothing is said");
    assert_eq!(desk.control("POST", "options", r#"{"participation":0.1}"#)["participation"], json!(0.1));
    let waiting = desk.ask(&calls::place_order(limit(Side::Buy, "5", "101"))).unwrap();
    assert_eq!(waiting.status, OrderStatus::New, "nothing has been traded since");
    trade(&mut desk, "100", "20");
    assert_eq!(asked(&mut desk, waiting.order_id).executed_qty, qty("2"));
    assert_eq!(desk.control("POST", "options", r#"{"participation":null}"#)["participation"], json!(null));
    trade(&mut desk, "100", "0.1");
    assert_eq!(asked(&mut desk, waiting.order_id).status, OrderStatus::Filled);
}
