//! Where the market comes from: recorded candles and the synthetic market, both as a
//! [`Tape`] of steps.
//!
//! Deliberately knows nothing of agents, accounts, the hub or the clock: a source only tells
//! which candles closed together and which funding fell due, in ascending time.

pub mod audit;
mod error;
pub mod fetch;
mod fit;
pub mod live;
pub mod recorded;
pub mod synthetic;
pub mod ticks;

pub use error::MarketError;
pub use fit::fit;
pub use recorded::{Gap, Query, RecordedTape, Recording, load};
pub use synthetic::SyntheticTape;

use std::sync::Arc;
use swarm_core::model::{Instrument, Interval, Tape, Time};

/// A market that can be played from its start any number of times.
#[derive(Clone, Debug)]
pub enum Source {
    /// Candles read from files; ends where they end.
    Recorded(Arc<Recording>),
    /// The seeded market; never ends.
    Synthetic {
        /// The same seed gives the same bits on every machine.
        seed: u64,
        /// Open time of the first candle, rounded down to the grid of `base`.
        start: Time,
        /// Length of a candle.
        base: Interval,
        /// Contracts, in the plan's order.
        instruments: Vec<Instrument>,
    },
}

impl Source {
    /// A fresh tape from the start.
    pub fn tape(&self) -> Box<dyn Tape + Send> {
        match self {
            Self::Recorded(recording) => Box::new(recording.tape()),
            Self::Synthetic { seed, start, base, instruments } => {
                Box::new(SyntheticTape::new(*seed, *start, *base, instruments))
            }
        }
    }
}
