//! Sets the margin type of an account's contracts to what the swarm file says, before anything is traded. Where it cannot
//! be set, that is said and nothing starts: a position would stand behind another margin than its owner wrote.

use crate::aster::errors::Class;
use crate::aster::rest::{Outcome, Rest};
use crate::aster::wire::{MarginType, PositionRisk, calls};
use std::time::Duration;

/// Tries of each call; setting the same twice does no harm.
const TRIES: u32 = 3;
/// Between two tries.
const WAIT: Duration = Duration::from_secs(1);

/// A margin type that is not as the swarm file says and cannot be made so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarginError {
    /// The account's present margin types cannot be had.
    #[error("the venue does not tell the account's margin types: {0}")]
    Unknown(String),
    /// The venue refuses the change.
    #[error(
        "{symbol} has {present} margin at the venue and the swarm file says {wanted}, and the venue does not change it: \
         {why}; close what is open on it, or change `venue.margin`"
    )]
    Refused {
        /// Which contract.
        symbol: String,
        /// As it is.
        present: &'static str,
        /// As it should be.
        wanted: &'static str,
        /// In the venue's words.
        why: String,
    },
}

/// The name of a margin type, as swarm files write it.
const fn name(isolated: bool) -> &'static str {
    if isolated { "isolated" } else { "cross" }
}

/// Sets the margin type of contracts that have another one; which were changed. A contract without a row is set as well:
/// what it has is not known.
pub(super) async fn set(rest: &Rest, symbols: &[String], isolated: bool) -> Result<Vec<String>, MarginError> {
    let rows = positions(rest).await?;
    let mut changed = Vec::new();
    for symbol in symbols {
        let row = rows.iter().find(|row| row.symbol == *symbol);
        if row.is_some_and(|row| row.margin_type.is_isolated() == Some(isolated)) {
            continue;
        }
        if set_one(rest, symbol, isolated).await? {
            changed.push(symbol.clone());
        }
    }
    Ok(changed)
}

async fn positions(rest: &Rest) -> Result<Vec<PositionRisk>, MarginError> {
    let mut said = String::new();
    for _ in 0..TRIES {
        match rest.send(&calls::position_risk(None)).await {
            Outcome::Answered(rows) => return Ok(rows),
            Outcome::Refused(refusal) if refusal.class == Class::Halt => {
                return Err(MarginError::Unknown(refusal.to_string()));
            }
            other => said = words(other),
        }
        tokio::time::sleep(WAIT).await;
    }
    Err(MarginError::Unknown(said))
}

/// `false` when it was so already.
async fn set_one(rest: &Rest, symbol: &str, isolated: bool) -> Result<bool, MarginError> {
    let wanted = if isolated { MarginType::Isolated } else { MarginType::Crossed };
    let mut why = String::new();
    for _ in 0..TRIES {
        match rest.send(&calls::set_margin_type(symbol, wanted.clone())).await {
            Outcome::Answered(_) => return Ok(true),
            Outcome::AlreadySo => return Ok(false),
            Outcome::Refused(refusal) if refusal.class != Class::Retry => {
                why = refusal.to_string();
                break;
            }
            other => why = words(other),
        }
        tokio::time::sleep(WAIT).await;
    }
    let (present, wanted) = (name(!isolated), name(isolated));
    Err(MarginError::Refused { symbol: symbol.to_owned(), present, wanted, why })
}

fn words<T>(outcome: Outcome<T>) -> String {
    match outcome {
        Outcome::Answered(_) | Outcome::AlreadySo => String::new(),
        Outcome::Refused(refusal) => refusal.to_string(),
        Outcome::Unknown(cause) | Outcome::Unanswered(cause) => cause.to_string(),
        Outcome::NotSent(not_sent) => not_sent.to_string(),
    }
}
