//! The runtime around `swarm-core`.

pub mod control;
pub mod store;
