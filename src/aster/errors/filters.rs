//! Codes that are about a filter of a contract, with the filter's name. Knows no number of a contract.

use swarm_core::model::Filter;

/// Code and filter, descending by code.
pub const FILTERS: &[(i32, Filter)] = &[
    (-2025, Filter::MaxOrders),
    (-2027, Filter::LeverageBracket),
    (-2028, Filter::LeverageBracket),
    (-4001, Filter::Price),
    (-4002, Filter::Price),
    (-4003, Filter::LotSize),
    (-4004, Filter::LotSize),
    (-4005, Filter::LotSize),
    (-4006, Filter::Price),
    (-4007, Filter::Price),
    (-4013, Filter::Price),
    (-4014, Filter::Price),
    (-4016, Filter::PercentPrice),
    (-4023, Filter::LotSize),
    (-4024, Filter::PercentPrice),
    (-4028, Filter::LeverageBracket),
    (-4045, Filter::MaxConditionalOrders),
    (-4131, Filter::PercentPrice),
    (-4164, Filter::MinNotional),
    (-4183, Filter::PercentPrice),
    (-4184, Filter::PercentPrice),
];

/// The filter that a code is about; `None` where it is about none. Of a quantity that is too large it is not said whether
/// the largest of market orders is meant: that depends on the order.
pub fn filter(code: i64) -> Option<Filter> {
    FILTERS.iter().find(|(known, _)| i64::from(*known) == code).map(|(_, filter)| *filter)
}
