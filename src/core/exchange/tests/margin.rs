//! Margin, liquidation, funding and transfers.

use super::*;

fn isolated() -> ExchangeParams {
    ExchangeParams { isolated_margin: true, ..free_params() }
}

/// A position of `text` opened at 100; then `candle`. What happened, and the wallet after.
fn liquidate(params: ExchangeParams, text: &str, candle: &str) -> (Vec<String>, Usd) {
    let mut world = World::new(params);
    world.trade_at("100");
    world.send(text);
    world.trade_at("100");
    let told = world.step(candle);
    (told, world.exchange.wallet())
}

#[test]
fn free_balance_is_what_positions_and_orders_leave() {
    for (params, after_gain, after_loss) in [(free_params(), "9900", "8100"), (isolated(), "9000", "9000")] {
        let mut world = World::new(params);
        world.trade_at("100");
        world.send("buy 100 market x10");
        world.trade_at("100");
        assert_eq!(world.exchange.free_balance(), usd("9000"));
        world.trade_at("110");
        assert_eq!(world.exchange.wallet(), usd("10000"));
        assert_eq!(world.exchange.equity(), usd("11000"));
        assert_eq!(world.exchange.free_balance(), usd(after_gain));
        world.trade_at("90");
        assert_eq!(world.exchange.equity(), usd("9000"));
        assert_eq!(world.exchange.free_balance(), usd(after_loss));
    }
}

#[test]
fn another_leverage_holds_at_once_for_what_is_held_and_what_waits() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 100 market x10");
    world.send("buy 100 limit 90 x10");
    world.trade_at("100");
    assert_eq!(world.exchange.free_balance(), usd("8100"), "1,000 of the position, 900 of the order");
    assert!(world.exchange.set_leverage(BTC, 20));
    assert_eq!(world.exchange.free_balance(), usd("9050"));
    assert!(world.exchange.set_leverage(BTC, 2));
    assert_eq!(world.exchange.free_balance(), usd("500"));
    let before = world.exchange.clone();
    assert!(!world.exchange.set_leverage(BTC, 1), "10,000 and 9,000 are more than there is");
    assert_eq!(world.exchange.free_balance(), before.free_balance());
    assert_eq!(world.exchange.leverage(BTC), 2);
}

#[test]
fn margin_moves_between_the_wallet_and_an_isolated_position_only() {
    let mut world = World::new(isolated());
    world.trade_at("100");
    assert!(!world.exchange.move_margin(BTC, usd("1")), "there is no position");
    world.send("buy 100 market x10");
    world.trade_at("100");
    let check = |world: &mut World, amount: &str, done: bool, free: &str| {
        assert_eq!(world.exchange.move_margin(BTC, usd(amount)), done, "{amount}");
        assert_eq!(world.exchange.free_balance(), usd(free), "{amount}");
        assert_eq!(world.exchange.wallet(), usd("10000"), "it stays the account's");
    };
    check(&mut world, "-1", false, "9000");
    check(&mut world, "9001", false, "9000");
    check(&mut world, "500", true, "8500");
    check(&mut world, "-501", false, "8500");
    check(&mut world, "-200", true, "8700");
    world.trade_at("98");
    check(&mut world, "-121", false, "8700");
    // 1,300 less a loss of 200 covers 980, the initial margin at 98, by 120.
    check(&mut world, "-120", true, "8820");
    let mut shared = World::new(free_params());
    shared.trade_at("100");
    shared.send("buy 100 market x10");
    shared.trade_at("100");
    assert!(!shared.exchange.move_margin(BTC, usd("1")), "all positions share the wallet");
}

#[test]
fn leverage_is_that_of_the_latest_order_that_could_open() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 10 market x10");
    world.send("sell 1 market reduce x3");
    world.trade_at("100");
    assert_eq!(world.exchange.leverage(BTC), 10);
    world.send("buy 1 limit 99 x4");
    world.trade_at("100");
    assert_eq!(world.exchange.leverage(BTC), 4);
    assert_eq!(world.exchange.free_balance(), usd("9750.25"), "9 x 100 / 4 held, 99 / 4 waiting");
    world.send("buy 1 limit 200 x7");
    world.trade_at("100");
    assert_eq!(world.exchange.leverage(BTC), 4, "a refused order sets nothing");
}

