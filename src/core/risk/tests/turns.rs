//! Positions that change hands with the market's: reversals, strays and liquidations.

use super::*;

#[test]
fn a_reverse_is_a_close_then_an_open() {
    let mut world = World::with(|_| {});
    world.long("1", stop("5"));
    world.accept("0-1-1");
    world.sent();
    let entry = Entry { exits: stop("5"), ..sell("2") };
    assert_eq!(world.wish(0, IntentKind::Reverse(entry)), Verdict::Approved);
    assert_eq!(world.sent(), ["0-1-2 Exit sell 1 market reduce", "0-2-0 Entry sell 2 market"]);
    world.fill("0-1-2", Side::Sell, "1", "102", "0");
    assert_eq!(world.sent(), ["cancel 0-1-1"]);
    world.fill("0-2-0", Side::Sell, "2", "102", "0");
    assert_eq!(world.sent(), ["0-2-1 Stop buy 2 stop 107 reduce"]);
    assert_eq!(world.trades[0].exit, ExitReason::Reverse);
    world.report("0-1-1", ReportKind::Canceled(CancelReason::PositionClosed));
    world.accept("0-2-1");
    world.step("102");
    assert_eq!(world.supervisor.position_view(AgentId(0)).unwrap().qty, qty("-2"));
}

#[test]
fn a_reverse_whose_open_is_refused_still_closes() {
    let mut world = World::with(|plan| plan.portfolios[0].limits.entries_per_minute = Some(1));
    world.long("1", stop("5"));
    world.accept("0-1-1");
    world.sent();
    let verdict = world.wish(0, IntentKind::Reverse(sell("1")));
    assert_eq!(resized(&verdict).reason, RefusalReason::EntryRate);
    assert_eq!(world.sent(), ["0-1-2 Exit sell 1 market reduce"]);
}

#[test]
fn a_reverse_of_an_entry_that_may_still_fill_only_closes() {
    let mut world = World::with(|_| {});
    world.open(0, Entry { exits: stop("5"), ..limit(buy("2"), "100") });
    world.fill("0-1-0", Side::Buy, "1", "100", "1");
    world.accept("0-1-1");
    world.sent();
    let verdict = world.wish(0, IntentKind::Reverse(sell("1")));
    assert_eq!(resized(&verdict).reason, RefusalReason::PositionOpen);
    assert_eq!(world.sent(), ["cancel 0-1-0", "0-1-2 Exit sell 1 market reduce"]);
}

#[test]
fn a_reverse_whose_reports_come_in_the_wrong_order_nets_as_the_venue_does() {
    let mut world = World::with(|_| {});
    world.long("1", stop("5"));
    world.accept("0-1-1");
    world.wish(0, IntentKind::Reverse(Entry { exits: stop("5"), ..sell("2") }));
    world.sent();
    world.fill("0-2-0", Side::Sell, "2", "102", "0");
    assert_eq!(world.sent(), ["cancel 0-1-1", "0-2-1 Stop buy 1 stop 107 reduce"]);
    assert_eq!(world.supervisor.position_view(AgentId(0)).unwrap().qty, qty("-1"));
    assert_eq!(world.trades[0].gross, usd("2"));
    world.report("0-1-2", ReportKind::Rejected(VenueReject::ReduceOnly));
    world.report("0-1-1", ReportKind::Canceled(CancelReason::Requested));
    world.step("102");
}

#[test]
fn a_close_that_is_told_after_the_reversal_gives_the_new_position_what_the_old_one_took() {
    let mut world = World::with(|_| {});
    world.long("1", stop("5"));
    world.accept("0-1-1");
    world.wish(0, IntentKind::Reverse(Entry { exits: stop("5"), ..sell("2") }));
    world.fill("0-2-0", Side::Sell, "2", "102", "0");
    world.sent();
    world.fill("0-1-2", Side::Sell, "1", "102", "0");
    let held: Vec<_> = world.supervisor.positions(P0).map(|one| (one.intent.number, one.qty)).collect();
    assert_eq!(held, [(2, qty("-2"))], "not a second position of the old intent");
    assert_eq!(world.sent(), ["0-2-2 Stop buy 2 stop 107 reduce"], "its stop covers all of it");
    world.accept("0-2-2");
    world.report("0-1-1", ReportKind::Canceled(CancelReason::Requested));
    world.step("102");
}

#[test]
fn a_fill_of_an_order_nobody_knows_is_closed_at_once() {
    let mut world = World::with(|_| {});
    world.fill("0-7-3", Side::Buy, "1", "100", "0");
    assert_eq!(world.sent(), ["0-7-32768 Flatten sell 1 market reduce"]);
    world.fill("0-7-32768", Side::Sell, "1", "99", "0");
    assert_eq!(world.trades[0].exit, ExitReason::Naked);
    assert!(!world.supervisor.has_exposure(P0));
    world.step("100");
}

#[test]
fn a_liquidation_is_booked_and_swept() {
    let mut world = World::with(|_| {});
    world.long("1", with_targets(stop("5"), &[("0.15", "1")]));
    world.accept("0-1-1");
    world.accept("0-1-2");
    world.sent();
    let fill = Fill {
        trade: 99,
        side: Side::Sell,
        price: price("60"),
        qty: qty("1"),
        fee: usd("1"),
        maker: false,
        slippage: Usd::ZERO,
    };
    world.venue(P0, VenueEvent::Liquidation { symbol: BTC, at: world.now, fill });
    assert_eq!(world.sent(), ["cancel 0-1-1", "cancel 0-1-2"]);
    assert_eq!((world.trades[0].exit, world.trades[0].net), (ExitReason::Liquidation, usd("-41.1")));
    world.report("0-1-1", ReportKind::Canceled(CancelReason::Liquidation));
    world.report("0-1-2", ReportKind::CancelRejected);
    world.step("60");
}

#[test]
fn what_a_liquidation_leaves_is_protected_anew() {
    let mut world = World::with(|_| {});
    world.long("3", stop("50"));
    world.accept("0-1-1");
    world.sent();
    world.report("0-1-1", ReportKind::Canceled(CancelReason::Liquidation));
    assert!(world.sent().is_empty(), "its fill is on the way");
    let fill = Fill {
        trade: 99,
        side: Side::Sell,
        price: price("60"),
        qty: qty("2"),
        fee: usd("1"),
        maker: false,
        slippage: Usd::ZERO,
    };
    world.venue(P0, VenueEvent::Liquidation { symbol: BTC, at: world.now, fill });
    assert_eq!(world.sent(), ["0-1-2 Stop sell 1 stop 50 reduce"]);
}
