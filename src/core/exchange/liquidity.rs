//! How much the account's orders can trade: a share of what the market trades, where one is set. All orders on a
//! contract draw on it together, in the order in which they are due; what they leave is gone when the market trades
//! again. Knows no price.

use super::path::POINTS;
use super::{Calm, Exchange};
use crate::model::{Candle, Qty, Rate, Round, SymbolId};

impl Exchange {
    /// Sets the share of what a contract trades that orders may trade, from its next candle or trade on; until then
    /// nothing, and with `None` at once any quantity.
    pub fn set_participation(&mut self, share: Option<Rate>) {
        self.params.participation = share;
        for market in &mut self.markets {
            market.liquidity = share.map(|_| Qty::ZERO);
        }
        self.calm = Calm::Unknown;
    }

    /// Takes note of candles (by symbol) that are over, for an account that is shown [trades](Self::trade): what they
    /// traded is what impact is measured by from now on. Nothing trades with it.
    pub fn learn(&mut self, candles: &[Option<Candle>]) {
        self.settle();
        self.walk = None;
        for (market, candle) in self.markets.iter_mut().zip(candles) {
            let Some(candle) = candle else { continue };
            market.points = [candle.close; POINTS];
            market.last = Some(candle.close);
            market.volume = Some(candle.volume);
        }
        self.calm = Calm::Unknown;
    }

    /// A candle brings its share, all of it with its open.
    pub(super) fn refill(&mut self, index: usize, volume: f64) {
        if let Some(share) = self.params.participation {
            // Beyond the range of quantities no order could take it all.
            let volume = Qty::from_f64(volume).unwrap_or(Qty(i64::MAX));
            self.markets[index].liquidity = Some(volume.times(share, Round::Down));
        }
    }

    /// A trade brings its share. What is too little for any order is kept, or else many small trades would bring nothing.
    pub(super) fn supply(&mut self, index: usize, traded: Qty) {
        if let Some(share) = self.params.participation {
            let market = &mut self.markets[index];
            let dust = market.liquidity.filter(|left| *left < self.instruments[index].step).unwrap_or(Qty::ZERO);
            market.liquidity = Some(Qty(traded.times(share, Round::Down).0.saturating_add(dust.0)));
        }
    }

    /// An order traded so much.
    pub(super) fn drain(&mut self, symbol: SymbolId, qty: Qty) {
        if let Some(left) = self.markets.get_mut(symbol.index()).and_then(|market| market.liquidity.as_mut()) {
            *left = (*left - qty).max(Qty::ZERO);
        }
    }

    /// As much of a quantity as can be traded now, in whole steps.
    pub(super) fn portion(&self, symbol: SymbolId, qty: Qty) -> Qty {
        let index = symbol.index();
        match self.markets[index].liquidity {
            Some(left) if left < qty => left.snap(self.instruments[index].step, Round::Down),
            _ => qty,
        }
    }

    /// Whether nothing can be traded until the market trades again.
    pub(super) fn is_dry(&self, symbol: SymbolId) -> bool {
        let index = symbol.index();
        self.markets[index].liquidity.is_some_and(|left| left < self.instruments[index].step.max(Qty(1)))
    }
}
