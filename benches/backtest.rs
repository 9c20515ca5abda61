//! The loop host at work: agent-candles a second of the expert with everything on, bars a second of
//! `ema_cross` on a million one-minute bars, and how cost grows. Run with `cargo bench --bench backtest`.

use divan::counter::ItemsCount;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;
use swarm_core::engine::{Engine, EngineOptions, MakeRule, Sink};
use swarm_core::features::Wants;
use swarm_core::journal::Fingerprint;
use swarm_core::ledger::Trade;
use swarm_core::model::*;
use swarm_core::rule::{Build, Rule};

fn main() {
    divan::main();
}

/// The number of bars to play: few when the benches are only tried out, by `cargo test --benches` or
/// `cargo bench -- --test`. A fingerprint is of that number of bars.
fn sized(bars: usize) -> usize {
    let asked = |flag: &str| std::env::args().any(|argument| argument == flag);
    if asked("--bench") && !asked("--test") { bars } else { bars / 100 }
}

/// A random walk with clustered volatility, like the peers' comparison: prices to one decimal.
fn walk(bars: usize, interval: Interval, seed: u64) -> Vec<Candle> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = move || (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
    let (mut price, mut deviation) = (30_000.0f64, 0.000_6f64);
    let snap = |value: f64| Price((value * 10.0).round() as i64 * 10_000_000);
    (0..bars)
        .map(|index| {
            deviation = (deviation * (1.0 + 0.02 * normal())).clamp(0.000_2, 0.003);
            let open = price;
            price *= 1.0 + deviation * normal();
            let reach = |base: f64, sign: f64, size: f64| base * (1.0 + sign * (deviation / 2.0 * size).abs());
            let (high, low) = (reach(open.max(price), 1.0, normal()), reach(open.min(price), -1.0, normal()));
            let (open, close) = (snap(open), snap(price));
            Candle {
                open_time: Time(1_672_531_200_000 + index as i64 * interval.ms()),
                open,
                high: snap(high).max(open).max(close),
                low: snap(low).min(open).min(close),
                close,
                volume: 20.0 * (1.0 + normal().abs()),
            }
        })
        .collect()
}

struct Rules(Arc<Plan>);

impl MakeRule for Rules {
    fn make(&self, agent: AgentId, wants: &mut Wants) -> Result<Box<dyn Rule>, String> {
        let agent = &self.0.agents[agent.index()];
        let spec = swarm_agents::registry::find(&agent.rule).ok_or("no such rule")?;
        let mut build = Build { wants, base: self.0.base, intervals: &self.0.intervals };
        (spec.build)(&agent.params, &mut build).map_err(|error| error.to_string())
    }
}

/// What a backtest without files keeps: the fingerprint and the trades.
#[derive(Default)]
struct Kept {
    fingerprint: Option<Fingerprint>,
    trades: u64,
    net: Usd,
}

impl Sink for Kept {
    fn fact(&mut self, fact: &Fact) {
        self.fingerprint.get_or_insert_with(Fingerprint::new).add(fact);
    }
    fn trade(&mut self, trade: &Trade) {
        self.trades += 1;
        self.net += trade.net;
    }
    /// Nothing here is read off the supervisor: what is kept follows from facts and trades.
    fn watches(&self) -> bool {
        false
    }
}

fn instrument(symbol: &str) -> Instrument {
    Instrument {
        symbol: symbol.into(),
        tick: Price(10_000_000),
        step: Qty(100_000),
        min_qty: Qty(100_000),
        max_qty: Qty::whole(1_000),
        max_market_qty: Qty::whole(1_000),
        min_notional: Usd::whole(5),
        price_band: Rate::percent(5),
        market_take_bound: Rate::percent(5),
        liquidation_fee: Rate(2_500_000),
        max_open_orders: 200,
        brackets: vec![LeverageBracket {
            notional_cap: Usd::whole(10_000_000),
            max_leverage: 50,
            maintenance_rate: Rate(400_000),
            maintenance_amount: Usd::ZERO,
        }],
    }
}

fn plan(rule: &str, params: serde_json::Value, base: Interval, agents: usize) -> Arc<Plan> {
    plan_of(rule, params, base, agents, 1)
}

