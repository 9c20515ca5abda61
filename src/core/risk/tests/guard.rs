//! A position from its first fill to flat.

use super::*;

fn trail(from: &str, distance: &str) -> ExitPlan {
    let mut plan = stop("5");
    plan.stop.as_mut().unwrap().trail =
        Some(Trail { from: rate(from), distance: price(distance), max_distance: rate("0.5") });
    plan
}

#[test]
fn a_fill_is_followed_by_its_stop_and_targets_at_once() {
    let mut world = World::with(|_| {});
    let exits = with_targets(stop("5"), &[("0.04", "0.5"), ("0.15", "0.5")]);
    assert_eq!(world.open(0, Entry { exits, ..buy("1.001") }), Verdict::Approved);
    assert_eq!(world.sent(), ["0-1-0 Entry buy 1.001 market"]);
    world.fill("0-1-0", Side::Buy, "1.001", "100", "0");
    assert_eq!(
        world.sent(),
        [
            "0-1-1 Stop sell 1.001 stop 95 reduce",
            "0-1-2 Target sell 0.5 target 104 reduce",
            "0-1-3 Target sell 0.501 target 115 reduce",
        ]
    );
    world.step("100");
}

#[test]
fn a_short_is_protected_above() {
    let mut world = World::with(|_| {});
    world.open(0, Entry { exits: with_targets(stop("5"), &[("0.1", "1")]), ..sell("2") });
    world.fill("0-1-0", Side::Sell, "2", "100", "0");
    assert_eq!(world.sent()[1..], ["0-1-1 Stop buy 2 stop 105 reduce", "0-1-2 Target buy 2 target 90 reduce"]);
}

#[test]
fn the_stop_grows_with_partial_fills_and_the_old_one_goes_when_the_new_one_stands() {
    let mut world = World::with(|_| {});
    world.open(0, Entry { exits: stop("5"), ..limit(buy("3"), "100") });
    world.accept("0-1-0");
    world.fill("0-1-0", Side::Buy, "1", "100", "2");
    assert_eq!(world.sent()[1..], ["0-1-1 Stop sell 1 stop 95 reduce"]);
    world.accept("0-1-1");
    world.fill("0-1-0", Side::Buy, "2", "100", "0");
    assert_eq!(world.sent(), ["0-1-2 Stop sell 3 stop 95 reduce"]);
    assert!(!world.supervisor.positions(P0).next().unwrap().is_protected);
    world.accept("0-1-2");
    assert_eq!(world.sent(), ["cancel 0-1-1"]);
    world.report("0-1-1", ReportKind::CancelRejected);
    assert!(world.sent().is_empty(), "harmless, and not repeated at once");
    world.report("0-1-1", ReportKind::Canceled(CancelReason::Requested));
    assert!(world.supervisor.positions(P0).next().unwrap().is_protected);
    world.step("100");
    assert!(world.sent().is_empty());
}

#[test]
fn targets_grow_with_partial_fills_too() {
    let mut world = World::with(|_| {});
    world.open(
        0,
        Entry { exits: with_targets(stop("5"), &[("0.04", "0.5"), ("0.15", "0.5")]), ..limit(buy("2"), "100") },
    );
    world.fill("0-1-0", Side::Buy, "0.001", "100", "1.999");
    // Half a step is nothing: all of it is on the last target.
    assert_eq!(
        world.sent()[1..],
        ["0-1-1 Stop sell 0.001 stop 95 reduce", "0-1-2 Target sell 0.001 target 115 reduce"]
    );
    world.fill("0-1-0", Side::Buy, "1.999", "100", "0");
    assert_eq!(
        world.sent(),
        [
            "0-1-3 Stop sell 2 stop 95 reduce",
            "0-1-4 Target sell 1 target 104 reduce",
            "0-1-5 Target sell 0.999 target 115 reduce",
        ]
    );
}

#[test]
fn the_stop_shrinks_as_targets_reduce_the_position() {
    let mut world = World::with(|_| {});
    world.long("2", with_targets(stop("5"), &[("0.04", "0.5"), ("0.15", "0.5")]));
    world.accept("0-1-1");
    world.accept("0-1-2");
    world.sent();
    world.fill("0-1-2", Side::Sell, "1", "104", "0");
    assert_eq!(world.sent(), ["0-1-4 Stop sell 1 stop 95 reduce"]);
    world.accept("0-1-4");
    assert_eq!(world.sent(), ["cancel 0-1-1"]);
}

