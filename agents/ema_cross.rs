//! Two moving averages crossing: the shortest useful rule, and the pattern to copy.
//!
//! Always in the market: the first change of side opens, each later one reverses, with a fixed
//! quantity. It knows no sizing, no regime and, unless asked, no stop. Entries that rest and are then dropped
//! (`entry.then: cancel`) may leave it out of the market until the next change of side.

use crate::entering::Entering;
use crate::params::{self, Fault, ParamError, Parameters, Timeframe};
use crate::proposal::{self, Pace};
use crate::registry::{Part, Registered};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use swarm_core::features::{Feature, Frame, Slot};
use swarm_core::model::{
    Action, Decision, Entry, ExitPlan, Explanation, FeatureLine, IntentKind, Qty, Rate, Side, Size, StopPlan,
};
use swarm_core::rule::{Build, Rule, View};

/// Parameters of `ema_cross`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Candles it decides on; a multiple of the swarm's base interval.
    #[schemars(schema_with = "params::timeframe_schema", extend("x-source" = "chosen: the shortest candles"))]
    pub timeframe: Timeframe,
    /// Period of the fast average.
    #[schemars(
        range(min = 1, max = 5000),
        extend(
            "x-unit" = "candles",
            "x-source" = "R. Donchian: two moving averages crossing; chosen: half of the slow one"
        )
    )]
    pub fast: u32,
    /// Period of the slow average; longer than the fast one.
    #[schemars(
        range(min = 2, max = 5000),
        extend("x-unit" = "candles", "x-source" = "R. Donchian 1960, 5 and 20 day method: 20")
    )]
    pub slow: u32,
    /// Quantity of the position, long or short.
    #[schemars(
        range(min = 0.00000001, max = 1000000000.0),
        extend("x-unit" = "base asset", "x-source" = "chosen: an example")
    )]
    pub qty: f64,
    /// Leverage of the position.
    #[schemars(
        range(min = 1.0, max = 125.0),
        extend("x-unit" = "times margin", "x-source" = "chosen: none beyond the account's own money")
    )]
    pub leverage: f64,
    /// Distance of a protective stop from the fill price; `null` is no stop.
    #[schemars(
        range(min = 0.0001, max = 0.5),
        extend("x-unit" = "share of the price", "x-source" = "chosen: none, it is always in the market")
    )]
    pub stop: Option<f64>,
    /// How an entry goes to the venue.
    pub entry: Entering,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            timeframe: Timeframe(None),
            fast: 10,
            slow: 20,
            qty: 0.1,
            leverage: 1.0,
            stop: None,
            entry: Entering::default(),
        }
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
        faults.extend(self.entry.contradictions());
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
    #[inline]
    fn decide(&mut self, view: &View<'_>) -> Decision {
        self.decide_sized(view, 1.0)
    }

    #[inline]
    fn may_act(&self, frame: &Frame<'_>, _: Option<Side>) -> bool {
        // Absent averages are not above each other.
        (frame.raw(self.fast) > frame.raw(self.slow)) != (frame.raw(self.fast_before) > frame.raw(self.slow_before))
    }

    fn explain(&self, view: &View<'_>, decision: &Decision) -> Explanation {
        let line = |name: &'static str, slot| FeatureLine {
            name: name.into(),
            value: view.frame.get(slot),
            normalized: None,
            weight: 0.0,
            contribution: 0.0,
        };
        let words = |side| self.setup.params.entry.words(side, view.frame.candle.close, view.instrument.tick);
        let rests = match decision.action {
            Action::Long => words(Side::Buy),
            Action::Short => words(Side::Sell),
            Action::Exit | Action::Hold => String::new(),
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
            reason: if rests.is_empty() { reason.into() } else { format!("{reason}{rests}").into() },
            ..proposal::explain(view, decision)
        }
    }
}

impl Part for EmaCross {
    #[inline]
    fn decide_sized(&self, view: &View<'_>, factor: f64) -> Decision {
        let Some([before, now]) = self.sides(view) else { return Decision::hold(0.0, 0.0) };
        let held = view.position.map(|position| Side::of(position.qty));
        if before == now || held == Some(now) || view.entry_pending {
            return Decision::hold(0.0, 0.0);
        }
        let entry = self.entry(now, view, factor);
        let wish = if held.is_some() { IntentKind::Reverse(entry) } else { IntentKind::Open(entry) };
        let (action, score) = if now == Side::Buy { (Action::Long, 1.0) } else { (Action::Short, -1.0) };
        Decision { action, confidence: 100.0, target_score: score, proposal: Some(Box::new(wish)) }
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

    fn entry(&self, side: Side, view: &View<'_>, factor: f64) -> Entry {
        let (setup, close) = (&self.setup, view.frame.candle.close.to_f64());
        let stop = setup.params.stop.and_then(|share| proposal::distance(close, share, view.instrument.tick));
        let stop = stop.map(|distance| StopPlan { distance, break_even: None, trail: None });
        Entry {
            side,
            size: proposal::multiplied(Size::Qty(setup.qty), factor),
            leverage: setup.leverage,
            order: setup.params.entry.order(side, view.frame.candle.close, view.instrument.tick),
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
mod tests;
