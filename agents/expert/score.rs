//! From features to the target score: normalisation, weights, regime R, stability V, score S and
//! T = clamp(S + R x V, -1, 1).
//!
//! Absent features are NaN and stay NaN through the arithmetic, so that one check at the end tells
//! whether the rule is warm. This file knows no position and no account.

use super::groups::{Fixed, Indicators};
use super::params::{Normalize, Params, RegimeRule};
use crate::params::{ParamError, multiple_of};
use swarm_core::features::{Derived, Feature, Frame, Slot};
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
        entry_confidence(self.target)
    }
    /// 0 to 100, of leaving or keeping a position: `|T| x 100`.
    pub fn exit_confidence(&self) -> f64 {
        self.target.abs() * 100.0
    }
}

/// 0 to 100, of an entry on the side that a target score points to.
#[inline]
pub fn entry_confidence(target: f64) -> f64 {
    (1.0 + target.abs()) * 50.0
}

/// Everything that the score depends on beside its features: parameters, and what is computed from them once for all
/// agents that have the same.
#[derive(Clone, Debug)]
pub struct Terms {
    normalize: Normalize,
    zscore_divisor: f64,
    fixed: Fixed,
    plain_weights: [f64; 7],
    boosted_weights: [f64; 7],
    trend_boost_above: f64,
    regime: RegimeRule,
    regime_strong: f64,
    stability_factor: f64,
    stability_min: f64,
}

impl Terms {
    /// From the parameters as written.
    pub fn of(params: &Params) -> Self {
        Self {
            normalize: params.normalize,
            zscore_divisor: params.zscore_divisor,
            fixed: params.fixed.clone(),
            plain_weights: params.weights.scaled(1.0),
            boosted_weights: params.weights.scaled(params.trend_boost),
            trend_boost_above: params.trend_boost_above,
            regime: params.regime,
            regime_strong: params.regime_strong,
            stability_factor: params.stability_factor,
            stability_min: params.stability_min,
        }
    }

    /// The weights in force.
    #[inline]
    pub fn weights(&self, regime: f64, stability: f64) -> &[f64; 7] {
        if regime != 0.0 && stability > self.trend_boost_above { &self.boosted_weights } else { &self.plain_weights }
    }

    /// Everything in here, numbers by their bits. A field that is missing does not compile.
    fn key(&self) -> (Normalize, RegimeRule, [[u64; 7]; 2], [[u64; 4]; 2]) {
        let Self {
            normalize,
            regime,
            plain_weights,
            boosted_weights,
            fixed: Fixed { rsi, cci, stochastic },
            zscore_divisor,
            trend_boost_above,
            regime_strong,
            stability_factor,
            stability_min,
        } = self;
        let weights = [plain_weights, boosted_weights].map(|weights| weights.map(f64::to_bits));
        let of_features = [rsi, cci, stochastic, zscore_divisor].map(|number| number.to_bits());
        let of_regime =
            [trend_boost_above, regime_strong, stability_factor, stability_min].map(|number| number.to_bits());
        (*normalize, *regime, weights, [of_features, of_regime])
    }
}

impl PartialEq for Terms {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Terms {}

/// Slots of a regime on one timeframe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
            RegimeRule::Bb => {
                (Feature::BbMiddle { period: periods.bb_period }, Feature::Change { ms: params.regime_change.ms() })
            }
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
    pub fn read(&self, terms: &Terms, frame: &Frame<'_>) -> f64 {
        let (close, near, far) = (frame.raw(self.close), frame.raw(self.near), frame.raw(self.far));
        if (close + near + far).is_nan() {
            return f64::NAN;
        }
        let (bull, bear) = match terms.regime {
            RegimeRule::Bb => (close > near && far > 0.0, close < near && far < 0.0),
            RegimeRule::Sma => (close > near && near > far, close < near && near < far),
        };
        let strong = terms.regime == RegimeRule::Sma && (close / near - 1.0).abs() > terms.regime_strong;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    pub fn read(&self, terms: &Terms, frame: &Frame<'_>) -> Reading {
        let (close, atr) = (frame.raw(self.close), frame.raw(self.atr));
        let volatility = atr / close;
        let stability = (1.0 / (1.0 + terms.stability_factor * volatility)).clamp(terms.stability_min, 1.0);
        let regime = self.regime.read(terms, frame);
        let normalized = self.normalized(terms, atr, frame);
        let weights = terms.weights(regime, stability);
        let mut score = 0.0;
        for place in 0..NAMES.len() {
            score += normalized[place] * weights[place];
        }
        let target = (score + regime * stability).clamp(-1.0, 1.0);
        Reading { close, atr, volatility, stability, regime, score, target }
    }

    /// The features between -1 and 1, NaN where absent.
    #[inline]
    pub fn normalized(&self, terms: &Terms, atr: f64, frame: &Frame<'_>) -> [f64; 7] {
        let values = self.scored.map(|slot| frame.raw(slot));
        let values = match terms.normalize {
            Normalize::Zscore => values.map(|value| value / terms.zscore_divisor),
            Normalize::Fixed => {
                let [rsi, macd, cci, momentum, stochastic, bb_position, trend_strength] = values;
                let fixed = &terms.fixed;
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
}

/// T of a candle, for agents that differ in nothing it depends on.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// What is read.
    pub slots: ScoreSlots,
    /// What is made of it.
    pub terms: Terms,
}

impl Derived for Target {
    /// Most candles are refused before T is asked for: to compute it for all costs as much as four agents spare by it.
    const LEAST_USERS: usize = 6;

    #[inline]
    fn value(&self, frame: &Frame<'_>) -> f64 {
        self.slots.read(&self.terms, frame).target
    }
}

/// `value / atr`, and 0 in a market that does not move at all.
fn per_atr(value: f64, atr: f64) -> f64 {
    if atr == 0.0 { 0.0 * value } else { value / atr }
}