#[test]
fn when_the_position_is_gone_its_exits_are_swept() {
    let mut world = World::with(|_| {});
    world.long("2", with_targets(stop("5"), &[("0.15", "1")]));
    world.accept("0-1-1");
    world.accept("0-1-2");
    world.sent();
    world.fill("0-1-1", Side::Sell, "2", "95", "0");
    assert_eq!(world.sent(), ["cancel 0-1-2"]);
    assert!(world.supervisor.has_exposure(P0), "the target may still live");
    assert_eq!(world.supervisor.portfolio(P0).slots, 0, "but takes no slot");
    world.report("0-1-2", ReportKind::Canceled(CancelReason::Requested));
    assert!(!world.supervisor.has_exposure(P0));
    let trade = &world.trades[0];
    assert_eq!((trade.exit, trade.gross, trade.fees), (ExitReason::Stop, usd("-10"), usd("0.39")));
    assert_eq!(trade.net, usd("-10.39"));
    assert_eq!((trade.entry_price, trade.exit_price, trade.qty), (price("100"), price("95"), qty("2")));
    assert_eq!(trade.leverage, rate("0.02"));
    world.step("95");
}

#[test]
fn exits_that_the_venue_swept_itself_are_not_swept_again() {
    let mut world = World::with(|_| {});
    world.long("2", with_targets(stop("5"), &[("0.15", "1")]));
    world.accept("0-1-1");
    world.accept("0-1-2");
    world.sent();
    // The cancel may come before the fill that caused it.
    world.report("0-1-2", ReportKind::Canceled(CancelReason::PositionClosed));
    assert!(world.sent().is_empty(), "not placed anew: the fill is on its way");
    world.fill("0-1-1", Side::Sell, "2", "95", "0");
    assert!(world.sent().is_empty());
    assert!(!world.supervisor.has_exposure(P0));
}

#[test]
fn a_trailed_stop_is_placed_before_the_old_one_goes_and_never_moves_back() {
    let mut world = World::with(|plan| plan.instruments[0].tick = price("0.01"));
    world.long("1", trail("0.02", "3"));
    world.accept("0-1-1");
    world.sent();
    world.mark(P0, BTC, "101.9");
    assert!(world.sent().is_empty(), "not armed yet");
    world.mark(P0, BTC, "105");
    assert_eq!(world.sent(), ["0-1-2 Stop sell 1 stop 102 reduce"]);
    world.mark(P0, BTC, "110");
    assert!(world.sent().is_empty(), "one move at a time");
    world.accept("0-1-2");
    assert_eq!(world.sent(), ["cancel 0-1-1", "0-1-3 Stop sell 1 stop 107 reduce"]);
    world.accept("0-1-3");
    world.report("0-1-1", ReportKind::Canceled(CancelReason::Requested));
    world.report("0-1-2", ReportKind::Canceled(CancelReason::Requested));
    world.sent();
    world.mark(P0, BTC, "108");
    world.mark(P0, BTC, "110");
    assert!(world.sent().is_empty());
    world.mark(P0, BTC, "110.04");
    assert!(world.sent().is_empty(), "less than 0.05 % of the price is not worth two requests");
    world.mark(P0, BTC, "110.1");
    assert_eq!(world.sent(), ["0-1-4 Stop sell 1 stop 107.1 reduce"]);
    world.step("110");
}

#[test]
fn break_even_moves_once() {
    let mut world = World::with(|_| {});
    let mut exits = stop("5");
    exits.stop.as_mut().unwrap().break_even = Some(BreakEven { from: rate("0.01"), to: rate("0.005") });
    world.long("1", exits);
    world.accept("0-1-1");
    world.sent();
    world.mark(P0, BTC, "101");
    assert_eq!(world.sent(), ["0-1-2 Stop sell 1 stop 100.5 reduce"]);
    world.accept("0-1-2");
    world.sent();
    for mark in ["103", "108", "101", "100.6"] {
        world.mark(P0, BTC, mark);
        assert!(world.sent().is_empty());
    }
}

#[test]
fn a_stop_that_would_trigger_closes_at_market() {
    let mut world = World::with(|_| {});
    world.long("1", stop("5"));
    world.sent();
    world.report("0-1-1", ReportKind::Rejected(VenueReject::WouldTrigger));
    assert_eq!(world.sent(), ["0-1-2 Flatten sell 1 market reduce"]);
    world.fill("0-1-2", Side::Sell, "1", "94", "0");
    assert_eq!(world.trades[0].exit, ExitReason::Stop);
}

