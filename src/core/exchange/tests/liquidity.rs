//! A share of what the market trades: candles trade 1,000,000, so a millionth of it is 1 a candle.

use super::*;

fn scarce() -> World {
    World::new(ExchangeParams { participation: Some(Rate(100)), ..free_params() })
}

fn check(world: &mut World, candles: &[(&str, &[&str])]) {
    for (number, (text, expected)) in candles.iter().enumerate() {
        assert_eq!(world.step(text), *expected, "candle {number}: {text}");
    }
}

#[test]
fn a_market_order_trades_what_there_is_and_the_rest_expires() {
    let mut world = scarce();
    world.trade_at("100");
    world.send("buy 2.5 market");
    world.send("buy 0.4 market");
    check(
        &mut world,
        &[
            (
                "100 100 100 100",
                &[
                    "0 #1 buy 1 at 100 taker fee 0 slip 0 leaves 1.5",
                    "0 #1 canceled Immediate",
                    "0 #2 canceled Immediate",
                ],
            ),
            ("101 101 101 101", &[]),
        ],
    );
    assert_eq!(world.exchange.position(BTC).unwrap().holding.qty, qty("1"));
    assert_eq!(world.exchange.open_orders().count(), 0);
}

#[test]
fn a_limit_order_beyond_the_price_that_finds_nothing_waits_and_takes_with_the_next_candle() {
    let mut world = scarce();
    world.trade_at("100");
    world.send("buy 1 market");
    world.send("buy 0.4 limit 105");
    check(
        &mut world,
        &[
            ("100 100 100 100", &["0 #1 buy 1 at 100 taker fee 0 slip 0", "0 #2 accepted", "0 #2 accepted"]),
            ("101 101 101 101", &["0 #2 buy 0.4 at 101 taker fee 0 slip 0"]),
        ],
    );
}

#[test]
fn a_limit_order_that_rests_is_filled_in_parts_at_its_own_price() {
    let mut world = scarce();
    world.trade_at("100");
    world.send("buy 1.5 limit 99");
    check(&mut world, &[("100 100 98 100", &["0 #1 accepted", "55000 #1 buy 1 at 99 maker fee 0 slip 0 leaves 0.5"])]);
    // The price is above it again: the rest waits to be met once more.
    check(&mut world, &[("100 100 100 100", &[]), ("98 98 98 98", &["0 #1 buy 0.5 at 99 maker fee 0 slip 0"])]);
}

#[test]
fn the_rest_of_a_limit_order_that_took_goes_on_taking_and_never_beyond_its_limit() {
    let mut world = scarce();
    world.trade_at("100");
    world.send("buy 3 limit 102");
    check(
        &mut world,
        &[
            ("100 100 100 100", &["0 #1 buy 1 at 100 taker fee 0 slip 0 leaves 2"]),
            ("101 101 101 101", &["0 #1 buy 1 at 101 taker fee 0 slip 0 leaves 1"]),
            ("105 105 105 105", &[]),
        ],
    );
    // From above the price has to come a tick through it.
    let told = world.step("103 103 101 102");
    assert_eq!(told.len(), 1);
    assert!(told[0].ends_with("#1 buy 1 at 101.9 taker fee 0 slip 0"), "{told:?}");
}

#[test]
fn immediate_or_cancel_takes_what_there_is_and_the_rest_is_cancelled() {
    let mut world = scarce();
    world.trade_at("100");
    world.send("buy 3 limit 102 ioc");
    world.send("buy 3 limit 102 ioc");
    check(
        &mut world,
        &[(
            "100 100 100 100",
            &["0 #1 buy 1 at 100 taker fee 0 slip 0 leaves 2", "0 #1 canceled Immediate", "0 #2 canceled Immediate"],
        )],
    );
    assert_eq!(world.exchange.open_orders().count(), 0);
}

#[test]
fn fill_or_kill_is_refused_unless_all_of_it_can_be_traded() {
    let mut world = scarce();
    world.trade_at("100");
    world.send("buy 1.001 limit 102 fok");
    world.send("buy 1 limit 102 fok");
    check(&mut world, &[("100 100 100 100", &["0 #1 rejected CannotFill", "0 #2 buy 1 at 100 taker fee 0 slip 0"])]);
}

#[test]
fn a_stop_that_was_triggered_works_on_until_the_position_is_closed() {
    for stop in ["sell 0 stop 99 close", "sell 2.5 stop 99 reduce"] {
        let mut world = World::new(free_params());
        world.trade_at("100");
        world.send("buy 2.5 market");
        world.trade_at("100");
        world.exchange.set_participation(Some(Rate(100)));
        world.send(stop);
        check(
            &mut world,
            &[
                ("100 100 98 100", &["0 #2 accepted", "50000 #2 sell 1 at 99 taker fee 0 slip 0 leaves 1.5"]),
                // Although the price is back above the trigger.
                ("100 100 100 100", &["0 #2 sell 1 at 100 taker fee 0 slip 0 leaves 0.5"]),
                ("97 97 97 97", &["0 #2 sell 0.5 at 97 taker fee 0 slip 0"]),
            ],
        );
        assert!(world.exchange.position(BTC).is_none());
    }
}

