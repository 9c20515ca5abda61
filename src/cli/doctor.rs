//! `swarm doctor`: whether file, keys, account and venue fit each other. Asks, tells, changes nothing.

use super::console::{Cell, Console, Failure, Tone};
use super::{live, prepare};
use crate::aster::environment::Version;
use crate::aster::keys::{self, Keys};
use crate::aster::limiter::Limiter;
use crate::aster::rest::{Patience, Rest};
use crate::aster::sign::Credentials;
use crate::config::{Loaded, MarketSpec, RuntimePlan, VenueKind};
use crate::doctor::{AccountFacts, Facts, Finding, Level, ask_account, ask_market, examine, without_keys};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use swarm_core::model::Mode;

/// Check keys, clock, modes, leverage, filters, permissions and open positions against a swarm file.
///
/// Asks the venue and changes nothing there. Exit code 1 when anything fails; docs/doctor.md lists the checks.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The swarm that is to trade.
    #[arg(default_value = "swarm.yaml")]
    file: PathBuf,
    /// Which network: aster or aster-testnet; instead of the file's, and aster where that is neither.
    #[arg(long, value_name = "SPEC")]
    market: Option<MarketSpec>,
    /// Print the findings as one JSON document.
    #[arg(long)]
    pub(super) json: bool,
}

/// Runs the command.
pub fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let mut loaded = prepare::load(&args.file)?;
    let market = args.market.clone().unwrap_or_else(|| loaded.runtime.market.clone());
    if args.market.is_some() && !market.is_online() {
        return Err(Failure::input(format!("--market {market}: only aster and aster-testnet can be asked")));
    }
    let mut findings = vec![file(&loaded), state(&loaded.runtime.state_dir)];
    loaded.runtime.market = if market.is_online() { market } else { MarketSpec::Aster };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("failed", format!("cannot start: {error}")))?;
    let facts = runtime.block_on(ask(&loaded))?;
    let sets_margin = loaded.runtime.margin.is_some();
    findings.extend(examine(&loaded.plan, &facts).into_iter().map(|one| if sets_margin { one } else { as_left(one) }));
    show(&findings, args.json, console)
}

/// A margin type that the file does not name is left as it is by a live start.
fn as_left(finding: Finding) -> Finding {
    if finding.check != "margin type" || finding.level == Level::Ok {
        return finding;
    }
    let seen = format!("{}; the file names no `venue.margin`, so it stays", finding.seen);
    let todo = "write `venue: { margin: cross }` or isolated to have it set at the start";
    Finding { portfolio: finding.portfolio, ..Finding::new("margin type", Level::Warn, seen, todo) }
}

fn show(findings: &[Finding], json: bool, console: &mut Console) -> Result<(), Failure> {
    let count = |level: Level| findings.iter().filter(|finding| finding.level == level).count();
    let (failed, warned) = (count(Level::Fail), count(Level::Warn));
    if json {
        console.json(
            &serde_json::json!({ "ok": failed == 0, "failed": failed, "warned": warned, "findings": findings }),
        )?;
    } else {
        let row = |finding: &Finding| {
            let (word, tone) = match finding.level {
                Level::Ok => ("ok", Tone::Good),
                Level::Warn => ("warn", Tone::Warn),
                Level::Fail => ("fail", Tone::Bad),
            };
            let whose = finding.portfolio.as_deref().unwrap_or("");
            vec![Cell::text(word).toned(tone), Cell::text(finding.check), Cell::text(whose), Cell::text(&finding.seen)]
        };
        console.table(&["", "check", "portfolio", "seen"], &findings.iter().map(row).collect::<Vec<_>>())?;
        for finding in findings.iter().filter(|finding| finding.level != Level::Ok) {
            let of = finding.portfolio.as_ref().map_or_else(String::new, |name| format!(" of {name}"));
            console.line(&format!("{}{of}: {}", finding.check, finding.todo))?;
        }
    }
    if failed == 0 {
        return Ok(());
    }
    let failure = Failure::failed("unfit", format!("{failed} of {} checks fail", findings.len()));
    // The findings are the document already.
    Err(if json { failure.in_full() } else { failure })
}

