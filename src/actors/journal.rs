//! The journal writer's actor: takes batches of facts in the supervisor's order and hands them to the
//! file's own thread. With a strict barrier it answers when they are durable, so that nothing leaves
//! and nothing is acted on before; with a grouped one when they are queued.
//!
//! Grouped is for the simulated exchange in accelerated time: no effect leaves the process, the exchange
//! itself is folded from the same file, and a kill loses steps that nobody outside has seen.

use super::breath::Breath;
use crate::store::{JournalFailure, JournalWriter, OfferError};
use actix::{Actor, AtomicResponse, Context, Handler, Message, WrapFuture};
use std::sync::Arc;
use std::time::Duration;
use swarm_core::model::Fact;

/// Pause before a full queue is tried again: the disk is behind, and the swarm waits for it.
const FULL_PAUSE: Duration = Duration::from_millis(1);

/// When an append is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// When the facts are durable.
    Strict,
    /// When they are queued; durable within the group's time.
    Grouped,
}

/// Facts to be written; answered with the sequence number of the last.
#[derive(Message)]
#[rtype(result = "Result<u64, JournalFailure>")]
pub struct Append(pub Vec<Fact>);

/// The actor.
pub struct Journal {
    writer: Arc<JournalWriter>,
    barrier: Barrier,
    breath: Breath,
}

impl Journal {
    /// Over an open writer.
    pub fn new(writer: Arc<JournalWriter>, barrier: Barrier) -> Self {
        Self { writer, barrier, breath: Breath::default() }
    }
}

impl Actor for Journal {
    type Context = Context<Self>;
}

async fn append(writer: &JournalWriter, facts: Vec<Fact>) -> Result<u64, JournalFailure> {
    let mut facts: Arc<[Fact]> = facts.into();
    loop {
        match writer.offer(facts) {
            Ok(sequence) => return Ok(sequence),
            Err(OfferError::Failed(failure)) => return Err(failure),
            Err(OfferError::Full(back)) => {
                facts = back;
                tokio::time::sleep(FULL_PAUSE).await;
            }
        }
    }
}

impl Handler<Append> for Journal {
    type Result = AtomicResponse<Self, Result<u64, JournalFailure>>;

    fn handle(&mut self, Append(facts): Append, context: &mut Context<Self>) -> Self::Result {
        self.breath.take(context);
        // The end of a run is waited for whatever the barrier.
        let last = facts.iter().any(|fact| matches!(fact, Fact::End { .. }));
        let (writer, strict) = (Arc::clone(&self.writer), last || self.barrier == Barrier::Strict);
        let work = async move {
            let sequence = append(&writer, facts).await?;
            if strict {
                writer.durable().reached(sequence).await?;
            }
            Ok(sequence)
        };
        AtomicResponse::new(Box::pin(work.into_actor(self)))
    }
}
