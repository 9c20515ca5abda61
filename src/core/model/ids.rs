//! Ids: dense indexes into the resolved plan, so that state is arrays and records are small.
//! Names live in the [`Plan`](super::Plan) only.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! index {
    ($(#[$doc:meta])* $name:ident, $raw:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $raw);

        impl $name {
            /// The id of this place in the plan's list. Panics beyond the id's range, which the
            /// configuration's limits keep away.
            #[inline]
            pub fn at(index: usize) -> Self {
                Self(<$raw>::try_from(index).expect("invariant: no more ids than their type holds"))
            }
            /// Position in the plan's list.
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index!(
    /// A symbol, by its place in [`Plan::instruments`](super::Plan::instruments).
    SymbolId,
    u16
);
index!(
    /// A portfolio, by its place in [`Plan::portfolios`](super::Plan::portfolios).
    PortfolioId,
    u16
);
index!(
    /// A cohort, by its place in [`Plan::cohorts`](super::Plan::cohorts).
    CohortId,
    u16
);
index!(
    /// An agent, by its place in [`Plan::agents`](super::Plan::agents): its declared order.
    AgentId,
    u32
);

/// The nth intent of an agent. The supervisor numbers intents, so a number is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IntentId {
    /// Whose intent.
    pub agent: AgentId,
    /// Counted from 1 for each agent.
    pub number: u32,
}

/// An order by the intent it serves: leg 0 is the intent's own order, higher legs are the stops,
/// targets and emergency exits of the position it opened. The client order id is made from it, so
/// asking the venue for that id settles what became of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderId {
    /// The intent this order serves.
    pub intent: IntentId,
    /// Which of its orders.
    pub leg: u16,
}

impl fmt::Display for IntentId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.agent.0, self.number)
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.intent, self.leg)
    }
}
