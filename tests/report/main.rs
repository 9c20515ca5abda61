//! What `swarm backtest --out` leaves behind: that its figures are those of an independent computation, that its
//! trades add up to its equity, what its page holds, and what is there after a run was stopped.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

#[path = "../support/mod.rs"]
mod support;

mod figures;
mod input;
mod page;
mod reconcile;
mod stopped;

use std::collections::BTreeMap;
use std::path::Path;

/// Rows of a CSV file by the names of their columns.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields.len(), columns.len(), "{}: {line}", path.display());
        columns.iter().zip(fields).map(|(column, field)| ((*column).to_owned(), field.to_owned())).collect()
    };
    lines.map(row).collect()
}
