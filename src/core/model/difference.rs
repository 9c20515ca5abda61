//! What may differ between an account at its venue and the books, and how a difference is met. Data only:
//! who finds differences is `delivery`, who acts on them is `risk`.

use super::{Figure, SymbolId};
use serde::{Deserialize, Serialize};

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// The venue has, or executed, an order that nobody here approved.
    UnknownOrder,
    /// An order that rested at the venue is not there any more, and the venue does not say how it ended.
    MissingOrder,
    /// A position that is smaller than the books have it.
    PositionSize,
    /// A position, or a part of one, that nobody here opened: more than the books have, or on the other side.
    UnknownPosition,
    /// A position that should have a stop and has none at the venue.
    NoStop,
    /// A wallet that fills, fees, funding and transfers do not explain.
    Balance,
    /// Leverage that somebody else set.
    Leverage,
    /// An account in hedge mode or in multi-assets mode.
    Mode,
}

impl DifferenceKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::UnknownOrder,
        Self::MissingOrder,
        Self::PositionSize,
        Self::UnknownPosition,
        Self::NoStop,
        Self::Balance,
        Self::Leverage,
        Self::Mode,
    ];

    /// The label in metrics, the API and swarm.yaml.
    pub const fn label(self) -> &'static str {
        match self {
            Self::UnknownOrder => "unknown_order",
            Self::MissingOrder => "missing_order",
            Self::PositionSize => "position_size",
            Self::UnknownPosition => "unknown_position",
            Self::NoStop => "no_stop",
            Self::Balance => "balance",
            Self::Leverage => "leverage",
            Self::Mode => "mode",
        }
    }
}

/// How a difference is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DifferencePolicy {
    /// The books take the venue's word.
    Adopt,
    /// What nobody here wanted is taken off the venue: an order is cancelled, a position closed.
    Close,
    /// Entries of the portfolio stay gated until a person has looked and resumed it.
    Halt,
}

impl DifferencePolicy {
    /// The label in logs, the API and swarm.yaml.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::Close => "close",
            Self::Halt => "halt",
        }
    }
}

/// One difference, and how it was met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What differs.
    pub kind: DifferenceKind,
    /// How it was met.
    pub policy: DifferencePolicy,
    /// On which contract; `None` for the account, or for a contract that is not in the plan.
    pub symbol: Option<SymbolId>,
    /// What it is about in the venue's words: the order's name, or the contract that is not in the plan.
    pub subject: String,
    /// What the venue has.
    pub venue: Figure,
    /// What the books have.
    pub book: Figure,
}
