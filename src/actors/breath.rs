//! Cooperative yields. An actor's mailbox is served to its end before anything else on its arbiter gets
//! a turn; a flooded actor would freeze its neighbours. So every high-rate actor takes a breath.

use actix::fut::wrap_future;
use actix::{Actor, AsyncContext, Context};

/// Messages between two breaths.
const MESSAGES: u32 = 64;

/// Counts the messages of one actor.
#[derive(Debug, Default)]
pub struct Breath {
    messages: u32,
}

impl Breath {
    /// To be called for each message: at every 64th the actor waits until its neighbours had a turn.
    pub fn take<A: Actor<Context = Context<A>>>(&mut self, context: &mut Context<A>) {
        self.messages += 1;
        if self.messages == MESSAGES {
            self.messages = 0;
            context.wait(wrap_future::<_, A>(tokio::task::yield_now()));
        }
    }
}
