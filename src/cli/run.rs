//! `swarm run`: the swarm as actors, on paper, until its market, its time or the operator ends it.

use super::console::{Console, Failure};
use super::live::{self, LiveMarket};
use super::market::{self, Market};
use super::{interrupt, lines, prepare, resumed, summary};
use crate::actors::{self, Barrier, Ended, KillSwitch, Pace, Setup};
use crate::api::{ApiServer, ApiState, Token};
use crate::bias;
use crate::config::{Loaded, MarketSpec, Overrides, RuntimePlan, Speed, VenueKind};
use crate::control::Control;
use crate::fold::{Folded, MakeFolded, STATE_FORMAT};
use crate::record::Listeners;
use crate::store::{Configuration, JournalWriter, Manifest, Opened, Projections, Snapshots, StateDir, WriterOptions};
use crate::telemetry::Metrics;
use clap::Args as ClapArgs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use swarm_core::engine::{Crew, RestartPolicy};
use swarm_core::features::Hub;
use swarm_core::model::{Mode, Plan, SymbolId, Time};

/// Market time over wall time of the synthetic market when nothing else is said: six 5m candles a
/// second, so that a first look sees trades within a minute.
const SYNTHETIC_SPEED: f64 = 1_800.0;
/// How often it is asked whether a signal came.
const SIGNAL_LOOKS_APART: Duration = Duration::from_millis(10);
/// Requests that may wait for the director.
const REQUESTS_WAITING: usize = 64;

/// Run the swarm.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The swarm to run.
    #[arg(default_value = "swarm.yaml")]
    file: PathBuf,
    /// Print the report as one JSON document at the end, and nothing else on stdout.
    #[arg(long)]
    pub(super) json: bool,
    /// synthetic[:SEED], replay:DIR, aster or aster-testnet; instead of the file's.
    #[arg(long, value_name = "SPEC")]
    market: Option<MarketSpec>,
    /// First candle of recorded data, or start of the synthetic market.
    #[arg(long, value_name = "DATE", value_parser = prepare::parse_date)]
    from: Option<Time>,
    /// End, not included.
    #[arg(long, value_name = "DATE", value_parser = prepare::parse_date)]
    to: Option<Time>,
    /// Market time over wall time, or max. Without it: 1800 on the synthetic market, max on recorded candles.
    #[arg(long, value_name = "N|max")]
    speed: Option<Speed>,
    /// Stop after so much wall time, such as 90s or 10m.
    #[arg(long = "for", value_name = "DUR", value_parser = prepare::parse_duration)]
    run_for: Option<Duration>,
    /// State directory: journal and snapshots; a run that was cut off goes on where it was.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Where the API, the status page and /metrics listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Which decisions are journaled in full. Without it: all, but signals at --speed max.
    #[arg(long, value_enum)]
    decisions: Option<super::backtest::Decisions>,
    /// Serve the API and /metrics, but no status page.
    #[arg(long)]
    no_dashboard: bool,
    /// Trade with real money; `mode: live` in the file must agree.
    #[arg(long)]
    live: bool,
    /// With --live: do not ask.
    #[arg(long, requires = "live")]
    yes: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let interrupted = interrupt::flag();
    let mut loaded = prepare::load(&args.file)?;
    refuse_live(args, loaded.plan.mode)?;
    let default_state = args.state.is_none();
    loaded.runtime.apply(Overrides {
        market: args.market.clone(),
        speed: args.speed,
        state_dir: args.state.clone(),
        listen: args.listen,
    });
    if args.live {
        agree_to_live(args, &loaded)?;
    }
    let warm_up = warm_up_steps(&loaded.plan, loaded.runtime.market.is_online())?;
    let system = actix::System::new();
    let (market, live) = if loaded.runtime.market.is_online() {
        refuse_past(args)?;
        let opening = live::open(&loaded.runtime, &mut loaded.plan, warm_up);
        let live = system.block_on(interrupt::unless_stopped(&interrupted, opening))?;
        (live.market(), Some(live))
    } else {
        (market::open(&loaded.plan, &loaded.runtime, args.from, args.to, warm_up)?, None)
    };
    if default_state {
        loaded.runtime.state_dir = loaded.runtime.state_dir.join(market.kind);
    }
    let listener = bind(loaded.runtime.listen)?;
    let opened = open_state(&loaded, &market, default_state)?;
    if opened.finished() {
        eprintln!("the run in {} has used up its data already: nothing is left to do", opened.dir.path().display());
    }
    system.block_on(host(args, loaded, (market, live), opened, listener, interrupted))
}

