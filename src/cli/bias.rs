//! `swarm bias`: whether any rule of a swarm file sees the future or depends on where the candles begin.

use super::console::{Cell, Console, Failure, Tone};
use super::market::Recorded;
use super::prepare;
use crate::bias::{self, BiasError, Finding, Plain, Report};
use clap::Args as ClapArgs;
use std::path::PathBuf;
use std::sync::Arc;

/// Find look-ahead and warm-up bias in every agent of a swarm file.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The swarm to examine.
    #[arg(default_value = "swarm.yaml")]
    file: PathBuf,
    #[command(flatten)]
    recorded: Recorded,
    /// Print the findings as one JSON document.
    #[arg(long)]
    pub(super) json: bool,
}

/// Runs the command.
pub fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let loaded = prepare::load(&args.file)?;
    let recording = Arc::new(args.recorded.load(&args.file, &loaded)?);
    recording.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    let plan = Arc::new(loaded.plan);
    let rules = prepare::rules(&plan);
    let report = bias::check(&plan, &Plain(&rules), &recording).map_err(|error| match error {
        BiasError::TooShort { .. } => Failure::input(error.to_string()),
        BiasError::Build(error) => Failure::input(error.to_string()),
    })?;
    tell(&report, args.json, console)
}

/// Shows a report; a bias is a failure.
fn tell(report: &Report, json: bool, console: &mut Console) -> Result<(), Failure> {
    if json {
        console.json(report)?;
    } else {
        print(report, console)?;
    }
    if report.ok {
        return Ok(());
    }
    let message = format!("{} kind(s) of bias were found", report.findings.len());
    Err(Failure::failed("bias", message).in_full())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bias::{AgentResult, Bias};
    use crate::cli::console::Told;
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use swarm_core::model::{Interval, Time};

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn told(report: &Report, json: bool) -> (Result<(), Failure>, String) {
        let (out, err) = (Buffer::default(), Buffer::default());
        let done = tell(report, json, &mut Console::new(out.clone(), err, std::io::empty(), false));
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        (done, text)
    }

    fn report(findings: Vec<Finding>) -> Report {
        let agent = |name: &str| AgentResult {
            name: name.to_owned(),
            rule: "expert".to_owned(),
            warm_up: 311,
            settled: 755,
            look_ahead_compared: 1,
            warm_up_compared: 1,
        };
        Report {
            ok: findings.is_empty(),
            from: Time(0),
            to: Time(86_400_000),
            cuts: Vec::new(),
            starts: Vec::new(),
            agents: vec![agent("a"), agent("b"), agent("ab")],
            values_compared: 5,
            knife_edges: 2,
            findings,
        }
    }

    #[test]
    fn a_bias_is_told_with_agent_feature_candle_and_both_values_and_ends_with_1() {
        let finding = Finding {
            bias: Bias::LookAhead,
            agent: "a,ab".to_owned(),
            symbol: "BTCUSDT".to_owned(),
            what: "Rsi { period: 14 }".to_owned(),
            interval: Interval::H1,
            stance: None,
            candle: Time(3_600_000),
            against: "cut off at 1970-01-01T02:00:00Z".to_owned(),
            expected: "48.5".to_owned(),
            found: "51.5".to_owned(),
            cause: None,
            times: 3,
        };
        let (done, text) = told(&report(vec![finding.clone()]), false);
        assert_eq!(done.map_err(|failure| (failure.exit, failure.told)), Err((1, Told::InFull)));
        let words = [
            "look-ahead: Rsi { period: 14 } on 1h of BTCUSDT",
            "agent     a,ab",
            "candle    1970-01-01T01:00:00Z, 3 time(s) in all",
            "expected  48.5",
            "found     51.5",
            "BIAS",
        ];
        for words in words {
            assert!(text.contains(words), "{words}: {text}");
        }
        let verdicts: Vec<bool> =
            text.lines().filter(|line| line.contains("expert")).map(|line| line.ends_with("none")).collect();
        assert_eq!(verdicts, [false, true, false], "b is not at fault: {text}");
        let (done, text) = told(&report(vec![finding]), true);
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(done.is_err() && document["findings"][0]["bias"] == "look-ahead", "{text}");
        assert_eq!(
            (&document["findings"][0]["interval"], &document["findings"][0]["times"]),
            (&"1h".into(), &3.into())
        );
    }

    #[test]
    fn no_bias_ends_with_0() {
        let (done, text) = told(&report(Vec::new()), false);
        assert!(
            done.is_ok()
                && text.ends_with(
                    "5 values of features compared; 2 times a threshold was met in the last digits only: no bias\n"
                ),
            "{text}"
        );
    }
}
