//! What is inside of a simulated world: a swarm, seen by what reaches it and by what it shows. The world decides
//! what reaches it and when; how it is made of parts is its own matter.

use super::host::Host;
use super::scenario::Act;
use crate::delivery::{Answer, Desk, LinkState, RequestId, StreamEvent};
use crate::model::{Candle, Price, SymbolId, Time};
use crate::risk::Supervisor;
use std::fmt::Debug;

/// A swarm inside a world. What it does to the world goes through the [`Host`] that it is given.
pub trait Inside: Debug + Sized {
    /// What is on its way within it; lost when the process dies.
    type Own: Clone + Debug + PartialEq;

    /// A process starts.
    fn start(host: &mut Host<Self>);
    /// It is gone, whatever it was doing.
    fn die(&mut self);
    /// Whether a process runs.
    fn is_alive(&self) -> bool;
    /// Whether time stands still until whoever hosts it has done something.
    fn is_waited_for(&self) -> bool {
        false
    }
    /// The books, as its supervisor has them; none while no process runs.
    fn books(&self) -> Option<&Supervisor>;
    /// The desk of an account, where it shows one.
    fn desk(&self, account: usize) -> Option<&Desk>;

    /// A request of an account is answered.
    fn answered(host: &mut Host<Self>, account: usize, id: RequestId, answer: Answer);
    /// An account's user stream tells something.
    fn streamed(host: &mut Host<Self>, account: usize, event: StreamEvent);
    /// An account's user stream is connected, or lost.
    fn linked(host: &mut Host<Self>, account: usize, state: LinkState);
    /// A mark price of `at` arrives.
    fn marked(host: &mut Host<Self>, symbol: SymbolId, at: Time, price: Price);
    /// A closed candle arrives.
    fn closed(host: &mut Host<Self>, symbol: SymbolId, candle: &Candle);
    /// An operator acts: stops, starts, flattens, resets.
    fn operate(host: &mut Host<Self>, act: Act);
    /// Something arrives that was on its way within it.
    fn own(host: &mut Host<Self>, own: Self::Own);
    /// Whether something is on its way so often that no trace tells of it.
    fn is_routine(_: &Self::Own) -> bool {
        false
    }

    /// When the world is to call it, and for which account.
    fn due(_: &Host<Self>) -> Option<(Time, usize)> {
        None
    }
    /// Time has come for an account.
    fn call(_: &mut Host<Self>, _: usize) {}
    /// A turn is over.
    fn look(host: &mut Host<Self>);
}
