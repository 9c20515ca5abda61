//! Marks that did not come from a candle: what is done about one that is far off, and when it is believed.

use super::*;
use crate::risk::Unconfirmed;

/// Live, with marks believed up to a tenth; a drawdown of a twentieth trips at its first sample.
fn world() -> World {
    World::with(|plan| {
        plan.mode = Mode::Live;
        plan.max_mark_jump = Some(Rate::percent(10));
        plan.portfolios[0].limits.max_drawdown = Some(Rate::percent(5));
        plan.portfolios[0].breaker_samples = 1;
    })
}

impl World {
    /// A mark from the venue's stream, a second later.
    fn told(&mut self, at: &str) {
        self.now = self.now.plus(SECOND_MS);
        let marks = [Mark { symbol: BTC, price: price(at) }];
        self.supervisor.on_fresh_marks(self.now, &marks, &mut self.out);
        self.drain();
        crate::invariants::check(&self.supervisor).unwrap();
    }

    fn stands_at(&self) -> Price {
        self.supervisor.positions(P0).next().unwrap().mark
    }

    fn held(&self) -> Option<Unconfirmed> {
        self.supervisor.unconfirmed_mark(BTC)
    }

    fn is_tripped(&self) -> bool {
        self.supervisor.portfolio(P0).trip.is_some()
    }
}

/// A long of 10 at 100 whose stop stands at 97, trails by 3 from 102 on, and goes to 100.5 from 101 on.
fn long() -> World {
    let mut world = world();
    let mut exits = stop("3");
    let plan = exits.stop.as_mut().unwrap();
    plan.trail = Some(Trail { from: rate("0.02"), distance: price("3"), max_distance: rate("0.5") });
    plan.break_even = Some(BreakEven { from: rate("0.01"), to: rate("0.005") });
    exits.max_holding_ms = Some(SECOND_MS);
    world.long("10", exits);
    world.accept("0-1-1");
    world.sent();
    world
}

#[test]
fn a_mark_far_off_moves_no_stop_closes_nothing_and_trips_nothing() {
    for wrong in ["50", "200", "0.1", "1000000", "111", "89"] {
        let mut world = long();
        for _ in 0..5 {
            let before = world.stands_at();
            world.told(wrong);
            assert_eq!((world.stands_at(), world.is_tripped()), (before, false), "{wrong}");
            world.told("100.1");
            assert_eq!((world.stands_at(), world.held()), (price("100.1"), None), "{wrong}");
        }
        assert_eq!(world.sent(), ["0-1-2 Exit sell 10 market reduce"], "{wrong}: as after any holding time in profit");
        let most = Usd::whole(10_001);
        assert!(world.supervisor.portfolio(P0).peak_equity <= most, "{wrong}: it is no peak either");
    }
}

#[test]
fn an_agents_and_the_swarms_breakers_take_no_sample_from_it_either() {
    let mut world = World::with(|plan| {
        (plan.mode, plan.max_mark_jump) = (Mode::Live, Some(Rate::percent(10)));
        plan.limits.max_drawdown = Some(Rate::percent(5));
        plan.agents[0].limits.max_drawdown = Some(Rate::percent(5));
        plan.portfolios.iter_mut().for_each(|portfolio| portfolio.breaker_samples = 1);
    });
    world.long("10", stop("3"));
    world.told("10");
    world.step("100");
    assert!(!world.journal.iter().any(|fact| matches!(fact, Fact::Breaker { .. })));
}

#[test]
fn a_clock_that_was_set_back_does_not_take_positions_back_to_their_entry() {
    let mut world = world();
    world.long("10", stop("30"));
    world.accept("0-1-1");
    for mark in ["92", "91"] {
        world.told(mark);
    }
    world.now = Time(1);
    world.end_step();
    assert_eq!(world.stands_at(), price("91"), "and not at 100");
    world.assert_folds();
}

