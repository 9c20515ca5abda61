//! Order types against paths and gaps.

use super::*;

/// A position of `held` opened at 100, then `order` sent at the close and `candle` walked down first.
#[track_caller]
fn check(held: &str, order: &str, candle: &str, expected: &[&str]) {
    check_with(free_params(), held, order, candle, expected);
}

#[track_caller]
fn check_with(params: ExchangeParams, held: &str, order: &str, candle: &str, expected: &[&str]) {
    let mut world = World::new(params);
    world.trade_at("100");
    if held != "0" {
        world
            .send(&held.strip_prefix('-').map_or(format!("buy {held} market"), |short| format!("sell {short} market")));
        world.trade_at("100");
    } else {
        world.send("buy 0 market"); // refused, so that the order's number is the same
        world.trade_at("100");
    }
    world.send(order);
    assert_eq!(world.step(candle), expected, "{held} held, {order}, {candle}");
}

#[test]
fn a_market_order_meets_the_next_open() {
    check("0", "buy 1 market", "103 110 90 105", &["0 #2 buy 1 at 103 taker fee 0 slip 0"]);
    check("0", "sell 1 market", "97 110 90 105", &["0 #2 sell 1 at 97 taker fee 0 slip 0"]);
}

#[test]
fn a_limit_order_beyond_the_price_takes_and_never_pays_more_than_the_price() {
    check("0", "buy 1 limit 101", "100 105 95 100", &["0 #2 buy 1 at 100 taker fee 0 slip 0"]);
    check("0", "sell 1 limit 99", "100 105 95 100", &["0 #2 sell 1 at 100 taker fee 0 slip 0"]);
}

#[test]
fn a_resting_limit_order_fills_at_its_price_once_the_price_traded_through_it() {
    // 100 to 95 in 100 s: 97.9 is met after 42 s.
    check("0", "buy 1 limit 98", "100 105 95 100", &["0 #2 accepted", "42000 #2 buy 1 at 98 maker fee 0 slip 0"]);
    check("0", "buy 1 limit 95", "100 105 95 100", &["0 #2 accepted"]);
    check("0", "buy 1 limit 95.1", "100 105 95 100", &["0 #2 accepted", "100000 #2 buy 1 at 95.1 maker fee 0 slip 0"]);
    // Up from 95 at 100 s to 105 at 200 s.
    check("0", "sell 1 limit 103", "100 105 95 100", &["0 #2 accepted", "181000 #2 sell 1 at 103 maker fee 0 slip 0"]);
    check("0", "sell 1 limit 105", "100 105 95 100", &["0 #2 accepted"]);
}

#[test]
fn a_resting_limit_order_fills_at_a_touch_when_told_so() {
    let touch = ExchangeParams { fill_on_trade_through: false, ..free_params() };
    let filled = ["0 #2 accepted", "100000 #2 buy 1 at 95 maker fee 0 slip 0"];
    check_with(touch.clone(), "0", "buy 1 limit 95", "100 105 95 100", &filled);
    let filled = ["0 #2 accepted", "200000 #2 sell 1 at 105 maker fee 0 slip 0"];
    check_with(touch, "0", "sell 1 limit 105", "100 105 95 100", &filled);
}

#[test]
fn a_limit_order_at_the_price_rests() {
    check("0", "buy 1 limit 100", "100 105 100 100", &["0 #2 accepted"]);
    check("0", "sell 1 limit 100 post", "100 100 95 100", &["0 #2 accepted"]);
}

#[test]
fn time_in_force_says_what_becomes_of_an_order_that_cannot_or_must_not_take() {
    check("0", "buy 1 limit 99 ioc", "100 105 95 100", &["0 #2 canceled Immediate"]);
    check("0", "buy 1 limit 101 ioc", "100 105 95 100", &["0 #2 buy 1 at 100 taker fee 0 slip 0"]);
    check("0", "buy 1 limit 99 fok", "100 105 95 100", &["0 #2 rejected CannotFill"]);
    check("0", "buy 1 limit 101 fok", "100 105 95 100", &["0 #2 buy 1 at 100 taker fee 0 slip 0"]);
    check("0", "buy 1 limit 101 post", "100 105 95 100", &["0 #2 rejected WouldTake"]);
    check("0", "sell 1 limit 99 post", "100 105 95 100", &["0 #2 rejected WouldTake"]);
    check("0", "buy 1 limit 99 post", "100 105 99 100", &["0 #2 accepted"]);
}

