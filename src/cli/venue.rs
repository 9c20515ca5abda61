//! `swarm venue`: serves the simulated exchange with AsterDEX's API until it is stopped.

use super::console::Failure;
use super::interrupt;
use crate::config::instruments::instrument;
use crate::config::{MarketSpec, defaults};
use crate::market::ticks::{Tick, TickKind, load_ticks};
use crate::market::{Query, SyntheticTape, load};
use crate::venue_server::{
    AccountSpec, Market, Pace, Recorded, RecordedKind, Setup, Venue, default_accounts, read_accounts, serve,
};
use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use swarm_core::model::{ExchangeParams, Instrument, Interval, Rate, SymbolId, Tape, Time};

/// Candles of the market before the venue opens.
const WARM_UP: usize = 1_500;
/// Contracts where none are named.
const SYMBOLS: &str = "BTCUSDT,ETHUSDT,SOLUSDT,BNBUSDT,XRPUSDT,DOGEUSDT";
/// Contracts at most.
const MAX_SYMBOLS: usize = 64;

/// Serve the simulated exchange with AsterDEX's API: REST under /fapi/v3 and /fapi/v1, streams under /ws and /stream.
///
/// What is served, and what is not, is in docs/venue.md. Faults, prices and time are set through /control, from this
/// machine only.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where it listens.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    listen: SocketAddr,
    /// The market: synthetic[:SEED], replay:DIR (candles) or ticks:DIR (trades and books).
    #[arg(long, value_name = "SPEC", default_value = "synthetic")]
    market: String,
    /// Accounts (YAML); without it three of 10,000 USDT with keys that everybody knows.
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// Seed of faults, and of the synthetic market where it names none.
    #[arg(long, value_name = "N", default_value_t = defaults::SEED)]
    seed: u64,
    /// How fast market time passes: a factor, max, or hand (by /control/step alone).
    #[arg(long, value_name = "SPEED", default_value = "1")]
    speed: String,
    /// Contracts, with commas between.
    #[arg(long, value_name = "LIST", default_value = SYMBOLS)]
    symbols: String,
    /// Candles that the market is made of.
    #[arg(long, value_name = "INTERVAL", default_value = "1m")]
    interval: Interval,
    /// The only chain id that V3 signatures are taken for; without it both the main network's 1666 and the test
    /// network's 714.
    #[arg(long, value_name = "ID")]
    chain_id: Option<u64>,
    /// Largest share of each trade of the market that an account's orders on a contract may trade: above 0 and at most
    /// 1. What is not traded stays open. Without it orders fill whole.
    #[arg(long, value_name = "SHARE", value_parser = participation)]
    participation: Option<Rate>,
    /// Count weights and orders by the minute, but never refuse for them: for tests under load.
    #[arg(long)]
    no_limits: bool,
}

fn pace(speed: &str) -> Result<Pace, Failure> {
    match speed {
        "max" => Ok(Pace::Max),
        "hand" => Ok(Pace::Hand),
        factor => match factor.parse::<f64>() {
            Ok(times) if times > 0.0 && times <= 100_000.0 => Ok(Pace::Times(times)),
            _ => Err(Failure::input(format!("--speed {factor}: give a factor up to 100000, max, or hand"))),
        },
    }
}

fn participation(text: &str) -> Result<Rate, String> {
    let share: Rate = text.parse().map_err(|_| "give a share such as 0.1".to_owned())?;
    if share > Rate::ZERO && share <= Rate::ONE { Ok(share) } else { Err("give a share above 0 and at most 1".into()) }
}

fn symbols(list: &str) -> Result<Vec<Instrument>, Failure> {
    let mut names: Vec<&str> = Vec::new();
    for name in list.split(',').map(str::trim) {
        let good = (1..=32).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !good || names.contains(&name) {
            return Err(Failure::input(format!(
                "--symbols: `{name}` is no symbol, or named twice; give names such as BTCUSDT with commas between"
            )));
        }
        names.push(name);
    }
    if names.len() > MAX_SYMBOLS {
        return Err(Failure::input(format!("--symbols: at most {MAX_SYMBOLS}")));
    }
    Ok(names.into_iter().map(instrument).collect())
}

/// Contracts and market. Of ticks all symbols are taken that the directory has, where none are named.
fn market(args: &Args, now: Time) -> Result<(Vec<Instrument>, Market), Failure> {
    let Some(dir) = args.market.strip_prefix("ticks:") else {
        let instruments = symbols(&args.symbols)?;
        let tape = tape(args, &instruments, now)?;
        return Ok((instruments, Market::Candles(tape)));
    };
    let named: Option<Vec<String>> = match args.symbols == SYMBOLS {
        true => None,
        false => Some(symbols(&args.symbols)?.into_iter().map(|instrument| instrument.symbol).collect()),
    };
    let ticks = load_ticks(Path::new(dir), named.as_deref()).map_err(|error| Failure::input(error.to_string()))?;
    let found: BTreeSet<&str> = ticks.iter().map(|tick| tick.symbol.as_str()).collect();
    let names = named.unwrap_or_else(|| found.into_iter().map(str::to_owned).collect());
    let instruments = symbols(&names.join(","))?;
    Ok((instruments, Market::Ticks(recorded(ticks, &names))))
}

