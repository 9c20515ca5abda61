//! `swarm compare`: the control-against-expert table of a report.

use super::console::{self, Failure};
use super::summary;
use clap::Args as ClapArgs;
use std::path::PathBuf;
use swarm_core::experiment::{Figure, Metrics, Report, Unit, targets};

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
    console::print(&table(&report))
}

/// A figure in the unit of its target, or why there is none.
fn shown(figure: &Figure, metrics: &Metrics) -> String {
    match (figure.value)(metrics) {
        Some(value) if figure.unit == Unit::Share => format!("{:.2} %", value * 100.0),
        Some(value) => format!("{value:.2}"),
        None => format!("n/a ({})", (figure.lacks)(metrics)),
    }
}

fn table(report: &Report) -> String {
    let mut rows = vec![vec![String::new(), "target".to_owned()]];
    rows[0].extend(report.cohorts.keys().cloned());
    for (figure, target) in targets() {
        let mut row = vec![figure.label.to_owned(), target.text.to_owned()];
        row.extend(report.cohorts.values().map(|metrics| shown(figure, metrics)));
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
