//! Time-series momentum: a position in the direction in which the price went, on slow candles, scaled by
//! its volatility (T. Moskowitz, Y. H. Ooi and L. H. Pedersen, "Time series momentum", Journal of Financial
//! Economics 104, 2012).
//!
//! The signal is the mean, over several look-backs, of the sign of what the price did. Beyond a threshold it
//! enters, and on the other side it reverses; a signal that is no longer on the position's side closes it. The
//! size aims at a fixed volatility: target over realised, capped. It knows no regime, no score of indicators and no
//! other timeframe.

mod params;

#[cfg(test)]
mod tests;

pub use params::{Measure, OnTurn, Params, Sides};

use crate::exits::{PreparedExits, stop_distance};
use crate::params::ParamError;
use crate::proposal::{self, Pace, side_name};
use crate::registry::{Part, Registered};
use std::sync::Arc;
use swarm_core::features::{Feature, Frame, Slot};
use swarm_core::model::{
    Action, DAY_MS, Decision, Entry, ExitReason, Explanation, FeatureLine, IntentKind, Rate, Side, Size, Usd,
};
use swarm_core::rule::{Build, Rule, View};

/// Parameters, and what is computed from them once for all agents that have the same.
pub struct Setup {
    params: Params,
    exits: PreparedExits,
}

/// The rule.
pub struct Trend {
    setup: Arc<Setup>,
    pace: Pace,
    /// Returns or averages, one a look-back.
    seen: Box<[Slot]>,
    deviation: Slot,
    atr: Slot,
    /// From the volatility of a candle's return in percent to that of a year's return.
    a_year: f64,
}

/// What comes of a candle.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Hold(&'static str),
    Close,
    Enter(Side),
    Reverse(Side),
}

impl Rule for Trend {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        self.decide_sized(view, 1.0)
    }

    fn may_act(&self, frame: &Frame<'_>, _: Option<Side>) -> bool {
        self.pace.closes(frame.now)
    }

    fn explain(&self, view: &View<'_>, decision: &Decision) -> Explanation {
        let signal = self.signal(view);
        let asked = proposal::explain(view, decision);
        let atr = view.frame.get(self.atr).map(|atr| atr / view.frame.candle.close.to_f64());
        Explanation {
            features: self.lines(view),
            score: signal,
            volatility: atr,
            reason: self.reason(view, decision, signal).into(),
            ..asked
        }
    }
}

impl Part for Trend {
    fn decide_sized(&self, view: &View<'_>, factor: f64) -> Decision {
        if !self.pace.closes(view.frame.now) {
            return Decision::hold(0.0, 0.0);
        }
        let Some(signal) = self.signal(view) else { return Decision::hold(0.0, 0.0) };
        let confidence = signal.abs() * 100.0;
        let (side, reverses) = match self.judge(view, signal) {
            Outcome::Hold(_) => return Decision::hold(confidence, signal),
            Outcome::Close => {
                let wish = IntentKind::Close { reason: ExitReason::Signal };
                let proposal = Some(Box::new(wish));
                return Decision { action: Action::Exit, confidence, target_score: signal, proposal };
            }
            Outcome::Enter(side) => (side, false),
            Outcome::Reverse(side) => (side, true),
        };
        let Some(entry) = self.entry(view, side, factor) else { return Decision::hold(confidence, signal) };
        let wish = if reverses { IntentKind::Reverse(entry) } else { IntentKind::Open(entry) };
        let action = if side == Side::Buy { Action::Long } else { Action::Short };
        Decision { action, confidence, target_score: signal, proposal: Some(Box::new(wish)) }
    }
}

impl Trend {
    /// What one look-back saw: a positive number when the price rose.
    #[inline]
    fn rise(&self, view: &View<'_>, slot: Slot) -> f64 {
        match self.setup.params.measure {
            Measure::Return => view.frame.raw(slot),
            Measure::Average => view.frame.candle.close.to_f64() - view.frame.raw(slot),
        }
    }

    /// Mean of the signs, -1 to 1; absent until every look-back is warm.
    fn signal(&self, view: &View<'_>) -> Option<f64> {
        let mut sum = 0.0;
        for slot in &self.seen {
            let rise = self.rise(view, *slot);
            if rise.is_nan() {
                return None;
            }
            sum += sign(rise);
        }
        Some(sum / self.seen.len() as f64)
    }

    fn judge(&self, view: &View<'_>, signal: f64) -> Outcome {
        let params = &self.setup.params;
        let wanted = if signal > params.entry_score && params.sides != Sides::Short {
            Some(Side::Buy)
        } else if signal < -params.entry_score && params.sides != Sides::Long {
            Some(Side::Sell)
        } else {
            None
        };
        let Some(position) = &view.position else {
            return match wanted {
                None => Outcome::Hold("the look-backs do not agree"),
                Some(_) if view.entry_pending => Outcome::Hold("an entry is working"),
                Some(side) => Outcome::Enter(side),
            };
        };
        let held = Side::of(position.qty);
        if let Some(side) = wanted.filter(|side| *side != held && params.on_turn == OnTurn::Reverse) {
            return Outcome::Reverse(side);
        }
        if signal * (held.sign() as f64) < params.exit_score {
            return Outcome::Close;
        }
        Outcome::Hold("the position is kept")
    }

