//! The expert's parameters at top level, and the presets that change their defaults.

use super::groups::{Fixed, Indicators, Kelly, Leverage, VolatilityCut, Weights};
use crate::entering::Entering;
use crate::exits::{BreakEvenAt, Exits, Target, TrailBy};
use crate::params::{Fault, Parameters, Timeframe, interval_schema, optional_interval_schema, timeframe_schema};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use swarm_core::model::Interval;

/// How much a trade may lose: sets the defaults of `risk` and `max_leverage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RiskPreset {
    /// Risk 1 %, leverage up to 3.
    Conservative,
    /// Risk 2 %, leverage up to 5.
    #[default]
    Moderate,
    /// Risk 3 %, leverage up to 5.
    Aggressive,
}

/// How often to enter: sets the defaults of `entry_score`, `entry_rsi_long` and `entry_rsi_short`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntryPreset {
    /// Score 0.4, RSI 45 and 55.
    More,
    /// Score 0.5, RSI 40 and 60.
    #[default]
    Default,
    /// Score 0.6, RSI 35 and 65.
    Fewer,
}

/// How far away stop and target are: sets the defaults of `stop` and `targets`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExitPreset {
    /// Stop 3 %, half closed at 4 %, the rest at 8 %.
    Tight,
    /// Stop 5 %, half closed at 4 %, the rest at 15 %.
    #[default]
    Default,
    /// Stop 7 %, half closed at 4 %, the rest at 20 %.
    Wide,
}

/// How features become numbers between -1 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Normalize {
    /// Z-score over the last closed candles, divided.
    #[default]
    Zscore,
    /// By fixed divisors and the ATR.
    Fixed,
}

/// How the regime is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RegimeRule {
    /// BULL: close above the Bollinger middle band and up against 24 h ago; BEAR: both below.
    #[default]
    Bb,
    /// BULL: close above the fast moving average, and that above the slow one; BEAR: both below; strong
    /// when the close is far from the fast average.
    Sma,
}

/// What an entry may need besides the score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confirmation {
    /// Close on the right side of the Bollinger middle band.
    Bb,
    /// MACD on the right side of its signal.
    Macd,
    /// No timeframe of `confirm_timeframes` has a regime against the trade.
    Timeframes,
}

