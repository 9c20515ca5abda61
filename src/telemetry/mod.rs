//! What the outside may measure and read: metrics for a scraper, log lines for a person. This room
//! only takes numbers in and writes text out; it reads nothing of the swarm itself and decides nothing.

mod agent_cells;
mod exposition;
mod handles;
mod labels;
pub mod log;
mod metrics;

pub use agent_cells::{AgentCells, Restored};
pub use handles::{Account, CohortMetrics, PortfolioMetrics};
pub use labels::{Actor, CandleFate, DropReason, EntryWay, OrderOutcome, VenueLabel};
pub use metrics::Metrics;

#[cfg(test)]
pub(crate) use exposition::strict;

#[cfg(test)]
mod doc_tests;
