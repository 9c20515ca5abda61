//! From features to the target score: normalisation, weights, regime R, stability V, score S and
//! T = clamp(S + R x V, -1, 1).
//!
//! Absent features are NaN and stay NaN through the arithmetic, so that one check at the end tells
//! whether the rule is warm. This file knows no position and no account.

use super::groups::Indicators;
use super::params::{Normalize, Params, RegimeRule};
use crate::params::{ParamError, multiple_of};
use swarm_core::features::{Feature, Frame, Slot};
use swarm_core::model::Interval;
use swarm_core::rule::Build;

/// Names of the scored features, in the order of weights, slots and explanations.
pub const NAMES: [&str; 7] = ["rsi", "macd", "cci", "momentum", "stochastic", "bb_position", "trend_strength"];

/// What the score says about one candle. Everything is NaN that could not be computed.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Close of the decision's candle.
    pub close: f64,
    /// Average true range, in price units.
    pub atr: f64,
    /// ATR / close.
    pub volatility: f64,
    /// V: high is calm.
    pub stability: f64,
    /// R: -1, 0, 1, and -2, 2 for strong ones.
    pub regime: f64,
    /// S: the weighted sum.
    pub score: f64,
    /// T.
    pub target: f64,
}

impl Reading {
    /// Whether every feature the score needs was there.
    pub fn is_ready(&self) -> bool {
        !self.target.is_nan()
    }
    /// 0 to 100, of an entry on the side that T points to: LONG `(T + 1) x 50`, SHORT `(1 - T) x 50`.
    pub fn entry_confidence(&self) -> f64 {
        (1.0 + self.target.abs()) * 50.0
    }
    /// 0 to 100, of leaving or keeping a position: `|T| x 100`.
    pub fn exit_confidence(&self) -> f64 {
        self.target.abs() * 100.0
    }
}

/// Weights, computed once for all agents with the same parameters.
#[derive(Clone, Copy, Debug)]
pub struct ScaledWeights {
    plain: [f64; 7],
    boosted: [f64; 7],
}

impl ScaledWeights {
    /// From the weights as written.
    pub fn of(params: &Params) -> Self {
        Self { plain: params.weights.scaled(1.0), boosted: params.weights.scaled(params.trend_boost) }
    }
}

/// Slots of a regime on one timeframe.
#[derive(Clone, Copy, Debug)]
pub struct RegimeSlots {
    close: Slot,
    /// Bollinger middle band, or fast moving average.
    near: Slot,
    /// Change against a day ago, or slow moving average.
    far: Slot,
}

impl RegimeSlots {
    /// Asks for what the regime rule needs.
    ///
    /// # Errors
    /// When `timeframe` is not a multiple of the candles decided on.
    pub fn want(
        params: &Params,
        path: &str,
        timeframe: Interval,
        own: Interval,
        build: &mut Build<'_>,
    ) -> Result<Self, ParamError> {
        multiple_of(path, timeframe, own, "the candles this agent decides on")?;
        let periods = &params.indicators;
        let (near, far) = match params.regime {
            RegimeRule::Bb => (
                Feature::BbMiddle { period: periods.bb_period },
                Feature::Change { ms: params.regime_change.ms() },
            ),
            RegimeRule::Sma => (Feature::Sma { period: periods.sma_fast }, Feature::Sma { period: periods.sma_slow }),
        };
        Ok(Self {
            close: build.wants.want(timeframe, Feature::Close),
            near: build.wants.want(timeframe, near),
            far: build.wants.want(timeframe, far),
        })
    }

    /// R on this timeframe: -2 to 2, NaN while not ready.
    #[inline]
    pub fn read(&self, params: &Params, frame: &Frame<'_>) -> f64 {
        let (close, near, far) = (frame.raw(self.close), frame.raw(self.near), frame.raw(self.far));
        if (close + near + far).is_nan() {
            return f64::NAN;
        }
        let (bull, bear) = match params.regime {
            RegimeRule::Bb => (close > near && far > 0.0, close < near && far < 0.0),
            RegimeRule::Sma => (close > near && near > far, close < near && near < far),
        };
        let strong = params.regime == RegimeRule::Sma && (close / near - 1.0).abs() > params.regime_strong;
        let size = if strong { 2.0 } else { 1.0 };
        if bull {
            size
        } else if bear {
            -size
        } else {
            0.0
        }
    }
}

