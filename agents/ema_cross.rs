//! Two moving averages crossing: the shortest useful rule, and the pattern to copy.
//!
//! Always in the market: the first change of side opens, each later one reverses, with a fixed
//! quantity. It knows no sizing, no regime and, unless asked, no stop.

use crate::params::{self, Fault, ParamError, Parameters, Timeframe};
use crate::proposal::{self, Pace};
use crate::registry::Registered;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use swarm_core::features::{Feature, Frame, Slot};
use swarm_core::model::{
    Action, Decision, Entry, EntryOrder, ExitPlan, Explanation, FeatureLine, IntentKind, Qty, Rate, Side, Size,
    StopPlan,
};
use swarm_core::rule::{Build, Rule, View};

/// Parameters of `ema_cross`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Candles it decides on; a multiple of the swarm's base interval.
    #[schemars(schema_with = "params::timeframe_schema")]
    pub timeframe: Timeframe,
    /// Period of the fast average.
    #[schemars(range(min = 1, max = 5000), extend("x-unit" = "candles"))]
    pub fast: u32,
    /// Period of the slow average; longer than the fast one.
    #[schemars(range(min = 2, max = 5000), extend("x-unit" = "candles"))]
    pub slow: u32,
    /// Quantity of the position, long or short.
    #[schemars(range(min = 0.00000001, max = 1000000000.0), extend("x-unit" = "base asset"))]
    pub qty: f64,
    /// Leverage of the position.
    #[schemars(range(min = 1.0, max = 125.0), extend("x-unit" = "times margin"))]
    pub leverage: f64,
    /// Distance of a protective stop from the fill price; `null` is no stop.
    #[schemars(range(min = 0.0001, max = 0.5), extend("x-unit" = "share of the price"))]
    pub stop: Option<f64>,
}

impl Default for Params {
    fn default() -> Self {
        Self { timeframe: Timeframe(None), fast: 10, slow: 20, qty: 0.1, leverage: 1.0, stop: None }
    }
}

impl Parameters for Params {
    fn contradictions(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.fast >= self.slow {
            let message = format!("{} is not shorter than `slow`, {}; lower it or raise `slow`", self.fast, self.slow);
            faults.push(("fast".into(), message));
        }
        faults.extend(self.stop.and_then(|stop| params::stop_beyond_liquidation("stop", stop, self.leverage)));
        faults
    }
}

/// Parameters in the types that intents need.
pub struct Setup {
    params: Params,
    qty: Qty,
    leverage: Rate,
}

/// The rule.
pub struct EmaCross {
    setup: Arc<Setup>,
    pace: Pace,
    fast: Slot,
    slow: Slot,
    fast_before: Slot,
    slow_before: Slot,
}

impl Rule for EmaCross {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        let Some([before, now]) = self.sides(view) else { return Decision::hold(0.0, 0.0) };
        let held = view.position.map(|position| Side::of(position.qty));
        if before == now || held == Some(now) || view.entry_pending {
            return Decision::hold(0.0, 0.0);
        }
        let entry = self.entry(now, view);
        let wish = if held.is_some() { IntentKind::Reverse(entry) } else { IntentKind::Open(entry) };
        let (action, score) = if now == Side::Buy { (Action::Long, 1.0) } else { (Action::Short, -1.0) };
        Decision { action, confidence: 100.0, target_score: score, proposal: Some(Box::new(wish)) }
    }

    #[inline]
    fn may_act(&self, frame: &Frame<'_>, _: Option<Side>) -> bool {
        // Absent averages are not above each other.
        (frame.raw(self.fast) > frame.raw(self.slow)) != (frame.raw(self.fast_before) > frame.raw(self.slow_before))
    }

    fn explain(&self, view: &View<'_>, decision: &Decision) -> Explanation {
        let line = |name: &str, slot| FeatureLine {
            name: name.into(),
            value: view.frame.get(slot),
            normalized: None,
            weight: 0.0,
            contribution: 0.0,
        };
        let reason = match (decision.action, self.sides(view)) {
            (Action::Long, _) => "the fast average rose above the slow one",
            (Action::Short, _) => "the fast average fell below the slow one",
            (_, None) => "the averages are not ready, or its candle is not closed",
            (_, Some([before, now])) if before == now => "the averages did not change sides",
            _ if view.entry_pending => "the averages changed sides while an entry is working",
            _ => "the averages changed to the side that is held",
        };
        Explanation {
            features: vec![line("fast", self.fast), line("slow", self.slow)],
            reason: reason.into(),
            ..proposal::explain(view, decision)
        }
    }
}

