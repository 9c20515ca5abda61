//! `swarm-agents`: the trading rules that ship with asterswarm.
//!
//! One rule a file, and beside it the YAML that declares an agent with it. A rule sees features, its
//! position and its account, and answers with a decision; it deliberately knows no venue, no order,
//! no clock, no file and no other agent. It keeps no memory either: what it needs of the past it asks
//! for as a lagged feature, so it is warm whenever the feed is warm.
//!
//! # Adding a rule
//!
//! 1. **`agents/my_rule.rs`.** A struct of parameters that derives `Serialize`, `Deserialize` and
//!    `JsonSchema` and implements [`Parameters`](params::Parameters): its `Default` holds the defaults,
//!    its attributes the description, unit and range of each. A rule struct that holds its parameters
//!    behind an `Arc` and the slots of its features, and implements [`Rule`](swarm_core::rule::Rule)
//!    (decide, explain) and [`Registered`](registry::Registered) (name, summary, YAML, how it is built).
//!    `ema_cross.rs` is the shortest example.
//! 2. **`agents/my_rule.yaml`.** A description and `rule: { my_rule: { ... } }` with the parameters
//!    that people will want to see; what is left out takes its default.
//! 3. **One line in `registry.rs`**, and the `pub mod` line here by which Rust finds the file.
//!
//! Schema, checks, defaults, completion in editors, `swarm explain` and the tests in `registry.rs`
//! follow from that line. An agent file with other parameters of a known rule needs no Rust at all.

pub mod control;
pub mod ema_cross;
pub mod expert;
pub mod params;
mod proposal;
pub mod registry;

#[cfg(test)]
mod testing;
