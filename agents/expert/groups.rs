//! Groups of the expert's parameters: indicators, weights, leverage, and the pieces of size.
//! Descriptions, units, ranges and defaults only; what they do is in the files beside this one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use swarm_core::features::{Feature, MacdLine};

/// Periods of the indicators. Names and values as in TA-Lib.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Indicators {
    /// Fast RSI: scored, and gates long entries (J. W. Wilder, 1978).
    #[schemars(
        range(min = 2, max = 1000),
        extend("x-unit" = "candles", "x-source" = "chosen: half of Wilder's 14, for entries")
    )]
    pub rsi_fast: u32,
    /// Slow RSI: gates short entries, ends long positions.
    #[schemars(range(min = 2, max = 1000), extend("x-unit" = "candles", "x-source" = "J. W. Wilder 1978: 14"))]
    pub rsi_slow: u32,
    /// Fast period of the MACD (G. Appel).
    #[schemars(range(min = 2, max = 1000), extend("x-unit" = "candles", "x-source" = "G. Appel 1979: 12"))]
    pub macd_fast: u32,
    /// Slow period of the MACD.
    #[schemars(range(min = 2, max = 1000), extend("x-unit" = "candles", "x-source" = "G. Appel 1979: 26"))]
    pub macd_slow: u32,
    /// Signal period of the MACD.
    #[schemars(range(min = 1, max = 1000), extend("x-unit" = "candles", "x-source" = "G. Appel 1979: 9"))]
    pub macd_signal: u32,
    /// Period of the Bollinger bands, on every timeframe (J. Bollinger).
    #[schemars(range(min = 2, max = 1000), extend("x-unit" = "candles", "x-source" = "J. Bollinger 2001: 20"))]
    pub bb_period: u32,
    /// Width of the bands to each side, to a hundredth.
    #[schemars(
        range(min = 0.1, max = 10.0),
        extend("x-unit" = "population standard deviations", "x-source" = "J. Bollinger 2001: 2")
    )]
    pub bb_deviations: f64,
    /// Period of the average true range (J. W. Wilder, 1978).
    #[schemars(range(min = 1, max = 1000), extend("x-unit" = "candles", "x-source" = "J. W. Wilder 1978: 14"))]
    pub atr_period: u32,
    /// Period of the commodity channel index (D. Lambert, 1980).
    #[schemars(range(min = 2, max = 1000), extend("x-unit" = "candles", "x-source" = "D. Lambert 1980: 20"))]
    pub cci_period: u32,
    /// Period of the stochastic %K (G. Lane).
    #[schemars(range(min = 1, max = 1000), extend("x-unit" = "candles", "x-source" = "G. Lane 1984: 14"))]
    pub stochastic_period: u32,
    /// Slowing of the stochastic %K.
    #[schemars(range(min = 1, max = 1000), extend("x-unit" = "candles", "x-source" = "G. Lane 1984: 3"))]
    pub stochastic_slowing: u32,
    /// How far back momentum looks.
    #[schemars(
        range(min = 1, max = 1000),
        extend("x-unit" = "candles", "x-source" = "chosen: 20 minutes of 5m candles")
    )]
    pub momentum_period: u32,
    /// Fast moving average of the trend strength and of `regime: sma`.
    #[schemars(
        range(min = 2, max = 2000),
        extend("x-unit" = "candles", "x-source" = "chosen: the 50 of common charts")
    )]
    pub sma_fast: u32,
    /// Slow moving average of the trend strength and of `regime: sma`.
    #[schemars(range(min = 2, max = 2000), extend("x-unit" = "candles", "x-source" = "chosen: twice the fast one"))]
    pub sma_slow: u32,
    /// Period of the average directional index (J. W. Wilder, 1978).
    #[schemars(range(min = 2, max = 1000), extend("x-unit" = "candles", "x-source" = "J. W. Wilder 1978: 14"))]
    pub adx_period: u32,
    /// Period of the average volume that volume is compared with.
    #[schemars(
        range(min = 1, max = 1000),
        extend("x-unit" = "candles", "x-source" = "chosen: as long as the Bollinger bands")
    )]
    pub volume_period: u32,
}

impl Default for Indicators {
    fn default() -> Self {
        Self {
            rsi_fast: 7,
            rsi_slow: 14,
            macd_fast: 12,
            macd_slow: 26,
            macd_signal: 9,
            bb_period: 20,
            bb_deviations: 2.0,
            atr_period: 14,
            cci_period: 20,
            stochastic_period: 14,
            stochastic_slowing: 3,
            momentum_period: 4,
            sma_fast: 50,
            sma_slow: 100,
            adx_period: 14,
            volume_period: 20,
        }
    }
}

