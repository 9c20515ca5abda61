//! When things happen: latency, holes, cancels, batches, single prices.

use super::*;

fn late(latency_ms: i64) -> ExchangeParams {
    ExchangeParams { latency_ms, ..free_params() }
}

#[test]
fn an_order_meets_the_price_of_its_arrival() {
    let met = |latency_ms: i64, text: &str| {
        let mut world = World::new(late(latency_ms));
        world.trade_at("100");
        world.send(text);
        world.step("100 110 90 100").remove(0)
    };
    assert_eq!(met(50_000, "buy 1 market"), "50000 #1 buy 1 at 95 taker fee 0 slip 0");
    assert_eq!(met(100_000, "buy 1 market"), "100000 #1 buy 1 at 90 taker fee 0 slip 0");
    assert_eq!(met(299_999, "buy 1 market"), "299999 #1 buy 1 at 100 taker fee 0 slip 0");
    // 99.995 is rounded to the tick against the taker, and for a buyer kept between the ends.
    assert_eq!(met(50, "sell 1 market"), "50 #1 sell 1 at 99.9 taker fee 0 slip 0");
    assert_eq!(met(50, "buy 1 market"), "50 #1 buy 1 at 100 taker fee 0 slip 0");
}

#[test]
fn an_arrival_beyond_the_candle_meets_a_later_one() {
    let mut world = World::new(late(400_000));
    world.trade_at("100");
    world.send("buy 1 market");
    assert_eq!(world.step("100 110 90 100"), [""; 0]);
    assert_eq!(world.step("100 110 90 100"), ["100000 #1 buy 1 at 90 taker fee 0 slip 0"]);
}

#[test]
fn what_arrives_while_candles_are_missing_meets_the_next_open() {
    let mut world = World::new(late(50));
    world.trade_at("100");
    world.send("buy 1 market");
    world.at = world.at.plus(Interval::H1.ms());
    assert_eq!(world.step("120 120 120 120"), ["0 #1 buy 1 at 120 taker fee 0 slip 0"]);
}

#[test]
fn a_symbol_without_a_candle_waits_and_the_others_do_not() {
    let mut world = World::new(free_params());
    world.step_both(Some("100 100 100 100"), Some("50 50 50 50"));
    let resting = world.send("buy 1 limit 99");
    world.step_both(Some("100 100 100 100"), Some("50 50 50 50"));
    world.send("buy 1 market");
    world.cancel(resting);
    world.send_on(ETH, "buy 1 market");
    assert_eq!(world.step_both(None, Some("50 50 50 50")), ["0 #3 buy 1 at 50 taker fee 0 slip 0"]);
    let mut marks = Vec::new();
    world.exchange.marks(&mut marks);
    assert_eq!(marks, [Mark { symbol: ETH, price: price("50") }]);
    // The gap trades through what rests before the cancel arrives.
    assert_eq!(
        world.step_both(Some("90 90 90 90"), None),
        ["0 #1 buy 1 at 99 maker fee 0 slip 0", "0 #2 buy 1 at 90 taker fee 0 slip 0", "0 #1 cancel rejected",]
    );
}

#[test]
fn a_cancel_arrives_late_like_everything_else() {
    let mut world = World::new(late(50_000));
    world.trade_at("100");
    let first = world.send("buy 1 limit 92");
    let second = world.send("buy 1 limit 98");
    world.trade_at("100");
    world.cancel(first);
    world.cancel(second);
    assert_eq!(
        world.step("100 100 90 100"),
        ["21000 #2 buy 1 at 98 maker fee 0 slip 0", "50000 #1 canceled Requested", "50000 #2 cancel rejected",]
    );
    assert_eq!(world.exchange.open_orders().count(), 0);
}

#[test]
fn advance_stops_at_each_instant_and_answers_arrive_in_time() {
    let mut world = World::new(late(10));
    world.trade_at("100");
    world.send("buy 1 market");
    world.exchange.begin(Interval::M5, &[Some(candle(world.at, "100 110 90 100"))]);
    let mut batches = Vec::new();
    for point in 0..POINTS {
        loop {
            let mut events = Vec::new();
            world.exchange.advance(point, &mut events);
            if events.is_empty() {
                break;
            }
            // A stop in answer to the fill.
            if batches.is_empty() {
                let stop = order(2, BTC, "sell 1 stop 95 reduce");
                world.exchange.submit(world.exchange.now(), &stop);
            }
            batches.push(events.iter().map(|event| tell(world.at, event)).collect::<Vec<_>>());
        }
    }
    let expected: [&[&str]; 3] = [
        &["10 #1 buy 1 at 100 taker fee 0 slip 0"],
        &["20 #2 accepted"],
        &["50000 #2 sell 1 at 95 taker fee 0 slip 0"],
    ];
    assert_eq!(batches, expected);
}

