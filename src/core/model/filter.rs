//! A venue's filters by the names its list of contracts has for them, and which of them a refusal is about, with its
//! numbers. Words for people; knows no code of a venue and refuses nothing by itself.

use super::{Figure, Instrument, Level, Order, OrderKind, Price, Qty, Refusal, RefusalReason, Round, Usd, VenueReject};

/// What a venue asks of an order beyond its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filter {
    /// Prices are multiples of the tick, within the contract's own smallest and largest.
    Price,
    /// Prices are near the mark price.
    PercentPrice,
    /// Quantities are multiples of the step, between the smallest and the largest.
    LotSize,
    /// Quantities of market orders are at most so large.
    MarketLotSize,
    /// An order that may open is worth at least so much.
    MinNotional,
    /// So many orders may be open on a contract.
    MaxOrders,
    /// So many of them may wait for a trigger.
    MaxConditionalOrders,
    /// A position may be worth so much at its leverage.
    LeverageBracket,
}

impl Filter {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Price,
        Self::PercentPrice,
        Self::LotSize,
        Self::MarketLotSize,
        Self::MinNotional,
        Self::MaxOrders,
        Self::MaxConditionalOrders,
        Self::LeverageBracket,
    ];

    /// Its name in the venue's list of contracts; the table of leverage is a call of its own there.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Price => "PRICE_FILTER",
            Self::PercentPrice => "PERCENT_PRICE",
            Self::LotSize => "LOT_SIZE",
            Self::MarketLotSize => "MARKET_LOT_SIZE",
            Self::MinNotional => "MIN_NOTIONAL",
            Self::MaxOrders => "MAX_NUM_ORDERS",
            Self::MaxConditionalOrders => "MAX_NUM_ALGO_ORDERS",
            Self::LeverageBracket => "leverageBracket",
        }
    }

    /// Which filter a venue's refusal of an order is about, if it is about one.
    pub const fn of_reject(why: VenueReject, kind: OrderKind) -> Option<Self> {
        Some(match why {
            VenueReject::PriceTick => Self::Price,
            VenueReject::PriceBand => Self::PercentPrice,
            VenueReject::QtyStep | VenueReject::QtyTooSmall => Self::LotSize,
            VenueReject::QtyTooLarge => match kind {
                OrderKind::Limit { .. } => Self::LotSize,
                _ => Self::MarketLotSize,
            },
            VenueReject::MinNotional => Self::MinNotional,
            VenueReject::TooManyOrders => Self::MaxOrders,
            VenueReject::LeverageBracket => Self::LeverageBracket,
            _ => return None,
        })
    }
}

impl VenueReject {
    /// The refusal of an order in words: the filter's name with the order's number and the contract's, where it is about
    /// a filter.
    pub fn words(self, order: &Order, instrument: &Instrument) -> String {
        let Some(filter) = Filter::of_reject(self, order.kind) else { return format!("{self:?}") };
        format!("{}: {}", filter.name(), self.numbers(order, instrument))
    }

    fn numbers(self, order: &Order, instrument: &Instrument) -> String {
        let (kind, qty) = (order.kind, order.qty);
        let price = price_of(kind);
        let at = price.map_or_else(|| "at the market".to_owned(), |price| format!("at {price}"));
        match self {
            Self::PriceTick => {
                let price = price.map_or_else(String::new, |price| format!(" {price}"));
                format!("price{price} is no multiple of the tick {}", instrument.tick)
            }
            Self::PriceBand => match (kind, price) {
                (OrderKind::Limit { .. }, Some(price)) => {
                    format!("price {price} is further than {} of it from the mark price", instrument.price_band)
                }
                _ => format!("the market is further than {} from the mark price", instrument.market_take_bound),
            },
            Self::QtyStep => format!("quantity {qty} is no multiple of the step {}", instrument.step),
            Self::QtyTooSmall => format!("quantity {qty} is below the smallest, {}", instrument.min_qty),
            Self::QtyTooLarge => {
                let largest = match kind {
                    OrderKind::Limit { .. } => instrument.max_qty,
                    _ => instrument.max_market_qty,
                };
                format!("quantity {qty} is above the largest, {largest}")
            }
            Self::MinNotional => {
                let worth = price.map(|price| Usd::notional(price, qty, Round::Down));
                let worth = worth.map_or_else(String::new, |worth| format!(" is {worth} USDT and"));
                format!("quantity {qty} {at}{worth} is below the smallest, {} USDT", instrument.min_notional)
            }
            Self::TooManyOrders => format!("{} open orders are the most", instrument.max_open_orders),
            Self::LeverageBracket => {
                let allowed = instrument.brackets.iter().filter(|one| one.max_leverage >= order.leverage);
                let cap = allowed.map(|one| one.notional_cap).max().unwrap_or(Usd::ZERO);
                format!("with {qty} more a position at leverage {} is above {cap} USDT", order.leverage)
            }
            other => format!("{other:?}"),
        }
    }
}

