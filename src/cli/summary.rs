//! A report for a person: one table of cohorts and agents, one of portfolios, the comparison.

use super::console::{self, Failure};
use swarm_core::experiment::{Metrics, Report};
use swarm_core::model::{ExitReason, Side};

/// Prints the report: a JSON document, or tables.
pub fn print(report: &Report, json: bool) -> Result<(), Failure> {
    let text = if json {
        serde_json::to_string_pretty(report).map_err(|error| Failure::failed("failed", error.to_string()))? + "\n"
    } else {
        tables(report)
    };
    console::print(&text)
}

/// `buy` or `sell`.
pub const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

/// As in trades.csv.
pub const fn exit_reason(reason: ExitReason) -> &'static str {
    match reason {
        ExitReason::Signal => "signal",
        ExitReason::Reverse => "reverse",
        ExitReason::Stop => "stop",
        ExitReason::Target => "target",
        ExitReason::Time => "time",
        ExitReason::AgentStop => "agent_stop",
        ExitReason::Breaker => "breaker",
        ExitReason::Operator => "operator",
        ExitReason::Naked => "naked",
        ExitReason::Liquidation => "liquidation",
    }
}

/// As a percentage.
pub fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{:.2} %", value * 100.0))
}

/// With two decimals.
pub fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.2}"))
}

const HEADER: [&str; 10] =
    ["", "trades", "win rate", "payoff", "return", "drawdown", "sharpe", "fees", "funding", "refused"];

fn row(name: &str, metrics: &Metrics) -> [String; 10] {
    [
        name.to_owned(),
        metrics.trades.to_string(),
        percent(metrics.win_rate),
        ratio(metrics.payoff),
        percent(metrics.total_return),
        percent(metrics.max_drawdown),
        ratio(metrics.sharpe),
        format!("{:.2}", metrics.fees.to_f64()),
        format!("{:.2}", metrics.funding.to_f64()),
        metrics.rejections.to_string(),
    ]
}

/// Columns aligned: the first to the left, the others to the right.
pub fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let padding = " ".repeat(widths[column] - cell.chars().count());
            let cell = if column == 0 { format!("{cell}{padding}") } else { format!("  {padding}{cell}") };
            text.push_str(&cell);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// The report as tables.
pub fn tables(report: &Report) -> String {
    let header = || HEADER.map(str::to_owned).to_vec();
    let mut figures = vec![header()];
    figures.extend(report.cohorts.iter().map(|(name, metrics)| row(name, metrics).to_vec()));
    let mut agents = vec![header()];
    agents.extend(report.agents.iter().map(|(name, metrics)| row(name, metrics).to_vec()));
    let mut portfolios: Vec<Vec<String>> = vec![
        ["", "start", "end", "peak positions", "peak leverage", "drawdown", "breaker"].map(str::to_owned).to_vec(),
    ];
    for (name, portfolio) in &report.portfolios {
        portfolios.push(vec![
            name.clone(),
            format!("{:.2}", portfolio.start_equity.to_f64()),
            format!("{:.2}", portfolio.end_equity.to_f64()),
            portfolio.peak_open_positions.to_string(),
            format!("{:.2}x", portfolio.peak_leverage.to_f64()),
            percent(Some(portfolio.max_drawdown.to_f64())),
            portfolio.breaker.at.as_ref().map_or_else(|| "armed".to_owned(), |at| format!("tripped {at}")),
        ]);
    }
    let market = &report.market;
    let (partial, symbols) =
        (if report.partial { " (partial: stopped before the end of the data)" } else { "" }, market.symbols.join(", "));
    let mut text = match market.candles {
        0 => format!("stopped before a candle of {symbols} closed\n\n"),
        candles => {
            format!(
                "{} to {}{partial}: {candles} candles of {symbols}, {} missing\n\n",
                report.from, report.to, market.gaps
            )
        }
    };
    text.push_str(&format!("cohorts\n{}\nagents\n", align(&figures)));
    // A thousand agents are for --json; a person reads the first ones.
    const AGENTS_SHOWN: usize = 25;
    let hidden = agents.len().saturating_sub(AGENTS_SHOWN + 1);
    agents.truncate(AGENTS_SHOWN + 1);
    text.push_str(&align(&agents));
    if hidden > 0 {
        text.push_str(&format!("and {hidden} more: see --json\n"));
    }
    text.push_str(&format!("\nportfolios (USDT)\n{}\n", align(&portfolios)));
    if let Some(comparison) = &report.comparison {
        text.push_str(&format!(
            "{} against {}: {} ({})\n",
            comparison.treatment,
            comparison.control,
            format!("{:?}", comparison.verdict).to_lowercase(),
            comparison.explanation
        ));
    }
    text.push_str(&format!(
        "{} decisions in {:.2} s: {} agent-candles a second\nfingerprint {}\n",
        report.timing.agent_candles,
        report.timing.run_s,
        rate(report.timing.agent_candles_per_s),
        report.fingerprint
    ));
    text
}

/// In millions where that says something: a run at the clock's pace has a few a second.
fn rate(a_second: f64) -> String {
    if a_second < 10_000.0 { format!("{a_second:.1}") } else { format!("{:.2} million", a_second / 1e6) }
}
