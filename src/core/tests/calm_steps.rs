//! Passing steps in which nothing happens makes no difference: every fact, the supervisor and the
//! accounts are the same as when each path is walked. Checked with a rule that trades at random, with
//! every kind of exit, on several accounts and symbols, with holes and funding.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;
use swarm_core::engine::{Engine, EngineOptions, Sink};
use swarm_core::exchange::Exchange;
use swarm_core::features::Wants;
use swarm_core::model::*;
use swarm_core::risk::Supervisor;
use swarm_core::rule::{Rule, View};

/// Opens, turns and leaves at random; the same for the same seed and time.
struct Gambler(u64);

impl Gambler {
    fn entry(random: &mut ChaCha8Rng, price: Price) -> Entry {
        let side = if random.random() { Side::Buy } else { Side::Sell };
        let share = |random: &mut ChaCha8Rng, from: i64, to: i64| Rate::bps(random.random_range(from..to));
        let away = price.times(share(random, 1, 30), Round::Nearest);
        let limit = if side == Side::Buy { price - away } else { price + away };
        let distance = price.times(share(random, 20, 300), Round::Nearest);
        let from = share(random, 10, 100);
        let break_even =
            random.random::<bool>().then(|| BreakEven { from, to: Rate(from.0 / random.random_range(2..9)) });
        let trail = random.random::<bool>().then(|| Trail {
            from: share(random, 1, 150),
            distance: price.times(share(random, 5, 100), Round::Nearest),
            max_distance: share(random, 5, 150),
        });
        let nearest = share(random, 20, 150);
        let targets = [(nearest, 40), (nearest + share(random, 1, 100), 30)]
            .map(|(at, percent)| TargetPlan { at, fraction: Rate::percent(percent) });
        Entry {
            side,
            size: Size::Notional(Usd::whole(random.random_range(100..8_000))),
            leverage: Rate::whole(random.random_range(1..6)),
            order: match random.random_range(0..4) {
                3 => EntryOrder::LimitThenMarket { price: limit, post_only: true, expire_after_ms: 20 * MINUTE_MS },
                0 => EntryOrder::Limit { price: limit, post_only: random.random(), expire_after_ms: 20 * MINUTE_MS },
                _ => EntryOrder::Market,
            },
            exits: ExitPlan {
                stop: Some(StopPlan { distance, break_even, trail }),
                targets: if random.random() { targets.to_vec() } else { Vec::new() },
                max_holding_ms: random.random::<bool>().then_some(6 * HOUR_MS),
            },
        }
    }
}

impl Rule for Gambler {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        let mut random = ChaCha8Rng::seed_from_u64(self.0 ^ view.frame.now.0.unsigned_abs());
        let chance: f64 = random.random();
        let wish = match view.position {
            None if chance < 0.05 => IntentKind::Open(Self::entry(&mut random, view.frame.candle.close)),
            Some(_) if chance < 0.01 => IntentKind::Reverse(Self::entry(&mut random, view.frame.candle.close)),
            Some(_) if chance < 0.02 => IntentKind::Close { reason: ExitReason::Signal },
            _ => return Decision::hold(0.0, 0.0),
        };
        let action = if matches!(wish, IntentKind::Close { .. }) { Action::Exit } else { Action::Long };
        Decision { action, confidence: 50.0, target_score: 0.0, proposal: Some(Box::new(wish)) }
    }
    fn explain(&self, _: &View<'_>, _: &Decision) -> Explanation {
        Explanation { reason: "chance".into(), ..Explanation::default() }
    }
}

fn plan(seed: u64, max_drawdown: Rate, on_trip: OnTrip, exchange: ExchangeParams) -> Plan {
    let instrument = |symbol: &str, tick: i64| Instrument {
        symbol: symbol.into(),
        tick: Price(tick),
        step: Qty(100_000),
        min_qty: Qty(100_000),
        max_qty: Qty::whole(10_000),
        max_market_qty: Qty::whole(10_000),
        min_notional: Usd::whole(5),
        price_band: Rate::percent(5),
        market_take_bound: Rate::percent(5),
        liquidation_fee: Rate::percent(1),
        max_open_orders: 100,
        brackets: vec![LeverageBracket {
            notional_cap: Usd::whole(1_000_000),
            max_leverage: 20,
            maintenance_rate: Rate::percent(1),
            maintenance_amount: Usd::ZERO,
        }],
    };
    let limits = Limits { max_drawdown: Some(max_drawdown), ..Limits::default() };
    let portfolio = |index: usize| PortfolioPlan {
        name: format!("portfolio-{index}"),
        equity: Usd::whole(10_000),
        limits: limits.clone(),
        breaker_samples: 2,
        on_trip,
        require_stop: true,
    };
    let agent = |index: usize| AgentPlan {
        name: format!("agent-{index}"),
        cohort: CohortId::at(index % 2),
        portfolio: PortfolioId::at(index % 2),
        symbol: SymbolId::at(index / 2),
        rule: "gambler".into(),
        params: std::sync::Arc::new(serde_json::Value::Null),
        // One of them with a breaker of its own.
        limits: if index == 2 { limits.clone() } else { Limits::default() },
    };
    Plan {
        name: format!("seed-{seed}"),
        mode: Mode::Backtest,
        base: Interval::M5,
        intervals: vec![Interval::M5],
        gaps: GapPolicy::Reset,
        instruments: vec![instrument("AUSDT", 1_000_000), instrument("BUSDT", 10_000)],
        exchange,
        limits: Limits::default(),
        portfolios: (0..2).map(portfolio).collect(),
        cohorts: (0..2)
            .map(|index| CohortPlan { name: format!("cohort-{index}"), portfolio: PortfolioId::at(index) })
            .collect(),
        agents: (0..4).map(agent).collect(),
        experiment: None,
    }
}

