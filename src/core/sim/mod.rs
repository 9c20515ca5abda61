//! A world in virtual time: the supervisor and the desk on one side, a venue on the other, and between them
//! a link that loses, delays, repeats and reorders, while processes die and start again. No clock, no thread:
//! the same script and the same faults lead to the same world.
//!
//! [`World`] is the host, as plain as one can be; [`Venue`] answers exactly; [`Fault`]s strike at messages,
//! which are counted, so that a test can strike at each.

mod check;
pub mod every;
mod link;
mod strategies;
pub mod swarm;
mod venue;
mod world;

pub use link::{Fault, Faults, Message};
pub use strategies::Takes;
pub use venue::{NONCE_WINDOW_MS, Record, Venue};
pub use world::{Act, TIME_OUT_MS, World};
