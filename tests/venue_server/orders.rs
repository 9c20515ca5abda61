//! The life of orders and what it does to money.

use crate::support::{Desk, key, limit, market, setup, stop};
use asterswarm::aster::environment::Version;
use asterswarm::aster::wire::{
    AllOrders, Element, IncomeHistory, IncomeType, OrderRef, OrderStatus, Side, TimeInForce, UserTrades, calls,
};
use swarm_core::model::{Price, Qty, Usd};

fn trades() -> UserTrades {
    UserTrades { end_time: None, from_id: None, limit: None, start_time: None, symbol: "SOLUSDT".to_owned() }
}

fn all_income() -> IncomeHistory {
    IncomeHistory { end_time: None, income_type: None, limit: None, start_time: None, symbol: None }
}

#[test]
fn a_market_order_fills_and_its_stop_closes_it() {
    let mut desk = Desk::new();
    let filled = desk.ask(&calls::place_order(market(Side::Buy, "2"))).unwrap();
    assert_eq!((filled.status, filled.executed_qty), (OrderStatus::Filled, Qty::whole(2)));
    let entry = filled.avg_price.unwrap();
    let resting = desk.ask(&calls::place_order(stop(Side::Sell, "95"))).unwrap();
    assert_eq!((resting.status, resting.orig_qty), (OrderStatus::New, Qty::ZERO));
    let risk = desk.ask(&calls::position_risk(Some("SOLUSDT"))).unwrap();
    assert_eq!((risk[0].position_amt, risk[0].entry_price), (Qty::whole(2), entry));
    desk.price("94");
    let closed = desk.ask(&calls::query_order(OrderRef::by_id("SOLUSDT", resting.order_id))).unwrap();
    assert_eq!((closed.status.clone(), closed.executed_qty), (OrderStatus::Filled, Qty::whole(2)));
    assert_eq!(desk.code(&calls::open_order(OrderRef::by_id("SOLUSDT", resting.order_id))), -2013);
    let risk = desk.ask(&calls::position_risk(Some("SOLUSDT"))).unwrap();
    assert_eq!(risk[0].position_amt, Qty::ZERO);
}

