//! The expert: a weighted score of seven features, moved by the regime of a higher timeframe, with
//! sizing by risk and stops by volatility.
//!
//! | file | holds |
//! |---|---|
//! | `params.rs`, `groups.rs`, `check.rs` | parameters, presets, contradictions |
//! | `score.rs` | features to S, R, V and T |
//! | `size.rs` | leverage and notional |
//! | `look.rs` | which candles are worth a decision |
//! | `exits.rs` | exits by signal; stop and targets are `agents/exits.rs` |
//! | `explain.rs` | the same, in words |
//!
//! This file is the decision: which gate comes when. Cheap gates come first; size and plan are
//! computed only for an entry that passed them all. While a position is held only exits are looked
//! at, and while an entry is working nothing is.

mod check;
mod exits;
mod explain;
mod groups;
mod look;
mod params;
mod score;
mod size;

#[cfg(test)]
mod tests;

pub use groups::{Fixed, Indicators, Kelly, Leverage, VolatilityCut, Weights};
pub use params::{Confirmation, EntryPreset, ExitPreset, Normalize, Params, RegimeRule, RiskPreset};

use crate::exits::{PreparedExits, stop_distance};
use crate::params::ParamError;
use crate::proposal::Pace;
use crate::registry::{Part, Registered};
use exits::SignalExit;
use look::Columns;
use score::{Reading, RegimeSlots, ScoreSlots, Terms};
use size::{Basis, Bound, Sized};
use std::sync::Arc;
use swarm_core::features::{Feature, Film, Frame, Slot};
use swarm_core::model::{
    Action, Decision, Entry, ExitReason, Explanation, HOUR_MS, IntentKind, Price, Rate, Side, Size,
};
use swarm_core::rule::{Build, PositionView, Rule, TradeStats, View};

/// Parameters, and what is computed from them once for all agents that have the same.
pub struct Setup {
    params: Params,
    terms: Terms,
    exits: PreparedExits,
    /// Funding payments within 8 h.
    payments: f64,
}

/// The rule.
pub struct Expert {
    setup: Arc<Setup>,
    pace: Pace,
    score: ScoreSlots,
    rsi_fast: Slot,
    rsi_slow: Slot,
    volume: Slot,
    volume_ratio: Slot,
    bb_middle: Slot,
    columns: Columns,
    /// Regimes that may not be against an entry; empty unless asked for.
    confirm: Box<[RegimeSlots]>,
}

/// What comes of a candle.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Hold(Why),
    Enter(Plan),
    Exit(SignalExit),
}

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Why {
    /// A feature of the score is absent.
    NotReady,
    /// Between two closes of its own candles.
    BetweenCandles,
    /// A position is held and no exit is due.
    Holding,
    /// An entry is working.
    Pending,
    /// The target score is not beyond the threshold.
    Score,
    /// Not sure enough.
    Confidence(Side),
    /// RSI does not allow this side.
    Rsi(Side),
    /// Too little volume.
    Volume(Side),
    /// A confirmation is missing.
    Unconfirmed(Side, Confirmation),
    /// The funding to pay is too high.
    Funding(Side, f64),
    /// The stop would be nearer than a tick.
    NoStop(Side),
    /// The caps leave less than the venue's minimum.
    TooSmall(Side, Bound),
}

/// An entry that passed all gates.
#[derive(Clone, Copy, Debug)]
struct Plan {
    side: Side,
    leverage: f64,
    stop: Price,
    sized: Sized,
}

impl Rule for Expert {
    #[inline]
    fn decide(&mut self, view: &View<'_>) -> Decision {
        self.decide_sized(view, 1.0)
    }

    fn explain(&self, view: &View<'_>, decision: &Decision) -> Explanation {
        self.explain_sized(view, decision, 1.0)
    }

    fn may_act(&self, frame: &Frame<'_>, held: Option<Side>) -> bool {
        self.looks_at(frame, held)
    }

    fn may_enter(&self, stats: &TradeStats) -> bool {
        size::leaves_any(&self.setup.params, stats)
    }

    fn first_act(&self, film: Film<'_>, held: Option<Side>) -> Option<usize> {
        self.look_through(film, held)
    }
}

