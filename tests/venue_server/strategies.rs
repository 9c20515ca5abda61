//! Orders that wait, change, follow or belong together.

use crate::support::{Desk, limit, market, stop};
use asterswarm::aster::wire::{
    DrivenOn, LegTrigger, ModifyOrder, NewChase, NewOrder, OrderRef, OrderStatus, OrderType, PlaceStrategy,
    QuantityUnit, QueryStrategy, Side, Strategy, StrategyStatus, StrategyType, TimeInForce, UpdateStrategy, calls,
};
use swarm_core::model::{Price, Qty};

fn query(id: u64, kind: StrategyType) -> QueryStrategy {
    QueryStrategy {
        client_strategy_id: None,
        end_time: None,
        limit: None,
        start_time: None,
        strategy_id: Some(id),
        strategy_type: kind,
    }
}

fn target(side: Side, price: &str) -> NewOrder {
    let mut order = NewOrder::new("SOLUSDT", side, OrderType::TakeProfitMarket);
    (order.stop_price, order.close_position) = (Some(price.parse().unwrap()), Some(true));
    order
}

/// Places a strategy; gives a way to look at it.
fn placed(desk: &mut Desk, strategy: PlaceStrategy) -> (u64, impl Fn(&mut Desk) -> Strategy + use<>) {
    let kind = strategy.strategy_type.clone();
    let id = desk.ask(&calls::place_strategy(strategy)).unwrap().strategy_id;
    (id, move |desk: &mut Desk| desk.ask(&calls::strategy_history_order(query(id, kind.clone()))).unwrap())
}

fn statuses(strategy: &Strategy) -> Vec<OrderStatus> {
    strategy.sub_orders.iter().map(|leg| leg.status.clone()).collect()
}

fn position(desk: &mut Desk) -> Qty {
    desk.ask(&calls::position_risk(Some("SOLUSDT"))).unwrap()[0].position_amt
}

#[test]
fn an_entry_brings_its_exits_and_the_first_exit_ends_the_other() {
    let mut desk = Desk::new();
    let entry = limit(Side::Buy, "2", "99");
    let strategy = PlaceStrategy::entry_with_exits(entry, stop(Side::Sell, "95"), target(Side::Sell, "105"));
    let (id, look) = placed(&mut desk, strategy);
    assert_eq!(desk.ask(&calls::open_orders(None)).unwrap().len(), 1, "exits wait for the entry");
    desk.price("98.9");
    let strategy = look(&mut desk);
    assert_eq!(statuses(&strategy), [OrderStatus::Filled, OrderStatus::New, OrderStatus::New]);
    assert!(strategy.sub_orders[1].order_id > 0 && strategy.sub_orders[1].trigger_time.unwrap().0 > 0);
    assert_eq!(desk.ask(&calls::open_orders(None)).unwrap().len(), 2);
    assert_eq!(desk.code(&calls::strategy_open_order(query(id, StrategyType::Otoco))), 0);
    desk.price("105");
    let strategy = look(&mut desk);
    assert_eq!(strategy.strategy_status, StrategyStatus::Expired);
    assert_eq!(strategy.sub_orders[2].status, OrderStatus::Filled);
    assert!(matches!(strategy.sub_orders[1].status, OrderStatus::Canceled | OrderStatus::Expired));
    assert!(desk.ask(&calls::open_orders(None)).unwrap().is_empty());
    assert!(position(&mut desk).is_zero());
    assert_eq!(desk.code(&calls::strategy_open_order(query(id, StrategyType::Otoco))), -2013);
}

#[test]
fn of_two_exits_either_ends_the_other() {
    for (price, filled) in [("94", 0), ("106", 1)] {
        let mut desk = Desk::new();
        desk.ask(&calls::place_order(market(Side::Buy, "1"))).unwrap();
        let reducing = |kind, price: &str| {
            let mut order = NewOrder::new("SOLUSDT", Side::Sell, kind);
            (order.stop_price, order.quantity) = (Some(price.parse().unwrap()), Some("0.5".parse().unwrap()));
            order.reduce_only = Some(true);
            order
        };
        let exits = PlaceStrategy::one_cancels_other(
            reducing(OrderType::StopMarket, "95"),
            reducing(OrderType::TakeProfitMarket, "105"),
        );
        let (_, look) = placed(&mut desk, exits);
        desk.price(price);
        let strategy = look(&mut desk);
        assert_eq!(strategy.sub_orders[filled].status, OrderStatus::Filled, "{price}");
        assert_eq!(strategy.sub_orders[1 - filled].status, OrderStatus::Canceled, "{price}");
        assert!(desk.ask(&calls::open_orders(None)).unwrap().is_empty());
        assert_eq!(position(&mut desk), "0.5".parse().unwrap());
    }
}