/// `order` rests or waits while the price stands at 100; then `candle`, which may open with a gap.
#[track_caller]
fn check_gap(held: &str, order: &str, candle: &str, expected: &[&str]) {
    let mut world = World::new(free_params());
    world.trade_at("100");
    if held != "0" {
        world
            .send(&held.strip_prefix('-').map_or(format!("buy {held} market"), |short| format!("sell {short} market")));
    }
    world.numbers = 1;
    world.send(order);
    world.trade_at("100");
    assert_eq!(world.step(candle), expected, "{held} held, {order}, {candle}");
}

#[test]
fn a_resting_limit_order_gets_its_own_price_on_a_gap_beyond_it() {
    check_gap("0", "buy 1 limit 97", "90 95 85 90", &["0 #2 buy 1 at 97 maker fee 0 slip 0"]);
    check_gap("0", "sell 1 limit 103", "110 115 105 110", &["0 #2 sell 1 at 103 maker fee 0 slip 0"]);
    check_gap("0", "buy 1 limit 97", "97 98 97 98", &[]);
}

#[test]
fn a_stop_trades_at_its_trigger_and_after_a_gap_at_the_open() {
    check_gap("1", "sell 1 stop 98 reduce", "100 105 95 100", &["40000 #2 sell 1 at 98 taker fee 0 slip 0"]);
    check_gap("1", "sell 1 stop 98 reduce", "95 105 94 100", &["0 #2 sell 1 at 95 taker fee 0 slip 0"]);
    check_gap("1", "sell 1 stop 94 reduce", "100 105 95 100", &[]);
    check_gap("-1", "buy 1 stop 102 reduce", "100 105 95 100", &["170000 #2 buy 1 at 102 taker fee 0 slip 0"]);
    check_gap("-1", "buy 1 stop 102 reduce", "104 105 95 100", &["0 #2 buy 1 at 104 taker fee 0 slip 0"]);
    // A touch is enough.
    check_gap("1", "sell 1 stop 95 reduce", "100 105 95 100", &["100000 #2 sell 1 at 95 taker fee 0 slip 0"]);
    // Without reduce-only it opens.
    check_gap("0", "buy 1 stop 102", "100 105 95 100", &["170000 #2 buy 1 at 102 taker fee 0 slip 0"]);
}

#[test]
fn a_target_trades_at_its_trigger_and_after_a_gap_at_the_open() {
    check_gap("1", "sell 1 target 103 reduce", "100 105 95 100", &["180000 #2 sell 1 at 103 taker fee 0 slip 0"]);
    check_gap("1", "sell 1 target 103 reduce", "104 105 95 100", &["0 #2 sell 1 at 104 taker fee 0 slip 0"]);
    check_gap("-1", "buy 1 target 97 reduce", "100 105 95 100", &["60000 #2 buy 1 at 97 taker fee 0 slip 0"]);
    check_gap("-1", "buy 1 target 97 reduce", "96 105 95 100", &["0 #2 buy 1 at 96 taker fee 0 slip 0"]);
}

#[test]
fn close_position_closes_what_is_there_when_it_triggers() {
    check_gap("2.5", "sell 0 stop 98 close", "100 105 95 100", &["40000 #2 sell 2.5 at 98 taker fee 0 slip 0"]);
    check_gap("-2.5", "buy 0 target 98 close", "100 105 95 100", &["40000 #2 buy 2.5 at 98 taker fee 0 slip 0"]);
}

#[test]
fn a_trailing_stop_follows_the_best_price_and_trades_at_the_turn() {
    // Best 105 at 200 s; 1 % below is 103.95, on the tick below 103.9; from 105 to 100 in 99,999 ms.
    check_gap("1", "sell 1 trail 0.01 reduce", "100 105 100 100", &["222000 #2 sell 1 at 103.9 taker fee 0 slip 0"]);
    // Not active before 104: the fall to 95 does not count.
    check_gap("1", "sell 1 trail 0.01 104 reduce", "100 105 95 100", &["222000 #2 sell 1 at 103.9 taker fee 0 slip 0"]);
    check_gap("1", "sell 1 trail 0.01 106 reduce", "100 105 95 95", &[]);
    // A gap beyond the turn.
    check_gap("1", "sell 1 trail 0.01 reduce", "95 96 95 95", &["0 #2 sell 1 at 95 taker fee 0 slip 0"]);
    // Short: best 95 at 100 s, 1 % above is 95.95, on the tick above 96; to 105 in 100 s.
    check_gap("-1", "buy 1 trail 0.01 reduce", "100 105 95 100", &["110000 #2 buy 1 at 96 taker fee 0 slip 0"]);
}

