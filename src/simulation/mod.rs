//! Whole swarms of the real actors in virtual time: director, feed, agents, supervisor, executions, drivers of live
//! accounts with their desks, and the journal's writer, all of them as in `swarm run`, in one thread under tokio's
//! paused clock. Around them is the world of `swarm_core::sim::swarm`: its venues, its market, its faults, its
//! operators and its invariants, from the same seeds.
//!
//! What is not the real thing: sockets and the wire (a [`Link`](crate::venue::live::Link) leads to the venue's value),
//! the task that reads market streams (its assembly of candles is the real one), and the disk (memory, which loses
//! what a disk would). A seed says everything: the same one writes the same journal, byte by byte.

mod follow;
mod inside;
mod life;
mod medium;
mod picture;
mod port;
mod run;
#[cfg(test)]
mod tests;
mod world;

pub use run::{Run, simulate};
