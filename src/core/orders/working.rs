//! An order that is not final, as far as the venue told.

use crate::model::{Order, OrderId, OrderKind, Purpose, Qty, Side, Time};
use serde::{Deserialize, Serialize};

/// What is known of a working order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// On its way, or its outcome is unknown: it may live.
    Sent,
    /// The venue has it.
    Accepted,
}

/// An order that may still execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Working {
    /// Its id.
    pub id: OrderId,
    /// What it is for.
    pub purpose: Purpose,
    /// Which target, for [`Purpose::Target`].
    pub target: u8,
    /// Buy or sell.
    pub side: Side,
    /// Type with its prices.
    pub kind: OrderKind,
    /// Quantity asked for.
    pub qty: Qty,
    /// Quantity not yet executed.
    pub leaves: Qty,
    /// Never opens or turns a position.
    pub reduce_only: bool,
    /// Closes whatever is open.
    pub close_position: bool,
    /// What the venue said.
    pub status: Status,
    /// When it was approved.
    pub placed_at: Time,
    /// When a cancel was last sent.
    pub cancel_sent_at: Option<Time>,
    /// When a resting entry is to be cancelled.
    pub expires_at: Option<Time>,
}

impl Working {
    pub(super) fn new(order: &Order, at: Time, target: u8, expires_at: Option<Time>) -> Self {
        Self {
            id: order.id,
            purpose: order.purpose,
            target,
            side: order.side,
            kind: order.kind,
            qty: order.qty,
            leaves: order.qty,
            reduce_only: order.reduce_only,
            close_position: order.close_position,
            status: Status::Sent,
            placed_at: at,
            cancel_sent_at: None,
            expires_at,
        }
    }

    /// Accepted by the venue.
    pub const fn is_accepted(&self) -> bool {
        matches!(self.status, Status::Accepted)
    }

    /// Closes all of a position of this size when it executes.
    pub const fn covers(&self, size: Qty) -> bool {
        self.close_position || self.leaves.0 >= size.0
    }

    /// Whether a cancel makes sense now: none was sent, or long enough ago and time itself asks.
    pub(super) fn may_cancel(&self, now: Time, tick: bool) -> bool {
        if matches!(self.kind, OrderKind::Market) {
            return false; // Executes or is refused at once; there is nothing to cancel.
        }
        self.cancel_sent_at.is_none_or(|sent| tick && now.since(sent) >= super::CANCEL_RETRY_MS)
    }
}
