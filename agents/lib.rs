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
//!    (decide, explain), [`Part`](registry::Part) (the same with the size multiplied, for rules that are made
//!    of rules) and [`Registered`](registry::Registered) (name, summary, YAML, how it is built).
//!    `ema_cross.rs` is the shortest example.
//! 2. **`agents/my_rule.yaml`.** A description and `rule: { my_rule: { ... } }` with the parameters
//!    that people will want to see; what is left out takes its default.
//! 3. **One line in `registry.rs`**, and the `pub mod` line here by which Rust finds the file.
//!
//! Schema, checks, defaults, completion in editors, the tables of `docs/configuration.md` and the tests
//! in `registry.rs` follow from that line. An agent file with other parameters of a known rule needs no Rust at all.
//!
//! # Using one
//!
//! ```
//! use serde_json::json;
//! use swarm_agents::registry;
//! use swarm_core::features::Wants;
//! use swarm_core::model::Interval;
//! use swarm_core::rule::Build;
//!
//! let expert = registry::find("expert").expect("it ships");
//! let written = json!({ "exit_preset": "tight", "break_even": { "from": 0.02 } });
//! assert_eq!((expert.check)(&written), []);
//! let whole = (expert.complete)(&written);
//! assert_eq!(whole["stop"], 0.03);
//! assert_eq!(whole["break_even"], json!({ "from": 0.02, "to": 0.005 }));
//!
//! // Agents with the same parameters share them: prepare once, build each.
//! let factory = (expert.prepare)(&whole).expect("checked above");
//! let mut wants = Wants::default();
//! let intervals = [Interval::M5, Interval::H1];
//! let rule = factory.build(&mut Build { wants: &mut wants, base: Interval::M5, intervals: &intervals });
//! assert!(rule.is_ok());
//! ```

pub mod control;
pub mod ema_cross;
pub mod entering;
pub mod exits;
pub mod expert;
pub mod hybrid;
pub mod params;
mod proposal;
pub mod registry;
pub mod trend;

#[cfg(test)]
mod testing;
