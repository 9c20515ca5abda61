//! The state of a guard and how facts change it. What to do next is in `next.rs`.

use super::exits::{better, target_quantities};
use super::{Status, Working};
use crate::model::{
    CancelReason, EntryOrder, ExitPlan, ExitReason, Instrument, Order, OrderId, OrderKind, Price, Purpose, Qty,
    ReportKind, Side, Time, VenueReject,
};
use serde::{Deserialize, Serialize};

/// How far a target has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Target {
    /// Executed so far.
    pub(super) done: Qty,
    /// Refusals and ends that nobody asked for.
    pub(super) faults: u8,
    /// The price is beyond it already: close at market instead.
    pub(super) passed: bool,
}

/// The guard of one entry and of the position it becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    pub(super) side: Side,
    pub(super) exits: ExitPlan,
    /// Orders that may still execute, in order of placing.
    pub(super) orders: Vec<Working>,
    pub(super) next_leg: u16,
    /// Entered since the position was last flat.
    pub(super) filled: Qty,
    /// The best stop ever placed for the present position; it never goes back.
    pub(super) stop_level: Option<Price>,
    /// Refused stops since the last accepted one.
    pub(super) stop_rejects: u8,
    /// Stops that ended without execution and without being asked to, since the position was opened.
    pub(super) stop_ends: u8,
    /// A stop was refused since the price is beyond it already.
    pub(super) stop_passed: bool,
    pub(super) targets: Vec<Target>,
    /// What each target is to close of what was entered.
    pub(super) shares: Vec<Qty>,
    /// Since when no accepted stop covers the position.
    pub(super) naked_since: Option<Time>,
    pub(super) closing: Option<ExitReason>,
    /// The last close ended without any execution; try again when time passes, not at once.
    pub(super) close_stalled: bool,
    /// The venue removes orders since it takes the position to be gone; its fill is on the way.
    pub(super) venue_sweeps: bool,
    pub(super) entry_unwanted: bool,
    pub(super) was_open: bool,
    /// What the resting entry leaves unfilled is to follow at the market.
    pub(super) follows: bool,
    /// What a resting entry that is final left, until it follows or is dropped.
    pub(super) remainder: Qty,
}

impl Guard {
    /// A guard for an entry by `side` that will be left by `exits`.
    pub fn new(side: Side, exits: ExitPlan) -> Self {
        let targets = vec![Target::default(); exits.targets.len()];
        Self {
            side,
            exits,
            orders: Vec::with_capacity(4),
            next_leg: 1,
            filled: Qty::ZERO,
            stop_level: None,
            stop_rejects: 0,
            stop_ends: 0,
            stop_passed: false,
            shares: vec![Qty::ZERO; targets.len()],
            targets,
            naked_since: None,
            closing: None,
            close_stalled: false,
            venue_sweeps: false,
            entry_unwanted: false,
            was_open: false,
            follows: false,
            remainder: Qty::ZERO,
        }
    }

    /// A guard for an execution that no known order explains: whatever it opened is closed at market.
    /// Its legs begin at `leg`, so that no id is used twice.
    pub fn orphan(side: Side, leg: u16) -> Self {
        let mut guard = Self::new(side, ExitPlan::default());
        guard.next_leg = leg;
        guard.closing = Some(ExitReason::Naked);
        guard
    }

    /// An approved order is on its way. `entry` is the order's terms when it is the entry (and not what
    /// follows a resting one at the market), `size` what is held.
    pub fn placed(&mut self, at: Time, order: &Order, entry: Option<&EntryOrder>, size: Qty) {
        let mut target = 0;
        match order.purpose {
            Purpose::Stop => {
                if let OrderKind::StopMarket { trigger } = order.kind {
                    self.stop_level = Some(self.stop_level.map_or(trigger, |level| better(self.side, level, trigger)));
                }
                self.venue_sweeps = false;
            }
            Purpose::Target => {
                target = self.next_target(size).map_or(0, |(index, _)| index as u8);
            }
            Purpose::Exit | Purpose::Flatten => self.close_stalled = false,
            Purpose::Entry => {
                self.follows = entry.and_then(EntryOrder::limit).is_some_and(|terms| terms.then_market);
                self.remainder = Qty::ZERO;
            }
        }
        let expires_at = entry.and_then(EntryOrder::limit).map(|terms| at.plus(terms.expire_after_ms));
        self.orders.push(Working::new(order, at, target, expires_at));
        self.next_leg = self.next_leg.max(order.id.leg.saturating_add(1));
    }

