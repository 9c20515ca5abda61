//! Hub and rules alone, without positions of their own making: every rule is asked in each stance at every
//! candle. Knows one market; comparing is done elsewhere.

use super::BiasError;
use std::collections::BTreeSet;
use std::sync::Arc;
use swarm_core::engine::{BuildError, Crew, MakeRule, Standing, consult};
use swarm_core::features::{Feature, FeatureSpec, Frame, Hub, Wants};
use swarm_core::model::{
    AgentId, Candle, DAY_MS, Decision, FeatureLine, Plan, PortfolioId, Price, Qty, Rate, Round, Step, SymbolId, Usd,
};
use swarm_core::risk::Supervisor;
use swarm_core::rule::{AccountView, PositionView, Rule, TradeStats, View};

/// Funding rate that rules are shown.
const FUNDING_RATE: Rate = Rate::bps(1);
/// How far the price has moved in favour of a position that rules are shown.
const MOVE_IN_FAVOUR: Rate = Rate::percent(3);

/// What a rule is told about itself.
///
/// Everything besides the features is a function of the candle alone: the portfolio's starting equity, no trades
/// so far, a funding rate of 0.01 %, and for a position: the smallest quantity, opened a day ago at a price that
/// leaves it 3 % in profit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stance {
    /// No position.
    Flat,
    /// A long position.
    Long,
    /// A short position.
    Short,
}

impl Stance {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Flat, Self::Long, Self::Short];

    /// In reports.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Long => "long",
            Self::Short => "short",
        }
    }
}

/// What one rule said; a panic is an answer too.
pub(super) type Said = Result<Decision, String>;

/// A rule in a stance.
struct Seat {
    agent: AgentId,
    stance: Stance,
    rule: Box<dyn Rule>,
    said: Option<Said>,
}

/// A feature that rules look at.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Its place in the frame.
    pub place: usize,
    /// What it is.
    pub spec: FeatureSpec,
    /// Who asked for it.
    pub agents: Vec<AgentId>,
}

/// Hub and rules.
pub(super) struct Bench {
    plan: Arc<Plan>,
    hub: Hub,
    seats: Vec<Seat>,
    accounts: Vec<AccountView>,
}

/// What each agent asks for when asked alone.
pub(super) fn wishes(plan: &Plan, make: &dyn MakeRule) -> Result<Vec<Wants>, BiasError> {
    let wish = |(index, agent): (usize, &swarm_core::model::AgentPlan)| {
        let mut wants = Wants::default();
        let refused = |message| BuildError::Rule { agent: agent.name.clone(), message };
        make.make(AgentId::at(index), &mut wants).map_err(refused)?;
        Ok(wants)
    };
    plan.agents.iter().enumerate().map(wish).collect()
}

/// Every feature of the swarm with its place and the agents behind it.
pub(super) fn watched(plan: &Plan, make: &dyn MakeRule) -> Result<Vec<Watched>, BiasError> {
    let crew = Crew::build(plan, make)?;
    let own: Vec<BTreeSet<String>> = wishes(plan, make)?
        .iter()
        .map(|wants| wants.specs().iter().map(|spec| format!("{spec:?}")).collect())
        .collect();
    let mut watched = Vec::new();
    for (symbol, wants) in crew.wants.iter().enumerate() {
        for (place, spec) in wants.specs().iter().enumerate() {
            let name = format!("{spec:?}");
            let asked = |index: &usize| plan.agents[*index].symbol.index() == symbol && own[*index].contains(&name);
            let agents = (0..own.len()).filter(asked).map(AgentId::at).collect();
            watched.push(Watched { symbol: SymbolId::at(symbol), place, spec: spec.clone(), agents });
        }
    }
    Ok(watched)
}

/// A feature's name as an operator may read it: `Rsi { period: 14 } on 5m`.
pub(super) fn name_of(feature: &Feature) -> String {
    format!("{feature:?}")
}

impl Bench {
    pub(super) fn new(plan: &Arc<Plan>, make: &dyn MakeRule) -> Result<Self, BiasError> {
        let mut seats = Vec::new();
        let mut wants = Vec::new();
        // Rules keep no memory between candles, but one that does must be caught: each stance gets its own.
        for stance in Stance::ALL {
            let crew = Crew::build(plan, make)?;
            wants = crew.wants;
            let seat = |(index, rule)| Seat { agent: AgentId::at(index), stance, rule, said: None };
            seats.extend(crew.rules.into_iter().enumerate().map(seat));
        }
        let hub = Hub::new(plan.base, plan.gaps, &wants).map_err(BuildError::from)?;
        let supervisor = Supervisor::new(Arc::clone(plan));
        let accounts =
            (0..plan.portfolios.len()).map(|index| supervisor.account_view(PortfolioId::at(index))).collect();
        Ok(Self { plan: Arc::clone(plan), hub, seats, accounts })
    }