    /// Realised volatility of a year's return; absent until warm.
    fn volatility(&self, view: &View<'_>) -> Option<f64> {
        view.frame.get(self.deviation).map(|deviation| deviation * self.a_year)
    }

    /// Absent while volatility or ATR are not ready, without equity, and where a stop would be within a tick.
    fn entry(&self, view: &View<'_>, side: Side, factor: f64) -> Option<Entry> {
        let (setup, params) = (&self.setup, &self.setup.params);
        let (volatility, atr) = (self.volatility(view)?, view.frame.get(self.atr)?);
        let close = view.frame.candle.close;
        let stop = stop_distance(params.stop_atr * atr, params.stop * close.to_f64(), view.instrument)?;
        let share = view.account.equity.to_f64() / f64::from(view.account.max_positions.max(1));
        let times = (params.target_volatility / volatility * factor).min(params.max_leverage);
        let times = times.min(view.account.max_leverage.to_f64());
        let notional = Usd::from_f64(share * times).filter(|notional| *notional > Usd::ZERO)?;
        Some(Entry {
            side,
            size: Size::Notional(notional),
            leverage: Rate::from_f64(times.max(1.0))?,
            order: params.entry.order(side, close, view.instrument.tick),
            exits: setup.exits.plan(stop, atr, view.instrument),
        })
    }

    fn lines(&self, view: &View<'_>) -> Vec<FeatureLine> {
        let params = &self.setup.params;
        let name = match params.measure {
            Measure::Return => "return",
            Measure::Average => "average",
        };
        let weight = 1.0 / self.seen.len() as f64;
        let line = |(candles, slot): (&u32, &Slot)| {
            let direction = Some(self.rise(view, *slot)).filter(|rise| !rise.is_nan()).map(sign);
            FeatureLine {
                name: format!("{name}_{candles}").into(),
                value: view.frame.get(*slot),
                normalized: direction,
                weight,
                contribution: direction.unwrap_or(0.0) * weight,
            }
        };
        params.look_backs.iter().zip(&self.seen).map(line).collect()
    }

    fn reason(&self, view: &View<'_>, decision: &Decision, signal: Option<f64>) -> String {
        let params = &self.setup.params;
        if !self.pace.closes(view.frame.now) {
            return format!("between two {} candles", self.pace.interval);
        }
        let Some(signal) = signal else { return "a look-back is not ready".into() };
        let seen = format!("signal {signal:+.2} over {:?} candles", params.look_backs);
        let sized = || match self.volatility(view) {
            Some(volatility) => format!("realised volatility {:.1} % a year", 100.0 * volatility),
            None => "volatility not ready".into(),
        };
        let outcome = self.judge(view, signal);
        match outcome {
            Outcome::Hold(why) => format!("{why}: {seen}"),
            Outcome::Close => format!("close: {seen} is below {} from the position's side", params.exit_score),
            Outcome::Enter(side) | Outcome::Reverse(side) if decision.action == Action::Hold => {
                format!("{} wanted, but volatility, ATR or equity leave no size: {seen}, {}", side_name(side), sized())
            }
            Outcome::Enter(side) | Outcome::Reverse(side) => {
                let verb = if matches!(outcome, Outcome::Reverse(_)) { "reverse to " } else { "" };
                let asked = proposal::explain(view, decision);
                format!(
                    "{verb}{}: {seen}, {}; {:.2} USDT, stop at {}{}",
                    side_name(side),
                    sized(),
                    asked.notional_usdt.unwrap_or(f64::NAN),
                    asked.stop_price.unwrap_or(f64::NAN),
                    params.entry.words(side, view.frame.candle.close, view.instrument.tick),
                )
            }
        }
    }
}

/// -1, 0 or 1.
fn sign(value: f64) -> f64 {
    if value > 0.0 {
        1.0
    } else if value < 0.0 {
        -1.0
    } else {
        0.0
    }
}

impl Registered for Trend {
    type Params = Params;
    type Setup = Setup;
    const NAME: &'static str = "trend";
    const SUMMARY: &'static str =
        "Time-series momentum over several look-backs of slow candles, each position scaled to the same volatility.";
    const YAML: &'static str = include_str!("../trend.yaml");

    fn setup(params: Params) -> Result<Setup, ParamError> {
        Ok(Setup { exits: params.exits().prepare()?, params })
    }

    fn new(setup: Arc<Setup>, build: &mut Build<'_>) -> Result<Self, ParamError> {
        let params = &setup.params;
        let pace = params.timeframe.resolve("timeframe", build)?;
        let mut want = |feature| build.wants.want(pace.interval, feature);
        let look = |&period: &u32| match params.measure {
            Measure::Return => Feature::Roc { period },
            Measure::Average => Feature::Sma { period },
        };
        let returns = Box::new(Feature::Roc { period: 1 });
        let candles_a_year = (365 * DAY_MS) as f64 / pace.interval.ms() as f64;
        Ok(Self {
            seen: params.look_backs.iter().map(look).map(&mut want).collect(),
            deviation: want(Feature::Deviation { of: returns, window: params.volatility_window }),
            atr: want(Feature::Atr { period: params.atr_period }),
            a_year: candles_a_year.sqrt() / 100.0,
            pace,
            setup,
        })
    }
}