fn refuse_live(args: &Args, mode: Mode) -> Result<(), Failure> {
    match (mode, args.live) {
        (Mode::Live, false) => Err(Failure::input("`mode: live` trades real money: say so with --live as well")),
        (Mode::Live, true) => Ok(()),
        (Mode::Paper | Mode::Backtest, true) => {
            Err(Failure::input(format!("--live, but the file says `mode: {}`: make them agree", mode.label())))
        }
        (Mode::Paper | Mode::Backtest, false) => Ok(()),
    }
}

fn refuse_past(args: &Args) -> Result<(), Failure> {
    if args.from.is_some() || args.to.is_some() || args.speed.is_some() {
        return Err(Failure::input(
            "--from, --to and --speed are for recorded and made-up candles; a live market goes on as it goes",
        ));
    }
    Ok(())
}

/// Real money needs the venue's own prices, and a person's word.
fn agree_to_live(args: &Args, loaded: &Loaded) -> Result<(), Failure> {
    if !loaded.runtime.market.is_online() || loaded.runtime.venue != VenueKind::Aster {
        let help = "mode `live` trades at AsterDEX on AsterDEX's own prices: write `venue: { kind: aster }`, and \
                    --market aster or aster-testnet";
        return Err(Failure::input(help));
    }
    if args.yes {
        return Ok(());
    }
    let plan = &loaded.plan;
    let accounts: Vec<&str> = loaded.runtime.accounts.iter().flatten().map(String::as_str).collect();
    let act = format!(
        "{} agents of `{}` are about to trade account(s) {} at {}.",
        plan.agents.len(),
        plan.name,
        accounts.join(", "),
        loaded.runtime.market
    );
    Console::standard().confirm(Mode::Live, &act, &plan.name)
}

/// Base candles until every feature that the rules ask for has a value. On a live market, where each start begins with
/// other candles, until none depends on where they begin: a restart must not change what is decided.
fn warm_up_steps(plan: &Plan, is_online: bool) -> Result<u64, Failure> {
    let plan = Arc::new(plan.clone());
    let input = |error: swarm_core::engine::BuildError| Failure::input(error.to_string());
    let rules = prepare::rules(&plan);
    if is_online {
        return match bias::settled_steps(&plan, &rules) {
            Ok(steps) => Ok(steps as u64),
            Err(error) => Err(Failure::input(error.to_string())),
        };
    }
    let crew = Crew::build(&plan, &rules).map_err(input)?;
    let hub = Hub::new(plan.base, plan.gaps, &crew.wants).map_err(|error| input(error.into()))?;
    let longest = (0..plan.instruments.len()).map(|symbol| hub.warm_up_candles(SymbolId::at(symbol))).max();
    Ok(longest.unwrap_or(0) as u64)
}

fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|error| {
        Failure::failed(
            "failed",
            format!(
                "cannot listen on {address}: {error}; is another swarm running there? \
             Choose another address with --listen, such as --listen 127.0.0.1:0 for any free port"
            ),
        )
    })
}

fn open_state(loaded: &Loaded, market: &Market, default_state: bool) -> Result<Opened, Failure> {
    let seed = match loaded.runtime.market {
        MarketSpec::Synthetic { seed } => seed,
        MarketSpec::Replay { .. } | MarketSpec::Aster | MarketSpec::AsterTestnet => 0,
    };
    let wall_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let created_at = Time(i64::try_from(wall_ms).unwrap_or(i64::MAX));
    let manifest = Manifest::new(&loaded.plan, &market.label, seed, &loaded.config_hash, created_at);
    let path = &loaded.runtime.state_dir;
    let input = |error: crate::store::StoreError| Failure::input(error.to_string());
    resumed::check_equity(path, &loaded.plan, default_state)?;
    let opened = StateDir::open_from(path, &manifest, Some(STATE_FORMAT)).map_err(input)?;
    for (cut, what) in
        [(&opened.torn, "an end that was not written completely"), (&opened.begun, "a step that was begun")]
    {
        if let Some(cut) = cut {
            eprintln!("journal: {what} was cut off ({} bytes), a copy is {}", cut.bytes, cut.copy.display());
        }
    }
    if !(default_state && opened.finished()) {
        return Ok(opened);
    }
    // Nobody named this directory: a finished run makes way for a new one and is kept aside.
    let aside = opened.dir.rotate().map_err(input)?;
    eprintln!("the finished run in {} was moved to {}", path.display(), aside.display());
    StateDir::open_from(path, &manifest, Some(STATE_FORMAT)).map_err(input)
}

