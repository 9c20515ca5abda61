//! The commands of `swarm`, one file each. A command has `Args`, made by clap, and `run`, which returns
//! the exit code: 0 done, 1 it failed, 2 the input is wrong.
//!
//! Those here act on a running swarm through its API and know nothing else of it.

pub mod agent;
pub mod breaker;
pub mod client;
pub mod console;
pub mod flatten;
pub mod status;

#[cfg(test)]
mod tests;
