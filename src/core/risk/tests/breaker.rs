//! What a trip does, and that only a person undoes it.

use super::*;

const DOWN: &str = "80";

fn fragile(change: impl FnOnce(&mut Plan)) -> World {
    World::with(|plan| {
        plan.portfolios[0].limits.max_drawdown = Some(rate("0.15"));
        change(plan);
    })
}

/// A long of 100 at 100 in an account of 10,000: at 80 it has lost 2,000, 20 %.
fn exposed(change: impl FnOnce(&mut Plan)) -> World {
    let mut world = fragile(change);
    world.long("100", stop("30"));
    world.accept("0-1-1");
    world.sent();
    world
}

fn tripped(world: &World) -> bool {
    world.supervisor.portfolio(P0).trip.is_some()
}

#[test]
fn enough_marks_in_a_row_trip_it_and_one_does_not() {
    let mut world = exposed(|_| {});
    world.mark(P0, BTC, DOWN);
    world.mark(P0, BTC, "100");
    world.mark(P0, BTC, DOWN);
    assert!(!tripped(&world));
    world.mark(P0, BTC, DOWN);
    assert!(tripped(&world));
    world.step("100");
    assert!(tripped(&world), "and stays tripped");
}

#[test]
fn a_missing_mark_does_not_save_it() {
    let mut world = exposed(|_| {});
    world.mark(P0, BTC, DOWN);
    world.mark(P0, SymbolId(1), "100");
    assert!(tripped(&world), "the last known mark counts");
    let mut silent = exposed(|_| {});
    silent.mark(P0, BTC, DOWN);
    silent.now = silent.now.plus(1);
    let now = silent.now;
    silent.supervisor.end_step(now, &mut Effects::default());
    assert!(tripped(&silent), "not even marks are needed");
}

#[test]
fn the_same_mark_looked_at_again_is_no_second_sample() {
    let mut world = exposed(|_| {});
    world.mark(P0, BTC, DOWN);
    for _ in 0..100 {
        world.now = world.now.plus(1_000);
        let now = world.now;
        world.supervisor.on_time(P0, now, &mut Effects::default());
    }
    assert!(!tripped(&world), "one wrong mark, and silence behind it");
    world.mark(P0, BTC, DOWN);
    assert!(tripped(&world), "a second mark says so too");
}

#[test]
fn samples_are_counted_on_after_the_end_of_a_step() {
    let mut world = exposed(|plan| plan.portfolios[0].breaker_samples = 3);
    world.step(DOWN);
    world.mark(P0, BTC, DOWN);
    assert!(!tripped(&world));
    world.mark(P0, BTC, DOWN);
    assert!(tripped(&world));
}

#[test]
fn a_realised_loss_trips_it_at_once() {
    let mut world = exposed(|plan| plan.portfolios[0].breaker_samples = 100);
    world.fill("0-1-1", Side::Sell, "100", "80", "0");
    assert!(tripped(&world));
    let facts = world.breaker_facts();
    assert!(matches!(facts[..], [BreakerChange::Tripped { peak, .. }] if *peak == usd("10000")));
}

#[test]
fn a_trip_cancels_resting_entries_and_keeps_stops_maintained() {
    let mut world = fragile(|_| {});
    let mut exits = stop("30");
    exits.stop.as_mut().unwrap().trail =
        Some(Trail { from: rate("0.02"), distance: price("3"), max_distance: rate("0.5") });
    world.long("100", exits);
    world.accept("0-1-1");
    world.open(1, limit(buy("1"), "99"));
    world.sent();
    world.mark(P0, BTC, DOWN);
    world.mark(P0, BTC, DOWN);
    assert_eq!(world.sent(), ["cancel 1-1-0"]);
    world.mark(P0, BTC, "110");
    assert_eq!(world.sent(), ["0-1-2 Stop sell 100 stop 107 reduce"]);
    world.fill("1-1-0", Side::Buy, "1", "99", "0");
    assert_eq!(world.supervisor.portfolio(P0).open_positions, 2, "a race is booked");
    world.step("100");
}

#[test]
fn flatten_closes_and_is_finished_when_the_venue_says_flat() {
    let mut world = exposed(|plan| plan.portfolios[0].on_trip = OnTrip::Flatten);
    world.open(1, limit(buy("1"), "99"));
    world.sent();
    world.mark(P0, BTC, DOWN);
    world.mark(P0, BTC, DOWN);
    assert_eq!(world.sent(), ["0-1-2 Flatten sell 100 market reduce", "cancel 1-1-0"]);
    world.fill("0-1-2", Side::Sell, "100", "80", "0");
    assert_eq!(world.breaker_facts().len(), 1, "an entry may still fill");
    world.fill("1-1-0", Side::Buy, "1", "99", "0");
    world.sent();
    assert_eq!(world.breaker_facts().len(), 1);
    world.fill("1-1-1", Side::Sell, "1", "80", "0");
    assert!(matches!(world.breaker_facts()[1], BreakerChange::Flat));
    assert!(world.supervisor.portfolio(P0).trip.unwrap().flat);
    assert!(world.trades.iter().all(|trade| trade.exit == ExitReason::Breaker));
    world.step("80");
}

