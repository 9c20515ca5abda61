//! A whole swarm from one seed: director, feed, agents, supervisor, desks, journal and venues in one thread
//! under virtual time, with faults on every link and kills at any step, and with numbered invariants looked
//! at after every turn.
//!
//! What is hosted are the values that the actors host, with the same calls: this is a host of its own beside
//! the loop and the actors. Their mailboxes, threads and files are not in it.
//!
//! A seed says everything: the plan, the market, what goes wrong how often, who does what when. The same seed
//! leads to the same journal, bit by bit.

mod acts;
mod audit;
mod carrier;
mod cast;
mod chance;
mod disk;
mod feed;
mod host;
mod inside;
mod market;
mod market_links;
mod marks;
mod process;
mod rates;
mod rest;
mod scenario;
#[cfg(test)]
mod tests;
mod truth;

pub use audit::NAKED_WINDOW_MS;
pub use cast::{Cast, FICKLE, OwnCast, Part, make_rule};
pub use host::{Counts, Host};
pub use inside::Inside;
pub use process::tag;
pub use rates::{Rates, StepRates, Strikes, Way};
pub use rest::{Failure, Outcome, simulate};
pub use scenario::{Act, Depth, Length, Scenario};
