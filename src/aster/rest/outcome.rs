//! What became of a request: answered, refused, unknown, or never sent. The difference between the last three is
//! the difference between giving up, asking, and trying again.

use crate::aster::errors::{self, Class};
use crate::aster::limiter::Reason;
use crate::aster::wire::WireError;
use swarm_core::model::Time;

/// What became of a request. It was sent once at most: nothing here sends again by itself.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Outcome<T> {
    /// Carried out and understood.
    Answered(T),
    /// What was asked for was so already.
    AlreadySo,
    /// Definitely not carried out.
    Refused(Refusal),
    /// It changes something, and may or may not have: ask, and do not send it again before that is settled.
    Unknown(Cause),
    /// A question without an answer. Nothing has changed; it may be asked again.
    Unanswered(Cause),
    /// It never left this machine.
    NotSent(NotSent),
}

/// A refusal by the venue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused with status {status}, code {}: {message}", code_words(*.code))]
pub struct Refusal {
    /// What it asks of us; never [`Class::Settle`].
    pub class: Class,
    /// Status of HTTP.
    pub status: u16,
    /// The venue's code; `None` when a firewall or a limit spoke.
    pub code: Option<i64>,
    /// In the venue's words.
    pub message: String,
}

/// A code with the filter that it is about, such as `-4014 (PRICE_FILTER)`.
fn code_words(code: Option<i64>) -> String {
    match (code, code.and_then(errors::filter)) {
        (Some(code), Some(filter)) => format!("{code} ({})", filter.name()),
        (Some(code), None) => code.to_string(),
        (None, _) => "none".to_owned(),
    }
}

/// Why there is no answer to rely on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// A status or code that decides nothing.
    #[error("status {status}, code {code:?}: {message}")]
    Undecided {
        /// Status of HTTP.
        status: u16,
        /// The venue's code, if there was one.
        code: Option<i64>,
        /// In the venue's words.
        message: String,
    },
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection ended on the way there or back.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// An answer that cannot be read.
    #[error(transparent)]
    Unreadable(#[from] WireError),
    /// An answer beyond any sensible size.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

/// Why a request was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// Limits are near.
    #[error("limits are near ({reason:?}): not before {until}")]
    Limited {
        /// The earliest instant at which it may go.
        until: Time,
        /// Which limit.
        reason: Reason,
    },
    /// It needs credentials and there are none.
    #[error("this call needs credentials: give the client a wallet or an API key")]
    NoCredentials,
    /// This version of the API does not have it.
    #[error("this version of the API does not have this call")]
    NoSuchCall,
    /// Its parameters cannot be written.
    #[error("{0}")]
    Malformed(String),
    /// No connection could be made.
    #[error("the venue cannot be reached: {0}")]
    Unreachable(String),
}

impl<T> Outcome<T> {
    /// The answer, if there is one.
    pub fn answer(self) -> Option<T> {
        match self {
            Self::Answered(answer) => Some(answer),
            _ => None,
        }
    }

    /// Whether something must be settled before this may be sent again.
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
}