#[test]
fn a_stop_refused_twice_closes_at_market() {
    let mut world = World::with(|_| {});
    world.long("1", stop("5"));
    world.sent();
    world.report("0-1-1", ReportKind::Rejected(VenueReject::Other));
    assert_eq!(world.sent(), ["0-1-2 Stop sell 1 stop 95 reduce"]);
    world.report("0-1-2", ReportKind::Rejected(VenueReject::TooManyOrders));
    assert_eq!(world.sent(), ["0-1-3 Flatten sell 1 market reduce"]);
    world.fill("0-1-3", Side::Sell, "1", "100", "0");
    assert_eq!(world.trades[0].exit, ExitReason::Naked);
}

#[test]
fn a_better_stop_refused_twice_leaves_the_old_one() {
    let mut world = World::with(|_| {});
    world.long("1", trail("0.02", "3"));
    world.accept("0-1-1");
    world.mark(P0, BTC, "105");
    world.report("0-1-2", ReportKind::Rejected(VenueReject::Other));
    world.mark(P0, BTC, "105");
    world.sent();
    world.report("0-1-3", ReportKind::Rejected(VenueReject::Other));
    world.mark(P0, BTC, "106");
    assert!(world.sent().is_empty());
    assert!(world.supervisor.positions(P0).next().unwrap().is_protected);
}

#[test]
fn a_better_stop_that_was_refused_is_tried_again_where_it_belonged() {
    let mut world = World::with(|_| {});
    world.long("1", trail("0.02", "3"));
    world.accept("0-1-1");
    world.mark(P0, BTC, "105");
    world.sent();
    world.mark(P0, BTC, "104");
    world.report("0-1-2", ReportKind::Rejected(VenueReject::Other));
    assert_eq!(world.sent(), ["0-1-3 Stop sell 1 stop 102 reduce"]);
}

#[test]
fn a_position_naked_for_too_long_is_closed() {
    let mut world = World::with(|_| {});
    world.long("1", stop("5"));
    world.sent();
    world.now = world.now.plus(crate::model::NAKED_TIMEOUT_MS - 1);
    world.mark(P0, BTC, "100");
    assert!(world.sent().is_empty());
    world.mark(P0, BTC, "100");
    assert_eq!(world.sent(), ["0-1-2 Flatten sell 1 market reduce"]);
    world.fill("0-1-2", Side::Sell, "1", "100", "0");
    assert_eq!(world.sent(), ["cancel 0-1-1"]);
    assert_eq!(world.trades[0].exit, ExitReason::Naked);
}

#[test]
fn a_stop_that_vanishes_is_placed_again() {
    let mut world = World::with(|_| {});
    world.long("1", stop("5"));
    world.accept("0-1-1");
    world.sent();
    world.report("0-1-1", ReportKind::Canceled(CancelReason::Expired));
    assert_eq!(world.sent(), ["0-1-2 Stop sell 1 stop 95 reduce"]);
}

#[test]
fn a_position_in_profit_is_closed_after_its_holding_time() {
    let mut world = World::with(|_| {});
    let exits = ExitPlan { max_holding_ms: Some(HOUR_MS), ..stop("5") };
    world.long("1", exits);
    world.accept("0-1-1");
    world.sent();
    world.mark(P0, BTC, "101");
    world.now = world.now.plus(HOUR_MS);
    world.mark(P0, BTC, "100");
    assert!(world.sent().is_empty(), "not in profit");
    world.mark(P0, BTC, "100.1");
    assert_eq!(world.sent(), ["0-1-2 Exit sell 1 market reduce"]);
    world.fill("0-1-2", Side::Sell, "1", "100.1", "0");
    assert_eq!(world.trades[0].exit, ExitReason::Time);
}

#[test]
fn an_agents_close_keeps_the_stop_until_the_venue_says_flat() {
    let mut world = World::with(|_| {});
    world.long("1", stop("5"));
    world.accept("0-1-1");
    world.sent();
    assert_eq!(world.close(0), Verdict::Approved);
    assert_eq!(world.sent(), ["0-1-2 Exit sell 1 market reduce"]);
    assert_eq!(world.close(0), Verdict::Approved);
    assert!(world.sent().is_empty(), "already on its way");
    world.fill("0-1-2", Side::Sell, "0.4", "101", "0.6");
    assert!(world.sent().is_empty());
    world.fill("0-1-2", Side::Sell, "0.6", "101", "0");
    assert_eq!(world.sent(), ["cancel 0-1-1"]);
    assert_eq!(world.trades[0].exit, ExitReason::Signal);
}

