//! Each rule is broken once at each level it speaks for.

use super::super::{Figure, Level};
use super::*;

/// Opens 1 BTC for agent 0 in a world whose plan was changed, after `before`, and expects this refusal.
fn check(reason: RefusalReason, level: Level, change: impl FnOnce(&mut Plan), before: impl FnOnce(&mut World)) {
    let mut world = World::with(change);
    before(&mut world);
    let verdict = world.open(0, buy("1"));
    assert_refused(&verdict, reason, level);
    world.sent();
    world.step("100");
}

/// The limits of a level in a plan; the agent is agent 0.
fn limits(plan: &mut Plan, level: Level) -> &mut Limits {
    match level {
        Level::Swarm => &mut plan.limits,
        Level::Portfolio => &mut plan.portfolios[0].limits,
        _ => &mut plan.agents[0].limits,
    }
}

const LEVELS: [Level; 3] = [Level::Swarm, Level::Portfolio, Level::Agent];

/// Opens and closes 10 BTC for agent 0, losing 100 and 1.99 of fees.
fn lose(world: &mut World) {
    world.open(0, buy("10"));
    let number = world.supervisor.agent(AgentId(0)).intents;
    world.fill(&format!("0-{number}-0"), Side::Buy, "10", "100", "0");
    world.close(0);
    world.fill(&format!("0-{number}-1"), Side::Sell, "10", "90", "0");
}

#[test]
fn an_agent_that_does_not_run() {
    check(
        RefusalReason::AgentNotRunning,
        Level::Agent,
        |_| {},
        |world| {
            world.agent(0, AgentChange::Stopped(StopPolicy::Keep));
        },
    );
}

#[test]
fn a_gated_portfolio() {
    check(RefusalReason::EntriesGated, Level::Portfolio, |_| {}, |world| world.gate(true));
    let mut world = World::with(|_| {});
    world.gate(true);
    world.gate(false);
    assert_eq!(world.open(0, buy("1")), Verdict::Approved);
}

#[test]
fn a_tripped_breaker_of_each_level() {
    for level in LEVELS {
        check(
            RefusalReason::BreakerTripped,
            level,
            |plan| limits(plan, level).max_drawdown = Some(rate("0.005")),
            lose,
        );
    }
}

#[test]
fn numbers_that_make_no_sense() {
    let trail = |distance: &str, most: &str| {
        let mut plan = stop("5");
        plan.stop.as_mut().unwrap().trail =
            Some(Trail { from: Rate::ZERO, distance: price(distance), max_distance: rate(most) });
        Entry { exits: plan, ..buy("1") }
    };
    let exits = |exits: ExitPlan| Entry { exits, ..buy("1") };
    let entries = [
        buy("0"),
        buy("-1"),
        Entry { size: Size::Notional(Usd::ZERO), ..buy("1") },
        Entry { size: Size::Qty(Qty(i64::MAX)), ..buy("1") },
        Entry { size: Size::Notional(Usd(i64::MAX)), ..buy("1") },
        Entry { leverage: rate("0.99"), ..buy("1") },
        Entry { leverage: Rate(i64::MAX), ..buy("1") },
        limit(buy("1"), "0"),
        limit(buy("1"), "-5"),
        limit(buy("1"), "0.05"),
        Entry { order: EntryOrder::Limit { price: price("99"), post_only: true, expire_after_ms: 0 }, ..buy("1") },
        exits(stop("0")),
        exits(stop("-5")),
        exits(stop("100")),
        exits(with_targets(stop("5"), &[("0", "1")])),
        exits(with_targets(stop("5"), &[("0.1", "0")])),
        exits(with_targets(stop("5"), &[("0.1", "0.6"), ("0.2", "0.6")])),
        exits(with_targets(stop("5"), &[("0.2", "0.5"), ("0.1", "0.5")])),
        Entry { exits: with_targets(stop("5"), &[("1", "1")]), ..sell("1") },
        exits(ExitPlan { max_holding_ms: Some(0), ..stop("5") }),
        trail("0", "0.1"),
        trail("1", "1"),
    ];
    let mut world = World::with(|_| {});
    for entry in entries {
        let what = format!("{entry:?}");
        let refusal = refused(&world.open(0, entry));
        assert_eq!(refusal.reason, RefusalReason::Malformed, "{what}");
    }
    let mut intent = Intent {
        agent: AgentId(0),
        portfolio: P0,
        symbol: SymbolId(1),
        decided_at: world.now,
        reference: price("100"),
        kind: IntentKind::Open(buy("1")),
    };
    assert_refused(&world.intent(&intent), RefusalReason::Malformed, Level::Agent);
    intent.symbol = BTC;
    intent.portfolio = PortfolioId(1);
    assert_refused(&world.intent(&intent), RefusalReason::Malformed, Level::Agent);
    intent.agent = AgentId(99);
    let facts = world.journal.len();
    assert_refused(&world.intent(&intent), RefusalReason::Malformed, Level::Agent);
    assert_eq!(world.journal.len(), facts, "nobody to number it for");
    world.step("100");
}

