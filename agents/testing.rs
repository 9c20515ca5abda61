//! A stage for tests of rules: one rule, the features it asked for, and everything else it sees, all
//! set by hand. Absent until set, as from a feed that is not warm.

use crate::registry::{self, Registered};
use serde_json::Value;
use std::ops::{Deref, DerefMut};
use swarm_core::features::{Feature, FeatureSpec, Frame, Wants};
use swarm_core::model::{
    Action, Candle, Decision, Entry, Explanation, Instrument, IntentKind, Interval, LeverageBracket, Price, Qty, Rate,
    Side, SymbolId, Time, Usd,
};
use swarm_core::rule::{AccountView, Build, PositionView, Rule, TradeStats, View};

/// 2023-11-01T00:00:00Z: every interval up to a day closes here.
pub const MIDNIGHT: Time = Time(1_698_796_800_000);

/// A rule, and what it sees.
pub struct Scene {
    rule: Box<dyn Rule>,
    world: World,
}

/// What the rule sees.
pub struct World {
    wants: Wants,
    values: Vec<f64>,
    pub now: Time,
    pub candle: Candle,
    pub instrument: Instrument,
    pub position: Option<PositionView>,
    pub entry_pending: bool,
    pub account: AccountView,
    pub stats: TradeStats,
    pub funding_rate: Option<Rate>,
}

impl World {
    fn view(&self) -> View<'_> {
        View {
            frame: Frame::new(self.now, &self.candle, &self.values),
            symbol: SymbolId(0),
            instrument: &self.instrument,
            position: self.position,
            entry_pending: self.entry_pending,
            account: self.account,
            stats: self.stats,
            funding_rate: self.funding_rate,
        }
    }
}

impl Deref for Scene {
    type Target = World;
    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Scene {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Scene {
    /// A flat agent on 5m candles, price 100, 10,000 USDT, 3 positions, leverage 5.
    pub fn new(rule: &str, params: &Value) -> Self {
        let mut wants = Wants::default();
        let rule = build(rule, params, Interval::M5, &mut wants).expect("parameters are fine");
        let price = Price::whole(100);
        let world = World {
            values: vec![f64::NAN; wants.specs().len()],
            wants,
            now: MIDNIGHT,
            candle: Candle {
                open_time: MIDNIGHT.plus(-Interval::M5.ms()),
                open: price,
                high: price,
                low: price,
                close: price,
                volume: 1_000_000.0,
            },
            instrument: instrument(),
            position: None,
            entry_pending: false,
            account: AccountView { equity: Usd::whole(10_000), max_positions: 3, max_leverage: Rate::whole(5) },
            stats: TradeStats::default(),
            funding_rate: None,
        };
        Self { rule, world }
    }

    /// Sets a feature that the rule asked for.
    pub fn set(&mut self, interval: Interval, feature: Feature, value: f64) -> &mut Self {
        let spec = FeatureSpec { interval, feature };
        let place = self.wants.specs().iter().position(|known| *known == spec);
        let place = place.unwrap_or_else(|| panic!("not asked for: {spec:?}"));
        self.values[place] = value;
        self
    }

    /// Every feature asked for gets this value.
    pub fn set_all(&mut self, value: f64) -> &mut Self {
        self.values.fill(value);
        self
    }

    /// Every feature asked for.
    pub fn specs(&self) -> Vec<FeatureSpec> {
        self.wants.specs().to_vec()
    }

    /// Holds a position of one unit, with this open profit in USDT.
    pub fn hold(&mut self, side: Side, unrealized_pnl: f64) -> &mut Self {
        self.position = Some(PositionView {
            qty: side.signed(Qty::ONE),
            entry_price: Price::whole(100),
            opened_at: MIDNIGHT.plus(-3_600_000),
            unrealized_pnl: Usd::from_f64(unrealized_pnl).unwrap(),
        });
        self
    }

    pub fn decide(&mut self) -> Decision {
        self.rule.decide(&self.world.view())
    }

    /// What another rule, built with the same parameters, sees at a glance here.
    pub fn glance<R: Registered>(&self, params: &Value) -> (Action, f64) {
        let mut wants = self.world.wants.clone();
        let setup = R::setup(crate::params::read::<R::Params>(params).expect("fine")).expect("fine");
        let build = &mut Build { wants: &mut wants, base: Interval::M5, intervals: &[Interval::M5] };
        R::new(std::sync::Arc::new(setup), build).expect("parameters are fine").glance(&self.world.view())
    }

    /// Decides and explains.
    pub fn explain(&mut self) -> (Decision, Explanation) {
        let decision = self.decide();
        let explanation = self.rule.explain(&self.world.view(), &decision);
        (decision, explanation)
    }

    /// The sentence.
    pub fn reason(&mut self) -> String {
        self.explain().1.reason.into_owned()
    }

    /// The entry that is asked for now.
    pub fn entry(&mut self) -> Entry {
        let decision = self.decide();
        match decision.proposal.as_deref() {
            Some(IntentKind::Open(entry)) => entry.clone(),
            other => panic!("no entry but {other:?}, because {}", self.reason()),
        }
    }
}

/// Builds a rule by name.
pub fn build(
    rule: &str,
    params: &Value,
    base: Interval,
    wants: &mut Wants,
) -> Result<Box<dyn Rule>, crate::params::ParamError> {
    let spec = registry::find(rule).expect("a rule of the registry");
    (spec.build)(params, &mut Build { wants, base, intervals: &[base] })
}

/// A contract with two leverage brackets: 20 up to 50,000 USDT, 3 up to 1,000,000 USDT.
pub fn instrument() -> Instrument {
    let bracket = |cap, max_leverage| LeverageBracket {
        notional_cap: Usd::whole(cap),
        max_leverage,
        maintenance_rate: Rate::percent(1),
        maintenance_amount: Usd::ZERO,
    };
    Instrument {
        symbol: "TESTUSDT".into(),
        tick: Price::from_f64(0.01).unwrap(),
        step: Qty::from_f64(0.001).unwrap(),
        min_qty: Qty::from_f64(0.001).unwrap(),
        max_qty: Qty::whole(100_000),
        max_market_qty: Qty::whole(100_000),
        min_notional: Usd::whole(5),
        price_band: Rate::percent(10),
        market_take_bound: Rate::percent(5),
        liquidation_fee: Rate::percent(1),
        max_open_orders: 100,
        brackets: vec![bracket(50_000, 20), bracket(1_000_000, 3)],
    }
}