/// Whether the file is one to go live with.
fn file(loaded: &Loaded) -> Finding {
    let (plan, runtime) = (&loaded.plan, &loaded.runtime);
    let mut missing = Vec::new();
    if plan.mode != Mode::Live {
        missing.push(format!("`mode: live` (it is {})", plan.mode.label()));
    }
    if runtime.venue != VenueKind::Aster {
        missing.push("`venue: { kind: aster }`".to_owned());
    }
    if !runtime.market.is_online() {
        missing.push("`market: { source: aster }`".to_owned());
    }
    for (portfolio, account) in plan.portfolios.iter().zip(&runtime.accounts) {
        if account.is_none() {
            missing.push(format!("`account` of portfolio `{}`", portfolio.name));
        }
    }
    if missing.is_empty() {
        Finding::new("file", Level::Ok, "it names accounts and says live", "")
    } else {
        let seen = format!("it lacks {}", missing.join(", "));
        Finding::new("file", Level::Warn, seen, "write these to trade with money; on paper nothing is missing")
    }
}

/// Whether the state directory, or what it will be made in, can be written.
fn state(path: &Path) -> Finding {
    let there = path.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("."));
    let probe = there.join(format!(".swarm-doctor-{}", std::process::id()));
    let written = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Finding::new("state", Level::Ok, format!("{} can be written", path.display()), ""),
        Err(error) => {
            let seen = format!("{} cannot be written: {error}", there.display());
            Finding::new("state", Level::Fail, seen, "let this user write there, or name another `state`")
        }
    }
}

fn client(
    runtime: &RuntimePlan,
    version: Version,
    keys: Option<Keys>,
    limiter: &Arc<Mutex<Limiter>>,
) -> Result<Rest, Failure> {
    let environment = live::environment(runtime, version)?;
    let credentials = keys.map(|keys| keys.credentials(environment.scheme()));
    Rest::new(environment, credentials, Arc::clone(limiter), Patience::default())
        .map_err(|error| Failure::failed("failed", error.to_string()))
}

async fn ask(loaded: &Loaded) -> Result<Facts, Failure> {
    let limiter = Arc::new(Mutex::new(Limiter::default()));
    let market = ask_market(&client(&loaded.runtime, Version::V1, None, &limiter)?).await;
    let mut accounts = Vec::new();
    let symbols: Vec<String> = loaded.plan.instruments.iter().map(|instrument| instrument.symbol.clone()).collect();
    for (portfolio, account) in loaded.runtime.accounts.iter().enumerate() {
        let Some(account) = account else { continue };
        if market.clock_us.is_err() {
            // The venue is not there, which has been said.
            continue;
        }
        accounts.push(ask_one(&loaded.runtime, portfolio, account, &symbols, &limiter).await?);
    }
    Ok(Facts { market, accounts })
}

async fn ask_one(
    runtime: &RuntimePlan,
    portfolio: usize,
    account: &str,
    symbols: &[String],
    limiter: &Arc<Mutex<Limiter>>,
) -> Result<AccountFacts, Failure> {
    let found = match Keys::from_environment(account) {
        Ok(found) => found,
        Err(error) => return Ok(without_keys(portfolio, error.to_string())),
    };
    let version = found.version();
    let scheme = live::environment(runtime, version)?.scheme();
    let (wallet, whose) = match found.clone().credentials(scheme) {
        Credentials::Wallet(signer) => {
            let (signer, user) = (signer.signer().to_string(), signer.user().to_string());
            let whose = format!("{}_PRIVATE_KEY signs as {signer} for {user}", keys::prefix(account));
            (Some((signer, user)), whose)
        }
        Credentials::Key(_) => (None, format!("{}_API_KEY is there", keys::prefix(account))),
    };
    let rest = client(runtime, version, Some(found), limiter)?;
    Ok(ask_account(portfolio, whose, wallet, &rest, limiter, symbols).await)
}
