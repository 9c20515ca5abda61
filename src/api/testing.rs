//! A made-up plan and a director that answers from a made-up snapshot, behind the real server on a
//! loopback port.

use super::{ApiServer, ApiState, Token, serve};
use crate::control::{
    AgentAct, AgentState, AgentStatus, CohortStatus, Control, ControlError, DecisionView, DifferenceView, OrderStatus,
    PortfolioDifferences, PortfolioStatus, PositionStatus, Request, Snapshot,
};
use crate::telemetry::Metrics;
use std::sync::{Arc, Mutex};
use swarm_core::experiment::Comparison;
use swarm_core::model::{
    Action, AgentId, AgentPlan, BreakerScope, CohortId, CohortPlan, Decision, DecisionRecord, EntryProtection,
    ExchangeParams, ExitReason, Explanation, FeatureLine, GapPolicy, Instrument, IntentKind, Interval, LeverageBracket,
    Limits, Mode, OnTrip, OrderKind, Plan, PortfolioId, PortfolioPlan, Price, Purpose, Qty, Rate, Side, StopPolicy,
    SymbolId, Time, TimeInForce, Usd,
};
use tokio::sync::mpsc;

/// The token of every server here.
pub(crate) const TOKEN: &str = "0123456789abcdef";

fn instrument(symbol: &str) -> Instrument {
    Instrument {
        symbol: symbol.into(),
        tick: "0.1".parse().unwrap(),
        step: "0.001".parse().unwrap(),
        min_qty: "0.001".parse().unwrap(),
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

/// Two portfolios with a cohort each, two agents in each cohort.
pub(crate) fn plan() -> Plan {
    let names = ["control", "expert"];
    let symbols = ["BTCUSDT", "ETHUSDT"];
    let agents = (0..4u16).map(|index| {
        let (cohort, symbol) = (index / 2, index % 2);
        AgentPlan {
            name: format!("{}-{}", names[usize::from(cohort)], symbols[usize::from(symbol)].to_lowercase()),
            cohort: CohortId(cohort),
            portfolio: PortfolioId(cohort),
            symbol: SymbolId(symbol),
            rule: names[usize::from(cohort)].into(),
            params: std::sync::Arc::new(serde_json::Value::Null),
            limits: Limits::default(),
        }
    });
    let portfolio = |name: &&str| PortfolioPlan {
        name: (*name).into(),
        equity: Usd::whole(10_000),
        limits: Limits { max_drawdown: Some(Rate::percent(15)), ..Limits::default() },
        breaker_samples: 2,
        on_trip: OnTrip::Halt,
        require_stop: true,
    };
    let cohorts = names.iter().zip(0u16..);
    Plan {
        name: "control-vs-expert".into(),
        mode: Mode::Paper,
        base: Interval::M5,
        intervals: vec![Interval::M5],
        gaps: GapPolicy::Reset,
        instruments: symbols.map(instrument).into(),
        exchange: ExchangeParams::default(),
        limits: Limits::default(),
        portfolios: names.iter().map(portfolio).collect(),
        cohorts: cohorts.map(|(n, id)| CohortPlan { name: (*n).into(), portfolio: PortfolioId(id) }).collect(),
        agents: agents.collect(),
        experiment: None,
        entry_protection: EntryProtection::Single,
        max_mark_jump: None,
        naked_timeout_ms: swarm_core::model::NAKED_TIMEOUT_MS,
    }
}

fn agent(plan: &AgentPlan, symbol: &str, cohort: &str) -> AgentStatus {
    AgentStatus {
        name: plan.name.clone(),
        cohort: cohort.into(),
        portfolio: cohort.into(),
        symbol: symbol.into(),
        rule: plan.rule.clone(),
        state: AgentState::Running,
        restarts: 1,
        decisions: 240,
        confidence: 71.25,
        target_score: -0.5,
        last_action: Some(Action::Short),
        wins: 3,
        losses: 2,
        realized_pnl: "12.5".parse().unwrap(),
        unrealized_pnl: "-3.25".parse().unwrap(),
        position_notional: Usd::whole(-1_500),
        last_error: None,
    }
}

fn portfolio(name: &str) -> PortfolioStatus {
    PortfolioStatus {
        name: name.into(),
        equity: "9650.75".parse().unwrap(),
        start_equity: Usd::whole(10_000),
        peak_equity: Usd::whole(10_200),
        drawdown: "0.0538".parse().unwrap(),
        leverage: "1.55".parse().unwrap(),
        open_positions: 1,
        reserved_notional: Usd::whole(700),
        breaker_tripped: false,
        breaker_tripped_at: None,
        entries_gated: false,
        halted: None,
        strategies_refused: Vec::new(),
        refusals: [("daily_loss".to_owned(), 4)].into(),
    }
}

fn position(portfolio: &str) -> PositionStatus {
    PositionStatus {
        portfolio: portfolio.into(),
        symbol: "BTCUSDT".into(),
        agent: format!("{portfolio}-btcusdt"),
        qty: "-0.025".parse().unwrap(),
        entry_price: Price::whole(60_000),
        mark_price: Price::whole(60_130),
        unconfirmed_mark_price: (portfolio == "expert").then(|| Price::whole(30_000)),
        unrealized_pnl: "-3.25".parse().unwrap(),
        stop_price: (portfolio == "expert").then(|| Price::whole(61_200)),
        target_prices: vec![Price::whole(59_000), Price::whole(58_000)],
        opened_at: Time(1_699_990_000_000),
    }
}

fn order(kind: OrderKind, purpose: Purpose) -> OrderStatus {
    OrderStatus {
        id: "2-7-1".into(),
        portfolio: "expert".into(),
        symbol: "BTCUSDT".into(),
        agent: "expert-btcusdt".into(),
        side: Side::Buy,
        kind,
        leaves_qty: "0.025".parse().unwrap(),
        purpose,
        accepted: true,
    }
}

/// The swarm of [`plan`] in the middle of its life; the expert's breaker is tripped.
pub(crate) fn snapshot() -> Snapshot {
    let plan = plan();
    let names = ["control", "expert"];
    let cohort = |name: &str| CohortStatus {
        name: name.into(),
        portfolio: name.into(),
        agents: 2,
        running: 2,
        wins: 6,
        losses: 4,
        realized_pnl: Usd::whole(25),
        unrealized_pnl: "-6.5".parse().unwrap(),
    };
    let agents = plan
        .agents
        .iter()
        .map(|own| agent(own, &plan.instruments[own.symbol.index()].symbol, &plan.cohorts[own.cohort.index()].name));
    let mut portfolios: Vec<_> = names.iter().map(|name| portfolio(name)).collect();
    portfolios[1].breaker_tripped = true;
    portfolios[1].breaker_tripped_at = Some(Time(1_699_999_000_000));
    portfolios[1].entries_gated = true;
    portfolios[1].strategies_refused = vec!["market".into()];
    portfolios[1].halted = Some("unknown_order: the account and the books differ".into());
    Snapshot {
        name: plan.name.clone(),
        mode: Mode::Paper,
        version: "0.1.0".into(),
        market: "synthetic:1".into(),
        market_time: Time(1_700_000_000_000),
        steps: 240,
        speed: Some(60.0),
        phase: "running".into(),
        agents: agents.collect(),
        cohorts: names.iter().map(|name| cohort(name)).collect(),
        portfolios,
        positions: names.iter().map(|name| position(name)).collect(),
        orders: vec![
            order(OrderKind::Market, Purpose::Exit),
            order(OrderKind::Limit { price: Price::whole(59_500), tif: TimeInForce::PostOnly }, Purpose::Entry),
            order(OrderKind::StopMarket { trigger: Price::whole(61_200) }, Purpose::Stop),
        ],
        journal_sequence: 4_711,
    }
}

/// A decision of this agent.
pub(crate) fn decision(sequence: u64, agent: u32) -> DecisionView {
    let plan = plan();
    let own = &plan.agents[agent as usize];
    let line =
        FeatureLine { name: "rsi".into(), value: Some(71.0), normalized: Some(-0.4), weight: 0.25, contribution: -0.1 };
    let explanation = Explanation {
        features: vec![line.clone(), FeatureLine { value: None, normalized: None, ..line }],
        score: Some(-0.5),
        regime: Some(-1),
        target_prices: vec![59_000.0],
        reason: "score -0.50 below -0.40".into(),
        ..Explanation::default()
    };
    DecisionView {
        sequence,
        agent: own.name.clone(),
        cohort: plan.cohorts[own.cohort.index()].name.clone(),
        symbol: plan.instruments[own.symbol.index()].symbol.clone(),
        record: DecisionRecord {
            at: Time(1_700_000_000_000),
            candle: Time(1_699_999_700_000),
            agent: AgentId(agent),
            symbol: own.symbol,
            decision: Decision {
                action: Action::Exit,
                confidence: 71.25,
                target_score: -0.5,
                proposal: Some(Box::new(IntentKind::Close { reason: ExitReason::Signal })),
            },
            explanation,
        },
        verdict: Some("approved".into()),
    }
}

/// The state with another token.
pub(crate) fn with_token(mut state: ApiState, token: &str) -> ApiState {
    state.token = Token::new(token, "test").unwrap();
    state
}

/// What the director keeps.
pub(crate) struct World {
    pub(crate) snapshot: Snapshot,
    pub(crate) decisions: Vec<DecisionView>,
    /// What it was told to do, in words.
    pub(crate) told: Vec<String>,
    pub(crate) comparison: Option<Comparison>,
}

impl World {
    fn act(&mut self, name: &str, act: AgentAct) -> Result<AgentStatus, ControlError> {
        let nearest = name.starts_with("expert").then(|| "expert-btcusdt".to_owned());
        let agent = self.snapshot.agents.iter_mut().find(|agent| agent.name == name);
        let agent = agent.ok_or(ControlError::Unknown { kind: "agent", name: name.to_owned(), nearest })?;
        agent.state = match (act, agent.state) {
            (AgentAct::Start, AgentState::Running) => return Err(ControlError::Conflict(format!("`{name}` runs"))),
            (AgentAct::Start | AgentAct::Restart, _) => AgentState::Running,
            (AgentAct::Stop(_), _) => AgentState::Stopped,
        };
        let act = match act {
            AgentAct::Start => "start",
            AgentAct::Stop(StopPolicy::Keep) => "stop keep",
            AgentAct::Stop(StopPolicy::Close) => "stop close",
            AgentAct::Restart => "restart",
        };
        self.told.push(format!("{act} {name}"));
        Ok(agent.clone())
    }

    fn index(&self, portfolio: &str) -> Result<usize, ControlError> {
        let index = self.snapshot.portfolios.iter().position(|candidate| candidate.name == portfolio);
        index.ok_or(ControlError::Unknown { kind: "portfolio", name: portfolio.to_owned(), nearest: None })
    }

    fn reset(&mut self, portfolio: &str, reason: &str) -> Result<BreakerScope, ControlError> {
        let index = self.index(portfolio)?;
        if !self.snapshot.portfolios[index].breaker_tripped {
            return Err(ControlError::Conflict(format!("the breaker of `{portfolio}` is not tripped")));
        }
        self.snapshot.portfolios[index].breaker_tripped = false;
        self.told.push(format!("reset {portfolio}: {reason}"));
        Ok(BreakerScope::Portfolio(PortfolioId(u16::try_from(index).unwrap())))
    }

    fn flatten(&mut self, portfolio: Option<&str>) -> Result<u32, ControlError> {
        if let Some(portfolio) = portfolio {
            self.index(portfolio)?;
        }
        let is_meant = |position: &PositionStatus| portfolio.is_none_or(|name| position.portfolio == name);
        let count = self.snapshot.positions.iter().filter(|position| is_meant(position)).count();
        self.snapshot.positions.retain(|position| !is_meant(position));
        self.told.push(format!("flatten {}", portfolio.unwrap_or("all")));
        Ok(u32::try_from(count).unwrap())
    }

    fn differences(&self, portfolio: &str) -> Result<PortfolioDifferences, ControlError> {
        let status = &self.snapshot.portfolios[self.index(portfolio)?];
        let difference = DifferenceView {
            at: Time(1_699_998_000_000),
            kind: "unknown_order".into(),
            policy: "halt".into(),
            symbol: Some("BTCUSDT".into()),
            subject: "web_1".into(),
            venue: "0.5".into(),
            book: String::new(),
        };
        let differs = status.halted.is_some();
        Ok(PortfolioDifferences {
            portfolio: portfolio.to_owned(),
            entries_gated: status.entries_gated,
            halted: status.halted.clone(),
            counts: differs.then(|| ("unknown_order".to_owned(), 1)).into_iter().collect(),
            differences: differs.then_some(difference).into_iter().collect(),
        })
    }

    fn resume(&mut self, portfolio: &str, reason: &str) -> Result<String, ControlError> {
        let index = self.index(portfolio)?;
        let halted = self.snapshot.portfolios[index].halted.take();
        let halted = halted.ok_or_else(|| ControlError::Conflict(format!("portfolio `{portfolio}` is not halted")))?;
        self.told.push(format!("resume {portfolio}: {reason}"));
        Ok(halted)
    }

    fn decisions(
        &self,
        agent: Option<&str>,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<DecisionView>, ControlError> {
        if let Some(name) = agent.filter(|name| self.snapshot.agents.iter().all(|agent| agent.name != *name)) {
            return Err(ControlError::Unknown { kind: "agent", name: name.to_owned(), nearest: None });
        }
        let is_meant = |view: &&DecisionView| {
            agent.is_none_or(|name| view.agent == name) && after.is_none_or(|after| view.sequence > after)
        };
        let mut found: Vec<_> = self.decisions.iter().rev().filter(is_meant).take(limit).cloned().collect();
        found.reverse();
        Ok(found)
    }

    /// Receivers that are gone are those of clients that did not wait.
    fn answer(&mut self, request: Request) {
        match request {
            Request::Snapshot(reply) => drop(reply.send(self.snapshot.clone())),
            Request::Agent { name, act, reply } => drop(reply.send(self.act(&name, act))),
            Request::ResetBreaker { portfolio, reason, reply } => drop(reply.send(self.reset(&portfolio, &reason))),
            Request::Flatten { portfolio, reply } => drop(reply.send(self.flatten(portfolio.as_deref()))),
            Request::Differences { portfolio, reply } => drop(reply.send(self.differences(&portfolio))),
            Request::Resume { portfolio, reason, reply } => drop(reply.send(self.resume(&portfolio, &reason))),
            Request::Decisions { agent, after, limit, reply } => {
                drop(reply.send(self.decisions(agent.as_deref(), after, limit)));
            }
            Request::Compare(reply) => drop(reply.send(self.comparison.clone())),
            Request::Shutdown { reason } => self.told.push(format!("shutdown {reason}")),
        }
    }
}

/// A server with its director.
pub(crate) struct Fake {
    pub(crate) server: ApiServer,
    pub(crate) control: Control,
    pub(crate) metrics: Metrics,
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) director: tokio::task::JoinHandle<()>,
}

impl Fake {
    /// Starts both.
    pub(crate) async fn start() -> Self {
        Self::with(|state| state).await
    }

    /// Starts both, the state changed by `adjust`.
    pub(crate) async fn with(adjust: impl FnOnce(ApiState) -> ApiState) -> Self {
        let (control, requests) = Control::new(16);
        let plan = plan();
        let metrics = Metrics::new(&plan, "0.1.0");
        let token = Token::new(TOKEN, "test").unwrap();
        let state = adjust(ApiState::new(&plan, control.clone(), metrics.clone(), token));
        let decisions = (1..=6).map(|n| decision(n, u32::try_from(n % 4).unwrap())).collect();
        let world = Arc::new(Mutex::new(World { snapshot: snapshot(), decisions, told: Vec::new(), comparison: None }));
        let director = tokio::spawn(direct(requests, Arc::clone(&world)));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let server = serve(listener, state).await.unwrap();
        Self { server, control, metrics, world, director }
    }

    /// There is something to compare.
    pub(crate) fn compares(&self) -> Comparison {
        let curve = |daily: f64| (0..40).map(|day| 100.0 + daily * f64::from(day)).collect::<Vec<_>>();
        let comparison = swarm_core::experiment::compare(("control", &curve(0.0)), ("expert", &curve(1.0)));
        self.world.lock().unwrap().comparison = Some(comparison.clone());
        comparison
    }

    /// What the director was told to do so far.
    pub(crate) fn told(&self) -> Vec<String> {
        self.world.lock().unwrap().told.clone()
    }
}

async fn direct(mut requests: mpsc::Receiver<Request>, world: Arc<Mutex<World>>) {
    while let Some(request) = requests.recv().await {
        world.lock().unwrap().answer(request);
    }
}
