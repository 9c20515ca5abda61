//! What goes over the wire, typed: requests, answers, events. Everything is read and written, so that a venue can
//! be built on the same types.
//!
//! Numbers become the core's exact amounts with a clear error when they do not fit, unknown fields are passed
//! over, unknown words are kept. Nothing here panics on any input, and nothing decides what an answer means.

mod account;
mod call;
pub mod decimal;
mod decode;
mod enums;
mod frame;
mod history;
mod info;
pub mod lenient;
mod many;
mod market;
mod order;
mod route;
mod settings;
mod strategy;
mod stream;
mod user;

pub use account::*;
pub use call::{Call, KlineQuery, MarketQuery, Urgency, calls};
pub use decode::{WireError, decode};
pub use enums::*;
pub use frame::{Body, Control, Event, Frame};
pub use history::*;
pub use info::*;
pub use many::{Element, Many, Rows};
pub use market::*;
pub use order::*;
pub use route::{Effect, Method, Route, Security};
pub use settings::*;
pub use strategy::*;
pub use stream::*;
pub use user::*;
