//! The expert's exits by signal. What stands at the venue meanwhile is `crate::exits`.

use super::params::Params;
use swarm_core::model::Side;

/// Why a position is closed by signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalExit {
    /// The target score turned against the position.
    Score,
    /// RSI is stretched while the position is in profit.
    Rsi,
}

/// Whether a position on `side` is closed. RSI counts only in profit, measured without fees.
pub fn signal_exit(
    params: &Params,
    side: Side,
    target: f64,
    (rsi_fast, rsi_slow): (f64, f64),
    in_profit: bool,
) -> Option<SignalExit> {
    let (score, stretched) = match side {
        Side::Buy => (target < -params.exit_score, rsi_slow > params.exit_rsi_long),
        Side::Sell => (target > params.exit_score, rsi_fast < params.exit_rsi_short),
    };
    if score { Some(SignalExit::Score) } else { (stretched && in_profit).then_some(SignalExit::Rsi) }
}