impl EmaCross {
    /// The side the fast average was on one candle ago, and is on now: above the slow one is [`Side::Buy`].
    fn sides(&self, view: &View<'_>) -> Option<[Side; 2]> {
        let side = |fast, slow| {
            let (fast, slow) = (view.frame.get(fast)?, view.frame.get(slow)?);
            Some(if fast > slow { Side::Buy } else { Side::Sell })
        };
        self.pace
            .closes(view.frame.now)
            .then_some([side(self.fast_before, self.slow_before)?, side(self.fast, self.slow)?])
    }

    fn entry(&self, side: Side, view: &View<'_>) -> Entry {
        let (setup, close) = (&self.setup, view.frame.candle.close.to_f64());
        let stop = setup.params.stop.and_then(|share| proposal::distance(close, share, view.instrument.tick));
        let stop = stop.map(|distance| StopPlan { distance, break_even: None, trail: None });
        Entry {
            side,
            size: Size::Qty(setup.qty),
            leverage: setup.leverage,
            order: EntryOrder::Market,
            exits: ExitPlan { stop, ..ExitPlan::default() },
        }
    }
}

impl Registered for EmaCross {
    type Params = Params;
    type Setup = Setup;
    const NAME: &'static str = "ema_cross";
    const SUMMARY: &'static str =
        "Long while the fast moving average is above the slow one, short while below, with a fixed quantity.";
    const YAML: &'static str = include_str!("ema_cross.yaml");

    fn setup(params: Params) -> Result<Setup, ParamError> {
        Ok(Setup { qty: params::qty("qty", params.qty)?, leverage: params::rate("leverage", params.leverage)?, params })
    }

