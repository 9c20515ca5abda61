//! The trend rule's parameters, and which of them contradict each other.

use crate::entering::Entering;
use crate::exits::{BreakEvenAt, Exits, Target, TrailBy};
use crate::params::{
    Fault, Parameters, Timeframe, optional_interval_schema, stop_beyond_liquidation, timeframe_schema,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use swarm_core::model::Interval;

/// What a look-back looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// Sign of the return over the look-back.
    #[default]
    Return,
    /// Sign of the close less its average over the look-back.
    Average,
}

/// Which positions are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sides {
    /// Long and short.
    #[default]
    Both,
    /// Long or flat.
    Long,
    /// Short or flat.
    Short,
}

/// What happens when the signal has gone over to the other side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnTurn {
    /// The position is closed and the other side opened.
    #[default]
    Reverse,
    /// The position is closed; the next candle may open the other side.
    Close,
}

/// Parameters of `trend`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Candles it decides on; a multiple of the swarm's base interval.
    #[schemars(
        schema_with = "timeframe_schema",
        extend("x-source" = "chosen: slow enough that fees are small against the moves")
    )]
    pub timeframe: Timeframe,
    /// How far back it looks, each with the same say.
    #[schemars(
        length(min = 1, max = 8),
        inner(range(min = 1, max = 5000)),
        extend(
            "x-unit" = "candles",
            "x-source" = "Moskowitz, Ooi and Pedersen 2012 average over look-backs of 1 to 12 months; chosen: 5, 10 and 20 days, since contracts on crypto turn faster"
        )
    )]
    pub look_backs: Vec<u32>,
    /// What a look-back looks at.
    #[schemars(extend("x-source" = "Moskowitz, Ooi and Pedersen 2012: sign of the past return"))]
    pub measure: Measure,
    /// It enters when the signal, -1 to 1, is beyond this on either side.
    #[schemars(
        range(min = 0.0, max = 0.999),
        extend("x-unit" = "signal", "x-source" = "chosen: all three look-backs agree")
    )]
    pub entry_score: f64,
    /// A position is closed when the signal, seen from its side, is below this.
    #[schemars(
        range(min = -1.0, max = 0.999),
        extend("x-unit" = "signal", "x-source" = "Moskowitz, Ooi and Pedersen 2012: a position lasts as long as the sign")
    )]
    pub exit_score: f64,
    /// Which positions are taken.
    #[schemars(extend("x-source" = "Moskowitz, Ooi and Pedersen 2012: long and short"))]
    pub sides: Sides,
    /// What happens when the signal has gone over to the other side.
    #[schemars(extend("x-source" = "Moskowitz, Ooi and Pedersen 2012: the position changes sign"))]
    pub on_turn: OnTurn,

    /// Candles over which the volatility of returns is measured.
    #[schemars(
        range(min = 2, max = 5000),
        extend(
            "x-unit" = "candles",
            "x-source" = "Moskowitz, Ooi and Pedersen 2012 weight days with a centre of mass of 60; chosen: the last 60 candles"
        )
    )]
    pub volatility_window: u32,
    /// Volatility that a position is to have, of the equity that one of the portfolio's positions may take.
    #[schemars(
        range(min = 0.01, max = 5.0),
        extend("x-unit" = "standard deviation of a year's return", "x-source" = "Moskowitz, Ooi and Pedersen 2012: 40 % for each instrument")
    )]
    pub target_volatility: f64,
    /// Cap of target over realised volatility: most notional over the equity of one position.
    #[schemars(
        range(min = 0.1, max = 125.0),
        extend("x-unit" = "times the equity of one position", "x-source" = "chosen: calm markets do not stay so")
    )]
    pub max_leverage: f64,

    /// How an entry goes to the venue.
    pub entry: Entering,
    /// Farthest stop from the fill price.
    #[schemars(
        range(min = 0.0001, max = 0.5),
        extend("x-unit" = "share of the price", "x-source" = "chosen: beyond a usual day, before liquidation at the highest leverage")
    )]
    pub stop: f64,
    /// The stop is this many ATR away, if that is nearer than `stop`.
    #[schemars(
        range(min = 0.01, max = 100.0),
        extend("x-unit" = "ATR", "x-source" = "J. W. Wilder 1978, volatility stop at about 3 ATR; chosen: wider, since the signal itself ends positions")
    )]
    pub stop_atr: f64,
    /// Period of the average true range.
    #[schemars(range(min = 1, max = 1000), extend("x-unit" = "candles", "x-source" = "J. W. Wilder 1978"))]
    pub atr_period: u32,
    /// Moves the stop once beyond the entry; `null` switches it off.
    #[schemars(extend("x-source" = "chosen: off, the signal ends positions"))]
    pub break_even: Option<BreakEvenAt>,
    /// Lets the stop follow the best price; `null` switches it off.
    #[schemars(extend("x-source" = "chosen: off, the signal ends positions"))]
    pub trail: Option<TrailBy>,
    /// Where how much is closed, nearest first.
    #[schemars(length(max = 8), extend("x-source" = "chosen: none, a trend is held as long as it lasts"))]
    pub targets: Vec<Target>,
    /// A position in profit is closed after this long; `null` is never.
    #[schemars(
        schema_with = "optional_interval_schema",
        extend("x-source" = "chosen: off, a trend is held as long as it lasts")
    )]
    pub max_holding: Option<Interval>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            timeframe: Timeframe(Some(Interval::H4)),
            look_backs: vec![30, 60, 120],
            measure: Measure::Return,
            entry_score: 0.5,
            exit_score: 0.0,
            sides: Sides::Both,
            on_turn: OnTurn::Reverse,
            volatility_window: 60,
            target_volatility: 0.4,
            max_leverage: 2.0,
            entry: Entering::default(),
            stop: 0.15,
            stop_atr: 4.0,
            atr_period: 14,
            break_even: None,
            trail: None,
            targets: Vec::new(),
            max_holding: None,
        }
    }
}

impl Params {
    /// The exits besides the first stop.
    pub fn exits(&self) -> Exits<'_> {
        let Self { break_even, trail, targets, max_holding, .. } = self;
        Exits { break_even: *break_even, trail: *trail, targets, max_holding: *max_holding }
    }
}

impl Parameters for Params {
    fn contradictions(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (place, candles) in self.look_backs.iter().enumerate() {
            if self.look_backs[..place].contains(candles) {
                faults.push((format!("look_backs[{place}]"), format!("{candles} stands there twice; remove one")));
            }
        }
        if self.exit_score >= self.entry_score.max(f64::MIN_POSITIVE) {
            let message = format!(
                "{} is not below `entry_score`, {}: a position would be closed as soon as it is open; lower it",
                self.exit_score, self.entry_score
            );
            faults.push(("exit_score".into(), message));
        }
        faults.extend(stop_beyond_liquidation("stop", self.stop, self.max_leverage.max(1.0)));
        faults.extend(self.exits().contradictions());
        faults.extend(self.entry.contradictions());
        faults
    }
}
