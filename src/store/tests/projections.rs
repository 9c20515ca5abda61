//! Projections answer as the journal says, and losing them costs a rebuild and nothing else.

use super::super::testkit::{candle, decision, filled, started, step_end};
use super::super::{DECISIONS_PER_AGENT, Opened, ProjectionCounts, ProjectionError, Projections, WriterOptions};
use super::{Place, append, names};
use swarm_core::model::{Action, AgentId, Fact, PortfolioId};

/// `steps` steps in which agent 0 holds, agent 1 goes long at every tenth, and the venue fills that.
fn run(steps: i64) -> Vec<Fact> {
    let mut facts = Vec::new();
    for n in 0..steps {
        let long = n % 10 == 0;
        facts.extend([candle(n), decision(0, n, Action::Hold)]);
        facts.push(decision(1, n, if long { Action::Long } else { Action::Hold }));
        if long {
            facts.push(filled(1, 1, n));
        }
        facts.push(step_end(n));
    }
    facts
}

/// Opens the state and appends facts with projections attached, in batches of 7.
fn with_projections(place: &Place, facts: &[Fact]) -> (Opened, Projections) {
    let opened = place.open();
    let projections = opened.dir.projections().unwrap();
    let feed = projections.feed();
    let writer = opened.dir.writer(WriterOptions::default(), move |commit| feed.offer(commit)).unwrap();
    for batch in facts.chunks(7) {
        writer.append(batch.to_vec()).unwrap();
    }
    writer.close().unwrap();
    projections.settle();
    (opened, projections)
}

/// The projections answer exactly as these facts say.
fn check(projections: &Projections, facts: &[Fact]) {
    let reader = projections.reader();
    assert_eq!(reader.reflects(), Ok(facts.len() as u64));
    let all = |passes: &dyn Fn(&Fact) -> bool| -> Vec<u64> {
        (1..).zip(facts).filter(|(_, fact)| passes(fact)).map(|(seq, _)| seq).collect()
    };
    let tail = |seqs: Vec<u64>, count: usize| seqs[seqs.len().saturating_sub(count)..].to_vec();
    let of_agent = |fact: &Fact, id| matches!(fact, Fact::Signal(record) | Fact::Hold(record) if record.agent == id);
    for agent in [AgentId(0), AgentId(1), AgentId(2)] {
        let expected = tail(all(&|fact| of_agent(fact, agent)), DECISIONS_PER_AGENT);
        let found = reader.last_decisions(Some(agent), 100_000).unwrap();
        assert_eq!(found.iter().map(|decision| decision.seq).collect::<Vec<_>>(), expected);
        for decision in found {
            let place = usize::try_from(decision.seq - 1).unwrap();
            let (Fact::Signal(record) | Fact::Hold(record)) = &facts[place] else { panic!("no decision") };
            assert_eq!(decision.value, **record);
        }
    }
    let signals = all(&|fact| matches!(fact, Fact::Signal(_)));
    assert_eq!(reader.last_signals(100_000).unwrap().iter().map(|signal| signal.seq).collect::<Vec<_>>(), signals);
    let trades = all(&|fact| matches!(fact, Fact::Venue { .. }));
    assert_eq!(reader.last_trades(None, 100_000).unwrap().iter().map(|trade| trade.seq).collect::<Vec<_>>(), trades);
}

#[test]
fn decisions_signals_and_trades_are_those_of_the_journal() {
    let (place, facts) = (Place::new(), run(250));
    let (_opened, projections) = with_projections(&place, &facts);
    check(&projections, &facts);
    assert_eq!(projections.counts(), ProjectionCounts::default());

    let reader = projections.reader();
    let last = reader.last_decisions(None, 3).unwrap();
    assert_eq!(last.iter().map(|decision| decision.value.agent.0).collect::<Vec<_>>(), [1, 0, 1]);
    let second = last[1].seq;
    let after = |agent, count| reader.decisions_after(agent, last[0].seq, count).unwrap();
    assert_eq!(after(None, 1).first().map(|decision| decision.seq), Some(second));
    assert_eq!(after(Some(AgentId(1)), 9), last[2..]);
    assert_eq!(reader.decisions_after(None, u64::MAX, 9), Ok(vec![]));
    assert_eq!(reader.last_trades(Some(PortfolioId(0)), 9), Ok(vec![]));
    assert_eq!(reader.last_trades(Some(PortfolioId(1)), 2).unwrap().len(), 2);
}

#[test]
fn they_are_kept_over_a_restart() {
    let (place, facts) = (Place::new(), run(30));
    drop(with_projections(&place, &facts));
    let opened = place.open();
    let projections = opened.dir.projections().unwrap();
    projections.settle();
    check(&projections, &facts);
    assert_eq!(projections.counts(), ProjectionCounts::default());
}

#[test]
fn what_they_missed_is_read_from_the_journal() {
    let (place, facts) = (Place::new(), run(400));
    let half = facts[..facts.len() / 2].iter().rposition(|fact| matches!(fact, Fact::StepEnd { .. })).unwrap() + 1;
    drop(with_projections(&place, &facts[..half]));
    append(&place.open().dir, &facts[half..half + 30]);
    let last = facts[..half + 30].iter().rposition(|fact| matches!(fact, Fact::StepEnd { .. })).unwrap() + 1;
    let (_opened, projections) = with_projections(&place, &facts[last..]);
    check(&projections, &facts);
    assert_eq!(projections.counts(), ProjectionCounts::default());
}

