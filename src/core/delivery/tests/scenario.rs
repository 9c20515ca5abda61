//! A small script that has everything an account can go through: a market entry in parts, its stop, trailing,
//! a target, an agent's exit, a maker entry, a reversal, funding, a deposit, and a stop that is hit.

use crate::delivery::Policy;
use crate::model::*;
use crate::sim::{Act, Faults, Takes, Venue, World};

pub(super) const BTC: SymbolId = SymbolId(0);
pub(super) const START: Time = Time(1_700_000_000_000);
/// The script is over.
const OVER: Time = Time(START.0 + 70_000);
/// By then whatever was unknown at its end is settled.
const REST: Time = Time(START.0 + 400_000);

pub(super) fn instrument() -> Instrument {
    Instrument {
        symbol: "BTCUSDT".into(),
        tick: "0.1".parse().unwrap(),
        step: "0.001".parse().unwrap(),
        min_qty: "0.001".parse().unwrap(),
        max_qty: Qty::whole(10_000),
        max_market_qty: Qty::whole(500),
        min_notional: Usd::whole(5),
        price_band: Rate::percent(5),
        market_take_bound: Rate::percent(5),
        liquidation_fee: Rate::bps(100),
        max_open_orders: 200,
        brackets: vec![LeverageBracket {
            notional_cap: Usd::whole(1_000_000),
            max_leverage: 20,
            maintenance_rate: Rate::percent(1),
            maintenance_amount: Usd::ZERO,
        }],
    }
}

/// One portfolio with one agent on one contract.
pub(super) fn plan() -> Plan {
    Plan {
        name: "sim".into(),
        mode: Mode::Live,
        base: Interval::M1,
        intervals: vec![Interval::M1],
        gaps: GapPolicy::Reset,
        instruments: vec![instrument()],
        exchange: ExchangeParams {
            taker_fee: Rate(35_000),
            maker_fee: Rate(10_000),
            spread: Rate::bps(1),
            impact: Rate::ZERO,
            ..ExchangeParams::default()
        },
        limits: Limits::default(),
        portfolios: vec![PortfolioPlan {
            name: "one".into(),
            equity: Usd::whole(10_000),
            limits: Limits::default(),
            breaker_samples: 2,
            on_trip: OnTrip::Halt,
            require_stop: false,
        }],
        cohorts: vec![CohortPlan { name: "one".into(), portfolio: PortfolioId(0) }],
        agents: vec![AgentPlan {
            name: "a".into(),
            cohort: CohortId(0),
            portfolio: PortfolioId(0),
            symbol: BTC,
            rule: "test".into(),
            params: std::sync::Arc::new(serde_json::Value::Null),
            limits: Limits::default(),
        }],
        experiment: None,
        entry_protection: EntryProtection::Single,
        max_mark_jump: None,
        naked_timeout_ms: crate::model::NAKED_TIMEOUT_MS,
    }
}

/// Exact to the last unit.
pub(super) fn policy() -> Policy {
    Policy { nonce_window_ms: crate::sim::NONCE_WINDOW_MS, balance_tolerance: Usd::ZERO, ..Policy::default() }
}

pub(super) fn venue() -> Venue {
    let mut venue = Venue::new(&plan(), Usd::whole(10_000)).in_parts(2).hiding_for(700);
    venue.quote(START, BTC, Price::whole(100));
    venue
}

/// A world without a script.
pub(super) fn idle(faults: Faults) -> World {
    idle_with(faults, plan(), venue())
}

fn idle_with(faults: Faults, plan: Plan, venue: Venue) -> World {
    let mut world = World::new(plan, policy(), venue, faults, START);
    world.schedule(START.plus(600), Act::Price(BTC, Price::whole(100)));
    world
}

pub(super) fn entry(side: Side, quantity: &str, order: EntryOrder) -> Entry {
    let stop = StopPlan {
        distance: Price::whole(5),
        break_even: None,
        trail: Some(Trail { from: Rate::percent(1), distance: Price::whole(2), max_distance: Rate::percent(5) }),
    };
    Entry {
        side,
        size: Size::Qty(quantity.parse().unwrap()),
        leverage: Rate::whole(2),
        order,
        exits: ExitPlan {
            stop: Some(stop),
            targets: vec![TargetPlan { at: Rate::percent(4), fraction: Rate::percent(50) }],
            max_holding_ms: None,
        },
    }
}

pub(super) fn open(side: Side, quantity: &str) -> IntentKind {
    IntentKind::Open(entry(side, quantity, EntryOrder::Market))
}

/// The whole script.
pub(super) fn world(faults: Faults) -> World {
    script(idle(faults))
}

/// The whole script with entries that leave with their stops, at a venue that takes that so.
pub(super) fn world_of_strategies(faults: Faults, takes: Takes) -> World {
    let plan = Plan { entry_protection: EntryProtection::Strategy, ..plan() };
    script(idle_with(faults, plan, venue().taking(takes)))
}

/// One market entry, which stays open.
pub(super) fn one_entry(entry_protection: EntryProtection) -> World {
    let mut world = idle_with(Faults::none(), Plan { entry_protection, ..plan() }, venue());
    world.schedule(START.plus(4_000), Act::Wish(AgentId(0), open(Side::Buy, "1")));
    world
}

fn script(mut world: World) -> World {
    let price = |text: &str| Act::Price(BTC, text.parse().unwrap());
    let wish = |kind| Act::Wish(AgentId(0), kind);
    let maker =
        EntryOrder::LimitThenMarket { price: "103.4".parse().unwrap(), post_only: true, expire_after_ms: 15_000 };
    for (seconds, act) in [
        (4, wish(open(Side::Buy, "1"))),
        (8, price("100.6")),
        (14, price("102.5")),
        (18, price("104.2")),
        (26, price("104.8")),
        (32, wish(IntentKind::Close { reason: ExitReason::Signal })),
        (40, wish(IntentKind::Open(entry(Side::Buy, "0.5", maker)))),
        (48, price("103.1")),
        (54, Act::Fund(BTC, Rate::bps(1))),
        (62, wish(IntentKind::Reverse(entry(Side::Sell, "0.4", EntryOrder::Market)))),
        (70, Act::Transfer(Usd::whole(250))),
        (74, price("101.5")),
        (80, price("101.2")),
        (88, price("108.7")),
        (100, wish(open(Side::Buy, "0.2"))),
        (112, Act::Flatten),
        (130, Act::Flatten),
    ] {
        world.schedule(START.plus(seconds * 500 + 2_000), act);
    }
    world
}

/// Plays a world until it has come to rest after its script.
pub(super) fn play(world: &mut World) -> Result<(), String> {
    world.run_until(OVER);
    while world.check_at_rest().is_err() && world.now() < REST {
        world.run_until(world.now().plus(5_000));
    }
    world.check_at_rest()
}