#[test]
fn a_symbol_without_a_price() {
    let mut world = World::silent(plan());
    world.agent(0, AgentChange::Started);
    assert_refused(&world.open(0, buy("1")), RefusalReason::NoMark, Level::Venue);
}

#[test]
fn data_that_is_too_old_at_each_level() {
    for level in LEVELS {
        let age = |plan: &mut Plan| limits(plan, level).max_data_age_ms = Some(10 * MINUTE_MS);
        check(RefusalReason::StaleData, level, age, |world| world.now = world.now.plus(10 * MINUTE_MS + 1));
        let mut world = World::with(age);
        world.now = world.now.plus(10 * MINUTE_MS);
        assert_eq!(world.open(0, buy("1")), Verdict::Approved, "just fresh enough");
    }
    let mut world = World::with(|plan| plan.limits.max_data_age_ms = Some(MINUTE_MS));
    let decided_late = Intent {
        agent: AgentId(0),
        portfolio: P0,
        symbol: BTC,
        decided_at: world.now.plus(-MINUTE_MS - 1),
        reference: price("100"),
        kind: IntentKind::Open(buy("1")),
    };
    assert_refused(&world.intent(&decided_late), RefusalReason::StaleData, Level::Swarm);
}

#[test]
fn a_price_too_far_from_the_market_at_each_level() {
    for level in LEVELS {
        let mut world = World::with(|plan| limits(plan, level).price_collar = Some(rate("0.01")));
        assert_refused(&world.open(0, limit(buy("1"), "98.9")), RefusalReason::PriceCollar, level);
        assert_eq!(world.open(0, limit(buy("1"), "99")), Verdict::Approved);
    }
    let mut world = World::with(|_| {});
    assert_refused(&world.open(0, limit(buy("1"), "105.1")), RefusalReason::PriceCollar, Level::Venue);
    assert_refused(&world.open(0, limit(sell("1"), "94.9")), RefusalReason::PriceCollar, Level::Venue);
    assert_eq!(world.open(0, limit(buy("1"), "80")), Verdict::Approved, "away from the market is no risk");
}

#[test]
fn an_entry_without_the_stop_that_is_demanded() {
    check(RefusalReason::StopRequired, Level::Portfolio, |plan| plan.portfolios[0].require_stop = true, |_| {});
}

#[test]
fn a_symbol_that_somebody_is_on() {
    check(
        RefusalReason::SymbolHeld,
        Level::Portfolio,
        |_| {},
        |world| {
            assert_eq!(world.open(3, limit(buy("1"), "99")), Verdict::Approved);
        },
    );
    check(
        RefusalReason::PositionOpen,
        Level::Agent,
        |_| {},
        |world| {
            assert_eq!(world.open(0, limit(buy("1"), "99")), Verdict::Approved);
        },
    );
    check(RefusalReason::PositionOpen, Level::Agent, |_| {}, |world| world.long("1", stop("5")));
    let mut world = World::with(|_| {});
    world.open(0, buy("1"));
    assert_eq!(world.open(4, buy("1")), Verdict::Approved, "another portfolio is another account");
    world.long("1", stop("5"));
    let verdict = world.wish(0, IntentKind::Reverse(buy("1")));
    assert_refused(&verdict, RefusalReason::PositionOpen, Level::Agent);
}

#[test]
fn the_loss_of_the_day_at_each_level() {
    for level in LEVELS {
        // 101.9 lost: above 1 % of a portfolio, below of the swarm of two.
        let limit = if level == Level::Swarm { "0.005" } else { "0.01" };
        let change = |plan: &mut Plan| limits(plan, level).daily_loss = Some(rate(limit));
        check(RefusalReason::DailyLoss, level, change, lose);
        let mut world = World::with(change);
        lose(&mut world);
        world.now = world.now.plus(DAY_MS);
        world.step("100");
        assert_eq!(world.open(0, buy("1")), Verdict::Approved, "a new day");
    }
}

#[test]
fn a_loss_run_at_each_level() {
    for level in LEVELS {
        let rule = LossRun { losses: 2, cool_down_ms: HOUR_MS };
        let change = |plan: &mut Plan| limits(plan, level).loss_run = Some(rule);
        check(RefusalReason::LossRun, level, change, |world| {
            lose(world);
            lose(world);
        });
        let mut world = World::with(change);
        lose(&mut world);
        lose(&mut world);
        world.now = world.now.plus(HOUR_MS);
        assert_eq!(world.open(0, buy("1")), Verdict::Approved, "cooled down");
    }
}

#[test]
fn too_many_entries_within_a_minute_at_each_level() {
    for level in LEVELS {
        let change = |plan: &mut Plan| limits(plan, level).entries_per_minute = Some(2);
        check(RefusalReason::EntryRate, level, change, |world| {
            lose(world);
            lose(world);
        });
        let mut world = World::with(change);
        lose(&mut world);
        world.now = world.now.plus(MINUTE_MS);
        lose(&mut world);
        assert_eq!(world.open(0, buy("1")), Verdict::Approved, "the first is a minute ago");
    }
}

