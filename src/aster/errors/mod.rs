//! What a failed answer means: wait, settle, give up this request, or stop trading.
//!
//! The status of HTTP speaks first, then the code: a code inside a 5xx decides nothing, and codes -1006 and -1007
//! mean an unknown outcome under any status. Knows no order: what settling means is decided elsewhere.

mod codes;
#[cfg(test)]
mod doc_tests;
mod filters;

pub use codes::{CODES, Code, code};
pub use filters::{FILTERS, filter};

use super::wire::lenient;
use serde::{Deserialize, Serialize};

/// What an error asks of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nothing happened; it may be sent anew later.
    Retry,
    /// It may have happened. Ask, and never send it again before that is settled.
    Settle,
    /// Nothing happened, and the same again will be refused again.
    Refuse,
    /// Nothing happened, and nothing else will work either: stop and tell the operator.
    Halt,
    /// What was asked for is so already: success.
    Already,
}

impl Class {
    /// As the documentation writes it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Retry => "retry later",
            Self::Settle => "settle",
            Self::Refuse => "refuse",
            Self::Halt => "halt",
            Self::Already => "already so",
        }
    }
}

/// The body of a failed answer, and of an element of a batch. The code may come as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Negative; 200 in the answers of some calls that succeeded.
    #[serde(with = "lenient::int")]
    pub code: i64,
    /// In words, which vary.
    #[serde(default, with = "lenient::text")]
    pub msg: String,
}

impl ErrorBody {
    /// The error in an answer, at any status: an object with a negative code.
    pub fn find(body: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(body).ok().filter(|body| body.code < 0)
    }

    /// What its code alone asks of us, where the status has nothing to say.
    pub fn class(&self) -> Class {
        code(self.code).map_or(Class::Refuse, |entry| entry.class)
    }
}

/// What a status of HTTP says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// First status of the row.
    pub from: u16,
    /// Last status of the row.
    pub to: u16,
    /// What it asks of us; `None` when the code in the body says it.
    pub class: Option<Class>,
    /// What it means.
    pub meaning: &'static str,
}

const fn status(from: u16, to: u16, class: Option<Class>, meaning: &'static str) -> Status {
    Status { from, to, class, meaning }
}

/// All statuses, ascending and without a hole. A page for people, or anything else unreadable, under a status that
/// says nothing by itself, is to be settled.
pub const STATUSES: &[Status] = &[
    status(100, 199, Some(Class::Settle), "no final answer"),
    status(200, 299, None, "done, unless the body is an error; unreadable is unknown"),
    status(300, 399, Some(Class::Settle), "sent elsewhere, which is not followed"),
    status(400, 400, None, "refused, the code says why"),
    status(401, 401, Some(Class::Halt), "wrong key or scheme"),
    status(402, 402, None, "refused, the code says why"),
    status(403, 403, Some(Class::Halt), "firewall: address or region"),
    status(404, 407, None, "refused, the code says why"),
    status(408, 408, Some(Class::Settle), "the venue waited too long"),
    status(409, 417, None, "refused, the code says why"),
    status(418, 418, Some(Class::Retry), "banned for going on after 429: everything waits"),
    status(419, 428, None, "refused, the code says why"),
    status(429, 429, Some(Class::Retry), "too many requests: all but cancels and stops wait"),
    status(430, 499, None, "refused, the code says why"),
    status(500, 599, Some(Class::Settle), "unknown, whatever code it carries; 503 too"),
];

/// What an answer that is not a success asks of us. `error` is the error in its body, if it could be read.
pub fn classify(http_status: u16, error: Option<&ErrorBody>) -> Class {
    let by_code = error.map(ErrorBody::class);
    // These two say that the engine's answer was lost on its way, wherever they appear.
    if error.is_some_and(|error| matches!(error.code, -1006 | -1007)) {
        return Class::Settle;
    }
    let row = STATUSES.iter().find(|row| (row.from..=row.to).contains(&http_status));
    match row {
        Some(Status { class: Some(class), .. }) => *class,
        Some(_) => by_code.unwrap_or(Class::Settle),
        None => Class::Settle,
    }
}
