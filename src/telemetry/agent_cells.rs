//! The figures of one agent as plain atomics: no map, no lock, no allocation after the start. They
//! belong to the agent's name, so an actor that is started again goes on with the same cells. This
//! file knows nothing of how they are written out.

use super::handles::CohortMetrics;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use swarm_core::model::{Action, Usd, Verdict};

/// An `f64` as bits.
#[derive(Debug, Default)]
pub(super) struct Float(AtomicU64);

impl Float {
    pub(super) fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }
    fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Relaxed);
    }
    fn add(&self, value: f64) {
        // The closure never gives up, so there is no failure to handle.
        let _ = self.0.fetch_update(Relaxed, Relaxed, |bits| Some((f64::from_bits(bits) + value).to_bits()));
    }
}

/// One agent's figures. Shared by its actor and the supervisor; every method takes `&self`.
#[derive(Debug)]
pub struct AgentCells {
    /// `agent="…",cohort="…",mode="…"`, escaped once.
    pub(super) labels: Box<str>,
    cohort: Arc<CohortMetrics>,
    pub(super) running: AtomicBool,
    pub(super) restarts: AtomicU64,
    pub(super) decisions: AtomicU64,
    pub(super) confidence: Float,
    pub(super) score: Float,
    /// Approved, resized, refused.
    pub(super) intents: [AtomicU64; 3],
    /// Won, lost.
    pub(super) trades: [AtomicU64; 2],
    pub(super) realized_pnl: Float,
    pub(super) unrealized_pnl: Float,
    pub(super) notional: Float,
    pub(super) decision_seconds: Float,
    /// Not `decisions`: what was restored was not timed in this process.
    pub(super) decisions_timed: AtomicU64,
}

/// What the journal knows of an agent when the process starts again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Restored {
    /// Decisions, as far as they were recorded.
    pub decisions: u64,
    /// Restarts after panics.
    pub restarts: u64,
    /// Intents approved as asked.
    pub approved: u64,
    /// Intents cut to size.
    pub resized: u64,
    /// Intents refused.
    pub refused: u64,
    /// Closed trades with a net profit.
    pub wins: u64,
    /// Closed trades without.
    pub losses: u64,
    /// Net of fees and funding, in USDT.
    pub realized_pnl: Usd,
}

impl AgentCells {
    pub(super) fn new(labels: String, cohort: Arc<CohortMetrics>) -> Self {
        Self {
            labels: labels.into_boxed_str(),
            cohort,
            running: AtomicBool::new(false),
            restarts: AtomicU64::new(0),
            decisions: AtomicU64::new(0),
            confidence: Float::default(),
            score: Float::default(),
            intents: Default::default(),
            trades: Default::default(),
            realized_pnl: Float::default(),
            unrealized_pnl: Float::default(),
            notional: Float::default(),
            decision_seconds: Float::default(),
            decisions_timed: AtomicU64::new(0),
        }
    }

    /// A decision was made: its confidence (0 to 100), its target score (-1 to 1) and how long it took.
    /// Counts for the cohort too.
    pub fn decided(&self, action: Action, confidence: f64, score: f64, took: Duration) {
        let seconds = took.as_secs_f64();
        self.decisions.fetch_add(1, Relaxed);
        self.confidence.set(confidence);
        self.score.set(score);
        self.decision_seconds.add(seconds);
        self.decisions_timed.fetch_add(1, Relaxed);
        self.cohort.decided(action, seconds);
    }

    /// The supervisor judged an intent. A refusal counts for the cohort, by reason.
    pub fn intent(&self, verdict: &Verdict) {
        let index = match verdict {
            Verdict::Approved => 0,
            Verdict::Resized(_) => 1,
            Verdict::Refused(refusal) => {
                self.cohort.refused(refusal.reason);
                2
            }
        };
        self.intents[index].fetch_add(1, Relaxed);
    }

    /// A position returned to flat, with a net profit or without.
    pub fn trade(&self, win: bool) {
        self.trades[usize::from(!win)].fetch_add(1, Relaxed);
    }

    /// Whether it decides on candles.
    pub fn set_running(&self, running: bool) {
        self.running.store(running, Relaxed);
    }

    /// It came back after a panic.
    pub fn restarted(&self) {
        self.restarts.fetch_add(1, Relaxed);
    }

    /// Profit so far, net of fees and funding, and open profit at the last mark.
    pub fn set_pnl(&self, realized: Usd, unrealized: Usd) {
        self.realized_pnl.set(realized.to_f64());
        self.unrealized_pnl.set(unrealized.to_f64());
    }

    /// Signed notional of the position at the last mark.
    pub fn set_notional(&self, notional: Usd) {
        self.notional.set(notional.to_f64());
    }

    /// Sets the counters to what the journal knows, before the agent starts.
    pub fn restore(&self, from: &Restored) {
        self.decisions.store(from.decisions, Relaxed);
        self.restarts.store(from.restarts, Relaxed);
        for (cell, count) in self.intents.iter().zip([from.approved, from.resized, from.refused]) {
            cell.store(count, Relaxed);
        }
        for (cell, count) in self.trades.iter().zip([from.wins, from.losses]) {
            cell.store(count, Relaxed);
        }
        self.realized_pnl.set(from.realized_pnl.to_f64());
    }
}
