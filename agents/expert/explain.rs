//! The expert's decision in words and numbers: computed again from the same view, on demand.

use super::params::Confirmation;
use super::score::{NAMES, Reading};
use super::size::{Bound, expected_slippage};
use super::{Expert, Outcome, SignalExit, Why};
use crate::proposal::{self, side_name};
use swarm_core::features::Frame;
use swarm_core::model::{Decision, Explanation, FeatureLine, Side};
use swarm_core::rule::View;

impl Expert {
    /// Everything the record of a decision holds.
    pub(super) fn explanation(&self, view: &View<'_>, decision: &Decision, factor: f64) -> Explanation {
        let reading = self.read(&view.frame);
        let outcome = self.judge(view, &reading, factor);
        let asked = proposal::explain(view, decision);
        let quote_volume = self.quote_volume(&view.frame, &reading);
        let slippage =
            asked.notional_usdt.and_then(|notional| expected_slippage(&self.setup.params, notional, quote_volume));
        Explanation {
            features: self.feature_lines(&view.frame, &reading),
            score: known(reading.score),
            regime: known(reading.regime).map(|regime| regime as i8),
            stability: known(reading.stability),
            volatility: known(reading.volatility),
            expected_funding: candidate(view, outcome).and_then(|side| self.expected_funding(view, side)),
            expected_slippage: slippage,
            reason: self.reason(view, &reading, decision, outcome).into(),
            ..asked
        }
    }

    fn feature_lines(&self, frame: &Frame<'_>, reading: &Reading) -> Vec<FeatureLine> {
        let terms = &self.setup.terms;
        let values = self.score.values(frame);
        let normalized = self.score.normalized(terms, reading.atr, frame);
        let weights = terms.weights(reading.regime, reading.stability);
        let line = |place: usize| FeatureLine {
            name: NAMES[place].into(),
            value: known(values[place]),
            normalized: known(normalized[place]),
            weight: weights[place],
            contribution: known(normalized[place] * weights[place]).unwrap_or(0.0),
        };
        (0..NAMES.len()).map(line).collect()
    }

    fn reason(&self, view: &View<'_>, reading: &Reading, decision: &Decision, outcome: Outcome) -> String {
        let params = &self.setup.params;
        let frame = &view.frame;
        let market = format!(
            "regime {} on {}, stability {:.2}",
            regime_name(reading.regime),
            params.regime_timeframe,
            reading.stability
        );
        match outcome {
            Outcome::Hold(why) => self.reason_to_hold(view, reading, why, &market),
            Outcome::Exit(exit) => {
                let side = view.position.map_or(Side::Buy, |position| Side::of(position.qty));
                let (rsi, slot) = match side {
                    Side::Buy => (params.indicators.rsi_slow, self.rsi_slow),
                    Side::Sell => (params.indicators.rsi_fast, self.rsi_fast),
                };
                let grounds = match exit {
                    SignalExit::Score => format!("target score {:.2} turned against it", reading.target),
                    SignalExit::Rsi => format!("RSI {rsi} at {:.1} while in profit", frame.raw(slot)),
                };
                format!("close {}: {grounds}; {market}", side_name(side))
            }
            Outcome::Enter(plan) => {
                let (rsi, slot) = self.rsi_gate(plan.side);
                let asked = proposal::explain(view, decision);
                format!(
                    "{}: target score {:.2}, RSI {rsi} at {:.1}, volume {:.2} x its average, {market}; \
                     {:.2} USDT (set by {}) at {:.2}x, stop at {} ({:.2} % away){}",
                    side_name(plan.side),
                    reading.target,
                    frame.raw(slot),
                    frame.raw(self.volume_ratio),
                    asked.notional_usdt.unwrap_or(plan.sized.notional.to_f64()),
                    plan.sized.bound.name(),
                    asked.leverage.unwrap_or(plan.leverage),
                    asked.stop_price.unwrap_or(f64::NAN),
                    100.0 * plan.stop.to_f64() / reading.close,
                    params.entry.words(plan.side, view.frame.candle.close, view.instrument.tick),
                )
            }
        }
    }