#[test]
fn a_shared_wallet_is_liquidated_where_equity_meets_maintenance_margin() {
    // 500 at 100 with 10,000: 10,000 + 500 (p - 100) = 500 p x 0.004 at p = 80.3213, in the first
    // bracket. From 100 to 75 in 100 s that is after 78.715 s, at 80.32125.
    let (told, wallet) = liquidate(free_params(), "buy 500 market x10", "100 100 75 80");
    assert_eq!(told, ["78715 liquidation 0 sell 500 at 80.3 taker fee 150 slip 10.625"]);
    assert_eq!(wallet, Usd::ZERO);
    let (told, _) = liquidate(free_params(), "buy 500 market x10", "100 100 80.4 85");
    assert_eq!(told, [""; 0], "before that nothing happens");
    // Short: 10,000 - 500 (p - 100) = 500 p x 0.005 - 50 (second bracket): p = 119.5025.
    let (told, _) = liquidate(free_params(), "sell 500 market x10", "100 125 100 110");
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("liquidation 0 buy 500 at 119.6"), "{told:?}");
}

#[test]
fn an_isolated_position_is_liquidated_by_its_own_margin() {
    // 1,000 USDT apart for 10,000: 1000 + 100 (p - 100) = 100 p x 0.004 at 90.36.
    let (told, wallet) = liquidate(isolated(), "buy 100 market x10", "100 100 75 80");
    assert_eq!(told, ["38555 liquidation 0 sell 100 at 90.3 taker fee 30 slip 6.125"]);
    assert_eq!(wallet, usd("9000"));
}

#[test]
fn a_gap_through_bankruptcy_takes_all_the_margin_and_no_more() {
    let (told, wallet) = liquidate(free_params(), "buy 500 market x10", "60 60 60 60");
    assert_eq!(told, ["0 liquidation 0 sell 500 at 80 taker fee 0 slip 0"]);
    assert_eq!(wallet, Usd::ZERO);
    let (told, wallet) = liquidate(isolated(), "sell 100 market x10", "150 150 150 150");
    assert_eq!(told, ["0 liquidation 0 buy 100 at 110 taker fee 0 slip 0"]);
    assert_eq!(wallet, usd("9000"));
}

#[test]
fn liquidation_comes_before_the_stop_that_the_same_gap_jumps_over() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 500 market x10");
    world.send("sell 500 stop 85 reduce");
    world.send_on(ETH, "buy 1 limit 97");
    world.step_both(Some("100 100 100 100"), Some("100 100 100 100"));
    assert_eq!(
        world.step_both(Some("60 60 60 60"), Some("100 100 100 100")),
        ["0 #2 canceled Liquidation", "0 #3 canceled Liquidation", "0 liquidation 0 sell 500 at 80 taker fee 0 slip 0"]
    );
    assert!(world.exchange.is_idle());
    // A stop that the price meets on the way comes first.
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 500 market x10");
    world.send("sell 500 stop 85 reduce");
    world.trade_at("100");
    assert_eq!(world.step("100 100 60 60"), ["37500 #2 sell 500 at 85 taker fee 0 slip 0"]);
}

#[test]
fn isolated_liquidation_leaves_the_other_symbols_alone() {
    let mut world = World::new(isolated());
    world.trade_at("100");
    world.step_both(Some("100 100 100 100"), Some("100 100 100 100"));
    world.send("buy 100 market x10");
    world.send("sell 100 stop 50 reduce");
    world.send_on(ETH, "buy 10 market x5");
    world.send_on(ETH, "sell 10 stop 50 reduce");
    world.step_both(Some("100 100 100 100"), Some("100 100 100 100"));
    let told = world.step_both(Some("80 80 80 80"), Some("100 100 100 100"));
    assert_eq!(told, ["0 #2 canceled Liquidation", "0 liquidation 0 sell 100 at 90 taker fee 0 slip 0"]);
    assert_eq!(world.exchange.held(), [ETH]);
    assert_eq!(world.exchange.open_orders().count(), 1);
}

#[test]
fn in_a_shared_wallet_a_profit_pays_for_a_loss() {
    let mut world = World::new(free_params());
    world.step_both(Some("100 100 100 100"), Some("100 100 100 100"));
    world.send("buy 400 market x10");
    world.send_on(ETH, "buy 400 market x10");
    world.step_both(Some("100 100 100 100"), Some("100 100 100 100"));
    // Loss 16,000, profit 4,000, wallet 10,000: short by 2,000.
    let told = world.step_both(Some("60 60 60 60"), Some("110 110 110 110"));
    assert_eq!(
        told,
        [
            "0 liquidation 1 sell 400 at 110 taker fee 1100 slip 0",
            "0 liquidation 0 sell 400 at 67.75 taker fee 0 slip 0",
        ]
    );
    assert_eq!(world.exchange.wallet(), Usd::ZERO);
}