/// The price that an order names.
const fn price_of(kind: OrderKind) -> Option<Price> {
    match kind {
        OrderKind::Market => None,
        OrderKind::Limit { price, .. } => Some(price),
        OrderKind::StopMarket { trigger } | OrderKind::TakeProfitMarket { trigger } => Some(trigger),
        OrderKind::TrailingStopMarket { activation, .. } => activation,
    }
}

impl Refusal {
    /// The venue's filter that this refusal rests on, if it does: all others are limits of ours.
    pub fn filter(&self, instrument: &Instrument) -> Option<Filter> {
        if self.level != Level::Venue {
            return None;
        }
        let is_market_lot = |limit: Qty| limit == instrument.max_market_qty && limit != instrument.max_qty;
        match (self.reason, self.limit) {
            (RefusalReason::BelowMinimum, Figure::Usd(_)) => Some(Filter::MinNotional),
            (RefusalReason::BelowMinimum, _) => Some(Filter::LotSize),
            (RefusalReason::AboveMaximum, Figure::Qty(limit)) if is_market_lot(limit) => Some(Filter::MarketLotSize),
            (RefusalReason::AboveMaximum, _) => Some(Filter::LotSize),
            (RefusalReason::PriceCollar, _) => Some(Filter::PercentPrice),
            (RefusalReason::MaxLeverage, _) => Some(Filter::LeverageBracket),
            _ => None,
        }
    }

