//! The simulated exchange behind AsterDEX's API: REST under `/fapi`, streams under `/ws` and `/stream`.
//!
//! [`Venue`] is a plain value that owns accounts and market: requests and the present moment in, answers and frames
//! out. [`serve`] is its only host and knows no rule of the venue. `docs/venue.md` says what is served. Knows no
//! agent, no rule and no limit of ours; it is the other side.

mod accounts;
mod auth;
mod board;
mod broadcast;
mod chase;
mod control;
mod digits;
mod faults;
mod feed;
mod info;
mod life;
mod limits;
mod margin_call;
mod modes;
mod place;
mod public;
mod purse;
mod records;
mod refusal;
mod requests;
mod served;
mod server;
mod settings;
mod strategy;
mod streams;
mod trading;
mod venue;
mod wallet;
mod wallets;

pub use accounts::{AccountSpec, AccountsError, default_accounts, read_accounts};
pub use faults::{FaultKind, FaultRule};
pub use feed::{Market, Recorded, RecordedKind};
pub use refusal::Refusal;
pub use served::{STREAMS, Served, served, tables};
pub use server::{Pace, VenueServer, serve};
pub use venue::{Answer, ConnectionId, Request, Setup, Venue};
pub use wallets::Wallets;
