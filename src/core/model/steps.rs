//! Steps in a row, kept by column: what a tape is read into, many steps at a time, with one copy of each candle. It knows
//! what the steps have in common, and nothing of what is computed from them.

use super::{Candle, FundingDue, Price, Step, SymbolId, Time};

/// In the place of one that is missing.
const MISSING: Candle = Candle {
    open_time: Time(i64::MIN),
    open: Price::ZERO,
    high: Price::ZERO,
    low: Price::ZERO,
    close: Price::ZERO,
    volume: 0.0,
};

#[inline(always)]
const fn is_present(candle: &Candle) -> bool {
    candle.open_time.0 != MISSING.open_time.0
}

/// The candle, unless it stands for one that is missing.
#[inline(always)]
fn present(candle: &Candle) -> Option<&Candle> {
    is_present(candle).then_some(candle)
}

/// Some steps in a row.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    /// How many; what stands behind them below is of earlier ones.
    len: usize,
    close_times: Vec<Time>,
    /// By symbol, then by step.
    lanes: Vec<Vec<Candle>>,
    /// Payments, with the place of their step.
    funding: Vec<(usize, FundingDue)>,
    /// Places of steps that pay funding, or have candles of other symbols than the step before.
    breaks: Vec<usize>,
    /// For tapes that hand over one step at a time.
    pub(super) buffer: Step,
}

impl Steps {
    /// None yet, of so many symbols.
    pub fn of(symbols: usize) -> Self {
        Self { lanes: vec![Vec::new(); symbols], ..Self::default() }
    }

    /// Forgets all of them, and makes room for so many.
    pub fn clear(&mut self, most: usize) {
        self.len = 0;
        self.funding.clear();
        self.breaks.clear();
        if self.close_times.len() < most {
            self.close_times.resize(most, Time(0));
            self.lanes.iter_mut().for_each(|lane| lane.resize(most, MISSING));
        }
    }

    /// Whether there is no [room](Self::clear) for another one.
    #[inline]
    pub const fn is_full(&self) -> bool {
        self.len == self.close_times.len()
    }

    /// Adds the next one: its candles by symbol, and the payments due in it. What is said of symbols that these steps
    /// are not of is passed over; a symbol of which nothing is said has no candle.
    ///
    /// # Panics
    /// When there is no room for it.
    #[inline]
    pub fn push<'c>(
        &mut self,
        close_time: Time,
        candles: impl IntoIterator<Item = Option<&'c Candle>>,
        funding: &[FundingDue],
    ) {
        let at = self.len;
        let mut is_alike = at > 0 && funding.is_empty();
        let mut candles = candles.into_iter();
        for lane in &mut self.lanes {
            let candle = candles.next().flatten().unwrap_or(&MISSING);
            is_alike = is_alike && is_present(candle) == is_present(&lane[at - 1]);
            lane[at] = *candle;
        }
        if !is_alike {
            self.breaks.push(at);
            self.funding.extend(funding.iter().map(|due| (at, *due)));
        }
        self.close_times[at] = close_time;
        self.len += 1;
    }

    /// How many there are.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }
    /// Whether there is none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// When they ended.
    #[inline]
    pub fn close_times(&self) -> &[Time] {
        &self.close_times[..self.len]
    }
    /// How many candles they have, of all symbols.
    pub fn candles(&self) -> usize {
        self.lanes.iter().flat_map(|lane| &lane[..self.len]).filter(|one| is_present(one)).count()
    }
    /// The candles of a symbol by step, none where it has none.
    #[inline]
    pub fn lane(&self, symbol: SymbolId) -> impl ExactSizeIterator<Item = Option<&Candle>> {
        self.lanes[symbol.index()][..self.len].iter().map(present)
    }
    /// A symbol's candle at a step; `None` where it has none.
    #[inline(always)]
    pub fn candle(&self, symbol: SymbolId, at: usize) -> Option<&Candle> {
        present(self.lanes.get(symbol.index())?[..self.len].get(at)?)
    }
    /// A symbol's candles at some steps, of which each has one.
    #[inline(always)]
    pub fn whole(&self, symbol: SymbolId, from: usize, to: usize) -> &[Candle] {
        let candles = &self.lanes[symbol.index()][from..to];
        debug_assert!(candles.iter().all(is_present), "a symbol without a candle in one of these steps");
        candles
    }

    /// Writes one out.
    pub fn read(&self, at: usize, step: &mut Step) {
        step.close_time = self.close_times[at];
        step.candles.clear();
        step.candles.extend(self.lanes.iter().map(|lane| present(&lane[at]).copied()));
        step.funding.clear();
        let from = self.funding.partition_point(|(place, _)| *place < at);
        let of_it = self.funding[from..].iter().take_while(|(place, _)| *place == at);
        step.funding.extend(of_it.map(|(_, due)| *due));
    }

    /// The first step after `at` that pays funding or has candles of other symbols; the end when there is none.
    pub fn alike_until(&self, at: usize) -> usize {
        let next = self.breaks.partition_point(|place| *place <= at);
        self.breaks.get(next).copied().unwrap_or(self.len)
    }

    /// Whether funding is paid in a step.
    pub fn pays_funding(&self, at: usize) -> bool {
        self.funding.binary_search_by_key(&at, |(place, _)| *place).is_ok()
    }
}