    /// A cancel is on its way.
    pub fn cancel_sent(&mut self, at: Time, id: OrderId) {
        if let Some(order) = self.orders.iter_mut().find(|order| order.id == id) {
            order.cancel_sent_at = Some(at);
        }
    }

    /// The position is to be closed; the first reason stays. A working entry is not wanted any more.
    pub fn close(&mut self, reason: ExitReason) {
        self.closing.get_or_insert(reason);
        self.drop_entry();
    }

    /// A resting entry is not wanted any more, nor what it left.
    pub fn drop_entry(&mut self) {
        self.entry_unwanted = true;
        self.remainder = Qty::ZERO;
    }

    /// A resting entry is final: what it did not fill follows, if that was asked for and nobody took it back.
    fn leave(&mut self, leaves: Qty) {
        if self.follows && !self.entry_unwanted {
            self.remainder = leaves;
        }
        self.follows = false;
    }

    /// The venue told something of one of the guard's orders. Executions are told by
    /// [`Guard::executed`] as well, since what they do to the position is the ledger's matter.
    pub fn report(&mut self, id: OrderId, kind: &ReportKind) {
        let Some(index) = self.orders.iter().position(|order| order.id == id) else { return };
        match kind {
            ReportKind::Accepted => {
                self.orders[index].status = Status::Accepted;
                if self.orders[index].purpose == Purpose::Stop {
                    self.stop_rejects = 0;
                }
            }
            ReportKind::Rejected(why) => {
                let order = self.orders.remove(index);
                self.refused(&order, *why);
            }
            ReportKind::Canceled(why) => {
                let order = self.orders.remove(index);
                self.ended(&order, *why);
            }
            ReportKind::Filled { leaves, .. } => {
                let order = &mut self.orders[index];
                order.leaves = *leaves;
                // An order that executes is at the venue, whether or not it said so.
                order.status = Status::Accepted;
                if leaves.is_zero() {
                    self.orders.remove(index);
                }
            }
            // Says nothing of what became of the order: it stays until something final comes.
            ReportKind::CancelRejected => {}
        }
    }

    fn fault_of(&mut self, target: u8, change: impl FnOnce(&mut Target)) {
        if let Some(target) = self.targets.get_mut(usize::from(target)) {
            change(target);
        }
    }

    fn refused(&mut self, order: &Working, why: VenueReject) {
        match order.purpose {
            Purpose::Stop if why == VenueReject::WouldTrigger => self.stop_passed = true,
            Purpose::Stop => self.stop_rejects = self.stop_rejects.saturating_add(1),
            Purpose::Target if why == VenueReject::WouldTrigger => {
                self.fault_of(order.target, |target| target.passed = true);
            }
            Purpose::Target => self.fault_of(order.target, |target| target.faults = target.faults.saturating_add(1)),
            Purpose::Exit | Purpose::Flatten => self.close_stalled = true,
            Purpose::Entry if why == VenueReject::WouldTake => self.leave(order.leaves),
            Purpose::Entry => {}
        }
    }

    fn ended(&mut self, order: &Working, why: CancelReason) {
        if order.purpose == Purpose::Entry && matches!(why, CancelReason::Requested | CancelReason::Expired) {
            self.leave(order.leaves);
        }
        let closing = matches!(order.purpose, Purpose::Exit | Purpose::Flatten);
        if closing && order.leaves == order.qty {
            self.close_stalled = true;
        }
        if matches!(why, CancelReason::PositionClosed | CancelReason::Liquidation) {
            self.venue_sweeps = true;
            return;
        }
        if order.cancel_sent_at.is_some() {
            return;
        }
        match order.purpose {
            Purpose::Stop => self.stop_ends = self.stop_ends.saturating_add(1),
            Purpose::Target => self.fault_of(order.target, |target| target.faults = target.faults.saturating_add(1)),
            _ => {}
        }
    }