/// Parameters of `expert`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Sets the defaults of `risk` and `max_leverage`.
    #[schemars(extend("x-source" = "chosen: the middle one"))]
    pub risk_preset: RiskPreset,
    /// Sets the defaults of `entry_score`, `entry_rsi_long` and `entry_rsi_short`.
    #[schemars(extend("x-source" = "chosen: the middle one"))]
    pub entry_preset: EntryPreset,
    /// Sets the defaults of `stop` and `targets`.
    #[schemars(extend("x-source" = "chosen: the middle one"))]
    pub exit_preset: ExitPreset,

    /// Candles it decides on; a multiple of the swarm's base interval.
    #[schemars(schema_with = "timeframe_schema", extend("x-source" = "chosen: the shortest candles"))]
    pub timeframe: Timeframe,
    /// Periods of the indicators.
    pub indicators: Indicators,

    /// How features become numbers between -1 and 1.
    #[schemars(extend("x-source" = "chosen: scale-free, and adapts to each contract"))]
    pub normalize: Normalize,
    /// How many closed candles a z-score covers.
    #[schemars(
        range(min = 2, max = 5000),
        extend("x-unit" = "candles", "x-source" = "chosen: a working day of 5m candles")
    )]
    pub zscore_window: u32,
    /// The z-score that counts as 1.
    #[schemars(
        range(min = 0.1, max = 10.0),
        extend("x-unit" = "standard deviations", "x-source" = "chosen: three standard deviations count as all")
    )]
    pub zscore_divisor: f64,
    /// Divisors of `normalize: fixed`.
    pub fixed: Fixed,
    /// Weights of the features in the score, rescaled to sum to 1.
    pub weights: Weights,
    /// The weights of momentum and trend strength are multiplied by this in a calm regime, and all
    /// weights rescaled.
    #[schemars(
        range(min = 0.0, max = 10.0),
        extend("x-unit" = "factor", "x-source" = "chosen: half as much again for what follows trends")
    )]
    pub trend_boost: f64,
    /// Stability above which a regime counts as calm for `trend_boost`.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend("x-unit" = "stability, 0.1 to 1", "x-source" = "chosen: ATR under 1 % of the price")
    )]
    pub trend_boost_above: f64,

    /// How the regime is told.
    #[schemars(extend("x-source" = "chosen: J. Bollinger's middle band, and the day's direction"))]
    pub regime: RegimeRule,
    /// Candles the regime is measured on. On the decision's own candles the rule contradicts its
    /// entries; on 1h it means a pull-back inside a trend.
    #[schemars(
        schema_with = "interval_schema",
        extend("x-source" = "chosen: on 5m itself the rule contradicts its own entry, a low RSI above the middle band")
    )]
    pub regime_timeframe: Interval,
    /// With `regime: bb`, how long ago the close is compared with.
    #[schemars(schema_with = "interval_schema", extend("x-source" = "chosen: a day, as venues quote changes"))]
    pub regime_change: Interval,
    /// With `regime: sma`, distance of the close from the fast average beyond which a regime is strong.
    #[schemars(
        range(min = 0.001, max = 1.0),
        extend("x-unit" = "share of the average", "x-source" = "chosen: 5 % from the average is far on 1h candles")
    )]
    pub regime_strong: f64,
    /// Stability is `1 / (1 + this * ATR / close)`, at least `stability_min`, at most 1.
    #[schemars(
        range(min = 0.0, max = 10000.0),
        extend("x-unit" = "factor", "x-source" = "chosen: an ATR of 1 % of the price halves it")
    )]
    pub stability_factor: f64,
    /// Least stability.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend("x-unit" = "stability", "x-source" = "chosen: a wild market still counts a tenth")
    )]
    pub stability_min: f64,

    /// Least confidence of an entry.
    #[schemars(
        range(min = 0.0, max = 100.0),
        extend(
            "x-unit" = "confidence, 0 to 100",
            "x-source" = "chosen: a target score beyond 0.3 at least, whatever `entry_score` says"
        )
    )]
    pub min_confidence: f64,
    /// LONG needs a target score above this, SHORT one below its negative. Preset: `entry_preset`.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-unit" = "target score", "x-source" = "chosen: by preset"))]
    pub entry_score: f64,
    /// LONG needs a fast RSI below this. Preset: `entry_preset`.
    #[schemars(
        range(min = 0.0, max = 100.0),
        extend("x-unit" = "RSI, 0 to 100", "x-source" = "chosen: by preset; a pull-back, short of Wilder's 30")
    )]
    pub entry_rsi_long: f64,
    /// SHORT needs a slow RSI above this. Preset: `entry_preset`.
    #[schemars(
        range(min = 0.0, max = 100.0),
        extend("x-unit" = "RSI, 0 to 100", "x-source" = "chosen: by preset; a rally, short of Wilder's 70")
    )]
    pub entry_rsi_short: f64,
    /// An entry needs at least this volume.
    #[schemars(
        range(min = 0.0, max = 100.0),
        extend("x-unit" = "times the average volume", "x-source" = "chosen: a fifth more than usual")
    )]
    pub entry_volume_ratio: f64,
    /// What an entry needs besides.
    #[schemars(length(max = 3), extend("x-source" = "chosen: none, each one costs trades"))]
    pub confirm: Vec<Confirmation>,
    /// Timeframes that `confirm: [timeframes]` asks.
    #[schemars(
        with = "Vec<String>",
        length(max = 8),
        inner(regex(pattern = "^[1-9][0-9]{0,3}[smhdw]$")),
        extend("x-source" = "chosen: three times and twelve times the 5m candle")
    )]
    pub confirm_timeframes: Vec<Interval>,

    /// A LONG is closed at a target score below the negative of this, a SHORT above it.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend(
            "x-unit" = "target score",
            "x-source" = "chosen: less than `entry_score`, so that leaving is easier than turning"
        )
    )]
    pub exit_score: f64,
    /// A LONG in profit is closed at a slow RSI above this.
    #[schemars(
        range(min = 0.0, max = 100.0),
        extend("x-unit" = "RSI, 0 to 100", "x-source" = "J. W. Wilder 1978: 70 is overbought")
    )]
    pub exit_rsi_long: f64,
    /// A SHORT in profit is closed at a fast RSI below this.
    #[schemars(
        range(min = 0.0, max = 100.0),
        extend("x-unit" = "RSI, 0 to 100", "x-source" = "J. W. Wilder 1978: 30 is oversold")
    )]
    pub exit_rsi_short: f64,

    /// The leverage ladder.
    pub leverage: Leverage,
    /// Ceiling of the ladder. Preset: `risk_preset`.
    #[schemars(
        range(min = 1.0, max = 125.0),
        extend("x-unit" = "times margin", "x-source" = "chosen: by preset; what a portfolio allows by default")
    )]
    pub max_leverage: f64,

    /// What a trade loses when it is stopped. Preset: `risk_preset`.
    #[schemars(
        range(min = 0.0001, max = 0.2),
        extend(
            "x-unit" = "share of the portfolio's equity",
            "x-source" = "R. Vince 1990, fixed fractional; chosen by preset: 1, 2 or 3 %"
        )
    )]
    pub risk: f64,
    /// Cuts of the size in volatile markets; of those that apply the one with the highest `above` counts.
    #[schemars(length(max = 8), extend("x-source" = "chosen: risk by ATR alone takes too much where ATR lags"))]
    pub volatility_cuts: Vec<VolatilityCut>,
    /// The size is raised to this notional, as far as the caps let it.
    #[schemars(
        range(min = 0.0, max = 100000000.0),
        extend("x-unit" = "USDT", "x-source" = "chosen: well above the venue's minimum of 5 USDT")
    )]
    pub base_notional: f64,
    /// Cap by the agent's own record; `null` switches it off.
    #[schemars(extend("x-source" = "J. L. Kelly 1956"))]
    pub kelly: Option<Kelly>,
    /// Without a book, most of the candle's quote volume that an entry may be.
    #[schemars(
        range(min = 0.00001, max = 1.0),
        extend(
            "x-unit" = "share of the candle's quote volume",
            "x-source" = "chosen: 1 % of the candle goes unnoticed"
        )
    )]
    pub max_volume_share: f64,
    /// Expected slippage when taking as much as the candle traded; linear below.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend("x-unit" = "share of the price", "x-source" = "chosen: the simulated exchange's own default")
    )]
    pub impact: f64,
    /// The size is cut so that the expected slippage stays within this.
    #[schemars(
        range(min = 0.000001, max = 1.0),
        extend("x-unit" = "share of the price", "x-source" = "chosen: 10 bps, three times the taker's fee")
    )]
    pub max_slippage: f64,
    /// An entry is refused when the funding it would pay over the next 8 h is above this.
    #[schemars(
        range(min = 0.0, max = 1.0),
        extend("x-unit" = "share of the notional", "x-source" = "chosen: five times the usual 0.01 % of 8 h")
    )]
    pub max_funding: f64,
    /// Time between two funding payments of the contract.
    #[schemars(schema_with = "interval_schema", extend("x-source" = "AsterDEX: every 8 h on most contracts"))]
    pub funding_interval: Interval,

    /// How an entry goes to the venue.
    pub entry: Entering,

    /// Farthest stop from the fill price. Preset: `exit_preset`.
    #[schemars(
        range(min = 0.0001, max = 0.5),
        extend(
            "x-unit" = "share of the price",
            "x-source" = "chosen: by preset; before liquidation at the highest leverage"
        )
    )]
    pub stop: f64,
    /// The stop is this many ATR away, if that is nearer than `stop`.
    #[schemars(
        range(min = 0.01, max = 100.0),
        extend(
            "x-unit" = "ATR",
            "x-source" = "J. W. Wilder 1978, volatility stop at about 3 ATR; chosen: 2, on short candles"
        )
    )]
    pub stop_atr: f64,
    /// Moves the stop once beyond the entry; `null` switches it off.
    #[schemars(extend("x-source" = "chosen: after 1 % in favour, to 0.5 %"))]
    pub break_even: Option<BreakEvenAt>,
    /// Lets the stop follow the best price; `null` switches it off.
    #[schemars(extend("x-source" = "C. Le Beau, chandelier exit; chosen: after 2 % in favour"))]
    pub trail: Option<TrailBy>,
    /// Where how much is closed, nearest first. Preset: `exit_preset`.
    #[schemars(length(max = 8), extend("x-source" = "chosen: by preset"))]
    pub targets: Vec<Target>,
    /// A position in profit is closed after this long; `null` is never.
    #[schemars(schema_with = "optional_interval_schema", extend("x-source" = "chosen: off"))]
    pub max_holding: Option<Interval>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            risk_preset: RiskPreset::Moderate,
            entry_preset: EntryPreset::Default,
            exit_preset: ExitPreset::Default,
            timeframe: Timeframe(None),
            indicators: Indicators::default(),
            normalize: Normalize::Zscore,
            zscore_window: 100,
            zscore_divisor: 3.0,
            fixed: Fixed::default(),
            weights: Weights::default(),
            trend_boost: 1.5,
            trend_boost_above: 0.5,
            regime: RegimeRule::Bb,
            regime_timeframe: Interval::H1,
            regime_change: Interval::D1,
            regime_strong: 0.05,
            stability_factor: 100.0,
            stability_min: 0.1,
            min_confidence: 65.0,
            entry_score: 0.5,
            entry_rsi_long: 40.0,
            entry_rsi_short: 60.0,
            entry_volume_ratio: 1.2,
            confirm: Vec::new(),
            confirm_timeframes: vec![Interval::M15, Interval::H1],
            exit_score: 0.3,
            exit_rsi_long: 70.0,
            exit_rsi_short: 30.0,
            leverage: Leverage::default(),
            max_leverage: 5.0,
            risk: 0.02,
            volatility_cuts: vec![
                VolatilityCut { above: 0.015, factor: 0.85 },
                VolatilityCut { above: 0.03, factor: 0.7 },
            ],
            base_notional: 100.0,
            kelly: Some(Kelly::default()),
            max_volume_share: 0.01,
            impact: 0.01,
            max_slippage: 0.001,
            max_funding: 0.0005,
            funding_interval: "8h".parse().expect("invariant: 8h is an interval"),
            entry: Entering::default(),
            stop: 0.05,
            stop_atr: 2.0,
            break_even: Some(BreakEvenAt::default()),
            trail: Some(TrailBy::default()),
            targets: half_and_rest(0.15),
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

