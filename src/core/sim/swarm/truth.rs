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

/// Prices by symbol, in spans of a minute.
#[derive(Clone, Debug)]
pub(super) struct Truth(Vec<BTreeMap<Time, Span>>);

impl Truth {
    pub(super) fn new(symbols: usize) -> Self {
        Self(vec![BTreeMap::new(); symbols])
    }

    /// The price was this.
    pub(super) fn note(&mut self, symbol: SymbolId, at: Time, price: Price) {
        let span = Span::at(price);
        self.0[symbol.index()].entry(at.floor(MINUTE_MS)).or_insert(span).include(span);
    }

    /// Where the price has been since some time before `from`; nowhere yet where nothing is known.
    pub(super) fn since(&self, symbol: SymbolId, from: Time) -> Option<Span> {
        self.spanned(symbol, from.plus(-LOOKBACK_MS))
    }

    fn spanned(&self, symbol: SymbolId, from: Time) -> Option<Span> {
        let mut spans = self.0[symbol.index()].range(from..).map(|(_, span)| *span);
        let first = spans.next()?;
        Some(spans.fold(first, |mut all, span| {
            all.include(span);
            all
        }))
    }

    /// Where the newest mark may have it: an old one that was told again, and was the last that came for as long.
    pub(super) fn told_lately(&self, symbol: SymbolId) -> Option<Span> {
        let (newest, _) = self.0[symbol.index()].last_key_value()?;
        self.spanned(symbol, newest.plus(-2 * LOOKBACK_MS))
    }

    /// Where the price has been lately.
    pub(super) fn lately(&self, symbol: SymbolId) -> Option<Span> {
        let (newest, _) = self.0[symbol.index()].last_key_value()?;
        self.since(symbol, *newest)
    }
}