#[test]
fn an_entry_that_is_cancelled_takes_what_waits_for_it_along() {
    let mut desk = Desk::new();
    let strategy = PlaceStrategy::entry_with_exit(limit(Side::Buy, "1", "99"), stop(Side::Sell, "95"));
    let (_, look) = placed(&mut desk, strategy);
    let entry = look(&mut desk).sub_orders[0].order_id;
    desk.ask(&calls::cancel_order(OrderRef::by_id("SOLUSDT", entry))).unwrap();
    let strategy = look(&mut desk);
    assert_eq!(strategy.strategy_status, StrategyStatus::Canceled);
    assert_eq!(statuses(&strategy), [OrderStatus::Canceled, OrderStatus::Expired]);
    desk.price("98");
    assert!(desk.ask(&calls::open_orders(None)).unwrap().is_empty());
}

#[test]
fn an_entry_that_fills_at_once_has_its_exit_at_once() {
    let mut desk = Desk::new();
    let strategy = PlaceStrategy::entry_with_exit(market(Side::Buy, "1"), stop(Side::Sell, "95"));
    let (_, look) = placed(&mut desk, strategy);
    assert_eq!(statuses(&look(&mut desk)), [OrderStatus::Filled, OrderStatus::New]);
    assert_eq!(desk.ask(&calls::open_orders(None)).unwrap().len(), 1);
}

/// What becomes of a list after `change`.
fn check_list(change: impl FnOnce(&mut PlaceStrategy), expected: i64) {
    let mut desk = Desk::new();
    let mut strategy = PlaceStrategy::entry_with_exit(limit(Side::Buy, "1", "99"), stop(Side::Sell, "95"));
    change(&mut strategy);
    assert_eq!(desk.code(&calls::place_strategy(strategy)), expected);
    if expected != 0 {
        assert!(desk.ask(&calls::open_orders(None)).unwrap().is_empty(), "nothing is left of what was refused");
    }
}

#[test]
fn lists_that_make_no_sense_are_refused_as_a_whole() {
    check_list(|_| {}, 0);
    check_list(|it| it.strategy_type = StrategyType::Otoco, -1130);
    check_list(|it| it.strategy_type = StrategyType::Chase, -1130);
    check_list(|it| it.sub_order_list[1].strategy_sub_id = 7, -1130);
    check_list(|it| it.sub_order_list[1].first_driven_id = Some(2), -1130);
    check_list(|it| it.sub_order_list[1].first_driven_on = Some(DrivenOn::of("LATER")), -1130);
    check_list(|it| it.sub_order_list[0].time_in_force = Some(TimeInForce::Ioc), -1115);
    check_list(|it| it.sub_order_list[0].symbol = "NOPEUSDT".into(), -1121);
    check_list(|it| it.sub_order_list[1].stop_price = None, -1102);
    check_list(|it| it.client_strategy_id = Some("a b".into()), -4015);
    check_list(
        |it| {
            it.sub_order_list[0].first_driven_id = Some(2);
            it.sub_order_list[0].first_driven_on = Some(DrivenOn::Filled);
            it.sub_order_list[0].first_trigger = Some(LegTrigger::PlaceOrder);
        },
        -1130,
    );
    // The second leg is refused when it is its turn: then the first goes, too.
    check_list(
        |it| {
            (
                it.sub_order_list[1].first_driven_id = None,
                it.sub_order_list[1].stop_price = Some("101".parse().unwrap()),
            )
                .1
        },
        -2021,
    );
}

