//! The venue that serves AsterDEX's API: what it takes, refuses, tells and leaves out.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod command;
mod errors;
mod faults;
mod foreign;
mod margin_calls;
mod modes;
mod orders;
mod over_the_wire;
mod partial;
mod payloads;
mod served;
mod shapes;
mod strategies;
mod streams;
mod support;
mod ticks;
