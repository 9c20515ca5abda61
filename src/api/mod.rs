//! The HTTP side of a running swarm: what it shows, and the few acts an operator has.
//!
//! This room speaks with the director only through [`Control`](crate::control::Control) and reads
//! metrics as text; it knows no actor, no venue and no journal. Reading is open to whoever reaches the
//! listening address, changing anything takes the token.

mod act;
mod body;
mod error;
mod events;
mod guard;
mod openapi;
mod page;
mod read;
mod routes;
mod schema;
mod server;
mod state;
mod token;

pub use error::ErrorBody;
pub use guard::Hosts;
pub use openapi::document;
pub use routes::{ROUTES, configure};
pub use server::{ApiServer, serve};
pub use state::{ApiState, ServerLimits};
pub use token::{TOKEN_VARIABLE, Token, TokenError};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
