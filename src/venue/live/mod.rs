//! A live venue's account: what carries the desk's requests there and brings answers and events back.
//!
//! [`Link`] is the door, so that another carrier can stand in AsterDEX's place; [`AsterLink`] is AsterDEX.
//! Knows no agent, no limit and no supervisor, decides nothing about orders, and sends each request once.

mod aster;
mod margin;
mod translate;

pub use aster::{AsterLink, OpenError};
pub use margin::MarginError;

use std::future::Future;
use std::pin::Pin;
use swarm_core::delivery::{Answer, LinkState, Request, RequestId, StreamEvent};

/// An answer on its way.
pub type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Carries requests to a venue. Each is sent at most once and answered once, also when its answer is lost.
pub trait Link: Send + Sync {
    /// Sends a request on its way; nothing happens before the future is polled.
    fn send(&self, id: RequestId, request: Request) -> Answering;
}

/// What an account's user stream tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// It is connected, or was lost.
    Link(LinkState),
    /// An event.
    Event(StreamEvent),
}
