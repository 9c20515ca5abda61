//! `swarm-core`: everything of asterswarm that decides.
//!
//! Plain values with methods: events and `now` in, effects out. This crate deliberately knows no
//! clock, no socket, no file, no thread, no async runtime and no unseeded randomness, so the same
//! bytes in give the same bytes out on every machine. Actors, the backtest loop and the fault
//! simulator are hosts around the values defined here.

pub mod delivery;
pub mod exchange;
pub mod features;
pub mod indicators;
pub mod invariants;
pub mod journal;
pub mod ledger;
pub mod model;
pub mod orders;
pub mod planted;
pub mod risk;
pub mod rule;
pub mod sim;

pub mod engine;
pub mod experiment;
