//! What was asked for and what was filled, and what either comes to in money.
//!
//! Kept beside barter's own account, since `backtest()` gives back neither its orders nor its positions.

use std::sync::{Mutex, MutexGuard, PoisonError};

use barter_instrument::Side;
use rust_decimal::Decimal;

/// Of the notional of a trade; barter calls it a percentage and multiplies by it.
pub const FEE_RATE: Decimal = Decimal::from_parts(4, 0, 0, false, 4);

const START_EQUITY: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

#[derive(Debug, Clone, Copy)]
pub struct Deal {
    pub side: Side,
    pub quantity: Decimal,
    pub price: Decimal,
    pub fee: Decimal,
}

/// Deals in the order in which the engine told of them.
#[derive(Debug, Default)]
pub struct Log {
    requests: Mutex<Vec<Deal>>,
    fills: Mutex<Vec<Deal>>,
}

/// Nothing panics while it holds one of these locks, so that what is behind them is whole.
fn open(deals: &Mutex<Vec<Deal>>) -> MutexGuard<'_, Vec<Deal>> {
    deals.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    pub fn request(&self, deal: Deal) {
        open(&self.requests).push(deal);
    }

    pub fn fill(&self, deal: Deal) {
        open(&self.fills).push(deal);
    }

    pub fn requests(&self) -> Vec<Deal> {
        open(&self.requests).clone()
    }

    pub fn fills(&self) -> Vec<Deal> {
        open(&self.fills).clone()
    }
}

#[derive(Debug, PartialEq)]
pub struct Account {
    cash: Decimal,
    held: Decimal,
}

impl Account {
    pub fn after(deals: &[Deal]) -> Self {
        let start = Self { cash: START_EQUITY, held: Decimal::ZERO };
        deals.iter().fold(start, |account, deal| {
            let change = if deal.side == Side::Buy { deal.quantity } else { -deal.quantity };
            Self { cash: account.cash - change * deal.price - deal.fee, held: account.held + change }
        })
    }

    /// With what is held marked at this price.
    pub fn equity(&self, price: Decimal) -> Decimal {
        self.cash + self.held * price
    }
}