#[test]
fn all_of_one_instant_comes_at_once() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 2 market");
    world.send("sell 1 stop 97 reduce");
    world.send("sell 1 stop 96 reduce");
    world.send("buy 1 limit 98");
    world.trade_at("100");
    world.send("buy 1 market");
    world.exchange.begin(Interval::M5, &[Some(candle(world.at, "95 96 90 95"))]);
    let mut events = Vec::new();
    world.exchange.advance(POINTS - 1, &mut events);
    let told: Vec<_> = events.iter().map(|event| tell(world.at, event)).collect();
    assert_eq!(
        told,
        [
            "0 #4 buy 1 at 98 maker fee 0 slip 0",
            "0 #2 sell 1 at 95 taker fee 0 slip 0",
            "0 #3 sell 1 at 95 taker fee 0 slip 0",
            "0 #5 buy 1 at 95 taker fee 0 slip 0",
        ]
    );
    world.exchange.advance(POINTS - 1, &mut events);
    assert_eq!((events.len(), world.exchange.now()), (4, world.at.plus(Interval::M5.ms() - 1)));
}

#[test]
fn marks_follow_the_points() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.exchange.begin(Interval::M5, &[Some(candle(world.at, "101 110 90 105"))]);
    let mut marks = Vec::new();
    for (point, expected) in [(0, "101"), (1, "90"), (2, "110"), (3, "105")] {
        world.exchange.advance(point, &mut Vec::new());
        world.exchange.marks(&mut marks);
        assert_eq!(marks, [Mark { symbol: BTC, price: price(expected) }]);
        assert_eq!(world.exchange.price(BTC), Some(price(expected)));
    }
    assert_eq!(world.exchange.now(), world.at.plus(Interval::M5.ms() - 1));
}

#[test]
fn an_order_that_answers_the_last_instant_of_a_candle_meets_the_next_open() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.at = world.at.plus(-1);
    world.send("buy 1 market");
    world.at = world.at.plus(1);
    assert_eq!(world.step("107 107 107 107"), ["0 #1 buy 1 at 107 taker fee 0 slip 0"]);
}

#[test]
fn single_prices_jump_and_what_is_due_earlier_happens_first() {
    let mut world = World::new(late(50));
    assert_eq!(world.quote(0, "100"), [""; 0]);
    world.send("buy 1 market");
    world.send("sell 1 stop 95 reduce");
    assert_eq!(world.quote(40, "101"), [""; 0]);
    assert_eq!(world.quote(60, "102"), ["50 #1 buy 1 at 101 taker fee 0 slip 0", "50 #2 accepted"]);
    assert_eq!(world.quote(70, "90"), ["70 #2 sell 1 at 90 taker fee 0 slip 0"]);
    assert_eq!(world.exchange.wallet(), usd("9989"));
    assert_eq!(world.exchange.price(BTC), Some(price("90")));
}

#[test]
fn what_arrives_with_a_single_price_meets_it_after_what_waits() {
    let mut world = World::new(late(50));
    world.quote(0, "100");
    world.send("buy 1 limit 95");
    world.quote(50, "100");
    world.at = world.at.plus(10);
    world.send("buy 1 market");
    assert_eq!(world.quote(50, "94"), ["50 #1 buy 1 at 95 maker fee 0 slip 0", "50 #2 buy 1 at 94 taker fee 0 slip 0"]);
}

#[test]
fn single_prices_carry_trailing_stops_and_liquidations() {
    let mut world = World::new(free_params());
    world.quote(0, "100");
    world.send("buy 1 market");
    world.send("sell 1 trail 0.01 reduce");
    world.quote(1, "100");
    world.quote(2, "110");
    assert_eq!(world.quote(3, "109"), [""; 0]);
    assert_eq!(world.quote(4, "108.8"), ["4 #2 sell 1 at 108.8 taker fee 0 slip 0"]);
    world.at = world.at.plus(10);
    world.send("buy 400 market x10");
    world.quote(0, "100");
    assert_eq!(world.quote(1, "70").len(), 1);
    assert_eq!(world.exchange.wallet(), Usd::ZERO);
}

#[test]
fn an_idle_account_only_keeps_the_prices() {
    let mut world = World::new(free_params());
    assert!(world.exchange.is_idle());
    world.step("100 110 90 105");
    assert!(world.exchange.is_idle());
    assert_eq!(world.exchange.price(BTC), Some(price("105")));
    world.send("buy 1 limit 90");
    assert!(!world.exchange.is_idle());
}
