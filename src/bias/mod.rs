//! Look-ahead and warm-up bias of a swarm's rules and of the feed below them.
//!
//! **Look-ahead.** What is decided up to a moment must not change when the candles after it are taken
//! away or replaced by others. The whole swarm (the loop host, positions and all) and the rules alone are
//! run on such markets beside the market as recorded, step by step, and everything seen and said is compared
//! bit by bit.
//!
//! **Warm-up.** Once a feature has had the candles it declares, its value must not depend on where the
//! series began, nor may a decision. Positions do depend on the past, so here the hub and the rules are run
//! alone, each rule in the same [`Stance`]s. Averages that never forget are compared once the weight of
//! their first value is below [`SETTLED`], within [`TOLERANCE`].
//!
//! This room reads no file, prints nothing, and does not know where a rule comes from: a [`Subject`] says.

mod bench;
mod differ;
mod look_ahead;
mod memory;
mod report;
mod subject;
mod variant;
mod warm_up;

pub use bench::Stance;
pub use memory::{SETTLED, TOLERANCE};
pub use report::{AgentResult, Bias, Finding, Report};
pub use subject::{Plain, Subject};

use crate::market::Recording;
use std::sync::Arc;
use swarm_core::engine::{BuildError, MakeRule};
use swarm_core::features::Wants;
use swarm_core::model::{AgentId, Plan};
use swarm_core::rule::Rule;

/// Why nothing could be said.
#[derive(Debug, thiserror::Error)]
pub enum BiasError {
    /// The swarm could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Too few candles to compare anything after the longest warm-up.
    #[error("{has} steps are too few: agent `{agent}` is compared after {needed}; choose a longer time")]
    TooShort {
        /// The agent that needs the most.
        agent: String,
        /// Steps there are.
        has: usize,
        /// Fewest steps with which it can be compared.
        needed: usize,
    },
}

/// Candles after which nothing that any agent sees depends on where they began: its warm-up, and the settling of averages
/// that never forget. Whoever starts anew with as many decides as if it had never stopped.
///
/// # Errors
/// When the swarm cannot be built.
pub fn settled_steps(plan: &Arc<Plan>, make: &dyn MakeRule) -> Result<usize, BiasError> {
    Ok(warm_up::needs(plan, make)?.iter().map(|need| need.settled()).max().unwrap_or(0))
}

/// Steps with which every agent can be compared: its warm-up, the settling of averages that never forget, and
/// something to compare.
///
/// # Errors
/// When the swarm cannot be built.
pub fn needed_steps(plan: &Arc<Plan>, make: &dyn MakeRule) -> Result<usize, BiasError> {
    Ok(warm_up::needs(plan, make)?.iter().map(|need| need.steps()).max().unwrap_or(0))
}

/// Looks for both kinds of bias in every agent of `plan` over `market`.
///
/// # Errors
/// When the swarm cannot be built or the market is too short.
pub fn check(plan: &Arc<Plan>, subject: &dyn Subject, market: &Arc<Recording>) -> Result<Report, BiasError> {
    let mut report = Report::new(plan, market);
    look_ahead::check(plan, subject, market, &mut report)?;
    warm_up::check(plan, subject, market, &mut report)?;
    report.findings.sort_by(|one, other| (one.candle, &one.agent).cmp(&(other.candle, &other.agent)));
    Ok(report)
}

/// Rules behind a pointer, as hosts take them by value.
struct Boxed<'a>(Box<dyn MakeRule + 'a>);

impl MakeRule for Boxed<'_> {
    fn make(&self, agent: AgentId, wants: &mut Wants) -> Result<Box<dyn Rule>, String> {
        self.0.make(agent, wants)
    }
}