fn recorded(ticks: Vec<Tick>, names: &[String]) -> Vec<Recorded> {
    let symbol = |name: &str| SymbolId::at(names.iter().position(|other| other == name).unwrap_or(0));
    let one = |tick: Tick| Recorded {
        symbol: symbol(&tick.symbol),
        at: tick.at,
        kind: match tick.kind {
            TickKind::Trade { price, qty, is_buyer_maker } => RecordedKind::Trade { price, qty, is_buyer_maker },
            TickKind::Book { bids, asks } => RecordedKind::Book { bids, asks },
        },
    };
    ticks.into_iter().map(one).collect()
}

fn tape(args: &Args, instruments: &[Instrument], now: Time) -> Result<Box<dyn Tape + Send>, Failure> {
    let spec: MarketSpec = args.market.parse().map_err(|error| Failure::input(format!("--market: {error}")))?;
    match spec {
        MarketSpec::Synthetic { seed } => {
            let seed = if args.market.contains(':') { seed } else { args.seed };
            let before = i64::try_from(WARM_UP).unwrap_or(0).saturating_mul(args.interval.ms());
            Ok(Box::new(SyntheticTape::new(seed, now.plus(-before), args.interval, instruments)))
        }
        MarketSpec::Replay { dir } => {
            let symbols = instruments.iter().map(|instrument| instrument.symbol.clone()).collect();
            let query = Query { dir, symbols, base: args.interval, from: None, to: None };
            let recording = load(&query).map_err(|error| Failure::input(error.to_string()))?;
            recording.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
            Ok(Box::new(Arc::new(recording).tape()))
        }
        MarketSpec::Aster | MarketSpec::AsterTestnet => Err(Failure::input(
            "--market: the venue makes its own market; use synthetic[:SEED], replay:DIR or ticks:DIR",
        )),
    }
}

fn accounts(args: &Args) -> Result<Vec<AccountSpec>, Failure> {
    let Some(path) = &args.accounts else { return Ok(default_accounts()) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))?;
    read_accounts(&text).map_err(|error| Failure::input(format!("{}: {error}", path.display())))
}

/// Chain ids of AsterDEX's networks: main, test.
const CHAIN_IDS: [u64; 2] = [1666, 714];

fn chain_ids(args: &Args) -> Vec<u64> {
    args.chain_id.map_or_else(|| CHAIN_IDS.to_vec(), |id| vec![id])
}

fn announce(args: &Args, address: SocketAddr, accounts: &[AccountSpec]) {
    let chains = chain_ids(args).iter().map(u64::to_string).collect::<Vec<_>>().join(" or ");
    println!("venue  http://{address}  ws://{address}  chain id {chains}");
    for (number, account) in (1..).zip(accounts) {
        println!("account  {}  {} USDT  user {}", account.name, account.balance, account.user);
        if args.accounts.is_none() {
            // These are known to everybody; keys of a file are never shown.
            println!(
                "         V3 private key: 32 bytes of 0x{number:02x}   V1 key: paper-{number}   secret: paper-{number}-secret"
            );
        }
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let pace = pace(&args.speed)?;
    let specs = accounts(args)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Time(i64::try_from(since.as_millis()).unwrap_or(0));
    let (instruments, market) = market(args, now)?;
    let mut venue = Venue::new(Setup {
        instruments,
        base: args.interval,
        market,
        warm_up: WARM_UP,
        start: Some(now),
        accounts: specs.clone(),
        params: ExchangeParams { participation: args.participation, ..ExchangeParams::default() },
        chain_ids: chain_ids(args),
        seed: args.seed,
        limits: !args.no_limits,
    });
    // The part of the first candle that has passed already, so that both clocks start together.
    venue.advance(u64::try_from(since.as_micros()).unwrap_or(u64::MAX), now);
    let listener = TcpListener::bind(args.listen)
        .map_err(|error| Failure::failed("listen", format!("cannot listen on {}: {error}", args.listen)))?;
    listener.set_nonblocking(true)?;
    let stop = interrupt::flag();
    actix_web::rt::System::new().block_on(async {
        let server = serve(listener, venue, pace)?;
        announce(args, server.address(), &specs);
        while !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        server.stop().await;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_make_no_sense_are_refused_with_what_to_do() {
        assert_eq!(pace("2.5").ok(), Some(Pace::Times(2.5)));
        assert_eq!(pace("hand").ok(), Some(Pace::Hand));
        for speed in ["0", "-1", "NaN", "fast", "1e9"] {
            assert!(pace(speed).is_err_and(|failure| failure.message.contains("hand")), "{speed}");
        }
        assert_eq!(participation("0.1"), Ok(Rate::percent(10)));
        for share in ["0", "-0.1", "1.1", "a tenth"] {
            assert!(participation(share).is_err(), "{share}");
        }
        assert!(symbols("BTCUSDT,BTCUSDT").is_err());
        assert!(symbols("btcusdt").is_err());
        assert_eq!(symbols("BTCUSDT, NEWUSDT").map(|all| all.len()).ok(), Some(2));
    }
}