/// Half closed at 4 %, the rest at `last`.
fn half_and_rest(last: f64) -> Vec<Target> {
    vec![Target { at: 0.04, fraction: 0.5 }, Target { at: last, fraction: 0.5 }]
}

impl Parameters for Params {
    fn defaults(written: &Value) -> Self {
        fn preset<P: DeserializeOwned + Default>(written: &Value, key: &str) -> P {
            written.get(key).and_then(|name| serde_json::from_value(name.clone()).ok()).unwrap_or_default()
        }
        let risk_preset = preset(written, "risk_preset");
        let (risk, max_leverage) = match risk_preset {
            RiskPreset::Conservative => (0.01, 3.0),
            RiskPreset::Moderate => (0.02, 5.0),
            RiskPreset::Aggressive => (0.03, 5.0),
        };
        let entry_preset = preset(written, "entry_preset");
        let (entry_score, entry_rsi_long, entry_rsi_short) = match entry_preset {
            EntryPreset::More => (0.4, 45.0, 55.0),
            EntryPreset::Default => (0.5, 40.0, 60.0),
            EntryPreset::Fewer => (0.6, 35.0, 65.0),
        };
        let exit_preset = preset(written, "exit_preset");
        let (stop, last_target) = match exit_preset {
            ExitPreset::Tight => (0.03, 0.08),
            ExitPreset::Default => (0.05, 0.15),
            ExitPreset::Wide => (0.07, 0.20),
        };
        Self {
            risk_preset,
            risk,
            max_leverage,
            entry_preset,
            entry_score,
            entry_rsi_long,
            entry_rsi_short,
            exit_preset,
            stop,
            targets: half_and_rest(last_target),
            ..Self::default()
        }
    }

    fn contradictions(&self) -> Vec<Fault> {
        super::check::contradictions(self)
    }
}
