//! The guard: what keeps one position protected from its first fill until the venue says flat.
//!
//! A [`Guard`] is a value. Facts change it ([`Guard::placed`], [`Guard::report`] and siblings), and
//! [`Guard::next_action`] compares what should stand at the venue with what does, and names the first
//! thing to do about the difference. The caller makes a fact of that thing, applies it and asks again
//! until nothing is left to do. So there is no hidden plan: after a restart the same facts lead to the
//! same next action. The guard knows no money, no limits, no other positions, and sends nothing.

mod exits;
mod guard;
mod next;
mod rest;
mod working;

pub(crate) use exits::{better, moved_stop};
pub use exits::{stop_price, target_price, target_quantities};
pub use guard::Guard;
pub use next::{Action, Context, Draft};
pub use rest::Rest;
pub use working::{Status, Working};

use crate::model::{Millis, Rate, SECOND_MS};

/// A stop is moved only when that betters it by this share of the price (and at least a tick): each move
/// is two requests at the venue, and a gain below half of a taker's round trip is not worth them.
pub const MIN_STOP_MOVE: Rate = Rate::bps(5);

/// How often a stop or target may be refused in a row before the guard stops trying: once, and once more.
pub const MAX_ATTEMPTS: u8 = 2;

/// A cancel that has led to nothing is sent again after this long. "No such order" does not end an order:
/// only a fill, a cancel report or a reject does.
pub const CANCEL_RETRY_MS: Millis = 10 * SECOND_MS;

/// Legs from here on are kept for closing; a stop is neither moved nor resized with them. Some 32 thousand
/// replacements come before.
pub const LAST_MOVING_LEG: u16 = 0x7fff;
