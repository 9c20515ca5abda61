//! `swarm bias`: whether any rule of a swarm file sees the future or depends on where the candles begin.

use super::console::{Cell, Console, Failure, Tone};
use super::market;
use super::prepare;
use crate::bias::{self, BiasError, Finding, Plain, Report};
use crate::market::load;
use clap::Args as ClapArgs;
use std::path::PathBuf;
use std::sync::Arc;
use swarm_core::model::Time;

/// Find look-ahead and warm-up bias in every agent of a swarm file.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The swarm to examine.
    #[arg(default_value = "swarm.yaml")]
    file: PathBuf,
    /// Folder with recorded candles.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// First candle, such as 2024-01-01 or 2024-01-01T12:00:00Z; without it the first that all symbols have.
    #[arg(long, value_name = "DATE", value_parser = prepare::parse_date)]
    from: Option<Time>,
    /// End, not included; without it the end of what all symbols have.
    #[arg(long, value_name = "DATE", value_parser = prepare::parse_date)]
    to: Option<Time>,
    /// Print the findings as one JSON document.
    #[arg(long)]
    pub(super) json: bool,
}

/// Runs the command.
pub fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let loaded = prepare::load(&args.file)?;
    let plan = Arc::new(loaded.plan);
    let query = market::query(&plan, &args.data, args.from, args.to);
    let recording = Arc::new(load(&query).map_err(|error| Failure::input(error.to_string()))?);
    recording.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    let rules = prepare::rules(&plan);
    let report = bias::check(&plan, &Plain(&rules), &recording).map_err(|error| match error {
        BiasError::TooShort { .. } => Failure::input(error.to_string()),
        BiasError::Build(error) => Failure::input(error.to_string()),
    })?;
    if args.json {
        console.json(&report)?;
    } else {
        print(&report, console)?;
    }
    if report.ok {
        return Ok(());
    }
    let message = format!("{} kind(s) of bias were found", report.findings.len());
    Err(Failure::failed("bias", message).told())
}

fn print(report: &Report, console: &mut Console) -> Result<(), Failure> {
    console.line(&format!("{} to {}", report.from, report.to))?;
    console.line(&format!("future changed after {}", report.cuts.join(", ")))?;
    console.line(&format!("series begun at {}", report.starts.join(", ")))?;
    console.line("")?;
    let is_at_fault = |name: &str, finding: &Finding| finding.agent.split(',').any(|agent| agent == name);
    let rows: Vec<Vec<Cell>> = report
        .agents
        .iter()
        .map(|agent| {
            let faults: u64 = report
                .findings
                .iter()
                .filter(|finding| is_at_fault(&agent.name, finding))
                .map(|found| found.times)
                .sum();
            let verdict = if faults == 0 {
                Cell::text("none").toned(Tone::Good)
            } else {
                Cell::text(format!("{faults} differences")).toned(Tone::Bad)
            };
            vec![
                Cell::text(&agent.name),
                Cell::text(&agent.rule),
                Cell::number(agent.warm_up),
                Cell::number(agent.settled),
                Cell::number(agent.look_ahead_compared),
                Cell::number(agent.warm_up_compared),
                verdict,
            ]
        })
        .collect();
    let columns = ["agent", "rule", "warm-up", "settled", "look-ahead compared", "warm-up compared", "bias"];
    console.table(&columns, &rows)?;
    for finding in &report.findings {
        console.line("")?;
        for line in lines(finding) {
            console.line(&line)?;
        }
    }
    console.line("")?;
    let edges = match report.knife_edges {
        0 => String::new(),
        edges => format!("; {edges} times a threshold was met in the last digits only"),
    };
    console.line(&format!(
        "{} values of features compared{edges}: {}",
        report.values_compared,
        if report.ok { "no bias" } else { "BIAS" }
    ))
}

fn lines(finding: &Finding) -> Vec<String> {
    let stance = finding.stance.map_or_else(String::new, |stance| format!(", told it is {stance}"));
    let mut lines = vec![
        format!("{}: {} on {} of {}", finding.bias.label(), finding.what, finding.interval, finding.symbol),
        format!("  candle    {}{stance}, {} time(s) in all", finding.candle, finding.times),
        format!("  market    {}", finding.against),
        format!("  expected  {}", finding.expected),
        format!("  found     {}", finding.found),
    ];
    if !finding.agent.is_empty() {
        lines.insert(1, format!("  agent     {}", finding.agent));
    }
    lines.extend(finding.cause.iter().map(|cause| format!("  because   {cause}")));
    lines
}
