//! The wallet of one portfolio and where its money came from and went. Knows nothing of open profit:
//! that is a matter of marks, not of money.

use crate::model::Usd;
use serde::{Deserialize, Serialize};

/// The wallet of a portfolio, in USDT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What it began with.
    pub start: Usd,
    /// What is in it now, without open profit.
    pub wallet: Usd,
    /// Sum of realised profits before fees.
    pub realized: Usd,
    /// Sum of fees, positive is paid.
    pub fees: Usd,
    /// Sum of funding, positive is received.
    pub funding: Usd,
    /// Sum of deposits less withdrawals.
    pub transfers: Usd,
    /// Part of `realized - fees + funding` that could be booked to no agent: funding or a forced
    /// execution on a symbol that nobody held any more.
    pub unattributed: Usd,
}

impl Account {
    /// A wallet that begins with `start`.
    pub const fn new(start: Usd) -> Self {
        Self {
            start,
            wallet: start,
            realized: Usd::ZERO,
            fees: Usd::ZERO,
            funding: Usd::ZERO,
            transfers: Usd::ZERO,
            unattributed: Usd::ZERO,
        }
    }

    /// Books the realised profit and the fee of an execution.
    pub fn book_fill(&mut self, realized: Usd, fee: Usd) {
        self.realized += realized;
        self.fees += fee;
        self.wallet += realized - fee;
    }

    /// Books a funding payment, positive is received.
    pub fn book_funding(&mut self, amount: Usd) {
        self.funding += amount;
        self.wallet += amount;
    }

    /// Books a deposit (positive) or withdrawal.
    pub fn book_transfer(&mut self, amount: Usd) {
        self.transfers += amount;
        self.wallet += amount;
    }

    /// What trading made of the start, transfers left out.
    pub fn net_profit(&self) -> Usd {
        self.realized - self.fees + self.funding
    }

    /// Whether every change of the wallet is accounted for, to the last unit.
    pub fn is_balanced(&self) -> bool {
        self.wallet == self.start + self.net_profit() + self.transfers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_sequence_of_bookings_loses_a_unit(
            bookings in prop::collection::vec((0u8..3, -1_000_000_000i64..1_000_000_000, 0i64..1_000_000), 0..50)
        ) {
            let mut account = Account::new(Usd::whole(10_000));
            let mut expected = Usd::whole(10_000);
            for (kind, amount, fee) in bookings {
                match kind {
                    0 => account.book_fill(Usd(amount), Usd(fee)),
                    1 => account.book_funding(Usd(amount)),
                    _ => account.book_transfer(Usd(amount)),
                }
                expected += Usd(amount) - if kind == 0 { Usd(fee) } else { Usd::ZERO };
            }
            prop_assert!(account.is_balanced());
            prop_assert_eq!(account.wallet, expected);
        }
    }
}
