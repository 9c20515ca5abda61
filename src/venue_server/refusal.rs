//! A refused request: status, code and text, as the venue words it. Decides nothing.

use crate::aster::errors::{self, ErrorBody};
use crate::aster::sign::ReadError;
use std::fmt::Display;
use swarm_core::model::{Filter, Instrument, Order, VenueReject};

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Status of HTTP.
    pub status: u16,
    /// The venue's code.
    pub code: i64,
    /// In words.
    pub msg: String,
}

impl Refusal {
    /// With status 400, as most.
    pub fn new(code: i64, msg: impl Into<String>) -> Self {
        Self { status: 400, code, msg: msg.into() }
    }
    /// With another status.
    pub fn with_status(status: u16, code: i64, msg: impl Into<String>) -> Self {
        Self { status, code, msg: msg.into() }
    }
    /// A parameter that is missing or cannot be read.
    pub fn parameter(name: &str) -> Self {
        Self::new(-1102, format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed."))
    }
    /// A value that is out of its range.
    pub fn value(name: &str, why: &str) -> Self {
        Self::new(-1130, format!("Data sent for parameter '{name}' is not valid: {why}."))
    }
    /// A symbol that is not traded here.
    pub fn symbol() -> Self {
        Self::new(-1121, "Invalid symbol.")
    }
    /// Something that AsterDEX has and this simulation has not.
    pub fn not_simulated(what: &str) -> Self {
        Self::new(-1020, format!("This operation is not supported: the simulated exchange has no {what}."))
    }
    /// An order that is not there.
    pub fn no_order() -> Self {
        Self::new(-2013, "Order does not exist.")
    }
    /// The same, for a cancel.
    pub fn unknown_order() -> Self {
        Self::new(-2011, "Unknown order sent.")
    }

    /// As the body of an answer, or an element of a batch.
    pub fn body(&self) -> ErrorBody {
        ErrorBody { code: self.code, msg: self.msg.clone() }
    }

    /// What the exchange's refusal of an order is in the venue's words, with the filter and the numbers where it is about
    /// a filter.
    pub fn of_order(why: VenueReject, order: &Order, instrument: &Instrument) -> Self {
        let mut refusal = Self::of_exchange(why);
        if Filter::of_reject(why, order.kind).is_some() {
            refusal.msg = format!("{} {}", refusal.msg, why.words(order, instrument));
        }
        refusal
    }

    /// A number of an order outside its filter.
    pub fn filter(code: i64, msg: &str, seen: impl Display, limit: impl Display) -> Self {
        let name = errors::filter(code).map_or("filter", Filter::name);
        Self::new(code, format!("{msg} {name}: {seen}, the limit is {limit}"))
    }

    /// What the exchange's refusal of an order is in the venue's words.
    pub fn of_exchange(why: VenueReject) -> Self {
        let (code, msg) = match why {
            VenueReject::NoMarket => (-1112, "No orders on book for symbol."),
            VenueReject::DuplicateId => (-4116, "ClientOrderId is duplicated."),
            VenueReject::BadCombination => (-1128, "Combination of optional parameters invalid."),
            VenueReject::PriceBand => (-4016, "Price is outside of the band around the mark price."),
            VenueReject::PriceTick => (-4014, "Price not increased by tick size."),
            VenueReject::QtyTooSmall => (-4004, "Quantity less than min quantity."),
            VenueReject::QtyTooLarge => (-4005, "Quantity greater than max quantity."),
            VenueReject::QtyStep => (-4023, "Quantity not increased by step size."),
            VenueReject::MinNotional => {
                (-4164, "Order's notional must be no smaller than the minimum (unless you choose reduce only).")
            }
            VenueReject::WouldTrigger => (-2021, "Order would immediately trigger."),
            VenueReject::WouldTake => (-5022, "Post only order would take liquidity and is rejected."),
            VenueReject::CannotFill => (-2020, "Unable to fill."),
            VenueReject::TooManyOrders => (-2025, "Reach max open order limit."),
            VenueReject::ReduceOnly => (-2022, "ReduceOnly Order is rejected."),
            VenueReject::LeverageBracket => (-2027, "Exceeded the maximum allowable position at current leverage."),
            VenueReject::Margin => (-2019, "Margin is insufficient."),
            VenueReject::Other | VenueReject::NeverArrived | VenueReject::NotSent => (-2010, "New order rejected."),
        };
        Self::new(code, msg)
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Encoding(name) => Self::new(-1100, format!("Illegal characters found in parameter '{name}'.")),
            ReadError::Duplicate(name) => {
                Self::new(-1101, format!("Duplicate values for parameter '{name}' detected."))
            }
            ReadError::Value(why) => {
                match why.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
                    Some(name) => Self::parameter(name),
                    None => Self::new(
                        -1102,
                        format!("Mandatory parameter was not sent, was empty/null, or malformed: {}.", cut(&why)),
                    ),
                }
            }
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(160).collect()
}
