//! What the tests of the binary share: a directory with a swarm and made-up candles, commands that run
//! to their end, and swarms that run until they are stopped. Loopback only, everything bounded in time,
//! every process ended by its own id.

#![allow(dead_code, unused_imports, reason = "each test file is a crate of its own and uses a part of this")]

mod candles;
mod process;
mod venue;

pub use candles::{DAY, HEADER, M5, START, candle_text, candles};
pub use process::{Done, Process, Running, http, until};
pub use venue::HandVenue;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Candles a symbol of the default market.
pub const CANDLES: i64 = 1_500;
/// The symbols of the default swarm.
pub const SYMBOLS: [&str; 3] = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];

/// Two cohorts that trade often on a few days of candles: stops and targets are near.
pub const SWARM: &str = "\
version: 1
name: outside
market: { source: synthetic, symbols: [BTCUSDT, ETHUSDT, SOLUSDT], intervals: [5m, 15m, 1h] }
risk: { max_positions: 6 }
portfolios:
  control: { equity: 10000, risk: { max_positions: 3, max_leverage: 5, max_drawdown: 0.5 } }
  expert: { equity: 10000, risk: { max_positions: 2, max_leverage: 5, max_drawdown: 0.5 } }
cohorts:
  control:
    portfolio: control
    agents:
      - { use: control, count: 3, set: { rsi_buy: 40, rsi_sell: 60, base_notional: 2000, stop: 0.01, target: 0.015 } }
  expert:
    portfolio: expert
    agents:
      - { use: expert, count: 3, set: { min_confidence: 40, entry_preset: more, entry_score: 0.2, entry_volume_ratio: 1, base_notional: 2000 } }
experiment: { control: control, treatment: expert }
";

/// A directory of its own with `swarm.yaml` and `data`, where commands are run.
pub struct Place {
    dir: TempDir,
}

impl Place {
    /// The default swarm on the default market.
    pub fn new() -> Self {
        let place = Self::with(SWARM);
        place.market(7, CANDLES);
        place
    }

    /// A swarm without a market.
    pub fn with(swarm: &str) -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        place.put("swarm.yaml", swarm);
        place
    }

    /// Where something is.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    /// Writes a file.
    pub fn put(&self, relative: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    /// Writes the candles of all symbols below `data/5m`.
    pub fn market(&self, seed: u64, count: i64) -> &Self {
        for (index, symbol) in SYMBOLS.iter().enumerate() {
            let rows = candles(seed, index, count);
            self.put(&format!("data/5m/{symbol}.csv"), candle_text(&rows, |_| true));
        }
        self
    }

    /// A command in this directory, as nobody's environment would change it.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_swarm"));
        command.args(words).current_dir(self.dir.path()).stdin(Stdio::null());
        for name in ["SWARM_API", "SWARM_API_TOKEN", "SWARM_LOG", "RUST_LOG", "NO_COLOR"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, words: &[&str]) -> Done {
        process::to_the_end(self.command(words), words)
    }

    /// Runs a command that must end with 0 and print one JSON document and nothing else on stdout.
    pub fn json(&self, words: &[&str]) -> Value {
        let done = self.run(words);
        assert_eq!(done.code, Some(0), "{words:?}: {}", done.err);
        done.json()
    }

    /// Starts a command and waits for nothing.
    pub fn launch(&self, words: &[&str]) -> Process {
        Process::start(self.command(words), words)
    }

    /// The same with variables of the environment.
    pub fn start_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Running {
        let mut command = self.command(words);
        command.envs(variables.iter().copied());
        Running::start(command, words)
    }

    /// Starts a swarm and waits until it says where its API is.
    pub fn start(&self, words: &[&str]) -> Running {
        Running::start(self.command(words), words)
    }
}

/// Bytes in the journal of a state directory; none while there is no journal.
pub fn journal_bytes(state: &Path) -> u64 {
    std::fs::metadata(state.join("journal.bin")).map_or(0, |journal| journal.len())
}

/// Recorded market data beside the workspace; said loudly where there are none.
pub fn shared_data(below: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(below);
    if !path.is_dir() {
        eprintln!("SKIPPED: {} is not there", path.display());
        return None;
    }
    Some(path.canonicalize().unwrap())
}

/// A report without what depends on the machine and not on the swarm.
pub fn without_timing(mut report: Value) -> Value {
    let timing = report.as_object_mut().unwrap().remove("timing").unwrap();
    report["decisions"] = timing["agent_candles"].clone();
    report
}

/// Two documents that should be the same; what differs is told place by place.
pub fn assert_same(found: &Value, expected: &Value, what: &str) {
    let mut differences = Vec::new();
    compare("", found, expected, &mut differences);
    assert!(differences.is_empty(), "{what}:\n{}", differences.join("\n"));
}

fn compare(place: &str, found: &Value, expected: &Value, differences: &mut Vec<String>) {
    match (found, expected) {
        (Value::Object(one), Value::Object(other)) => {
            for key in one.keys().chain(other.keys().filter(|key| !one.contains_key(*key))) {
                compare(&format!("{place}/{key}"), &found[key], &expected[key], differences);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (found, expected)) in one.iter().zip(other).enumerate() {
                compare(&format!("{place}/{index}"), found, expected, differences);
            }
        }
        _ if found == expected => {}
        _ => differences.push(format!("{place} is {found}, expected {expected}")),
    }
}
