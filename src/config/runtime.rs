//! What a run needs beside the [`Plan`](swarm_core::model::Plan): where candles come from, where state lives,
//! how agents are hosted. Nothing here changes what is decided.

use super::market::MarketSpec;
use super::written::{MarginMode, RequestLimits, VenueKind};
use serde::Serialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use swarm_core::delivery::Policy;
pub use swarm_core::engine::RestartPolicy;
use swarm_core::model::Time;

/// How fast recorded or made-up candles are handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Speed {
    /// So many times as fast as they happened.
    Times(u32),
    /// As fast as they can be computed.
    #[default]
    Max,
}

/// A text that is not a speed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a speed: expected a whole number from 1 to 1000000, or max")]
pub struct SpeedError(String);

impl FromStr for Speed {
    type Err = SpeedError;
    fn from_str(text: &str) -> Result<Self, SpeedError> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse() {
            Ok(times @ 1..=1_000_000) => Ok(Self::Times(times)),
            _ => Err(SpeedError(text.to_owned())),
        }
    }
}

/// Base URLs of an AsterDEX of one's own, such as `swarm venue`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hosts {
    /// Of the REST API.
    pub rest: String,
    /// Of the streams.
    pub stream: String,
}

/// Everything a run needs beside the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimePlan {
    /// Where candles come from.
    pub market: MarketSpec,
    /// First candle of the synthetic market.
    pub start: Time,
    /// How fast candles are handed out.
    pub speed: Speed,
    /// Which venue executes.
    pub venue: VenueKind,
    /// Where AsterDEX is, where it is not at its usual hosts.
    pub hosts: Option<Hosts>,
    /// AsterDEX account of each portfolio, in declared order; there in mode live.
    pub accounts: Vec<Option<String>>,
    /// How they are kept together with the books; each portfolio's `require_stop` is in the plan.
    pub reconcile: Policy,
    /// What of the venue's limits may be used.
    pub caps: RequestLimits,
    /// What live accounts' contracts are set to at the start; left as they are where absent.
    pub margin: Option<MarginMode>,
    /// Directory of journals and snapshots of this mode.
    pub state_dir: PathBuf,
    /// Where the HTTP interface listens.
    pub listen: SocketAddr,
    /// Threads that host agents.
    pub arbiters: usize,
    /// Messages waiting in front of an actor.
    pub mailbox_capacity: usize,
    /// What happens to an agent whose rule panicked.
    pub restart: RestartPolicy,
    /// Records after which the journal goes on in another file.
    pub journal_file_records: u64,
    /// Full files of it that are not compressed.
    pub journal_unpacked_files: usize,
}

/// What the command line says instead of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--market`; a relative directory is relative to the working directory.
    pub market: Option<MarketSpec>,
    /// `--speed`.
    pub speed: Option<Speed>,
    /// `--state`, taken as it is.
    pub state_dir: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
}

impl RuntimePlan {
    /// Lays the command line's choices on top.
    pub fn apply(&mut self, overrides: Overrides) {
        let Overrides { market, speed, state_dir, listen } = overrides;
        self.market = market.unwrap_or_else(|| self.market.clone());
        self.speed = speed.unwrap_or(self.speed);
        self.state_dir = state_dir.unwrap_or_else(|| self.state_dir.clone());
        self.listen = listen.unwrap_or(self.listen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_read() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("60".parse(), Ok(Speed::Times(60)));
        for text in ["", "0", "-1", "fast", "1.5", "1000001"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }
}