#[test]
fn legs_are_changed_while_they_wait_and_while_they_stand() {
    let mut desk = Desk::new();
    let strategy = PlaceStrategy::entry_with_exit(limit(Side::Buy, "1", "99"), stop(Side::Sell, "95"));
    let (id, look) = placed(&mut desk, strategy.clone());
    let update = |desk: &mut Desk, place: usize, price: &str| {
        let mut leg = strategy.sub_order_list[place].clone();
        let price = Some(price.parse().unwrap());
        if place == 0 {
            leg.price = price
        } else {
            leg.stop_price = price
        }
        let rows = calls::update_strategy(UpdateStrategy {
            strategy_id: id,
            strategy_type: StrategyType::Oto,
            sub_order_list: vec![leg],
        });
        let row = desk.ask(&rows).unwrap().remove(0);
        (row.update_status.unwrap(), row.failure_code.unwrap())
    };
    assert_eq!(update(&mut desk, 0, "98"), ("SUCCESS".to_owned(), 0));
    assert_eq!(update(&mut desk, 1, "94"), ("SUCCESS".to_owned(), 0));
    desk.price("98.5");
    assert_eq!(statuses(&look(&mut desk))[0], OrderStatus::New, "the entry is at 98 now");
    desk.price("97.9");
    let before = look(&mut desk).sub_orders[1].order_id;
    assert_eq!(update(&mut desk, 1, "99"), ("FAILED".to_owned(), -2021), "the stop would trigger at once");
    assert_eq!(look(&mut desk).sub_orders[1].order_id, before, "and stays as it was");
    assert_eq!(update(&mut desk, 1, "93"), ("SUCCESS".to_owned(), 0));
    let open = desk.ask(&calls::open_orders(None)).unwrap();
    assert_eq!((open.len(), open[0].stop_price), (1, Some(Price::whole(93))));
    desk.price("92");
    assert!(position(&mut desk).is_zero());
    assert_eq!(statuses(&look(&mut desk)), [OrderStatus::Filled, OrderStatus::Filled]);
}

fn stop_limit(kind: OrderType, side: Side, trigger: &str, price: &str) -> NewOrder {
    let mut order = limit(side, "1", price);
    (order.order_type, order.stop_price) = (kind, Some(trigger.parse().unwrap()));
    order
}

#[test]
fn a_stop_with_a_limit_waits_and_is_a_limit_order_from_its_trigger_on() {
    let mut desk = Desk::new();
    let order = stop_limit(OrderType::Stop, Side::Buy, "102", "101");
    let id = desk.ask(&calls::place_order(order)).unwrap().order_id;
    let look = |desk: &mut Desk| desk.ask(&calls::query_order(OrderRef::by_id("SOLUSDT", id))).unwrap();
    desk.price("101.9");
    assert_eq!((look(&mut desk).order_type, look(&mut desk).status), (OrderType::Stop, OrderStatus::New));
    desk.price("102");
    let triggered = look(&mut desk);
    assert_eq!((triggered.order_type, triggered.orig_type), (OrderType::Limit, Some(OrderType::Stop)));
    assert_eq!(triggered.status, OrderStatus::New, "its limit is below the price");
    desk.price("100.9");
    let filled = look(&mut desk);
    assert_eq!((filled.status.clone(), filled.average_price()), (OrderStatus::Filled, Some(Price::whole(101))));
}

#[test]
fn a_target_with_a_limit_takes_at_once_where_its_limit_lets_it() {
    let mut desk = Desk::new();
    desk.ask(&calls::place_order(market(Side::Buy, "1"))).unwrap();
    let mut order = stop_limit(OrderType::TakeProfit, Side::Sell, "104", "103");
    order.reduce_only = Some(true);
    desk.ask(&calls::place_order(order)).unwrap();
    desk.price("104.5");
    assert!(position(&mut desk).is_zero());
    assert!(desk.ask(&calls::open_orders(None)).unwrap().is_empty());
}

#[test]
fn what_waits_is_checked_cancelled_and_swept_like_any_other_order() {
    let mut desk = Desk::new();
    let place = |desk: &mut Desk, order| desk.code(&calls::place_order(order));
    assert_eq!(place(&mut desk, stop_limit(OrderType::Stop, Side::Buy, "99", "99")), -2021);
    assert_eq!(place(&mut desk, stop_limit(OrderType::Stop, Side::Buy, "102", "110")), -4183);
    assert_eq!(place(&mut desk, stop_limit(OrderType::Stop, Side::Sell, "98", "90")), -4184);
    let waiting = desk.ask(&calls::place_order(stop_limit(OrderType::Stop, Side::Buy, "102", "102"))).unwrap();
    let cancelled = desk.ask(&calls::cancel_order(OrderRef::by_id("SOLUSDT", waiting.order_id))).unwrap();
    assert_eq!(cancelled.status, OrderStatus::Canceled);
    desk.ask(&calls::place_order(market(Side::Buy, "1"))).unwrap();
    let mut exit = stop_limit(OrderType::Stop, Side::Sell, "98", "97");
    exit.reduce_only = Some(true);
    desk.ask(&calls::place_order(exit)).unwrap();
    desk.ask(&calls::place_order(market(Side::Sell, "1"))).unwrap();
    assert!(desk.ask(&calls::open_orders(None)).unwrap().is_empty(), "its position is gone");
    desk.price("103");
    assert!(position(&mut desk).is_zero(), "what was cancelled does nothing");
}

