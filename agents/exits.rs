//! How a position is left, as rules declare it: the stop and its moves, targets, a time limit. The groups
//! of parameters, what contradicts in them, and the plan that the supervisor carries out. It knows no
//! signal, no size and no order.

use crate::params::{Fault, ParamError, rate};
use crate::proposal::distance;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use swarm_core::model::{BreakEven, ExitPlan, Instrument, Interval, Millis, Price, Rate, StopPlan, TargetPlan, Trail};

/// Moves the stop once beyond the entry.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BreakEvenAt {
    /// Move in favour that arms it.
    #[schemars(
        range(min = 0.0001, max = 10.0),
        extend("x-unit" = "share of the entry price", "x-source" = "chosen: the risk of an average stop earned")
    )]
    pub from: f64,
    /// Where the stop goes, in favour; below `from`.
    #[schemars(
        range(min = 0.0, max = 10.0),
        extend("x-unit" = "share of the entry price", "x-source" = "chosen: fees of the round trip and a little more")
    )]
    pub to: f64,
}

impl Default for BreakEvenAt {
    fn default() -> Self {
        Self { from: 0.01, to: 0.005 }
    }
}

/// Lets the stop follow the best price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrailBy {
    /// Move in favour that arms it.
    #[schemars(
        range(min = 0.0001, max = 10.0),
        extend("x-unit" = "share of the entry price", "x-source" = "chosen: twice what arms break-even")
    )]
    pub from: f64,
    /// Distance from the best price, in ATR at entry.
    #[schemars(
        range(min = 0.01, max = 100.0),
        extend(
            "x-unit" = "ATR",
            "x-source" = "C. Le Beau, chandelier exit: a multiple of ATR from the best price; chosen: 1.5"
        )
    )]
    pub atr: f64,
    /// The distance is never more than this.
    #[schemars(
        range(min = 0.0001, max = 0.5),
        extend(
            "x-unit" = "share of the best price",
            "x-source" = "chosen: less than what arms it, so that it never locks in a loss"
        )
    )]
    pub max: f64,
}

impl Default for TrailBy {
    fn default() -> Self {
        Self { from: 0.02, atr: 1.5, max: 0.015 }
    }
}

/// A target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Move in favour at which it is reached.
    #[schemars(
        range(min = 0.0001, max = 10.0),
        extend("x-unit" = "share of the entry price", "x-source" = "chosen: half at 4 %, the rest at 15 %")
    )]
    pub at: f64,
    /// How much of the position as filled is closed there; all targets together at most 1.
    #[schemars(
        range(min = 0.01, max = 1.0),
        extend("x-unit" = "share of the filled quantity", "x-source" = "chosen: half early, half late")
    )]
    pub fraction: f64,
}

/// The parameters of a rule's exits besides the first stop, by reference.
#[derive(Clone, Copy, Debug)]
pub struct Exits<'a> {
    /// `break_even`.
    pub break_even: Option<BreakEvenAt>,
    /// `trail`.
    pub trail: Option<TrailBy>,
    /// `targets`.
    pub targets: &'a [Target],
    /// `max_holding`.
    pub max_holding: Option<Interval>,
}

impl Exits<'_> {
    /// Targets out of order or beyond all of the position, a break-even move beyond what arms it.
    pub fn contradictions(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if let Some(BreakEvenAt { from, to }) = self.break_even.filter(|rule| rule.to >= rule.from) {
            let message = format!("{to} is not below `break_even.from`, {from}; lower it or raise `break_even.from`");
            faults.push(("break_even.to".to_owned(), message));
        }
        let mut closed = Rate::ZERO;
        for (place, target) in self.targets.iter().enumerate() {
            let before = place.checked_sub(1).map_or(0.0, |before| self.targets[before].at);
            if before >= target.at {
                let message = format!(
                    "{} is not beyond the target before it, {before}; sort the targets, nearest first",
                    target.at
                );
                faults.push((format!("targets[{place}].at"), message));
            }
            closed += Rate::from_f64(target.fraction).unwrap_or(Rate::ONE);
            if closed > Rate::ONE {
                let message = format!(
                    "the targets up to this one close {closed} of the position; lower the fractions to a sum of 1"
                );
                faults.push((format!("targets[{place}].fraction"), message));
            }
        }
        faults
    }

    /// In the types that intents need, once for all agents with the same parameters.
    ///
    /// # Errors
    /// When a share is too large for an exact number.
    pub fn prepare(&self) -> Result<PreparedExits, ParamError> {
        let break_even = match self.break_even {
            Some(at) => Some(BreakEven { from: rate("break_even.from", at.from)?, to: rate("break_even.to", at.to)? }),
            None => None,
        };
        let trail = match self.trail {
            Some(by) => Some((rate("trail.from", by.from)?, by.atr, rate("trail.max", by.max)?)),
            None => None,
        };
        let target = |(place, target): (usize, &Target)| {
            let exact = |key: &str, value| rate(&format!("targets[{place}].{key}"), value);
            Ok(TargetPlan { at: exact("at", target.at)?, fraction: exact("fraction", target.fraction)? })
        };
        Ok(PreparedExits {
            break_even,
            trail,
            targets: self.targets.iter().enumerate().map(target).collect::<Result<_, ParamError>>()?,
            max_holding_ms: self.max_holding.map(|interval| interval.ms()),
        })
    }
}

/// Exits in the types that intents need.
#[derive(Clone, Debug)]
pub struct PreparedExits {
    break_even: Option<BreakEven>,
    trail: Option<(Rate, f64, Rate)>,
    targets: Vec<TargetPlan>,
    max_holding_ms: Option<Millis>,
}

impl PreparedExits {
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
pub fn stop_distance(atr_away: f64, share_away: f64, instrument: &Instrument) -> Option<Price> {
    Price::from_f64(atr_away.min(share_away)).filter(|distance| *distance >= instrument.tick && *distance > Price::ZERO)
}
