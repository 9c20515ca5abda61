//! `swarm sweep`: many sets of parameters over the same recorded candles, and which of them did best. The winner
//! of many is lucky as a rule: what the best would have come to by chance alone is told beside it.

mod axes;
mod left_out;
mod outcome;
mod play;

use super::console::Failure;
use super::market::Recorded;
use super::progress::Progress;
use super::{interrupt, prepare};
use crate::config;
use crate::side_by_side;
use axes::{Axis, Set};
use clap::Args as ClapArgs;
use left_out::LeftOut;
use outcome::{Figure, Outcome};
use play::Sweep;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use swarm_core::engine::EngineOptions;
use swarm_core::model::Plan;

/// Try many sets of parameters over recorded candles.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The swarm whose parameters are varied.
    #[arg(default_value = "swarm.yaml")]
    file: PathBuf,
    #[command(flatten)]
    recorded: Recorded,
    /// What to vary, such as expert.entry_score=0.4,0.5,0.6 or expert.stop=0.02..0.08/7; may be given several times.
    #[arg(long = "param", value_name = "COHORT.KEY=VALUES", required = true)]
    params: Vec<Axis>,
    /// Draw so many sets at random in the place of the whole grid; then ranges need no count.
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// What the sample is drawn by.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Whose figures count; without it the first cohort that is varied.
    #[arg(long, value_name = "NAME")]
    cohort: Option<String>,
    /// The figure that the sets are ranked by.
    #[arg(long, value_enum, default_value_t = Figure::Sharpe)]
    by: Figure,
    /// How many of the best are shown.
    #[arg(long, default_value_t = 10, value_name = "N")]
    top: usize,
    /// Threads; without it one a core.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Write sweep.csv and sweep.json with all sets into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print all sets as one JSON document.
    #[arg(long)]
    pub(super) json: bool,
}

/// Time between two looks at how far it is.
const LOOKS_APART: Duration = Duration::from_millis(100);

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let sets = match args.sample {
        Some(count) => axes::sample(&args.params, count, args.seed),
        None => axes::grid(&args.params),
    };
    let sets = sets.map_err(Failure::input)?;
    let began = Instant::now();
    let jobs = args.jobs.map_or_else(side_by_side::threads, NonZeroUsize::get);
    let loaded = prepare::load(&args.file)?;
    let Swarms { sets, plans, left_out } = swarms(args, sets, jobs)?;
    left_out.words().iter().for_each(|line| eprintln!("{line}"));
    let cohort = cohort(args, &loaded.plan)?;
    let recording = Arc::new(args.recorded.load(&args.file, &loaded)?);
    recording.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    let prepare_s = began.elapsed().as_secs_f64();

    let options = EngineOptions { restart: loaded.runtime.restart, ..EngineOptions::default() };
    let (interrupted, candles) = (interrupt::flag(), AtomicU64::new(0));
    let sweep = Sweep { recording: &recording, options, interrupted: &interrupted, candles: &candles };
    let progress = Progress::new("sweep", (recording.candles() * plans.len()) as u64);
    let began = Instant::now();
    let reports = watched(&progress, &candles, || sweep.play(&plans, jobs));
    let reports = reports.map_err(|error| Failure::input(error.to_string()))?;
    let timing = outcome::Timing { prepare_s, run_s: began.elapsed().as_secs_f64(), threads: jobs };

    let outcome = Outcome::new(&args.params, sets, reports, cohort, args.by, timing, left_out);
    outcome.warning().iter().for_each(|warning| eprintln!("warning: {warning}"));
    if let Some(folder) = &args.out {
        outcome.write(folder)?;
    }
    outcome.print(args.top, args.json)
}

/// Does the work while a thread of its own shows how far it is.
fn watched<T>(progress: &Progress, candles: &AtomicU64, work: impl FnOnce() -> T) -> T {
    let is_done = AtomicBool::new(!progress.is_seen());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                progress.at(candles.load(Ordering::Relaxed));
                std::thread::park_timeout(LOOKS_APART);
            }
            progress.end();
        });
        let done = work();
        is_done.store(true, Ordering::Relaxed);
        done
    })
}

/// What is played: sets with their plans, and what is left out.
struct Swarms {
    sets: Vec<Set>,
    plans: Vec<Arc<Plan>>,
    left_out: LeftOut,
}

/// Sets with their plans, made on all threads: each goes through all checks of a swarm file. Those that do not pass are
/// left out. The file alone has passed them, so it is the parameters that do not fit.
fn swarms(args: &Args, sets: Vec<Set>, jobs: usize) -> Result<Swarms, Failure> {
    let plan = |set: &Set| config::load_with(&args.file, set).map(|loaded| Arc::new(loaded.plan));
    let loaded = side_by_side::map(&sets, jobs, plan);
    let mut swarms = Swarms { sets: Vec::new(), plans: Vec::new(), left_out: LeftOut::default() };
    let mut first = None;
    for (set, loaded) in sets.into_iter().zip(loaded) {
        match loaded {
            Ok(plan) => {
                swarms.sets.push(set);
                swarms.plans.push(plan);
            }
            Err(report) => {
                swarms.left_out.add(&set, &report);
                first.get_or_insert(report);
            }
        }
    }
    match first {
        Some(report) if swarms.plans.is_empty() => Err(prepare::tell(&report)),
        _ => Ok(swarms),
    }
}

fn cohort(args: &Args, plan: &Plan) -> Result<String, Failure> {
    let name = args.cohort.clone().unwrap_or_else(|| {
        args.params
            .first()
            .map(|axis| axis.name())
            .and_then(|name| Some(name.split_once('.')?.0.to_owned()))
            .unwrap_or_default()
    });
    if plan.cohorts.iter().any(|cohort| cohort.name == name) {
        return Ok(name);
    }
    let known: Vec<&str> = plan.cohorts.iter().map(|cohort| cohort.name.as_str()).collect();
    Err(Failure::input(format!("there is no cohort `{name}`; there is {}", known.join(", "))))
}
