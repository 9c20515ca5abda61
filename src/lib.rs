//! The runtime around `swarm-core`.
