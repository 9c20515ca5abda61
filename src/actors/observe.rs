//! Pictures of the present: the snapshot that operators get, and the gauges of the metrics page. Reads
//! the supervisor; changes nothing.

use super::director::shown_state;
use crate::control::{AgentStatus, CohortStatus, OrderStatus, PortfolioStatus, PositionStatus, Snapshot};
use crate::record::Recorder;
use crate::telemetry::{Account, Metrics};
use swarm_core::engine::Lifecycle;
use swarm_core::model::{AgentId, Plan, PortfolioId, Time};
use swarm_core::orders::Status;
use swarm_core::risk::Supervisor;

/// The state of everything, save for what only the director knows.
pub fn snapshot(plan: &Plan, supervisor: &Supervisor, recorder: &Recorder, lives: &[Lifecycle]) -> Snapshot {
    let agents: Vec<AgentStatus> = (0..plan.agents.len())
        .map(|index| agent(plan, supervisor, recorder, AgentId::at(index), &lives[index]))
        .collect();
    let cohorts = plan.cohorts.iter().enumerate().map(|(index, cohort)| {
        let members =
            || agents.iter().zip(&plan.agents).filter(|(_, agent)| agent.cohort.index() == index).map(|pair| pair.0);
        CohortStatus {
            name: cohort.name.clone(),
            portfolio: plan.portfolios[cohort.portfolio.index()].name.clone(),
            agents: count(members().count()),
            running: count(members().filter(|agent| agent.state.is_up()).count()),
            wins: members().map(|agent| agent.wins).sum(),
            losses: members().map(|agent| agent.losses).sum(),
            realized_pnl: members().map(|agent| agent.realized_pnl).sum(),
            unrealized_pnl: members().map(|agent| agent.unrealized_pnl).sum(),
        }
    });
    let cohorts = cohorts.collect();
    let portfolios = || (0..plan.portfolios.len()).map(PortfolioId::at);
    Snapshot {
        name: plan.name.clone(),
        mode: plan.mode,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        market: String::new(),
        market_time: Time(0),
        steps: 0,
        speed: None,
        phase: String::new(),
        cohorts,
        portfolios: portfolios().map(|id| portfolio(plan, supervisor, recorder, id)).collect(),
        positions: portfolios().flat_map(|id| positions(plan, supervisor, id)).collect(),
        orders: portfolios().flat_map(|id| orders(plan, supervisor, id)).collect(),
        agents,
        journal_sequence: 0,
    }
}

fn count(members: usize) -> u32 {
    u32::try_from(members).unwrap_or(u32::MAX)
}

fn agent(plan: &Plan, supervisor: &Supervisor, recorder: &Recorder, id: AgentId, life: &Lifecycle) -> AgentStatus {
    let (declared, seen) = (&plan.agents[id.index()], supervisor.agent(id));
    let last = recorder.last_decision(id);
    AgentStatus {
        name: declared.name.clone(),
        cohort: plan.cohorts[declared.cohort.index()].name.clone(),
        portfolio: plan.portfolios[declared.portfolio.index()].name.clone(),
        symbol: plan.instrument(declared.symbol).symbol.clone(),
        rule: declared.rule.clone(),
        state: shown_state(life.state(), recorder.tracker().decisions(id) > 0),
        restarts: life.restarts(),
        decisions: recorder.tracker().decisions(id),
        confidence: last.map_or(0.0, |last| last.confidence),
        target_score: last.map_or(0.0, |last| last.target_score),
        last_action: last.map(|last| last.action),
        wins: seen.stats.wins,
        losses: seen.stats.losses,
        realized_pnl: seen.realized_net,
        unrealized_pnl: seen.unrealized,
        position_notional: seen.notional,
        last_error: recorder.last_error(id).map(str::to_owned),
    }
}

fn portfolio(plan: &Plan, supervisor: &Supervisor, recorder: &Recorder, id: PortfolioId) -> PortfolioStatus {
    let (declared, seen) = (&plan.portfolios[id.index()], supervisor.portfolio(id));
    let refusals = recorder.tracker().rejections(id);
    PortfolioStatus {
        name: declared.name.clone(),
        equity: seen.equity,
        start_equity: declared.equity,
        peak_equity: seen.peak_equity,
        drawdown: seen.drawdown,
        leverage: seen.leverage,
        open_positions: seen.open_positions,
        reserved_notional: seen.reserved_notional,
        breaker_tripped: seen.trip.is_some(),
        breaker_tripped_at: seen.trip.map(|trip| trip.at),
        entries_gated: seen.gated,
        halted: None,
        strategies_refused: Vec::new(),
        refusals: refusals.iter().map(|(reason, count)| (reason.to_string(), *count)).collect(),
    }
}

fn positions(plan: &Plan, supervisor: &Supervisor, id: PortfolioId) -> Vec<PositionStatus> {
    let shown = supervisor.positions(id).map(|open| PositionStatus {
        portfolio: plan.portfolios[id.index()].name.clone(),
        symbol: plan.instrument(open.symbol).symbol.clone(),
        agent: plan.agent_name(open.agent).to_owned(),
        qty: open.qty,
        entry_price: open.entry_price,
        mark_price: open.mark,
        unconfirmed_mark_price: supervisor.unconfirmed_mark(open.symbol).map(|held| held.price),
        unrealized_pnl: open.unrealized,
        stop_price: open.stop.filter(|_| open.is_protected),
        target_prices: open.targets,
        opened_at: open.opened_at,
    });
    shown.collect()
}

fn orders(plan: &Plan, supervisor: &Supervisor, id: PortfolioId) -> Vec<OrderStatus> {
    let shown = supervisor.open_orders(id).map(|order| OrderStatus {
        id: order.id.to_string(),
        portfolio: plan.portfolios[id.index()].name.clone(),
        symbol: plan.instrument(order.symbol).symbol.clone(),
        agent: plan.agent_name(order.id.intent.agent).to_owned(),
        side: order.side,
        kind: order.kind,
        leaves_qty: order.leaves,
        purpose: order.purpose,
        accepted: order.status == Status::Accepted,
    });
    shown.collect()
}

/// Renews the gauges.
pub fn renew_metrics(plan: &Plan, metrics: &Metrics, supervisor: &Supervisor, now: Time) {
    for index in 0..plan.agents.len() {
        let (cells, seen) = (metrics.agent(AgentId::at(index)), supervisor.agent(AgentId::at(index)));
        cells.set_running(seen.running);
        cells.set_pnl(seen.realized_net, seen.unrealized);
        cells.set_notional(seen.notional);
    }
    for index in 0..plan.portfolios.len() {
        let (handles, seen) = (metrics.portfolio(PortfolioId::at(index)), supervisor.portfolio(PortfolioId::at(index)));
        handles.set_account(&Account {
            equity: seen.equity,
            drawdown: seen.drawdown,
            leverage: seen.leverage,
            open_positions: seen.open_positions,
            reserved_notional: seen.reserved_notional,
        });
        handles.set_breaker_tripped(seen.trip.is_some());
        handles.set_entries_gated(seen.gated);
    }
    metrics.market_time(now);
}
