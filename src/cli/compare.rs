//! `swarm compare`: the control-against-expert table of a report.

use super::console::Failure;
use super::summary;
use clap::Args as ClapArgs;
use std::io::Write;
use std::path::PathBuf;
use swarm_core::experiment::{Metrics, Report};

/// Compare the cohorts of a report.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// report.json, or the folder that holds it.
    report: PathBuf,
    /// Print the report as one JSON document.
    #[arg(long)]
    pub(super) json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let path = if args.report.is_dir() { args.report.join("report.json") } else { args.report.clone() };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))?;
    let report: Report = serde_json::from_str(&text)
        .map_err(|error| Failure::input(format!("{} is not a report: {error}", path.display())))?;
    if args.json {
        return summary::print(&report, true);
    }
    let _ = std::io::stdout().write_all(table(&report).as_bytes());
    Ok(())
}

/// A figure of a cohort.
type Figure = fn(&Metrics) -> Option<f64>;

/// What a cohort should reach, as `strategy` has it, beside what it reached.
const TARGETS: [(&str, &str, Figure); 5] = [
    ("win rate", "0.55 to 0.65", |metrics| metrics.win_rate),
    ("payoff", "2 to 3", |metrics| metrics.payoff),
    ("drawdown", "under 0.15", |metrics| metrics.max_drawdown),
    ("sharpe", "over 1.5", |metrics| metrics.sharpe),
    ("annual return", "0.20 to 0.50", |metrics| metrics.annual_return),
];

fn table(report: &Report) -> String {
    let mut rows = vec![vec![String::new(), "target".to_owned()]];
    rows[0].extend(report.cohorts.keys().cloned());
    for (name, target, figure) in TARGETS {
        let mut row = vec![name.to_owned(), target.to_owned()];
        row.extend(
            report
                .cohorts
                .values()
                .map(|metrics| figure(metrics).map_or_else(|| "n/a".to_owned(), |figure| format!("{figure:.3}"))),
        );
        rows.push(row);
    }
    let mut text = summary::align(&rows);
    match &report.comparison {
        None => text.push_str("no comparison: the swarm declares no experiment\n"),
        Some(comparison) => text.push_str(&format!(
            "{} against {}: {} ({})\n",
            comparison.treatment,
            comparison.control,
            format!("{:?}", comparison.verdict).to_lowercase(),
            comparison.explanation
        )),
    }
    text
}
