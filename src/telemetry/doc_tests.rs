//! `docs/metrics.md` says what the metrics page has: its table is made from a page of a small plan.

use super::strict::parse;
use crate::api::testing::plan;
use crate::telemetry::Metrics;
use std::collections::{BTreeMap, BTreeSet};

const BEGIN: &str = "<!-- table: UPDATE_DOCS=1 cargo test --lib telemetry::doc -->\n";
const END: &str = "<!-- end of table -->\n";

/// Labels whose values come from the swarm file, not from a closed set.
const NAMED_BY_THE_USER: [&str; 5] = ["agent", "cohort", "portfolio", "symbol", "version"];

fn labels(family: &super::strict::Family) -> String {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for sample in &family.samples {
        for (label, value) in sample.labels.iter().filter(|(label, _)| !["mode", "le"].contains(&label.as_str())) {
            values.entry(label).or_default().insert(value);
        }
    }
    let shown = values.iter().map(|(label, values)| {
        let values: Vec<&str> = values.iter().copied().collect();
        match *label {
            label if NAMED_BY_THE_USER.contains(&label) => format!("`{label}`"),
            // Twenty-two of them, and they have a page of their own.
            "reason" if values.len() > 10 => "`reason`: see [refusals](refusals.md)".to_owned(),
            label => format!("`{label}`: {}", values.join(", ")),
        }
    });
    shown.collect::<Vec<_>>().join("; ")
}

/// One row a family, in the page's order.
fn table(text: &str) -> String {
    let page = parse(text).unwrap();
    let mut table = String::from("| metric | type | labels | meaning |\n|---|---|---|---|\n");
    for line in text.lines().filter_map(|line| line.strip_prefix("# HELP ")) {
        let (name, help) = line.split_once(' ').unwrap();
        let family = &page.0[name];
        table.push_str(&format!("| `{name}` | {} | {} | {help} |\n", family.kind, labels(family)));
    }
    table
}

#[test]
fn every_metric_is_documented_and_no_other() {
    let metrics = Metrics::new(&plan(), "0.0.0");
    // A verdict that an agent's page shows only once it was given.
    let cut = swarm_core::model::Refusal::overload(1);
    metrics.agent(swarm_core::model::AgentId(0)).intent(&swarm_core::model::Verdict::Resized(cut));
    let table = table(&metrics.render());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (head, rest) = document.split_once(BEGIN).expect("the table has its mark");
    let (documented, foot) = rest.split_once(END).expect("the table has its end mark");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{head}{BEGIN}{table}{END}{foot}")).unwrap();
        return;
    }
    assert!(documented == table, "docs/metrics.md is not current: run this test with UPDATE_DOCS=1\n{table}");
}
