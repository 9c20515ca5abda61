//! Snapshots as a run sees them: the state after any step, saved and restored, goes on as the whole fold
//! does; kills across files and snapshots change nothing.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use asterswarm::fold::{Folded, STATE_FORMAT};
use asterswarm::store::StateView;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use support::{Place, SWARM, assert_same, until, without_timing};
use swarm_core::engine::RestartPolicy;
use swarm_core::model::{Fact, Plan};

/// The kept journal of the present format, and the plan it was written under.
fn kept() -> (Arc<Plan>, Vec<Fact>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal-v2");
    let plan = Arc::new(asterswarm::config::load(&folder.join("swarm.yaml")).unwrap().plan);
    let view = StateView::open(&folder).unwrap();
    (plan, view.facts().unwrap().map(|record| record.unwrap().fact).collect())
}

#[test]
fn after_every_step_of_a_run_a_saved_state_goes_on_as_the_whole_fold() {
    let (plan, facts) = kept();
    let restart = RestartPolicy::default();
    let mut whole = Folded::new(&plan, restart, None);
    // As a start after the step before would have it.
    let mut restored = Folded::new(&plan, restart, None);
    let mut steps = 0;
    for fact in &facts {
        whole.apply(fact);
        restored.apply(fact);
        if !matches!(fact, Fact::StepEnd { .. }) {
            continue;
        }
        steps += 1;
        let saved = restored.save();
        assert!(saved == whole.save(), "step {steps}");
        restored = Folded::restored(&plan, restart, None, &saved).unwrap();
        assert_eq!(restored.supervisor, whole.supervisor, "step {steps}");
        assert_eq!(restored.exchanges, whole.exchanges, "step {steps}");
        assert_eq!(restored.lives, whole.lives, "step {steps}");
        assert_eq!(restored.recorder.fingerprint(), whole.recorder.fingerprint(), "step {steps}");
    }
    assert_eq!(steps, 450);
    let fingerprint = |folded: &Folded| {
        let report =
            folded.recorder.tracker().report(&folded.supervisor, folded.recorder.fingerprint(), 0, false, 0.0, 0.0);
        serde_json::to_string(&report).unwrap()
    };
    assert_eq!(fingerprint(&restored), fingerprint(&whole), "the report");
    assert!(restored.recorder.tracker().trades().is_empty(), "a run without an end keeps none");
}

/// The bytes of a state have no names in them: when their shape changes, snapshots of before must not be
/// taken for snapshots of now.
#[test]
fn the_shape_of_a_saved_state_is_the_one_that_its_format_names() {
    let (plan, facts) = kept();
    let mut folded = Folded::new(&plan, RestartPolicy::default(), None);
    facts.iter().for_each(|fact| folded.apply(fact));
    let digest: String = Sha256::digest(folded.save()).iter().map(|byte| format!("{byte:02x}")).collect();
    let known = (3, "b67d80fc63235d08009c635786e67b7427f032fa27ec11bfab5e8cb9bec9ba1a");
    assert_eq!(
        (STATE_FORMAT, digest.as_str()),
        known,
        "what a state is saved as has changed: raise STATE_FORMAT in src/fold.rs and put both here"
    );
}

#[test]
fn a_state_of_another_plan_or_no_state_at_all_is_not_taken() {
    let (plan, facts) = kept();
    let restart = RestartPolicy::default();
    let mut folded = Folded::new(&plan, restart, None);
    facts.iter().for_each(|fact| folded.apply(fact));
    let saved = folded.save();
    let mut fewer = (*plan).clone();
    fewer.agents.pop();
    assert!(Folded::restored(&Arc::new(fewer), restart, None, &saved).is_none());
    for length in [0, 1, saved.len() / 2, saved.len() - 1] {
        assert!(Folded::restored(&plan, restart, None, &saved[..length]).is_none(), "{length} bytes");
    }
}

const FILES: &str = "journal: { file_records: 400, unpacked_files: 1 }\n";

fn snapshots(place: &Place, state: &str) -> usize {
    let Ok(entries) = std::fs::read_dir(place.path(state)) else { return 0 };
    entries.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("snapshot-")).count()
}

fn run<'a>(state: &'a str, speed: &'a str) -> Vec<&'a str> {
    let words =
        ["run", "--market", "replay:data", "--listen", "127.0.0.1:0", "--json", "--state", state, "--speed", speed];
    words.to_vec()
}

/// Without what depends on the machine.
fn report(place: &Place, state: &str) -> Value {
    without_timing(place.json(&run(state, "max")))
}

#[test]
fn kills_across_files_and_snapshots_change_nothing() {
    let place = Place::with(SWARM);
    place.market(7, 1_500);
    let expected = report(&place, "whole");
    place.put("swarm.yaml", format!("{SWARM}{FILES}"));
    for number in 1..=5usize {
        let mut process = place.launch(&run("killed", "max"));
        until("a snapshot", || (!process.runs() || snapshots(&place, "killed") > 0).then_some(()));
        std::thread::yield_now();
        let size = |place: &Place| std::fs::read_dir(place.path("killed")).map_or(0, Iterator::count);
        let before = size(&place);
        until("another file", || (!process.runs() || size(&place) > before + number % 2).then_some(()));
        process.kill();
    }
    assert_same(&report(&place, "killed"), &expected, "killed");
    assert!(snapshots(&place, "killed") > 0);
    let verified = place.json(&["journal", "verify", "killed", "--json"]);
    assert_eq!((&verified["ending"]["kind"], &verified["fingerprint"]), (&"whole".into(), &expected["fingerprint"]));
    let replayed = place.json(&["replay", "killed", "--json"]);
    assert_eq!((&replayed["difference"], &replayed["steps"]), (&Value::Null, &1_500.into()));

    // The figures of a finished run come from the snapshot and the rest: without it from all of it.
    for entry in std::fs::read_dir(place.path("killed")).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("snapshot-") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    assert_same(&report(&place, "killed"), &expected, "without snapshots");
    let packed = place.json(&["journal", "compact", "killed", "--json"]);
    assert!(packed["files"].as_u64() > Some(0), "{packed}");
    assert_same(&report(&place, "killed"), &expected, "packed");
    assert_eq!(place.json(&["replay", "killed", "--json"])["difference"], Value::Null);
    let verified = place.json(&["journal", "verify", "killed", "--json"]);
    let export = place.run(&["journal", "export", "killed"]);
    assert_eq!(export.out.lines().count() as u64, verified["records"].as_u64().unwrap());
}
