//! What `--out` gets while a backtest runs: trades.csv, decisions.jsonl and equity.csv, row by row; docs/reports.md
//! has their columns. Knows no figure and no page.

use super::super::console::Failure;
use super::super::summary;
use serde::Serialize;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use swarm_core::experiment::{Report, Tracker};
use swarm_core::ledger::Trade;
use swarm_core::model::{AgentId, CohortId, DAY_MS, Decision, Explanation, Fact, Plan, PortfolioId, Time, Usd};

/// With more agents than this, equity.csv has their rows at 00:00 UTC and at the ends only.
const AGENTS_AT_EVERY_CANDLE: usize = 100;

/// So much of a file is written at a time.
const GATHERED_BYTES: usize = 256 * 1024;

/// The files of a folder.
pub(super) struct Files {
    folder: PathBuf,
    plan: Arc<Plan>,
    trades: BufWriter<File>,
    decisions: BufWriter<File>,
    equity: Rows,
    curves: Vec<Curve>,
    begun: bool,
    /// The first 00:00 UTC, in epoch ms, that no step has ended at or after.
    next_midnight: i64,
}

/// equity.csv, which has millions of rows.
struct Rows {
    file: BufWriter<File>,
    /// The row that is written at the moment, and how much of it is its time, which most rows share with the one before.
    row: String,
    at: i64,
    time_bytes: usize,
}

impl Rows {
    fn new(mut file: BufWriter<File>) -> io::Result<Self> {
        writeln!(file, "time,portfolio,cohort,agent,equity")?;
        Ok(Self { file, row: String::new(), at: i64::MIN, time_bytes: 0 })
    }

    fn put(&mut self, at: i64, columns: &str, equity: Usd) -> io::Result<()> {
        if at == self.at {
            self.row.truncate(self.time_bytes);
        } else {
            self.row.clear();
            write!(self.row, "{at},").expect("invariant: writing to a text cannot fail");
            (self.at, self.time_bytes) = (at, self.row.len());
        }
        self.row.push_str(columns);
        self.row.push(',');
        equity.append_to(&mut self.row);
        self.row.push('\n');
        self.file.write_all(self.row.as_bytes())
    }
}

/// A decision in decisions.jsonl.
#[derive(Serialize)]
struct DecisionLine<'a> {
    agent: &'a str,
    symbol: &'a str,
    at: i64,
    candle: i64,
    decision: &'a Decision,
    explanation: &'a Explanation,
}

/// What became of an intent, likewise.
#[derive(Serialize)]
struct VerdictLine<'a> {
    agent: &'a str,
    intent: u32,
    verdict: &'a str,
}

/// One curve of equity.csv.
struct Curve {
    whose: Whose,
    /// `portfolio,cohort,agent`.
    columns: String,
    last: Usd,
}

#[derive(Clone, Copy)]
enum Whose {
    Portfolio(PortfolioId),
    Cohort(CohortId),
    Agent(AgentId),
}

impl Curve {
    fn equity(&self, tracker: &Tracker) -> Usd {
        match self.whose {
            Whose::Portfolio(portfolio) => tracker.portfolio_equity(portfolio),
            Whose::Cohort(cohort) => tracker.cohort_equity(cohort),
            Whose::Agent(agent) => tracker.agent_equity(agent),
        }
    }
}

/// The curves of a plan, all at their start.
fn curves(plan: &Plan) -> Vec<Curve> {
    let start = |portfolio: PortfolioId| plan.portfolios[portfolio.index()].equity;
    let name = |portfolio: PortfolioId| &plan.portfolios[portfolio.index()].name;
    let portfolios = (0..plan.portfolios.len()).map(PortfolioId::at).map(|id| {
        let columns = format!("{},,", name(id));
        Curve { whose: Whose::Portfolio(id), columns, last: start(id) }
    });
    let cohorts = plan.cohorts.iter().enumerate().map(|(index, cohort)| {
        let columns = format!("{},{},", name(cohort.portfolio), cohort.name);
        Curve { whose: Whose::Cohort(CohortId::at(index)), columns, last: start(cohort.portfolio) }
    });
    let agents = plan.agents.iter().enumerate().map(|(index, agent)| {
        let columns = format!("{},{},{}", name(agent.portfolio), plan.cohorts[agent.cohort.index()].name, agent.name);
        Curve { whose: Whose::Agent(AgentId::at(index)), columns, last: start(agent.portfolio) }
    });
    portfolios.chain(cohorts).chain(agents).collect()
}

/// A file of the folder could not be written.
pub(super) fn failed(folder: &Path, error: &io::Error) -> Failure {
    Failure::failed("failed", format!("cannot write into {}: {error}", folder.display()))
}

