//! One order between its approval and its end, as far as the venue told: what is known of it, and what that
//! makes of it in the supervisor's words. Knows no other order and no money.

use super::RequestId;
use super::poll::Poll;
use super::talk::{OrderReport, OrderStatus};
use crate::model::{CancelReason, Order, OrderId, OrderKind, Purpose, Qty, ReportKind, Time, TimeInForce, VenueReject};
use serde::{Deserialize, Serialize};

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// It has not left, and may leave at this time.
    Waiting(Time),
    /// It has not left: the contract's leverage is to be set first.
    Leverage,
    /// It left with its entry, and the venue places it when that fills.
    Driven,
    /// It left, and its answer is awaited.
    Sent,
    /// It left, and what became of it is asked for.
    Unknown,
    /// The venue has it, or had it.
    Seen,
    /// Final, and told.
    Done,
}

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum End {
    Filled,
    Canceled,
    Expired,
    Rejected(VenueReject),
    /// It rested, and the venue has no trace of it any more.
    Missing,
}

/// What agrees that an order is not at the venue. All must, and each was asked after the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Absence {
    /// The order itself was asked for, at this time, when it could not arrive any more.
    pub(super) query: Option<Time>,
    /// The open orders do not have it.
    pub(super) listing: bool,
    /// No trade is without an owner.
    pub(super) trades: bool,
    /// The strategy that it left as is not there, or over; or it left as none.
    pub(super) strategy: bool,
}

impl Absence {
    pub(super) const fn is_proven(self) -> bool {
        self.query.is_some() && self.listing && self.trades && self.strategy
    }
}

/// That an entry left with its stop as a strategy order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Strategy {
    /// The venue says that it failed.
    pub(super) failed: bool,
    pub(super) look: Poll,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tracked {
    pub(super) order: Order,
    pub(super) stage: Stage,
    pub(super) placed_at: Time,
    /// When it last left, or may have left.
    pub(super) sent_at: Time,
    /// The request that it left with, in this process.
    pub(super) place: Option<RequestId>,
    /// From then on a request that has not arrived will not.
    pub(super) arrives_before: Time,
    /// Executed so far, as told; never falls.
    pub(super) told: Qty,
    /// Sum of the trades that are booked.
    pub(super) booked: Qty,
    pub(super) is_accepted: bool,
    pub(super) end: Option<End>,
    pub(super) end_at: Time,
    pub(super) query: Poll,
    /// Asked for and not found, in a row.
    pub(super) denials: u32,
    pub(super) absence: Absence,
    pub(super) cancel: Poll,
    pub(super) cancel_wanted: bool,
    /// When what is known of it was asked for.
    pub(super) verified_at: Time,
    /// Of an entry: the stop that it brings along.
    pub(super) stop: Option<OrderId>,
    /// Of an entry that left, or may have left, with its stop.
    pub(super) strategy: Option<Strategy>,
    /// Of an entry that was refused as a strategy and leaves by itself: whether that says that no such strategy is
    /// taken, should it be accepted now.
    pub(super) alone: Option<bool>,
    /// Of a stop that its entry brings along.
    pub(super) is_driven: bool,
}

impl Tracked {
    pub(super) fn new(order: Order, placed_at: Time, stage: Stage) -> Self {
        Self {
            order,
            stage,
            placed_at,
            sent_at: placed_at,
            place: None,
            arrives_before: Time(i64::MAX),
            told: Qty::ZERO,
            booked: Qty::ZERO,
            is_accepted: false,
            end: None,
            end_at: placed_at,
            query: Poll::default(),
            denials: 0,
            absence: Absence::default(),
            cancel: Poll::default(),
            cancel_wanted: false,
            verified_at: Time(i64::MIN),
            stop: None,
            strategy: None,
            alone: None,
            is_driven: false,
        }
    }

    /// A stop that its entry brings along.
    pub(super) fn driven(order: Order, placed_at: Time) -> Self {
        Self { is_driven: true, ..Self::new(order, placed_at, Stage::Driven) }
    }

    /// Whether something may still come of it.
    pub(super) fn is_working(&self) -> bool {
        self.stage != Stage::Done
    }

    /// Whether it has not left.
    pub(super) const fn is_held(&self) -> bool {
        matches!(self.stage, Stage::Waiting(_) | Stage::Leverage)
    }

    /// Whether it takes on risk.
    pub(super) fn is_entry(&self) -> bool {
        self.order.purpose == Purpose::Entry
    }

    /// Whether executions were told whose trades are not known.
    pub(super) fn lacks_trades(&self) -> bool {
        self.told > self.booked
    }

    /// Takes a report in. Reports may come in any order: executed quantities only grow, and an end stays.
    pub(super) fn hear(&mut self, report: &OrderReport) {
        self.told = self.told.max(report.filled);
        self.denials = 0;
        self.absence = Absence::default();
        let end = match report.status {
            OrderStatus::New | OrderStatus::PartiallyFilled => None,
            OrderStatus::Filled => Some(End::Filled),
            OrderStatus::Canceled => Some(End::Canceled),
            OrderStatus::Expired => Some(End::Expired),
            OrderStatus::Rejected => Some(End::Rejected(VenueReject::Other)),
        };
        if self.stage != Stage::Done {
            self.stage = Stage::Seen;
            if end.is_some() && self.end.is_none_or(|known| known == End::Missing || end == Some(End::Filled)) {
                self.end = end;
                self.end_at = report.at;
            }
        }
    }

    /// What remains once so much is booked; `held` is what the account then holds on the contract.
    pub(super) fn leaves(&self, held: Qty) -> Qty {
        if self.stage == Stage::Done {
            return Qty::ZERO;
        }
        let whole = match self.end {
            Some(End::Filled) => self.told,
            _ if self.order.close_position => self.booked + held.abs(),
            _ => self.order.qty,
        };
        (whole - self.booked).max(Qty::ZERO)
    }

    /// Whether the end may be told: all that it executed is booked.
    pub(super) fn is_complete(&self) -> bool {
        self.end.is_some() && !self.lacks_trades()
    }

    /// Its end in the supervisor's words. `is_flat`: the account holds nothing on the contract.
    pub(super) fn last_report(&self, is_flat: bool) -> ReportKind {
        let reduces = self.order.reduce_only || self.order.close_position;
        let by_venue = if reduces && is_flat { CancelReason::PositionClosed } else { CancelReason::Expired };
        match self.end {
            Some(End::Rejected(why)) => ReportKind::Rejected(why),
            Some(End::Expired) if self.never_takes() && self.booked.is_zero() => {
                ReportKind::Rejected(VenueReject::WouldTake)
            }
            Some(End::Expired) if self.is_immediate() => ReportKind::Canceled(CancelReason::Immediate),
            Some(End::Canceled | End::Missing) if self.cancel_wanted => ReportKind::Canceled(CancelReason::Requested),
            // Executed as far as there was something to reduce.
            Some(End::Filled) if reduces => ReportKind::Canceled(CancelReason::PositionClosed),
            _ => ReportKind::Canceled(by_venue),
        }
    }

    const fn never_takes(&self) -> bool {
        matches!(self.order.kind, OrderKind::Limit { tif: TimeInForce::PostOnly, .. })
    }

    const fn is_immediate(&self) -> bool {
        matches!(self.order.kind, OrderKind::Market | OrderKind::Limit { tif: TimeInForce::Ioc | TimeInForce::Fok, .. })
    }
}
