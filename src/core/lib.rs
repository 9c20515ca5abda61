//! `swarm-core`: everything of asterswarm that decides.
//!
//! Plain values with methods: events and `now` in, effects out. This crate deliberately knows no
//! clock, no socket, no file, no thread, no async runtime and no unseeded randomness, so the same
//! bytes in give the same bytes out on every machine. Actors, the backtest loop and the fault
//! simulator are hosts around the values defined here.

pub mod exchange;
pub mod features;
pub mod model;
pub mod risk;
pub mod rule;