#[test]
fn a_trip_of_the_swarm_reaches_every_portfolio_as_that_wants_it() {
    let mut world = World::with(|plan| {
        plan.limits.max_drawdown = Some(rate("0.05"));
        plan.portfolios[1].on_trip = OnTrip::Flatten;
    });
    world.long("100", stop("30"));
    world.accept("0-1-1");
    world.open(4, buy("1"));
    world.fill("4-1-0", Side::Buy, "1", "100", "0");
    world.sent();
    world.mark(P0, BTC, "85");
    world.mark(P0, BTC, "85");
    assert_eq!(world.sent(), ["4-1-1 Flatten sell 1 market reduce"], "portfolio 0 only halts");
    assert_refused(&world.open(1, buy("1")), RefusalReason::BreakerTripped, super::super::Level::Swarm);
    world.fill("4-1-1", Side::Sell, "1", "85", "0");
    assert!(matches!(world.breaker_facts()[1], BreakerChange::Flat));
}

#[test]
fn a_trip_of_an_agent_is_its_own() {
    let mut world = World::with(|plan| {
        plan.agents[0].limits.max_drawdown = Some(rate("0.05"));
        plan.portfolios[0].on_trip = OnTrip::Flatten;
    });
    world.long("100", stop("30"));
    world.accept("0-1-1");
    world.open(1, buy("1"));
    world.fill("1-1-0", Side::Buy, "1", "100", "0");
    world.sent();
    world.mark(P0, BTC, "94");
    world.mark(P0, BTC, "94");
    assert_eq!(world.sent(), ["0-1-2 Flatten sell 100 market reduce"]);
    assert_eq!(world.open(2, buy("1")), Verdict::Approved);
    world.fill("0-1-2", Side::Sell, "100", "94", "0");
    assert!(world.supervisor.agent(AgentId(0)).trip.unwrap().flat);
    world.step("94");
}

#[test]
fn only_a_reset_with_a_reason_clears_it() {
    let mut world = exposed(|_| {});
    let scope = BreakerScope::Portfolio(P0);
    assert_eq!(world.reset(scope, "why not"), Err(super::super::ResetError::NotTripped));
    world.mark(P0, BTC, DOWN);
    world.mark(P0, BTC, DOWN);
    assert_eq!(world.reset(scope, "  "), Err(super::super::ResetError::NoReason));
    assert_eq!(world.reset(BreakerScope::Agent(AgentId(77)), "x"), Err(super::super::ResetError::Unknown));
    assert_eq!(world.reset(scope, "looked into it"), Ok(()));
    assert!(!tripped(&world));
    assert_eq!(world.supervisor.portfolio(P0).peak_equity, usd("7990"), "it begins anew from here");
    assert!(
        matches!(world.breaker_facts().last(), Some(BreakerChange::Reset { reason }) if reason == "looked into it")
    );
    assert_eq!(world.open(1, buy("1")), Verdict::Approved);
    world.step("80");
    assert!(!tripped(&world));
}

#[test]
fn a_withdrawal_is_not_a_loss() {
    let mut world = exposed(|_| {});
    world.venue(P0, VenueEvent::Transfer { at: world.now, amount: usd("-5000") });
    world.mark(P0, BTC, "100");
    world.mark(P0, BTC, "100");
    assert!(!tripped(&world));
    world.mark(P0, BTC, "92");
    world.mark(P0, BTC, "92");
    assert!(tripped(&world), "800 of 5,000 is more than 15 %");
    world.step("92");
}

#[test]
fn funding_counts() {
    let mut world = exposed(|plan| plan.portfolios[0].breaker_samples = 1);
    let funding = |amount: &str| VenueEvent::Funding {
        symbol: BTC,
        at: Time(DAY_MS + 5 * MINUTE_MS),
        rate: rate("0.1"),
        mark: price("100"),
        amount: usd(amount),
    };
    world.venue(P0, funding("-1489"));
    assert!(!tripped(&world));
    world.venue(P0, funding("-1"));
    assert!(tripped(&world), "1,490 and a fee of 10");
    world.step("100");
}

#[test]
fn an_operators_flatten_goes_on_until_flat() {
    let mut world = World::with(|_| {});
    world.long("1", stop("5"));
    world.accept("0-1-1");
    world.open(1, limit(buy("1"), "99"));
    world.sent();
    world.flatten(P0);
    assert_eq!(world.sent(), ["0-1-2 Flatten sell 1 market reduce", "cancel 1-1-0"]);
    world.report("0-1-2", ReportKind::Rejected(VenueReject::Other));
    world.step("100");
    // The cancel of five minutes ago led to nothing either.
    assert_eq!(world.sent(), ["0-1-3 Flatten sell 1 market reduce", "cancel 1-1-0"]);
    world.fill("0-1-3", Side::Sell, "1", "100", "0");
    assert_eq!(world.trades[0].exit, ExitReason::Operator);
    world.flatten(PortfolioId(9));
}

#[test]
fn a_reset_between_two_steps_is_recorded_with_the_equity_it_began_anew_from() {
    let mut world = exposed(|_| {});
    world.mark(P0, BTC, DOWN);
    world.mark(P0, BTC, DOWN);
    // Equity is the old peak again, by a mark that no fact tells.
    world.mark(P0, BTC, "100.1");
    assert_eq!(world.supervisor.portfolio(P0).equity, usd("10000"));
    world.reset(BreakerScope::Portfolio(P0), "looked into it").unwrap();
    world.step("100");
    assert_eq!(world.supervisor.portfolio(P0).peak_equity, usd("10000"));
}
