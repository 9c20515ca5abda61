//! The sets of a sweep that are no swarm: their parameters contradict each other or leave their ranges. How many there
//! are, and why; what they would have come to is not asked.

use super::axes::{Set, values};
use crate::config::Report;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Reasons that are told in words; JSON has all.
const TOLD: usize = 5;

/// Sets that are left out.
#[derive(Debug, Default, Serialize)]
pub struct LeftOut {
    /// How many.
    pub sets: usize,
    /// Why, by the parameter at fault.
    #[serde(serialize_with = "as_list")]
    reasons: BTreeMap<String, Reason>,
}

/// What is wrong with one parameter, and the first set of which it is.
#[derive(Clone, Debug, Serialize)]
struct Reason {
    sets: usize,
    parameter: String,
    message: String,
    set: Map<String, Value>,
}

impl LeftOut {
    /// One more, with the first of its faults.
    pub fn add(&mut self, set: &Set, report: &Report) {
        self.sets += 1;
        let Some(fault) = report.errors.first() else { return };
        let parameter = fault.path.clone();
        let message =
            if fault.help.is_empty() { fault.message.clone() } else { format!("{}; {}", fault.message, fault.help) };
        let first = || Reason { sets: 0, parameter: parameter.clone(), message, set: values(set) };
        self.reasons.entry(parameter.clone()).or_insert_with(first).sets += 1;
    }

    /// In words, a line each; none when all sets are swarms.
    pub fn words(&self) -> Vec<String> {
        if self.sets == 0 {
            return Vec::new();
        }
        let named = |set: &Map<String, Value>| {
            set.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        let mut lines = vec![format!("{} set(s) are no swarm and are left out:", self.sets)];
        let reasons = frequent_first(&self.reasons);
        lines.extend(reasons.iter().take(TOLD).map(|reason| {
            format!(
                "  {} of them, such as {}: {}: {}",
                reason.sets,
                named(&reason.set),
                reason.parameter,
                reason.message
            )
        }));
        if reasons.len() > TOLD {
            lines.push(format!("  and {} more reasons: see --json", reasons.len() - TOLD));
        }
        lines
    }
}

fn as_list<S: Serializer>(reasons: &BTreeMap<String, Reason>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(frequent_first(reasons))
}

fn frequent_first(reasons: &BTreeMap<String, Reason>) -> Vec<&Reason> {
    let mut reasons: Vec<&Reason> = reasons.values().collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.sets));
    reasons
}
