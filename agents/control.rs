//! The control: the binary system that the expert would replace.
//!
//! BUY when RSI is low and the MACD histogram turns up, SELL when RSI is high and it turns down, else
//! HOLD; one timeframe, fixed leverage, fixed size, fixed stop and target. It deliberately knows no
//! regime, no trailing and no sizing by risk. While it holds a position, the opposite signal closes
//! it (and does not reverse it); the signal of its own side changes nothing.

use crate::entering::Entering;
use crate::params::{self, Fault, ParamError, Parameters, Timeframe};
use crate::proposal::{self, Pace};
use crate::registry::{Part, Registered};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use swarm_core::features::{Feature, Frame, MacdLine, Slot};
use swarm_core::model::{
    Action, Decision, Entry, ExitPlan, ExitReason, Explanation, FeatureLine, IntentKind, Rate, Round, Side, Size,
    StopPlan, TargetPlan, Usd,
};
use swarm_core::rule::{Build, Rule, View};

/// Parameters of `control`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Candles it decides on; a multiple of the swarm's base interval.
    #[schemars(
        schema_with = "params::timeframe_schema",
        extend("x-source" = "chosen: the shortest candles, as the system it stands for")
    )]
    pub timeframe: Timeframe,
    /// Period of the RSI (J. W. Wilder, 1978).
    #[schemars(
        range(min = 2, max = 1000),
        extend("x-unit" = "candles", "x-source" = "J. W. Wilder 1978, New Concepts in Technical Trading Systems: 14")
    )]
    pub rsi_period: u32,
    /// BUY needs an RSI below this.
    #[schemars(
        range(min = 0.0, max = 100.0),
        extend("x-unit" = "RSI, 0 to 100", "x-source" = "J. W. Wilder 1978: 30 is oversold")
    )]
    pub rsi_buy: f64,
    /// SELL needs an RSI above this.
    #[schemars(
        range(min = 0.0, max = 100.0),
        extend("x-unit" = "RSI, 0 to 100", "x-source" = "J. W. Wilder 1978: 70 is overbought")
    )]
    pub rsi_sell: f64,
    /// Fast period of the MACD (G. Appel).
    #[schemars(range(min = 2, max = 1000), extend("x-unit" = "candles", "x-source" = "G. Appel 1979: 12"))]
    pub macd_fast: u32,
    /// Slow period of the MACD.
    #[schemars(range(min = 2, max = 1000), extend("x-unit" = "candles", "x-source" = "G. Appel 1979: 26"))]
    pub macd_slow: u32,
    /// Signal period of the MACD.
    #[schemars(range(min = 1, max = 1000), extend("x-unit" = "candles", "x-source" = "G. Appel 1979: 9"))]
    pub macd_signal: u32,
    /// Leverage of every entry.
    #[schemars(
        range(min = 1.0, max = 125.0),
        extend("x-unit" = "times margin", "x-source" = "chosen: fixed, as the system it stands for")
    )]
    pub leverage: f64,
    /// Notional of every entry, unless `equity_share` is set.
    #[schemars(
        range(min = 1.0, max = 100000000.0),
        extend("x-unit" = "USDT", "x-source" = "chosen: well above the venue's minimum of 5 USDT")
    )]
    pub base_notional: f64,
    /// Notional of every entry as a share of the portfolio's equity; `null` takes `base_notional`.
    #[schemars(
        range(min = 0.0001, max = 10.0),
        extend("x-unit" = "share of equity", "x-source" = "chosen: off, a fixed notional is what it is compared by")
    )]
    pub equity_share: Option<f64>,
    /// Distance of the stop from the fill price.
    #[schemars(
        range(min = 0.0001, max = 0.5),
        extend(
            "x-unit" = "share of the price",
            "x-source" = "chosen: before liquidation at leverage 3, seldom reached within a day"
        )
    )]
    pub stop: f64,
    /// Distance of the target from the fill price; the whole position is closed there.
    #[schemars(
        range(min = 0.0001, max = 10.0),
        extend("x-unit" = "share of the price", "x-source" = "chosen: twice the stop")
    )]
    pub target: f64,
    /// How an entry goes to the venue.
    pub entry: Entering,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            timeframe: Timeframe(None),
            rsi_period: 14,
            rsi_buy: 30.0,
            rsi_sell: 70.0,
            macd_fast: 12,
            macd_slow: 26,
            macd_signal: 9,
            leverage: 3.0,
            base_notional: 100.0,
            equity_share: None,
            stop: 0.05,
            target: 0.10,
            entry: Entering::default(),
        }
    }
}