#[test]
fn commits_that_were_left_out_are_read_from_the_journal() {
    let (place, facts) = (Place::new(), run(60));
    let opened = place.open();
    let projections = opened.dir.projections().unwrap();
    let (feed, mut count) = (projections.feed(), 0);
    let leave_out_most = move |commit| {
        count += 1;
        if count % 5 == 0 {
            feed.offer(commit);
        }
    };
    let writer = opened.dir.writer(WriterOptions::default(), leave_out_most).unwrap();
    let until = facts.len() - facts.len() % 5;
    for fact in &facts[..until] {
        writer.append(vec![fact.clone()]).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
    projections.settle();
    check(&projections, &facts[..until]);
}

#[test]
fn a_deleted_folder_is_rebuilt() {
    let (place, facts) = (Place::new(), run(40));
    drop(with_projections(&place, &facts));
    std::fs::remove_dir_all(place.file("projections")).unwrap();
    let opened = place.open();
    let projections = opened.dir.projections().unwrap();
    projections.settle();
    check(&projections, &facts);
    assert_eq!(projections.counts(), ProjectionCounts { rebuilt: 1, ..ProjectionCounts::default() });
}

#[test]
fn damaged_files_are_set_aside_and_rebuilt() {
    let (place, facts) = (Place::new(), run(40));
    for (round, name) in ["conf", "db"].iter().enumerate() {
        drop(with_projections(&place, if round == 0 { &facts } else { &[] }));
        std::fs::write(place.file("projections").join(name), [0xa5; 4_096]).unwrap();
        let opened = place.open();
        let projections = opened.dir.projections().unwrap();
        projections.settle();
        check(&projections, &facts);
        let counts = projections.counts();
        assert_eq!(counts.rebuilt, 1, "{name}: {counts:?}");
    }
    assert!(place.names().contains(&"projections.1".to_owned()), "{:?}", names(&place.state()));
}

#[test]
fn a_value_found_damaged_is_reported_and_repaired() {
    let (place, facts) = (Place::new(), run(40));
    let (_opened, projections) = with_projections(&place, &facts);
    projections.damage_last_trade();
    let reader = projections.reader();
    assert!(matches!(reader.last_trades(None, 1), Err(ProjectionError::Damaged(_))));
    projections.settle();
    check(&projections, &facts);
    assert_eq!(projections.counts(), ProjectionCounts { damaged: 1, rebuilt: 1, ..ProjectionCounts::default() });
}

#[test]
fn damage_that_comes_back_ends_them_and_not_the_swarm() {
    let (place, facts) = (Place::new(), run(20));
    let (opened, projections) = with_projections(&place, &facts);
    let reader = projections.reader();
    for _ in 0..6 {
        projections.damage_last_trade();
        assert!(matches!(reader.last_trades(None, 1), Err(ProjectionError::Damaged(_))));
        projections.settle();
    }
    let error = reader.last_trades(None, 1).unwrap_err();
    assert!(error.to_string().contains("damaged again and again"), "{error}");
    assert_eq!(projections.counts().damaged, 5);
    let feed = projections.feed();
    drop(opened);
    let opened = place.open();
    let writer = opened.dir.writer(WriterOptions::default(), move |commit| feed.offer(commit)).unwrap();
    writer.append(vec![started(1)]).unwrap();
    assert_eq!(writer.close(), Ok(facts.len() as u64 + 1));
    projections.settle();
}

#[test]
fn a_file_in_the_place_of_the_folder_is_set_aside() {
    let place = Place::new();
    drop(place.open());
    std::fs::write(place.file("projections"), "text").unwrap();
    let facts = run(5);
    let (_opened, projections) = with_projections(&place, &facts);
    check(&projections, &facts);
    assert_eq!(std::fs::read(place.file("projections.1")).unwrap(), b"text");
}

#[test]
fn projections_of_a_step_that_was_cut_off_are_forgotten() {
    let (place, facts) = (Place::new(), run(20));
    let begun = [facts.clone(), vec![candle(20), decision(1, 20, Action::Exit)]].concat();
    drop(with_projections(&place, &begun));
    let (_opened, projections) = with_projections(&place, &[started(3)]);
    check(&projections, &[facts, vec![started(3)]].concat());
    assert_eq!(projections.counts(), ProjectionCounts { rebuilt: 1, ..ProjectionCounts::default() });
}

#[test]
fn records_that_replaced_cut_off_ones_are_not_mixed_with_them() {
    let (place, facts) = (Place::new(), run(20));
    let begun = [facts.clone(), vec![candle(20), decision(1, 20, Action::Exit)]].concat();
    drop(with_projections(&place, &begun));
    // A run without projections takes the place of what was cut off, and goes further.
    let other = [candle(20), decision(0, 20, Action::Long), decision(1, 20, Action::Short), step_end(20)];
    append(&place.open().dir, &other);
    let opened = place.open();
    let projections = opened.dir.projections().unwrap();
    projections.settle();
    check(&projections, &[facts, other.to_vec()].concat());
    assert_eq!(projections.counts().rebuilt, 1);
}

#[test]
fn handlers_can_wait_for_an_answer_without_blocking() {
    let (place, facts) = (Place::new(), run(20));
    let (_opened, projections) = with_projections(&place, &facts);
    let reader = projections.reader();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let last = runtime.block_on(reader.read(|reader| reader.last_decisions(None, 5))).unwrap();
    assert_eq!(last.len(), 5);
    projections.close();
    assert!(matches!(reader.last_decisions(None, 5), Err(ProjectionError::Unavailable(_))));
}
