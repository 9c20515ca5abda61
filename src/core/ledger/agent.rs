//! What one agent made and paid over its life, and its record of closed trades.

use super::Trade;
use crate::model::Usd;
use crate::rule::TradeStats;
use serde::{Deserialize, Serialize};

/// The books of one agent, in USDT.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentBook {
    /// Sum of realised profits before fees.
    pub realized: Usd,
    /// Sum of fees, positive is paid.
    pub fees: Usd,
    /// Sum of funding, positive is received.
    pub funding: Usd,
    /// Sum of slippage, positive is lost; informational, it is already in the prices.
    pub slippage: Usd,
    /// Its closed trades, won and lost.
    pub stats: TradeStats,
}

impl AgentBook {
    /// Realised profit net of fees and funding.
    pub fn net(&self) -> Usd {
        self.realized - self.fees + self.funding
    }

    /// Counts a closed trade. A trade without a net profit counts as a loss.
    pub fn count(&mut self, trade: &Trade) {
        let stats = &mut self.stats;
        if trade.net > Usd::ZERO {
            stats.wins += 1;
            stats.gross_profit += trade.net;
        } else {
            stats.losses += 1;
            stats.gross_loss += -trade.net;
        }
    }
}
