//! Candles of the workload as market events, and a source of them that waits for the engine.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use barter::{backtest::market_data::BacktestMarketData, error::BarterError};
use barter_data::{event::MarketEvent, streams::consumer::MarketStreamEvent, subscription::candle::Candle};
use barter_instrument::{exchange::ExchangeId, instrument::InstrumentIndex};
use chrono::{DateTime, Utc};
use futures::{Stream, stream};
use rust_decimal::{Decimal, prelude::FromPrimitive};
use tokio::sync::Notify;

const MINUTE_MS: i64 = 60_000;

pub type Event = MarketStreamEvent<InstrumentIndex, Candle>;
pub type Events = Vec<Event>;

/// The first candles of a file that bars.py wrote: open time, open, high, low, close, volume. A candle is known
/// when it has closed.
pub fn parse(text: &str, count: usize) -> Result<Events, String> {
    let rows = text.lines().enumerate().skip(1).take(count);
    rows.map(|(number, line)| candle(line).ok_or_else(|| format!("line {} is no candle: {line}", number + 1))).collect()
}

fn candle(line: &str) -> Option<Event> {
    let (time, rest) = line.split_once(',')?;
    let numbers = rest.split(',').map(str::parse).collect::<Result<Vec<f64>, _>>().ok()?;
    let [open, high, low, close, volume] = numbers[..] else { return None };
    let close_time = DateTime::from_timestamp_millis(time.parse::<i64>().ok()? + MINUTE_MS)?;
    Some(MarketStreamEvent::Item(MarketEvent {
        time_exchange: close_time,
        time_received: close_time,
        exchange: ExchangeId::BinanceSpot,
        instrument: InstrumentIndex(0),
        kind: Candle { close_time, open, high, low, close, volume, trade_count: 0 },
    }))
}

fn item(event: &Event) -> Option<&MarketEvent<InstrumentIndex, Candle>> {
    match event {
        MarketStreamEvent::Item(item) => Some(item),
        MarketStreamEvent::Reconnecting(_) => None,
    }
}

pub fn last_close(events: &Events) -> Option<Decimal> {
    events.iter().rev().find_map(item).and_then(|last| Decimal::from_f64(last.kind.close))
}

/// How far the engine is, for the source that waits for it.
#[derive(Debug, Default)]
pub struct Gate {
    processed: AtomicUsize,
    wanted: AtomicUsize,
    filled: AtomicUsize,
    moved: Notify,
}

impl Gate {
    /// A candle is processed, and whether an order follows from it.
    pub fn processed(&self, order: bool) {
        self.wanted.fetch_add(usize::from(order), Ordering::SeqCst);
        self.processed.fetch_add(1, Ordering::SeqCst);
        self.moved.notify_one();
    }

    pub fn filled(&self) {
        self.filled.fetch_add(1, Ordering::SeqCst);
        self.moved.notify_one();
    }

    /// Until this many candles are processed and each order that followed is filled.
    async fn reached(&self, candles: usize) {
        while self.processed.load(Ordering::SeqCst) < candles
            || self.filled.load(Ordering::SeqCst) < self.wanted.load(Ordering::SeqCst)
        {
            self.moved.notified().await;
        }
    }
}

/// Gives a candle when the engine is done with those before, and ends when it is done with the last.
#[derive(Debug, Clone)]
pub struct Held {
    events: Arc<Events>,
    gate: Arc<Gate>,
}

impl Held {
    pub fn new(events: Arc<Events>, gate: Arc<Gate>) -> Self {
        Self { events, gate }
    }
}

impl BacktestMarketData for Held {
    type Kind = Candle;

    async fn time_first_event(&self) -> Result<DateTime<Utc>, BarterError> {
        // Without candles the run ends before anything reads a clock.
        Ok(self.events.iter().find_map(item).map_or(DateTime::UNIX_EPOCH, |first| first.time_exchange))
    }

    async fn stream(&self) -> Result<impl Stream<Item = Event> + Send + 'static, BarterError> {
        let Self { events, gate } = self.clone();
        Ok(stream::unfold((events, gate, 0), |(events, gate, given)| async move {
            gate.reached(given).await;
            let event = events.get(given)?.clone();
            Some((event, (events, gate, given + 1)))
        }))
    }
}