impl Parameters for Params {
    fn contradictions(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.rsi_buy >= self.rsi_sell {
            let message =
                format!("{} is not below `rsi_sell`, {}; lower it or raise `rsi_sell`", self.rsi_buy, self.rsi_sell);
            faults.push(("rsi_buy".into(), message));
        }
        if self.macd_fast >= self.macd_slow {
            let message = format!(
                "{} is not shorter than `macd_slow`, {}; lower it or raise `macd_slow`",
                self.macd_fast, self.macd_slow
            );
            faults.push(("macd_fast".into(), message));
        }
        faults.extend(params::stop_beyond_liquidation("stop", self.stop, self.leverage));
        faults.extend(self.entry.contradictions());
        faults
    }
}

/// Parameters in the types that intents need.
pub struct Setup {
    params: Params,
    leverage: Rate,
    base_notional: Usd,
    equity_share: Option<Rate>,
    target: Rate,
}

/// The rule.
pub struct Control {
    setup: Arc<Setup>,
    pace: Pace,
    rsi: Slot,
    histogram: Slot,
    histogram_before: Slot,
}

impl Rule for Control {
    #[inline]
    fn decide(&mut self, view: &View<'_>) -> Decision {
        self.decide_sized(view, 1.0)
    }

    fn may_act(&self, frame: &Frame<'_>, held: Option<Side>) -> bool {
        self.signal(frame).is_some_and(|side| held != Some(side))
    }

    fn explain(&self, view: &View<'_>, decision: &Decision) -> Explanation {
        let line = |name: &'static str, slot| FeatureLine {
            name: name.into(),
            value: view.frame.get(slot),
            normalized: None,
            weight: 0.0,
            contribution: 0.0,
        };
        Explanation {
            features: vec![
                line("rsi", self.rsi),
                line("macd", self.histogram),
                line("macd_before", self.histogram_before),
            ],
            reason: self.reason(view, decision).into(),
            ..proposal::explain(view, decision)
        }
    }
}

impl Part for Control {
    #[inline]
    fn decide_sized(&self, view: &View<'_>, factor: f64) -> Decision {
        let Some(side) = self.signal(&view.frame) else { return Decision::hold(0.0, 0.0) };
        let score = side.sign() as f64;
        let (action, wish) = match view.position {
            Some(position) if Side::of(position.qty) == side => return Decision::hold(100.0, score),
            Some(_) => (Action::Exit, IntentKind::Close { reason: ExitReason::Signal }),
            None if view.entry_pending => return Decision::hold(100.0, score),
            None => {
                let Some(entry) = self.entry(side, view, factor) else { return Decision::hold(100.0, score) };
                (if side == Side::Buy { Action::Long } else { Action::Short }, IntentKind::Open(entry))
            }
        };
        Decision { action, confidence: 100.0, target_score: score, proposal: Some(Box::new(wish)) }
    }
}

impl Control {
    /// BUY, SELL, or nothing: also while a feature is absent, and between the closes of its candles.
    fn signal(&self, frame: &Frame<'_>) -> Option<Side> {
        let params = &self.setup.params;
        let rsi = frame.get(self.rsi)?;
        let side = if rsi < params.rsi_buy {
            Side::Buy
        } else if rsi > params.rsi_sell {
            Side::Sell
        } else {
            return None;
        };
        let turn = frame.get(self.histogram)? - frame.get(self.histogram_before)?;
        let turns = if side == Side::Buy { turn > 0.0 } else { turn < 0.0 };
        (turns && self.pace.closes(frame.now)).then_some(side)
    }

