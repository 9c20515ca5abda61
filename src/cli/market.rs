//! Opens the market a command is to trade on: recorded candles or the synthetic market.

use super::console::Failure;
use super::prepare;
use crate::config::{Loaded, MarketSpec, RuntimePlan};
use crate::market::{MarketError, Query, Recording, SyntheticTape, fit, load};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use swarm_core::model::{Plan, Step, Tape, Time};

/// A market, open.
pub struct Market {
    /// Steps from the beginning.
    pub tape: Box<dyn Tape + Send>,
    /// Steps at the beginning that only warm the feed.
    pub warm_up_steps: u64,
    /// What it is, in words; a state directory belongs to one market.
    pub label: String,
    /// Short kind, for the path of the state directory.
    pub kind: &'static str,
    /// Seconds spent loading.
    pub load_s: f64,
}

/// Recorded candles that a command reads, and of which time.
#[derive(Debug, clap::Args)]
pub struct Recorded {
    /// Folder with recorded candles.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// First candle, such as 2024-01-01 or 2024-01-01T12:00:00Z; without it the first that all symbols have.
    #[arg(long, value_name = "DATE", value_parser = prepare::parse_date)]
    from: Option<Time>,
    /// End, not included; without it the end of what all symbols have.
    #[arg(long, value_name = "DATE", value_parser = prepare::parse_date)]
    to: Option<Time>,
}

impl Recorded {
    /// Loads those of a swarm's symbols; `file` is where the swarm was read.
    pub fn load(&self, file: &Path, loaded: &Loaded) -> Result<Recording, Failure> {
        recorded(&loaded.plan, &self.data, self.from, self.to)
            .map_err(|error| prepare::market_failure(file, loaded, &error))
    }
}

/// The recorded candles of a plan, once they fit its contracts.
fn recorded(plan: &Plan, dir: &Path, from: Option<Time>, to: Option<Time>) -> Result<Recording, MarketError> {
    let symbols = plan.instruments.iter().map(|instrument| instrument.symbol.clone()).collect();
    let mut recording = load(&Query { dir: dir.to_owned(), symbols, base: plan.base, from, to })?;
    recording.warnings.extend(fit(&recording, &plan.instruments)?);
    Ok(recording)
}

/// Opens a market. `warm_up_steps` is what the features of the plan need.
pub fn open(
    plan: &Plan,
    runtime: &RuntimePlan,
    from: Option<Time>,
    to: Option<Time>,
    warm_up_steps: u64,
) -> Result<Market, Failure> {
    let began = Instant::now();
    let range = |label: String| {
        let bound = |name: &str, at: Option<Time>| at.map_or_else(String::new, |at| format!(" {name} {at}"));
        format!("{label}{}{}", bound("from", from), bound("to", to))
    };
    match &runtime.market {
        MarketSpec::Replay { dir } => {
            let recording = recorded(plan, dir, from, to).map_err(|error| Failure::input(error.to_string()))?;
            recording.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
            let dir = dir.canonicalize().unwrap_or_else(|_| dir.clone());
            Ok(Market {
                tape: Box::new(Arc::new(recording).tape()),
                // Recorded candles are all traded on, as the backtest does.
                warm_up_steps: 0,
                label: range(format!("replay:{}", dir.display())),
                kind: "replay",
                load_s: began.elapsed().as_secs_f64(),
            })
        }
        MarketSpec::Synthetic { seed } => {
            let start = from.unwrap_or(runtime.start).floor(plan.base.ms());
            // Candles before the start are made up too, so that the swarm is warm when it starts.
            let steps = i64::try_from(warm_up_steps).unwrap_or(0);
            let first = start.plus(-steps * plan.base.ms());
            let tape = SyntheticTape::new(*seed, first, plan.base, &plan.instruments);
            Ok(Market {
                tape: Box::new(Until { tape, end: to }),
                warm_up_steps,
                label: range(format!("synthetic:{seed} from {start}")),
                kind: "synthetic",
                load_s: began.elapsed().as_secs_f64(),
            })
        }
        MarketSpec::Aster | MarketSpec::AsterTestnet => Err(Failure::input(format!(
            "--market {} happens as it happens: only `swarm run` follows it",
            runtime.market
        ))),
    }
}

/// A tape that ends at a time.
struct Until<T> {
    tape: T,
    end: Option<Time>,
}

impl<T: Tape> Tape for Until<T> {
    fn next(&mut self, step: &mut Step) -> bool {
        self.tape.next(step) && self.end.is_none_or(|end| step.close_time <= end)
    }
}
