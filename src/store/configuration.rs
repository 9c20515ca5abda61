//! What a configuration came to, kept beside the journal that was written under it: the plan with every name
//! an index, as the journal's facts refer to it. It does not know how a plan is made.

use super::{StoreError, files};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use swarm_core::engine::RestartPolicy;
use swarm_core::model::Plan;

/// A configuration, resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    /// What is traded, by whom, within which limits.
    pub plan: Plan,
    /// How panics are treated.
    pub restart: RestartPolicy,
}

impl Configuration {
    /// Where the one with this hash is kept.
    fn path(directory: &Path, hash: &str) -> PathBuf {
        directory.join(format!("plan-{}.json", hash.get(..16).unwrap_or(hash)))
    }

    pub(super) fn write(&self, directory: &Path, hash: &str) -> Result<(), StoreError> {
        let text = serde_json::to_vec(self).expect("invariant: a plan is plain data");
        files::replace(&Self::path(directory, hash), &text)
    }

    /// The one with this hash; none where it was not kept.
    pub(super) fn read(directory: &Path, hash: &str) -> Result<Option<Self>, StoreError> {
        let path = Self::path(directory, hash);
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|error| StoreError::PlanDamaged { path, reason: error.to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("read", &path)(error)),
        }
    }
}
