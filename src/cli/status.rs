//! `swarm status`: the running swarm on one screen.

use super::client::{Client, Connection};
use super::console::{Cell, Console, Failure, Tone};
use crate::control::{CohortStatus, PortfolioStatus, PositionStatus, Snapshot};
use swarm_core::model::Mode;

/// Show the state of a running swarm.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Which swarm.
    #[command(flatten)]
    pub connection: Connection,
}

/// Runs the command.
pub(super) async fn execute(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&args.connection)?;
    if args.connection.json {
        return console.json(&client.get(&["api", "v1", "swarm"]).await?);
    }
    let snapshot = client.snapshot().await?;
    head(&snapshot, console)?;
    console.line("")?;
    portfolios(&snapshot.portfolios, console)?;
    console.line("")?;
    cohorts(&snapshot.cohorts, console)?;
    console.line("")?;
    super::agent::table(&snapshot.agents, console)?;
    console.line("")?;
    positions(&snapshot.positions, console)
}

fn head(snapshot: &Snapshot, console: &mut Console) -> Result<(), Failure> {
    let mode = match snapshot.mode {
        Mode::Live => Cell::text("LIVE, real money").toned(Tone::Bad),
        mode => Cell::text(mode.label()),
    };
    let phase = match snapshot.phase.as_str() {
        "running" => Cell::text("running").toned(Tone::Good),
        other => Cell::text(other).toned(Tone::Warn),
    };
    console.table(&["SWARM", "MODE", "PHASE"], &[vec![Cell::text(&snapshot.name), mode, phase]])?;
    let speed = snapshot.speed.map_or("as fast as possible".to_owned(), |speed| format!("{speed} times real time"));
    console.line(&format!(
        "market {}, {speed}; at {} after {} steps",
        snapshot.market, snapshot.market_time, snapshot.steps
    ))
}

fn portfolios(portfolios: &[PortfolioStatus], console: &mut Console) -> Result<(), Failure> {
    let row = |portfolio: &PortfolioStatus| {
        let entries = match (portfolio.breaker_tripped, portfolio.entries_gated) {
            (true, _) => Cell::text("breaker tripped").toned(Tone::Bad),
            (false, true) => Cell::text("gated").toned(Tone::Warn),
            (false, false) => Cell::text("open").toned(Tone::Good),
        };
        vec![
            Cell::text(&portfolio.name),
            Cell::number(format!("{:.2}", portfolio.equity.to_f64())),
            Cell::number(format!("{:.2}%", portfolio.drawdown.to_f64() * 100.0)),
            Cell::number(format!("{:.2}x", portfolio.leverage.to_f64())),
            Cell::number(portfolio.open_positions),
            entries,
        ]
    };
    let rows: Vec<_> = portfolios.iter().map(row).collect();
    console.table(&["PORTFOLIO", "EQUITY", "DRAWDOWN", "LEVERAGE", "POSITIONS", "ENTRIES"], &rows)?;
    for portfolio in portfolios.iter().filter(|portfolio| !portfolio.strategies_refused.is_empty()) {
        let (name, sorts) = (&portfolio.name, portfolio.strategies_refused.join(" and "));
        console.line(&format!(
            "{name}: the venue does not take {sorts} entries with their stop; each leaves alone until the next start, and \
             its stop follows the fill"
        ))?;
    }
    Ok(())
}

fn cohorts(cohorts: &[CohortStatus], console: &mut Console) -> Result<(), Failure> {
    let row = |cohort: &CohortStatus| {
        vec![
            Cell::text(&cohort.name),
            Cell::text(&cohort.portfolio),
            Cell::number(format!("{}/{}", cohort.running, cohort.agents)),
            Cell::number(cohort.wins),
            Cell::number(cohort.losses),
            Cell::number(format!("{:.2}", cohort.realized_pnl.to_f64())),
            Cell::number(format!("{:.2}", cohort.unrealized_pnl.to_f64())),
        ]
    };
    let rows: Vec<_> = cohorts.iter().map(row).collect();
    console.table(&["COHORT", "PORTFOLIO", "RUNNING", "WON", "LOST", "PROFIT", "OPEN PROFIT"], &rows)
}

fn positions(positions: &[PositionStatus], console: &mut Console) -> Result<(), Failure> {
    if positions.is_empty() {
        return console.line("no open position");
    }
    let row = |position: &PositionStatus| {
        let stop = match position.stop_price {
            Some(stop) => Cell::number(stop),
            None => Cell::number("none").toned(Tone::Bad),
        };
        vec![
            Cell::text(&position.portfolio),
            Cell::text(&position.symbol),
            Cell::text(&position.agent),
            Cell::number(position.qty),
            Cell::number(position.entry_price),
            Cell::number(position.mark_price),
            Cell::number(format!("{:.2}", position.unrealized_pnl.to_f64())),
            stop,
        ]
    };
    let rows: Vec<_> = positions.iter().map(row).collect();
    console.table(&["PORTFOLIO", "SYMBOL", "AGENT", "QUANTITY", "ENTRY", "MARK", "OPEN PROFIT", "STOP"], &rows)?;
    for position in positions {
        if let Some(price) = position.unconfirmed_mark_price {
            let (portfolio, symbol) = (&position.portfolio, &position.symbol);
            console.line(&format!(
                "{portfolio} {symbol}: a mark of {price} is too far off to be believed; nothing is done about it until \
                 others confirm it"
            ))?;
        }
    }
    Ok(())
}