/// Slots of everything the score reads.
#[derive(Clone, Copy, Debug)]
pub struct ScoreSlots {
    /// What is scored: z-scores, or with `normalize: fixed` the values themselves.
    scored: [Slot; 7],
    /// The indicators' own values.
    values: [Slot; 7],
    close: Slot,
    atr: Slot,
    /// R's.
    regime: RegimeSlots,
}

impl ScoreSlots {
    /// Asks for the features of the score.
    ///
    /// # Errors
    /// When `regime_timeframe` is not a multiple of `own`, the candles decided on.
    pub fn want(params: &Params, own: Interval, build: &mut Build<'_>) -> Result<Self, ParamError> {
        let Indicators { atr_period: period, .. } = params.indicators;
        let values = params.indicators.scored().map(|feature| build.wants.want(own, feature));
        let scored = match params.normalize {
            Normalize::Fixed => values,
            Normalize::Zscore => params.indicators.scored().map(|feature| {
                let of = Box::new(feature);
                build.wants.want(own, Feature::ZScore { of, window: params.zscore_window })
            }),
        };
        Ok(Self {
            scored,
            values,
            close: build.wants.want(own, Feature::Close),
            atr: build.wants.want(own, Feature::Atr { period }),
            regime: RegimeSlots::want(params, "regime_timeframe", params.regime_timeframe, own, build)?,
        })
    }

    /// The slot of the MACD histogram.
    pub const fn macd_histogram(&self) -> Slot {
        self.values[1]
    }
    /// The indicators' own values, NaN where absent.
    pub fn values(&self, frame: &Frame<'_>) -> [f64; 7] {
        self.values.map(|slot| frame.raw(slot))
    }

    /// Reads the candle.
    #[inline]
    pub fn read(&self, params: &Params, weights: &ScaledWeights, frame: &Frame<'_>) -> Reading {
        let (close, atr) = (frame.raw(self.close), frame.raw(self.atr));
        let volatility = atr / close;
        let stability = (1.0 / (1.0 + params.stability_factor * volatility)).clamp(params.stability_min, 1.0);
        let regime = self.regime.read(params, frame);
        let normalized = self.normalized(params, atr, frame);
        let weights = Self::weights(params, weights, regime, stability);
        let mut score = 0.0;
        for place in 0..NAMES.len() {
            score += normalized[place] * weights[place];
        }
        let target = (score + regime * stability).clamp(-1.0, 1.0);
        Reading { close, atr, volatility, stability, regime, score, target }
    }

    /// The features between -1 and 1, NaN where absent.
    #[inline]
    pub fn normalized(&self, params: &Params, atr: f64, frame: &Frame<'_>) -> [f64; 7] {
        let values = self.scored.map(|slot| frame.raw(slot));
        let values = match params.normalize {
            Normalize::Zscore => values.map(|value| value / params.zscore_divisor),
            Normalize::Fixed => {
                let [rsi, macd, cci, momentum, stochastic, bb_position, trend_strength] = values;
                let fixed = &params.fixed;
                [
                    (rsi - 50.0) / fixed.rsi,
                    per_atr(macd, atr),
                    cci / fixed.cci,
                    per_atr(momentum, atr),
                    (stochastic - 50.0) / fixed.stochastic,
                    2.0 * bb_position - 1.0,
                    trend_strength,
                ]
            }
        };
        values.map(|value| value.clamp(-1.0, 1.0))
    }

    /// The weights in force.
    #[inline]
    pub fn weights<'w>(params: &Params, weights: &'w ScaledWeights, regime: f64, stability: f64) -> &'w [f64; 7] {
        if regime != 0.0 && stability > params.trend_boost_above { &weights.boosted } else { &weights.plain }
    }
}

/// `value / atr`, and 0 in a market that does not move at all.
fn per_atr(value: f64, atr: f64) -> f64 {
    if atr == 0.0 { 0.0 * value } else { value / atr }
}
