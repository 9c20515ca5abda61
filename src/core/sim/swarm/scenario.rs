//! What a seed stands for: the plan of a swarm, its market, what goes wrong how often, and what operators do.
//! Data only; nothing happens here.

use super::cast::{Cast, FICKLE};
use super::chance::Chance;
use super::rates::Rates;
use crate::delivery::{Differences, Policy};
use crate::engine::RestartPolicy;
use crate::model::{
    AgentId, AgentPlan, CohortId, CohortPlan, DifferenceKind, DifferencePolicy, EntryProtection, ExchangeParams,
    GapPolicy, Instrument, Interval, LeverageBracket, Limits, LossRun, MINUTE_MS, Millis, Mode, NAKED_TIMEOUT_MS,
    OnTrip, Plan, PortfolioId, PortfolioPlan, Price, Qty, Rate, Round, SECOND_MS, StopPolicy, SymbolId, Time, Usd,
};
use crate::sim::{NONCE_WINDOW_MS, Takes};
use std::sync::Arc;

/// Something an operator, or somebody else, does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Stops an agent.
    Stop(AgentId, StopPolicy),
    /// Starts an agent.
    Start(AgentId),
    /// Wants a portfolio flat.
    Flatten(PortfolioId),
    /// Clears whatever breaker is tripped.
    Reset,
    /// Kills the process, which starts again after this long.
    Kill(Millis),
    /// Moves money in or out, in hundredths of the wallet.
    Transfer(PortfolioId, i64),
    /// Trades by hand at the venue, past everything that approves.
    Manual(PortfolioId, SymbolId),
    /// The venue closes part of a position to deleverage another.
    Deleverage(PortfolioId),
}

/// How little of the market orders may trade, so that they fill in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Largest share of what is traded that an account's orders on a contract may trade.
    pub share: Rate,
    /// What the market trades of a contract from mark to mark, on average, in USDT.
    pub traded: Usd,
}

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// As the seed has it: mostly some 60 steps.
    Drawn,
    /// A day of one-minute steps.
    Day,
}

/// One run, before it runs.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its seed.
    pub seed: u64,
    /// The swarm.
    pub plan: Arc<Plan>,
    /// Of every desk.
    pub policy: Policy,
    /// The instant of the first step's beginning.
    pub start: Time,
    /// Steps until agents are asked no more.
    pub steps: u32,
    /// Marks in a step.
    pub marks: u32,
    /// By symbol: the first price, and how far it moves from mark to mark, in millionths.
    pub symbols: Vec<(Price, i64)>,
    /// Executions are told in so many parts.
    pub parts: i64,
    /// Where orders fill in parts; whole where absent.
    pub depth: Option<Depth>,
    /// A new order is not found by its name for this long.
    pub hidden_ms: Millis,
    /// How the venues take strategies, where the plan has entries bring their stops along.
    pub takes: Takes,
    /// Of rules that panic.
    pub restart: RestartPolicy,
    /// What goes wrong.
    pub rates: Rates,
    /// What is done when, after the start.
    pub acts: Vec<(Millis, Act)>,
}

const START: Time = Time(1_790_000_000_000 / MINUTE_MS * MINUTE_MS);

