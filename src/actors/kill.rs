//! The kill flag beside the mailboxes: one word that supervisor and execution read before every act,
//! so that a stop does not wait behind what is queued.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Thrown once, never taken back; a new start of the process is the way back.
#[derive(Clone, Debug, Default)]
pub struct KillSwitch {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    thrown: AtomicBool,
    reason: OnceLock<String>,
}

impl KillSwitch {
    /// Ends all new risk from this instant. The first reason is kept.
    pub fn throw(&self, reason: &str) {
        let _ = self.inner.reason.set(reason.to_owned());
        self.inner.thrown.store(true, Ordering::Release);
    }
    /// Whether new risk has ended.
    pub fn is_thrown(&self) -> bool {
        self.inner.thrown.load(Ordering::Acquire)
    }
    /// Why.
    pub fn reason(&self) -> Option<&str> {
        self.inner.reason.get().map(String::as_str)
    }
}