    /// As [`Display`](std::fmt::Display), with the filter's name where it is a venue's.
    pub fn words(&self, instrument: &Instrument) -> String {
        match self.filter(instrument) {
            Some(filter) => format!("{} {self}", filter.name()),
            None => self.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;

    fn instrument() -> Instrument {
        let bracket = |cap, max_leverage| LeverageBracket {
            notional_cap: Usd::whole(cap),
            max_leverage,
            maintenance_rate: Rate(1_000_000),
            maintenance_amount: Usd::ZERO,
        };
        Instrument {
            symbol: "BTCUSDT".into(),
            tick: "0.1".parse().unwrap(),
            step: "0.001".parse().unwrap(),
            min_qty: "0.002".parse().unwrap(),
            max_qty: Qty::whole(1_000),
            max_market_qty: Qty::whole(120),
            min_notional: Usd::whole(5),
            price_band: "0.05".parse().unwrap(),
            market_take_bound: "0.03".parse().unwrap(),
            liquidation_fee: Rate::ZERO,
            max_open_orders: 200,
            brackets: vec![bracket(50_000, 125), bracket(250_000, 100), bracket(1_000_000, 50)],
        }
    }

    fn order(kind: OrderKind, qty: &str) -> Order {
        Order {
            id: OrderId { intent: IntentId { agent: AgentId(0), number: 1 }, leg: 0 },
            portfolio: PortfolioId(0),
            symbol: SymbolId(0),
            side: Side::Buy,
            kind,
            qty: qty.parse().unwrap(),
            reduce_only: false,
            close_position: false,
            leverage: 60,
            purpose: Purpose::Entry,
        }
    }

    #[test]
    fn a_venues_refusal_names_the_filter_and_the_numbers() {
        let limit = |price: &str| OrderKind::Limit { price: price.parse().unwrap(), tif: TimeInForce::Gtc };
        let stop = OrderKind::StopMarket { trigger: "99.95".parse().unwrap() };
        let check = |why: VenueReject, kind, qty, expected: &str| {
            assert_eq!(why.words(&order(kind, qty), &instrument()), expected);
        };
        use VenueReject::*;
        check(PriceTick, limit("100.05"), "1", "PRICE_FILTER: price 100.05 is no multiple of the tick 0.1");
        check(PriceTick, stop, "1", "PRICE_FILTER: price 99.95 is no multiple of the tick 0.1");
        check(PriceBand, limit("200"), "1", "PERCENT_PRICE: price 200 is further than 0.05 of it from the mark price");
        check(PriceBand, OrderKind::Market, "1", "PERCENT_PRICE: the market is further than 0.03 from the mark price");
        check(QtyStep, OrderKind::Market, "0.0015", "LOT_SIZE: quantity 0.0015 is no multiple of the step 0.001");
        check(QtyTooSmall, OrderKind::Market, "0.001", "LOT_SIZE: quantity 0.001 is below the smallest, 0.002");
        check(QtyTooLarge, limit("1"), "2000", "LOT_SIZE: quantity 2000 is above the largest, 1000");
        check(QtyTooLarge, OrderKind::Market, "130", "MARKET_LOT_SIZE: quantity 130 is above the largest, 120");
        let worth = "MIN_NOTIONAL: quantity 0.002 at 100 is 0.2 USDT and is below the smallest, 5 USDT";
        check(MinNotional, limit("100"), "0.002", worth);
        let market = "MIN_NOTIONAL: quantity 0.002 at the market is below the smallest, 5 USDT";
        check(MinNotional, OrderKind::Market, "0.002", market);
        check(TooManyOrders, stop, "1", "MAX_NUM_ORDERS: 200 open orders are the most");
        let bracket = "leverageBracket: with 3 more a position at leverage 60 is above 250000 USDT";
        check(LeverageBracket, OrderKind::Market, "3", bracket);
        check(WouldTrigger, stop, "1", "WouldTrigger");
        check(Margin, OrderKind::Market, "1", "Margin");
    }

    #[test]
    fn our_own_refusal_names_the_filter_where_it_is_the_venues() {
        let check = |reason, level, limit, seen, expected: &str| {
            assert_eq!(Refusal { reason, level, limit, seen }.words(&instrument()), expected);
        };
        let usd = |amount| Figure::Usd(Usd::whole(amount));
        let qty = |amount| Figure::Qty(Qty::whole(amount));
        let rate = |rate| Figure::Rate(Rate::whole(rate));
        use RefusalReason::{AboveMaximum, BelowMinimum, MaxLeverage, PriceCollar};
        check(BelowMinimum, Level::Venue, usd(5), usd(3), "MIN_NOTIONAL below_minimum: 3 seen, 5 allowed");
        check(BelowMinimum, Level::Venue, qty(2), qty(1), "LOT_SIZE below_minimum: 1 seen, 2 allowed");
        check(AboveMaximum, Level::Venue, qty(120), qty(121), "MARKET_LOT_SIZE above_maximum: 121 seen, 120 allowed");
        check(AboveMaximum, Level::Venue, qty(1_000), qty(1_001), "LOT_SIZE above_maximum: 1001 seen, 1000 allowed");
        check(PriceCollar, Level::Venue, rate(1), rate(2), "PERCENT_PRICE price_collar: 2 seen, 1 allowed");
        check(MaxLeverage, Level::Venue, rate(50), rate(60), "leverageBracket max_leverage: 60 seen, 50 allowed");
        // The same rules as limits of ours have no filter's name.
        check(PriceCollar, Level::Portfolio, rate(1), rate(2), "price_collar: 2 seen, 1 allowed");
        check(MaxLeverage, Level::Agent, rate(5), rate(6), "max_leverage: 6 seen, 5 allowed");
    }

    #[test]
    fn each_filter_has_a_name_of_its_own() {
        let mut names = Filter::ALL.map(Filter::name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
