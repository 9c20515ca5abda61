//! AsterDEX's public market data as a market: contracts and candles of the past by REST, then steps as candles
//! close, from streams that are checked against REST. Needs no key.
//!
//! `assembly` and `funding` are values that know neither socket nor clock; `opening` and `follow` carry out what
//! they ask for. Knows no agent, no account and no order.

mod assembly;
mod clock;
mod filters;
mod follow;
mod funding;
mod opening;

pub use assembly::{Assembly, Fate, Moment, Note, Question, REMEMBERED, Waits};
pub use clock::MarketClock;
pub use filters::{Change, changes, differences};
pub use follow::{Following, News, follow};
pub use funding::Funding;
pub use opening::{History, LiveError, contracts, history, market_time};

use crate::aster::wire::{Kline, KlineInterval, KlineQuery};
use swarm_core::model::{Interval, Time};

/// Rows of one page of candles: the most that cost half of what the next more cost.
const PAGE: u32 = 1_000;

/// The question for closed candles from `from` on, those that begin before `until`. Fewer rows cost less.
fn klines(symbol: &str, interval: &KlineInterval, from: Time, until: Option<Time>, rows: u32) -> KlineQuery {
    KlineQuery {
        end_time: until.map(|until| until.plus(-1)),
        interval: interval.clone(),
        limit: Some(rows.clamp(1, PAGE)),
        pair: None,
        start_time: Some(from),
        symbol: Some(symbol.to_owned()),
    }
}

/// Those of REST's candles that are over for good: all but the last, and the last when it is over for a while.
fn closed(rows: &[Kline], base: Interval, market: Time) -> impl Iterator<Item = &Kline> {
    /// A candle that ended this long ago is not going to change.
    const SETTLED_MS: i64 = 1_500;
    let last = rows.last().map(|row| row.open_time);
    rows.iter()
        .filter(move |row| Some(row.open_time) != last || row.open_time.plus(base.ms()).plus(SETTLED_MS) <= market)
}