fn change(id: u64, price: &str, quantity: &str) -> ModifyOrder {
    ModifyOrder {
        order_id: Some(id),
        orig_client_order_id: None,
        price: price.parse().unwrap(),
        quantity: quantity.parse().unwrap(),
        symbol: "SOLUSDT".to_owned(),
    }
}

#[test]
fn a_limit_order_is_changed_in_place_or_stays_as_it_was() {
    let mut desk = Desk::new();
    desk.control("POST", "money", r#"{"account":"paper-1","amount":"-9900"}"#);
    let mut order = limit(Side::Buy, "1", "99");
    order.new_client_order_id = Some("mine".to_owned());
    let id = desk.ask(&calls::place_order(order)).unwrap().order_id;
    let changed = desk.ask(&calls::modify_order(change(id, "98", "2"))).unwrap();
    assert_eq!((changed.order_id, changed.price, changed.orig_qty), (id, Price::whole(98), Qty::whole(2)));
    for (price, quantity, code) in [
        ("98", "2", -5027),
        ("98.00001", "2", -1111),
        ("98", "200000", -4005),
        ("98", "0.01", -4164),
        ("98", "30", -2019),
    ] {
        assert_eq!(desk.code(&calls::modify_order(change(id, price, quantity))), code, "{price} {quantity}");
    }
    let standing = desk.ask(&calls::query_order(OrderRef::by_client_id("SOLUSDT", "mine"))).unwrap();
    assert_eq!(
        (standing.price, standing.orig_qty, standing.status),
        (Price::whole(98), Qty::whole(2), OrderStatus::New)
    );
    assert_eq!(desk.ask(&calls::open_orders(None)).unwrap().len(), 1);
    desk.ask(&calls::modify_order(change(id, "101", "2"))).unwrap();
    assert_eq!(position(&mut desk), Qty::whole(2), "a price beyond the market trades");
    assert_eq!(desk.code(&calls::modify_order(change(id, "97", "2"))), -2013);
}

#[test]
fn a_chase_follows_the_price_once_a_second_until_it_is_too_far() {
    let mut desk = Desk::new();
    let chase = NewChase {
        chase_offset: Some("0.5".parse().unwrap()),
        client_strategy_id: Some("hunt".to_owned()),
        max_chase_offset: Some("3".parse().unwrap()),
        max_chase_offset_type: None,
        position_side: None,
        quantity: "1".parse().unwrap(),
        quantity_unit: QuantityUnit::Base,
        reduce_only: None,
        side: Side::Buy,
        symbol: "SOLUSDT".to_owned(),
        time_in_force: None,
    };
    let answer = desk.ask(&calls::chase(chase)).unwrap();
    assert_eq!(answer.strategy_type, Some(StrategyType::Chase));
    let price = |desk: &mut Desk| desk.ask(&calls::open_orders(None)).unwrap().first().map(|order| order.price);
    let (first, up) = (price(&mut desk).unwrap(), "1.5".parse::<Price>().unwrap());
    desk.price("101.5");
    assert_eq!(price(&mut desk), Some(first), "not before a second has passed");
    desk.control("POST", "step", r#"{"ms":1000}"#);
    assert_eq!(price(&mut desk), Some(first + up));
    desk.price("104");
    desk.control("POST", "step", r#"{"ms":1000}"#);
    assert_eq!(price(&mut desk), None, "farther than it may follow");
    let strategy = desk.ask(&calls::strategy_history_order(query(answer.strategy_id, StrategyType::Chase))).unwrap();
    assert_eq!(strategy.strategy_status, StrategyStatus::Expired);
}
