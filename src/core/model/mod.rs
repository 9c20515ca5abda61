//! The vocabulary: what every other room speaks in. Types only; no rule, no limit, no state machine.

mod candle;
mod decision;
mod difference;
mod fact;
mod filter;
mod ids;
mod instrument;
mod intent;
mod money;
mod order;
mod plan;
mod position;
mod refusal;
mod step;
mod steps;
mod time;
mod venue;

pub use candle::*;
pub use decision::*;
pub use difference::*;
pub use fact::*;
pub use filter::*;
pub use ids::*;
pub use instrument::*;
pub use intent::*;
pub use money::*;
pub use order::*;
pub use plan::*;
pub use position::*;
pub use refusal::*;
pub use step::*;
pub use steps::Steps;
pub use time::*;
pub use venue::*;
