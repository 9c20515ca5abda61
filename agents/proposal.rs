//! What rules share on the way from a signal to a proposal. It knows no rule and no parameter.

use swarm_core::model::{Decision, Explanation, IntentKind, Interval, Price, Qty, Side, Size, Time, Usd};
use swarm_core::rule::View;

/// The candles a rule decides on, among the swarm's base candles.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Interval of the candles.
    pub interval: Interval,
    is_base: bool,
}

impl Pace {
    /// Of a rule on `interval` in a swarm whose base interval is `base`.
    pub fn new(interval: Interval, base: Interval) -> Self {
        Self { interval, is_base: interval == base }
    }
    /// Whether one of the candles closes at `now`, the close of a base candle: a rule on a higher
    /// interval acts then only, so that one candle is not taken for several.
    #[inline]
    pub fn closes(self, now: Time) -> bool {
        self.is_base || now.0.rem_euclid(self.interval.ms()) == 0
    }
}

/// `share` of a price as a distance, at least one tick; absent when that cannot be computed.
pub fn distance(price: f64, share: f64, tick: Price) -> Option<Price> {
    Price::from_f64(price * share).map(|distance| distance.max(tick))
}

/// The part of an explanation that every entry has: leverage, notional, stop and targets as planned
/// at the candle's close. Read from the proposal, so that it tells what is really asked for.
pub fn explain(view: &View<'_>, decision: &Decision) -> Explanation {
    let Some(IntentKind::Open(entry) | IntentKind::Reverse(entry)) = decision.proposal.as_deref() else {
        return Explanation::default();
    };
    let close = view.frame.candle.close.to_f64();
    let sign = entry.side.sign() as f64;
    let notional = match entry.size {
        Size::Notional(notional) => notional.to_f64(),
        Size::Qty(qty) => qty.to_f64() * close,
    };
    Explanation {
        leverage: Some(entry.leverage.to_f64()),
        notional_usdt: Some(notional),
        stop_price: entry.exits.stop.map(|stop| close - sign * stop.distance.to_f64()),
        target_prices: entry.exits.targets.iter().map(|target| close * (1.0 + sign * target.at.to_f64())).collect(),
        expected_funding: view.funding_rate.map(|rate| rate.to_f64() * sign),
        ..Explanation::default()
    }
}

/// A size times a factor; as it is when the product is beyond exact numbers.
pub fn multiplied(size: Size, factor: f64) -> Size {
    if factor == 1.0 {
        return size;
    }
    match size {
        Size::Qty(qty) => Size::Qty(Qty::from_f64(qty.to_f64() * factor).unwrap_or(qty)),
        Size::Notional(notional) => Size::Notional(Usd::from_f64(notional.to_f64() * factor).unwrap_or(notional)),
    }
}

/// `LONG` or `SHORT`, as people read it.
pub const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "LONG",
        Side::Sell => "SHORT",
    }
}