impl Part for Expert {
    #[inline]
    fn decide_sized(&self, view: &View<'_>, factor: f64) -> Decision {
        let reading = self.read(&view.frame);
        if !reading.is_ready() {
            return Decision::hold(0.0, 0.0);
        }
        let confidence = Self::confidence(view, &reading);
        let (action, wish) = match self.judge(view, &reading, factor) {
            Outcome::Hold(_) => return Decision::hold(confidence, reading.target),
            Outcome::Exit(_) => (Action::Exit, IntentKind::Close { reason: ExitReason::Signal }),
            Outcome::Enter(plan) => match self.entry(view, &reading, plan) {
                Some(entry) if plan.side == Side::Buy => (Action::Long, IntentKind::Open(entry)),
                Some(entry) => (Action::Short, IntentKind::Open(entry)),
                None => return Decision::hold(confidence, reading.target),
            },
        };
        Decision { action, confidence, target_score: reading.target, proposal: Some(Box::new(wish)) }
    }

    fn glance(&self, view: &View<'_>) -> (Action, f64) {
        let reading = self.read(&view.frame);
        if !reading.is_ready() {
            return (Action::Hold, 0.0);
        }
        let action = match self.judge(view, &reading, 1.0) {
            Outcome::Hold(_) => Action::Hold,
            Outcome::Exit(_) => Action::Exit,
            Outcome::Enter(plan) if plan.side == Side::Buy => Action::Long,
            Outcome::Enter(_) => Action::Short,
        };
        (action, Self::confidence(view, &reading))
    }

    fn explain_sized(&self, view: &View<'_>, decision: &Decision, factor: f64) -> Explanation {
        self.explanation(view, decision, factor)
    }
}

impl Expert {
    #[inline]
    fn read(&self, frame: &Frame<'_>) -> Reading {
        self.score.read(&self.setup.terms, frame)
    }

    /// Of an exit while a position is held, else of an entry on the side that the score points to.
    #[inline]
    fn confidence(view: &View<'_>, reading: &Reading) -> f64 {
        if view.position.is_some() { reading.exit_confidence() } else { reading.entry_confidence() }
    }

    #[inline]
    fn judge(&self, view: &View<'_>, reading: &Reading, factor: f64) -> Outcome {
        if !reading.is_ready() {
            return Outcome::Hold(Why::NotReady);
        }
        if !self.pace.closes(view.frame.now) {
            return Outcome::Hold(Why::BetweenCandles);
        }
        if let Some(position) = &view.position {
            return self.judge_position(view, reading, position);
        }
        if view.entry_pending {
            return Outcome::Hold(Why::Pending);
        }
        let threshold = self.setup.params.entry_score;
        if reading.target > threshold {
            self.judge_entry(view, reading, Side::Buy, factor)
        } else if reading.target < -threshold {
            self.judge_entry(view, reading, Side::Sell, factor)
        } else {
            Outcome::Hold(Why::Score)
        }
    }

    fn judge_position(&self, view: &View<'_>, reading: &Reading, position: &PositionView) -> Outcome {
        let rsi = (view.frame.raw(self.rsi_fast), view.frame.raw(self.rsi_slow));
        let in_profit = position.unrealized_pnl.0 > 0;
        let side = Side::of(position.qty);
        exits::signal_exit(&self.setup.params, side, reading.target, rsi, in_profit)
            .map_or(Outcome::Hold(Why::Holding), Outcome::Exit)
    }

    /// The gates after the score, the cheapest first. An absent feature is NaN and passes none of them.
    fn judge_entry(&self, view: &View<'_>, reading: &Reading, side: Side, factor: f64) -> Outcome {
        let (params, frame) = (&self.setup.params, &view.frame);
        let confidence = reading.entry_confidence();
        if confidence < params.min_confidence {
            return Outcome::Hold(Why::Confidence(side));
        }
        let rsi_allows = match side {
            Side::Buy => frame.raw(self.rsi_fast) < params.entry_rsi_long,
            Side::Sell => frame.raw(self.rsi_slow) > params.entry_rsi_short,
        };
        if !rsi_allows {
            return Outcome::Hold(Why::Rsi(side));
        }
        if frame.get(self.volume_ratio).is_none_or(|ratio| ratio < params.entry_volume_ratio) {
            return Outcome::Hold(Why::Volume(side));
        }
        for &confirmation in &params.confirm {
            if !self.confirms(frame, reading, side, confirmation) {
                return Outcome::Hold(Why::Unconfirmed(side, confirmation));
            }
        }
        if let Some(funding) = self.expected_funding(view, side).filter(|funding| *funding > params.max_funding) {
            return Outcome::Hold(Why::Funding(side, funding));
        }
        self.plan(view, reading, side, factor)
    }

