//! The agents' part of the metrics page, written straight from their cells.
//!
//! A collector of the `prometheus` crate would first build a tree of metrics, about 8 KiB an agent and
//! scrape; at ten thousand agents that is more than the agents themselves. Here a series is one line
//! appended to the page.

use super::agent_cells::AgentCells;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Escapes a label's value as the text format demands.
pub(super) fn escape_label(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            '"' => escaped.push_str("\\\""),
            '\n' => escaped.push_str("\\n"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// One line: name, the agent's labels, an optional further label, the value.
fn sample(page: &mut String, name: &str, agent: &AgentCells, extra: &str, value: f64) {
    page.push_str(name);
    page.push('{');
    page.push_str(&agent.labels);
    page.push_str(extra);
    page.push_str("} ");
    if value.is_finite() {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "{value}");
    } else {
        page.push_str(if value.is_nan() {
            "NaN\n"
        } else if value > 0.0 {
            "+Inf\n"
        } else {
            "-Inf\n"
        });
    }
}

/// A family: all agents' series of one name stand together, as the format demands.
fn family(
    page: &mut String,
    agents: &[Arc<AgentCells>],
    (name, kind, help): (&str, &str, &str),
    mut write: impl FnMut(&mut String, &AgentCells),
) {
    if agents.is_empty() {
        return;
    }
    let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for agent in agents {
        write(page, agent);
    }
}

fn count(cell: &AtomicU64) -> f64 {
    cell.load(Relaxed) as f64
}

/// A family of one series an agent.
struct Single {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    read: fn(&AgentCells) -> f64,
}

const SINGLES: [Single; 8] = [
    Single {
        name: "swarm_agent_running",
        kind: "gauge",
        help: "1 while the agent decides on candles, else 0.",
        read: |agent| f64::from(u8::from(agent.running.load(Relaxed))),
    },
    Single {
        name: "swarm_agent_restarts_total",
        kind: "counter",
        help: "Restarts after a panic of the rule.",
        read: |agent| count(&agent.restarts),
    },
    Single {
        name: "swarm_decisions_total",
        kind: "counter",
        help: "Decisions, HOLD included.",
        read: |agent| count(&agent.decisions),
    },
    Single {
        name: "swarm_decision_confidence",
        kind: "gauge",
        help: "Confidence of the last decision, 0 to 100.",
        read: |agent| agent.confidence.get(),
    },
    Single {
        name: "swarm_target_score",
        kind: "gauge",
        help: "Target score of the last decision, -1 (short) to 1 (long).",
        read: |agent| agent.score.get(),
    },
    Single {
        name: "swarm_realized_pnl_usdt",
        kind: "gauge",
        help: "Profit of closed trades, net of fees and funding.",
        read: |agent| agent.realized_pnl.get(),
    },
    Single {
        name: "swarm_unrealized_pnl_usdt",
        kind: "gauge",
        help: "Open profit at the last mark.",
        read: |agent| agent.unrealized_pnl.get(),
    },
    Single {
        name: "swarm_position_notional_usdt",
        kind: "gauge",
        help: "Notional of the position at the last mark, short negative.",
        read: |agent| agent.notional.get(),
    },
];

const RESIZED: &str = r#",verdict="resized""#;

/// Appends the series of all these agents.
pub(super) fn write_agents(page: &mut String, agents: &[Arc<AgentCells>]) {
    for Single { name, kind, help, read } in SINGLES {
        family(page, agents, (name, kind, help), |page, agent| sample(page, name, agent, "", read(agent)));
    }
    let name = "swarm_intents_total";
    family(page, agents, (name, "counter", "Intents by what the supervisor said."), |page, agent| {
        let verdicts = [r#",verdict="approved""#, RESIZED, r#",verdict="refused""#];
        for (verdict, cell) in verdicts.into_iter().zip(&agent.intents) {
            // Few agents are ever cut to size, and the budget is under 15 series an agent.
            if verdict != RESIZED || cell.load(Relaxed) > 0 {
                sample(page, name, agent, verdict, count(cell));
            }
        }
    });
    let name = "swarm_trades_total";
    family(page, agents, (name, "counter", "Closed trades by net result."), |page, agent| {
        for (result, cell) in [r#",result="win""#, r#",result="loss""#].into_iter().zip(&agent.trades) {
            sample(page, name, agent, result, count(cell));
        }
    });
    let name = "swarm_decision_seconds";
    family(page, agents, (name, "summary", "Time that decisions took in this process."), |page, agent| {
        sample(page, "swarm_decision_seconds_sum", agent, "", agent.decision_seconds.get());
        sample(page, "swarm_decision_seconds_count", agent, "", count(&agent.decisions_timed));
    });
}

#[cfg(test)]
#[path = "strict.rs"]
pub(crate) mod strict;