impl Indicators {
    /// The seven scored features, in the order of the weights below.
    pub fn scored(&self) -> [Feature; 7] {
        [
            Feature::Rsi { period: self.rsi_fast },
            Feature::Macd {
                fast: self.macd_fast,
                slow: self.macd_slow,
                signal: self.macd_signal,
                line: MacdLine::Histogram,
            },
            Feature::Cci { period: self.cci_period },
            Feature::Momentum { period: self.momentum_period },
            Feature::StochK { period: self.stochastic_period, slowing: self.stochastic_slowing },
            Feature::BbPosition {
                period: self.bb_period,
                deviations_x100: (self.bb_deviations * 100.0).round().clamp(0.0, 1000.0) as u32,
            },
            Feature::TrendStrength { fast: self.sma_fast, slow: self.sma_slow, adx: self.adx_period },
        ]
    }
}

/// Weights of the features in the score, as shares of their sum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// Of the fast RSI.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend("x-unit" = "share of the score", "x-source" = "chosen: the middle weight")
    )]
    pub rsi: f64,
    /// Of the MACD histogram.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend("x-unit" = "share of the score", "x-source" = "chosen: the middle weight")
    )]
    pub macd: f64,
    /// Of the commodity channel index.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend(
            "x-unit" = "share of the score",
            "x-source" = "chosen: less, since it says much of what the stochastic says"
        )
    )]
    pub cci: f64,
    /// Of momentum.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend("x-unit" = "share of the score", "x-source" = "chosen: most, as the only one without smoothing")
    )]
    pub momentum: f64,
    /// Of the stochastic %K.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend("x-unit" = "share of the score", "x-source" = "chosen: less, since it says much of what CCI says")
    )]
    pub stochastic: f64,
    /// Of the close's place between the Bollinger bands.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend("x-unit" = "share of the score", "x-source" = "chosen: the middle weight")
    )]
    pub bb_position: f64,
    /// Of the sign of the moving averages' difference times the directional index.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend("x-unit" = "share of the score", "x-source" = "chosen: the middle weight")
    )]
    pub trend_strength: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            rsi: 0.15,
            macd: 0.15,
            cci: 0.10,
            momentum: 0.20,
            stochastic: 0.10,
            bb_position: 0.15,
            trend_strength: 0.15,
        }
    }
}

impl Weights {
    /// As written, in the order of the fields.
    pub fn raw(&self) -> [f64; 7] {
        [self.rsi, self.macd, self.cci, self.momentum, self.stochastic, self.bb_position, self.trend_strength]
    }
    /// Scaled to sum to 1, momentum and trend strength times `boost` before.
    pub fn scaled(&self, boost: f64) -> [f64; 7] {
        let mut weights = self.raw();
        weights[3] *= boost;
        weights[6] *= boost;
        let sum: f64 = weights.iter().sum();
        weights.map(|weight| weight / sum)
    }
}

/// Divisors of `normalize: fixed`. MACD and momentum are divided by the ATR, which frees them of the
/// instrument's price; the place between the bands and the trend strength need none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fixed {
    /// `(RSI - 50) /` this.
    #[schemars(
        range(min = 1.0, max = 100.0),
        extend(
            "x-unit" = "RSI points",
            "x-source" = "chosen: 25 points from the middle to Wilder's overbought and beyond"
        )
    )]
    pub rsi: f64,
    /// `CCI /` this.
    #[schemars(
        range(min = 1.0, max = 1000.0),
        extend("x-unit" = "CCI points", "x-source" = "D. Lambert 1980: beyond 100 is unusual")
    )]
    pub cci: f64,
    /// `(%K - 50) /` this.
    #[schemars(
        range(min = 1.0, max = 100.0),
        extend("x-unit" = "stochastic points", "x-source" = "G. Lane 1984: the scale's half width")
    )]
    pub stochastic: f64,
}

impl Default for Fixed {
    fn default() -> Self {
        Self { rsi: 25.0, cci: 100.0, stochastic: 50.0 }
    }
}

