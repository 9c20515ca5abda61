//! Passing steps in which nothing happens makes no difference, one by one or in stretches: every fact, the
//! supervisor and the accounts are the same as when each path is walked. Checked with a rule that trades
//! at random, with every kind of exit, on several accounts and symbols, with holes and funding.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::Arc;
use swarm_core::engine::{Engine, EngineOptions, Sink};
use swarm_core::exchange::Exchange;
use swarm_core::experiment::Tracker;
use swarm_core::features::{Frame, Wants};
use swarm_core::ledger::Trade;
use swarm_core::model::*;
use swarm_core::risk::Supervisor;
use swarm_core::rule::{Rule, View};

/// Opens, turns and leaves at random; the same for the same seed and time. The second number makes it rarer.
struct Gambler(u64, f64);

impl Gambler {
    fn random(&self, now: Time) -> (ChaCha8Rng, f64) {
        let mut random = ChaCha8Rng::seed_from_u64(self.0 ^ now.0.unsigned_abs());
        let chance = random.random::<f64>() * self.1;
        (random, chance)
    }

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

/// The same with a far stop and nothing else to leave by: there is nothing to do for long.
fn patient(mut wish: IntentKind) -> IntentKind {
    if let IntentKind::Open(entry) | IntentKind::Reverse(entry) = &mut wish {
        let stop = entry.exits.stop.map(|stop| StopPlan {
            distance: Price(stop.distance.0 * 8),
            break_even: None,
            trail: None,
        });
        entry.exits = ExitPlan { stop, ..ExitPlan::default() };
        entry.order = EntryOrder::Market;
    }
    wish
}

impl Rule for Gambler {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        let (mut random, chance) = self.random(view.frame.now);
        let wish = match view.position {
            None if chance < 0.05 => IntentKind::Open(Self::entry(&mut random, view.frame.candle.close)),
            Some(_) if chance < 0.01 => IntentKind::Reverse(Self::entry(&mut random, view.frame.candle.close)),
            Some(_) if chance < 0.02 => IntentKind::Close { reason: ExitReason::Signal },
            _ => return Decision::hold(0.0, 0.0),
        };
        let wish = if self.1 > 10.0 { patient(wish) } else { wish };
        let action = if matches!(wish, IntentKind::Close { .. }) { Action::Exit } else { Action::Long };
        Decision { action, confidence: 50.0, target_score: 0.0, proposal: Some(Box::new(wish)) }
    }
    fn explain(&self, _: &View<'_>, _: &Decision) -> Explanation {
        Explanation { reason: "chance".into(), ..Explanation::default() }
    }
    fn may_act(&self, frame: &Frame<'_>, held: Option<Side>) -> bool {
        self.random(frame.now).1 < if held.is_some() { 0.02 } else { 0.05 }
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
        entry_protection: EntryProtection::Single,
        max_mark_jump: None,
        naked_timeout_ms: swarm_core::model::NAKED_TIMEOUT_MS,
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

/// How a run goes through its steps.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// Every path is walked.
    Walking,
    /// Calm steps are passed, one at a time.
    Stepping,
    /// Calm steps are passed in stretches, with a look at each.
    Watching,
    /// Likewise, without.
    Gliding,
}

struct Told {
    way: Way,
    facts: Vec<Fact>,
    equities: Vec<Usd>,
    decisions: Vec<u32>,
    /// What a report is made of.
    tracker: Tracker,
}

impl Sink for Told {
    fn fact(&mut self, fact: &Fact) {
        self.facts.push(fact.clone());
        self.tracker.fact(fact);
    }
    fn trade(&mut self, trade: &Trade) {
        self.tracker.trade(trade);
    }
    fn decided(&mut self, agent: AgentId) {
        self.decisions[agent.index()] += 1;
        self.tracker.decided(agent);
    }
    fn step_end(&mut self, step: &Step, supervisor: &Supervisor) {
        self.equities.push(supervisor.swarm_equity());
        self.tracker.step_end(step, supervisor);
    }
    fn watches(&self) -> bool {
        self.way != Way::Gliding
    }
    fn passed(&mut self, passed: &Passed<'_>, supervisor: &Supervisor) {
        self.facts.extend(passed.close_times().iter().map(|at| Fact::StepEnd { at: *at }));
        passed.decided.iter().for_each(|agent| self.decisions[agent.index()] += passed.steps() as u32);
        self.tracker.passed(passed, supervisor);
    }
}

struct Outcome {
    told: Told,
    supervisor: Supervisor,
    exchanges: Vec<Exchange>,
}

fn run(plan: &Arc<Plan>, seed: u64, rarity: f64, steps: &[Step], way: Way) -> Outcome {
    let make = |agent: AgentId, _: &mut Wants| -> Result<Box<dyn Rule>, String> {
        Ok(Box::new(Gambler(seed.wrapping_mul(31).wrapping_add(u64::from(agent.0)), rarity)))
    };
    let mut engine = Engine::new(Arc::clone(plan), make, EngineOptions::default()).unwrap();
    let decisions = vec![0; plan.agents.len()];
    let tracker = Tracker::new(Arc::clone(plan));
    let mut told = Told { way, facts: Vec::new(), equities: Vec::new(), decisions, tracker };
    match way {
        Way::Walking => {
            engine = engine.walk_always();
            steps.iter().for_each(|step| engine.step(step, &mut told));
        }
        Way::Stepping => steps.iter().for_each(|step| engine.step(step, &mut told)),
        Way::Watching | Way::Gliding => assert!(engine.run(&mut Vec::from(steps).into_iter(), &mut told, |_| true)),
    }
    let exchanges = (0..plan.portfolios.len()).map(|index| engine.exchange(PortfolioId::at(index)).clone());
    let exchanges = exchanges.collect();
    Outcome { told, supervisor: engine.supervisor().clone(), exchanges }
}

/// Of 50 a candle: from a hundredth of an order to a few.
fn scarcity() -> impl Strategy<Value = Rate> {
    prop::sample::select(vec![Rate::percent(1), Rate::percent(10), Rate::percent(50)])
}

/// What fills do to the money of an account and to the holding of each symbol.
fn settle(holdings: &mut [Holding], wallet: &mut Usd, event: &VenueEvent) {
    match event {
        VenueEvent::Order { symbol, kind: ReportKind::Filled { fill, .. }, .. }
        | VenueEvent::Liquidation { symbol, fill, .. } => {
            *wallet += holdings[symbol.index()].apply(fill.side, fill.qty, fill.price) - fill.fee;
        }
        VenueEvent::Funding { amount, .. } | VenueEvent::Transfer { amount, .. } => *wallet += *amount,
        VenueEvent::Order { .. } => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn where_orders_fill_in_parts_money_adds_up_and_nothing_is_more_than_was_approved(
        seed in any::<u64>(), flatten in any::<bool>(), latency in 0i64..2_000, participation in scarcity(),
    ) {
        let on_trip = if flatten { OnTrip::Flatten } else { OnTrip::Halt };
        let exchange = ExchangeParams { latency_ms: latency, participation: Some(participation), ..ExchangeParams::default() };
        let plan = Arc::new(plan(seed, Rate::percent(10), on_trip, exchange));
        let outcome = run(&plan, seed, 1.0, &steps(seed, 800), Way::Stepping);
        let mut orders: BTreeMap<OrderId, (Order, Qty)> = BTreeMap::new();
        let mut accounts = [([Holding::FLAT; 2], Usd::whole(10_000)); 2];
        let mut parts = 0;
        for fact in &outcome.told.facts {
            match fact {
                Fact::Order { order, .. } => {
                    orders.insert(order.id, (order.clone(), Qty::ZERO));
                }
                Fact::Venue { portfolio, event } => {
                    let (holdings, wallet) = &mut accounts[portfolio.index()];
                    settle(holdings, wallet, event);
                    let VenueEvent::Order { id, symbol, kind: ReportKind::Filled { fill, leaves }, .. } = event else { continue };
                    parts += usize::from(!leaves.is_zero());
                    let (order, filled) = orders.get_mut(id).expect("an approved order");
                    *filled += fill.qty;
                    prop_assert!(order.close_position || *filled + *leaves <= order.qty, "{:?} filled {}", order, filled);
                    // All that its entry was approved for, and what came of it never turns by an exit. What is on the
                    // other side is the rest of the position before, which a reversal has not closed yet.
                    let entry = orders.values().map(|(other, _)| other).find(|other| {
                        other.id.intent == id.intent && other.purpose == Purpose::Entry && other.id.leg == 0
                    });
                    let holding = holdings[symbol.index()].qty;
                    if let Some(entry) = entry && Side::of(holding) == entry.side {
                        prop_assert!(holding.abs() <= entry.qty, "{} held, {} approved", holding, entry.qty);
                    }
                }
                _ => {}
            }
        }
        prop_assert!(parts > 0, "some orders fill in parts");
        for (index, (holdings, wallet)) in accounts.iter().enumerate() {
            let exchange = &outcome.exchanges[index];
            prop_assert_eq!(exchange.wallet(), *wallet);
            for symbol in [SymbolId(0), SymbolId(1)] {
                let held = exchange.position(symbol).map_or(Qty::ZERO, |position| position.holding.qty);
                prop_assert_eq!(held, holdings[symbol.index()].qty);
                // Its agent is the only one of that symbol there.
                let agent = AgentId::at(symbol.index() * 2 + index);
                prop_assert_eq!(held, outcome.supervisor.position_view(agent).map_or(Qty::ZERO, |view| view.qty));
                let mut exits = exchange.open_orders().filter(|open| {
                    open.order.symbol == symbol && (open.order.reduce_only || open.order.close_position)
                });
                let closes = |open: &swarm_core::exchange::OpenOrder| {
                    open.order.close_position || open.leaves == held.abs()
                };
                // Or it is being closed, and the candle had no buyer left: then the next order to is on its way.
                let mut positions = outcome.supervisor.positions(PortfolioId::at(index));
                let closing = positions.find(|one| one.symbol == symbol && one.closing.is_some());
                let is_on_its_way = closing.is_some_and(|one| {
                    let of_it = orders.values().map(|(order, _)| order).filter(|order| order.id.intent == one.intent);
                    let last = of_it.max_by_key(|order| order.id.leg);
                    last.is_some_and(|last| last.kind == OrderKind::Market && last.reduce_only && last.qty == held.abs())
                });
                prop_assert!(held.is_zero() || is_on_its_way || exits.any(closes), "no exit of the size of {}", held);
            }
        }
    }
    #[test]
    fn passing_calm_steps_is_walking_them(
        seed in any::<u64>(), drawdown in 1i64..20, flatten in any::<bool>(), isolated in any::<bool>(),
        latency in 0i64..2_000, rarity in prop::sample::select(vec![1.0, 4.0, 20.0]),
        participation in prop::option::weighted(0.4, scarcity()),
    ) {
        let on_trip = if flatten { OnTrip::Flatten } else { OnTrip::Halt };
        let exchange =
            ExchangeParams { isolated_margin: isolated, latency_ms: latency, participation, ..ExchangeParams::default() };
        let plan = Arc::new(plan(seed, Rate::percent(drawdown), on_trip, exchange));
        let steps = steps(seed, 800);
        let walked = run(&plan, seed, rarity, &steps, Way::Walking);
        prop_assert!(walked.told.facts.iter().any(|fact| matches!(fact, Fact::Order { .. })), "somebody trades");
        for way in [Way::Stepping, Way::Watching, Way::Gliding] {
            let passed = run(&plan, seed, rarity, &steps, way);
            let difference = walked.told.facts.iter().zip(&passed.told.facts).find(|(a, b)| a != b);
            prop_assert_eq!(difference, None, "{:?}", way);
            prop_assert_eq!(walked.told.facts.len(), passed.told.facts.len());
            prop_assert_eq!(&walked.told.decisions, &passed.told.decisions);
            if way != Way::Gliding {
                prop_assert_eq!(&walked.told.equities, &passed.told.equities, "{:?}", way);
            }
            prop_assert!(walked.told.tracker.save() == passed.told.tracker.save(), "{:?}", way);
            prop_assert!(walked.supervisor == passed.supervisor, "{:?}", way);
            prop_assert!(walked.exchanges == passed.exchanges, "{:?}", way);
        }
    }
}