#[test]
fn a_trigger_is_met_even_where_nothing_is_left_to_trade_with() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 2 market");
    world.trade_at("100");
    world.exchange.set_participation(Some(Rate(100)));
    world.send("sell 0 stop 99 close");
    world.send("buy 1 market");
    check(
        &mut world,
        &[
            ("100 100 98 100", &["0 #2 accepted", "0 #3 buy 1 at 100 taker fee 0 slip 0", "50000 #2 accepted"]),
            ("101 101 101 101", &["0 #2 sell 1 at 101 taker fee 0 slip 0 leaves 2"]),
        ],
    );
}

#[test]
fn a_candle_without_volume_and_a_hole_bring_nothing() {
    let mut world = scarce();
    world.trade_at("100");
    world.send("buy 2 limit 105");
    check(&mut world, &[("100 100 100 100", &["0 #1 buy 1 at 100 taker fee 0 slip 0 leaves 1"])]);
    assert_eq!(world.step_both(None, Some("50 50 50 50")), Vec::<String>::new());
    let start = world.at;
    let still = Candle { volume: 0.0, ..candle(start, "100 100 100 100") };
    world.exchange.begin(Interval::M5, &[Some(still), None]);
    let mut events = Vec::new();
    (0..POINTS).for_each(|point| world.exchange.advance(point, &mut events));
    assert_eq!(events, []);
}

#[test]
fn a_liquidation_is_whole_and_cancels_the_rest_of_what_was_working() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 400 market x20");
    world.trade_at("100");
    let held = world.exchange.position(BTC).map(|position| position.holding.qty);
    assert_eq!(held, Some(qty("400")));
    world.exchange.set_participation(Some(Rate(100)));
    world.send("buy 3 limit 101 x20");
    let told = world.step("100 100 70 70");
    assert_eq!(told[0], "0 #2 buy 1 at 100 taker fee 0 slip 0 leaves 2");
    assert!(told[1].ends_with("#2 canceled Liquidation"), "{told:?}");
    assert!(told[2].contains("liquidation 0 sell 401 at"), "{told:?}");
}

#[test]
fn the_rest_of_an_order_holds_its_margin_and_can_be_cancelled() {
    let mut world = scarce();
    world.trade_at("100");
    let id = world.send("buy 3 limit 100.1 x10");
    world.trade_at("100");
    assert_eq!(world.exchange.free_balance(), usd("9969.98"), "10 of what is held, 20.02 of what is not");
    world.cancel(id);
    check(
        &mut world,
        &[("100 100 100 100", &["0 #1 buy 1 at 100 taker fee 0 slip 0 leaves 1", "0 #1 canceled Requested"])],
    );
    assert_eq!(world.exchange.free_balance(), usd("9980"), "of 2 at 100");
}

#[test]
fn trades_bring_their_share_and_what_is_too_little_for_an_order_is_kept() {
    let mut world = World::new(ExchangeParams { participation: Some(Rate::percent(10)), ..free_params() });
    let trade = |world: &mut World, at: i64, volume: &str| {
        let mut events = Vec::new();
        world.exchange.trade(START.plus(at), BTC, price("100"), qty(volume), &mut events);
        events.iter().map(|event| tell(START, event)).collect::<Vec<_>>()
    };
    trade(&mut world, 0, "1");
    world.send("buy 0.13 limit 100.5");
    assert_eq!(
        trade(&mut world, 1, "0.2"),
        ["0 #1 buy 0.1 at 100 taker fee 0 slip 0 leaves 0.03", "1 #1 buy 0.02 at 100 taker fee 0 slip 0 leaves 0.01"]
    );
    assert_eq!(world.quote(2, "100"), Vec::<String>::new(), "a price alone brings nothing");
    assert_eq!(trade(&mut world, 3, "0.005"), Vec::<String>::new());
    assert_eq!(trade(&mut world, 4, "0.005"), ["4 #1 buy 0.001 at 100 taker fee 0 slip 0 leaves 0.009"]);
}

#[test]
fn without_a_share_orders_fill_whole_again() {
    let mut world = scarce();
    world.trade_at("100");
    world.send("buy 3 limit 105");
    world.trade_at("100");
    world.exchange.set_participation(None);
    check(&mut world, &[("101 101 101 101", &["0 #1 buy 2 at 101 taker fee 0 slip 0"])]);
}
