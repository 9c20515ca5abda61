//! Whose a directory is, who may use it, and what it says when it may not be used.

use super::super::testkit::{manifest, started};
use super::super::{Configured, Manifest, StateDir, StateView, StoreError, WriterOptions};
use super::{Place, append, facts, names};
use swarm_core::model::{Mode, Time};

/// Opening with a changed manifest is refused with a text that holds all of these.
fn refused(place: &Place, change: impl FnOnce(&mut Manifest), says: &[&str]) {
    let mut asked = manifest();
    change(&mut asked);
    let error = StateDir::open(&place.state(), &asked).unwrap_err();
    let text = error.to_string();
    for says in says {
        assert!(text.contains(says), "`{says}` is not in: {text}");
    }
}

#[test]
fn a_new_directory_is_the_owners_alone() {
    let place = Place::new();
    let opened = place.open();
    assert!(opened.created && !opened.finished() && opened.records == 0);
    assert_eq!(place.names(), ["journal.bin", "lock", "manifest.json"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(place.state()), 0o700);
        for name in place.names() {
            assert_eq!(mode(place.file(&name)), 0o600, "{name}");
        }
    }
}

#[test]
fn what_was_written_is_there_when_it_is_opened_again() {
    let place = Place::new();
    let all: Vec<_> = (1..=5).map(started).collect();
    append(&place.open().dir, &all[..2]);
    let opened = place.open();
    assert!(!opened.created);
    assert_eq!((opened.records, &opened.torn, &opened.begun, &opened.previous_config), (2, &None, &None, &None));
    assert_eq!(facts(&opened.dir), all[..2]);
    append(&opened.dir, &all[2..]);
    assert_eq!(facts(&opened.dir), all[..2], "the facts to fold are those at opening");
    drop(opened);
    assert_eq!(facts(&place.open().dir), all);
}

#[test]
fn one_process_writes_and_the_others_are_told_which() {
    let place = Place::new();
    let opened = place.open();
    refused(&place, |_| {}, &["in use by another running swarm", &format!("(process {})", std::process::id())]);
    drop(opened);
    place.open();
}

#[test]
fn a_writer_keeps_the_lock() {
    let place = Place::new();
    let opened = place.open();
    let writer = opened.dir.writer(WriterOptions::default(), |_| {}).unwrap();
    drop(opened);
    assert!(matches!(place.try_open(), Err(StoreError::InUse { .. })));
    writer.close().unwrap();
    place.open();
}

#[test]
fn a_running_swarm_can_be_read() {
    let place = Place::new();
    let opened = place.open();
    append(&opened.dir, &[started(1), started(2)]);
    let view = StateView::open(&place.state()).unwrap();
    let hash = manifest().config_hash;
    let configurations = vec![Configured { after_seq: 0, config_hash: hash }];
    assert_eq!(view.manifest(), &Manifest { configurations, ..manifest() });
    assert_eq!(view.facts().unwrap().count(), 2);
}

#[test]
fn another_swarms_state_is_refused_with_what_differs() {
    let place = Place::new();
    drop(place.open());
    let other = "holds the state of another swarm";
    refused(&place, |asked| asked.name = "b".into(), &[other, "its name is `control-vs-expert`, not `b`"]);
    refused(&place, |asked| asked.mode = Mode::Live, &[other, "its mode is `paper`, not `live`", "--state"]);
    refused(&place, |asked| asked.market = "aster".into(), &["its market is `synthetic:7`, not `aster`"]);
    refused(&place, |asked| asked.seed = 8, &["its seed is `7`, not `8`"]);
    refused(&place, |asked| asked.symbols.swap(0, 1), &["its symbols differ: number 1 is `BTCUSDT`, not `ETHUSDT`"]);
    refused(&place, |asked| asked.agents.truncate(1), &["its agents differ: number 2 is `expert-ethusdt`, not none"]);
    refused(
        &place,
        |asked| (asked.name, asked.portfolios) = ("b".into(), vec!["x".into()]),
        &["its name is", "its portfolios differ: number 1 is `control`, not `x`"],
    );
    place.open();
}

#[test]
fn another_configuration_of_the_same_swarm_is_told_and_remembered() {
    let place = Place::new();
    drop(place.open());
    let mut asked = manifest();
    (asked.config_hash, asked.created_at) = ("beef".into(), Time(0));
    let opened = StateDir::open(&place.state(), &asked).unwrap();
    assert_eq!(opened.previous_config.as_deref(), Some("c0ffee"));
    assert_eq!(opened.dir.manifest().created_at, manifest().created_at);
    drop(opened);
    let manifest = StateView::open(&place.state()).unwrap().manifest().clone();
    let known: Vec<_> = manifest.configurations.iter().map(|one| one.config_hash.as_str()).collect();
    assert_eq!(known, ["beef"], "nothing was written under the first one");
    assert_eq!((manifest.config_hash.as_str(), manifest.created_at), ("beef", super::manifest().created_at));
}

