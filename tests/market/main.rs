//! The two markets from outside: recorded files with every refusal, and the synthetic market with
//! the facts it claims.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod choice;
mod files;
mod recorded;
mod refusal;
mod synthetic;
