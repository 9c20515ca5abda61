//! `swarm replay`: every decision in a journal, taken over again and compared.

use super::console::{self, Failure};
use super::prepare;
use crate::replay::{Difference, Part, Replayed, replay};
use crate::store::{Configuration, Configured, Names, StateView};
use clap::Args as ClapArgs;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use swarm_core::model::Fact;

/// Take every decision of a journal again and compare it, byte for byte; exit code 1 at a difference.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// State directory.
    dir: PathBuf,
    /// The swarm, where its plan is not kept in the state directory.
    file: Option<PathBuf>,
    /// Print the result as one JSON document.
    #[arg(long)]
    pub(super) json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let view = StateView::open(&args.dir).map_err(|error| Failure::input(error.to_string()))?;
    let parts = configurations(args, &view)?;
    let parts = parts.into_iter().map(|(after_seq, configuration)| {
        let plan = Arc::new(configuration.plan);
        Part { after_seq, make: prepare::rules(&plan), plan, restart: configuration.restart }
    });
    let failed = |error: crate::replay::ReplayError| Failure::failed("failed", error.to_string());
    let replayed = replay(|| view.facts(), parts.collect()).map_err(failed)?;
    let names = Names::of(view.manifest());
    let text = if args.json { pretty(&document(&replayed, names))? } else { in_words(&replayed, names) };
    console::print(&format!("{}\n", text.trim_end()))?;
    match replayed.difference {
        None => Ok(()),
        Some(_) => Err(Failure::failed("differs", "the journal and its replay differ").in_full()),
    }
}

fn pretty(document: &Value) -> Result<String, Failure> {
    serde_json::to_string_pretty(document).map_err(|error| Failure::failed("failed", error.to_string()))
}

/// Every configuration of the journal with the last record before it.
fn configurations(args: &Args, view: &StateView) -> Result<Vec<(u64, Configuration)>, Failure> {
    let named = view.manifest().configured();
    let given = match &args.file {
        Some(file) => {
            let loaded = prepare::load(file)?;
            if named.iter().all(|one| one.config_hash != loaded.config_hash) {
                eprintln!(
                    "warning: {} comes to another configuration than the journal was written under, or another version \
                     of swarm wrote it: differences may come from there",
                    file.display()
                );
            }
            Some((loaded.config_hash, Configuration { plan: loaded.plan, restart: loaded.runtime.restart }))
        }
        None => None,
    };
    let mut found = Vec::with_capacity(named.len());
    for Configured { after_seq, config_hash } in named {
        let of_file = given.as_ref().filter(|(hash, _)| *hash == config_hash);
        let kept = view.configuration(&config_hash).map_err(|error| Failure::input(error.to_string()))?;
        let configuration = of_file.map(|(_, one)| one.clone()).or(kept).or(given.as_ref().map(|(_, one)| one.clone()));
        let missing = || {
            let dir = args.dir.display();
            Failure::input(format!(
                "{dir} does not hold the plan it was written under: name the swarm's file, as in `swarm replay {dir} swarm.yaml`"
            ))
        };
        found.push((after_seq, configuration.ok_or_else(missing)?));
    }
    Ok(found)
}

fn fact_document(fact: Option<&Fact>, seq: u64, names: Names<'_>) -> Value {
    fact.map_or(Value::Null, |fact| names.fact_line(seq, fact))
}

fn document(replayed: &Replayed, names: Names<'_>) -> Value {
    let difference = replayed.difference.as_ref().map(|difference| {
        json!({
            "seq": difference.seq,
            "recorded": fact_document(difference.recorded.as_ref(), difference.seq, names),
            "replayed": fact_document(difference.replayed.as_ref(), difference.seq, names),
        })
    });
    json!({
        "steps": replayed.steps,
        "acts": replayed.acts,
        "same": replayed.same,
        "decisions": replayed.decisions,
        "orders": replayed.orders,
        "difference": difference,
    })
}

fn in_words(replayed: &Replayed, names: Names<'_>) -> String {
    let Replayed { steps, acts, same, decisions, orders, difference } = replayed;
    let counts =
        format!("{steps} steps and {acts} operators' acts taken again: {same} facts are the same, byte for byte");
    let kinds = format!("{decisions} of them are decisions, {orders} approved orders");
    let Some(Difference { seq, recorded, replayed }) = difference else {
        return format!("{counts}\n{kinds}\nno difference");
    };
    let line = |fact: &Option<Fact>| match fact {
        Some(fact) => names.fact_line(*seq, fact).to_string(),
        None => "nothing".to_owned(),
    };
    format!("{counts}\n{kinds}\nDIFFERENT at record {seq}\nrecorded  {}\nreplayed  {}", line(recorded), line(replayed))
}