/// What a run writes.
struct Files {
    writer: Arc<JournalWriter>,
    projections: Projections,
    snapshots: Snapshots,
}

/// The state that the journal gives: that of the snapshot, if there is one, and of the facts behind it.
fn fold(opened: &Opened, plan: &Arc<Plan>, restart: RestartPolicy, listeners: Listeners) -> Result<Folded, Failure> {
    let restored = opened.snapshot.as_ref().and_then(|snapshot| {
        let folded = Folded::restored(plan, restart, Some(listeners.clone()), &snapshot.state)?;
        Some((snapshot.position, folded))
    });
    let failed = |error: crate::store::StoreError| Failure::failed("failed", error.to_string());
    let (facts, mut folded) = match restored {
        Some((position, folded)) => (opened.dir.facts_after(position).map_err(failed)?, folded),
        None => (opened.dir.facts().map_err(failed)?, Folded::new(plan, restart, Some(listeners))),
    };
    for record in facts {
        folded.apply(&record.map_err(failed)?.fact);
    }
    Ok(folded)
}

fn open_files(opened: &Opened, metrics: &Metrics, make: MakeFolded, runtime: &RuntimePlan) -> Result<Files, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::failed("failed", error.to_string());
    let snapshots =
        opened.dir.snapshots(STATE_FORMAT, make, runtime.journal_unpacked_files).map_err(|error| failed(&error))?;
    let file_is_full = snapshots.feed();
    let projections = opened.dir.projections().map_err(|error| failed(&error))?;
    let (feed, flushes) = (projections.feed(), metrics.clone());
    let options = WriterOptions { file_records: runtime.journal_file_records, ..WriterOptions::default() };
    let on_commit = move |commit: crate::store::Commit| {
        flushes.journal_flush(commit.took);
        commit.next_file.into_iter().for_each(&file_is_full);
        feed.offer(commit);
    };
    let writer = opened.dir.writer(options, on_commit).map_err(|error| failed(&error))?;
    Ok(Files { writer: Arc::new(writer), projections, snapshots })
}

async fn host(
    args: &Args,
    loaded: Loaded,
    (mut market, live): (Market, Option<LiveMarket>),
    opened: Opened,
    listener: TcpListener,
    interrupted: Arc<AtomicBool>,
) -> Result<(), Failure> {
    let plan = Arc::new(loaded.plan);
    let runtime = loaded.runtime;
    let pace = match (args.speed.is_some(), &runtime.market, runtime.speed) {
        (false, MarketSpec::Synthetic { .. }, _) => Pace::Times(SYNTHETIC_SPEED),
        (_, _, Speed::Times(times)) => Pace::Times(f64::from(times)),
        (_, _, Speed::Max) => Pace::Max,
    };
    let metrics = Metrics::new(&plan, env!("CARGO_PKG_VERSION"));
    let configuration = Configuration { plan: (*plan).clone(), restart: runtime.restart };
    opened.dir.keep_configuration(&configuration).map_err(|error| Failure::input(error.to_string()))?;
    let is_live = live.is_some();
    let accounts = match &live {
        Some(market) if plan.mode == Mode::Live => {
            let limiter = market.limiter();
            let accounts = live::accounts(&runtime, &plan, opened.dir.manifest().created_at, &limiter);
            interrupt::unless_stopped(&interrupted, accounts).await?
        }
        _ => Vec::new(),
    };
    let (control, requests) = Control::new(REQUESTS_WAITING);
    let listeners = Listeners { metrics: metrics.clone(), control: control.clone() };
    let folded = fold(&opened, &plan, runtime.restart, listeners)?;
    let make = MakeFolded { plan: Arc::clone(&plan), restart: runtime.restart };
    let files = open_files(&opened, &metrics, make, &runtime)?;
    let following = match live {
        Some(live) => {
            let start = live.start(&plan, folded.last_step, &metrics, &control, &mut market);
            Some(interrupt::unless_stopped(&interrupted, start).await?)
        }
        None => None,
    };
    let server = serve(args, &plan, &control, &metrics, &opened, listener).await?;
    let (live, followers) = following.unzip();
    let shown_pace = if is_live { Pace::Times(1.0) } else { pace };
    greet(args, &plan, &market, shown_pace, &server, opened.dir.path(), opened.records);
    let printer = lines::spawn(control.events(), args.json);
    stop_on_signals(control.clone(), interrupted);
    let all_decisions = match args.decisions {
        Some(decisions) => decisions == super::backtest::Decisions::All,
        None => is_live || pace != Pace::Max,
    };
    let setup = Setup {
        make: Arc::new(prepare::rules(&plan)),
        plan,
        tape: market.tape,
        live,
        accounts,
        warm_up_steps: market.warm_up_steps,
        is_new: opened.records == 0,
        folded,
        writer: Arc::clone(&files.writer),
        barrier: if pace == Pace::Max && !is_live { Barrier::Grouped } else { Barrier::Strict },
        record_holds: all_decisions,
        arbiters: runtime.arbiters,
        mailbox_capacity: runtime.mailbox_capacity,
        restart: runtime.restart,
        pace,
        run_for: args.run_for,
        market: market.label,
        load_s: market.load_s,
        control,
        requests,
        metrics,
        kill: KillSwitch::default(),
    };
    let outcome = actors::run(setup).await.map_err(|error| Failure::failed("failed", error.to_string()));
    drop(followers);
    let by_port = Token::file_for_port(Path::new("."), server.address().port());
    server.stop().await;
    // The token died with the run; a file that is gone already is as good.
    let _ = std::fs::remove_file(by_port);
    printer.abort();
    files.projections.close();
    files.snapshots.close();
    finish(args, outcome?)
}

