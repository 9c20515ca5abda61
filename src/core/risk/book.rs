//! The state of one portfolio and of one agent, and the sums that limits are measured by.

use super::breaker::{Breaker, drawdown, ratio, ratio_exceeds};
use super::engagement::Engagement;
use super::pace::Pace;
use crate::ledger::{Account, AgentBook};
use crate::model::{EntryOrder, ExitPlan, IntentId, Price, Rate, Side, SymbolId, Usd};
use crate::orders::LAST_MOVING_LEG;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What is open, reserved and used at one level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Exposure {
    /// Positions open or reserved.
    pub(super) slots: u32,
    /// Positions at their marks and reservations, in USDT.
    pub(super) gross: Usd,
    /// Margin used and reserved, in USDT.
    pub(super) margin: Usd,
}

/// A portfolio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Book {
    pub(super) account: Account,
    /// Sorted by symbol, then intent.
    pub(super) engagements: Vec<Engagement>,
    pub(super) breaker: Breaker,
    pub(super) pace: Pace,
    pub(super) gated: bool,
    /// Wallet and open profit at the latest marks.
    pub(super) equity: Usd,
    pub(super) peak_open_positions: u32,
    pub(super) peak_leverage: Rate,
    pub(super) max_drawdown: Rate,
}

impl Book {
    pub(super) fn new(start: Usd) -> Self {
        Self {
            account: Account::new(start),
            engagements: Vec::with_capacity(4),
            breaker: Breaker::new(start),
            pace: Pace::default(),
            gated: false,
            equity: start,
            peak_open_positions: 0,
            peak_leverage: Rate::ZERO,
            max_drawdown: Rate::ZERO,
        }
    }

    pub(super) fn find(&self, symbol: SymbolId, intent: IntentId) -> Option<usize> {
        self.engagements.binary_search_by_key(&(symbol, intent), Engagement::key).ok()
    }

    /// Where the engagements of a symbol are: more than one only while the orders of a closed position
    /// are being swept, or a position is being reversed.
    pub(super) fn on_symbol(&self, symbol: SymbolId) -> Range<usize> {
        let from = self.engagements.partition_point(|one| one.symbol < symbol);
        let count = self.engagements[from..].iter().take_while(|one| one.symbol == symbol).count();
        from..from + count
    }

    pub(super) fn insert(&mut self, engagement: Engagement) {
        let at = self.engagements.partition_point(|one| one.key() < engagement.key());
        self.engagements.insert(at, engagement);
    }

    pub(super) fn computed_equity(&self) -> Usd {
        self.account.wallet + self.engagements.iter().map(|one| one.position.unrealized()).sum()
    }

    /// Equity at the marks of the last step's end: the same in a run and in its fold at any instant.
    pub(super) fn settled_equity(&self) -> Usd {
        let open = self.engagements.iter().filter(|one| one.position.is_open());
        self.account.wallet + open.map(|one| one.position.holding.unrealized(one.position.settled_mark)).sum()
    }

    pub(super) fn settled_gross(&self) -> Usd {
        self.engagements.iter().map(|one| one.position.holding.notional(one.position.settled_mark)).sum()
    }

    /// Takes the leverage and the drawdown at the end of a step into their highest so far.
    pub(super) fn note_extremes(&mut self) {
        let peak = self.breaker.watermark().peak;
        let at_most = self.engagements.iter().map(|one| one.position.notional_at_most()).sum();
        if ratio_exceeds(at_most, self.equity, self.peak_leverage) {
            self.peak_leverage = self.peak_leverage.max(ratio(self.settled_gross(), self.equity));
        }
        if self.equity < peak && ratio_exceeds(peak - self.equity, peak, self.max_drawdown) {
            self.max_drawdown = drawdown(self.equity, peak);
        }
    }

    pub(super) fn open_positions(&self) -> u32 {
        self.engagements.iter().filter(|one| one.position.is_open()).count() as u32
    }

    /// The sums, as if the engagement at `without` were gone.
    pub(super) fn exposure(&self, without: Option<usize>) -> Exposure {
        let mut sum = Exposure::default();
        for (index, one) in self.engagements.iter().enumerate() {
            if Some(index) == without {
                continue;
            }
            sum.slots += u32::from(one.takes_slot());
            sum.gross += one.gross_notional();
            sum.margin += one.used_margin() + one.reserved_margin();
        }
        sum
    }
}

/// What the last intent to open asked for, until its order comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) intent: Option<IntentId>,
    pub(super) order: EntryOrder,
    pub(super) side: Side,
    pub(super) exits: ExitPlan,
    pub(super) reference: Price,
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct AgentState {
    pub(super) running: bool,
    /// Intents so far; the next one's number is one more.
    pub(super) intents: u32,
    pub(super) book: AgentBook,
    pub(super) breaker: Breaker,
    pub(super) pace: Pace,
    pub(super) asked: Asked,
    pub(super) confidence: Option<f64>,
    /// Its engagements, so that nobody looks for those of an agent that has none.
    pub(super) engagements: u32,
    /// First leg for the next execution that no known order explains; above all legs of known ones.
    pub(super) orphan_leg: u16,
    /// Observed since the last end of a step.
    pub(super) touched: bool,
}

impl AgentState {
    pub(super) fn new(start: Usd) -> Self {
        Self {
            running: true,
            intents: 0,
            book: AgentBook::default(),
            breaker: Breaker::new(start),
            pace: Pace::default(),
            asked: Asked {
                intent: None,
                order: EntryOrder::Market,
                side: Side::Buy,
                exits: ExitPlan::default(),
                reference: Price::ZERO,
            },
            confidence: None,
            engagements: 0,
            orphan_leg: LAST_MOVING_LEG + 1,
            touched: false,
        }
    }
}

/// The price that an entry is valued at: where it was asked for, or the market when that is higher.
pub(super) fn reserve_price(order: &EntryOrder, reference: Price, market: Option<Price>) -> Price {
    let asked = order.limit().map_or(reference, |terms| terms.price);
    asked.max(market.unwrap_or(Price::ZERO))
}