/// Agents dealt out to so many portfolios.
fn plan_of(rule: &str, params: serde_json::Value, base: Interval, agents: usize, portfolios: usize) -> Arc<Plan> {
    let spec = swarm_agents::registry::find(rule).expect("a shipped rule");
    let params = Arc::new((spec.complete)(&params));
    let agent = |index| AgentPlan {
        name: format!("{rule}-{index}"),
        cohort: CohortId::at(index % portfolios),
        portfolio: PortfolioId::at(index % portfolios),
        symbol: SymbolId(0),
        rule: rule.into(),
        params: Arc::clone(&params),
        limits: Limits::default(),
    };
    let reference = rule == "ema_cross";
    let portfolio = |index: usize| PortfolioPlan {
        name: format!("bench-{index}"),
        // Always in the market and paying fees, the crossing loses some 158,000 USDT on its walk: with ten
        // times the expert's equity that stays far from the breaker, which would end the trading.
        equity: Usd::whole(if reference { 10_000_000 } else { 1_000_000 }),
        limits: Limits {
            max_positions: Some(3),
            max_leverage: Some(Rate::whole(5)),
            max_drawdown: Some(Rate::percent(15)),
            max_data_age_ms: Some(2 * base.ms()),
            ..Limits::default()
        },
        breaker_samples: 3,
        on_trip: OnTrip::Halt,
        require_stop: !reference,
    };
    let cohort = |index| CohortPlan { name: format!("bench-{index}"), portfolio: PortfolioId::at(index) };
    Arc::new(Plan {
        name: "bench".into(),
        mode: Mode::Backtest,
        base,
        intervals: if reference { vec![base] } else { vec![base, Interval::M15, Interval::H1] },
        gaps: GapPolicy::Reset,
        instruments: vec![instrument("BTCUSDT")],
        exchange: if reference {
            // As the peers: filled at the close, 4 bp, nothing else.
            ExchangeParams {
                taker_fee: Rate(40_000),
                spread: Rate::ZERO,
                impact: Rate::ZERO,
                latency_ms: 0,
                ..ExchangeParams::default()
            }
        } else {
            ExchangeParams::default()
        },
        limits: Limits::default(),
        portfolios: (0..portfolios).map(portfolio).collect(),
        cohorts: (0..portfolios).map(cohort).collect(),
        agents: (0..agents).map(agent).collect(),
        experiment: None,
        entry_protection: EntryProtection::Single,
        max_mark_jump: None,
        naked_timeout_ms: swarm_core::model::NAKED_TIMEOUT_MS,
    })
}

/// Plays candles of one symbol.
struct Bars<'a>(std::slice::Iter<'a, Candle>, Interval);

impl Tape for Bars<'_> {
    fn next(&mut self, step: &mut Step) -> bool {
        let Some(candle) = self.0.next() else { return false };
        step.close_time = candle.close_time(self.1);
        step.candles.clear();
        step.candles.push(Some(*candle));
        true
    }

    fn fill(&mut self, steps: &mut Steps) {
        while !steps.is_full()
            && let Some(candle) = self.0.next()
        {
            steps.push(candle.close_time(self.1), [Some(candle)], &[]);
        }
    }
}

fn backtest(plan: &Arc<Plan>, candles: &[Candle]) -> Kept {
    let mut engine =
        Engine::new(Arc::clone(plan), Rules(Arc::clone(plan)), EngineOptions::default()).expect("a sound plan");
    let mut kept = Kept::default();
    engine.run(&mut Bars(candles.iter(), plan.base), &mut kept, |_| true);
    kept
}

/// One expert on three intervals, supervisor, exchange and fingerprint included.
#[divan::bench(sample_count = 7, sample_size = 1)]
fn expert_agent_candles(bencher: divan::Bencher) {
    let candles = walk(sized(300_000), Interval::M5, 7);
    let plan = plan("expert", serde_json::json!({}), Interval::M5, 1);
    report_once("expert", &backtest(&plan, &candles));
    bencher.counter(ItemsCount::new(candles.len())).bench(|| backtest(&plan, &candles).trades);
}

/// Experts that go on: without the cap of their own record, which leaves nothing to an agent that loses, and without the
/// breaker, which would end what is left.
fn tireless(agents: usize) -> Arc<Plan> {
    let mut plan =
        Arc::unwrap_or_clone(plan_of("expert", serde_json::json!({ "kelly": null }), Interval::M5, agents, agents));
    plan.portfolios.iter_mut().for_each(|portfolio| portfolio.limits.max_drawdown = None);
    Arc::new(plan)
}

/// One that decides and trades to the end.
#[divan::bench(sample_count = 7, sample_size = 1)]
fn tireless_expert_agent_candles(bencher: divan::Bencher) {
    let candles = walk(sized(300_000), Interval::M5, 7);
    let plan = tireless(1);
    report_once("tireless expert", &backtest(&plan, &candles));
    bencher.counter(ItemsCount::new(candles.len())).bench(|| backtest(&plan, &candles).trades);
}

