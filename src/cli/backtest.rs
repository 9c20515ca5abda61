//! `swarm backtest`: the swarm over recorded candles through the loop host, and the report.

mod files;

use super::console::Failure;
use super::market::Recorded;
use super::progress::Progress;
use super::{interrupt, prepare, summary};
use crate::config::{Loaded, Setting};
use crate::market::Recording;
use crate::record::Recorder;
use crate::report::{Collector, Page, render};
use clap::Args as ClapArgs;
use files::Files;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use swarm_core::engine::{Engine, EngineOptions, Sink};
use swarm_core::experiment::Report;
use swarm_core::ledger::Trade;
use swarm_core::model::{AgentId, Fact, Passed, Plan, Step};
use swarm_core::risk::Supervisor;

/// Run the swarm over recorded candles and report.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The swarm to run.
    #[arg(default_value = "swarm.yaml")]
    file: PathBuf,
    #[command(flatten)]
    recorded: Recorded,
    /// A parameter of a cohort's agents in the place of what the file says, such as expert.entry_score=0.4.
    #[arg(long, value_name = "COHORT.KEY=VALUE")]
    set: Vec<Setting>,
    /// Write report.html, report.json, trades.csv, decisions.jsonl and equity.csv into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Which decisions decisions.jsonl holds.
    #[arg(long, value_enum, default_value_t = Decisions::Signals)]
    decisions: Decisions,
    /// Print the report as one JSON document.
    #[arg(long)]
    pub(super) json: bool,
}

/// Which decisions are recorded in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Decisions {
    /// All, HOLD included.
    All,
    /// Those that are not HOLD.
    Signals,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let loaded = prepare::load_with(&args.file, &args.set)?;
    let plan = Arc::new(loaded.plan.clone());
    let began = Instant::now();
    let recording = Arc::new(args.recorded.load(&args.file, &loaded)?);
    let load_s = began.elapsed().as_secs_f64();

    let record_holds = args.out.is_some() && args.decisions == Decisions::All;
    let options = EngineOptions { record_holds, record_candles: false, restart: loaded.runtime.restart };
    let make = prepare::rules(&plan);
    let mut engine =
        Engine::new(Arc::clone(&plan), make, options).map_err(|error| Failure::input(error.to_string()))?;
    let candles: Vec<usize> = recording.series.iter().map(Vec::len).collect();
    let mut warnings = recording.warnings.clone();
    warnings.extend(engine.hub().map(|hub| prepare::cold(&plan, hub, &candles)).unwrap_or_default());
    warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));

    let kept = args.out.as_deref().map(|folder| Kept::create(folder, &plan)).transpose()?;
    let mut sink = Output { recorder: Recorder::of_figures(Arc::clone(&plan)), kept, fault: None };
    let interrupted = interrupt::flag();
    let mut progress = Progress::new("backtest", recording.candles() as u64);
    let began = Instant::now();
    let complete = engine.run(&mut recording.tape(), &mut sink, |reel| {
        progress.reel(reel);
        !interrupted.load(Ordering::Relaxed)
    });
    let run_s = began.elapsed().as_secs_f64();
    progress.end();

    let Output { recorder, kept, fault } = sink;
    if let Some(fault) = fault {
        return Err(fault);
    }
    // A signal at the very last step found everything done.
    let partial = !complete && recorder.tracker().to() < recording.to;
    let gaps = recording.gaps.iter().flatten().map(|gap| gap.candles).sum();
    let fingerprint = recorder.fingerprint();
    let report = recorder.tracker().report(engine.supervisor(), fingerprint, gaps, partial, load_s, run_s);
    if let Some(kept) = kept {
        let market = format!("{} files below {}", recording.sources.len(), args.recorded.data.display());
        kept.finish(&report, &recorder, &loaded, &recording, (&market, &warnings))?;
    }
    summary::print(&report, args.json)?;
    if partial {
        let message = format!("stopped at {} of {}: the report is partial", report.to, recording.to);
        eprintln!("{message}");
        return Err(Failure::failed("partial", message).in_full());
    }
    Ok(())
}

/// What `--out` asks for: the files that grow, and what is kept in memory for the page.
struct Kept {
    files: Files,
    collected: Collector,
}

impl Kept {
    fn create(folder: &std::path::Path, plan: &Arc<Plan>) -> Result<Self, Failure> {
        Ok(Self { files: Files::create(folder, plan)?, collected: Collector::new(Arc::clone(plan)) })
    }

    fn finish(
        self,
        report: &Report,
        recorder: &Recorder,
        loaded: &Loaded,
        recording: &Recording,
        (market, warnings): (&str, &[String]),
    ) -> Result<(), Failure> {
        let tracker = recorder.tracker();
        let page = render(&Page {
            collected: &self.collected,
            report,
            trades: tracker.trades(),
            candles: &recording.series,
            market,
            warnings,
            sources: &loaded.sources,
            config_hash: &loaded.config_hash,
        });
        self.files.finish(report, tracker, &page)
    }
}

/// The recorder, and what `--out` asks for beside it.
struct Output {
    recorder: Recorder,
    kept: Option<Kept>,
    fault: Option<Failure>,
}

impl Output {
    /// The first fault ends the writing, and the run with it fails.
    fn write(&mut self, work: impl FnOnce(&mut Files, &Recorder) -> std::io::Result<()>) {
        if let Some(kept) = &mut self.kept
            && self.fault.is_none()
            && let Err(error) = work(&mut kept.files, &self.recorder)
        {
            self.fault = Some(files::failed(kept.files.folder(), &error));
        }
    }
}

impl Sink for Output {
    fn fact(&mut self, fact: &Fact) {
        self.recorder.fact(fact);
        if let Some(kept) = &mut self.kept {
            kept.collected.fact(fact);
            self.write(|files, _| files.fact(fact));
        }
    }
    fn trade(&mut self, trade: &Trade) {
        self.recorder.trade(trade);
        if let Some(kept) = &mut self.kept {
            kept.collected.trade(trade);
            self.write(|files, _| files.trade(trade));
        }
    }
    fn decided(&mut self, agent: AgentId) {
        self.recorder.decided(agent);
    }
    fn watches(&self) -> bool {
        self.kept.is_some()
    }
    fn passed(&mut self, passed: &Passed<'_>, supervisor: &Supervisor) {
        self.recorder.passed(passed, supervisor);
    }
    fn step_end(&mut self, step: &Step, supervisor: &Supervisor) {
        self.recorder.step_end(step, supervisor);
        if let Some(kept) = &mut self.kept {
            kept.collected.step_end(step.close_time, self.recorder.tracker(), supervisor);
            self.write(|files, recorder| files.step_end(step.close_time, recorder.tracker()));
        }
    }
}
