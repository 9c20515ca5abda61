//! Leverage and size of an entry: risk, cuts, caps and floor. It knows no score and no exit.

use super::groups::Kelly;
use super::params::Params;
use super::score::Reading;
use swarm_core::model::{Instrument, ONE, Price, Qty, Round, Usd};
use swarm_core::rule::{AccountView, TradeStats};

/// What decided the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Risk per trade over the distance of the stop.
    Risk,
    /// `base_notional`.
    Floor,
    /// Leverage times the share of equity that one of the portfolio's positions may take.
    Margin,
    /// The agent's own record.
    Kelly,
    /// The share of the candle's quote volume.
    Volume,
    /// The expected slippage.
    Slippage,
    /// The venue's largest quantity, or its leverage table.
    Venue,
}

impl Bound {
    /// For sentences: "... bounded by".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Risk => "risk per trade",
            Self::Floor => "base_notional",
            Self::Margin => "leverage and the equity of one position",
            Self::Kelly => "half-Kelly of its own record",
            Self::Volume => "share of the candle's volume",
            Self::Slippage => "expected slippage",
            Self::Venue => "the venue's limits",
        }
    }
}

/// A size and what decided it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sized {
    /// In USDT.
    pub notional: Usd,
    /// What decided it.
    pub bound: Bound,
}

/// What an entry is sized by.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// The candle.
    pub reading: &'a Reading,
    /// Its quote volume, in USDT.
    pub quote_volume: f64,
    /// Leverage of the entry, in times of margin.
    pub leverage: f64,
    /// What the size is multiplied by before the caps: 1, unless a rule above asks for more.
    pub factor: f64,
    /// Distance of the stop over the price.
    pub stop_share: f64,
    /// The portfolio.
    pub account: &'a AccountView,
    /// The agent's record.
    pub stats: &'a TradeStats,
    /// The contract's filters.
    pub instrument: &'a Instrument,
}

/// The leverage ladder, at most what the portfolio allows, at least 1.
pub fn leverage(params: &Params, reading: &Reading, confidence: f64, account: &AccountView) -> f64 {
    let ladder = &params.leverage;
    let mut leverage = match (reading.regime != 0.0, reading.stability > ladder.calm_above) {
        (false, _) => ladder.neutral,
        (true, false) => ladder.trending,
        (true, true) => ladder.calm,
    };
    if reading.stability < ladder.wild_below {
        leverage *= ladder.wild_factor;
    }
    if confidence > ladder.sure_above {
        leverage *= ladder.sure_factor;
    }
    if confidence < ladder.unsure_below {
        leverage *= ladder.unsure_factor;
    }
    leverage.max(ladder.min).min(params.max_leverage).min(account.max_leverage.to_f64()).max(1.0)
}

/// The notional to ask for: risk over stop distance, cut in volatile markets, raised to the floor,
/// multiplied by the factor, then capped.
///
/// # Errors
/// The binding cap, when it leaves less than the venue takes.
pub fn notional(params: &Params, basis: &Basis<'_>) -> Result<Sized, Bound> {
    let equity = basis.account.equity.to_f64();
    let by_risk = params.risk * equity / basis.stop_share * volatility_factor(params, basis.reading.volatility);
    let mut size = (by_risk, Bound::Risk);
    if size.0 < params.base_notional {
        size = (params.base_notional, Bound::Floor);
    }
    size.0 *= basis.factor;
    let positions = f64::from(basis.account.max_positions.max(1));
    let kelly = params.kelly.as_ref().and_then(|kelly| half_kelly(kelly, basis.stats));
    for cap in [
        Some((basis.leverage * (equity / positions), Bound::Margin)),
        kelly.map(|share| (share * equity * basis.leverage, Bound::Kelly)),
        Some((params.max_volume_share * basis.quote_volume, Bound::Volume)),
        (params.impact > 0.0).then(|| (params.max_slippage / params.impact * basis.quote_volume, Bound::Slippage)),
        Some((venue_cap(basis), Bound::Venue)),
    ]
    .into_iter()
    .flatten()
    {
        if cap.0 < size.0 {
            size = cap;
        }
    }
    let notional = Usd::from_f64(size.0.max(0.0)).ok_or(size.1)?;
    if above_minimum(notional, basis) { Ok(Sized { notional, bound: size.1 }) } else { Err(size.1) }
}

/// Slippage to expect for a notional, as a share of the price: linear in the share of the candle's
/// quote volume. Absent without volume.
pub fn expected_slippage(params: &Params, notional: f64, quote_volume: f64) -> Option<f64> {
    (quote_volume > 0.0).then(|| params.impact * notional / quote_volume)
}

/// The factor of the highest cut that applies.
fn volatility_factor(params: &Params, volatility: f64) -> f64 {
    let applies = params.volatility_cuts.iter().filter(|cut| volatility > cut.above);
    applies.max_by(|one, other| one.above.total_cmp(&other.above)).map_or(1.0, |cut| cut.factor)
}

/// Whether the agent's record leaves it anything to size an entry by.
pub fn leaves_any(params: &Params, stats: &TradeStats) -> bool {
    params.kelly.as_ref().and_then(|kelly| half_kelly(kelly, stats)).is_none_or(|share| share > 0.0)
}

/// Share of equity to use as margin by the agent's record, once it is long enough:
/// `clamp((p x b - (1 - p)) / b x fraction, 0, max)` with p the share of winners and b the average win
/// over the average loss.
fn half_kelly(kelly: &Kelly, stats: &TradeStats) -> Option<f64> {
    let (wins, losses) = (f64::from(stats.wins), f64::from(stats.losses));
    let trades = wins + losses;
    if trades < f64::from(kelly.min_trades) {
        return None;
    }
    if stats.wins == 0 || stats.gross_profit <= Usd::ZERO {
        return Some(0.0);
    }
    let p = wins / trades;
    // Without a loss b is infinite, and the bet the limit of the formula: p.
    let bet = if stats.losses == 0 || stats.gross_loss <= Usd::ZERO {
        p
    } else {
        let b = (stats.gross_profit.to_f64() / wins) / (stats.gross_loss.to_f64() / losses);
        (p * b - (1.0 - p)) / b
    };
    Some((bet * kelly.fraction).clamp(0.0, kelly.max))
}

/// What the contract takes at most at this leverage, rounded up to a whole number as orders carry it.
fn venue_cap(basis: &Basis<'_>) -> f64 {
    let largest = basis.instrument.max_market_qty.to_f64() * basis.reading.close;
    let fits = |bracket: &&swarm_core::model::LeverageBracket| f64::from(bracket.max_leverage) >= basis.leverage.ceil();
    let bracket = basis.instrument.brackets.iter().filter(fits).map(|bracket| bracket.notional_cap).max();
    largest.min(bracket.map_or(0.0, Usd::to_f64))
}

/// Whether the quantity that the notional buys, rounded down to the step, passes the venue's filters.
fn above_minimum(notional: Usd, basis: &Basis<'_>) -> bool {
    let Some(price) = Price::from_f64(basis.reading.close).filter(|price| *price > Price::ZERO) else { return false };
    let Ok(mantissa) = i64::try_from(i128::from(notional.0) * i128::from(ONE) / i128::from(price.0)) else {
        return false;
    };
    let qty = basis.instrument.snap_qty(Qty(mantissa));
    qty > Qty::ZERO
        && qty >= basis.instrument.min_qty
        && Usd::notional(price, qty, Round::Down) >= basis.instrument.min_notional
}
