//! AsterDEX perpetual futures as a client speaks them: signing, wire types, errors, rate limits, REST and streams.
//!
//! Complete in itself: a venue that serves this API uses the same wire types and verifies with the same code.
//! Knows no agent, no limit of ours and no actor; what an answer means for an order is decided elsewhere.

pub mod environment;
pub mod errors;
pub mod keys;
pub mod limiter;
pub mod rest;
pub mod secret;
pub mod sign;
pub mod stream;
pub mod wire;