/// 64 of them on one symbol's features, each with a portfolio, a ledger and an account of its own.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn tireless_experts_64_portfolios_agent_candles(bencher: divan::Bencher) {
    let candles = walk(sized(100_000), Interval::M5, 7);
    let plan = tireless(64);
    report_once("64 tireless portfolios", &backtest(&plan, &candles));
    bencher.counter(ItemsCount::new(candles.len() * 64)).bench(|| backtest(&plan, &candles).trades);
}

/// 64 experts on one symbol's features.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn experts_64_agent_candles(bencher: divan::Bencher) {
    let candles = walk(sized(100_000), Interval::M5, 7);
    let plan = plan("expert", serde_json::json!({}), Interval::M5, 64);
    bencher.counter(ItemsCount::new(candles.len() * 64)).bench(|| backtest(&plan, &candles).trades);
}

/// 64 experts on one symbol's features, each with a portfolio, a ledger and an account of its own.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn experts_64_portfolios_agent_candles(bencher: divan::Bencher) {
    let candles = walk(sized(100_000), Interval::M5, 7);
    let plan = plan_of("expert", serde_json::json!({}), Interval::M5, 64, 64);
    report_once("64 portfolios", &backtest(&plan, &candles));
    bencher.counter(ItemsCount::new(candles.len() * 64)).bench(|| backtest(&plan, &candles).trades);
}

/// Two swarms of 64 experts at a time, one a core.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn experts_64_portfolios_on_two_threads(bencher: divan::Bencher) {
    let candles = walk(sized(100_000), Interval::M5, 7);
    let plan = plan_of("expert", serde_json::json!({}), Interval::M5, 64, 64);
    bencher.counter(ItemsCount::new(candles.len() * 128)).bench(|| {
        std::thread::scope(|scope| {
            let threads = [(); 2].map(|()| scope.spawn(|| backtest(&plan, &candles).trades));
            threads.map(|thread| thread.join().unwrap_or(0))
        })
    });
}

/// Cost grows with the number of candles: as many a second, however many there are.
#[divan::bench(args = [250_000, 1_000_000, 4_000_000], sample_count = 3, sample_size = 1)]
fn grows_with_candles(bencher: divan::Bencher, bars: usize) {
    let candles = walk(sized(bars), Interval::M1, 7);
    let plan = plan("ema_cross", serde_json::json!({ "fast": 1_000, "slow": 2_000 }), Interval::M1, 1);
    bencher.counter(ItemsCount::new(candles.len())).bench(|| backtest(&plan, &candles).trades);
}

/// And with the number of agents.
#[divan::bench(args = [16, 64, 256], sample_count = 3, sample_size = 1)]
fn grows_with_agents(bencher: divan::Bencher, agents: usize) {
    let candles = walk(sized(25_000), Interval::M5, 7);
    let plan = plan_of("expert", serde_json::json!({}), Interval::M5, agents, agents);
    bencher.counter(ItemsCount::new(candles.len() * agents)).bench(|| backtest(&plan, &candles).trades);
}

/// And with the number of fills: here fills are counted, in bars that reverse every 22 or so.
#[divan::bench(args = [250_000, 1_000_000, 4_000_000], sample_count = 3, sample_size = 1)]
fn grows_with_fills(bencher: divan::Bencher, bars: usize) {
    let candles = walk(sized(bars), Interval::M1, 7);
    let plan = plan("ema_cross", serde_json::json!({}), Interval::M1, 1);
    let trades = backtest(&plan, &candles).trades;
    bencher.counter(ItemsCount::new(2 * trades)).bench(|| backtest(&plan, &candles).trades);
}

/// The peers' workload: always in the market, about 45 thousand reversals in a million bars.
#[divan::bench(sample_count = 7, sample_size = 1)]
fn ema_cross_bars(bencher: divan::Bencher) {
    let candles = walk(sized(1_000_000), Interval::M1, 7);
    let plan = plan("ema_cross", serde_json::json!({}), Interval::M1, 1);
    report_once("ema_cross", &backtest(&plan, &candles));
    bencher.counter(ItemsCount::new(candles.len())).bench(|| backtest(&plan, &candles).trades);
}

fn report_once(name: &str, kept: &Kept) {
    let fingerprint = kept.fingerprint.as_ref().map(Fingerprint::finish).unwrap_or_default();
    eprintln!("{name}: {} closed trades, net {} USDT, fingerprint {fingerprint}", kept.trades, kept.net);
}
