//! Streams: what keeps them whole (pure) and the sockets they come over (a thin shell).
//!
//! `book`, `dedupe`, `backoff`, `listen_key` and `session` know neither socket nor clock and are tested as values;
//! `socket` and `user` carry their acts out.

mod backoff;
mod book;
mod dedupe;
mod listen_key;
mod session;
#[cfg(test)]
mod session_tests;
mod socket;
mod user;

pub use backoff::{Backoff, Pace};
pub use book::{Book, Step, Why};
pub use dedupe::Dedupe;
pub use listen_key::{ListenKeyKeeper, Need};
pub use session::{Act, MAX_STREAMS, Policy, Session, Slot, TooManyStreams};
pub use socket::{Delivery, run};
pub use user::run_user;
