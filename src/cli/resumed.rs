//! Whether a state directory can be gone on with under a swarm file that has changed since. What the store compares
//! by itself, names and order of things, is not looked at.

use super::console::Failure;
use crate::store::{Manifest, StateView, verify};
use std::path::Path;
use swarm_core::model::{Mode, Plan};

/// Refuses another starting equity: all that was traded so far was sized by the old one, and gains, drawdowns and
/// breakers are counted from it. A finished run that makes way for a new one (`makes_way`) may have any.
///
/// # Errors
/// The portfolio, with both amounts.
pub fn check_equity(path: &Path, plan: &Plan, makes_way: bool) -> Result<(), Failure> {
    // A live account has what it has. A directory that cannot be read is for the store to refuse.
    let kept = StateView::open(path).ok().filter(|_| plan.mode != Mode::Live).and_then(|view| {
        let Manifest { config_hash, .. } = view.manifest();
        let kept = view.configuration(config_hash).ok().flatten();
        kept.map(|kept| (view, kept.plan))
    });
    let Some((view, before)) = kept else { return Ok(()) };
    let other = plan.portfolios.iter().find_map(|now| {
        let other = |then: &&swarm_core::model::PortfolioPlan| then.name == now.name && then.equity != now.equity;
        before.portfolios.iter().find(other).map(|then| (then, now))
    });
    let Some((then, now)) = other else { return Ok(()) };
    let is_finished = || view.facts().and_then(verify).is_ok_and(|verification| verification.finished);
    if makes_way && is_finished() {
        return Ok(());
    }
    Err(Failure::input(format!(
        "{} holds a run in which portfolio `{}` began with {} USDT, not {}: put `equity` back, or name another directory \
         with --state",
        path.display(),
        then.name,
        then.equity,
        now.equity
    )))
}
