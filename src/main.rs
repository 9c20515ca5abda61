//! The `swarm` binary.
fn main() {}
