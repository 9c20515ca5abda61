//! The manifest: whose state a directory holds, and the tables that the journal's dense ids refer to.
//! It knows the plan's names only; what is in the journal is not its business.

use super::{StoreError, files};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use swarm_core::model::{Mode, Plan, Time};

/// Version of the manifest and of the directory's layout.
pub const MANIFEST_FORMAT: u32 = 1;

/// Name of the manifest in a state directory.
pub(super) const MANIFEST: &str = "manifest.json";

/// From when on a configuration held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configured {
    /// The last record before it.
    pub after_seq: u64,
    /// Its hash.
    pub config_hash: String,
}

/// What `manifest.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_FORMAT`] of the version that wrote it.
    pub format: u32,
    /// Version of swarm that opened the directory last for a run.
    pub swarm_version: String,
    /// Name of the swarm.
    pub name: String,
    /// Backtest, paper or live.
    pub mode: Mode,
    /// The market in the words of `--market`.
    pub market: String,
    /// Seed of everything random.
    pub seed: u64,
    /// Hash of the resolved configuration of the last run.
    pub config_hash: String,
    /// The configurations there were, each from which record on; of an earlier version's directory none is told.
    #[serde(default)]
    pub configurations: Vec<Configured>,
    /// When the directory was begun.
    pub created_at: Time,
    /// Names by `SymbolId`.
    pub symbols: Vec<String>,
    /// Names by `PortfolioId`.
    pub portfolios: Vec<String>,
    /// Names by `AgentId`.
    pub agents: Vec<String>,
}

impl Manifest {
    /// The manifest of a run of this plan.
    pub fn new(plan: &Plan, market: &str, seed: u64, config_hash: &str, created_at: Time) -> Self {
        Self {
            format: MANIFEST_FORMAT,
            swarm_version: env!("CARGO_PKG_VERSION").to_owned(),
            name: plan.name.clone(),
            mode: plan.mode,
            market: market.to_owned(),
            seed,
            config_hash: config_hash.to_owned(),
            configurations: Vec::new(),
            created_at,
            symbols: plan.instruments.iter().map(|instrument| instrument.symbol.clone()).collect(),
            portfolios: plan.portfolios.iter().map(|portfolio| portfolio.name.clone()).collect(),
            agents: plan.agents.iter().map(|agent| agent.name.clone()).collect(),
        }
    }

    /// Reads the manifest of a directory; `None` when there is none.
    pub(super) fn read(directory: &Path) -> Result<Option<Self>, StoreError> {
        /// What every format has.
        #[derive(Deserialize)]
        struct Outline {
            format: u32,
            #[serde(default)]
            swarm_version: String,
        }
        let path = directory.join(MANIFEST);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read", &path)(error)),
        };
        let damaged =
            |error: serde_json::Error| StoreError::ManifestDamaged { path: path.clone(), reason: error.to_string() };
        let outline: Outline = serde_json::from_slice(&text).map_err(damaged)?;
        if outline.format > MANIFEST_FORMAT {
            let (found, writer) = (outline.format, outline.swarm_version);
            return Err(StoreError::NewerFormat { path, found, known: MANIFEST_FORMAT, writer });
        }
        serde_json::from_slice(&text).map(Some).map_err(damaged)
    }

    /// Writes it, all or nothing.
    pub(super) fn write(&self, directory: &Path) -> Result<(), StoreError> {
        let mut text = serde_json::to_vec_pretty(self).expect("invariant: a manifest is plain data");
        text.push(b'\n');
        files::replace(&directory.join(MANIFEST), &text)
    }

    /// The configurations there were, of a directory from before they were told the one there is.
    pub fn configured(&self) -> Vec<Configured> {
        if self.configurations.is_empty() {
            return vec![Configured { after_seq: 0, config_hash: self.config_hash.clone() }];
        }
        self.configurations.clone()
    }

    /// Takes over from the manifest of an earlier run, which ended with this record.
    pub(super) fn follow(&mut self, earlier: Option<&Self>, last_seq: u64) {
        let mut known = earlier.map(Self::configured).unwrap_or_default();
        if let Some(earlier) = earlier {
            self.created_at = earlier.created_at;
        }
        // A configuration under which nothing was written leaves no trace.
        while known.last().is_some_and(|last| last.after_seq >= last_seq) {
            known.pop();
        }
        if known.last().is_none_or(|last| last.config_hash != self.config_hash) {
            known.push(Configured { after_seq: last_seq, config_hash: self.config_hash.clone() });
        }
        self.configurations = known;
    }

    /// What makes `asked` another swarm than this one, in words. The configuration may change: limits
    /// and parameters are not state.
    pub(super) fn differences(&self, asked: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        let mut compare = |what: &str, here: &str, asked: &str| {
            if here != asked {
                differences.push(format!("its {what} is `{here}`, not `{asked}`"));
            }
        };
        compare("name", &self.name, &asked.name);
        compare("mode", self.mode.label(), asked.mode.label());
        compare("market", &self.market, &asked.market);
        compare("seed", &self.seed.to_string(), &asked.seed.to_string());
        for (what, here, asked) in [
            ("symbols", &self.symbols, &asked.symbols),
            ("portfolios", &self.portfolios, &asked.portfolios),
            ("agents", &self.agents, &asked.agents),
        ] {
            let place = (0..here.len().max(asked.len())).find(|&place| here.get(place) != asked.get(place));
            if let Some(place) = place {
                let name = |names: &[String]| names.get(place).map_or("none".to_owned(), |name| format!("`{name}`"));
                differences.push(format!(
                    "its {what} differ: number {} is {}, not {}",
                    place + 1,
                    name(here),
                    name(asked)
                ));
            }
        }
        differences
    }
}
