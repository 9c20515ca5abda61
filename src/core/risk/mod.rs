//! Risk: limits at three levels, reservations, breaker, verdicts. The only room that can approve.
//!
//! [`Supervisor`] is a value that every intent, every report and every mark of the swarm passes through.
//! Its handlers decide which facts there are; [`Supervisor::apply`] is the only place where facts change
//! state, so the fold of a journal is the supervisor that wrote it. It knows no strategy, sends nothing
//! and keeps no clock.
//!
//! What a host does besides calling the handlers: it journals candles, signals and holds itself, and hands
//! the first two to [`Supervisor::on_candle`] and [`Supervisor::on_signal`]; a mark that did not come from
//! a candle it hands to [`Supervisor::on_fresh_marks`], which makes a fact of it and shows it to the portfolios that
//! hold its contract, unless it is not [plausible](Unconfirmed). Agents run after
//! [`AgentChange::Started`](crate::model::AgentChange::Started), not before.

mod approved;
mod book;
mod breaker;
mod calm;
mod checks;
mod engagement;
mod fold;
mod fold_venue;
mod follow;
mod market;
mod pace;
mod plausible;
mod protect;
mod react;
mod saved;
mod sizing;
mod supervisor;
mod tiers;
mod views;
mod watch;

pub use crate::model::{Figure, Level, Refusal, RefusalReason};
pub use approved::Approved;
pub use breaker::{Breaker, Sample, Trip, drawdown};
pub use calm::Span;
pub use plausible::{CONFIRMATIONS, Unconfirmed};
pub(crate) use sizing::times_capped;
pub use supervisor::{CancelOrder, Command, Effects, ResetError, Supervisor};
pub use views::{AgentSnapshot, AgentStake, OpenOrder, OpenPosition, PortfolioSnapshot};

#[cfg(test)]
mod tests;