    fn reason_to_hold(&self, view: &View<'_>, reading: &Reading, why: Why, market: &str) -> String {
        let params = &self.setup.params;
        let frame = &view.frame;
        let seen = |side| format!("target score {:.2} says {}", reading.target, side_name(side));
        match why {
            Why::NotReady => format!("not ready: {} missing", self.missing(frame, reading).join(", ")),
            Why::BetweenCandles => format!("between two {} candles", self.pace.interval),
            Why::Pending => "an entry is working".into(),
            Why::Holding => format!("position kept: target score {:.2}, no exit due; {market}", reading.target),
            Why::Score => {
                format!("target score {:.2} is within ±{}; {market}", reading.target, params.entry_score)
            }
            Why::Confidence(side) => format!(
                "{}, but confidence {:.1} is under {}; {market}",
                seen(side),
                reading.entry_confidence(),
                params.min_confidence
            ),
            Why::Rsi(side) => {
                let (rsi, slot) = self.rsi_gate(side);
                let needed = match side {
                    Side::Buy => format!("under {}", params.entry_rsi_long),
                    Side::Sell => format!("over {}", params.entry_rsi_short),
                };
                match frame.get(slot) {
                    Some(value) => format!("{}, but RSI {rsi} at {value:.1} is not {needed}; {market}", seen(side)),
                    None => format!("{}, but RSI {rsi} is not ready; {market}", seen(side)),
                }
            }
            Why::Volume(side) => match frame.get(self.volume_ratio) {
                Some(ratio) => format!(
                    "{}, but volume is {ratio:.2} x its average, under {}; {market}",
                    seen(side),
                    params.entry_volume_ratio
                ),
                None => format!("{}, but the average volume is not ready; {market}", seen(side)),
            },
            Why::Unconfirmed(side, confirmation) => {
                let by = match confirmation {
                    Confirmation::Bb => "close against the Bollinger middle band",
                    Confirmation::Macd => "MACD against its signal",
                    Confirmation::Timeframes => "the regime of another timeframe",
                };
                format!("{}, but {by} does not confirm; {market}", seen(side))
            }
            Why::Funding(side, funding) => format!(
                "{}, but it would pay {:.4} % funding in 8 h, over {:.4} %; {market}",
                seen(side),
                100.0 * funding,
                100.0 * params.max_funding
            ),
            Why::NoStop(side) => {
                format!("{}, but the market moves so little that a stop would be within a tick; {market}", seen(side))
            }
            Why::TooSmall(side, Bound::Kelly) => format!(
                "{}, but half-Kelly of its own record, {} wins and {} losses, leaves less than the venue's minimum; {market}",
                seen(side),
                view.stats.wins,
                view.stats.losses
            ),
            Why::TooSmall(side, bound) => {
                format!("{}, but {} leaves less than the venue's minimum; {market}", seen(side), bound.name())
            }
        }
    }

    /// The RSI that gates entries of a side: its period and its slot.
    fn rsi_gate(&self, side: Side) -> (u32, swarm_core::features::Slot) {
        let periods = &self.setup.params.indicators;
        match side {
            Side::Buy => (periods.rsi_fast, self.rsi_fast),
            Side::Sell => (periods.rsi_slow, self.rsi_slow),
        }
    }

    /// Names of what the score lacks.
    fn missing(&self, frame: &Frame<'_>, reading: &Reading) -> Vec<&'static str> {
        let normalized = self.score.normalized(&self.setup.terms, reading.atr, frame);
        let mut missing: Vec<_> =
            NAMES.into_iter().zip(normalized).filter(|(_, value)| value.is_nan()).map(|(name, _)| name).collect();
        missing.extend(reading.volatility.is_nan().then_some("volatility"));
        missing.extend(reading.regime.is_nan().then_some("regime"));
        missing
    }
}

/// The side whose funding belongs into the record: of the position, or of the entry that was looked at.
fn candidate(view: &View<'_>, outcome: Outcome) -> Option<Side> {
    if let Some(position) = view.position {
        return Some(Side::of(position.qty));
    }
    match outcome {
        Outcome::Enter(plan) => Some(plan.side),
        Outcome::Hold(
            Why::Confidence(side)
            | Why::Rsi(side)
            | Why::Volume(side)
            | Why::Unconfirmed(side, _)
            | Why::Funding(side, _)
            | Why::NoStop(side)
            | Why::TooSmall(side, _),
        ) => Some(side),
        Outcome::Hold(_) | Outcome::Exit(_) => None,
    }
}

fn known(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

fn regime_name(regime: f64) -> &'static str {
    match regime as i8 {
        2 => "STRONG BULL",
        1 => "BULL",
        -1 => "BEAR",
        -2 => "STRONG BEAR",
        _ => "NEUTRAL",
    }
}
