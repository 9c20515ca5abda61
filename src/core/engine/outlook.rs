//! Up to which step of the reel each agent is known to hold. What a rule says of a candle depends on nothing but the
//! candle and the side it holds, so each candle is looked at once.

use super::consult;
use crate::features::Reel;
use crate::model::{AgentId, Side, SymbolId};
use crate::rule::Rule;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// By agent.
#[derive(Clone, Debug)]
pub(super) struct Outlook(Vec<Known>);

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// While it holds this.
    held: Option<Side>,
    /// In no step before this one it may act.
    until: usize,
}

impl Outlook {
    /// Nothing is known of so many agents.
    pub(super) fn of(agents: usize) -> Self {
        Self(vec![Known::default(); agents])
    }

    /// Another reel.
    pub(super) fn forget(&mut self) {
        self.0.fill(Known::default());
    }

    /// Whether an agent is known not to act at a step.
    #[inline]
    pub(super) fn holds(&self, agent: AgentId, held: Option<Side>, at: usize) -> bool {
        let known = self.0[agent.index()];
        known.held == held && at < known.until
    }

    /// The first step from `from` on, before `to`, at which an agent may act; `to` when there is none. Its symbol has a
    /// candle in each.
    #[inline]
    pub(super) fn next_act(
        &mut self,
        (agent, symbol, held): (AgentId, SymbolId, Option<Side>),
        rule: &dyn Rule,
        reel: &Reel,
        (from, to): (usize, usize),
    ) -> usize {
        let known = &mut self.0[agent.index()];
        if known.held != held {
            *known = Known { held, until: 0 };
        }
        let unknown = from.max(known.until);
        if unknown >= to {
            return to;
        }
        let look = || rule.first_act(reel.film(symbol, unknown, to), held);
        let first = catch_unwind(AssertUnwindSafe(look)).unwrap_or_else(|_| {
            // One that panics is asked in earnest, at the candle at which it does.
            reel.film(symbol, unknown, to).position(|frame| consult::may_act(rule, &frame, held))
        });
        known.until = first.map_or(to, |steps| unknown + steps);
        known.until
    }
}
