//! Faults and warnings with their places, and the report that carries all of them.

use super::tree::{Entry, Node, Place};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// One fault or warning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Diagnostic {
    /// The file it stands in, as named to the user.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Keys from the root of the file, such as `portfolios.control.risk.max_positions`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl Diagnostic {
    /// At a place, about a path.
    pub fn new(place: &Place, path: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            file: place.file.to_string(),
            line: place.line,
            column: place.column,
            path: path.to_owned(),
            message: message.into(),
            help: help.into(),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.path.is_empty() {
            write!(out, "{}: ", self.path)?;
        }
        write!(out, "{}", self.message)?;
        if self.help.is_empty() { Ok(()) } else { write!(out, "; {}", self.help) }
    }
}

/// Everything that was found, and the texts it was found in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What keeps the swarm from being loaded.
    pub errors: Vec<Diagnostic>,
    /// What does not, but looks unintended.
    pub warnings: Vec<Diagnostic>,
    /// Text of each file read, by the name used in the diagnostics.
    pub sources: BTreeMap<String, String>,
}

impl Report {
    /// Nothing keeps the swarm from being loaded.
    pub fn is_ok(&self) -> bool {
        self.errors.is_empty()
    }

    /// The document that `swarm check --json` prints.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "ok": self.is_ok(), "errors": self.errors, "warnings": self.warnings })
    }

    /// Adds a fault at a value.
    pub(super) fn error(&mut self, node: &Node, message: impl Into<String>, help: impl Into<String>) {
        self.errors.push(Diagnostic::new(&node.place, &node.path, message, help));
    }

    /// Adds a fault at a key.
    pub(super) fn error_at_key(&mut self, entry: &Entry, message: impl Into<String>, help: impl Into<String>) {
        self.errors.push(Diagnostic::new(&entry.place, &entry.node.path, message, help));
    }

    /// Adds a warning at a value.
    pub(super) fn warn(&mut self, node: &Node, message: impl Into<String>, help: impl Into<String>) {
        self.warnings.push(Diagnostic::new(&node.place, &node.path, message, help));
    }

    /// Adds a warning at a key.
    pub(super) fn warn_at_key(&mut self, entry: &Entry, message: impl Into<String>, help: impl Into<String>) {
        self.warnings.push(Diagnostic::new(&entry.place, &entry.node.path, message, help));
    }

    /// In the order of the files' lines, `main` first, each once.
    pub(super) fn settle(&mut self, main: &str) {
        for list in [&mut self.errors, &mut self.warnings] {
            list.sort_by(|a, b| {
                let key = |d: &Diagnostic| (d.file != main, d.file.clone(), d.line, d.column);
                key(a).cmp(&key(b))
            });
            list.dedup();
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&super::render::render(self, false))
    }
}

impl std::error::Error for Report {}
