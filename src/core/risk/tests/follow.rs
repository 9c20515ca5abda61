//! Resting entries whose rest follows at the market.

use super::*;

const CANCELED: ReportKind = ReportKind::Canceled(CancelReason::Requested);

/// A buy of 2 resting at 99, of which `filled` has filled, whose ten minutes are over.
fn expired(filled: &str, change: impl FnOnce(&mut Plan)) -> World {
    let mut world = World::with(change);
    world.open(0, then_market(buy("2"), "99"));
    world.accept("0-1-0");
    if filled != "0" {
        let leaves = (qty("2") - qty(filled)).to_string();
        world.fill("0-1-0", Side::Buy, filled, "99", &leaves);
    }
    world.sent();
    world.step("100");
    assert_eq!(world.sent(), [""; 0], "before its time");
    world.step("100");
    assert_eq!(world.sent(), ["cancel 0-1-0"], "and nothing beside it");
    world
}

fn reserved(world: &World) -> Usd {
    world.supervisor.portfolio(P0).reserved_notional
}

fn dropped(world: &World) -> Option<(Qty, Refusal)> {
    world.journal.iter().find_map(|fact| match fact {
        Fact::RemainderDropped { qty, refusal, .. } => Some((*qty, *refusal)),
        _ => None,
    })
}

/// The resting order is final: what is sent then. A cancel that was sent again meanwhile is not of interest.
fn settle(world: &mut World, kind: ReportKind) -> Vec<String> {
    world.sent();
    world.report("0-1-0", kind);
    let sent = world.sent();
    world.end_step();
    sent
}

#[test]
fn what_is_left_follows_once_the_venue_says_that_the_resting_order_is_final() {
    let mut world = expired("0", |_| ());
    assert_eq!(reserved(&world), Usd::whole(200));
    world.report("0-1-0", ReportKind::CancelRejected);
    assert_eq!(world.sent(), [""; 0], "that says nothing of what became of it");
    assert_eq!(settle(&mut world, CANCELED), ["0-1-1 Entry buy 2 market"]);
    assert_eq!((reserved(&world), world.supervisor.portfolio(P0).slots), (Usd::whole(200), 1));
    world.fill("0-1-1", Side::Buy, "2", "100.1", "0");
    assert_eq!(reserved(&world), Usd::ZERO);
    assert_eq!(world.supervisor.positions(P0).next().unwrap().qty, qty("2"));
    world.step("100");
    assert_eq!(world.supervisor.agent(AgentId(0)).intents, 1);
}

#[test]
fn a_part_that_filled_is_not_bought_again_and_its_stop_grows_with_the_rest() {
    let mut world = World::with(|_| ());
    world.open(0, then_market(Entry { exits: stop("5"), ..buy("2") }, "99"));
    world.accept("0-1-0");
    world.fill("0-1-0", Side::Buy, "0.5", "99", "1.5");
    world.accept("0-1-1");
    world.step("100");
    world.step("100");
    assert_eq!(world.sent(), ["0-1-0 Entry buy 2 limit 99", "0-1-1 Stop sell 0.5 stop 94 reduce", "cancel 0-1-0"]);
    // A fill overtakes the cancel.
    world.fill("0-1-0", Side::Buy, "0.25", "99", "1.25");
    assert_eq!(world.sent(), ["0-1-2 Stop sell 0.75 stop 94 reduce"]);
    world.accept("0-1-2");
    assert_eq!(world.sent(), ["cancel 0-1-1"]);
    assert_eq!(settle(&mut world, CANCELED), ["0-1-3 Entry buy 1.25 market"]);
    world.fill("0-1-3", Side::Buy, "1.25", "100", "0");
    assert_eq!(world.sent(), ["0-1-4 Stop sell 2 stop 94.7 reduce"]);
    assert_eq!(reserved(&world), Usd::ZERO);
}

#[test]
fn a_refusal_to_take_counts_as_expired_at_once_and_other_refusals_end_the_entry() {
    let mut world = World::with(|_| ());
    world.open(0, then_market(buy("2"), "99"));
    world.sent();
    assert_eq!(settle(&mut world, ReportKind::Rejected(VenueReject::WouldTake)), ["0-1-1 Entry buy 2 market"]);
    for kind in [
        ReportKind::Rejected(VenueReject::Margin),
        ReportKind::Canceled(CancelReason::Liquidation),
        ReportKind::Canceled(CancelReason::PositionClosed),
    ] {
        let mut world = expired("0", |_| ());
        assert_eq!(settle(&mut world, kind), [""; 0], "{kind:?}");
        assert!(!world.supervisor.has_exposure(P0));
    }
}

#[test]
fn a_plain_limit_only_expires() {
    let mut world = World::with(|_| ());
    world.open(0, limit(buy("2"), "99"));
    world.accept("0-1-0");
    world.step("100");
    world.step("100");
    world.sent();
    assert_eq!(settle(&mut world, CANCELED), [""; 0]);
    assert_eq!((dropped(&world), world.supervisor.has_exposure(P0)), (None, false));
}

#[test]
fn a_market_that_moved_away_cuts_it_to_what_was_reserved() {
    let mut world = expired("0.5", |_| ());
    world.begin_step(world.now.plus(5 * MINUTE_MS), "120");
    // 1.5 at 100 were reserved; 150 buy 1.25 at 120.
    assert_eq!(settle(&mut world, CANCELED), ["0-1-1 Entry buy 1.25 market"]);
    assert_eq!(reserved(&world), Usd::whole(150));
}