    /// One of the guard's orders executed: `opened` of it went into the position, `closed` out of it.
    /// Told before [`Guard::report`] of the same execution.
    pub fn executed(&mut self, id: OrderId, opened: Qty, closed: Qty, instrument: &Instrument) {
        if opened > Qty::ZERO {
            self.filled += opened;
            target_quantities(self.filled, &self.exits.targets, instrument, &mut self.shares);
        }
        self.was_open |= opened > Qty::ZERO;
        self.venue_sweeps = false;
        if let Some(order) = self.orders.iter().find(|order| order.id == id)
            && order.purpose == Purpose::Target
        {
            let target = order.target;
            self.fault_of(target, |target| target.done += closed);
        }
    }

    /// The position was reduced by something that is not one of the guard's orders, as in a liquidation.
    pub fn reduced(&mut self) {
        self.venue_sweeps = false;
    }

    /// Call after each fact of the venue: starts and stops the clock of a naked position, and forgets a
    /// position that is gone.
    pub fn settle(&mut self, at: Time, qty: Qty) {
        if qty.is_zero() {
            if self.was_open {
                self.remainder = Qty::ZERO; // Its position is closed already.
            }
            self.forget_position();
        } else if self.exits.stop.is_some() && !self.is_covered(qty.abs()) {
            self.naked_since.get_or_insert(at);
        } else {
            self.naked_since = None;
        }
    }

    fn forget_position(&mut self) {
        self.filled = Qty::ZERO;
        self.stop_level = None;
        self.stop_rejects = 0;
        self.stop_ends = 0;
        self.stop_passed = false;
        self.naked_since = None;
        self.close_stalled = false;
        self.venue_sweeps = false;
        self.targets.iter_mut().for_each(|target| *target = Target::default());
        self.shares.iter_mut().for_each(|share| *share = Qty::ZERO);
        // A stop that waits for the entry is where the next position's begins.
        let waiting = self.orders.iter().find(|order| self.waits_for_entry(order));
        if let Some(OrderKind::StopMarket { trigger }) = waiting.map(|order| order.kind) {
            self.stop_level = Some(trigger);
        }
    }

    /// Whether an order is the stop that a working entry brings along: nothing is held yet, and the venue places
    /// it when the entry fills.
    pub(super) fn waits_for_entry(&self, order: &Working) -> bool {
        order.purpose == Purpose::Stop && !self.was_open && self.entry().is_some()
    }

    /// Whether a stop is as large as a position of this size asks for. The stop that an entry brought along is as
    /// large as all of the entry, and right while the rest of it may still fill.
    pub(super) fn fits(&self, stop: &Working, size: Qty) -> bool {
        let is_of_entry = |entry: &Working| stop.qty == entry.qty && stop.leaves == stop.qty && size <= stop.leaves;
        stop.close_position || stop.leaves == size || self.entry().is_some_and(is_of_entry)
    }

    /// Whether an accepted stop closes all of a position of this size.
    pub fn is_covered(&self, size: Qty) -> bool {
        self.orders.iter().any(|order| order.purpose == Purpose::Stop && order.is_accepted() && order.covers(size))
    }

    /// Whether nothing of this guard is left at the venue, as far as the venue told, nor to be sent there.
    pub fn is_done(&self) -> bool {
        self.orders.is_empty() && self.remainder.is_zero()
    }

    /// What a resting entry left that is to follow at the market, now that it is final.
    pub const fn remainder(&self) -> Qty {
        self.remainder
    }

    /// The entry, while it may still execute.
    pub fn entry(&self) -> Option<&Working> {
        self.orders.iter().find(|order| order.purpose == Purpose::Entry)
    }

    /// All orders that may still execute.
    pub fn orders(&self) -> &[Working] {
        &self.orders
    }

    /// The newest stop at the venue or on its way there, that is not about to be cancelled.
    pub fn stop(&self) -> Option<&Working> {
        self.orders.iter().rev().find(|order| order.purpose == Purpose::Stop && order.cancel_sent_at.is_none())
    }

    /// Why the position is being closed, if it is.
    pub const fn closing(&self) -> Option<ExitReason> {
        self.closing
    }

    /// Since when no accepted stop covers the position.
    pub const fn naked_since(&self) -> Option<Time> {
        self.naked_since
    }

    /// The plan it carries out.
    pub const fn exits(&self) -> &ExitPlan {
        &self.exits
    }

    /// The number the next order of this guard gets.
    pub const fn next_leg(&self) -> u16 {
        self.next_leg
    }

    /// The side that opened, or is to open, the position.
    pub const fn side(&self) -> Side {
        self.side
    }
}
