//! Verdicts a second on one core, facts and commands included, and what a mark costs.
//!
//! Workload: 4 portfolios of 5 agents on 5 symbols, every limit set at every level, two positions open in
//! the first portfolio. `verdict_approved` is an intent with a stop and two targets and the report that
//! ends its order, so that the next one finds its slot free again; `verdict_refused` is refused by the last
//! check before sizing. Columns of the allocator show what each allocates.

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};
use std::sync::Arc;
use swarm_core::model::*;
use swarm_core::risk::{Effects, Supervisor};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const SYMBOLS: u16 = 5;
const PORTFOLIOS: u16 = 4;
const FIRST: PortfolioId = PortfolioId(0);

fn main() {
    divan::main();
}

fn limits(positions: u32) -> Limits {
    Limits {
        max_positions: Some(positions),
        max_leverage: Some(Rate::whole(5)),
        max_drawdown: Some(Rate::percent(15)),
        daily_loss: Some(Rate::percent(5)),
        loss_run: Some(LossRun { losses: 5, cool_down_ms: HOUR_MS }),
        max_notional: Some(Usd::whole(50_000)),
        entries_per_minute: Some(60),
        price_collar: Some(Rate::percent(2)),
        max_data_age_ms: Some(10 * MINUTE_MS),
    }
}

fn instrument(index: u16) -> Instrument {
    Instrument {
        symbol: format!("S{index}USDT"),
        tick: Price(10_000_000),
        step: Qty(100_000),
        min_qty: Qty(100_000),
        max_qty: Qty::whole(1_000),
        max_market_qty: Qty::whole(100),
        min_notional: Usd::whole(5),
        price_band: Rate::percent(5),
        market_take_bound: Rate::percent(5),
        liquidation_fee: Rate::percent(1),
        max_open_orders: 200,
        brackets: vec![LeverageBracket {
            notional_cap: Usd::whole(1_000_000),
            max_leverage: 20,
            maintenance_rate: Rate::percent(1),
            maintenance_amount: Usd::ZERO,
        }],
    }
}

fn plan() -> Plan {
    let portfolios = (0..PORTFOLIOS).map(|index| PortfolioPlan {
        name: format!("p{index}"),
        equity: Usd::whole(100_000),
        limits: limits(3),
        breaker_samples: 3,
        on_trip: OnTrip::Halt,
        require_stop: true,
    });
    let agents = (0..PORTFOLIOS * SYMBOLS).map(|index| AgentPlan {
        name: format!("a{index}"),
        cohort: CohortId(index / SYMBOLS),
        portfolio: PortfolioId(index / SYMBOLS),
        symbol: SymbolId(index % SYMBOLS),
        rule: "bench".into(),
        params: std::sync::Arc::new(serde_json::Value::Null),
        limits: limits(1),
    });
    Plan {
        name: "bench".into(),
        mode: Mode::Backtest,
        base: Interval::M5,
        intervals: vec![Interval::M5],
        gaps: GapPolicy::Reset,
        instruments: (0..SYMBOLS).map(instrument).collect(),
        exchange: ExchangeParams::default(),
        limits: limits(12),
        portfolios: portfolios.collect(),
        cohorts: Vec::new(),
        agents: agents.collect(),
        experiment: None,
        entry_protection: EntryProtection::Single,
        max_mark_jump: None,
        naked_timeout_ms: swarm_core::model::NAKED_TIMEOUT_MS,
    }
}

fn intent(agent: u32, now: Time) -> Intent {
    Intent {
        agent: AgentId(agent),
        portfolio: PortfolioId(agent as u16 / SYMBOLS),
        symbol: SymbolId(agent as u16 % SYMBOLS),
        decided_at: now,
        reference: Price::whole(30_000),
        kind: IntentKind::Open(Entry {
            side: Side::Buy,
            size: Size::Notional(Usd::whole(2_000)),
            leverage: Rate::whole(3),
            order: EntryOrder::Market,
            exits: ExitPlan {
                stop: Some(StopPlan {
                    distance: Price::whole(600),
                    break_even: Some(BreakEven { from: Rate::percent(1), to: Rate::bps(50) }),
                    trail: Some(Trail {
                        from: Rate::percent(2),
                        distance: Price::whole(400),
                        max_distance: Rate::bps(150),
                    }),
                }),
                targets: vec![
                    TargetPlan { at: Rate::percent(4), fraction: Rate::percent(50) },
                    TargetPlan { at: Rate::percent(15), fraction: Rate::percent(50) },
                ],
                max_holding_ms: None,
            },
        }),
    }
}

