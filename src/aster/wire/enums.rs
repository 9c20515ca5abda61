//! Closed sets of the venue, read openly: a value that is not known is kept as it came, since the venue adds some
//! without notice and one new word must not make a whole answer unreadable.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use swarm_core::model;

macro_rules! open_enum {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(
                #[doc = concat!("`", $text, "`")]
                $variant,
            )+
            /// A word that was not known when this was written.
            Other(Box<str>),
        }

        impl $name {
            /// Every word that is known.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),+];

            /// The word, as the venue writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(word) => word,
                }
            }
            /// Of a word.
            pub fn of(word: &str) -> Self {
                match word {
                    $($text => Self::$variant,)+
                    other => Self::Other(other.into()),
                }
            }
            /// Whether the word is one that is known.
            pub const fn is_known(&self) -> bool {
                !matches!(self, Self::Other(_))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(self.as_str())
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Word;
                impl serde::de::Visitor<'_> for Word {
                    type Value = $name;
                    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                        write!(out, "a {}, as text", stringify!($name))
                    }
                    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<$name, E> {
                        Ok($name::of(word))
                    }
                }
                from.deserialize_str(Word)
            }
        }
    )+};
}

open_enum! {
    /// Buy or sell.
    Side { Buy = "BUY", Sell = "SELL" }
    /// Which position an order or row belongs to: `BOTH` in one-way mode.
    PositionSide { Both = "BOTH", Long = "LONG", Short = "SHORT" }
    /// Type of an order. The last two come from the venue only.
    OrderType {
        Limit = "LIMIT", Market = "MARKET", Stop = "STOP", StopMarket = "STOP_MARKET", TakeProfit = "TAKE_PROFIT",
        TakeProfitMarket = "TAKE_PROFIT_MARKET", TrailingStopMarket = "TRAILING_STOP_MARKET",
        Liquidation = "LIQUIDATION",
    }
    /// How long an order stands. `GTX` is post-only, `HIDDEN` rests unseen.
    TimeInForce {
        Gtc = "GTC", Ioc = "IOC", Fok = "FOK", Gtx = "GTX", Hidden = "HIDDEN", GteGtc = "GTE_GTC",
    }
    /// Where an order is in its life. The last two come in streams only.
    OrderStatus {
        New = "NEW", PartiallyFilled = "PARTIALLY_FILLED", Filled = "FILLED", Canceled = "CANCELED",
        Rejected = "REJECTED", Expired = "EXPIRED", NewInsurance = "NEW_INSURANCE", NewAdl = "NEW_ADL",
    }
    /// What an order event reports. `CALCULATED` is a liquidation.
    ExecutionType {
        New = "NEW", Canceled = "CANCELED", Calculated = "CALCULATED", Expired = "EXPIRED", Trade = "TRADE",
    }
    /// Price that triggers are measured by; the last traded one where nothing is said.
    WorkingType { ContractPrice = "CONTRACT_PRICE", MarkPrice = "MARK_PRICE" }
    /// How much an order's answer says.
    ResponseType { Ack = "ACK", Result = "RESULT" }
    /// Which of two orders of one account ends when they would trade with each other.
    StpMode { ExpireTaker = "EXPIRE_TAKER", ExpireMaker = "EXPIRE_MAKER", ExpireBoth = "EXPIRE_BOTH" }
    /// What a limit price follows.
    PegPriceType { Counterparty1 = "COUNTERPARTY_1", Queue1 = "QUEUE_1" }
    /// Whether a symbol can be traded.
    SymbolStatus {
        PendingTrading = "PENDING_TRADING", Trading = "TRADING", PreSettle = "PRE_SETTLE", Settling = "SETTLING",
        Close = "CLOSE",
    }
    /// Kind of contract.
    ContractType { Perpetual = "PERPETUAL" }
    /// What a rate limit counts.
    RateLimitType { RequestWeight = "REQUEST_WEIGHT", Orders = "ORDERS", RawRequests = "RAW_REQUEST" }
    /// Unit of a rate limit's interval.
    RateLimitInterval { Second = "SECOND", Minute = "MINUTE", Hour = "HOUR", Day = "DAY" }
    /// Why money moved.
    IncomeType {
        Transfer = "TRANSFER", WelcomeBonus = "WELCOME_BONUS", RealizedPnl = "REALIZED_PNL",
        FundingFee = "FUNDING_FEE", Commission = "COMMISSION", InsuranceClear = "INSURANCE_CLEAR",
        MarketMerchantReturnReward = "MARKET_MERCHANT_RETURN_REWARD",
    }
    /// Why an account event was sent.
    AccountReason {
        Deposit = "DEPOSIT", Withdraw = "WITHDRAW", Order = "ORDER", FundingFee = "FUNDING_FEE",
        WithdrawReject = "WITHDRAW_REJECT", Adjustment = "ADJUSTMENT", InsuranceClear = "INSURANCE_CLEAR",
        AdminDeposit = "ADMIN_DEPOSIT", AdminWithdraw = "ADMIN_WITHDRAW", MarginTransfer = "MARGIN_TRANSFER",
        MarginTypeChange = "MARGIN_TYPE_CHANGE", AssetTransfer = "ASSET_TRANSFER",
        OptionsPremiumFee = "OPTIONS_PREMIUM_FEE", OptionsSettleProfit = "OPTIONS_SETTLE_PROFIT",
        AutoExchange = "AUTO_EXCHANGE",
    }
    /// Why the venue closed a position.
    AutoCloseType { Liquidation = "LIQUIDATION", Adl = "ADL" }
    /// Margin of a position. Answers spell it in three ways; [`is_isolated`](MarginType::is_isolated) reads all.
    MarginType { Isolated = "ISOLATED", Crossed = "CROSSED", IsolatedLower = "isolated", CrossLower = "cross" }
    /// Kind of strategy order.
    StrategyType { Oto = "OTO", Oco = "OCO", Otoco = "OTOCO", Chase = "CHASE" }
    /// Where a strategy order is in its life.
    StrategyStatus { New = "NEW", Working = "WORKING", Expired = "EXPIRED", Canceled = "CANCELED", Failed = "FAILED" }
    /// Event of another leg that a leg of a strategy order waits for; empty when it waits for none.
    DrivenOn {
        None = "", New = "NEW", PartiallyFilledOrFilled = "PARTIALLY_FILLED_OR_FILLED", Filled = "FILLED",
        Canceled = "CANCELED", Replaced = "REPLACED", Stopped = "STOPPED", Rejected = "REJECTED",
        Expired = "EXPIRED",
    }
    /// What then happens to the leg; empty when nothing does.
    LegTrigger { None = "", PlaceOrder = "PLACE_ORDER", CancelOrder = "CANCEL_ORDER" }
    /// Product of a leg: requests and answers name it differently.
    SecurityType { UsdtFutures = "USDT_FUTURES", Future = "FUTURE" }
    /// Length of a candle.
    KlineInterval {
        M1 = "1m", M3 = "3m", M5 = "5m", M15 = "15m", M30 = "30m", H1 = "1h", H2 = "2h", H4 = "4h", H6 = "6h",
        H8 = "8h", H12 = "12h", D1 = "1d", D3 = "3d", W1 = "1w", Month1 = "1M",
    }
    /// Way of a transfer between wallets.
    TransferKind { FutureSpot = "FUTURE_SPOT", SpotFuture = "SPOT_FUTURE" }
    /// Unit of a chase order's quantity.
    QuantityUnit { Base = "BASE", Quote = "QUOTE" }
    /// Whether an offset is in price units or in percent.
    OffsetType { Absolute = "ABSOLUTE", Percentage = "PERCENTAGE" }
}

