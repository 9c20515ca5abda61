//! Client order ids: an order's id as the venue is told it, and whose an order is by the name the venue
//! shows. Knows no order beyond its id.
//!
//! `TAG-AGENT-NUMBER-LEG`, in decimal: `k3f9q2-0-17-3` is leg 3 of the 17th intent of agent 0 in the run
//! tagged `k3f9q2`. Names derive from what was approved, so that asking for a name settles what became of
//! the order. The tag belongs to the state directory: an account that is traded from a new journal, whose
//! intents are counted from 1 again, uses no name twice.

use crate::model::{AgentId, IntentId, OrderId};
use std::fmt;
use std::str::FromStr;

/// Longest name that AsterDEX takes.
pub const MAX_NAME_LETTERS: usize = 36;
/// Longest tag: with the largest numbers a name is then as long as it may be.
pub const MAX_TAG_LETTERS: usize = 8;

/// Longest client strategy id that AsterDEX is known to take.
pub const MAX_STRATEGY_LETTERS: usize = 28;

/// What tells the orders of one state directory from those of all others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunTag(String);

/// A text that is not a tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a run tag: use 1 to {MAX_TAG_LETTERS} of the letters a to z and the digits")]
pub struct TagError(pub String);

impl FromStr for RunTag {
    type Err = TagError;
    fn from_str(text: &str) -> Result<Self, TagError> {
        let fits = (1..=MAX_TAG_LETTERS).contains(&text.len());
        let is_plain = text.bytes().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit());
        if fits && is_plain { Ok(Self(text.to_owned())) } else { Err(TagError(text.to_owned())) }
    }
}

impl fmt::Display for RunTag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Whose an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This run's.
    Ours(OrderId),
    /// The venue's own: it closes a position by force.
    Venue,
    /// Anybody else's: a person's, another program's, another run's.
    Foreign,
}

/// Whether a name is one that some run gives: this one's, or that of another state directory.
pub(super) fn is_of_a_run(name: &str) -> bool {
    let tag = name.split('-').next().and_then(|tag| tag.parse::<RunTag>().ok());
    tag.is_some_and(|tag| matches!(tag.owner(name), Owner::Ours(_)))
}

impl RunTag {
    /// The name of an order.
    pub fn name(&self, id: OrderId) -> String {
        let name = format!("{}-{id}", self.0);
        debug_assert!(name.len() <= MAX_NAME_LETTERS, "invariant: the longest numbers fit");
        name
    }

    /// The client strategy id of an intent's entry with its stop: `TAG-AGENT-NUMBER`, which is no order's name.
    /// `None` where that is longer than the venue takes; no swarm has agents enough for that.
    pub fn strategy_name(&self, intent: IntentId) -> Option<String> {
        let name = format!("{}-{}-{}", self.0, intent.agent.0, intent.number);
        (name.len() <= MAX_STRATEGY_LETTERS).then_some(name)
    }

    /// Whose order a name is. Only a name as [`name`](Self::name) writes it is ours: no sign, no leading zero.
    pub fn owner(&self, name: &str) -> Owner {
        if name.starts_with("autoclose-") || name.starts_with("adl_autoclose") {
            return Owner::Venue;
        }
        self.parse(name).filter(|id| self.name(*id) == name).map_or(Owner::Foreign, Owner::Ours)
    }

    fn parse(&self, name: &str) -> Option<OrderId> {
        let mut numbers = name.strip_prefix(&self.0)?.strip_prefix('-')?.split('-');
        let agent = AgentId(numbers.next()?.parse().ok()?);
        let number = numbers.next()?.parse().ok()?;
        let leg = numbers.next()?.parse().ok()?;
        numbers.next().is_none().then_some(OrderId { intent: IntentId { agent, number }, leg })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag() -> RunTag {
        "k3f9q2".parse().unwrap()
    }

    fn id(agent: u32, number: u32, leg: u16) -> OrderId {
        OrderId { intent: IntentId { agent: AgentId(agent), number }, leg }
    }

    #[test]
    fn the_longest_name_fits_and_uses_the_venues_letters() {
        let name = RunTag::from_str("zzzzzzzz").unwrap().name(id(u32::MAX, u32::MAX, u16::MAX));
        assert_eq!(name, "zzzzzzzz-4294967295-4294967295-65535");
        assert_eq!(name.len(), MAX_NAME_LETTERS);
        assert!(name.bytes().all(|letter| b".:/_-".contains(&letter) || letter.is_ascii_alphanumeric()));
    }

    #[test]
    fn a_strategys_name_is_no_orders_and_not_longer_than_it_may_be() {
        let intent = |agent, number| IntentId { agent: AgentId(agent), number };
        assert_eq!(tag().strategy_name(intent(0, 17)), Some("k3f9q2-0-17".into()));
        assert_eq!(tag().owner("k3f9q2-0-17"), Owner::Foreign);
        let longest = RunTag::from_str("zzzzzzzz").unwrap();
        assert_eq!(longest.strategy_name(intent(99_999_999, u32::MAX)).map(|name| name.len()), Some(28));
        assert_eq!(longest.strategy_name(intent(100_000_000, u32::MAX)), None);
    }

    #[test]
    fn only_names_of_this_run_are_ours() {
        for (name, owner) in [
            ("k3f9q2-0-17-3", Owner::Ours(id(0, 17, 3))),
            ("k3f9q2-0-017-3", Owner::Foreign),
            ("k3f9q2-0-+17-3", Owner::Foreign),
            ("k3f9q2-0-17", Owner::Foreign),
            ("k3f9q2-0-17-3-1", Owner::Foreign),
            ("k3f9q2-0-17-70000", Owner::Foreign),
            ("k3f9q3-0-17-3", Owner::Foreign),
            ("k3f9q20-17-3", Owner::Foreign),
            ("web_Zk1", Owner::Foreign),
            ("", Owner::Foreign),
            ("autoclose-1698796800000", Owner::Venue),
            ("adl_autoclose", Owner::Venue),
        ] {
            assert_eq!(tag().owner(name), owner, "{name}");
        }
    }

    #[test]
    fn names_of_other_runs_are_told_from_those_of_others() {
        for name in ["k3f9q2-0-17-3", "k3f9q3-0-17-3", "t-9-1-0"] {
            assert!(is_of_a_run(name), "{name}");
        }
        for name in ["k3f9q20-17-3", "k3f9q3-0-017-3", "toolongtag-0-1-1", "-0-1-1", "web_Zk1", "", "autoclose-1"] {
            assert!(!is_of_a_run(name), "{name}");
        }
    }

    #[test]
    fn a_tag_is_short_and_plain() {
        for text in ["", "toolongtag", "Big", "a-b", "ä", "a b"] {
            assert!(text.parse::<RunTag>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn names_are_read_back(agent in any::<u32>(), number in any::<u32>(), leg in any::<u16>()) {
            prop_assert_eq!(tag().owner(&tag().name(id(agent, number, leg))), Owner::Ours(id(agent, number, leg)));
        }
    }
}