impl Files {
    /// Opens the files. What an earlier run left as its report is removed, so that no report stands beside rows
    /// that it is not made of.
    pub fn create(folder: &Path, plan: &Arc<Plan>) -> Result<Self, Failure> {
        Self::open(folder, plan).map_err(|error| failed(folder, &error))
    }

    fn open(folder: &Path, plan: &Arc<Plan>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        for name in ["report.json", "report.html"] {
            match fs::remove_file(folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let open =
            |name: &str| File::create(folder.join(name)).map(|file| BufWriter::with_capacity(GATHERED_BYTES, file));
        let mut files = Self {
            folder: folder.to_owned(),
            plan: Arc::clone(plan),
            trades: open("trades.csv")?,
            decisions: open("decisions.jsonl")?,
            equity: Rows::new(open("equity.csv")?)?,
            curves: curves(plan),
            begun: false,
            next_midnight: 0,
        };
        writeln!(
            files.trades,
            "agent,cohort,portfolio,symbol,side,opened_at,closed_at,qty,entry_price,exit_price,gross_pnl,fees,funding,\
             slippage,net_pnl,leverage,reason,intent"
        )?;
        Ok(files)
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes a closed trade.
    pub fn trade(&mut self, trade: &Trade) -> io::Result<()> {
        let plan = &self.plan;
        let agent = &plan.agents[trade.agent.index()];
        writeln!(
            self.trades,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
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
            trade.intent.number,
        )
    }

    /// Takes a fact.
    pub fn fact(&mut self, fact: &Fact) -> io::Result<()> {
        let plan = &self.plan;
        match fact {
            Fact::Signal(record) | Fact::Hold(record) => {
                let line = DecisionLine {
                    agent: plan.agent_name(record.agent),
                    symbol: &plan.instrument(record.symbol).symbol,
                    at: record.at.0,
                    candle: record.candle.0,
                    decision: &record.decision,
                    explanation: &record.explanation,
                };
                serde_json::to_writer(&mut self.decisions, &line)?;
            }
            Fact::Verdict { id, verdict, .. } => {
                let verdict = crate::record::verdict_text(verdict, plan.instrument_of(id.agent));
                let line = VerdictLine { agent: plan.agent_name(id.agent), intent: id.number, verdict: &verdict };
                serde_json::to_writer(&mut self.decisions, &line)?;
            }
            _ => return Ok(()),
        }
        self.decisions.write_all(b"\n")
    }

    /// Takes the end of a step that `tracker` has taken already: a row for each curve that moved, and one for each
    /// at the start and at each day's end, so that days without a trade are there, and those without candles.
    pub fn step_end(&mut self, at: Time, tracker: &Tracker) -> io::Result<()> {
        if let Some(from) = tracker.from()
            && !self.begun
        {
            self.begun = true;
            self.next_midnight = (from.day() + 1) * DAY_MS;
            self.rows(from.0)?;
        }
        while self.next_midnight < at.0 {
            self.rows(self.next_midnight)?;
            self.next_midnight += DAY_MS;
        }
        let is_day_end = at.0.rem_euclid(DAY_MS) == 0;
        let agents_too = self.plan.agents.len() <= AGENTS_AT_EVERY_CANDLE;
        for curve in &mut self.curves {
            let equity = curve.equity(tracker);
            let moved = equity != curve.last && (agents_too || !matches!(curve.whose, Whose::Agent(_)));
            if is_day_end || moved {
                self.equity.put(at.0, &curve.columns, equity)?;
            }
            curve.last = equity;
        }
        if is_day_end {
            self.next_midnight = at.0 + DAY_MS;
        }
        Ok(())
    }

    /// A row for each curve, with what it came to last.
    fn rows(&mut self, at: i64) -> io::Result<()> {
        for Curve { columns, last, .. } in &self.curves {
            self.equity.put(at, columns, *last)?;
        }
        Ok(())
    }

    /// Writes the report and ends all files.
    pub fn finish(self, report: &Report, tracker: &Tracker, page: &str) -> Result<(), Failure> {
        let folder = self.folder.clone();
        self.end(report, tracker, page).map_err(|error| failed(&folder, &error))
    }

    fn end(mut self, report: &Report, tracker: &Tracker, page: &str) -> io::Result<()> {
        let at = tracker.to();
        if self.begun && at.0.rem_euclid(DAY_MS) != 0 {
            for curve in &self.curves {
                self.equity.put(at.0, &curve.columns, curve.equity(tracker))?;
            }
        }
        for file in [&mut self.trades, &mut self.decisions, &mut self.equity.file] {
            file.flush()?;
        }
        fs::write(self.folder.join("report.html"), page)?;
        let text = serde_json::to_string_pretty(report)?;
        fs::write(self.folder.join("report.json"), text + "\n")
    }
}