/// The leverage ladder: a rung by regime and stability, factors by stability and confidence, a floor.
/// The ceiling is `max_leverage`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Leverage {
    /// Without a regime.
    #[schemars(range(min = 1.0, max = 125.0), extend("x-unit" = "times margin", "x-source" = "chosen: the least rung"))]
    pub neutral: f64,
    /// In a regime.
    #[schemars(
        range(min = 1.0, max = 125.0),
        extend("x-unit" = "times margin", "x-source" = "chosen: a quarter above the least rung")
    )]
    pub trending: f64,
    /// In a regime with a stability above `calm_above`.
    #[schemars(
        range(min = 1.0, max = 125.0),
        extend("x-unit" = "times margin", "x-source" = "chosen: the highest rung, still below the cap")
    )]
    pub calm: f64,
    /// Stability above which a regime is calm.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend("x-unit" = "stability, 0.1 to 1", "x-source" = "chosen: ATR under 0.67 % of the price")
    )]
    pub calm_above: f64,
    /// Stability below which the market is wild.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend("x-unit" = "stability, 0.1 to 1", "x-source" = "chosen: ATR over 2.3 % of the price")
    )]
    pub wild_below: f64,
    /// Factor in a wild market.
    #[schemars(range(min = 0.1, max = 10.0), extend("x-unit" = "factor", "x-source" = "chosen: a fifth less"))]
    pub wild_factor: f64,
    /// Confidence above which the rule is sure.
    #[schemars(
        range(min = 0.0, max = 100.0),
        extend("x-unit" = "confidence, 0 to 100", "x-source" = "chosen: a target score beyond 0.6")
    )]
    pub sure_above: f64,
    /// Factor when sure.
    #[schemars(range(min = 0.1, max = 10.0), extend("x-unit" = "factor", "x-source" = "chosen: a fifth more"))]
    pub sure_factor: f64,
    /// Confidence below which the rule is unsure.
    #[schemars(
        range(min = 0.0, max = 100.0),
        extend("x-unit" = "confidence, 0 to 100", "x-source" = "chosen: a target score within 0.2")
    )]
    pub unsure_below: f64,
    /// Factor when unsure.
    #[schemars(range(min = 0.1, max = 10.0), extend("x-unit" = "factor", "x-source" = "chosen: a fifth less"))]
    pub unsure_factor: f64,
    /// Never less.
    #[schemars(
        range(min = 1.0, max = 125.0),
        extend("x-unit" = "times margin", "x-source" = "chosen: between none and the least rung")
    )]
    pub min: f64,
}

impl Default for Leverage {
    fn default() -> Self {
        Self {
            neutral: 2.0,
            trending: 2.5,
            calm: 3.5,
            calm_above: 0.6,
            wild_below: 0.3,
            wild_factor: 0.8,
            sure_above: 80.0,
            sure_factor: 1.2,
            unsure_below: 60.0,
            unsure_factor: 0.8,
            min: 1.5,
        }
    }
}

/// A cut of the size in a volatile market.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolatilityCut {
    /// Applies when ATR / close is above this.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend(
            "x-unit" = "share of the price",
            "x-source" = "chosen: 1.5 % and 3 % are many times a usual 5m candle's range"
        )
    )]
    pub above: f64,
    /// The size is multiplied by this.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend("x-unit" = "factor", "x-source" = "chosen: 0.85 and 0.7, so that risk grows slower than the range")
    )]
    pub factor: f64,
}

/// Cap by the agent's own record (J. L. Kelly, 1956, usually halved). A record without an edge caps at
/// nothing: the agent stops entering until an operator changes its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Kelly {
    /// Closed trades before the record counts.
    #[schemars(
        range(min = 1, max = 100000),
        extend("x-unit" = "trades", "x-source" = "chosen: the usual least size of a sample for a mean")
    )]
    pub min_trades: u32,
    /// Share of the Kelly bet that is taken.
    #[schemars(
        range(min = 0.01, max = 1.0),
        extend(
            "x-unit" = "factor",
            "x-source" = "J. L. Kelly 1956; half of it as L. MacLean, E. Thorp and W. Ziemba 2011 recommend for estimated odds"
        )
    )]
    pub fraction: f64,
    /// Never more than this as margin.
    #[schemars(
        range(min = 0.001, max = 1.0),
        extend(
            "x-unit" = "share of equity",
            "x-source" = "chosen: no position takes more than a quarter, whatever the record says"
        )
    )]
    pub max: f64,
}

impl Default for Kelly {
    fn default() -> Self {
        Self { min_trades: 30, fraction: 0.5, max: 0.25 }
    }
}
