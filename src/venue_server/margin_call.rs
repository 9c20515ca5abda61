//! `MARGIN_CALL`: a position, or all that share the wallet, has come near its liquidation. Told once each time that the
//! margin ratio, maintenance margin over margin balance, comes to the threshold from below. Liquidates nothing.

use super::purse::Slot;
use super::records::Account;
use super::venue::Venue;
use crate::aster::wire::{Event, MarginCall, MarginCallPosition, MarginType};
use swarm_core::model::{Price, Rate, Usd};

/// The family's threshold; AsterDEX's documents name none.
const THRESHOLD: Rate = Rate::percent(80);

/// Whose margin is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Margin {
    /// That of all positions that share the wallet.
    Shared,
    /// That of an isolated position.
    Of(Slot),
}

impl Venue {
    /// Looks at an account's margins at the present prices.
    pub(super) fn watch_margin(&mut self, index: usize) {
        let owner = &self.accounts[index];
        if owner.purse.held().next().is_none() {
            if !owner.called.is_empty() {
                self.accounts[index].called.clear();
            }
            return;
        }
        let near = self.near(owner);
        let fresh: Vec<Margin> = near.iter().filter(|one| !owner.called.contains(one)).copied().collect();
        let calls: Vec<Event> = fresh.iter().map(|one| self.margin_call(owner, *one)).collect();
        if near.len() != owner.called.len() || !fresh.is_empty() {
            self.accounts[index].called = near.into_iter().collect();
        }
        if !calls.is_empty() {
            self.tell(index, &calls);
        }
    }

    /// The margins that are at the threshold or beyond.
    fn near(&self, owner: &Account) -> Vec<Margin> {
        let is_near = |balance: Usd, maintenance: Usd| {
            !maintenance.is_zero()
                && i128::from(maintenance.0) * i128::from(Rate::ONE.0)
                    >= i128::from(balance.0) * i128::from(THRESHOLD.0)
        };
        let mut near = Vec::new();
        let shared = owner.purse.cross_maintenance();
        if is_near(owner.purse.shared_wallet() + self.cross_unrealized(owner), shared) {
            near.push(Margin::Shared);
        }
        for slot in owner.purse.held().filter(|slot| owner.purse.is_isolated(owner.purse.position_of(*slot).0)) {
            let balance = owner.purse.isolated_margin(slot) + self.unrealized_of(owner, slot);
            if is_near(balance, self.maintenance_of(owner, slot)) {
                near.push(Margin::Of(slot));
            }
        }
        near
    }

    fn maintenance_of(&self, owner: &Account, slot: Slot) -> Usd {
        let board = &self.boards[owner.purse.position_of(slot).0.index()];
        let notional = board.last.map_or(Usd::ZERO, |last| owner.holdings[slot.index()].notional(last));
        board.instrument.maintenance_margin(notional)
    }

    fn margin_call(&self, owner: &Account, margin: Margin) -> Event {
        let isolated = matches!(margin, Margin::Of(_));
        let slots = owner.purse.held().filter(|slot| match margin {
            Margin::Of(one) => *slot == one,
            Margin::Shared => !owner.purse.is_isolated(owner.purse.position_of(*slot).0),
        });
        let position = |slot: Slot| {
            let (symbol, stance) = owner.purse.position_of(slot);
            let board = &self.boards[symbol.index()];
            MarginCallPosition {
                symbol: board.instrument.symbol.clone(),
                position_side: stance.wire(),
                amount: owner.holdings[slot.index()].qty,
                margin_type: if isolated { MarginType::Isolated } else { MarginType::Crossed },
                isolated_wallet: Some(owner.purse.isolated_margin(slot)),
                mark_price: board.last.unwrap_or(Price::ZERO),
                unrealized: self.unrealized_of(owner, slot),
                maintenance_margin: self.maintenance_of(owner, slot),
            }
        };
        Event::MarginCall(MarginCall {
            sent: self.now,
            cross_wallet: (!isolated).then(|| owner.purse.cross_wallet()),
            positions: slots.map(position).collect(),
        })
    }
}