    /// Closes the candles of a step and asks every rule that has one.
    pub(super) fn step(&mut self, step: &Step) {
        for (index, candle) in step.candles.iter().enumerate() {
            if let Some(candle) = candle {
                self.hub.close(SymbolId::at(index), candle);
            }
        }
        for seat in &mut self.seats {
            let agent = &self.plan.agents[seat.agent.index()];
            let candle = step.candles.get(agent.symbol.index()).and_then(Option::as_ref);
            seat.said = candle.zip(self.hub.frame(agent.symbol)).map(|(candle, frame)| {
                let standing = standing(&self.plan, &self.accounts, seat.agent, seat.stance, candle);
                consult(seat.rule.as_mut(), &self.plan, agent.symbol, frame, &standing, false)
                    .map(|answer| answer.decision)
                    .map_err(|panic| panic.0)
            });
        }
    }

    /// Values by slot, as of the last candle.
    pub(super) fn values(&self, symbol: SymbolId) -> &[f64] {
        self.hub.frame(symbol).map_or(&[], |frame| frame.values())
    }

    /// The features of a symbol as of its last candle.
    pub(super) fn frame(&self, symbol: SymbolId) -> Option<Frame<'_>> {
        self.hub.frame(symbol)
    }

    /// Asks a rule of this bench about another bench's features.
    pub(super) fn ask(&mut self, agent: AgentId, stance: Stance, frame: Frame<'_>, candle: &Candle) -> Said {
        let symbol = self.plan.agents[agent.index()].symbol;
        let standing = standing(&self.plan, &self.accounts, agent, stance, candle);
        match self.seats.iter_mut().find(|seat| seat.agent == agent && seat.stance == stance) {
            Some(seat) => consult(seat.rule.as_mut(), &self.plan, symbol, frame, &standing, false)
                .map(|answer| answer.decision)
                .map_err(|panic| panic.0),
            None => Err("there is no such agent".to_owned()),
        }
    }

    /// Who was asked in which stance at the last step, and the answer.
    pub(super) fn said(&self) -> impl Iterator<Item = (AgentId, Stance, Option<&Said>)> {
        self.seats.iter().map(|seat| (seat.agent, seat.stance, seat.said.as_ref()))
    }

    /// The rule's own account of its last answer: for finding what it saw differently.
    pub(super) fn lines(&self, agent: AgentId, stance: Stance, candle: &Candle) -> Vec<FeatureLine> {
        let symbol = self.plan.agents[agent.index()].symbol;
        let seat = self.seats.iter().find(|seat| seat.agent == agent && seat.stance == stance);
        let Some((seat, frame)) = seat.zip(self.hub.frame(symbol)) else { return Vec::new() };
        let Some(Ok(decision)) = &seat.said else { return Vec::new() };
        let standing = standing(&self.plan, &self.accounts, agent, stance, candle);
        let view = View {
            frame,
            symbol,
            instrument: self.plan.instrument(symbol),
            position: standing.position,
            entry_pending: standing.entry_pending,
            account: standing.account,
            stats: standing.stats,
            funding_rate: standing.funding_rate,
        };
        seat.rule.explain(&view, decision).features
    }
}

fn standing(plan: &Plan, accounts: &[AccountView], agent: AgentId, stance: Stance, candle: &Candle) -> Standing {
    let agent = &plan.agents[agent.index()];
    let smallest = plan.instrument(agent.symbol).min_qty.max(Qty(1));
    let position = match stance {
        Stance::Flat => None,
        Stance::Long => Some((smallest, shifted(candle.close, -MOVE_IN_FAVOUR))),
        Stance::Short => Some((-smallest, shifted(candle.close, MOVE_IN_FAVOUR))),
    };
    let position = position.map(|(qty, entry_price)| PositionView {
        qty,
        entry_price,
        opened_at: candle.open_time.plus(-DAY_MS),
        unrealized_pnl: Usd::from_f64((candle.close - entry_price).to_f64() * qty.to_f64()).unwrap_or(Usd::ZERO),
    });
    Standing {
        position,
        entry_pending: false,
        account: accounts[agent.portfolio.index()],
        stats: TradeStats::default(),
        funding_rate: Some(FUNDING_RATE),
    }
}

/// A price some way from another, and a price still.
fn shifted(price: Price, by: Rate) -> Price {
    let price = price + price.times(by, Round::Nearest);
    if price > Price::ZERO { price } else { Price(1) }
}
