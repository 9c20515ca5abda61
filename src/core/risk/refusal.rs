//! Refusals are data: the rule that refused, its limit and the value seen. `docs/refusals.md` is
//! generated from this enum.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The rule that refused or cut an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// The breaker of this level is tripped.
    BreakerTripped,
    /// The agent is not running.
    AgentNotRunning,
    /// Entries of the portfolio are gated until reconciliation is done.
    EntriesGated,
    /// As many positions are open or reserved as allowed.
    MaxPositions,
    /// Another agent holds the symbol in this portfolio.
    SymbolHeld,
    /// The agent already has a position or a working entry on the symbol.
    PositionOpen,
    /// There is nothing to close.
    NoPosition,
    /// The order's leverage is above the cap, or gross notional over equity would be.
    MaxLeverage,
    /// The position's notional is above the cap.
    MaxNotional,
    /// The loss of the day reached its limit.
    DailyLoss,
    /// A loss run is cooling down.
    LossRun,
    /// Too many entries within a minute.
    EntryRate,
    /// The price is too far from the mark price.
    PriceCollar,
    /// The market data is too old.
    StaleData,
    /// No mark price is known.
    NoMark,
    /// The portfolio demands a stop and the entry has none.
    StopRequired,
    /// Free margin does not cover the entry.
    InsufficientMargin,
    /// After caps and filters the order is below the venue's minimum.
    BelowMinimum,
    /// The quantity is above the venue's maximum.
    AboveMaximum,
    /// The intent makes no sense: a size, price, distance or share that is not positive or in range.
    Malformed,
    /// The venue could not be reached; no new risk.
    VenueUnavailable,
    /// The supervisor's queue was full.
    Overload,
}

/// Which level of the limit tree spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The whole swarm.
    Swarm,
    /// The portfolio.
    Portfolio,
    /// The agent.
    Agent,
    /// The venue's filters.
    Venue,
}

/// A refusal with its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which rule.
    pub reason: RefusalReason,
    /// At which level.
    pub level: Level,
    /// The limit, as a decimal text in the rule's unit; empty where there is none.
    pub limit: String,
    /// The value seen, likewise.
    pub seen: String,
}

impl RefusalReason {
    /// All of them, in the order of the table in the docs.
    pub const ALL: [Self; 22] = [
        Self::BreakerTripped,
        Self::AgentNotRunning,
        Self::EntriesGated,
        Self::MaxPositions,
        Self::SymbolHeld,
        Self::PositionOpen,
        Self::NoPosition,
        Self::MaxLeverage,
        Self::MaxNotional,
        Self::DailyLoss,
        Self::LossRun,
        Self::EntryRate,
        Self::PriceCollar,
        Self::StaleData,
        Self::NoMark,
        Self::StopRequired,
        Self::InsufficientMargin,
        Self::BelowMinimum,
        Self::AboveMaximum,
        Self::Malformed,
        Self::VenueUnavailable,
        Self::Overload,
    ];

    /// The label in metrics, reports and the docs.
    pub const fn label(self) -> &'static str {
        match self {
            Self::BreakerTripped => "breaker_tripped",
            Self::AgentNotRunning => "agent_not_running",
            Self::EntriesGated => "entries_gated",
            Self::MaxPositions => "max_positions",
            Self::SymbolHeld => "symbol_held",
            Self::PositionOpen => "position_open",
            Self::NoPosition => "no_position",
            Self::MaxLeverage => "max_leverage",
            Self::MaxNotional => "max_notional",
            Self::DailyLoss => "daily_loss",
            Self::LossRun => "loss_run",
            Self::EntryRate => "entry_rate",
            Self::PriceCollar => "price_collar",
            Self::StaleData => "stale_data",
            Self::NoMark => "no_mark",
            Self::StopRequired => "stop_required",
            Self::InsufficientMargin => "insufficient_margin",
            Self::BelowMinimum => "below_minimum",
            Self::AboveMaximum => "above_maximum",
            Self::Malformed => "malformed",
            Self::VenueUnavailable => "venue_unavailable",
            Self::Overload => "overload",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.reason.label())?;
        if !self.seen.is_empty() {
            write!(out, ": {} seen", self.seen)?;
        }
        if !self.limit.is_empty() {
            write!(out, ", {} allowed", self.limit)?;
        }
        Ok(())
    }
}