#[test]
fn as_many_positions_as_allowed_at_each_level() {
    check(RefusalReason::MaxPositions, Level::Agent, |plan| plan.agents[0].limits.max_positions = Some(0), |_| {});
    check(
        RefusalReason::MaxPositions,
        Level::Portfolio,
        |plan| plan.portfolios[0].limits.max_positions = Some(2),
        |world| {
            world.open(1, buy("1"));
            world.open(2, limit(buy("1"), "99"));
        },
    );
    check(
        RefusalReason::MaxPositions,
        Level::Swarm,
        |plan| plan.limits.max_positions = Some(1),
        |world| {
            assert_eq!(world.open(4, buy("1")), Verdict::Approved);
        },
    );
}

#[test]
fn a_slot_is_reserved_until_the_order_is_final() {
    let mut world = World::with(|plan| plan.portfolios[0].limits.max_positions = Some(1));
    world.open(1, limit(buy("1"), "99"));
    let full = Refusal {
        reason: RefusalReason::MaxPositions,
        level: Level::Portfolio,
        limit: Figure::Count(1),
        seen: Figure::Count(2),
    };
    assert_eq!(refused(&world.open(0, buy("1"))), full);
    assert_eq!(world.supervisor.portfolio(P0).reserved_notional, usd("100"), "valued at the higher market price");
    world.report("1-1-0", ReportKind::Rejected(VenueReject::Other));
    assert_eq!(world.supervisor.portfolio(P0).reserved_notional, Usd::ZERO);
    assert_eq!(world.open(0, buy("1")), Verdict::Approved);
}

#[test]
fn a_reservation_shrinks_as_fills_turn_into_position() {
    let mut world = World::with(|_| {});
    world.open(0, limit(buy("10"), "100"));
    assert_eq!(world.supervisor.portfolio(P0).margin, usd("501"), "half of 1,000 and the fee");
    world.fill("0-1-0", Side::Buy, "4", "100", "6");
    let snapshot = world.supervisor.portfolio(P0);
    assert_eq!((snapshot.reserved_notional, snapshot.gross_notional), (usd("600"), usd("400")));
    assert_eq!((snapshot.slots, snapshot.open_positions), (1, 1));
    world.report("0-1-0", ReportKind::Canceled(CancelReason::Expired));
    assert_eq!(world.supervisor.portfolio(P0).reserved_notional, Usd::ZERO);
}

#[test]
fn there_is_nothing_to_close() {
    let mut world = World::with(|_| {});
    assert_refused(&world.close(0), RefusalReason::NoPosition, Level::Agent);
    world.open(3, buy("1"));
    world.fill("3-1-0", Side::Buy, "1", "100", "0");
    assert_refused(&world.close(0), RefusalReason::NoPosition, Level::Agent);
}

#[test]
fn nothing_stands_in_the_way_of_a_close() {
    let mut world = World::with(|plan| {
        for level in LEVELS {
            let limits = limits(plan, level);
            limits.max_drawdown = Some(rate("0.00001"));
            limits.daily_loss = Some(rate("0.00001"));
            limits.loss_run = Some(LossRun { losses: 1, cool_down_ms: DAY_MS });
            limits.entries_per_minute = Some(1);
            limits.max_data_age_ms = Some(10 * MINUTE_MS);
            limits.price_collar = Some(rate("0.01"));
        }
    });
    world.long("10", stop("5"));
    world.accept("0-1-1");
    world.mark(P0, BTC, "50");
    world.mark(P0, BTC, "50");
    world.gate(true);
    world.agent(0, AgentChange::Stopped(StopPolicy::Keep));
    world.now = world.now.plus(DAY_MS);
    world.sent();
    assert_eq!(world.close(0), Verdict::Approved);
    assert_eq!(world.sent(), ["0-1-2 Exit sell 10 market reduce"]);
}

#[test]
fn a_close_takes_back_an_entry_that_has_not_filled() {
    let mut world = World::with(|_| {});
    world.open(0, limit(buy("1"), "99"));
    world.sent();
    assert_eq!(world.close(0), Verdict::Approved);
    assert_eq!(world.sent(), ["cancel 0-1-0"]);
    world.fill("0-1-0", Side::Buy, "1", "99", "0");
    assert_eq!(world.sent(), ["0-1-1 Exit sell 1 market reduce"], "it filled first");
}

#[test]
fn a_refused_intent_is_journaled_with_its_verdict() {
    let mut world = World::with(|_| {});
    let before = world.journal.len();
    world.open(0, buy("0"));
    let id = IntentId { agent: AgentId(0), number: 1 };
    let facts = &world.journal[before..];
    assert!(matches!(&facts[0], Fact::Intent { id: number, .. } if *number == id));
    assert!(matches!(&facts[1], Fact::Verdict { id: number, verdict: Verdict::Refused(_), .. } if *number == id));
    assert_eq!(facts.len(), 2);
}
