//! Venues: what takes approved commands and tells what became of them. Knows no agent and no limit.

pub mod live;
mod simulated;

pub use simulated::SimulatedVenue;

use swarm_core::model::Time;
use swarm_core::risk::Command;

/// Takes commands. Only the supervisor can make one, so nothing else can reach a venue.
pub trait Venue {
    /// Sends a command on its way; what becomes of it comes back as events.
    fn obey(&mut self, now: Time, command: &Command);
}
