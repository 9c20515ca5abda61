//! swarm.yaml and agent files: as written, checked, resolved.
//!
//! [`load`] reads a file and gives a [`Loaded`] or a [`Report`] of everything that is wrong with it. The way
//! goes text → `yaml` tree with places → `shape` against the JSON Schema of `written` → `read` into types
//! → checks of meaning → `resolve` to a [`Plan`]. This room opens no market, venue or store, and decides
//! nothing: it hands over a plan in which every name is an index and every default is filled in.

mod check;
pub mod defaults;
mod diagnostic;
pub mod instruments;
pub mod locate;
mod market;
pub mod nearest;
mod read;
pub mod reference;
mod render;
mod resolve;
mod runtime;
pub mod scalars;
pub mod schema;
mod settings;
mod shape;
mod tree;
pub mod written;
mod yaml;

pub use diagnostic::{Diagnostic, Report};
pub use market::{MarketError, MarketSpec, MarketText};
pub use render::render;
pub use resolve::{config_hash, hash};
pub use runtime::{Hosts, Overrides, RestartPolicy, RuntimePlan, Speed, SpeedError};
pub use settings::Setting;
pub use written::{MarginMode, RequestLimits, VenueKind};

use std::collections::BTreeMap;
use std::path::Path;
use swarm_core::model::Plan;

/// A swarm file without faults.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What is decided, by whom, within which limits.
    pub plan: Plan,
    /// Where it runs.
    pub runtime: RuntimePlan,
    /// What looks unintended.
    pub warnings: Vec<Diagnostic>,
    /// Text of each file read, by the name used in the warnings.
    pub sources: BTreeMap<String, String>,
    /// SHA-256 of the file's text.
    pub text_hash: String,
    /// SHA-256 of the plan: two files with the same hash make the same swarm.
    pub config_hash: String,
}

impl Loaded {
    /// The warnings, ready to be printed.
    pub fn report(&self) -> Report {
        Report { errors: Vec::new(), warnings: self.warnings.clone(), sources: self.sources.clone() }
    }
}

/// Reads a swarm file and the agent files it uses.
///
/// # Errors
/// Everything that is wrong with them, each fault with its place and what to do about it.
pub fn load(path: &Path) -> Result<Loaded, Report> {
    load_with(path, &[])
}

/// Likewise, with settings laid over the file.
///
/// # Errors
/// As [`load`], with what is wrong with the settings.
pub fn load_with(path: &Path, settings: &[Setting]) -> Result<Loaded, Report> {
    match read_file(path) {
        Ok(text) => load_text_with(path, &text, settings),
        Err(message) => {
            let file = path.display().to_string();
            let help = "name another FILE, or let `swarm init` write one".to_owned();
            let error = Diagnostic { file, line: 1, column: 1, path: String::new(), message, help };
            Err(Report { errors: vec![error], ..Report::default() })
        }
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| format!("the file cannot be read: {error}"))?.len();
    if size > yaml::MAX_BYTES as u64 {
        return Err(format!("the file has {size} bytes; at most {} are read", yaml::MAX_BYTES));
    }
    std::fs::read_to_string(path).map_err(|error| format!("the file cannot be read: {error}"))
}

/// Loads the text of a swarm file. `path` names it in messages, and its directory is what paths in it are
/// relative to.
///
/// # Errors
/// As [`load`].
pub fn load_text(path: &Path, text: &str) -> Result<Loaded, Report> {
    load_text_with(path, text, &[])
}

/// Likewise, with settings laid over the file.
///
/// # Errors
/// As [`load_with`].
pub fn load_text_with(path: &Path, text: &str, settings: &[Setting]) -> Result<Loaded, Report> {
    match check::check(path, text, settings) {
        (None, report) => Err(report),
        (Some(checked), report) => {
            let plan = resolve::plan(&checked);
            let runtime = resolve::runtime(&checked.swarm, path.parent().unwrap_or(Path::new("")));
            let (text_hash, config_hash) = (hash(text), config_hash(&plan));
            let Report { warnings, sources, .. } = report;
            Ok(Loaded { plan, runtime, warnings, sources, text_hash, config_hash })
        }
    }
}

/// Everything there is to say about a swarm file: what `swarm check` prints.
pub fn check(path: &Path) -> Report {
    match load(path) {
        Ok(loaded) => loaded.report(),
        Err(report) => report,
    }
}
