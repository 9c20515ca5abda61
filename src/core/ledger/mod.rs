//! The ledger: what fills, fees, funding and transfers do to money. It knows no limits, no orders and
//! no plans; it books what it is told and can prove that nothing was lost.

mod account;
mod agent;
mod position;
mod trade;

pub use account::Account;
pub use agent::AgentBook;
pub use position::{Booking, Part, Position};
pub use trade::Trade;