impl Scenario {
    /// The run of a seed.
    pub fn of_seed(seed: u64, cast: &dyn Cast, length: Length) -> Self {
        let mut chance = Chance::new(seed, 0);
        let mut plan = draw_plan(&mut chance, cast, length);
        let steps = match length {
            Length::Day => 1_440,
            Length::Drawn => chance.pick(&[10, 20, 20, 30, 40, 60, 90]),
        };
        let wild = chance.pick(&[1, 1, 2, 4, 10]);
        let symbols = plan
            .instruments
            .iter()
            .map(|of| (Price(of.tick.0 * chance.pick(&[3_000, 50_000, 600_000])), chance.between(80, 400) * wild))
            .collect();
        let span = i64::from(steps) * plan.base.ms();
        let count = chance.pick(&[0, 0, 1, 3, 6]);
        let acts = (0..count).map(|_| (chance.between(0, span), draw_act(&mut chance, &plan))).collect();
        // From a chance of its own: what a seed stood for before there were strategies it still stands for.
        let mut protection = Chance::new(seed, 4);
        if protection.happens(4_000) {
            plan.entry_protection = EntryProtection::Strategy;
        }
        let mut later = Chance::new(seed, 5);
        plan.max_mark_jump = Some(Rate::percent(later.pick(&[5, 10, 10, 20])));
        plan.naked_timeout_ms = later.pick(&[SECOND_MS, NAKED_TIMEOUT_MS, NAKED_TIMEOUT_MS, 10 * SECOND_MS]);
        if later.happens(4_000) {
            tighten(&mut plan);
        }
        let takes = protection.pick(&[
            Takes::Strategies,
            Takes::Strategies,
            Takes::Strategies,
            Takes::WithoutStops,
            Takes::Failing,
            Takes::Refusing,
        ]);
        // Likewise: before there were parts.
        let mut parts = Chance::new(seed, 6);
        let depth = parts.happens(4_000).then(|| {
            let percent = parts.pick(&[1, 5, 20]);
            // A few steps of the dearest contract at least: less would be a market in which nothing ever trades.
            let tradable = parts.pick(&[150, 500, 500, 2_000, 2_000, 10_000]);
            Depth { share: Rate::percent(percent), traded: Usd::whole(tradable * 100 / percent) }
        });
        plan.exchange.participation = depth.map(|depth| depth.share);
        Self {
            takes,
            depth,
            seed,
            policy: Policy {
                nonce_window_ms: NONCE_WINDOW_MS,
                balance_tolerance: Usd::ZERO,
                noop_settles_ms: chance.happens(7_000).then_some(5 * SECOND_MS),
                expects_stop: chance.happens(5_000),
                differences: closing_what_others_made(),
                ..Policy::default()
            },
            start: START,
            steps,
            marks: chance.pick(&[4, 4, 12]),
            symbols,
            parts: chance.pick(&[1, 2, 3]),
            hidden_ms: chance.pick(&[0, 0, 700]),
            restart: RestartPolicy {
                max_restarts: 3,
                window_ms: 60 * MINUTE_MS,
                back_off_ms: MINUTE_MS,
                max_back_off_ms: 10 * MINUTE_MS,
            },
            rates: Rates::draw(&mut Chance::new(seed, 1)),
            acts,
            plan: Arc::new(plan),
        }
    }

    /// The same with entries that leave alone, whatever the seed has.
    pub fn with_single_orders(mut self) -> Self {
        Arc::make_mut(&mut self.plan).entry_protection = EntryProtection::Single;
        self
    }

    /// The same with orders that fill whole, whatever the seed has.
    pub fn with_whole_fills(mut self) -> Self {
        self.depth = None;
        Arc::make_mut(&mut self.plan).exchange.participation = None;
        self
    }

    /// When agents are asked for the last time.
    pub fn end(&self) -> Time {
        self.start.plus(i64::from(self.steps) * self.plan.base.ms())
    }
}

/// Breakers that a market as quiet as most trips, too.
fn tighten(plan: &mut Plan) {
    let portfolios = plan.portfolios.iter_mut().map(|portfolio| &mut portfolio.limits);
    let agents = plan.agents.iter_mut().map(|agent| &mut agent.limits);
    for limits in portfolios.chain(agents).chain([&mut plan.limits]) {
        limits.max_drawdown = limits.max_drawdown.map(|limit| limit.times(Rate::percent(4), Round::Up));
    }
}

/// Draws what an operator does.
pub(super) fn draw_act(chance: &mut Chance, plan: &Plan) -> Act {
    let agent = AgentId::at(chance.below(plan.agents.len() as u64) as usize);
    let portfolio = PortfolioId::at(chance.below(plan.portfolios.len() as u64) as usize);
    let symbol = SymbolId::at(chance.below(plan.instruments.len() as u64) as usize);
    match chance.below(9) {
        0 => Act::Stop(agent, StopPolicy::Keep),
        1 => Act::Stop(agent, StopPolicy::Close),
        2 => Act::Start(agent),
        3 => Act::Flatten(portfolio),
        4 => Act::Reset,
        5 => Act::Kill(chance.some_of(30 * SECOND_MS)),
        6 => Act::Transfer(portfolio, chance.between(-20, 20)),
        7 => Act::Manual(portfolio, symbol),
        _ => Act::Deleverage(portfolio),
    }
}