fn check_dropped(change: impl FnOnce(&mut Plan), meanwhile: impl FnOnce(&mut World), reason: RefusalReason) {
    let mut world = expired("0.5", change);
    meanwhile(&mut world);
    assert_eq!(settle(&mut world, CANCELED), [""; 0], "{reason:?}");
    let (left, refusal) = dropped(&world).unwrap();
    assert_eq!((left, refusal.reason), (qty("1.5"), reason));
    assert_eq!(reserved(&world), Usd::ZERO);
    assert_eq!(world.supervisor.positions(P0).next().unwrap().qty, qty("0.5"), "what is held stays");
}

#[test]
fn what_time_may_have_changed_is_checked_again() {
    check_dropped(|_| (), |world| world.gate(true), RefusalReason::EntriesGated);
    check_dropped(
        |plan| plan.limits.price_collar = Some(rate("0.01")),
        |world| world.begin_step(world.now.plus(5 * MINUTE_MS), "102"),
        RefusalReason::PriceCollar,
    );
    check_dropped(
        |plan| plan.limits.max_data_age_ms = Some(11 * MINUTE_MS),
        |world| world.now = world.now.plus(12 * MINUTE_MS),
        RefusalReason::StaleData,
    );
    check_dropped(
        |plan| plan.portfolios[0].limits.daily_loss = Some(rate("0.01")),
        |world| {
            world.venue(
                P0,
                VenueEvent::Funding {
                    symbol: BTC,
                    at: world.now,
                    rate: rate("0.1"),
                    mark: price("100"),
                    amount: usd("-150"),
                },
            )
        },
        RefusalReason::DailyLoss,
    );
    check_dropped(
        |plan| plan.portfolios[0].limits.max_leverage = Some(rate("0.02")),
        |world| world.venue(P0, VenueEvent::Transfer { at: world.now, amount: usd("-7600") }),
        RefusalReason::MaxLeverage,
    );
}

#[test]
fn nothing_held_and_dropped_leaves_nothing() {
    let mut world = expired("0", |_| ());
    world.gate(true);
    assert_eq!(settle(&mut world, CANCELED), [""; 0]);
    assert_eq!(dropped(&world).map(|(left, _)| left), Some(qty("2")));
    assert!(!world.supervisor.has_exposure(P0));
    let snapshot = world.supervisor.portfolio(P0);
    assert_eq!((snapshot.slots, snapshot.margin), (0, Usd::ZERO));
    world.gate(false);
    world.step("100");
    assert!(matches!(world.open(0, buy("1")), Verdict::Approved));
}

#[test]
fn an_entry_that_nobody_wants_any_more_does_not_follow() {
    let stop = |world: &mut World| world.agent(0, AgentChange::Stopped(StopPolicy::Keep));
    let close = |world: &mut World| assert_eq!(world.close(0), Verdict::Approved);
    let trip = |world: &mut World| {
        let (symbol, at) = (SymbolId(1), world.now);
        for _ in 0..2 {
            let (rate, mark, amount) = (rate("0.1"), price("100"), usd("-600"));
            world.venue(P0, VenueEvent::Funding { symbol, at, rate, mark, amount });
        }
        assert!(world.supervisor.breaker(BreakerScope::Portfolio(P0)).unwrap().is_tripped());
    };
    for meanwhile in [&stop as &dyn Fn(&mut World), &close, &trip, &|world| world.flatten(P0)] {
        let mut world = expired("0", |plan| plan.portfolios[0].limits.max_drawdown = Some(rate("0.1")));
        meanwhile(&mut world);
        assert_eq!(settle(&mut world, CANCELED), [""; 0]);
        assert_eq!((dropped(&world), world.supervisor.has_exposure(P0)), (None, false));
    }
}

#[test]
fn a_position_that_was_closed_meanwhile_is_not_opened_again() {
    let mut world = World::with(|_| ());
    world.open(0, then_market(Entry { exits: stop("5"), ..buy("2") }, "99"));
    world.fill("0-1-0", Side::Buy, "0.5", "99", "1.5");
    world.accept("0-1-1");
    world.sent();
    world.fill("0-1-1", Side::Sell, "0.5", "94", "0");
    assert_eq!(world.sent(), ["cancel 0-1-0"]);
    assert_eq!(settle(&mut world, CANCELED), [""; 0]);
    assert!(!world.supervisor.has_exposure(P0));
}

/// A journal that ends between the report and the order: the next start goes on from there.
#[test]
fn a_fold_that_stops_at_the_report_goes_on_at_the_end_of_the_step() {
    let mut world = expired("0.5", |_| ());
    world.report("0-1-0", CANCELED);
    let at = world.journal.iter().rposition(|fact| matches!(fact, Fact::Venue { .. })).unwrap();
    let mut folded = Supervisor::new(Arc::clone(&world.plan));
    world.journal[..=at].iter().for_each(|fact| folded.apply(fact));
    assert_eq!(folded.portfolio(P0).slots, 1, "its slot is kept");
    let mut out = Effects::default();
    folded.end_step(world.now, &mut out);
    let sent: Vec<_> = out.commands.iter().map(describe).collect();
    assert_eq!(sent, ["0-1-1 Entry buy 1.5 market"]);
}

#[test]
fn what_follows_is_no_more_than_one_market_order_takes() {
    let mut world = World::with(|plan| plan.instruments[0].max_market_qty = qty("0.7"));
    world.open(0, then_market(buy("2"), "99"));
    world.sent();
    assert_eq!(settle(&mut world, ReportKind::Rejected(VenueReject::WouldTake)), ["0-1-1 Entry buy 0.7 market"]);
    assert_eq!(reserved(&world), usd("70"));
}