async fn serve(
    args: &Args,
    plan: &Arc<Plan>,
    control: &Control,
    metrics: &Metrics,
    opened: &Opened,
    listener: TcpListener,
) -> Result<ApiServer, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::failed("failed", error.to_string());
    let token = Token::from_environment().map_err(|error| Failure::input(error.to_string()))?;
    let address = listener.local_addr().map_err(|error| failed(&error))?;
    // So that `swarm agent stop` on this machine needs no copying: one file by port, one by state.
    for path in [Token::file_for_port(Path::new("."), address.port()), Token::file_in_state(opened.dir.path())] {
        token.write_file(&path).map_err(|error| failed(&error))?;
    }
    let mut state = ApiState::new(plan, control.clone(), metrics.clone(), token).listening_on(address);
    if args.no_dashboard {
        state = state.without_page();
    }
    crate::api::serve(listener, state).await.map_err(|error| failed(&error))
}

fn greet(args: &Args, plan: &Plan, market: &Market, pace: Pace, server: &ApiServer, state: &Path, resumed: u64) {
    let speed = pace
        .speed()
        .map_or_else(|| "as fast as it can".to_owned(), |times| format!("{times} times as fast as the clock"));
    let text = format!(
        "swarm {} ({}): {} agents, {} symbols, market {}, {}\n{}status page {}\nmetrics     {}/metrics\nstate       {}\ntoken       {}\n",
        plan.name,
        plan.mode.label(),
        plan.agents.len(),
        plan.instruments.len(),
        market.label,
        speed,
        if resumed > 0 { format!("going on after {resumed} journaled facts\n") } else { String::new() },
        server.url(),
        server.url().trim_end_matches('/'),
        state.display(),
        Token::file_in_state(state).display(),
    );
    // A terminal that is gone does not stop the swarm.
    let _ = if args.json {
        std::io::stderr().write_all(text.as_bytes())
    } else {
        std::io::stdout().write_all(text.as_bytes())
    };
}

/// The first Ctrl-C or SIGTERM stops cleanly, whenever it came: also while the swarm was starting.
fn stop_on_signals(control: Control, interrupted: Arc<AtomicBool>) {
    actix::spawn(async move {
        while !interrupted.load(Ordering::Relaxed) {
            tokio::time::sleep(SIGNAL_LOOKS_APART).await;
        }
        eprintln!("stopping: positions stay under their stops; once more to end at once");
        control.shutdown("interrupted");
    });
}

fn finish(args: &Args, outcome: actors::Outcome) -> Result<(), Failure> {
    if let Some(report) = &outcome.report {
        summary::print(report, args.json)?;
    }
    match outcome.ended {
        Ended::Complete => Ok(()),
        Ended::Stopped(reason) => {
            eprintln!("stopped: {reason}");
            Ok(())
        }
        Ended::Halted(reason) => {
            // The report, if there is one, is the document on stdout already; this is for the operator.
            let message = format!(
                "trading stopped: {reason}. Stops that rest at the venue stay there; mend the cause and start again"
            );
            eprintln!("error: {message}");
            let failure = Failure::failed("halted", message);
            Err(if outcome.report.is_some() { failure.in_full() } else { failure.in_words() })
        }
    }
}
