//! The runtime around `swarm-core`.

pub mod api;
pub mod cli;
pub mod control;
pub mod telemetry;
