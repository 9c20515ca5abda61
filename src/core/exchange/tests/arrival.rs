//! Filters, each broken once.

use super::*;

/// One order against the price 100, with nothing held: its one answer.
#[track_caller]
fn check(change: impl FnOnce(&mut World), text: &str, why: VenueReject) {
    let mut world = World::new(free_params());
    world.trade_at("100");
    change(&mut world);
    let id = world.send(text);
    let told = world.step("100 100 100 100");
    let answer = format!("#{} rejected {why:?}", id.intent.number);
    assert!(told.iter().any(|line| line.ends_with(&answer)), "{text}: {told:?}, expected {answer}");
}

fn nothing(_: &mut World) {}

#[test]
fn each_filter_refuses_what_breaks_it() {
    use VenueReject::*;
    for (text, why) in [
        ("buy 1 limit 99.95", PriceTick),
        ("sell 1 stop 98.95", PriceTick),
        ("sell 1 trail 0.01 101.05", PriceTick),
        ("buy 1 limit 0", PriceBand),
        ("buy 1 limit -1", PriceBand),
        ("buy 1 limit 105.1", PriceBand),
        ("sell 1 limit 94.9", PriceBand),
        ("buy 0 market", QtyTooSmall),
        ("buy -1 market", QtyTooSmall),
        ("buy 0.0009 market", QtyTooSmall),
        ("buy 0.0515 market", QtyStep),
        ("buy 1000.001 limit 99", QtyTooLarge),
        ("buy 500.001 market", QtyTooLarge),
        ("buy 500.001 stop 101", QtyTooLarge),
        ("buy 0.049 market", MinNotional),
        ("buy 0.05 limit 99", MinNotional),
        ("buy 1 market close", BadCombination),
        ("buy 1 stop 101 close", BadCombination),
        ("sell 0 trail 0.01 close", BadCombination),
        ("sell 1 trail 0.0009", BadCombination),
        ("sell 1 trail 0.051", BadCombination),
        ("buy 1 market x0", BadCombination),
        ("buy 500 market x4", Margin),
        ("buy 600 limit 99 x126", LeverageBracket),
    ] {
        check(nothing, text, why);
    }
}

#[test]
fn the_filters_let_pass_what_keeps_them() {
    for text in [
        "buy 0.05 market",
        "buy 0.051 limit 99",
        "buy 1 limit 95",
        "sell 1 limit 180",
        "buy 490 market x50",
        "sell 1 trail 0.001",
        "sell 1 trail 0.05 100.1",
    ] {
        let mut world = World::new(free_params());
        world.trade_at("100");
        world.send(text);
        let told = world.step("100 100 100 100");
        assert!(!told[0].contains("rejected"), "{text}: {told:?}");
    }
    // A reducing order may be worth less than the minimum.
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 1 market");
    world.send("sell 0.001 market reduce");
    assert_eq!(world.step("100 100 100 100")[1], "0 #2 sell 0.001 at 100 taker fee 0 slip 0");
}

#[test]
fn an_absurd_price_is_refused_before_it_leaves_the_range_of_money() {
    check(nothing, "sell 1000 limit 90000000000", VenueReject::PriceBand);
    check(nothing, "buy 1 stop 90000000000", VenueReject::PriceBand);
}

#[test]
fn open_orders_are_counted_by_symbol() {
    let fill_up = |world: &mut World| {
        for text in ["buy 1 limit 99", "buy 1 limit 98", "buy 1 stop 101", "buy 1 stop 102"] {
            world.send(text);
        }
    };
    check(fill_up, "buy 1 limit 97", VenueReject::TooManyOrders);
    let mut world = World::new(free_params());
    world.trade_at("100");
    fill_up(&mut world);
    world.send("buy 1 market");
    world.send_on(ETH, "buy 1 limit 97");
    let told = world.step_both(Some("100 100 100 100"), Some("100 100 100 100"));
    assert_eq!(told[4..], ["0 #5 buy 1 at 100 taker fee 0 slip 0", "0 #6 accepted"]);
}

#[test]
fn an_id_is_used_once_among_open_orders() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 1 limit 99");
    world.numbers = 0;
    world.send("buy 2 limit 98");
    assert_eq!(world.step("100 100 100 100"), ["0 #1 accepted", "0 #1 rejected DuplicateId"]);
    assert_eq!(world.exchange.open_orders().count(), 1);
    assert_eq!(world.exchange.open_orders().next().unwrap().order.qty, qty("1"));
}

#[test]
fn without_a_price_there_is_no_market() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send_on(ETH, "buy 1 market");
    world.send_on(SymbolId(7), "buy 1 market");
    assert_eq!(world.step("100 100 100 100"), ["0 #1 rejected NoMarket", "0 #2 rejected NoMarket"]);
}

#[test]
fn the_leverage_table_counts_what_is_held_and_what_waits_on_that_side() {
    // Up to 50,000 USDT 125x, up to 250,000 100x.
    check(nothing, "buy 50 market x126", VenueReject::LeverageBracket);
    check(nothing, "buy 501 limit 99 x125", VenueReject::LeverageBracket);
    let hold = |world: &mut World| {
        world.send("buy 400 market x125");
        world.send("buy 60 limit 99 x125");
    };
    check(hold, "buy 41 market x125", VenueReject::LeverageBracket);
    let mut world = World::new(free_params());
    world.trade_at("100");
    hold(&mut world);
    world.send("buy 40 market x125");
    world.send("sell 450 market x125");
    let told = world.step("100 100 100 100");
    assert_eq!(told[2..], ["0 #3 buy 40 at 100 taker fee 0 slip 0", "0 #4 sell 450 at 100 taker fee 0 slip 0"]);
}

#[test]
fn a_free_balance_covers_margin_fee_and_the_loss_at_once() {
    let with = |params: ExchangeParams, text: &str| {
        let mut world = World::new(params);
        world.trade_at("100");
        world.send(text);
        world.step("100 100 100 100").remove(0)
    };
    assert!(with(free_params(), "buy 100 market x1").contains(" at 100 "));
    assert!(with(free_params(), "buy 100.001 market x1").contains("Margin"));
    let costs = ExchangeParams { taker_fee: rate("0.001"), ..free_params() };
    assert!(with(costs, "buy 100 market x1").contains("Margin"));
    let spread = ExchangeParams { spread: Rate::percent(2), ..free_params() };
    assert!(with(spread, "buy 99 market x1").contains("Margin"), "99 x 101 fits, the loss of 99 at once does not");
}

#[test]
fn open_orders_hold_margin_until_they_are_gone() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    let resting = world.send("buy 60 limit 99 x1");
    world.trade_at("100");
    assert_eq!(world.exchange.free_balance(), usd("4060"));
    world.send("buy 41 market x1");
    world.cancel(resting);
    world.send("buy 100 market x1");
    assert_eq!(
        world.step("100 100 100 100"),
        ["0 #2 rejected Margin", "0 #1 canceled Requested", "0 #3 buy 100 at 100 taker fee 0 slip 0"]
    );
}

#[test]
fn a_triggered_entry_without_margin_expires() {
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 90 stop 105 x1");
    world.trade_at("100");
    assert_eq!(world.step("100 120 100 120"), ["125000 #1 buy 90 at 105 taker fee 0 slip 0"]);
    let mut world = World::new(free_params());
    world.trade_at("100");
    world.send("buy 90 stop 105 x1");
    world.trade_at("100");
    assert_eq!(world.step("130 130 130 130"), ["0 #1 canceled Expired"]);
}
