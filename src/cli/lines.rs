//! The readable lines that `run` prints while the swarm trades: signals with their verdict, fills,
//! closed trades, breakers, agents' lives.

use crate::control::{DecisionView, Event};
use std::io::Write;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Prints events until the channel closes: on stdout, or on stderr when stdout holds a document.
pub fn spawn(mut events: Receiver<Event>, to_stderr: bool) -> tokio::task::JoinHandle<()> {
    actix::spawn(async move {
        loop {
            let text = match events.recv().await {
                Ok(event) => line(&event),
                Err(RecvError::Lagged(lost)) => {
                    format!("… {lost} lines left out: the terminal is slower than the market")
                }
                Err(RecvError::Closed) => return,
            };
            // A terminal that is gone does not stop the swarm.
            let _ =
                if to_stderr { writeln!(std::io::stderr(), "{text}") } else { writeln!(std::io::stdout(), "{text}") };
        }
    })
}

/// A computed price to as many decimals as its size calls for.
fn price(price: f64) -> String {
    let decimals = match price {
        1_000.0.. => 1,
        1.0.. => 3,
        _ => 6,
    };
    format!("{price:.decimals$}")
}

fn signal(view: &DecisionView) -> String {
    let (record, why) = (&view.record, &view.record.explanation);
    let size = why.notional_usdt.map_or_else(String::new, |usdt| format!(" {usdt:.0} USDT"));
    let stop = why.stop_price.map_or_else(String::new, |stop| format!(" stop {}", price(stop)));
    format!(
        "{}  {:<18} {:<5} {}{size}{stop}  confidence {:.0}, T {:+.2}: {}",
        record.at,
        view.agent,
        record.decision.action.label().to_uppercase(),
        view.symbol,
        record.decision.confidence,
        record.decision.target_score,
        view.verdict.as_deref().unwrap_or("not asked"),
    )
}

/// One event as a line.
fn line(event: &Event) -> String {
    match event {
        Event::Signal(view) => signal(view),
        Event::Fill { at, agent, symbol, side, qty, price, fee, purpose } => format!(
            "{at}  {agent:<18} filled {} {qty} {symbol} at {price}, fee {:.2} ({})",
            super::summary::side(*side),
            fee.to_f64(),
            format!("{purpose:?}").to_lowercase()
        ),
        Event::Trade { at, agent, symbol, net_pnl, reason } => {
            format!("{at}  {agent:<18} closed {symbol}: {:+.2} USDT net ({reason})", net_pnl.to_f64())
        }
        Event::Breaker { at, scope, change } => format!("{at}  BREAKER {scope}: {change}"),
        Event::Agent { at, agent, change } => format!("{at}  {agent:<18} {change}"),
        Event::Notice { message } => format!("note: {message}"),
    }
}
