//! The journal writer's actor: takes batches of facts in the supervisor's order and hands them to the
//! file's own thread. With a strict barrier it answers when they are durable, so that nothing leaves
//! and nothing is acted on before; with a grouped one when they are queued.
//!
//! Grouped is for the simulated exchange in accelerated time: no effect leaves the process, the exchange
//! itself is folded from the same file, and a kill loses steps that nobody outside has seen.

use crate::store::{JournalWriter, StoreError};
use actix::{Actor, AtomicResponse, Context, Handler, Message, WrapFuture};
use std::sync::Arc;
use swarm_core::model::Fact;

/// When an append is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// When the facts are durable.
    Strict,
    /// When they are queued; durable within the group's time.
    Grouped,
}

/// Facts to be written.
#[derive(Message)]
#[rtype(result = "Result<u64, Arc<StoreError>>")]
pub struct Append(pub Vec<Fact>);

/// Asks for everything to be durable.
#[derive(Message)]
#[rtype(result = "Result<u64, Arc<StoreError>>")]
pub struct Flush;

/// The actor.
pub struct Journal {
    writer: Arc<JournalWriter>,
    barrier: Barrier,
}

impl Journal {
    /// Over an open writer.
    pub fn new(writer: Arc<JournalWriter>, barrier: Barrier) -> Self {
        Self { writer, barrier }
    }
}

impl Actor for Journal {
    type Context = Context<Self>;
}

impl Handler<Append> for Journal {
    type Result = AtomicResponse<Self, Result<u64, Arc<StoreError>>>;

    fn handle(&mut self, Append(facts): Append, _: &mut Context<Self>) -> Self::Result {
        let (writer, barrier) = (Arc::clone(&self.writer), self.barrier);
        let work = async move {
            let sequence = writer.append(facts).await?;
            if barrier == Barrier::Strict {
                writer.durable(sequence).await?;
            }
            Ok(sequence)
        };
        AtomicResponse::new(Box::pin(work.into_actor(self)))
    }
}

impl Handler<Flush> for Journal {
    type Result = AtomicResponse<Self, Result<u64, Arc<StoreError>>>;

    fn handle(&mut self, _: Flush, _: &mut Context<Self>) -> Self::Result {
        let writer = Arc::clone(&self.writer);
        let work = async move { writer.flush().await };
        AtomicResponse::new(Box::pin(work.into_actor(self)))
    }
}
