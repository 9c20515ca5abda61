//! `swarm backtest`: the swarm over recorded candles through the loop host, and the report.

use super::console::Failure;
use super::market;
use super::prepare;
use super::summary;
use crate::market::load;
use crate::record::Recorder;
use clap::Args as ClapArgs;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use swarm_core::engine::{Engine, EngineOptions, Sink};
use swarm_core::ledger::Trade;
use swarm_core::model::{AgentId, Fact, Plan, PortfolioId, Step, Time};
use swarm_core::risk::Supervisor;

/// Run the swarm over recorded candles and report.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The swarm to run.
    #[arg(default_value = "swarm.yaml")]
    file: PathBuf,
    /// Folder with recorded candles.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// First candle, such as 2024-01-01 or 2024-01-01T12:00:00Z; without it the first that all symbols have.
    #[arg(long, value_name = "DATE", value_parser = prepare::parse_date)]
    from: Option<Time>,
    /// End, not included; without it the end of what all symbols have.
    #[arg(long, value_name = "DATE", value_parser = prepare::parse_date)]
    to: Option<Time>,
    /// Write report.json, trades.csv, decisions.jsonl and equity.csv into this folder.
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
    let loaded = prepare::load(&args.file)?;
    let plan = Arc::new(loaded.plan);
    let began = Instant::now();
    let query = market::query(&plan, &args.data, args.from, args.to);
    let recording = Arc::new(load(&query).map_err(|error| Failure::input(error.to_string()))?);
    for warning in &recording.warnings {
        eprintln!("warning: {warning}");
    }
    let load_s = began.elapsed().as_secs_f64();

    let record_holds = args.out.is_some() && args.decisions == Decisions::All;
    let options = EngineOptions { record_holds, record_candles: false, restart: loaded.runtime.restart };
    let make = prepare::rules(&plan);
    let mut engine =
        Engine::new(Arc::clone(&plan), make, options).map_err(|error| Failure::input(error.to_string()))?;
    let files = args.out.as_deref().map(|folder| Files::create(folder, &plan)).transpose()?;
    let mut sink = Output { recorder: Recorder::new(Arc::clone(&plan), None), files, fault: None };
    let interrupted = interrupt_flag();
    let began = Instant::now();
    let complete = engine.run(&mut recording.tape(), &mut sink, |_| !interrupted.load(Ordering::Relaxed));
    let run_s = began.elapsed().as_secs_f64();

    let gaps = recording.gaps.iter().flatten().map(|gap| gap.candles).sum();
    let Output { recorder, files, fault } = sink;
    if let Some(fault) = fault {
        return Err(fault);
    }
    let fingerprint = recorder.fingerprint();
    let report = recorder.tracker().report(engine.supervisor(), fingerprint, gaps, !complete, load_s, run_s);
    if let Some(files) = files {
        files.finish(&report)?;
    }
    summary::print(&report, args.json)
}

/// Set by Ctrl-C: the run ends at the next step and its report is marked as partial.
fn interrupt_flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    // Signals need a runtime to arrive in; one thread sleeps for it and ends with the process.
    let listen = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime
            && runtime.block_on(tokio::signal::ctrl_c()).is_ok()
        {
            set.store(true, Ordering::Relaxed);
        }
    };
    // Without the thread Ctrl-C ends the process as it does any other.
    let _ = std::thread::Builder::new().name("ctrl-c".into()).spawn(listen);
    flag
}

/// The recorder, and the files of `--out` beside it.
struct Output {
    recorder: Recorder,
    files: Option<Files>,
    fault: Option<Failure>,
}

impl Output {
    fn write(&mut self, work: impl FnOnce(&mut Files) -> std::io::Result<()>) {
        if let Some(files) = &mut self.files
            && self.fault.is_none()
            && let Err(error) = work(files)
        {
            self.fault =
                Some(Failure::failed("failed", format!("cannot write into {}: {error}", files.folder.display())));
        }
    }
}

impl Sink for Output {
    fn fact(&mut self, fact: &Fact) {
        self.recorder.fact(fact);
        if self.files.is_some() {
            self.write(|files| files.fact(fact));
        }
    }
    fn trade(&mut self, trade: &Trade) {
        self.recorder.trade(trade);
        self.write(|files| files.trade(trade));
    }
    fn decided(&mut self, agent: AgentId) {
        self.recorder.decided(agent);
    }
    fn watches(&self) -> bool {
        self.files.is_some() || self.recorder.watches()
    }
    fn step_end(&mut self, step: &Step, supervisor: &Supervisor) {
        self.recorder.step_end(step, supervisor);
        if self.files.is_some() {
            self.write(|files| files.equity(step.close_time, supervisor));
        }
    }
}