/// Two walks, now and then quiet, with a hole here and there and funding every eight hours.
fn steps(seed: u64, count: usize) -> Vec<Step> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut prices = [20_000.0f64, 150.0];
    let start = 1_698_796_800_000;
    (0..count)
        .map(|index| {
            let open_time = Time(start + index as i64 * Interval::M5.ms());
            let wild = if (index / 200) % 2 == 0 { 0.002 } else { 0.000_3 };
            let mut candles = Vec::new();
            for (price, tick) in prices.iter_mut().zip([1_000_000i64, 10_000]) {
                let mut moved = |base: f64| base * (1.0 + wild * (random.random::<f64>() - 0.5));
                let snap = |value: f64| Price((value * 1e8) as i64).snap(Price(tick), Round::Nearest);
                let (open, close) = (*price, moved(*price));
                let (a, b) = (moved(open), moved(close));
                let all = [open, close, a, b].map(snap);
                *price = close;
                let candle = Candle {
                    open_time,
                    open: all[0],
                    high: all.into_iter().max().unwrap(),
                    low: all.into_iter().min().unwrap(),
                    close: all[1],
                    volume: 50.0,
                };
                candles.push((random.random::<f64>() > 0.01).then_some(candle));
            }
            let due = open_time.0 % (8 * HOUR_MS) == 0;
            let funding = (0..2).filter(|_| due).map(|symbol| FundingDue {
                symbol: SymbolId(symbol),
                at: open_time,
                rate: Rate::bps(1),
            });
            Step { close_time: open_time.plus(Interval::M5.ms()), candles, funding: funding.collect() }
        })
        .collect()
}

#[derive(Default)]
struct Told {
    facts: Vec<Fact>,
    equities: Vec<Usd>,
}

impl Sink for Told {
    fn fact(&mut self, fact: &Fact) {
        self.facts.push(fact.clone());
    }
    fn step_end(&mut self, _: &Step, supervisor: &Supervisor) {
        self.equities.push(supervisor.swarm_equity());
    }
}

fn run(plan: &Arc<Plan>, seed: u64, steps: &[Step], walks_always: bool) -> (Told, Supervisor, Vec<Exchange>) {
    let make = |agent: AgentId, _: &mut Wants| -> Result<Box<dyn Rule>, String> {
        Ok(Box::new(Gambler(seed.wrapping_mul(31).wrapping_add(u64::from(agent.0)))))
    };
    let mut engine = Engine::new(Arc::clone(plan), make, EngineOptions::default()).unwrap();
    if walks_always {
        engine = engine.walk_always();
    }
    let mut told = Told::default();
    steps.iter().for_each(|step| engine.step(step, &mut told));
    let exchanges = (0..plan.portfolios.len()).map(|index| engine.exchange(PortfolioId::at(index)).clone());
    let exchanges = exchanges.collect();
    (told, engine.supervisor().clone(), exchanges)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn passing_calm_steps_is_walking_them(
        seed in any::<u64>(), drawdown in 1i64..20, flatten in any::<bool>(), isolated in any::<bool>(), latency in 0i64..2_000,
    ) {
        let on_trip = if flatten { OnTrip::Flatten } else { OnTrip::Halt };
        let exchange = ExchangeParams { isolated_margin: isolated, latency_ms: latency, ..ExchangeParams::default() };
        let plan = Arc::new(plan(seed, Rate::percent(drawdown), on_trip, exchange));
        let steps = steps(seed, 800);
        let (walked, walked_supervisor, walked_exchanges) = run(&plan, seed, &steps, true);
        let (passed, supervisor, exchanges) = run(&plan, seed, &steps, false);
        prop_assert!(walked.facts.iter().any(|fact| matches!(fact, Fact::Order { .. })), "somebody trades");
        let difference = walked.facts.iter().zip(&passed.facts).find(|(a, b)| a != b);
        prop_assert_eq!(difference, None);
        prop_assert_eq!(walked.facts.len(), passed.facts.len());
        prop_assert_eq!(walked.equities, passed.equities);
        prop_assert!(walked_supervisor == supervisor);
        prop_assert!(walked_exchanges == exchanges);
    }
}
