//! The only place that sends to actors. Every send is bounded, and a message that is not taken is
//! counted with its reason; actix's unbounded sends are not used (a test checks it).

use crate::telemetry::{Actor as ActorName, DropReason, Metrics};
use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, MailboxError, Message};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long a question may take. Longer means that something is stuck, not slow.
pub const ASK_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a question got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The actor is gone: it was stopped, or it panicked.
    #[error("the {name} is gone", name = .0.label())]
    Gone(ActorName),
    /// It did not answer in time.
    #[error("the {name} did not answer within {seconds} s", name = .0.label(), seconds = ASK_TIMEOUT.as_secs())]
    Late(ActorName),
}

/// A handle to one actor, held by one producer: the bound of a mailbox counts per handle, so handles
/// are made once and kept, never cloned per message.
pub struct Address<A: Actor> {
    addr: Addr<A>,
    name: ActorName,
    metrics: Metrics,
    /// Questions of this producer that are waiting or being answered.
    waiting: AtomicUsize,
}

impl<A: Actor> Address<A> {
    /// A handle of one producer's own.
    pub fn new(addr: Addr<A>, name: ActorName, metrics: Metrics) -> Self {
        Self { addr, name, metrics, waiting: AtomicUsize::new(0) }
    }

    /// A handle for another producer.
    pub fn for_another_producer(&self) -> Self {
        Self::new(self.addr.clone(), self.name, self.metrics.clone())
    }

    /// Asks and waits: for room in the mailbox, then for the answer. Overload policy: the asker waits.
    pub async fn ask<M>(&self, message: M) -> Result<M::Result, AskError>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        self.metrics.mailbox_depth(self.name, self.waiting.fetch_add(1, Ordering::Relaxed) + 1);
        let answer = self.addr.send(message).timeout(ASK_TIMEOUT).await;
        self.metrics.mailbox_depth(self.name, self.waiting.fetch_sub(1, Ordering::Relaxed) - 1);
        answer.map_err(|error| match error {
            MailboxError::Closed => self.dropped(DropReason::Closed, AskError::Gone(self.name)),
            MailboxError::Timeout => self.dropped(DropReason::Late, AskError::Late(self.name)),
        })
    }

    /// Asks without a deadline of its own, for questions that are gathered under a common one.
    pub fn ask_gathered<M>(&self, message: M) -> impl Future<Output = Result<M::Result, AskError>> + use<A, M>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        let (name, request) = (self.name, self.addr.send(message));
        async move { request.await.map_err(|_| AskError::Gone(name)) }
    }

    /// Offers a message; when the mailbox is full it is dropped and counted.
    pub fn offer<M>(&self, message: M) -> bool
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        self.addr.try_send(message).map_err(|_| self.metrics.dropped(self.name, DropReason::Full)).is_ok()
    }

    fn dropped(&self, reason: DropReason, error: AskError) -> AskError {
        self.metrics.dropped(self.name, reason);
        error
    }
}