#[test]
fn a_crash_that_goes_on_is_believed_at_its_third_mark() {
    let mut world = long();
    world.told("70");
    world.told("69");
    assert_eq!((world.stands_at(), world.is_tripped()), (price("100"), false));
    assert_eq!(world.held().map(|held| (held.price, held.confirmations)), Some((price("69"), 1)));
    world.told("68");
    assert_eq!((world.stands_at(), world.held()), (price("68"), None));
    assert!(!world.is_tripped(), "3 % of the equity");
    world.told("50");
    world.told("48");
    world.told("47");
    assert!(world.is_tripped());
    world.end_step();
}

#[test]
fn a_rise_that_is_confirmed_moves_the_stop_to_where_it_belongs() {
    let mut world = World::with(|plan| (plan.mode, plan.max_mark_jump) = (Mode::Live, Some(Rate::percent(10))));
    let mut exits = stop("3");
    exits.stop.as_mut().unwrap().trail =
        Some(Trail { from: rate("0.02"), distance: price("3"), max_distance: rate("0.5") });
    world.long("1", exits);
    world.accept("0-1-1");
    world.sent();
    world.told("120");
    world.told("121");
    assert!(world.sent().is_empty());
    world.told("122");
    assert_eq!(world.sent(), ["0-1-2 Stop sell 1 stop 119 reduce"]);
}

#[test]
fn a_close_there_confirms_a_mark_and_one_elsewhere_refutes_it() {
    for (close, then) in [("71", "71"), ("99", "99")] {
        let mut world = long();
        world.told("70");
        assert!(world.held().is_some());
        world.step(close);
        assert_eq!((world.held(), world.stands_at()), (None, price(then)));
    }
}

#[test]
fn while_it_waits_the_contract_takes_no_entry_and_others_do() {
    let mut world = world();
    // Another account's position is why its marks are followed.
    world.open(4, Entry { exits: stop("3"), ..buy("1") });
    world.fill("4-1-0", Side::Buy, "1", "100", "0");
    world.told("50");
    let refused = Verdict::Refused(Refusal {
        limit: Figure::Rate(Rate::percent(10)),
        seen: Figure::Rate(Rate::percent(50)),
        ..Refusal::plain(RefusalReason::UnconfirmedMark, Level::Venue)
    });
    assert_eq!(world.open(0, buy("1")), refused);
    assert_eq!(world.open(1, buy("1")), Verdict::Approved, "another contract");
    assert_eq!(world.close(4), Verdict::Approved, "what takes risk away passes");
    world.told("100");
    assert_eq!(world.open(0, buy("1")), Verdict::Approved);
    world.end_step();
}

#[test]
fn time_goes_on_for_a_position_whose_marks_are_not_believed() {
    let mut world = world();
    world.long("1", stop("3"));
    world.sent();
    for _ in 0..3 {
        world.told("1");
        world.told("1000");
    }
    assert_eq!(world.sent(), ["0-1-2 Flatten sell 1 market reduce"], "without an accepted stop for too long");
}

#[test]
fn how_long_a_position_may_be_without_a_stop_is_the_plans_to_say() {
    for (timeout, second) in [(SECOND_MS, 2), (5 * SECOND_MS, 6)] {
        let mut world = World::with(|plan| plan.naked_timeout_ms = timeout);
        world.long("1", stop("3"));
        world.sent();
        let opened = world.now;
        let closes = (1..20).find(|second| {
            world.now = opened.plus(second * SECOND_MS);
            world.supervisor.on_time(P0, world.now, &mut world.out);
            world.drain();
            !world.sent().is_empty()
        });
        assert_eq!(closes, Some(second));
    }
}

#[test]
fn without_a_limit_every_mark_is_believed_as_before_there_was_one() {
    let mut world = World::with(|plan| plan.mode = Mode::Live);
    world.long("1", stop("3"));
    world.told("50");
    assert_eq!((world.stands_at(), world.held()), (price("50"), None));
}

#[test]
fn a_mark_in_doubt_survives_a_restart() {
    let mut world = long();
    world.told("70");
    world.told("69");
    world.end_step();
    let bytes = world.supervisor.save();
    let restored = Supervisor::restore(Arc::clone(&world.plan), &bytes).unwrap();
    assert_eq!(restored, world.supervisor);
    world.supervisor = restored;
    world.told("68");
    assert_eq!(world.stands_at(), price("68"));
}