#[test]
fn a_trigger_already_passed_is_refused() {
    for text in
        ["sell 1 stop 100 reduce", "sell 1 stop 101 reduce", "sell 1 target 100 reduce", "sell 1 trail 0.01 100 reduce"]
    {
        check("1", text, "100 100 100 100", &["0 #2 rejected WouldTrigger"]);
    }
    for text in
        ["buy 1 stop 100 reduce", "buy 1 stop 99 reduce", "buy 1 target 100 reduce", "buy 1 trail 0.01 100 reduce"]
    {
        check("-1", text, "100 100 100 100", &["0 #2 rejected WouldTrigger"]);
    }
    // What counts is the price at arrival, not at sending.
    check("1", "sell 1 stop 98 reduce", "97 97 97 97", &["0 #2 rejected WouldTrigger"]);
}

#[test]
fn reduce_only_is_cut_to_the_position_and_refused_without_one() {
    check("1", "sell 3 market reduce", "100 100 100 100", &["0 #2 sell 1 at 100 taker fee 0 slip 0"]);
    check("-1", "buy 3 limit 101 reduce", "100 100 100 100", &["0 #2 buy 1 at 100 taker fee 0 slip 0"]);
    for text in ["sell 1 market reduce", "sell 1 limit 101 reduce", "sell 1 stop 99 reduce", "sell 0 stop 99 close"] {
        check("0", text, "100 100 100 100", &["0 #2 rejected ReduceOnly"]);
        check("-1", text, "100 100 100 100", &["0 #2 rejected ReduceOnly"]);
    }
}

#[test]
fn an_order_on_the_other_side_reduces_and_goes_through_zero() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 2 market");
    world.trade_at("100");
    world.send("sell 0.5 market");
    world.trade_at("110");
    assert_eq!(world.exchange.position(BTC).unwrap().holding, Holding { qty: qty("1.5"), cost: usd("150") });
    world.send("sell 2 market");
    world.trade_at("110");
    assert_eq!(world.exchange.position(BTC).unwrap().holding, Holding { qty: qty("-0.5"), cost: usd("-55") });
    assert_eq!(world.exchange.wallet(), usd("10020"));
}

#[test]
fn exits_left_without_a_position_are_cancelled_at_that_instant() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 1 market");
    world.send("sell 1 stop 98 reduce");
    world.send("sell 0.5 target 103 reduce");
    world.send("sell 0 target 104 close");
    world.send("buy 1 limit 95.5");
    world.trade_at("100");
    let expected = [
        "40000 #2 sell 1 at 98 taker fee 0 slip 0",
        "40000 #3 canceled PositionClosed",
        "40000 #4 canceled PositionClosed",
        "92000 #5 buy 1 at 95.5 maker fee 0 slip 0",
    ];
    assert_eq!(world.step("100 105 95 100"), expected);
}

#[test]
fn turning_the_position_cancels_the_exits_of_the_old_side() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 1 market");
    world.send("sell 1 stop 95 reduce");
    world.trade_at("100");
    world.send("sell 3 market");
    assert_eq!(world.step("100 101 99 100"), ["0 #3 sell 3 at 100 taker fee 0 slip 0", "0 #2 canceled PositionClosed"]);
    assert_eq!(world.exchange.position(BTC).unwrap().holding.qty, qty("-2"));
}

#[test]
fn what_the_price_meets_first_trades_first_even_in_one_gap() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 3 market");
    world.send("sell 1 target 104 reduce");
    world.send("sell 1 target 102 reduce");
    world.send("sell 1 target 103 reduce");
    world.trade_at("100");
    let at_open = |number| format!("0 #{number} sell 1 at 110 taker fee 0 slip 0");
    assert_eq!(world.step("110 110 110 110"), [at_open(3), at_open(4), at_open(2)]);
}