fn draw_plan(chance: &mut Chance, cast: &dyn Cast, length: Length) -> Plan {
    let symbols = chance.between(1, 4) as usize;
    let portfolios = chance.pick(&[1, 1, 2, 3]);
    let agents = chance.between(portfolios as i64, portfolios as i64 + 4) as usize;
    let base =
        if length == Length::Drawn { chance.pick(&[Interval::M1, Interval::M1, Interval::M5]) } else { Interval::M1 };
    let portfolio = |index: usize, chance: &mut Chance| PortfolioPlan {
        name: format!("account{index}"),
        equity: Usd::whole(chance.pick(&[300, 10_000, 250_000])),
        limits: draw_limits(chance),
        breaker_samples: chance.between(1, 3) as u32,
        on_trip: chance.pick(&[OnTrip::Halt, OnTrip::Flatten]),
        require_stop: chance.happens(5_000),
    };
    let agent = |index: usize, chance: &mut Chance| {
        let part = (chance.happens(3_000) && !cast.parts().is_empty())
            .then(|| &cast.parts()[chance.below(cast.parts().len() as u64) as usize]);
        let portfolio = index % portfolios;
        AgentPlan {
            name: format!("agent{index}"),
            cohort: CohortId::at(portfolio),
            portfolio: PortfolioId::at(portfolio),
            symbol: SymbolId::at(chance.below(symbols as u64) as usize),
            rule: part.map_or_else(|| FICKLE.to_owned(), |part| part.rule.clone()),
            params: part.map_or_else(|| Arc::new(serde_json::Value::Null), |part| Arc::clone(&part.params)),
            limits: if chance.happens(3_000) { draw_limits(chance) } else { Limits::default() },
        }
    };
    Plan {
        name: "simulated".into(),
        mode: Mode::Live,
        base,
        intervals: vec![base],
        gaps: chance.pick(&[GapPolicy::Reset, GapPolicy::Carry]),
        instruments: (0..symbols).map(|index| draw_instrument(index, chance)).collect(),
        exchange: ExchangeParams {
            impact: Rate::ZERO,
            isolated_margin: chance.happens(2_000),
            ..ExchangeParams::default()
        },
        limits: draw_limits(chance),
        portfolios: (0..portfolios).map(|index| portfolio(index, chance)).collect(),
        cohorts: (0..portfolios)
            .map(|index| CohortPlan { name: format!("cohort{index}"), portfolio: PortfolioId::at(index) })
            .collect(),
        agents: (0..agents).map(|index| agent(index, chance)).collect(),
        experiment: None,
        entry_protection: EntryProtection::Single,
        max_mark_jump: None,
        naked_timeout_ms: NAKED_TIMEOUT_MS,
    }
}

fn draw_limits(chance: &mut Chance) -> Limits {
    let mut maybe = |low: i64, high: i64| chance.happens(4_000).then(|| chance.between(low, high));
    Limits {
        max_positions: maybe(1, 4).map(|count| count as u32),
        max_leverage: maybe(1, 8).map(Rate::whole),
        max_drawdown: maybe(1, 25).map(Rate::percent),
        daily_loss: maybe(1, 15).map(Rate::percent),
        loss_run: maybe(2, 5).map(|losses| LossRun { losses: losses as u32, cool_down_ms: 10 * MINUTE_MS }),
        max_notional: maybe(100, 50_000).map(Usd::whole),
        entries_per_minute: maybe(1, 4).map(|count| count as u32),
        price_collar: maybe(1, 5).map(Rate::percent),
        max_data_age_ms: maybe(5, 120).map(|seconds| seconds * SECOND_MS),
    }
}

fn draw_instrument(index: usize, chance: &mut Chance) -> Instrument {
    let (tick, step) = chance.pick(&[("0.1", "0.001"), ("0.01", "0.01"), ("0.001", "1")]);
    let step: Qty = step.parse().expect("invariant: a plain number");
    let max_market_qty = chance.pick(&[Qty(step.0 * 100), Qty::whole(500_000)]);
    Instrument {
        symbol: format!("SIM{index}USDT"),
        tick: tick.parse().expect("invariant: a plain number"),
        step,
        min_qty: step,
        max_qty: Qty(max_market_qty.0 * 3),
        max_market_qty,
        min_notional: Usd::whole(5),
        price_band: Rate::percent(10),
        market_take_bound: Rate::percent(5),
        liquidation_fee: Rate::bps(100),
        max_open_orders: 200,
        brackets: vec![
            LeverageBracket {
                notional_cap: Usd::whole(50_000),
                max_leverage: 20,
                maintenance_rate: Rate::percent(1),
                maintenance_amount: Usd::ZERO,
            },
            LeverageBracket {
                notional_cap: Usd::whole(5_000_000),
                max_leverage: 5,
                maintenance_rate: Rate::percent(2),
                maintenance_amount: Usd::whole(500),
            },
        ],
    }
}

/// Whatever goes wrong is to be mended without a person: nobody is there to look.
fn closing_what_others_made() -> Differences {
    let mut differences = Differences::default();
    for kind in [DifferenceKind::UnknownOrder, DifferenceKind::UnknownPosition] {
        differences.set(kind, DifferencePolicy::Close).expect("invariant: both can be met so");
    }
    differences
}
