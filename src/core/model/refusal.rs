//! Refusals are data: the rule that refused, its limit and the value seen. `docs/refusals.md` is
//! generated from this enum. When a rule refuses is known to the risk room alone.

use super::{Millis, Qty, Rate, Usd};
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
    /// The newest mark price is too far from the last one to be believed, and not confirmed yet.
    UnconfirmedMark,
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

/// A number of a refusal in the unit of its rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// There is none.
    #[default]
    Nothing,
    /// A number of things.
    Count(u32),
    /// A ratio or a leverage.
    Rate(Rate),
    /// Money in USDT.
    Usd(Usd),
    /// A quantity of the base asset.
    Qty(Qty),
    /// A length of time in milliseconds.
    Millis(Millis),
}

impl fmt::Display for Figure {
    /// As a decimal text in the rule's unit; empty where there is none.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Count(count) => write!(out, "{count}"),
            Self::Rate(rate) => write!(out, "{rate}"),
            Self::Usd(usd) => write!(out, "{usd}"),
            Self::Qty(qty) => write!(out, "{qty}"),
            Self::Millis(ms) => write!(out, "{ms}"),
        }
    }
}

/// A refusal with its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which rule.
    pub reason: RefusalReason,
    /// At which level.
    pub level: Level,
    /// The limit.
    pub limit: Figure,
    /// The value seen.
    pub seen: Figure,
}

impl Refusal {
    /// A refusal without numbers.
    pub const fn plain(reason: RefusalReason, level: Level) -> Self {
        Self { reason, level, limit: Figure::Nothing, seen: Figure::Nothing }
    }

    /// For hosts: the venue of this account cannot be reached, so no new risk is taken.
    pub const fn venue_unavailable() -> Self {
        Self::plain(RefusalReason::VenueUnavailable, Level::Venue)
    }

    /// For hosts: the supervisor's queue of this many intents was full.
    pub const fn overload(queue: u32) -> Self {
        Self { limit: Figure::Count(queue), ..Self::plain(RefusalReason::Overload, Level::Swarm) }
    }
}

impl RefusalReason {
    /// All of them, in the order of the table in the docs.
    pub const ALL: [Self; 23] = [
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
        Self::UnconfirmedMark,
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
            Self::UnconfirmedMark => "unconfirmed_mark",
        }
    }
}

