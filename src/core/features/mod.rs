//! Features: candles and indicators computed once per (symbol, interval, parameters) for all agents.
//!
//! A rule says once what it wants ([`Wants::want`]) and gets a [`Slot`]; at each closed base candle it
//! reads the slot from the symbol's [`Frame`]. The [`Hub`] fills the frames. This room knows closed
//! candles only; it knows no agent, no position and no order.

mod aggregate;
mod derived;
mod graph;
mod hub;
mod need;
mod node;
mod reel;
mod spec;

pub use derived::{Column, Derived};
pub use hub::{Hub, HubError, Preview};
pub use reel::{Film, Reel};
pub use spec::{Feature, FeatureSpec, Frame, MacdLine, Slot, Wants};
