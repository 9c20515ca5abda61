//! Facts: what the journal holds, and all that state is folded from. Order matters, names do not: new
//! variants go at the end, existing ones never change shape, so that old journals stay readable.

use super::{
    AgentId, Candle, DecisionRecord, Difference, ExitReason, Intent, IntentId, Order, OrderId, PortfolioId, Price, Qty,
    Rate, Refusal, SymbolId, Time, Usd, VenueEvent,
};
use serde::{Deserialize, Serialize};

/// How a breaker moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BreakerChange {
    /// The drawdown limit was reached.
    Tripped {
        /// Equity that tripped it, in USDT.
        equity: Usd,
        /// Peak it fell from, in USDT.
        peak: Usd,
        /// `1 - equity / peak`.
        drawdown: Rate,
    },
    /// With `on_trip: flatten`: the venue says flat.
    Flat,
    /// Cleared by a person.
    Reset {
        /// Why, as the operator put it.
        reason: String,
    },
}

/// What a breaker remembers between marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// Highest equity seen, moved by deposits and withdrawals, in USDT.
    pub peak: Usd,
    /// Consecutive marks with the drawdown reached.
    pub breach_samples: u32,
    /// UTC day that `day_start_equity` belongs to.
    pub day: i64,
    /// Equity at the first mark of that day, in USDT.
    pub day_start_equity: Usd,
}

/// Whose breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BreakerScope {
    /// Of the whole swarm.
    Swarm,
    /// Of a portfolio.
    Portfolio(PortfolioId),
    /// Of one agent.
    Agent(AgentId),
}

/// What a stopped agent's position becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StopPolicy {
    /// It stays under its stop, the supervisor keeps trailing it, the slot stays taken.
    #[default]
    Keep,
    /// It is closed at market.
    Close,
}

/// A change in an agent's life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AgentChange {
    /// Runs (again).
    Started,
    /// An operator stopped it.
    Stopped(StopPolicy),
    /// Its rule panicked; the director will start it again.
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// It panicked too often and stays down until an operator starts it.
    Failed,
}

/// The supervisor's answer to an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// As asked, after snapping to the venue's filters.
    Approved,
    /// Smaller than asked: which caps did it.
    Resized(Refusal),
    /// Not at all.
    Refused(Refusal),
}

impl Verdict {
    /// The label in metrics and reports.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Resized(_) => "resized",
            Self::Refused(_) => "refused",
        }
    }
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    /// A closed candle of the base interval: begins or continues a step.
    Candle {
        /// Which contract.
        symbol: SymbolId,
        /// The candle.
        candle: Candle,
    },
    /// A decision other than HOLD.
    Signal(Box<DecisionRecord>),
    /// A HOLD, recorded where asked for.
    Hold(Box<DecisionRecord>),
    /// An intent, numbered.
    Intent {
        /// Its number.
        id: IntentId,
        /// The wish.
        intent: Box<Intent>,
    },
    /// The answer to an intent.
    Verdict {
        /// Which intent.
        id: IntentId,
        /// Which account.
        portfolio: PortfolioId,
        /// The answer.
        verdict: Verdict,
    },
    /// An approved order: it may leave once this is durable.
    Order {
        /// When it was approved.
        at: Time,
        /// The order.
        order: Order,
    },
    /// A cancel on its way to the venue.
    Cancel {
        /// When.
        at: Time,
        /// Which account.
        portfolio: PortfolioId,
        /// Which order.
        id: OrderId,
        /// On which contract: a venue asks for it.
        symbol: SymbolId,
    },
    /// What the venue told.
    Venue {
        /// Which account.
        portfolio: PortfolioId,
        /// What.
        event: VenueEvent,
    },
    /// A mark that did not come from a candle.
    Mark {
        /// When.
        at: Time,
        /// Which contract.
        symbol: SymbolId,
        /// The price.
        price: Price,
    },
    /// A breaker moved.
    Breaker {
        /// When.
        at: Time,
        /// Whose.
        scope: BreakerScope,
        /// How.
        change: BreakerChange,
    },
    /// An agent's life changed.
    Agent {
        /// When.
        at: Time,
        /// Whose.
        agent: AgentId,
        /// How.
        change: AgentChange,
    },
    /// Entries of a portfolio were gated or freed.
    Gate {
        /// When.
        at: Time,
        /// Which account.
        portfolio: PortfolioId,
        /// Closed when true.
        gated: bool,
    },
    /// State that marks changed since the last step and that no other fact tells: written before the
    /// end of a step, only where it changed.
    Watermark {
        /// Whose breaker.
        scope: BreakerScope,
        /// What changed.
        mark: Watermark,
    },
    /// Everything that belongs to the candles which closed at this time has been recorded.
    StepEnd {
        /// When the candles closed.
        at: Time,
    },
    /// The run came to its end: data or time used up, or a clean stop.
    End {
        /// Time of the last step.
        at: Time,
        /// Whether there was no more data.
        complete: bool,
    },
    /// The supervisor decided to close a position, and why. The order that does it is a fact of its own;
    /// this one makes the reason survive until the venue says flat.
    Closing {
        /// When.
        at: Time,
        /// Which account.
        portfolio: PortfolioId,
        /// On which contract.
        symbol: SymbolId,
        /// The intent that opened the position.
        intent: IntentId,
        /// Why.
        reason: ExitReason,
    },
    /// What was left of a resting entry was to follow at the market and did not pass the checks any more.
    RemainderDropped {
        /// When.
        at: Time,
        /// Which account.
        portfolio: PortfolioId,
        /// On which contract.
        symbol: SymbolId,
        /// Whose entry.
        intent: IntentId,
        /// How much was left, in base units.
        qty: Qty,
        /// What it did not pass.
        refusal: Refusal,
    },
    /// A funding payment that falls due inside a step: an input. What it did to an account is a venue event.
    FundingDue {
        /// Of which contract.
        symbol: SymbolId,
        /// When.
        at: Time,
        /// Rate of the period, positive is paid by longs.
        rate: Rate,
    },
    /// A candle from before the first step, which only warmed the features: an input.
    WarmUp {
        /// Which contract.
        symbol: SymbolId,
        /// The candle.
        candle: Candle,
        /// How many more of these follow.
        left: u32,
    },
    /// A live venue's account and the books did not agree. Changes nothing by itself: what follows from it are
    /// facts of their own.
    Difference {
        /// When it was certain.
        at: Time,
        /// Which account.
        portfolio: PortfolioId,
        /// What differed, and how it was met.
        difference: Box<Difference>,
    },
    /// With real money: a process began. What it knew was what the facts before this give, and nothing else.
    Start {
        /// When.
        at: Time,
    },
    /// With real money: what follows came of the agents' answers to the candles before: an input, since candles may be
    /// late and accounts tell things at any time.
    Judged {
        /// When the answers were judged.
        at: Time,
        /// The last record before agents were shown their positions and accounts.
        seen: u64,
    },
}

impl Fact {
    /// Whether the fingerprint covers this fact: signals, intents, verdicts, orders, reports, funding
    /// and breaker events. Candles, HOLDs and marks are inputs or counted elsewhere; an agent's life
    /// and the ends of runs depend on the operator, not on the market, and a difference on whoever else
    /// touched the account.
    pub const fn fingerprinted(&self) -> bool {
        matches!(
            self,
            Self::Signal(_)
                | Self::Intent { .. }
                | Self::Verdict { .. }
                | Self::Order { .. }
                | Self::Cancel { .. }
                | Self::Venue { .. }
                | Self::Breaker { .. }
                | Self::RemainderDropped { .. }
        )
    }
}