#[test]
fn funding_is_paid_by_longs_when_positive_and_rounded_against_the_account() {
    let pays = |text: &str, mark: &str, funding: &str| {
        let mut world = World::new(free_params());
        world.trade_at("100");
        world.send(text);
        world.trade_at("100");
        world.trade_at(mark);
        let mut events = Vec::new();
        let at = world.at;
        world.exchange.begin(Interval::M5, &[Some(candle(at, "150 150 150 150"))]);
        world.exchange.fund(at, BTC, rate(funding), &mut events);
        assert_eq!(world.exchange.wallet() - Usd::whole(10_000), wallet_change(&events[0], &mut []));
        tell(at, &events[0])
    };
    assert_eq!(pays("buy 10 market", "120", "0.0001"), "0 funding 0.0001 of 120: -0.12");
    assert_eq!(pays("sell 10 market", "120", "0.0001"), "0 funding 0.0001 of 120: 0.12");
    assert_eq!(pays("buy 10 market", "120", "-0.0001"), "0 funding -0.0001 of 120: 0.12");
    assert_eq!(pays("buy 0.123 market", "100.1", "0.00000003"), "0 funding 0.00000003 of 100.1: -0.00000037");
    assert_eq!(pays("sell 0.123 market", "100.1", "0.00000003"), "0 funding 0.00000003 of 100.1: 0.00000036");
}

#[test]
fn without_a_position_no_funding_is_paid() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    let mut events = Vec::new();
    world.exchange.fund(world.at, BTC, rate("0.0001"), &mut events);
    assert_eq!(events, []);
}

#[test]
fn funding_moves_an_isolated_margin() {
    let mut world = World::new(isolated());
    world.trade_at("100");
    world.send("buy 100 market x10");
    world.trade_at("100");
    let mut events = Vec::new();
    world.exchange.fund(world.at, BTC, rate("0.001"), &mut events);
    assert_eq!(world.exchange.position(BTC).unwrap().isolated_margin, usd("990"));
    assert_eq!(world.exchange.free_balance(), usd("9000"));
}

#[test]
fn funding_that_eats_the_margin_liquidates_at_the_open() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 500 market x10");
    world.trade_at("100");
    let at = world.at;
    world.exchange.begin(Interval::M5, &[Some(candle(at, "99 101 99 101"))]);
    let mut events = Vec::new();
    world.exchange.fund(at, BTC, rate("0.2"), &mut events);
    world.exchange.advance(0, &mut events);
    let told: Vec<_> = events.iter().map(|event| tell(at, event)).collect();
    // Nothing is left of 10,000 after 500 x 100 x 0.2, and the open is lower still.
    assert_eq!(told, ["0 funding 0.2 of 100: -10000", "0 liquidation 0 sell 500 at 100 taker fee 0 slip 0"]);
    assert_eq!(world.exchange.wallet(), Usd::ZERO);
}

#[test]
fn an_isolated_margin_follows_the_position() {
    let mut world = World::new(isolated());
    let margin = |world: &World| world.exchange.position(BTC).map(|position| position.isolated_margin);
    world.trade_at("100");
    for (text, expected) in [
        ("buy 10 market x10", Some("100")),
        ("buy 10 market x5", Some("300")),
        ("sell 5 market", Some("225")),
        ("sell 25 market x2", Some("500")),
        ("buy 10 market reduce", None),
    ] {
        world.send(text);
        world.trade_at("100");
        assert_eq!(margin(&world), expected.map(usd), "{text}");
    }
}

#[test]
fn a_transfer_moves_the_wallet_and_takes_no_more_than_is_free() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 100 market x10");
    world.trade_at("100");
    let mut events = Vec::new();
    for amount in ["500", "-100", "-20000", "-1"] {
        world.exchange.transfer(world.at, usd(amount), &mut events);
    }
    let told: Vec<_> = events.iter().map(|event| tell(world.at, event)).collect();
    assert_eq!(told, ["0 transfer 500", "0 transfer -100", "0 transfer -9400"]);
    assert_eq!(world.exchange.wallet(), usd("1000"));
}
