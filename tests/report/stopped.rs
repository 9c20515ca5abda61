//! A backtest that is stopped: everything is there, marked as partial. And the line on a terminal that says how far
//! it is.

use crate::rows;
use crate::support::{Place, SWARM, until};
use serde_json::Value;
use std::process::Command;

/// Enough candles for a signal to arrive long before their end.
const MANY: i64 = 30_000;

fn check(signal: &str) {
    let place = Place::with(SWARM);
    place.market(7, MANY);
    let words = ["backtest", "--data", "data", "--out", "out", "--json"];
    let process = place.launch(&words);
    let equity = place.path("out/equity.csv");
    until("the first rows", || std::fs::metadata(&equity).ok().filter(|file| file.len() > 0));
    process.signal(signal);
    let done = process.end();
    assert_eq!(done.code, Some(1), "{}", done.err);
    assert!(done.err.contains("the report is partial"), "{}", done.err);
    let report = done.json();
    assert_eq!(report["partial"], true);
    let written: Value = serde_json::from_slice(&std::fs::read(place.path("out/report.json")).unwrap()).unwrap();
    assert_eq!(written, report);
    let page = std::fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(page.contains("id=\"partial\"") && page.ends_with("</html>\n"));
    let decisions = std::fs::read_to_string(place.path("out/decisions.jsonl")).unwrap();
    assert!(decisions.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let trades = rows(&place.path("out/trades.csv"));
    let counted = report["cohorts"].as_object().unwrap().values().map(|figures| figures["trades"].as_u64().unwrap());
    assert_eq!(counted.sum::<u64>(), trades.len() as u64);

    // What was run is what a backtest of that time alone gives.
    let to = report["to"].as_str().unwrap();
    let whole = place.json(&["backtest", "--data", "data", "--to", to, "--out", "whole", "--json"]);
    assert_eq!((&whole["partial"], &whole["fingerprint"]), (&false.into(), &report["fingerprint"]));
    for file in ["equity.csv", "trades.csv", "decisions.jsonl"] {
        let [one, other] =
            ["out", "whole"].map(|folder| std::fs::read(place.path(&format!("{folder}/{file}"))).unwrap());
        assert!(one == other, "{file} differs from that of the run to {to}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_complete_report_marked_as_partial() {
    check("INT");
}

#[cfg(unix)]
#[test]
fn sigterm_leaves_a_complete_report_marked_as_partial() {
    check("TERM");
}

#[test]
fn without_a_terminal_there_is_no_progress_line() {
    let place = Place::new();
    for words in [&["backtest", "--data", "data"][..], &["backtest", "--data", "data", "--json"][..]] {
        let done = place.run(words);
        assert!(!done.err.contains(['\r', '\u{1b}']) && !done.err.contains("candles/s"), "{:?}", done.err);
    }
}

/// What a terminal sees of a backtest, its stdout left out; nothing, said loudly, without `script`.
fn on_a_terminal(place: &Place, no_color: bool) -> Option<String> {
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("SKIPPED: `script` is not there to make a terminal");
        return None;
    }
    let command = format!("'{}' backtest --data data --json > stdout.json", env!("CARGO_BIN_EXE_swarm"));
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).current_dir(place.path("")).env("TERM", "xterm-256color");
    script.env_remove("NO_COLOR");
    if no_color {
        script.env("NO_COLOR", "1");
    }
    let done = script.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    serde_json::from_slice::<Value>(&std::fs::read(place.path("stdout.json")).unwrap()).unwrap();
    Some(String::from_utf8_lossy(&done.stdout).into_owned())
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_a_line_says_how_far_and_how_fast() {
    let place = Place::with(SWARM);
    place.market(7, 4_000);
    for no_color in [false, true] {
        let Some(seen) = on_a_terminal(&place, no_color) else { return };
        assert!(seen.contains("candles/s") && seen.contains("left"), "{seen:?}");
        let is_coloured = seen.match_indices("\u{1b}[").any(|(at, _)| {
            let rest = &seen[at + 2..];
            rest.find(|letter: char| letter.is_ascii_alphabetic()).is_some_and(|end| rest[end..].starts_with('m'))
        });
        assert!(!is_coloured, "{seen:?}");
    }
}