impl From<model::Side> for Side {
    fn from(side: model::Side) -> Self {
        match side {
            model::Side::Buy => Self::Buy,
            model::Side::Sell => Self::Sell,
        }
    }
}

impl Side {
    /// The core's side; `None` for a word that is not known.
    pub const fn core(&self) -> Option<model::Side> {
        match self {
            Self::Buy => Some(model::Side::Buy),
            Self::Sell => Some(model::Side::Sell),
            Self::Other(_) => None,
        }
    }
}

impl From<model::TimeInForce> for TimeInForce {
    fn from(tif: model::TimeInForce) -> Self {
        match tif {
            model::TimeInForce::Gtc => Self::Gtc,
            model::TimeInForce::Ioc => Self::Ioc,
            model::TimeInForce::Fok => Self::Fok,
            model::TimeInForce::PostOnly => Self::Gtx,
        }
    }
}

impl OrderStatus {
    /// Whether nothing more will happen to the order; `None` for a word that is not known, which must be asked about.
    pub const fn is_final(&self) -> Option<bool> {
        match self {
            Self::New | Self::PartiallyFilled => Some(false),
            Self::Filled | Self::Canceled | Self::Rejected | Self::Expired | Self::NewInsurance | Self::NewAdl => {
                Some(true)
            }
            Self::Other(_) => None,
        }
    }
}

impl OrderType {
    /// Whether orders of this type trade at a limit price, at once or after their trigger.
    pub const fn has_limit(&self) -> bool {
        matches!(self, Self::Limit | Self::Stop | Self::TakeProfit)
    }
}

impl MarginType {
    /// Whether it is isolated; `None` for a word that is not known.
    pub fn is_isolated(&self) -> Option<bool> {
        let word = self.as_str();
        let starts = |prefix: &str| word.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        if starts("isolated") {
            Some(true)
        } else if starts("cross") {
            Some(false)
        } else {
            None
        }
    }
}

/// An interval that the venue has no candles of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("AsterDEX has no candles of {0}: it has 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w")]
pub struct NoSuchInterval(pub model::Interval);

impl TryFrom<model::Interval> for KlineInterval {
    type Error = NoSuchInterval;
    fn try_from(interval: model::Interval) -> Result<Self, NoSuchInterval> {
        let word = Self::of(&interval.to_string());
        if word.is_known() { Ok(word) } else { Err(NoSuchInterval(interval)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_round_trip_and_unknown_ones_are_kept() {
        for side in Side::KNOWN {
            assert_eq!(Side::of(side.as_str()), *side);
        }
        let odd: OrderStatus = serde_json::from_str("\"HALF_FILLED\"").unwrap();
        assert_eq!(odd, OrderStatus::Other("HALF_FILLED".into()));
        assert_eq!(serde_json::to_string(&odd).unwrap(), "\"HALF_FILLED\"");
        assert_eq!(odd.is_final(), None);
        assert!(serde_json::from_str::<OrderStatus>("1").is_err());
    }

    #[test]
    fn margin_types_are_read_in_every_spelling() {
        for (word, isolated) in [
            ("isolated", Some(true)),
            ("ISOLATED", Some(true)),
            ("cross", Some(false)),
            ("CROSSED", Some(false)),
            ("x", None),
        ] {
            assert_eq!(MarginType::of(word).is_isolated(), isolated, "{word}");
        }
    }

    #[test]
    fn only_intervals_of_the_venue_are_asked_for() {
        assert_eq!(KlineInterval::try_from(model::Interval::M5), Ok(KlineInterval::M5));
        assert_eq!(KlineInterval::try_from("1d".parse::<model::Interval>().unwrap()), Ok(KlineInterval::D1));
        assert!(KlineInterval::try_from("10m".parse::<model::Interval>().unwrap()).is_err());
    }
}
