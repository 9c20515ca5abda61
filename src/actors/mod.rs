//! The actor host: one thin actix actor a file around the values of `swarm-core`.
//!
//! A shell translates: message in, core call, message out; it decides nothing. Only `address.rs` may
//! call actix's sending methods. The order of messages is that of `docs/architecture.md`, "The step".

mod address;
mod agent;
mod boot;
mod breath;
mod director;
mod execution;
mod feed;
mod journal;
#[cfg(test)]
mod journal_tests;
mod kill;
mod live;
mod observe;
mod observer;
mod slot;
mod stepper;
mod supervisor;

pub use address::{Address, AskError};
pub use boot::{BootError, Clock, Ended, Live, Outcome, Pace, Setup, run};
pub use journal::Barrier;
pub use kill::KillSwitch;
pub use live::{LiveAccount, Marks};