#[test]
fn a_close_goes_on_until_flat() {
    let mut world = World::with(|_| {});
    world.long("1", stop("5"));
    world.accept("0-1-1");
    world.sent();
    world.close(0);
    world.sent();
    world.report("0-1-2", ReportKind::Rejected(VenueReject::NoMarket));
    assert!(world.sent().is_empty(), "not in a circle");
    world.mark(P0, BTC, "100");
    assert_eq!(world.sent(), ["0-1-3 Exit sell 1 market reduce"]);
    world.fill("0-1-3", Side::Sell, "0.7", "100", "0.3");
    world.report("0-1-3", ReportKind::Canceled(CancelReason::Immediate));
    assert_eq!(world.sent(), ["0-1-4 Exit sell 0.3 market reduce"]);
    world.step("100");
}

#[test]
fn a_large_position_is_closed_in_parts_and_stopped_as_a_whole() {
    let mut world = World::with(|plan| plan.instruments[0].max_market_qty = Qty::whole(2));
    world.open(0, Entry { exits: stop("5"), ..limit(buy("3"), "100") });
    world.fill("0-1-0", Side::Buy, "3", "100", "0");
    assert_eq!(world.sent()[1..], ["0-1-1 Stop sell all stop 95 reduce"]);
    world.accept("0-1-1");
    world.close(0);
    assert_eq!(world.sent(), ["0-1-2 Exit sell 2 market reduce"]);
    world.fill("0-1-2", Side::Sell, "2", "100", "0");
    assert_eq!(world.sent(), ["0-1-3 Exit sell 1 market reduce"]);
}

#[test]
fn dust_is_covered_and_closed_as_a_whole() {
    let mut world = World::with(|plan| plan.instruments[0].min_qty = qty("0.01"));
    world.open(0, Entry { exits: stop("5"), ..limit(buy("1"), "100") });
    world.fill("0-1-0", Side::Buy, "0.002", "100", "0.998");
    assert_eq!(world.sent()[1..], ["0-1-1 Stop sell all stop 95 reduce"]);
    world.accept("0-1-1");
    world.report("0-1-0", ReportKind::Canceled(CancelReason::Expired));
    world.close(0);
    assert_eq!(world.sent(), ["0-1-2 Exit sell all stop 99.9 reduce"]);
}

#[test]
fn a_target_that_is_passed_already_closes_its_part_at_market() {
    let mut world = World::with(|_| {});
    world.long("1", with_targets(stop("5"), &[("0.04", "0.5"), ("0.15", "0.5")]));
    world.accept("0-1-1");
    world.sent();
    world.report("0-1-2", ReportKind::Rejected(VenueReject::WouldTrigger));
    assert_eq!(world.sent(), ["0-1-4 Target sell 0.5 market reduce"]);
}

#[test]
fn a_target_refused_twice_is_left_to_the_stop() {
    let mut world = World::with(|_| {});
    world.long("1", with_targets(stop("5"), &[("0.04", "1")]));
    world.accept("0-1-1");
    world.report("0-1-2", ReportKind::Rejected(VenueReject::Other));
    world.sent();
    world.report("0-1-3", ReportKind::Rejected(VenueReject::Other));
    world.step("100");
    assert!(world.sent().is_empty());
}

#[test]
fn a_resting_entry_expires() {
    let mut world = World::with(|_| {});
    world.open(0, limit(buy("1"), "99"));
    world.accept("0-1-0");
    world.sent();
    world.step("100");
    assert!(world.sent().is_empty());
    world.step("100");
    assert_eq!(world.sent(), ["cancel 0-1-0"]);
    assert_eq!(world.supervisor.portfolio(P0).slots, 1, "it may still fill");
    world.report("0-1-0", ReportKind::CancelRejected);
    world.step("100");
    assert_eq!(world.sent(), ["cancel 0-1-0"], "asked again, later");
    world.report("0-1-0", ReportKind::Canceled(CancelReason::Requested));
    assert!(!world.supervisor.has_exposure(P0));
}

#[test]
fn the_rest_of_an_entry_whose_position_was_stopped_out_is_cancelled() {
    let mut world = World::with(|_| {});
    world.open(0, Entry { exits: stop("5"), ..limit(buy("2"), "100") });
    world.fill("0-1-0", Side::Buy, "1", "100", "1");
    world.accept("0-1-1");
    world.sent();
    world.fill("0-1-1", Side::Sell, "1", "95", "0");
    assert_eq!(world.sent(), ["cancel 0-1-0"]);
    // The race is lost: what fills is protected anew.
    world.fill("0-1-0", Side::Buy, "1", "95", "0");
    assert_eq!(world.sent(), ["0-1-2 Stop sell 1 stop 90 reduce"]);
}
