//! `swarm journal verify|export`, `swarm decisions` and `swarm compare`: what reads a state directory,
//! also while a run is writing it.

use super::card::card;
use super::console::{self, Failure};
use crate::control::DecisionView;
use crate::fold::{MakeFolded, STATE_FORMAT};
use crate::record::verdict_text;
use crate::store::{
    Configuration, Configured, ExportError, JournalEnding, StateDir, StateView, StoreError, Verification, export,
    verify,
};
use clap::{Args as ClapArgs, Subcommand};
use std::collections::VecDeque;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use swarm_core::journal::Record;
use swarm_core::model::{Fact, Plan, Time};

/// Read a journal.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Check every record; exit code 1 when one is damaged.
    Verify {
        /// State directory.
        dir: PathBuf,
        /// Print the result as one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Take a snapshot and pack what a start does not read any more; nothing is lost by it.
    Compact {
        /// State directory, of no running swarm.
        dir: PathBuf,
        /// Newest full files that stay unpacked.
        #[arg(long, default_value_t = 0, value_name = "N")]
        keep: usize,
        /// Print the result as one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Print every fact as a line of JSON.
    Export {
        /// State directory.
        dir: PathBuf,
    },
}

impl Args {
    /// Whether the result is one JSON document.
    pub(super) fn json(&self) -> bool {
        match &self.act {
            Act::Verify { json, .. } | Act::Compact { json, .. } => *json,
            Act::Export { .. } => false,
        }
    }
}

fn open(dir: &Path) -> Result<StateView, Failure> {
    StateView::open(dir).map_err(|error| Failure::input(error.to_string()))
}

fn failed(error: &StoreError) -> Failure {
    Failure::failed("failed", error.to_string())
}

/// Runs `swarm journal`.
pub fn run(args: &Args) -> Result<(), Failure> {
    match &args.act {
        Act::Verify { dir, json } => {
            let verification =
                verify(open(dir)?.facts().map_err(|error| failed(&error))?).map_err(|error| failed(&error))?;
            let text = if *json {
                serde_json::to_string_pretty(&verification)
                    .map_err(|error| Failure::failed("failed", error.to_string()))?
            } else {
                in_words(&verification)
            };
            console::print(&format!("{}\n", text.trim_end()))?;
            if verification.holds() {
                Ok(())
            } else {
                Err(Failure::failed("damaged", "the journal is damaged").in_full())
            }
        }
        Act::Compact { dir, keep, json } => compact(dir, *keep, *json),
        Act::Export { dir } => {
            let view = open(dir)?;
            let mut out = BufWriter::new(std::io::stdout().lock());
            let facts = view.facts().map_err(|error| failed(&error))?;
            let plans = Plans::of(&view)?;
            match export(facts, view.manifest(), |record| plans.words(record), &mut out) {
                // A reader that closed the pipe has read what it wanted.
                Err(ExportError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
                Err(error) => Err(Failure::failed("failed", error.to_string())),
                Ok(_) => Ok(()),
            }
        }
    }
}

/// The plans of a state directory, each with the last record before it; those that are kept there.
struct Plans(Vec<(u64, Option<Plan>)>);

impl Plans {
    fn of(view: &StateView) -> Result<Self, Failure> {
        let plan = |one: Configured| {
            let kept = view.configuration(&one.config_hash).map_err(|error| failed(&error))?;
            Ok((one.after_seq, kept.map(|kept| kept.plan)))
        };
        view.manifest().configured().into_iter().map(plan).collect::<Result<_, Failure>>().map(Self)
    }

    /// A verdict in the words of report and API: a refusal that rests on a filter of the venue names it.
    fn words(&self, record: &Record) -> Option<String> {
        let Fact::Verdict { id, verdict, .. } = &record.fact else { return None };
        let plan = self.0.iter().rev().find(|(after_seq, _)| *after_seq < record.seq());
        let contract = plan.and_then(|(_, plan)| plan.as_ref()?.instrument_of(id.agent));
        Some(verdict_text(verdict, contract))
    }
}

fn compact(dir: &Path, keep: usize, json: bool) -> Result<(), Failure> {
    let view = open(dir)?;
    let kept = view.configuration(&view.manifest().config_hash).map_err(|error| failed(&error))?;
    let Some(Configuration { plan, restart }) = kept else {
        return Err(Failure::input(format!(
            "{} does not hold the plan it was written under, as directories of earlier versions do: `swarm run` with it \
             once, then it does",
            dir.display()
        )));
    };
    let make = MakeFolded { plan: Arc::new(plan), restart };
    let packed = StateDir::compact(dir, STATE_FORMAT, &make, keep).map_err(|error| match error {
        StoreError::InUse { .. } => Failure::input(error.to_string()),
        error => failed(&error),
    })?;
    let text = if json {
        serde_json::to_string_pretty(&packed).map_err(|error| Failure::failed("failed", error.to_string()))?
    } else if packed.files == 0 {
        "nothing to pack".to_owned()
    } else {
        format!("{} files packed: {} bytes before, {} after", packed.files, packed.bytes_before, packed.bytes_after)
    };
    console::print(&format!("{text}\n"))
}

fn in_words(seen: &Verification) -> String {
    let time = |at: Option<Time>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let ending = match &seen.ending {
        JournalEnding::Whole => "every record holds".to_owned(),
        JournalEnding::Torn { offset, bytes } => format!(
            "every record holds; the last {bytes} bytes, from byte {offset} on, are no whole record: \
             a run is writing, or was cut off, and the next one cuts them"
        ),
        JournalEnding::Shortened { message, .. } => format!("SHORTENED: {message}"),
        JournalEnding::Damaged { offset, message } => format!("DAMAGED after byte {offset}: {message}"),
    };
    let begun = match seen.begun_records {
        0 => String::new(),
        records => format!(", {records} records of a step that was begun"),
    };
    format!(
        "{} records in {} bytes, {} steps{begun}\nfrom {} to {}\nfingerprint {}\nchain       {}\n{}\n{ending}",
        seen.records,
        seen.bytes,
        seen.steps,
        time(seen.first),
        time(seen.last),
        seen.fingerprint,
        seen.chain,
        if seen.finished { "finished: its data is used up" } else { "not finished: the next run goes on with it" },
    )
}

/// Show the last decisions with their grounds.
#[derive(Debug, ClapArgs)]
pub struct DecisionsArgs {
    /// State directory; without it the newest one below ./state.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Of this agent only.
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// How many.
    #[arg(long, default_value_t = 10, value_name = "N")]
    last: usize,
    /// Print them as one JSON document.
    #[arg(long)]
    pub(super) json: bool,
}

/// Runs `swarm decisions`.
pub fn decisions(args: &DecisionsArgs) -> Result<(), Failure> {
    let dir = match &args.state {
        Some(dir) => dir.clone(),
        None => newest_state(Path::new("state"))
            .ok_or_else(|| Failure::input("no state directory below ./state; name one with --state DIR"))?,
    };
    let view = open(&dir)?;
    let names = &view.manifest().agents;
    if let Some(name) = args.agent.as_ref().filter(|name| !names.contains(name)) {
        let nearest = crate::config::nearest::nearest(name, names.iter().map(String::as_str));
        let hint = nearest.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(Failure::input(format!("no agent named `{name}` in {}{hint}", dir.display())));
    }
    let views = last_decisions(&view, args.agent.as_deref(), args.last)?;
    let mut text = String::new();
    if args.json {
        text =
            serde_json::to_string_pretty(&views).map_err(|error| Failure::failed("failed", error.to_string()))? + "\n";
    } else if views.is_empty() {
        text.push_str("no decisions yet\n");
    } else {
        views.iter().for_each(|view| text.push_str(&card(view)));
    }
    console::print(&text)
}

/// The last decisions with what the supervisor said to them.
fn last_decisions(state: &StateView, agent: Option<&str>, count: usize) -> Result<Vec<DecisionView>, Failure> {
    let (manifest, plans) = (state.manifest(), Plans::of(state)?);
    let mut last: VecDeque<DecisionView> = VecDeque::new();
    for record in state.facts().map_err(|error| failed(&error))? {
        let record = record.map_err(|error| failed(&error))?;
        let (sequence, words) = (record.seq(), plans.words(&record));
        match record.fact {
            Fact::Signal(decision) | Fact::Hold(decision) => {
                let name = manifest.agents.get(decision.agent.index()).cloned().unwrap_or_default();
                if agent.is_some_and(|agent| agent != name) {
                    continue;
                }
                last.push_back(DecisionView {
                    sequence,
                    cohort: String::new(),
                    symbol: manifest.symbols.get(decision.symbol.index()).cloned().unwrap_or_default(),
                    agent: name,
                    record: *decision,
                    verdict: None,
                });
                if last.len() > count {
                    last.pop_front();
                }
            }
            // The verdict follows its decision before that agent's next one.
            Fact::Verdict { id, .. } => {
                let of_agent = |view: &&mut DecisionView| view.record.agent == id.agent;
                if let Some(view) = last.iter_mut().rev().find(of_agent) {
                    view.verdict = words;
                }
            }
            _ => {}
        }
    }
    Ok(last.into())
}

/// The state directory written to last, below `root`.
fn newest_state(root: &Path) -> Option<PathBuf> {
    let mut newest = None;
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let journal = folder.join("journal.bin");
        if let Ok(written) = journal.metadata().and_then(|metadata| metadata.modified()) {
            newest = newest.max(Some((written, folder)));
        } else if depth < 3
            && let Ok(entries) = std::fs::read_dir(&folder)
        {
            folders.extend(entries.flatten().map(|entry| (entry.path(), depth + 1)));
        }
    }
    newest.map(|(_, folder)| folder)
}
