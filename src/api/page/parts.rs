//! The parts of the status page, each from plain data.

use super::html::{
    Cell, cents, clock, escape, facts, mark, money, number, percent, prose, sentence, sign, table, text,
};
use crate::control::{
    AgentState, AgentStatus, CohortStatus, DecisionView, Event, OrderStatus, PortfolioStatus, PositionStatus, Snapshot,
};
use std::collections::BTreeMap;
use swarm_core::model::{Action, Mode, OrderKind, Rate, Side};

/// Agents on the page; the rest is in the API.
const AGENTS_SHOWN: usize = 200;

/// What nobody may overlook.
pub(super) fn mode_banner(mode: Mode) -> String {
    let words = match mode {
        Mode::Backtest => "BACKTEST: recorded candles, no real money",
        Mode::Paper => "PAPER: simulated exchange, no real money",
        Mode::Live => "LIVE: real money",
    };
    format!(r#"<div class="mode" role="note">{words}</div>"#)
}

/// In place of the numbers while the swarm does not answer.
pub(super) fn unanswered(reason: &str) -> String {
    format!(r#"<section data-part="head"><h1>asterswarm</h1><p class="empty">{}</p></section>"#, escape(&reason))
}

/// All of them, in the page's order.
pub(super) fn all(
    snapshot: &Snapshot,
    decisions: &[DecisionView],
    events: &[Event],
    drawdown_limits: &BTreeMap<String, Rate>,
) -> String {
    [
        head(snapshot),
        portfolios(&snapshot.portfolios, drawdown_limits),
        positions(&snapshot.positions),
        agents(&snapshot.agents),
        cohorts(&snapshot.cohorts),
        orders(&snapshot.orders),
        latest_decisions(decisions),
        latest_events(events),
    ]
    .join("\n")
}

fn head(snapshot: &Snapshot) -> String {
    let phase = match snapshot.phase.as_str() {
        "running" => "ok",
        "finished" => "quiet",
        _ => "bad",
    };
    let speed = snapshot.speed.map_or("as fast as possible".to_owned(), |speed| format!("{speed} times real time"));
    let facts = facts(&[
        ("Market time", "", format!("{} UTC", clock(snapshot.market_time))),
        ("Market", "", snapshot.market.clone()),
        ("Speed", "", speed),
        ("Steps", "", snapshot.steps.to_string()),
        ("Durable journal records", "", snapshot.journal_sequence.to_string()),
        ("Version", "", snapshot.version.clone()),
    ]);
    format!(
        r#"<section data-part="head"><h1>{name} <span class="mark {phase}">{words}</span></h1>{facts}</section>"#,
        name = escape(&snapshot.name),
        words = escape(&snapshot.phase),
    )
}

fn portfolio_card(portfolio: &PortfolioStatus, limit: Option<&Rate>) -> String {
    let breaker = match (portfolio.breaker_tripped, portfolio.breaker_tripped_at) {
        (false, _) => r#"<span class="mark ok">breaker armed</span>"#.to_owned(),
        (true, None) => r#"<span class="mark bad">breaker tripped</span>"#.to_owned(),
        (true, Some(at)) => format!(r#"<span class="mark bad">breaker tripped {} UTC</span>"#, escape(&clock(at))),
    };
    let gated = if portfolio.entries_gated { r#" <span class="mark warn">entries gated</span>"# } else { "" };
    let halted = portfolio.halted.as_ref().map_or_else(String::new, |why| {
        format!(r#" <span class="mark bad">halted: {}; `swarm resume` lifts it</span>"#, escape(why))
    });
    let alone = match portfolio.strategies_refused.join(" and ") {
        none if none.is_empty() => String::new(),
        sorts => format!(r#" <span class="mark warn">{} entries leave without their stop</span>"#, escape(&sorts)),
    };
    let bar = limit.filter(|limit| limit.0 > 0).map_or(String::new(), |limit| {
        let (value, limit) = (portfolio.drawdown.to_f64(), limit.to_f64());
        // The optimum is the low part, so the bar warns in the middle and alarms towards the limit.
        format!(
            r#"<meter min="0" max="{limit}" low="{}" high="{}" optimum="0" value="{}">{}</meter>"#,
            limit * 0.5,
            limit * 0.8,
            value.clamp(0.0, limit),
            escape(&percent(portfolio.drawdown)),
        )
    });
    let of_limit = limit.map_or(String::new(), |limit| format!(" of {}", percent(*limit)));
    let refusals: u64 = portfolio.refusals.values().sum();
    let since_start = portfolio.equity - portfolio.start_equity;
    let facts = facts(&[
        ("Equity", "", format!("{} USDT", cents(portfolio.equity))),
        ("Since start", sign(since_start), format!("{} USDT", cents(since_start))),
        ("Peak", "", format!("{} USDT", cents(portfolio.peak_equity))),
        ("Open positions", "", portfolio.open_positions.to_string()),
        ("Leverage", "", format!("{:.2}x", portfolio.leverage.to_f64())),
        ("Reserved", "", format!("{} USDT", cents(portfolio.reserved_notional))),
        ("Refusals", "", refusals.to_string()),
    ]);
    format!(
        r#"<article><h3>{name}</h3><p>{breaker}{gated}{halted}{alone}</p><p class="drawdown">Drawdown {drawdown}{of_limit} {bar}</p>{facts}</article>"#,
        name = escape(&portfolio.name),
        drawdown = escape(&percent(portfolio.drawdown)),
        of_limit = escape(&of_limit),
    )
}

fn portfolios(portfolios: &[PortfolioStatus], limits: &BTreeMap<String, Rate>) -> String {
    let cards: String =
        portfolios.iter().map(|portfolio| portfolio_card(portfolio, limits.get(&portfolio.name))).collect();
    format!(r#"<section data-part="portfolios"><h2>Portfolios</h2><div class="cards">{cards}</div></section>"#)
}

fn positions(positions: &[PositionStatus]) -> String {
    let row = |position: &PositionStatus| -> Vec<Cell> {
        let targets: Vec<String> = position.target_prices.iter().map(ToString::to_string).collect();
        vec![
            text(&position.portfolio),
            text(&position.symbol),
            text(&position.agent),
            if position.qty.0 < 0 { mark("short", "short") } else { mark("long", "long") },
            number(position.qty.abs()),
            number(position.entry_price),
            match position.unconfirmed_mark_price {
                Some(held) => mark("warn", format!("{} ({held} not confirmed)", position.mark_price)),
                None => number(position.mark_price),
            },
            money(position.unrealized_pnl),
            match position.stop_price {
                Some(stop) => number(stop),
                None => mark("bad", "not confirmed"),
            },
            number(if targets.is_empty() { "–".to_owned() } else { targets.join(" / ") }),
            text(clock(position.opened_at)),
        ]
    };
    let columns = [
        "Portfolio",
        "Symbol",
        "Agent",
        "Side",
        "Quantity",
        "Entry",
        "Mark",
        "Open profit",
        "Stop",
        "Targets",
        "Since (UTC)",
    ];
    table("positions", "Positions", &columns, positions.iter().map(row).collect(), "No open position.")
}

fn state_mark(state: AgentState) -> Cell {
    match state {
        AgentState::Running => mark("ok", "running"),
        AgentState::Warming => mark("quiet", "warming"),
        AgentState::Stopped => mark("quiet", "stopped"),
        AgentState::Restarting => mark("warn", "restarting"),
        AgentState::Failed => mark("bad", "failed"),
    }
}

fn action(action: Option<Action>) -> Cell {
    match action {
        Some(Action::Long) => mark("long", "long"),
        Some(Action::Short) => mark("short", "short"),
        Some(other) => text(other.label()),
        None => text("–"),
    }
}

fn agents(agents: &[AgentStatus]) -> String {
    // Errors are rare and long: their column is there when one is.
    let has_errors = agents.iter().take(AGENTS_SHOWN).any(|agent| agent.last_error.is_some());
    let row = |agent: &AgentStatus| -> Vec<Cell> {
        let mut cells = vec![
            text(&agent.name),
            state_mark(agent.state),
            text(&agent.cohort),
            text(&agent.symbol),
            text(&agent.rule),
            action(agent.last_action),
            number(format!("{:.1}", agent.confidence)),
            number(format!("{:+.2}", agent.target_score)),
            money(agent.realized_pnl),
            money(agent.unrealized_pnl),
            number(format!("{} / {}", agent.wins, agent.losses)),
            number(agent.decisions),
            number(agent.restarts),
        ];
        if has_errors {
            cells.push(prose(agent.last_error.as_deref().unwrap_or("")));
        }
        cells
    };
    let mut columns = vec![
        "Agent",
        "State",
        "Cohort",
        "Symbol",
        "Rule",
        "Last",
        "Confidence",
        "Score",
        "Profit",
        "Open profit",
        "Won / lost",
        "Decisions",
        "Restarts",
    ];
    if has_errors {
        columns.push("Error");
    }
    let heading = match agents.len().checked_sub(AGENTS_SHOWN) {
        Some(rest @ 1..) => format!("Agents ({AGENTS_SHOWN} shown; {rest} more at /api/v1/agents)"),
        _ => format!("Agents ({})", agents.len()),
    };
    let rows = agents.iter().take(AGENTS_SHOWN).map(row).collect();
    table("agents", &heading, &columns, rows, "No agent.")
}

fn cohorts(cohorts: &[CohortStatus]) -> String {
    let row = |cohort: &CohortStatus| -> Vec<Cell> {
        vec![
            text(&cohort.name),
            text(&cohort.portfolio),
            number(format!("{} of {}", cohort.running, cohort.agents)),
            number(format!("{} / {}", cohort.wins, cohort.losses)),
            money(cohort.realized_pnl),
            money(cohort.unrealized_pnl),
        ]
    };
    let columns = ["Cohort", "Portfolio", "Running", "Won / lost", "Profit", "Open profit"];
    table("cohorts", "Cohorts", &columns, cohorts.iter().map(row).collect(), "No cohort.")
}

fn side(side: Side) -> Cell {
    match side {
        Side::Buy => mark("long", "buy"),
        Side::Sell => mark("short", "sell"),
    }
}

/// An order's type and price in words.
fn kind(kind: &OrderKind) -> String {
    match kind {
        OrderKind::Market => "market".to_owned(),
        OrderKind::Limit { price, .. } => format!("limit {price}"),
        OrderKind::StopMarket { trigger } => format!("stop {trigger}"),
        OrderKind::TakeProfitMarket { trigger } => format!("target {trigger}"),
        OrderKind::TrailingStopMarket { callback, .. } => format!("trailing {}", percent(*callback)),
    }
}

fn orders(orders: &[OrderStatus]) -> String {
    let row = |order: &OrderStatus| -> Vec<Cell> {
        vec![
            text(&order.portfolio),
            text(&order.symbol),
            text(&order.agent),
            side(order.side),
            text(kind(&order.kind)),
            number(order.leaves_qty),
            text(format!("{:?}", order.purpose).to_lowercase()),
            if order.accepted { mark("ok", "accepted") } else { mark("warn", "not confirmed") },
        ]
    };
    let columns = ["Portfolio", "Symbol", "Agent", "Side", "Type", "Quantity", "For", "Venue"];
    table("orders", "Working orders", &columns, orders.iter().map(row).collect(), "No working order.")
}

fn latest_decisions(decisions: &[DecisionView]) -> String {
    let row = |view: &DecisionView| -> Vec<Cell> {
        let decision = &view.record.decision;
        vec![
            text(clock(view.record.at)),
            text(&view.agent),
            text(&view.symbol),
            action(Some(decision.action)),
            number(format!("{:.1}", decision.confidence)),
            number(format!("{:+.2}", decision.target_score)),
            sentence(&view.record.explanation.reason),
            prose(view.verdict.as_deref().unwrap_or("")),
        ]
    };
    let columns = ["Market time (UTC)", "Agent", "Symbol", "Action", "Confidence", "Score", "Why", "Verdict"];
    let rows = decisions.iter().rev().map(row).collect();
    table("decisions", "Latest decisions", &columns, rows, "No decision yet.")
}

/// When (if said), what kind, whose and what.
fn event_row(event: &Event) -> Vec<Cell> {
    let (at, class, kind, whose, what) = match event {
        Event::Signal(view) => {
            let decision = &view.record.decision;
            let verdict = view.verdict.as_deref().map_or_else(String::new, |verdict| format!(": {verdict}"));
            let (action, symbol) = (decision.action.label(), &view.symbol);
            let what = format!("{action} {symbol} at confidence {:.1}{verdict}", decision.confidence);
            (Some(view.record.at), "quiet", "signal", view.agent.as_str(), what)
        }
        Event::Fill { at, agent, symbol, side, qty, price, purpose, .. } => {
            let verb = if *side == Side::Buy { "bought" } else { "sold" };
            let purpose = format!("{purpose:?}").to_lowercase();
            (Some(*at), "ok", "fill", agent.as_str(), format!("{verb} {qty} {symbol} at {price} ({purpose})"))
        }
        Event::Trade { at, agent, symbol, net_pnl, reason } => {
            let class = if net_pnl.0 > 0 { "ok" } else { "warn" };
            (
                Some(*at),
                class,
                "trade",
                agent.as_str(),
                format!("closed {symbol}: {} USDT net ({reason})", cents(*net_pnl)),
            )
        }
        Event::Breaker { at, scope, change } => (Some(*at), "bad", "breaker", scope.as_str(), change.clone()),
        Event::Agent { at, agent, change } => (Some(*at), "quiet", "agent", agent.as_str(), change.clone()),
        Event::Notice { message } => (None, "quiet", "notice", "", message.clone()),
    };
    vec![text(at.map_or(String::new(), clock)), mark(class, kind), text(whose), sentence(what)]
}

fn latest_events(events: &[Event]) -> String {
    let columns = ["Market time (UTC)", "Event", "Whose", "What"];
    table("events", "Latest events", &columns, events.iter().map(event_row).collect(), "No event yet.")
}
