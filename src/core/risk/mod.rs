//! Risk: limits at three levels, reservations, breaker, verdicts. The only room that can approve.

mod approved;
mod refusal;

pub use approved::Approved;
pub use refusal::{Level, Refusal, RefusalReason};