    fn new(setup: Arc<Setup>, build: &mut Build<'_>) -> Result<Self, ParamError> {
        let pace = setup.params.timeframe.resolve("timeframe", build)?;
        let mut pair = |period| {
            let average = Feature::EmaFromFirst { period };
            let now = build.wants.want(pace.interval, average.clone());
            (now, build.wants.want(pace.interval, Feature::Lag { of: Box::new(average), candles: 1 }))
        };
        let ((fast, fast_before), (slow, slow_before)) = (pair(setup.params.fast), pair(setup.params.slow));
        Ok(Self { setup, pace, fast, slow, fast_before, slow_before })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::check;
    use crate::testing::{MIDNIGHT, Scene};
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use swarm_core::model::{Interval, Price};

    const M5: Interval = Interval::M5;

    fn averages(scene: &mut Scene, interval: Interval, before: [f64; 2], now: [f64; 2]) {
        for (period, before, now) in [(10, before[0], now[0]), (20, before[1], now[1])] {
            let average = Feature::EmaFromFirst { period };
            scene.set(interval, average.clone(), now);
            scene.set(interval, Feature::Lag { of: Box::new(average), candles: 1 }, before);
        }
    }

    fn scene(params: &Value, before: [f64; 2], now: [f64; 2]) -> Scene {
        let mut scene = Scene::new("ema_cross", params);
        averages(&mut scene, M5, before, now);
        scene
    }

    const BELOW: [f64; 2] = [99.0, 100.0];
    const ABOVE: [f64; 2] = [101.0, 100.0];
    const LEVEL: [f64; 2] = [100.0, 100.0];

    #[test]
    fn only_a_change_of_side_opens() {
        for (before, now, action, words) in [
            (BELOW, ABOVE, Action::Long, "rose above"),
            (LEVEL, ABOVE, Action::Long, "rose above"),
            (ABOVE, BELOW, Action::Short, "fell below"),
            (ABOVE, LEVEL, Action::Short, "fell below"),
            (ABOVE, ABOVE, Action::Hold, "did not change sides"),
            (BELOW, BELOW, Action::Hold, "did not change sides"),
            (BELOW, LEVEL, Action::Hold, "did not change sides"),
            ([f64::NAN, 100.0], ABOVE, Action::Hold, "not ready"),
            (BELOW, [101.0, f64::NAN], Action::Hold, "not ready"),
        ] {
            let (decision, explanation) = scene(&Value::Null, before, now).explain();
            assert_eq!(decision.action, action, "{before:?} to {now:?}");
            assert!(explanation.reason.contains(words), "{}", explanation.reason);
        }
        let mut long = scene(&Value::Null, BELOW, ABOVE);
        let entry = long.entry();
        assert_eq!((entry.side, entry.size, entry.leverage), (Side::Buy, Size::Qty(Qty(10_000_000)), Rate::ONE));
        assert_eq!(entry.exits, ExitPlan::default());
        let explanation = long.explain().1;
        assert_eq!((explanation.notional_usdt, explanation.stop_price), (Some(10.0), None));
    }

    #[test]
    fn a_held_position_is_reversed_and_never_added_to() {
        let mut scene = scene(&Value::Null, BELOW, ABOVE);
        scene.hold(Side::Sell, 0.0);
        let decision = scene.decide();
        assert_eq!(decision.action, Action::Long);
        match decision.proposal.as_deref() {
            Some(IntentKind::Reverse(entry)) => assert_eq!(entry.side, Side::Buy),
            other => panic!("{other:?}"),
        }
        scene.hold(Side::Buy, 0.0);
        assert_eq!(scene.decide(), Decision::hold(0.0, 0.0));
        assert!(scene.reason().contains("the side that is held"));
    }

    #[test]
    fn waits_while_an_entry_is_working_and_between_its_candles() {
        let mut pending = scene(&Value::Null, BELOW, ABOVE);
        pending.entry_pending = true;
        assert_eq!(pending.decide().action, Action::Hold);
        assert!(pending.reason().contains("while an entry is working"));

        let mut quarterly = Scene::new("ema_cross", &json!({ "timeframe": "15m" }));
        averages(&mut quarterly, Interval::M15, BELOW, ABOVE);
        assert_eq!(quarterly.decide().action, Action::Long);
        quarterly.now = MIDNIGHT.plus(M5.ms());
        assert_eq!(quarterly.decide().action, Action::Hold);
    }

    #[test]
    fn a_stop_is_placed_where_asked_for() {
        let entry = scene(&json!({ "stop": 0.025, "qty": 2, "leverage": 3 }), ABOVE, BELOW).entry();
        let distance = Price::from_f64(2.5).unwrap();
        assert_eq!(entry.exits.stop, Some(StopPlan { distance, break_even: None, trail: None }));
        assert_eq!((entry.side, entry.size, entry.leverage), (Side::Sell, Size::Qty(Qty::whole(2)), Rate::whole(3)));
        let mut coarse = scene(&json!({ "stop": 0.0004 }), ABOVE, BELOW);
        coarse.instrument.tick = Price::from_f64(0.05).unwrap();
        assert_eq!(coarse.entry().exits.stop.unwrap().distance, coarse.instrument.tick, "never less than a tick");
    }

    #[test]
    fn contradictions_are_told_with_their_path() {
        assert_eq!(check::<Params>(&json!({ "fast": 20 }))[0].0, "fast");
        assert_eq!(check::<Params>(&json!({ "stop": 0.5, "leverage": 2 }))[0].0, "stop");
        assert_eq!(check::<Params>(&json!({ "fast": 19, "stop": 0.49, "leverage": 2 })), []);
    }

    /// The rule over a series of closes, without an engine: what it holds after each candle, by a plain
    /// loop over the two averages from the 20th candle on.
    fn reference(closes: &[f64]) -> Vec<i64> {
        let (mut fast, mut slow, mut side, mut held) = (closes[0], closes[0], None, 0);
        let mut after = Vec::new();
        for (place, close) in closes.iter().enumerate() {
            fast += (close - fast) * (2.0 / 11.0);
            slow += (close - slow) * (2.0 / 21.0);
            if place >= 19 {
                let up = fast > slow;
                if side.is_some_and(|before| before != up) {
                    held = if up { 1 } else { -1 };
                }
                side = Some(up);
            }
            after.push(held);
        }
        after
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]

        #[test]
        fn over_a_series_it_holds_what_a_plain_loop_holds(moves in prop::collection::vec(-2.0..2.0f64, 20..200)) {
            let closes: Vec<f64> = moves.iter().scan(100.0, |price: &mut f64, step| {
                *price = (*price + step).max(1.0);
                Some(*price)
            }).collect();
            let mut scene = Scene::new("ema_cross", &Value::Null);
            let (mut now, mut before, mut held) = ([closes[0]; 2], [f64::NAN; 2], Vec::new());
            for (place, close) in closes.iter().enumerate() {
                now = [now[0] + (close - now[0]) * (2.0 / 11.0), now[1] + (close - now[1]) * (2.0 / 21.0)];
                let ready = |value: f64, from: usize| if place + 1 >= from { value } else { f64::NAN };
                let shown = [ready(now[0], 10), ready(now[1], 20)];
                averages(&mut scene, M5, before, shown);
                before = shown;
                let decision = scene.decide();
                if let Some(wish) = decision.proposal.as_deref() {
                    let reverses = matches!(wish, IntentKind::Reverse(_));
                    prop_assert_eq!(reverses, scene.position.is_some());
                    scene.hold(if decision.action == Action::Long { Side::Buy } else { Side::Sell }, 0.0);
                }
                held.push(scene.position.map_or(0, |position| position.qty.0.signum()));
            }
            prop_assert_eq!(held, reference(&closes));
        }
    }
}