fn report(id: OrderId, symbol: SymbolId, at: Time, kind: ReportKind) -> VenueEvent {
    VenueEvent::Order { id, symbol, at, kind }
}

/// All agents run, all symbols have a price, agents 0 and 1 hold positions under accepted stops.
fn ready() -> (Supervisor, Effects, Time) {
    let mut supervisor = Supervisor::new(Arc::new(plan()));
    let mut out = Effects::default();
    let now = Time(1_700_000_100_000);
    for agent in 0..u32::from(PORTFOLIOS * SYMBOLS) {
        supervisor.on_agent(now, AgentId(agent), AgentChange::Started, &mut out);
    }
    let price = Price::whole(30_000);
    for symbol in 0..SYMBOLS {
        let open_time = now.plus(-5 * MINUTE_MS);
        let candle = Candle { open_time, open: price, high: price, low: price, close: price, volume: 1.0 };
        supervisor.on_candle(SymbolId(symbol), &candle, now);
    }
    for agent in 0..2u32 {
        let symbol = SymbolId(agent as u16);
        supervisor.on_intent(now, &intent(agent, now), &mut out);
        let intent = IntentId { agent: AgentId(agent), number: 1 };
        let qty = Qty(6_600_000);
        let fill = Fill { trade: 1, side: Side::Buy, price, qty, fee: Usd(1), maker: false, slippage: Usd(1) };
        let filled = ReportKind::Filled { fill, leaves: Qty::ZERO };
        supervisor.on_venue(FIRST, &report(OrderId { intent, leg: 0 }, symbol, now, filled), &mut out);
        for leg in 1..4 {
            supervisor.on_venue(FIRST, &report(OrderId { intent, leg }, symbol, now, ReportKind::Accepted), &mut out);
        }
    }
    out.clear();
    (supervisor, out, now)
}

#[divan::bench]
fn verdict_approved(bencher: Bencher<'_, '_>) {
    let (mut supervisor, mut out, mut now) = ready();
    let mut wish = intent(2, now);
    let mut number = 0;
    bencher.counter(ItemsCount::new(1u32)).bench_local(move || {
        // Two seconds apart, so that the entry rate lets them pass; the data is fed to stay fresh.
        now = now.plus(2_000);
        wish.decided_at = now;
        let price = Price::whole(30_000);
        let candle = Candle { open_time: now, open: price, high: price, low: price, close: price, volume: 1.0 };
        supervisor.on_candle(wish.symbol, &candle, now);
        let verdict = supervisor.on_intent(now, black_box(&wish), &mut out);
        assert_eq!(verdict, Verdict::Approved);
        number += 1;
        let id = OrderId { intent: IntentId { agent: wish.agent, number }, leg: 0 };
        let refused = ReportKind::Rejected(VenueReject::Other);
        supervisor.on_venue(FIRST, &report(id, wish.symbol, now, refused), &mut out);
        black_box(&out);
        out.clear();
    });
}

#[divan::bench]
fn verdict_refused(bencher: Bencher<'_, '_>) {
    let (mut supervisor, mut out, now) = ready();
    supervisor.on_intent(now, &intent(2, now), &mut out);
    let wish = intent(3, now);
    bencher.counter(ItemsCount::new(1u32)).bench_local(move || {
        let verdict = supervisor.on_intent(now, black_box(&wish), &mut out);
        assert!(matches!(verdict, Verdict::Refused(_)));
        black_box(&out);
        out.clear();
    });
}

#[divan::bench]
fn marks_on_two_positions(bencher: Bencher<'_, '_>) {
    let (mut supervisor, mut out, mut now) = ready();
    let mut marks: Vec<_> =
        (0..SYMBOLS).map(|symbol| Mark { symbol: SymbolId(symbol), price: Price::whole(30_000) }).collect();
    let mut flip = false;
    bencher.counter(ItemsCount::new(1u32)).bench_local(move || {
        now = now.plus(1);
        flip = !flip;
        marks[0].price = Price::whole(if flip { 30_001 } else { 29_999 });
        supervisor.on_marks(FIRST, now, black_box(&marks), &mut out);
        assert!(out.facts.is_empty());
    });
}

#[divan::bench]
fn candle(bencher: Bencher<'_, '_>) {
    let (mut supervisor, _, mut now) = ready();
    let price = Price::whole(30_000);
    bencher.counter(ItemsCount::new(1u32)).bench_local(move || {
        now = now.plus(5 * MINUTE_MS);
        let candle = Candle { open_time: now, open: price, high: price, low: price, close: price, volume: 1.0 };
        supervisor.on_candle(SymbolId(0), black_box(&candle), now);
    });
}