impl RefusalReason {
    /// What it means, in a sentence.
    pub const fn describe(self) -> &'static str {
        self.texts().1
    }

    /// Levels that can speak it, what it means, and what to do about it.
    const fn texts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::BreakerTripped => (
                "swarm, portfolio, agent",
                "The drawdown breaker of this level is tripped.",
                "Find out why, then `swarm breaker reset` with a reason. Exits still pass.",
            ),
            Self::AgentNotRunning => ("agent", "The agent is not running.", "Start it: `swarm agent start NAME`."),
            Self::EntriesGated => (
                "portfolio",
                "Entries are gated until the account is reconciled with the venue.",
                "Wait; if it stays, see the differences in the log.",
            ),
            Self::MaxPositions => (
                "swarm, portfolio, agent",
                "As many positions are open or reserved as allowed.",
                "Wait for one to close, or raise `max_positions`.",
            ),
            Self::SymbolHeld => (
                "portfolio",
                "Another agent holds the symbol in this portfolio, or has an entry working on it.",
                "Give the agents different symbols or portfolios.",
            ),
            Self::PositionOpen => (
                "agent",
                "The agent already has a position or a working entry on the symbol.",
                "Close or reverse it; adding to a position is not supported.",
            ),
            Self::NoPosition => ("agent", "There is nothing to close.", "Nothing; the position was closed before."),
            Self::MaxLeverage => (
                "swarm, portfolio, agent, venue",
                "The order's leverage is above the cap, or gross notional over equity would be; cut to fit where that leaves something.",
                "Ask for less, or raise `max_leverage`; the venue's brackets cannot be raised.",
            ),
            Self::MaxNotional => (
                "swarm, portfolio, agent",
                "The position's notional is above the cap; cut to it.",
                "Ask for less, or raise `max_notional`.",
            ),
            Self::DailyLoss => (
                "swarm, portfolio, agent",
                "The loss since 00:00 UTC, open profit included, reached its limit.",
                "Wait for the next day, or raise `daily_loss`.",
            ),
            Self::LossRun => (
                "swarm, portfolio, agent",
                "So many trades in a row were lost that entries cool down.",
                "Wait, or change `loss_run`.",
            ),
            Self::EntryRate => (
                "swarm, portfolio, agent",
                "As many entries as allowed were approved within the last 60 seconds.",
                "Wait, or raise `entries_per_minute`.",
            ),
            Self::PriceCollar => (
                "swarm, portfolio, agent, venue",
                "The entry's price is too far from the mark price.",
                "Use a price nearer to the market, or widen `price_collar`; the venue's band cannot be widened.",
            ),
            Self::StaleData => (
                "swarm, portfolio, agent",
                "The last closed candle, or the decision itself, is too old.",
                "Check the feed; `max_age` sets the age.",
            ),
            Self::NoMark => ("venue", "No price of the symbol is known yet.", "Wait for the first candle."),
            Self::StopRequired => (
                "portfolio",
                "The portfolio demands a stop and the entry has none.",
                "Give the agent a stop, or set `require_stop: false`.",
            ),
            Self::InsufficientMargin => (
                "portfolio",
                "Free margin (equity less margin used and reserved) does not cover the entry and its fee; cut to fit where that leaves something.",
                "Ask for less, close something, or use more leverage within the cap.",
            ),
            Self::BelowMinimum => (
                "venue",
                "After caps and filters the order is below the venue's smallest quantity or notional.",
                "Ask for more, or loosen the cap that cut it.",
            ),
            Self::AboveMaximum => (
                "venue",
                "The quantity is above the venue's largest for this type of order; cut to it.",
                "Ask for less.",
            ),
            Self::Malformed => (
                "agent",
                "The intent makes no sense: a size, price, distance or share that is not positive or in range, or a symbol or portfolio that is not the agent's.",
                "A fault of the rule: see the intent in the journal.",
            ),
            Self::VenueUnavailable => (
                "venue",
                "The venue cannot be reached, so no new risk is taken.",
                "Check the connection; entries resume by themselves.",
            ),
            Self::Overload => {
                ("swarm", "The supervisor's queue was full.", "Fewer agents on this machine, or a longer interval.")
            }
            Self::UnconfirmedMark => (
                "venue",
                "The newest mark price is further from the last one than is believed at once, and nothing has confirmed it yet.",
                "Wait for the next marks or candle; `max_mark_jump` sets how far.",
            ),
        }
    }

    /// The table of `docs/refusals.md`.
    pub fn table() -> String {
        let mut text = String::from("| reason | level | meaning | what to do |\n|---|---|---|---|\n");
        for reason in Self::ALL {
            let (levels, meaning, advice) = reason.texts();
            text.push_str(&format!("| `{}` | {levels} | {meaning} | {advice} |\n", reason.label()));
        }
        text
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.reason.label())?;
        if self.seen != Figure::Nothing {
            write!(out, ": {} seen", self.seen)?;
        }
        if self.limit != Figure::Nothing {
            write!(out, ", {} allowed", self.limit)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_reads_as_a_sentence() {
        let refusal = Refusal {
            reason: RefusalReason::MaxPositions,
            level: Level::Portfolio,
            limit: Figure::Count(3),
            seen: Figure::Count(4),
        };
        assert_eq!(refusal.to_string(), "max_positions: 4 seen, 3 allowed");
        assert_eq!(Refusal::venue_unavailable().to_string(), "venue_unavailable");
        assert_eq!(Refusal::overload(64).to_string(), "overload, 64 allowed");
    }

    #[test]
    fn every_reason_is_listed_once_with_its_own_label_and_words() {
        let mut labels: Vec<_> = RefusalReason::ALL.iter().map(|reason| reason.label()).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), RefusalReason::ALL.len());
        assert!(RefusalReason::ALL.iter().all(|reason| reason.describe().ends_with('.')));
    }

    #[test]
    fn the_documented_table_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/refusals.md");
        let text = std::fs::read_to_string(path).unwrap();
        let table = RefusalReason::table();
        assert!(text.contains(&table), "docs/refusals.md should contain:\n{table}");
    }
}
