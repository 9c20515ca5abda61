//! swarm.yaml checked as a whole: syntax, shape, then meaning, all faults in one go.
//!
//! Whatever is faulty is told once and taken out of the tree, and the next look goes over the rest; so an
//! unknown key does not hide an unknown portfolio. Nothing is resolved here.

mod agents;
mod market;
mod swarm;

use super::diagnostic::{Diagnostic, Report};
use super::settings::{self, Setting};
use super::shape::{self, Patterns};
use super::tree::{Content, Entry, Node, Place};
use super::written::{Risk, Swarm};
use super::{read, schema, yaml};
use jsonschema::Validator;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::LazyLock;
use swarm_core::model::Mode;

/// Faults of one kind that are told before a reader gives up on the rest of a file.
const MAX_READ_FAULTS: usize = 100;

/// A file without faults.
pub(super) struct Checked {
    /// As written; what the schema requires is there.
    pub swarm: Swarm,
    /// Every agent, in declared order.
    pub agents: Vec<CheckedAgent>,
}

/// An agent without faults.
pub(super) struct CheckedAgent {
    /// Place of its cohort among the cohorts.
    pub cohort: usize,
    /// Its name, unique.
    pub name: String,
    /// Place of its symbol among `market.symbols`.
    pub symbol: usize,
    /// Name of its rule.
    pub rule: String,
    /// Complete parameters.
    pub params: Arc<Value>,
    /// Its own limits.
    pub risk: Risk,
}

/// What the checks of meaning look at.
struct Scope<'a> {
    /// Directory of the file, which paths in it are relative to.
    dir: &'a Path,
    /// The tree without its faulty parts.
    root: &'a Node,
    /// The tree as written, for the names things are referred to by.
    whole: &'a Node,
    swarm: &'a Swarm,
}

impl Scope<'_> {
    fn node(&self, steps: &[&str]) -> Option<&Node> {
        self.root.dig(steps)
    }

    fn entry(&self, steps: &[&str]) -> Option<&Entry> {
        let (key, parents) = steps.split_last()?;
        self.root.dig(parents)?.entry(key)
    }

    /// Names declared below a key, faulty ones included: a reference to one of them is not a fault.
    fn names(&self, key: &str) -> Vec<&str> {
        let declared = self.whole.get(key).map_or(&[][..], Node::entries);
        declared.iter().map(|entry| entry.key.as_str()).collect()
    }

    fn symbols(&self) -> Vec<&str> {
        let declared = self.whole.dig(&["market", "symbols"]).map_or(&[][..], Node::items);
        declared.iter().filter_map(Node::text).collect()
    }

    fn mode(&self) -> Mode {
        self.swarm.mode.unwrap_or_default()
    }
}

static SWARM: LazyLock<Validator> = LazyLock::new(|| validator(&schema::SWARM));
static AGENT: LazyLock<Validator> = LazyLock::new(|| validator(&schema::AGENT));

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::new(schema).expect("invariant: schemas made from types are valid")
}

/// Checks the text of a swarm file. `path` names it and gives the directory that its paths are relative to.
pub(super) fn check(path: &Path, text: &str, settings: &[Setting]) -> (Option<Checked>, Report) {
    let name = path.display().to_string();
    let mut report = Report::default();
    report.sources.insert(name.clone(), text.to_owned());
    let Some(mut root) = parse(&name, text, &mut report) else { return (None, report) };
    settings::lay(&mut root, settings, &mut report);
    let whole = root.clone();
    shape::check(&mut root, &schema::SWARM, &SWARM, Patterns::Leave, &mut report);
    let swarm: Swarm = typed(&mut root, &mut report);
    let dir = path.parent().unwrap_or(Path::new(""));
    let scope = Scope { dir, root: &root, whole: &whole, swarm: &swarm };
    market::check(&scope, &mut report);
    swarm::check(&scope, &mut report);
    let agents = agents::check(&scope, &mut report);
    report.settle(&name);
    let checked = report.is_ok().then_some(Checked { swarm, agents });
    (checked, report)
}

/// The tree of a file, if it is YAML and a map.
fn parse(name: &str, text: &str, report: &mut Report) -> Option<Node> {
    let document = match yaml::parse(name, text) {
        Ok(document) => document,
        Err(error) => {
            let syntax = "check quotes, brackets and indentation at and before this place";
            let help = if error.help.is_empty() { syntax } else { error.help };
            report.errors.push(Diagnostic::new(&error.place, "", error.message, help));
            return None;
        }
    };
    for entry in &document.duplicates {
        report.error_at_key(entry, format!("key `{}` stands here a second time", entry.key), "remove one of them");
    }
    match &document.root.content {
        Content::Map(_) => Some(document.root),
        Content::Null => {
            let place = Place { line: 1, column: 1, ..document.root.place };
            let help = "`swarm init` writes an example";
            report.errors.push(Diagnostic::new(&place, "", "the file is empty", help));
            None
        }
        _ => {
            let message = format!("expected a map of keys, found {}", document.root.found());
            report.error(&document.root, message, "write `key: value` lines");
            None
        }
    }
}

/// Reads the tree into its type; what does not fit is told and taken out.
fn typed<T: Default + DeserializeOwned>(root: &mut Node, report: &mut Report) -> T {
    for _ in 0..MAX_READ_FAULTS {
        let error = match read::read(root) {
            Ok(value) => return value,
            Err(error) => error,
        };
        let steps = error.at.as_ref().and_then(|(place, path)| locate(root, place, path, &mut Vec::new()));
        let (place, path) = error.at.unwrap_or_else(|| (root.place.clone(), String::new()));
        report.errors.push(Diagnostic::new(&place, &path, error.message, ""));
        match steps {
            Some(steps) if !steps.is_empty() => shape::take_out(root, &steps),
            _ => break,
        }
    }
    T::default()
}

/// The steps to the value or key that stands at a place.
fn locate(node: &Node, place: &Place, path: &str, steps: &mut Vec<String>) -> Option<Vec<String>> {
    if node.path == path && node.place == *place {
        return Some(steps.clone());
    }
    let mut below = |step: String, child: &Node, key: Option<&Place>| {
        steps.push(step);
        let at_key = child.path == path && key == Some(place);
        let found = if at_key { Some(steps.clone()) } else { locate(child, place, path, steps) };
        steps.pop();
        found
    };
    let in_map = node.entries().iter().find_map(|entry| below(entry.key.clone(), &entry.node, Some(&entry.place)));
    in_map.or_else(|| node.items().iter().enumerate().find_map(|(i, item)| below(i.to_string(), item, None)))
}

/// Tells each of `nodes` whose text stood before.
fn told_twice(nodes: &[Node], report: &mut Report) {
    let mut seen = BTreeMap::new();
    for node in nodes {
        if let Some(text) = node.text()
            && seen.insert(text, ()).is_some()
        {
            report.error(node, format!("`{text}` stands here twice"), "remove one of them");
        }
    }
}