#[test]
fn a_taker_pays_half_the_spread_and_the_impact_rounded_to_the_tick_against_it() {
    // Half of 20 bp is 0.1; the candle traded 1,000,000 x 100, a tenth of a percent of it is 1 %/1000.
    let costly = ExchangeParams { spread: Rate::bps(20), taker_fee: rate("0.001"), ..free_params() };
    check_with(
        costly.clone(),
        "0",
        "buy 1 market",
        "100 100 100 100",
        &["0 #2 buy 1 at 100.1 taker fee 0.1001 slip 0.1"],
    );
    check_with(
        costly.clone(),
        "0",
        "sell 1 market",
        "100 100 100 100",
        &["0 #2 sell 1 at 99.9 taker fee 0.0999 slip 0.1"],
    );
    let tiny = ExchangeParams { spread: Rate(2), ..free_params() };
    check_with(tiny, "0", "buy 1 market", "100 100 100 100", &["0 #2 buy 1 at 100.1 taker fee 0 slip 0.1"]);
    // A limit order never pays more than its limit.
    let wide = ExchangeParams { spread: Rate::percent(4), ..free_params() };
    check_with(
        wide.clone(),
        "0",
        "buy 1 limit 100.5",
        "100 100 100 100",
        &["0 #2 buy 1 at 100.5 taker fee 0 slip 0.5"],
    );
    check_with(wide, "0", "sell 1 limit 99.5", "100 100 100 100", &["0 #2 sell 1 at 99.5 taker fee 0 slip 0.5"]);
}

#[test]
fn impact_grows_with_the_share_of_the_volume_and_ends_at_the_bound() {
    let with_volume = |volume: f64, text: &str| {
        let mut world = World::new(ExchangeParams { impact: Rate::percent(10), ..free_params() });
        world.trade_at("100");
        world.send(text);
        let at = world.at;
        world.exchange.begin(Interval::M5, &[Some(Candle { volume, ..candle(at, "100 100 100 100") })]);
        let mut events = Vec::new();
        world.exchange.advance(0, &mut events);
        tell(at, &events[0])
    };
    assert_eq!(with_volume(100.0, "buy 10 market"), "0 #1 buy 10 at 101 taker fee 0 slip 10");
    assert_eq!(with_volume(100.0, "sell 20 market"), "0 #1 sell 20 at 98 taker fee 0 slip 40");
    assert_eq!(with_volume(1.0, "buy 10 market"), "0 #1 buy 10 at 105 taker fee 0 slip 50");
    assert_eq!(with_volume(0.0, "buy 10 market"), "0 #1 buy 10 at 105 taker fee 0 slip 50");
    assert_eq!(with_volume(f64::MAX, "buy 10 market"), "0 #1 buy 10 at 100.1 taker fee 0 slip 1");
}

#[test]
fn makers_and_takers_pay_their_own_fee() {
    let params = ExchangeParams { maker_fee: rate("0.0001"), taker_fee: rate("0.0004"), ..free_params() };
    check_with(params.clone(), "0", "buy 1 market", "100 105 95 100", &["0 #2 buy 1 at 100 taker fee 0.04 slip 0"]);
    let filled = ["0 #2 accepted", "42000 #2 buy 1 at 98 maker fee 0.0098 slip 0"];
    check_with(params, "0", "buy 1 limit 98", "100 105 95 100", &filled);
}

#[test]
fn the_worse_path_goes_against_the_position_held_or_about_to_be() {
    // Stop and target in one candle: which one trades tells the path.
    let run = |entry: &str, exits: [&str; 2], in_place: bool| {
        let mut world = World::new(ExchangeParams { path: CandlePath::Worse, ..free_params() });
        world.trade_at("100");
        world.send(entry);
        for exit in exits {
            world.send(exit);
        }
        if in_place {
            world.trade_at("100");
        }
        let told = world.step("100 105 95 100");
        told.into_iter().rfind(|line| line.contains("taker")).unwrap()
    };
    let long = ["sell 1 stop 97 reduce", "sell 1 target 103 reduce"];
    let short = ["buy 1 stop 103 reduce", "buy 1 target 97 reduce"];
    for in_place in [true, false] {
        assert!(run("buy 1 market", long, in_place).contains("sell 1 at 97"), "long goes down first");
        assert!(run("buy 1 limit 100.1", long, in_place).contains("sell 1 at 97"), "long goes down first");
        assert!(run("sell 1 market", short, in_place).contains("buy 1 at 103"), "short goes up first");
        assert!(run("sell 1 limit 99.9", short, in_place).contains("buy 1 at 103"), "short goes up first");
    }
}

#[test]
fn the_path_can_be_fixed() {
    let first = |path: CandlePath| {
        let mut world = World::new(ExchangeParams { path, ..free_params() });
        world.trade_at("100");
        world.send("buy 1 market");
        world.send("sell 1 stop 97 reduce");
        world.send("sell 1 target 103 reduce");
        world.step("100 105 95 100").into_iter().rfind(|line| line.contains("taker")).unwrap()
    };
    assert!(first(CandlePath::OpenLowHighClose).contains("at 97"));
    assert!(first(CandlePath::OpenHighLowClose).contains("at 103"));
}