/// What `--out` gets besides report.json.
struct Files {
    folder: PathBuf,
    plan: Arc<Plan>,
    trades: BufWriter<File>,
    decisions: BufWriter<File>,
    equity: BufWriter<File>,
    last_equity: Vec<i64>,
}

impl Files {
    fn create(folder: &Path, plan: &Arc<Plan>) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::failed("failed", format!("cannot write into {}: {error}", folder.display()))
        };
        fs::create_dir_all(folder).map_err(failed)?;
        let open = |name: &str| File::create(folder.join(name)).map(BufWriter::new).map_err(failed);
        let mut files = Self {
            folder: folder.to_owned(),
            plan: Arc::clone(plan),
            trades: open("trades.csv")?,
            decisions: open("decisions.jsonl")?,
            equity: open("equity.csv")?,
            last_equity: vec![i64::MIN; plan.portfolios.len()],
        };
        files.headers().map_err(failed)?;
        Ok(files)
    }

    fn headers(&mut self) -> std::io::Result<()> {
        writeln!(
            self.trades,
            "agent,cohort,portfolio,symbol,side,opened_at,closed_at,qty,entry_price,exit_price,gross_pnl,fees,funding,\
             slippage,net_pnl,leverage,reason"
        )?;
        writeln!(self.equity, "time,portfolio,equity")
    }

    fn trade(&mut self, trade: &Trade) -> std::io::Result<()> {
        let plan = &self.plan;
        let agent = &plan.agents[trade.agent.index()];
        writeln!(
            self.trades,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            agent.name,
            plan.cohorts[agent.cohort.index()].name,
            plan.portfolios[agent.portfolio.index()].name,
            plan.instrument(trade.symbol).symbol,
            summary::side(trade.side),
            trade.opened_at.0,
            trade.closed_at.0,
            trade.qty,
            trade.entry_price,
            trade.exit_price,
            trade.gross,
            trade.fees,
            trade.funding,
            trade.slippage,
            trade.net,
            trade.leverage,
            summary::exit_reason(trade.exit),
        )
    }

    fn fact(&mut self, fact: &Fact) -> std::io::Result<()> {
        let record = match fact {
            Fact::Signal(record) | Fact::Hold(record) => serde_json::json!({
                "agent": self.plan.agent_name(record.agent),
                "symbol": self.plan.instrument(record.symbol).symbol,
                "at": record.at.0,
                "candle": record.candle.0,
                "decision": record.decision,
                "explanation": record.explanation,
            }),
            Fact::Verdict { id, verdict, .. } => serde_json::json!({
                "agent": self.plan.agent_name(id.agent),
                "intent": id.number,
                "verdict": crate::record::verdict_text(verdict),
            }),
            _ => return Ok(()),
        };
        serde_json::to_writer(&mut self.decisions, &record)?;
        self.decisions.write_all(b"\n")
    }

    /// A row where equity moved, and one for each day's end, so that days without a trade are there.
    fn equity(&mut self, at: Time, supervisor: &Supervisor) -> std::io::Result<()> {
        let midnight = at.0.rem_euclid(swarm_core::model::DAY_MS) == 0;
        for (index, portfolio) in self.plan.portfolios.iter().enumerate() {
            let equity = supervisor.account_view(PortfolioId::at(index)).equity;
            if midnight || equity.0 != self.last_equity[index] {
                writeln!(self.equity, "{},{},{equity}", at.0, portfolio.name)?;
                self.last_equity[index] = equity.0;
            }
        }
        Ok(())
    }

    fn finish(mut self, report: &swarm_core::experiment::Report) -> Result<(), Failure> {
        let folder = self.folder.clone();
        let failed = |error: std::io::Error| {
            Failure::failed("failed", format!("cannot write into {}: {error}", folder.display()))
        };
        for file in [&mut self.trades, &mut self.decisions, &mut self.equity] {
            file.flush().map_err(failed)?;
        }
        let text =
            serde_json::to_string_pretty(report).map_err(|error| Failure::failed("failed", error.to_string()))?;
        fs::write(self.folder.join("report.json"), text + "\n").map_err(failed)
    }
}