    /// Absent when a share of the equity is asked for and there is none.
    fn entry(&self, side: Side, view: &View<'_>, factor: f64) -> Option<Entry> {
        let setup = &self.setup;
        let notional = match setup.equity_share {
            Some(share) => view.account.equity.times(share, Round::Down),
            None => setup.base_notional,
        };
        let close = view.frame.candle.close.to_f64();
        let distance = proposal::distance(close, setup.params.stop, view.instrument.tick)?;
        (notional > Usd::ZERO).then(|| Entry {
            side,
            size: proposal::multiplied(Size::Notional(notional), factor),
            leverage: setup.leverage,
            order: setup.params.entry.order(side, view.frame.candle.close, view.instrument.tick),
            exits: ExitPlan {
                stop: Some(StopPlan { distance, break_even: None, trail: None }),
                targets: vec![TargetPlan { at: setup.target, fraction: Rate::ONE }],
                max_holding_ms: None,
            },
        })
    }

    fn reason(&self, view: &View<'_>, decision: &Decision) -> String {
        let params = &self.setup.params;
        let values = [self.rsi, self.histogram, self.histogram_before].map(|slot| view.frame.raw(slot));
        let [rsi, histogram, before] = values;
        if values.iter().any(|value| value.is_nan()) {
            return "RSI or MACD is not ready".into();
        }
        let turned = if histogram > before {
            "turns up"
        } else if histogram < before {
            "turns down"
        } else {
            "stands still"
        };
        let seen = format!("RSI {rsi:.1}, MACD histogram {turned}");
        let rests = |side| params.entry.words(side, view.frame.candle.close, view.instrument.tick);
        match (decision.action, self.signal(&view.frame)) {
            (Action::Long, _) => format!("BUY: {seen}; RSI is under {}{}", params.rsi_buy, rests(Side::Buy)),
            (Action::Short, _) => format!("SELL: {seen}; RSI is over {}{}", params.rsi_sell, rests(Side::Sell)),
            (Action::Exit, _) => format!("exit on the opposite signal: {seen}"),
            (Action::Hold, None) if !self.pace.closes(view.frame.now) => {
                format!("between two {} candles: {seen}", self.pace.interval)
            }
            (Action::Hold, None) => format!("no signal: {seen}"),
            (Action::Hold, Some(side)) => {
                let why = if view.position.is_some() {
                    "held already"
                } else if view.entry_pending {
                    "an entry is working"
                } else {
                    "no equity to size by"
                };
                format!("signal for {}, but {why}: {seen}", proposal::side_name(side))
            }
        }
    }
}

impl Registered for Control {
    type Params = Params;
    type Setup = Setup;
    const NAME: &'static str = "control";
    const SUMMARY: &'static str =
        "Binary BUY, SELL, HOLD from RSI and MACD on one timeframe, with fixed leverage, size, stop and target.";
    const YAML: &'static str = include_str!("control.yaml");

    fn setup(params: Params) -> Result<Setup, ParamError> {
        Ok(Setup {
            leverage: params::rate("leverage", params.leverage)?,
            base_notional: params::usd("base_notional", params.base_notional)?,
            equity_share: params.equity_share.map(|share| params::rate("equity_share", share)).transpose()?,
            target: params::rate("target", params.target)?,
            params,
        })
    }

    fn new(setup: Arc<Setup>, build: &mut Build<'_>) -> Result<Self, ParamError> {
        let params = &setup.params;
        let pace = params.timeframe.resolve("timeframe", build)?;
        let histogram = Feature::Macd {
            fast: params.macd_fast,
            slow: params.macd_slow,
            signal: params.macd_signal,
            line: MacdLine::Histogram,
        };
        Ok(Self {
            rsi: build.wants.want(pace.interval, Feature::Rsi { period: params.rsi_period }),
            histogram: build.wants.want(pace.interval, histogram.clone()),
            histogram_before: build.wants.want(pace.interval, Feature::Lag { of: Box::new(histogram), candles: 1 }),
            setup,
            pace,
        })
    }
}

#[cfg(test)]
mod tests;
