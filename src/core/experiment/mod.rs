//! The evidence: what agents, cohorts and portfolios did, as figures, and what the difference between
//! two cohorts amounts to. Knows the ledger's results only; it decides nothing about orders.

mod compare;
mod figures;
mod metrics;
mod report;
mod tracker;

pub use compare::{Comparison, ComparisonVerdict, compare};
pub use figures::{FIGURES, Figure, Reached, Target, Unit, targets};
pub use metrics::{LEAST_DAILY_RETURNS, Metrics, Sample};
pub use report::{BreakerReport, MarketReport, PortfolioReport, Report, Timing};
pub use tracker::{Curve, Tracker};
