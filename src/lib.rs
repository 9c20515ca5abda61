//! The runtime around `swarm-core`.

pub mod market;
