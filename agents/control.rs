//! The control: the binary system that the expert would replace.
//!
//! BUY when RSI is low and the MACD histogram turns up, SELL when RSI is high and it turns down, else
//! HOLD; one timeframe, fixed leverage, fixed size, fixed stop and target. It deliberately knows no
//! regime, no trailing and no sizing by risk. While it holds a position, the opposite signal closes
//! it (and does not reverse it); the signal of its own side changes nothing.

use crate::params::{self, Fault, ParamError, Parameters, Timeframe};
use crate::proposal::{self, Pace};
use crate::registry::Registered;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use swarm_core::features::{Feature, Frame, MacdLine, Slot};
use swarm_core::model::{
    Action, Decision, Entry, EntryOrder, ExitPlan, ExitReason, Explanation, FeatureLine, IntentKind, Rate, Round, Side,
    Size, StopPlan, TargetPlan, Usd,
};
use swarm_core::rule::{Build, Rule, View};

/// Parameters of `control`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Candles it decides on; a multiple of the swarm's base interval.
    #[schemars(schema_with = "params::timeframe_schema")]
    pub timeframe: Timeframe,
    /// Period of the RSI (J. W. Wilder, 1978).
    #[schemars(range(min = 2, max = 1000), extend("x-unit" = "candles"))]
    pub rsi_period: u32,
    /// BUY needs an RSI below this.
    #[schemars(range(min = 0.0, max = 100.0), extend("x-unit" = "RSI, 0 to 100"))]
    pub rsi_buy: f64,
    /// SELL needs an RSI above this.
    #[schemars(range(min = 0.0, max = 100.0), extend("x-unit" = "RSI, 0 to 100"))]
    pub rsi_sell: f64,
    /// Fast period of the MACD (G. Appel).
    #[schemars(range(min = 2, max = 1000), extend("x-unit" = "candles"))]
    pub macd_fast: u32,
    /// Slow period of the MACD.
    #[schemars(range(min = 2, max = 1000), extend("x-unit" = "candles"))]
    pub macd_slow: u32,
    /// Signal period of the MACD.
    #[schemars(range(min = 1, max = 1000), extend("x-unit" = "candles"))]
    pub macd_signal: u32,
    /// Leverage of every entry.
    #[schemars(range(min = 1.0, max = 125.0), extend("x-unit" = "times margin"))]
    pub leverage: f64,
    /// Notional of every entry, unless `equity_share` is set.
    #[schemars(range(min = 1.0, max = 100000000.0), extend("x-unit" = "USDT"))]
    pub base_notional: f64,
    /// Notional of every entry as a share of the portfolio's equity; `null` takes `base_notional`.
    #[schemars(range(min = 0.0001, max = 10.0), extend("x-unit" = "share of equity"))]
    pub equity_share: Option<f64>,
    /// Distance of the stop from the fill price.
    #[schemars(range(min = 0.0001, max = 0.5), extend("x-unit" = "share of the price"))]
    pub stop: f64,
    /// Distance of the target from the fill price; the whole position is closed there.
    #[schemars(range(min = 0.0001, max = 10.0), extend("x-unit" = "share of the price"))]
    pub target: f64,
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
    fn decide(&mut self, view: &View<'_>) -> Decision {
        let Some(side) = self.signal(&view.frame) else { return Decision::hold(0.0, 0.0) };
        let score = side.sign() as f64;
        let (action, wish) = match view.position {
            Some(position) if Side::of(position.qty) == side => return Decision::hold(100.0, score),
            Some(_) => (Action::Exit, IntentKind::Close { reason: ExitReason::Signal }),
            None if view.entry_pending => return Decision::hold(100.0, score),
            None => {
                let Some(entry) = self.entry(side, view) else { return Decision::hold(100.0, score) };
                (if side == Side::Buy { Action::Long } else { Action::Short }, IntentKind::Open(entry))
            }
        };
        Decision { action, confidence: 100.0, target_score: score, proposal: Some(Box::new(wish)) }
    }

    fn may_act(&self, frame: &Frame<'_>, held: Option<Side>) -> bool {
        self.signal(frame).is_some_and(|side| held != Some(side))
    }

    fn explain(&self, view: &View<'_>, decision: &Decision) -> Explanation {
        let line = |name: &str, slot| FeatureLine {
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
            reason: self.reason(view, decision),
            ..proposal::explain(view, decision)
        }
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
    fn entry(&self, side: Side, view: &View<'_>) -> Option<Entry> {
        let setup = &self.setup;
        let notional = match setup.equity_share {
            Some(share) => view.account.equity.times(share, Round::Down),
            None => setup.base_notional,
        };
        let close = view.frame.candle.close.to_f64();
        let distance = proposal::distance(close, setup.params.stop, view.instrument.tick)?;
        (notional > Usd::ZERO).then(|| Entry {
            side,
            size: Size::Notional(notional),
            leverage: setup.leverage,
            order: EntryOrder::Market,
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
        match (decision.action, self.signal(&view.frame)) {
            (Action::Long, _) => format!("BUY: {seen}; RSI is under {}", params.rsi_buy),
            (Action::Short, _) => format!("SELL: {seen}; RSI is over {}", params.rsi_sell),
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
mod tests {
    use super::*;
    use crate::params::check;
    use crate::testing::{MIDNIGHT, Scene};
    use serde_json::{Value, json};
    use swarm_core::model::{Interval, Price};

    const M5: Interval = Interval::M5;
    const RSI: Feature = Feature::Rsi { period: 14 };

    fn histogram() -> Feature {
        Feature::Macd { fast: 12, slow: 26, signal: 9, line: MacdLine::Histogram }
    }

    fn scene(params: &Value, rsi: f64, before: f64, now: f64) -> Scene {
        let mut scene = Scene::new("control", params);
        let lagged = Feature::Lag { of: Box::new(histogram()), candles: 1 };
        scene.set(M5, RSI, rsi).set(M5, histogram(), now).set(M5, lagged, before);
        scene
    }

    #[test]
    fn buys_low_rsi_turning_up_and_sells_high_rsi_turning_down() {
        for (rsi, before, now, action, words) in [
            (29.999, -1.0, -0.9, Action::Long, "BUY: RSI 30.0, MACD histogram turns up; RSI is under 30"),
            (30.0, -1.0, -0.9, Action::Hold, "no signal"),
            (29.999, -1.0, -1.0, Action::Hold, "MACD histogram stands still"),
            (29.999, -0.9, -1.0, Action::Hold, "MACD histogram turns down"),
            (70.001, 1.0, 0.9, Action::Short, "SELL: RSI 70.0, MACD histogram turns down; RSI is over 70"),
            (70.0, 1.0, 0.9, Action::Hold, "no signal"),
            (70.001, 1.0, 1.0, Action::Hold, "no signal"),
            (70.001, 0.9, 1.0, Action::Hold, "no signal"),
            (50.0, -1.0, 1.0, Action::Hold, "no signal: RSI 50.0"),
        ] {
            let (decision, explanation) = scene(&Value::Null, rsi, before, now).explain();
            assert_eq!(decision.action, action, "RSI {rsi}, histogram {before} to {now}");
            assert!(explanation.reason.contains(words), "{}", explanation.reason);
            let (confidence, score) = match action {
                Action::Long => (100.0, 1.0),
                Action::Short => (100.0, -1.0),
                _ => (0.0, 0.0),
            };
            assert_eq!((decision.confidence, decision.target_score), (confidence, score));
        }
    }

    #[test]
    fn holds_until_everything_is_ready() {
        for (rsi, before, now) in [(f64::NAN, -1.0, 1.0), (20.0, f64::NAN, 1.0), (20.0, -1.0, f64::NAN)] {
            let (decision, explanation) = scene(&Value::Null, rsi, before, now).explain();
            assert_eq!(decision.action, Action::Hold);
            assert_eq!(explanation.reason, "RSI or MACD is not ready");
        }
    }

    #[test]
    fn leverage_size_stop_and_target_are_fixed() {
        let mut short = scene(&Value::Null, 80.0, 1.0, 0.5);
        let entry = short.entry();
        assert_eq!((entry.side, entry.order), (Side::Sell, EntryOrder::Market));
        assert_eq!((entry.leverage, entry.size), (Rate::whole(3), Size::Notional(Usd::whole(100))));
        let stop = StopPlan { distance: Price::whole(5), break_even: None, trail: None };
        assert_eq!(entry.exits.stop, Some(stop));
        assert_eq!(entry.exits.targets, [TargetPlan { at: Rate::percent(10), fraction: Rate::ONE }]);
        assert_eq!(entry.exits.max_holding_ms, None);
        let explanation = short.explain().1;
        assert_eq!((explanation.leverage, explanation.notional_usdt), (Some(3.0), Some(100.0)));
        assert_eq!(explanation.stop_price, Some(105.0));
        assert_eq!(explanation.features[0].value, Some(80.0));

        let params = json!({ "leverage": 2, "base_notional": 250.5, "stop": 0.02, "target": 0.04 });
        let entry = scene(&params, 20.0, -1.0, 0.5).entry();
        assert_eq!((entry.side, entry.leverage), (Side::Buy, Rate::whole(2)));
        assert_eq!(entry.size, Size::Notional(Usd::from_f64(250.5).unwrap()));
        assert_eq!(entry.exits.stop.unwrap().distance, Price::whole(2));
        assert_eq!(entry.exits.targets[0].at, Rate::percent(4));
    }

    #[test]
    fn a_share_of_equity_takes_the_place_of_the_fixed_notional() {
        let mut scene = scene(&json!({ "equity_share": 0.05 }), 20.0, -1.0, 0.5);
        assert_eq!(scene.entry().size, Size::Notional(Usd::whole(500)));
        scene.account.equity = Usd(-1);
        assert_eq!(scene.decide().action, Action::Hold);
        assert!(scene.reason().contains("no equity to size by"));
    }

    #[test]
    fn the_opposite_signal_closes_and_its_own_changes_nothing() {
        for (held, rsi, before, now, action) in [
            (Side::Buy, 80.0, 1.0, 0.5, Action::Exit),
            (Side::Buy, 20.0, -1.0, -0.5, Action::Hold),
            (Side::Sell, 20.0, -1.0, -0.5, Action::Exit),
            (Side::Sell, 80.0, 1.0, 0.5, Action::Hold),
            (Side::Buy, 50.0, 1.0, 0.5, Action::Hold),
        ] {
            let mut scene = scene(&Value::Null, rsi, before, now);
            scene.hold(held, -3.0);
            let decision = scene.decide();
            assert_eq!(decision.action, action, "held {held:?}, RSI {rsi}");
            let close = IntentKind::Close { reason: ExitReason::Signal };
            assert_eq!(decision.proposal.as_deref(), (action == Action::Exit).then_some(&close));
        }
    }

    #[test]
    fn waits_while_an_entry_is_working_and_between_its_candles() {
        let mut pending = scene(&Value::Null, 20.0, -1.0, 0.5);
        pending.entry_pending = true;
        assert_eq!(pending.decide().action, Action::Hold);
        assert!(pending.reason().contains("an entry is working"));

        let mut hourly = Scene::new("control", &json!({ "timeframe": "1h" }));
        let lagged = Feature::Lag { of: Box::new(histogram()), candles: 1 };
        let hour = Interval::H1;
        hourly.set(hour, RSI, 20.0).set(hour, histogram(), 1.0).set(hour, lagged, -1.0);
        assert_eq!(hourly.decide().action, Action::Long);
        hourly.now = MIDNIGHT.plus(-M5.ms());
        assert_eq!(hourly.decide().action, Action::Hold);
        assert!(hourly.reason().contains("between two 1h candles"));
    }

    #[test]
    fn contradictions_are_told_with_their_path() {
        for (written, path) in [
            (json!({ "rsi_buy": 70 }), "rsi_buy"),
            (json!({ "macd_fast": 26 }), "macd_fast"),
            (json!({ "stop": 0.34 }), "stop"),
        ] {
            let faults = check::<Params>(&written);
            assert_eq!(faults.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), [path], "{faults:?}");
        }
        assert_eq!(check::<Params>(&json!({ "rsi_buy": 69, "macd_fast": 25, "stop": 0.33 })), []);
    }
}