#[test]
fn a_newer_format_is_refused_by_its_version() {
    let place = Place::new();
    drop(place.open());
    std::fs::write(place.file("manifest.json"), r#"{"format":2,"swarm_version":"3.1.0","shape":"unknown"}"#).unwrap();
    refused(&place, |_| {}, &["format 2", "use swarm 3.1.0 or later"]);
    assert!(matches!(StateView::open(&place.state()), Err(StoreError::NewerFormat { .. })));
}

#[test]
fn a_newer_journal_is_refused_by_its_version() {
    let place = Place::new();
    drop(place.open());
    let mut journal = std::fs::read(place.journal()).unwrap();
    journal[8] = 3;
    let check = crc32fast::hash(&journal[..12]);
    journal[12..16].copy_from_slice(&check.to_le_bytes());
    std::fs::write(place.journal(), &journal).unwrap();
    refused(&place, |_| {}, &["journal format 3 is newer than 2", "use the version of swarm that wrote it"]);
    assert_eq!(std::fs::read(place.journal()).unwrap(), journal);
}

#[test]
fn a_damaged_or_missing_manifest_is_refused() {
    let place = Place::new();
    drop(place.open());
    std::fs::write(place.file("manifest.json"), "{\"format\":1,").unwrap();
    refused(&place, |_| {}, &["manifest.json cannot be read as a manifest", "put it back from a copy"]);
    std::fs::remove_file(place.file("manifest.json")).unwrap();
    refused(&place, |_| {}, &["has a journal but no manifest.json"]);
    let error = StateView::open(&place.state()).unwrap_err();
    assert!(error.to_string().contains("holds no state of a swarm (it has no manifest.json)"), "{error}");
}

#[test]
fn a_file_and_a_directory_with_other_things_are_left_alone() {
    let place = Place::new();
    std::fs::write(place.state(), "text").unwrap();
    refused(&place, |_| {}, &["is not a directory: name another place with --state"]);
    std::fs::remove_file(place.state()).unwrap();
    std::fs::create_dir(place.state()).unwrap();
    std::fs::write(place.file("thesis.txt"), "text").unwrap();
    refused(&place, |_| {}, &["holds other files (`thesis.txt`)"]);
    assert_eq!(place.names(), ["thesis.txt"]);
}

#[test]
fn a_place_that_cannot_be_written_is_refused_with_advice() {
    let place = Place::new();
    let parent = place.state();
    std::fs::create_dir(&parent).unwrap();
    let mut rights = std::fs::metadata(&parent).unwrap().permissions();
    rights.set_readonly(true);
    std::fs::set_permissions(&parent, rights).unwrap();
    if std::fs::write(parent.join("probe"), "").is_ok() {
        eprintln!("skipped: this user may write everywhere");
        return;
    }
    let error = StateDir::open(&parent.join("inner"), &manifest()).unwrap_err().to_string();
    assert!(error.contains("cannot create") && error.contains("name a writable place with --state"), "{error}");
}

#[test]
fn a_start_that_was_cut_off_is_continued() {
    let place = Place::new();
    std::fs::create_dir(place.state()).unwrap();
    for name in ["lock", "manifest.json.new"] {
        std::fs::write(place.file(name), "").unwrap();
    }
    assert!(place.open().created);
    std::fs::remove_file(place.journal()).unwrap();
    let opened = place.open();
    assert!(!opened.created);
    append(&opened.dir, &[started(1)]);
}

#[test]
fn a_finished_state_can_be_moved_aside_again_and_again() {
    let place = Place::new();
    for number in 1..=2u32 {
        let opened = place.open();
        assert_eq!(opened.records, 0);
        append(&opened.dir, &[started(number)]);
        let aside = opened.dir.rotate().unwrap();
        assert_eq!(aside, place.root.path().canonicalize().unwrap().join(format!("state.{number}")));
    }
    assert_eq!(names(place.root.path()), ["state.1", "state.2"]);
    let second = StateView::open(&place.root.path().join("state.2")).unwrap();
    assert_eq!(second.facts().unwrap().next().unwrap().unwrap().fact, started(2));
}
