//! How the expert leaves: the stop, its moves, the targets, the time limit, and the exits by signal.
//! The plan is data that the supervisor carries out; this file knows no order.

use super::params::Params;
use super::score::Reading;
use crate::params::{ParamError, rate};
use crate::proposal::distance;
use swarm_core::model::{BreakEven, ExitPlan, Instrument, Millis, Price, Rate, Side, StopPlan, TargetPlan, Trail};

/// Exits in the types that intents need, computed once for all agents with the same parameters.
#[derive(Clone, Debug)]
pub struct PreparedExits {
    break_even: Option<BreakEven>,
    trail: Option<(Rate, f64, Rate)>,
    targets: Vec<TargetPlan>,
    max_holding_ms: Option<Millis>,
}

impl PreparedExits {
    /// From the parameters as written.
    ///
    /// # Errors
    /// When a share is too large for an exact number.
    pub fn of(params: &Params) -> Result<Self, ParamError> {
        let break_even = match params.break_even {
            Some(at) => Some(BreakEven { from: rate("break_even.from", at.from)?, to: rate("break_even.to", at.to)? }),
            None => None,
        };
        let trail = match params.trail {
            Some(by) => Some((rate("trail.from", by.from)?, by.atr, rate("trail.max", by.max)?)),
            None => None,
        };
        let target = |target: &super::groups::Target| {
            Ok(TargetPlan { at: rate("targets", target.at)?, fraction: rate("targets", target.fraction)? })
        };
        Ok(Self {
            break_even,
            trail,
            targets: params.targets.iter().map(target).collect::<Result<_, ParamError>>()?,
            max_holding_ms: params.max_holding.map(|interval| interval.ms()),
        })
    }

    /// The plan of an entry whose first stop is `stop` away from the fill price.
    pub fn plan(&self, stop: Price, atr: f64, instrument: &Instrument) -> ExitPlan {
        let trail = self.trail.and_then(|(from, factor, max_distance)| {
            Some(Trail { from, distance: distance(atr, factor, instrument.tick)?, max_distance })
        });
        ExitPlan {
            stop: Some(StopPlan { distance: stop, break_even: self.break_even, trail }),
            targets: self.targets.clone(),
            max_holding_ms: self.max_holding_ms,
        }
    }
}

/// Distance of the first stop: so many ATR, or a share of the price, whichever is nearer. Absent when
/// that is less than a tick: a stop there would be hit by the spread.
pub fn stop_distance(params: &Params, reading: &Reading, instrument: &Instrument) -> Option<Price> {
    let nearer = (params.stop_atr * reading.atr).min(params.stop * reading.close);
    Price::from_f64(nearer).filter(|distance| *distance >= instrument.tick && *distance > Price::ZERO)
}

/// Why a position is closed by signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalExit {
    /// The target score turned against the position.
    Score,
    /// RSI is stretched while the position is in profit.
    Rsi,
}

/// Whether a position on `side` is closed. RSI counts only in profit, measured without fees.
pub fn signal_exit(
    params: &Params,
    side: Side,
    target: f64,
    (rsi_fast, rsi_slow): (f64, f64),
    in_profit: bool,
) -> Option<SignalExit> {
    let (score, stretched) = match side {
        Side::Buy => (target < -params.exit_score, rsi_slow > params.exit_rsi_long),
        Side::Sell => (target > params.exit_score, rsi_fast < params.exit_rsi_short),
    };
    if score {
        Some(SignalExit::Score)
    } else {
        (stretched && in_profit).then_some(SignalExit::Rsi)
    }
}