    fn confirms(&self, frame: &Frame<'_>, reading: &Reading, side: Side, confirmation: Confirmation) -> bool {
        let terms = &self.setup.terms;
        let sign = side.sign() as f64;
        match confirmation {
            Confirmation::Bb => sign * (reading.close - frame.raw(self.bb_middle)) > 0.0,
            Confirmation::Macd => sign * frame.raw(self.score.macd_histogram()) > 0.0,
            Confirmation::Timeframes => self.confirm.iter().all(|slots| sign * slots.read(terms, frame) >= 0.0),
        }
    }

    /// Funding that a position would pay over the next 8 h, as a share of its notional.
    fn expected_funding(&self, view: &View<'_>, side: Side) -> Option<f64> {
        view.funding_rate.map(|rate| rate.to_f64() * side.sign() as f64 * self.setup.payments)
    }

    /// Quote volume of the decision's candle, in USDT, its volume taken at its close.
    fn quote_volume(&self, frame: &Frame<'_>, reading: &Reading) -> f64 {
        frame.get(self.volume).unwrap_or(0.0) * reading.close
    }

    fn plan(&self, view: &View<'_>, reading: &Reading, side: Side, factor: f64) -> Outcome {
        let params = &self.setup.params;
        let (by_atr, by_share) = (params.stop_atr * reading.atr, params.stop * reading.close);
        let Some(stop) = stop_distance(by_atr, by_share, view.instrument) else {
            return Outcome::Hold(Why::NoStop(side));
        };
        let leverage = size::leverage(params, reading, reading.entry_confidence(), &view.account);
        let basis = Basis {
            reading,
            quote_volume: self.quote_volume(&view.frame, reading),
            leverage,
            factor,
            stop_share: stop.to_f64() / reading.close,
            account: &view.account,
            stats: &view.stats,
            instrument: view.instrument,
        };
        match size::notional(params, &basis) {
            Ok(sized) => Outcome::Enter(Plan { side, leverage, stop, sized }),
            Err(bound) => Outcome::Hold(Why::TooSmall(side, bound)),
        }
    }

    /// Absent only if the leverage were no number, which its bounds rule out.
    fn entry(&self, view: &View<'_>, reading: &Reading, plan: Plan) -> Option<Entry> {
        Some(Entry {
            side: plan.side,
            size: Size::Notional(plan.sized.notional),
            leverage: Rate::from_f64(plan.leverage)?,
            order: self.setup.params.entry.order(plan.side, view.frame.candle.close, view.instrument.tick),
            exits: self.setup.exits.plan(plan.stop, reading.atr, view.instrument),
        })
    }
}

impl Registered for Expert {
    type Params = Params;
    type Setup = Setup;
    const NAME: &'static str = "expert";
    const SUMMARY: &'static str =
        "Weighted score of seven features with the regime of a higher timeframe, sized by risk, stopped by volatility.";
    const YAML: &'static str = include_str!("../expert.yaml");

    fn setup(params: Params) -> Result<Setup, ParamError> {
        Ok(Setup {
            terms: Terms::of(&params),
            exits: params.exits().prepare()?,
            payments: (8 * HOUR_MS) as f64 / params.funding_interval.ms() as f64,
            params,
        })
    }

    fn new(setup: Arc<Setup>, build: &mut Build<'_>) -> Result<Self, ParamError> {
        let params = &setup.params;
        let pace = params.timeframe.resolve("timeframe", build)?;
        let score = ScoreSlots::want(params, pace.interval, build)?;
        let timeframes = params.confirm.contains(&Confirmation::Timeframes).then_some(&params.confirm_timeframes);
        let confirm = timeframes.into_iter().flatten().enumerate().map(|(place, &timeframe)| {
            RegimeSlots::want(params, &format!("confirm_timeframes[{place}]"), timeframe, pace.interval, build)
        });
        let confirm = confirm.collect::<Result<_, _>>()?;
        let periods = &params.indicators;
        let mut want = |feature| build.wants.want(pace.interval, feature);
        let (rsi_fast, rsi_slow) =
            (want(Feature::Rsi { period: periods.rsi_fast }), want(Feature::Rsi { period: periods.rsi_slow }));
        let volume = want(Feature::Volume);
        let volume_ratio = want(Feature::VolumeRatio { period: periods.volume_period });
        let bb_middle = want(Feature::BbMiddle { period: periods.bb_period });
        Ok(Self {
            pace,
            score,
            rsi_fast,
            rsi_slow,
            volume,
            volume_ratio,
            bb_middle,
            columns: Columns::share(score, &setup.terms, (rsi_fast, rsi_slow), volume_ratio, build.wants),
            confirm,
            setup,
        })
    }
}
