//! What the market's prices really were, whatever the swarm was told: against it the audit holds what the swarm made
//! of marks. Knows no swarm.

use crate::model::{MINUTE_MS, Millis, Price, SymbolId, Time};
use std::collections::BTreeMap;

/// Marks may be so old and still be the newest that came: streams fall silent, and processes die.
const LOOKBACK_MS: Millis = 30 * MINUTE_MS;

/// Lowest and highest price of a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) low: Price,
    pub(super) high: Price,
}

impl Span {
    const fn at(price: Price) -> Self {
        Self { low: price, high: price }
    }

    /// Wide enough for `other` too.
    pub(super) fn include(&mut self, other: Self) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
    }
}

/// Prices of one symbol, in spans of a minute.
#[derive(Clone, Debug, Default)]
struct Minutes(BTreeMap<Time, Span>);

impl Minutes {
    fn note(&mut self, at: Time, price: Price) {
        let span = Span::at(price);
        self.0.entry(at.floor(MINUTE_MS)).or_insert(span).include(span);
    }

    fn since(&self, from: Time) -> Option<Span> {
        let mut spans = self.0.range(from..).map(|(_, span)| *span);
        let first = spans.next()?;
        Some(spans.fold(first, |mut all, span| {
            all.include(span);
            all
        }))
    }

    fn newest(&self) -> Option<Time> {
        self.0.last_key_value().map(|(at, _)| *at)
    }
}

/// By symbol.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    prices: Vec<Minutes>,
    /// Old prices that were told again, by when they were.
    again: Vec<Minutes>,
}

impl Truth {
    pub(super) fn new(symbols: usize) -> Self {
        Self { prices: vec![Minutes::default(); symbols], again: vec![Minutes::default(); symbols] }
    }

    /// The price was this.
    pub(super) fn note(&mut self, symbol: SymbolId, at: Time, price: Price) {
        self.prices[symbol.index()].note(at, price);
    }

    /// A price of before is told once more.
    pub(super) fn note_again(&mut self, symbol: SymbolId, at: Time, price: Price) {
        self.again[symbol.index()].note(at, price);
    }

    /// Where the price has been since some time before `from`; nowhere yet where nothing is known.
    pub(super) fn since(&self, symbol: SymbolId, from: Time) -> Option<Span> {
        self.prices[symbol.index()].since(from.plus(-LOOKBACK_MS))
    }

    /// Where the price has been lately.
    pub(super) fn lately(&self, symbol: SymbolId) -> Option<Span> {
        self.since(symbol, self.prices[symbol.index()].newest()?)
    }

    /// Where the newest mark that came may have it: lately, or when it was told again lately.
    pub(super) fn told_lately(&self, symbol: SymbolId) -> Option<Span> {
        let mut told = self.lately(symbol)?;
        let from = self.prices[symbol.index()].newest()?.plus(-LOOKBACK_MS);
        if let Some(again) = self.again[symbol.index()].since(from) {
            told.include(again);
        }
        Some(told)
    }
}
