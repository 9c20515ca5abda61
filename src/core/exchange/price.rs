//! What an execution costs: the price a taker pays, fees, slippage and funding. Pure functions of
//! parameters and numbers; knows no account and no time.

use super::Exchange;
use super::path::Leg;
use crate::model::{Fill, ONE, Price, Qty, Rate, Round, Side, SymbolId, Time, Usd, mul};

/// An execution as priced: what is missing to a [`Fill`] is its number and its fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Execution {
    pub side: Side,
    pub qty: Qty,
    pub price: Price,
    pub maker: bool,
    pub slippage: Usd,
}

/// The direction that is worse for a taker of this side.
pub(super) const fn against(side: Side) -> Round {
    match side {
        Side::Buy => Round::Up,
        Side::Sell => Round::Down,
    }
}

/// Whether a limit order takes at once: its limit lies beyond the price. At the price it rests.
pub(super) fn is_marketable(side: Side, limit: Price, price: Price) -> bool {
    match side {
        Side::Buy => limit > price,
        Side::Sell => limit < price,
    }
}

/// What a position of `qty` gets (positive) or pays for funding: `-qty * mark * rate`, rounded once
/// and against the account, in USDT.
pub(super) fn funding(qty: Qty, mark: Price, rate: Rate) -> Usd {
    let exact = -(i128::from(qty.0) * i128::from(mark.0)) * i128::from(rate.0);
    let amount = exact.div_euclid(i128::from(ONE) * i128::from(ONE));
    Usd(i64::try_from(amount).expect("invariant: a payment stays within ±92 billion USDT"))
}

/// Impact on the price as a share of it: `impact * notional / volume`, at most `bound`. Its limit for
/// a volume that goes to 0 is the bound, so that is what a candle without trades costs.
fn impact(impact: Rate, notional: Usd, volume: Usd, bound: Rate) -> Rate {
    if impact <= Rate::ZERO || notional.is_zero() {
        return Rate::ZERO;
    }
    if volume <= Usd::ZERO {
        return bound;
    }
    let share = i128::from(impact.0) * i128::from(notional.0);
    let share = (share + i128::from(volume.0) - 1) / i128::from(volume.0);
    i64::try_from(share).map_or(bound, |share| Rate(share).min(bound))
}

impl Exchange {
    /// The price at `at` on a leg, rounded to the tick against a taker and kept between the leg's ends.
    pub(super) fn arrival_price(&self, symbol: SymbolId, leg: &Leg, at: Time, side: Side) -> Price {
        let price = leg.price_at(at).snap(self.instruments[symbol.index()].tick, against(side));
        if at >= leg.end {
            return leg.to;
        }
        price.clamp(leg.from.min(leg.to), leg.from.max(leg.to))
    }

    /// A market order's execution from `base`: half the spread and the impact away, at most the
    /// instrument's bound, on the tick, and never beyond `limit`.
    pub(super) fn take(&self, symbol: SymbolId, side: Side, qty: Qty, base: Price, limit: Option<Price>) -> Execution {
        let instrument = &self.instruments[symbol.index()];
        let bound = instrument.market_take_bound;
        let half_spread = Rate((self.params.spread.0 + 1) / 2);
        // Without an impact there is no need to know the volume.
        let volume = if self.params.impact > Rate::ZERO { self.quote_volume(symbol) } else { None };
        let impact = match volume {
            Some(volume) => impact(self.params.impact, Self::notional(base, qty), volume, bound),
            None => Rate::ZERO,
        };
        let away = (half_spread + impact).min(bound).max(Rate::ZERO);
        let moved = Price(mul(base.0, ONE + side.sign() * away.0, against(side)));
        let worst = moved.snap(instrument.tick, against(side)).max(instrument.tick);
        let price = match (limit, side) {
            (None, _) => worst,
            (Some(limit), Side::Buy) => worst.min(limit),
            (Some(limit), Side::Sell) => worst.max(limit),
        };
        let slippage = Usd::notional(Price((price.0 - base.0) * side.sign()), qty, Round::Up);
        Execution { side, qty, price, maker: false, slippage }
    }

    /// Volume of the symbol's last candle in USDT, at its close; `None` before the first candle.
    fn quote_volume(&self, symbol: SymbolId) -> Option<Usd> {
        let market = &self.markets[symbol.index()];
        let close = market.points[super::POINTS - 1];
        // Beyond the range of money there is no impact to speak of.
        market.volume.map(|volume| Usd::from_f64(volume * close.to_f64()).unwrap_or(Usd(i64::MAX)))
    }

    /// The next fill, with the fee of its kind.
    pub(super) fn fill(&self, execution: &Execution) -> Fill {
        let rate = if execution.maker { self.params.maker_fee } else { self.params.taker_fee };
        let Execution { side, qty, price, maker, slippage } = *execution;
        Fill {
            trade: self.next_trade,
            side,
            price,
            qty,
            fee: Self::notional(price, qty).times(rate, Round::Up),
            maker,
            slippage,
        }
    }
}
