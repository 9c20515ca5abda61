//! Whether an account and a swarm file fit each other, before money is at stake: facts are fetched, then judged.
//!
//! `facts` asks the venue and changes nothing there; `checks` are functions of what it said. Says what would be
//! changed or is to be done, and does none of it.

mod account;
mod checks;
mod facts;
mod market;

pub use checks::{Finding, Level, examine};
pub use facts::{AccountFacts, Asked, Facts, MarketFacts, ask_account, ask_market, without_keys};
