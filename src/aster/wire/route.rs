//! Every call of the API: method, path, who may make it, what it costs, and whether it changes anything.
//!
//! Both sides use this: a client to build the path, a venue to know what it is asked. Source: the venue's
//! documents, sections 10 to 12 of the endpoints, and its table of V1 paths.

use crate::aster::environment::Version;

/// Method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Parameters in the query.
    Get,
    /// Parameters in the form body.
    Post,
    /// Parameters in the form body.
    Put,
    /// Parameters in the query: bodies of DELETE get lost on the way at times.
    Delete,
}

impl Method {
    /// Whether parameters go into the body.
    pub const fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put)
    }
    /// As HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// Who may make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Security {
    /// Anybody.
    Public,
    /// Signed under V3; under V1 the key alone.
    UserStream,
    /// Signed.
    Signed,
}

/// Whether a lost answer leaves something to be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Nothing changes: it may be asked again at any time.
    Reads,
    /// Orders, positions or settings change.
    Changes,
}

macro_rules! routes {
    ($($(#[$doc:meta])* $name:ident = $method:ident $tail:literal $security:ident $effect:ident $weight:literal;)+) => {
        /// A call of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Route {
            $(#[doc = concat!(stringify!($method), " `", $tail, "`")] $(#[$doc])* $name,)+
        }

        impl Route {
            /// Every call.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Method of HTTP.
            pub const fn method(self) -> Method {
                match self { $(Self::$name => Method::$method,)+ }
            }
            /// Last part of the path, without version.
            pub const fn tail(self) -> &'static str {
                match self { $(Self::$name => $tail,)+ }
            }
            /// Who may make it.
            pub const fn security(self) -> Security {
                match self { $(Self::$name => Security::$security,)+ }
            }
            /// Whether it changes anything.
            pub const fn effect(self) -> Effect {
                match self { $(Self::$name => Effect::$effect,)+ }
            }
            /// Smallest cost in request weight; some calls cost more by what they ask.
            pub const fn weight(self) -> u32 {
                match self { $(Self::$name => $weight,)+ }
            }
        }
    };
}

routes! {
    Ping = Get "ping" Public Reads 1;
    Time = Get "time" Public Reads 1;
    ExchangeInfo = Get "exchangeInfo" Public Reads 1;
    Depth = Get "depth" Public Reads 2;
    Trades = Get "trades" Public Reads 1;
    HistoricalTrades = Get "historicalTrades" Public Reads 20;
    AggTrades = Get "aggTrades" Public Reads 20;
    Klines = Get "klines" Public Reads 1;
    IndexPriceKlines = Get "indexPriceKlines" Public Reads 1;
    MarkPriceKlines = Get "markPriceKlines" Public Reads 1;
    PremiumIndex = Get "premiumIndex" Public Reads 1;
    FundingRate = Get "fundingRate" Public Reads 1;
    FundingInfo = Get "fundingInfo" Public Reads 1;
    Ticker24h = Get "ticker/24hr" Public Reads 1;
    TickerPrice = Get "ticker/price" Public Reads 1;
    TickerBook = Get "ticker/bookTicker" Public Reads 1;
    IndexReferences = Get "indexreferences" Public Reads 1;
    PlaceOrder = Post "order" Signed Changes 1;
    ModifyOrder = Put "order" Signed Changes 1;
    QueryOrder = Get "order" Signed Reads 1;
    CancelOrder = Delete "order" Signed Changes 1;
    BatchOrders = Post "batchOrders" Signed Changes 5;
    CancelBatch = Delete "batchOrders" Signed Changes 1;
    CancelAll = Delete "allOpenOrders" Signed Changes 1;
    CountdownCancelAll = Post "countdownCancelAll" Signed Changes 10;
    OpenOrder = Get "openOrder" Signed Reads 1;
    OpenOrders = Get "openOrders" Signed Reads 1;
    AllOrders = Get "allOrders" Signed Reads 5;
    Noop = Post "noop" Signed Changes 1;
    Chase = Post "chase" Signed Changes 1;
    PlaceStrategy = Post "placeStrategyOrder" Signed Changes 50;
    UpdateStrategy = Post "updateStrategyOrder" Signed Changes 50;
    StrategyOpenOrder = Get "strategyOpenOrder" Signed Reads 5;
    StrategyHistoryOrder = Get "strategyHistoryOrder" Signed Reads 5;
    Balance = Get "balance" Signed Reads 5;
    Account = Get "accountWithJoinMargin" Signed Reads 5;
    PositionRisk = Get "positionRisk" Signed Reads 5;
    UserTrades = Get "userTrades" Signed Reads 5;
    Income = Get "income" Signed Reads 30;
    LeverageBracket = Get "leverageBracket" Signed Reads 1;
    AdlQuantile = Get "adlQuantile" Signed Reads 5;
    ForceOrders = Get "forceOrders" Signed Reads 20;
    CommissionRate = Get "commissionRate" Signed Reads 20;
    SetLeverage = Post "leverage" Signed Changes 1;
    SetMarginType = Post "marginType" Signed Changes 1;
    ChangeMargin = Post "positionMargin" Signed Changes 1;
    MarginHistory = Get "positionMargin/history" Signed Reads 1;
    DualSide = Get "positionSide/dual" Signed Reads 30;
    SetDualSide = Post "positionSide/dual" Signed Changes 1;
    MultiAssets = Get "multiAssetsMargin" Signed Reads 30;
    SetMultiAssets = Post "multiAssetsMargin" Signed Changes 1;
    Stp = Get "stpMode" Signed Reads 30;
    SetStp = Post "stpMode" Signed Changes 1;
    SubAccounts = Get "getSubAccountList" Signed Reads 5;
    Mmp = Get "mmp" Signed Reads 1;
    SetMmp = Post "mmp" Signed Changes 1;
    DeleteMmp = Delete "mmp" Signed Changes 1;
    ResetMmp = Post "mmpReset" Signed Changes 1;
    Agents = Get "agent" Signed Reads 1;
    Builders = Get "builder" Signed Reads 1;
    Transfer = Post "asset/wallet/transfer" Signed Changes 5;
    StartUserStream = Post "listenKey" UserStream Reads 1;
    KeepUserStream = Put "listenKey" UserStream Reads 1;
    /// The key belongs to the account: this ends the streams of every other process too.
    EndUserStream = Delete "listenKey" UserStream Changes 1;
}

impl Route {
    /// The path under a version of the API, from the slash on.
    pub fn path(self, version: Version) -> String {
        match (version, self) {
            (Version::V1, Self::Balance) => "/fapi/v2/balance".to_owned(),
            (Version::V1, Self::PositionRisk) => "/fapi/v2/positionRisk".to_owned(),
            (Version::V1, Self::Account) => "/fapi/v4/account".to_owned(),
            (Version::V1, _) => format!("/fapi/v1/{}", self.tail()),
            (Version::V3, _) => format!("/fapi/v3/{}", self.tail()),
        }
    }

    /// Whether a version has this call at all.
    pub const fn exists(self, version: Version) -> bool {
        let v3_only = matches!(
            self,
            Self::ModifyOrder
                | Self::Noop
                | Self::Chase
                | Self::PlaceStrategy
                | Self::UpdateStrategy
                | Self::StrategyOpenOrder
                | Self::StrategyHistoryOrder
                | Self::IndexReferences
                | Self::Stp
                | Self::SetStp
                | Self::SubAccounts
                | Self::Mmp
                | Self::SetMmp
                | Self::DeleteMmp
                | Self::ResetMmp
                | Self::Agents
                | Self::Builders
        );
        matches!(version, Version::V3) || !v3_only
    }

    /// The call of a request as received, for a venue.
    pub fn find(version: Version, method: Method, path: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|route| route.method() == method && route.exists(version) && route.path(version) == path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_call_is_found_by_its_path_and_no_two_share_one() {
        for version in [Version::V1, Version::V3] {
            let routes = Route::ALL.iter().filter(|route| route.exists(version));
            let paths: BTreeSet<_> =
                routes.clone().map(|route| (route.method().as_str(), route.path(version))).collect();
            assert_eq!(paths.len(), routes.clone().count());
            for &route in routes {
                assert_eq!(Route::find(version, route.method(), &route.path(version)), Some(route));
            }
        }
        assert_eq!(Route::find(Version::V3, Method::Get, "/fapi/v1/ping"), None);
        assert_eq!(Route::find(Version::V1, Method::Get, "/fapi/v2/balance"), Some(Route::Balance));
        assert_eq!(Route::find(Version::V1, Method::Post, "/fapi/v1/noop"), None);
    }
}