#[test]
fn income_and_trades_sum_to_the_change_of_the_balance() {
    let mut desk = Desk::new();
    for (side, price) in [(Side::Buy, "100"), (Side::Sell, "103"), (Side::Sell, "101"), (Side::Buy, "99")] {
        desk.price(price);
        desk.ask(&calls::place_order(market(side, "1.5"))).unwrap();
    }
    desk.ask(&calls::place_order(market(Side::Buy, "1"))).unwrap();
    desk.control("POST", "funding", r#"{"symbol":"SOLUSDT","rate":0.001}"#);
    let income = desk.ask(&calls::income(all_income())).unwrap();
    let sum: Usd = income.iter().map(|row| row.income).sum();
    let balance = desk.ask(&calls::balance()).unwrap()[0].balance;
    assert_eq!(balance, Usd::whole(10_000) + sum);
    let funded: Vec<_> = income.iter().filter(|row| row.income_type == IncomeType::FundingFee).collect();
    assert_eq!(funded.len(), 1);
    assert!(funded[0].income < Usd::ZERO, "longs pay a positive rate");
    let trades = desk.ask(&calls::user_trades(trades())).unwrap();
    assert_eq!(trades.len(), 5);
    let fees: Usd = trades.iter().map(|trade| trade.commission).sum();
    let paid: Usd = income.iter().filter(|row| row.income_type == IncomeType::Commission).map(|row| row.income).sum();
    assert_eq!(fees, -paid);
}

#[test]
fn a_limit_order_rests_fills_as_maker_or_is_cancelled_once() {
    let mut desk = Desk::new();
    let first = desk.ask(&calls::place_order(limit(Side::Buy, "1", "99"))).unwrap();
    let second = desk.ask(&calls::place_order(limit(Side::Buy, "1", "98"))).unwrap();
    assert_eq!(desk.ask(&calls::open_orders(None)).unwrap().len(), 2);
    let cancelled = desk.ask(&calls::cancel_order(OrderRef::by_id("SOLUSDT", second.order_id))).unwrap();
    assert_eq!(cancelled.status, OrderStatus::Canceled);
    assert_eq!(desk.code(&calls::cancel_order(OrderRef::by_id("SOLUSDT", second.order_id))), -2011);
    desk.price("98.9");
    let filled = desk.ask(&calls::query_order(OrderRef::by_id("SOLUSDT", first.order_id))).unwrap();
    assert_eq!((filled.status.clone(), filled.average_price()), (OrderStatus::Filled, Some(Price::whole(99))));
    assert!(desk.ask(&calls::user_trades(trades())).unwrap()[0].maker);
    let query =
        AllOrders { end_time: None, limit: None, order_id: None, start_time: None, symbol: "SOLUSDT".to_owned() };
    assert_eq!(desk.ask(&calls::all_orders(query)).unwrap().len(), 2);
}

#[test]
fn times_in_force_end_as_they_should() {
    let mut desk = Desk::new();
    let with = |tif: TimeInForce, price: &str| {
        let mut order = limit(Side::Buy, "1", price);
        order.time_in_force = Some(tif);
        order.new_order_resp_type = Some(asterswarm::aster::wire::ResponseType::Result);
        order
    };
    let status = |desk: &mut Desk, order| desk.ask(&calls::place_order(order)).map(|answer| answer.status);
    assert_eq!(status(&mut desk, with(TimeInForce::Ioc, "99")), Ok(OrderStatus::Expired));
    assert_eq!(status(&mut desk, with(TimeInForce::Ioc, "101")), Ok(OrderStatus::Filled));
    assert_eq!(status(&mut desk, with(TimeInForce::Fok, "99")), Err((400, -2020)));
    assert_eq!(status(&mut desk, with(TimeInForce::Gtx, "99")), Ok(OrderStatus::New));
    assert_eq!(status(&mut desk, with(TimeInForce::Gtx, "101")), Err((400, -5022)));
    desk.control("POST", "options", r#"{"postOnlyExpires":true}"#);
    assert_eq!(status(&mut desk, with(TimeInForce::Gtx, "101")), Ok(OrderStatus::Expired));
}

#[test]
fn a_name_is_unique_among_open_orders_only() {
    let mut desk = Desk::new();
    let named = || {
        let mut order = limit(Side::Buy, "1", "99");
        order.new_client_order_id = Some("mine".to_owned());
        order
    };
    desk.ask(&calls::place_order(named())).unwrap();
    assert_eq!(desk.code(&calls::place_order(named())), -4116);
    desk.ask(&calls::cancel_order(OrderRef::by_client_id("SOLUSDT", "mine"))).unwrap();
    let again = desk.ask(&calls::place_order(named())).unwrap();
    let found = desk.ask(&calls::query_order(OrderRef::by_client_id("SOLUSDT", "mine"))).unwrap();
    assert_eq!(found.order_id, again.order_id);
}

#[test]
fn a_batch_answers_each_element_for_itself() {
    let mut desk = Desk::new();
    let mut bad = limit(Side::Buy, "1", "99");
    bad.price = Some("150".parse().unwrap());
    let answers = desk.ask(&calls::batch_orders(vec![limit(Side::Buy, "1", "99"), bad])).unwrap();
    assert!(matches!(&answers[0], Element::Done(answer) if answer.status == OrderStatus::New));
    assert!(matches!(&answers[1], Element::Refused(body) if body.code == -4016));
    assert_eq!(desk.ask(&calls::cancel_all("SOLUSDT")).unwrap().code, 200);
    assert!(desk.ask(&calls::open_orders(Some("SOLUSDT"))).unwrap().is_empty());
}

#[test]
fn accounts_are_apart_and_both_versions_trade() {
    let mut desk = Desk::new();
    desk.ask(&calls::place_order(market(Side::Buy, "1"))).unwrap();
    (desk.credentials, desk.version) = (key(2), Version::V1);
    assert!(desk.ask(&calls::position_risk(None)).unwrap().iter().all(|row| row.position_amt.is_zero()));
    desk.ask(&calls::place_order(market(Side::Sell, "1"))).unwrap();
    assert_eq!(desk.ask(&calls::position_risk(Some("SOLUSDT"))).unwrap()[0].position_amt, Qty::whole(-1));
    assert_eq!(desk.ask(&calls::account()).unwrap().positions.len(), 2);
    desk.credentials = key(1);
    assert_eq!(desk.ask(&calls::position_risk(Some("SOLUSDT"))).unwrap()[0].position_amt, Qty::whole(1));
}

#[test]
fn a_position_without_margin_is_liquidated_and_says_so() {
    let mut desk = Desk::new();
    desk.ask(&calls::set_leverage("SOLUSDT", 25)).unwrap();
    desk.control("POST", "money", r#"{"account":"paper-1","amount":"-9900"}"#);
    desk.ask(&calls::place_order(market(Side::Buy, "20"))).unwrap();
    let risk = desk.ask(&calls::position_risk(Some("SOLUSDT"))).unwrap();
    let predicted = risk[0].liquidation_price;
    assert!(predicted > Price::whole(94) && predicted < Price::whole(100), "{predicted}");
    desk.price(&(predicted + "0.01".parse().unwrap()).to_string());
    assert_eq!(desk.ask(&calls::position_risk(Some("SOLUSDT"))).unwrap()[0].position_amt, Qty::whole(20));
    desk.price(&(predicted - "0.01".parse().unwrap()).to_string());
    assert_eq!(desk.ask(&calls::position_risk(Some("SOLUSDT"))).unwrap()[0].position_amt, Qty::ZERO);
    let query =
        AllOrders { end_time: None, limit: None, order_id: None, start_time: None, symbol: "SOLUSDT".to_owned() };
    let orders = desk.ask(&calls::all_orders(query)).unwrap();
    assert!(orders.last().unwrap().client_order_id.starts_with("autoclose-"));
}

#[test]
fn a_countdown_that_is_not_repeated_cancels_everything() {
    let mut desk = Desk::new();
    desk.ask(&calls::place_order(limit(Side::Buy, "1", "99"))).unwrap();
    desk.ask(&calls::countdown_cancel_all("SOLUSDT", 1_000)).unwrap();
    let now = desk.venue.now();
    desk.venue.advance(desk.clock + 999_000, now);
    assert_eq!(desk.ask(&calls::open_orders(Some("SOLUSDT"))).unwrap().len(), 1);
    desk.venue.advance(desk.clock + 1_000_000, now);
    assert!(desk.ask(&calls::open_orders(Some("SOLUSDT"))).unwrap().is_empty());
}

#[test]
fn the_same_requests_give_the_same_answers() {
    let play = || {
        let mut desk = Desk::with(setup(), key(1), Version::V1);
        let mut texts = Vec::new();
        for price in ["100", "101.5", "97", "99"] {
            desk.price(price);
            desk.ask(&calls::place_order(market(Side::Buy, "0.3"))).unwrap();
            texts.push(desk.last.clone().unwrap().body);
            desk.ask(&calls::account()).unwrap();
            texts.push(desk.last.clone().unwrap().body);
        }
        texts
    };
    assert_eq!(play(), play());
}
