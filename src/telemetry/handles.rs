//! Metrics of cohorts and portfolios with their series looked up once, at the start. They are few, so
//! they are ordinary vectors of the `prometheus` crate.

use super::labels::{EntryWay, OrderOutcome};
use prometheus::{Gauge, Histogram, IntCounter, IntCounterVec};
use swarm_core::model::{Action, DifferenceKind, Rate, Usd};
use swarm_core::risk::RefusalReason;

/// What is counted over all agents of a cohort.
#[derive(Debug)]
pub struct CohortMetrics {
    pub(super) actions: [IntCounter; Action::ALL.len()],
    pub(super) refusals: [IntCounter; RefusalReason::ALL.len()],
    pub(super) latency: Histogram,
}

impl CohortMetrics {
    pub(super) fn decided(&self, action: Action, seconds: f64) {
        // `ALL` is in the order of the variants.
        self.actions[action as usize].inc();
        self.latency.observe(seconds);
    }

    /// An intent was refused. [`AgentCells::intent`](super::AgentCells::intent) calls this; call it only for
    /// refusals that no agent's cells are told of.
    pub fn refused(&self, reason: RefusalReason) {
        self.refusals[reason as usize].inc();
    }
}

/// An account at one mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Marked to market, in USDT.
    pub equity: Usd,
    /// `1 - equity / peak`.
    pub drawdown: Rate,
    /// Gross notional over equity.
    pub leverage: Rate,
    /// Open positions.
    pub open_positions: u32,
    /// Notional held back for working entries, in USDT.
    pub reserved_notional: Usd,
}

/// What is measured of a portfolio.
#[derive(Debug)]
pub struct PortfolioMetrics {
    pub(super) equity: Gauge,
    pub(super) drawdown: Gauge,
    pub(super) leverage: Gauge,
    pub(super) open_positions: Gauge,
    pub(super) reserved_notional: Gauge,
    pub(super) breaker_tripped: Gauge,
    pub(super) entries_gated: Gauge,
    pub(super) orders: Vec<IntCounter>,
    pub(super) differences: Vec<IntCounter>,
    pub(super) entries: Vec<IntCounter>,
    pub(super) strategies_refused: Gauge,
}

impl PortfolioMetrics {
    /// The account as last marked.
    pub fn set_account(&self, account: &Account) {
        self.equity.set(account.equity.to_f64());
        self.drawdown.set(account.drawdown.to_f64());
        self.leverage.set(account.leverage.to_f64());
        self.open_positions.set(f64::from(account.open_positions));
        self.reserved_notional.set(account.reserved_notional.to_f64());
    }

    /// Whether the breaker is tripped.
    pub fn set_breaker_tripped(&self, tripped: bool) {
        self.breaker_tripped.set(f64::from(u8::from(tripped)));
    }

    /// Whether entries are gated.
    pub fn set_entries_gated(&self, gated: bool) {
        self.entries_gated.set(f64::from(u8::from(gated)));
    }

    /// An order went a step.
    pub fn order(&self, outcome: OrderOutcome) {
        self.orders[outcome as usize].inc();
    }

    /// Entries left that were to bring their stop along.
    pub fn entries_left(&self, way: EntryWay, count: u64) {
        self.entries[way as usize].inc_by(count);
    }

    /// Whether the venue does not take some sort of entry with its stop.
    pub fn set_strategies_refused(&self, refused: bool) {
        self.strategies_refused.set(f64::from(u8::from(refused)));
    }

    /// Reconciliation found a difference.
    pub fn difference(&self, kind: DifferenceKind) {
        self.differences[kind as usize].inc();
    }
}

/// The series of `vector` with first label `first`, one for each of `labels`.
pub(super) fn series<'a>(
    vector: &IntCounterVec,
    first: &str,
    labels: impl Iterator<Item = &'a str>,
) -> Vec<IntCounter> {
    labels.map(|label| vector.with_label_values(&[first, label])).collect()
}
