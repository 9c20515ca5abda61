//! What holds for any run of orders and candles.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A step of a random run: how the candles move (in ticks, `None` for a hole), what is sent at its
/// close, in answer to its first events, and what is cancelled.
#[derive(Clone, Debug)]
struct Plan {
    moves: [Option<[i64; 4]>; 2],
    orders: Vec<Draft>,
    answer: Option<Draft>,
    cancel: Option<u32>,
    funding: Option<i64>,
    transfer: Option<i64>,
    volume: f64,
}

#[derive(Clone, Copy, Debug)]
struct Draft {
    symbol: SymbolId,
    side: Side,
    form: u8,
    /// Distance of its price from the last close, in ticks.
    away: i64,
    /// In steps of 0.001; large ones come near what the account can carry.
    lots: i64,
    reduce_only: bool,
    leverage: u32,
}

fn drafts() -> impl Strategy<Value = Draft> {
    (
        0u16..2,
        any::<bool>(),
        0u8..10,
        -60i64..60,
        prop_oneof![1i64..4_000, 20_000i64..400_000],
        prop::bool::weighted(0.4),
        1u32..60,
    )
        .prop_map(|(symbol, buy, form, away, lots, reduce_only, leverage)| Draft {
            symbol: SymbolId(symbol),
            side: if buy { Side::Buy } else { Side::Sell },
            form,
            away,
            lots,
            reduce_only,
            leverage,
        })
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let moves = || prop::option::weighted(0.9, [-80i64..80, 0i64..120, 0i64..120, -60i64..60]);
    let plan = (
        [moves(), moves()],
        prop::collection::vec(drafts(), 0..4),
        prop::option::weighted(0.3, drafts()),
        prop::option::weighted(0.2, 1u32..20),
        prop::option::weighted(0.2, -100_000i64..100_000),
        prop::option::weighted(0.05, -3_000i64..3_000),
        prop::sample::select(vec![0.0, 1.0, 1e4, 1e7]),
    )
        .prop_map(|(moves, orders, answer, cancel, funding, transfer, volume)| Plan {
            moves,
            orders,
            answer,
            cancel,
            funding,
            transfer,
            volume,
        });
    prop::collection::vec(plan, 1..14)
}

fn params() -> impl Strategy<Value = ExchangeParams> {
    let path =
        prop::sample::select(vec![CandlePath::Worse, CandlePath::OpenLowHighClose, CandlePath::OpenHighLowClose]);
    let latency = prop::sample::select(vec![0i64, 50, 100_000, 250_000, 700_000]);
    // Of candles of 1, 10,000 or 10,000,000: from a part of a small order to more than any.
    let participation =
        prop::option::weighted(0.5, prop::sample::select(vec![Rate(100), Rate::percent(1), Rate::percent(60)]));
    (path, latency, any::<bool>(), any::<bool>(), 0i64..60, 0i64..20, participation).prop_map(
        |(path, latency_ms, fill_on_trade_through, isolated_margin, spread, fee, participation)| ExchangeParams {
            maker_fee: Rate::bps(fee) - Rate::bps(3),
            taker_fee: Rate::bps(fee),
            spread: Rate::bps(spread),
            impact: Rate::percent(1),
            latency_ms,
            path,
            fill_on_trade_through,
            isolated_margin,
            participation,
            ..ExchangeParams::default()
        },
    )
}

/// What a run leaves to look at.
#[derive(Default, PartialEq, Debug)]
struct Record {
    facts: Vec<Fact>,
    /// At each end of a step.
    states: Vec<Exchange>,
    orders: BTreeMap<OrderId, Order>,
    /// With each event of a step: the way of its symbol's price.
    seen: Vec<(VenueEvent, Option<(Price, Price)>)>,
}

struct Runner {
    world: World,
    closes: [i64; 2],
    record: Record,
    /// Look at everything instead of trusting the quick test.
    never_calm: bool,
}

const TICK: i64 = 10_000_000;

impl Runner {
    fn new(params: ExchangeParams, never_calm: bool) -> Self {
        Self { world: World::new(params), closes: [1_000; 2], record: Record::default(), never_calm }
    }

    fn candles(&mut self, plan: &Plan) -> [Option<Candle>; 2] {
        [0, 1].map(|index| {
            let [gap, up, down, drift] = plan.moves[index]?;
            let open = (self.closes[index] + gap).max(20);
            let close = (open + drift).max(20);
            self.closes[index] = close;
            Some(Candle {
                open_time: self.world.at,
                open: Price(open * TICK),
                high: Price((open.max(close) + up) * TICK),
                low: Price((open.min(close) - down).max(1) * TICK),
                close: Price(close * TICK),
                volume: plan.volume,
            })
        })
    }

    fn send(&mut self, draft: &Draft, at: Time) {
        self.world.numbers += 1;
        let place = Price((self.closes[draft.symbol.index()] + draft.away).max(1) * TICK);
        let limit = |tif| OrderKind::Limit { price: place, tif };
        let kind = match draft.form {
            0..=2 => OrderKind::Market,
            3 => limit(TimeInForce::Gtc),
            4 => limit(TimeInForce::Ioc),
            5 => limit(TimeInForce::Fok),
            6 => limit(TimeInForce::PostOnly),
            7 => OrderKind::StopMarket { trigger: place },
            8 => OrderKind::TakeProfitMarket { trigger: place },
            _ => OrderKind::TrailingStopMarket {
                activation: (draft.away % 2 == 0).then_some(place),
                callback: Rate::bps(10 + draft.away.abs() * 8),
            },
        };
        let closes = draft.reduce_only && matches!(draft.form, 7 | 8) && draft.lots % 2 == 0;
        // A reducing order mostly finds something to reduce.
        let held = self.world.exchange.holding(draft.symbol).qty;
        let side = if draft.reduce_only && !held.is_zero() { Side::of(held).opposite() } else { draft.side };
        let order = Order {
            kind,
            side,
            qty: if closes { Qty::ZERO } else { Qty(draft.lots * 100_000) },
            reduce_only: draft.reduce_only,
            close_position: closes,
            leverage: draft.leverage,
            ..order(self.world.numbers, draft.symbol, "buy 1 market")
        };
        self.world.exchange.submit(at, &order);
        self.record.facts.push(Fact::Order { at, order: order.clone() });
        self.record.orders.insert(order.id, order);
    }

    fn tell(&mut self, events: &[VenueEvent]) {
        for event in events {
            let symbol = match event {
                VenueEvent::Order { symbol, .. } | VenueEvent::Liquidation { symbol, .. } => Some(*symbol),
                _ => None,
            };
            let exchange = &self.world.exchange;
            let way = symbol.and_then(|symbol| exchange.leg(symbol)).map(|leg| (leg.from, leg.to));
            // At the open the jump is already behind.
            let walk = exchange.walk;
            let jump = symbol
                .filter(|_| walk.is_some_and(|walk| event.at() == walk.start))
                .and_then(|symbol| exchange.markets[symbol.index()].last);
            let way =
                way.map(|(from, to)| (from.min(to).min(jump.unwrap_or(from)), from.max(to).max(jump.unwrap_or(from))));
            self.record.seen.push((*event, way));
            self.record.facts.push(Fact::Venue { portfolio: PortfolioId(0), event: *event });
        }
    }

    fn step(&mut self, plan: &Plan) {
        let (start, candles) = (self.world.at, self.candles(plan));
        for (index, candle) in candles.iter().enumerate() {
            if let Some(candle) = candle {
                self.record.facts.push(Fact::Candle { symbol: SymbolId(index as u16), candle: *candle });
            }
        }
        self.world.exchange.begin(Interval::M5, &candles);
        if let Some(funding) = plan.funding {
            let mut events = Vec::new();
            self.world.exchange.fund(start, BTC, Rate(funding), &mut events);
            self.world.exchange.fund(start, ETH, Rate(-funding), &mut events);
            self.tell(&events);
        }
        let mut answer = plan.answer;
        for point in 0..POINTS {
            loop {
                let mut events = Vec::new();
                if self.never_calm {
                    self.world.exchange.calm = Calm::No;
                }
                self.world.exchange.advance(point, &mut events);
                if events.is_empty() {
                    break;
                }
                assert!(events.iter().all(|event| event.at() == events[0].at()), "one instant at a time: {events:?}");
                self.tell(&events);
                if let Some(draft) = answer.take() {
                    self.send(&draft, self.world.exchange.now());
                }
            }
            self.nothing_is_overdue();
        }
        self.world.at = start.plus(Interval::M5.ms());
        let at = self.world.at;
        if let Some(amount) = plan.transfer {
            let mut events = Vec::new();
            self.world.exchange.transfer(at, Usd::whole(amount), &mut events);
            self.tell(&events);
        }
        plan.orders.iter().for_each(|draft| self.send(draft, at));
        if let Some(number) = plan.cancel {
            let id = order(number, BTC, "buy 1 market").id;
            let symbol = self.record.orders.get(&id).map_or(BTC, |order| order.symbol);
            self.world.exchange.cancel(at, id, symbol);
            self.record.facts.push(Fact::Cancel { at, portfolio: PortfolioId(0), id, symbol });
        }
        self.world.exchange.calm = Calm::Unknown;
        self.record.facts.push(Fact::StepEnd { at });
        self.record.states.push(self.world.exchange.clone());
    }

    /// At a point that is reached nothing has been missed.
    fn nothing_is_overdue(&self) {
        let exchange = &self.world.exchange;
        if exchange.walk.is_none() {
            return;
        }
        let whose =
            if exchange.params.isolated_margin { exchange.held.iter().map(|s| Some(*s)).collect() } else { vec![None] };
        for one in whose {
            assert!(!exchange.is_short_of_margin(one, exchange.now), "should have been liquidated");
        }
        for open in &exchange.book {
            let symbol = open.order.symbol;
            let held = exchange.holding(symbol).qty;
            let reduces = open.order.reduce_only || open.order.close_position;
            assert!(!reduces || held.0.signum() * open.order.side.sign() < 0, "nothing to reduce: {open:?}");
            let tick = exchange.instruments[symbol.index()].tick;
            if exchange.is_dry(symbol) {
                continue;
            }
            assert!(!open.trades_at_market(), "has something to trade with: {open:?}");
            if let (Some((way, line)), Some(price)) =
                (open.line(tick, exchange.params.fill_on_trade_through), exchange.price(symbol))
            {
                assert!(!way.is_met(line, price), "met at {price}: {open:?}");
            }
        }
    }
}

fn run(params: &ExchangeParams, plans: &[Plan], never_calm: bool) -> Record {
    let mut runner = Runner::new(params.clone(), never_calm);
    plans.iter().for_each(|plan| runner.step(plan));
    runner.record
}

fn fills(record: &Record) -> impl Iterator<Item = (&Order, &Fill, Option<(Price, Price)>)> {
    record.seen.iter().filter_map(|(event, way)| match event {
        VenueEvent::Order { id, kind: ReportKind::Filled { fill, .. }, .. } => Some((&record.orders[id], fill, *way)),
        _ => None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn an_account_folded_from_its_facts_is_the_account_that_lived(params in params(), plans in plans()) {
        let record = run(&params, &plans, false);
        for lived in &record.states {
            let restored = Exchange::restore(params.clone(), Arc::clone(&lived.instruments), &lived.save());
            prop_assert_eq!(restored.as_ref(), Some(lived), "saved and restored");
        }
        let mut folded = World::new(params).exchange;
        let mut states = record.states.iter();
        for fact in &record.facts {
            folded.apply(fact);
            if matches!(fact, Fact::StepEnd { .. }) {
                prop_assert_eq!(&folded, states.next().unwrap());
            }
        }
    }

    #[test]
    fn the_same_input_gives_the_same_output_and_the_quick_test_hides_nothing(params in params(), plans in plans()) {
        let record = run(&params, &plans, false);
        prop_assert_eq!(&run(&params, &plans, false), &record);
        prop_assert_eq!(&run(&params, &plans, true), &record);
    }

    #[test]
    fn money_is_conserved_to_the_last_unit(params in params(), plans in plans()) {
        let record = run(&params, &plans, false);
        let mut holdings = [Holding::FLAT; 2];
        let changes: Usd = record.seen.iter().map(|(event, _)| wallet_change(event, &mut holdings)).sum();
        let end = record.states.last().unwrap();
        prop_assert_eq!(end.wallet() - Usd::whole(10_000), changes);
        prop_assert_eq!([end.holding(BTC), end.holding(ETH)], holdings);
        prop_assert_eq!(end.held(), &[BTC, ETH].into_iter().filter(|s| !holdings[s.index()].is_flat()).collect::<Vec<_>>());
    }

    #[test]
    fn no_fill_is_better_than_the_path_or_worse_than_its_limit(params in params(), plans in plans()) {
        let record = run(&params, &plans, false);
        for (order, fill, way) in fills(&record) {
            let (lowest, highest) = way.unwrap();
            match fill.side {
                Side::Buy => prop_assert!(fill.price >= lowest, "{:?} {:?} in {:?}", order, fill, way),
                Side::Sell => prop_assert!(fill.price <= highest, "{:?} {:?} in {:?}", order, fill, way),
            }
            let sign = fill.side.sign();
            match order.kind {
                OrderKind::Limit { price, .. } if fill.maker => prop_assert_eq!(fill.price, price),
                OrderKind::Limit { price, .. } => prop_assert!(fill.price.0 * sign <= price.0 * sign),
                // What could not be traded at once meets other prices, better ones too.
                OrderKind::StopMarket { trigger } if params.participation.is_none() => {
                    prop_assert!(fill.price.0 * sign >= trigger.0 * sign);
                }
                _ => {}
            }
            prop_assert!(fill.slippage >= Usd::ZERO);
        }
    }

    #[test]
    fn reduce_only_never_increases_or_turns_a_position(params in params(), plans in plans()) {
        let record = run(&params, &plans, false);
        let mut holdings = [Holding::FLAT; 2];
        for (event, _) in &record.seen {
            let before = holdings;
            wallet_change(event, &mut holdings);
            if let VenueEvent::Order { id, symbol, kind: ReportKind::Filled { .. }, .. } = event
                && (record.orders[id].reduce_only || record.orders[id].close_position)
            {
                let (was, is) = (before[symbol.index()].qty, holdings[symbol.index()].qty);
                prop_assert!(is.abs() < was.abs() && is.0.signum() * was.0.signum() >= 0, "{} became {}", was, is);
            }
        }
    }

    #[test]
    fn events_come_in_order_and_each_order_ends_once(params in params(), plans in plans()) {
        let record = run(&params, &plans, false);
        let times: Vec<_> = record.seen.iter().map(|(event, _)| event.at()).collect();
        prop_assert!(times.is_sorted(), "{:?}", times);
        let mut ends: BTreeMap<OrderId, u32> = BTreeMap::new();
        let mut trades = 0;
        for (event, _) in &record.seen {
            if let VenueEvent::Order { kind: ReportKind::Filled { fill, .. }, .. } | VenueEvent::Liquidation { fill, .. } = event {
                prop_assert_eq!(fill.trade, trades + 1);
                trades = fill.trade;
            }
            if let VenueEvent::Order { id, kind, .. } = event {
                let ended = ends.entry(*id).or_default();
                prop_assert!(*ended == 0 || *kind == ReportKind::CancelRejected, "{:?} after its end", event);
                let is_end = match kind {
                    ReportKind::Accepted | ReportKind::CancelRejected => false,
                    ReportKind::Filled { leaves, .. } => leaves.is_zero(),
                    _ => true,
                };
                *ended += u32::from(is_end);
            }
        }
        let end = record.states.last().unwrap();
        for id in record.orders.keys() {
            let alive = end.book.iter().any(|open| open.order.id == *id)
                || end.queue.iter().any(|queued| matches!(&queued.request, Request::Order(order) if order.id == *id));
            prop_assert_eq!(ends.get(id).copied().unwrap_or(0), u32::from(!alive), "{:?}", id);
        }
    }

    #[test]
    fn fills_of_an_order_come_to_its_quantity_and_those_of_a_candle_to_its_share(params in params(), plans in plans()) {
        let record = run(&params, &plans, false);
        let mut executed: BTreeMap<OrderId, Qty> = BTreeMap::new();
        let mut told: BTreeMap<OrderId, Qty> = BTreeMap::new();
        let mut traded: BTreeMap<(SymbolId, Time), Qty> = BTreeMap::new();
        for (event, _) in &record.seen {
            let VenueEvent::Order { id, symbol, at, kind: ReportKind::Filled { fill, leaves } } = *event else { continue };
            let order = &record.orders[&id];
            *executed.entry(id).or_default() += fill.qty;
            *traded.entry((symbol, at.floor(Interval::M5.ms()))).or_default() += fill.qty;
            prop_assert!(fill.qty > Qty::ZERO && fill.qty.0 % 100_000 == 0, "{:?}", fill);
            if !order.close_position {
                prop_assert!(executed[&id] + leaves <= order.qty, "{} and {} of {:?}", executed[&id], leaves, order);
                // A rest is as large as was said, save where the position that it reduces has shrunk.
                let rest = told.insert(id, leaves);
                prop_assert!(rest.is_none_or(|rest| leaves + fill.qty == rest || order.reduce_only), "{:?}", event);
            }
            prop_assert!(leaves.is_zero() || params.participation.is_some());
        }
        let Some(share) = params.participation else { return Ok(()) };
        let volumes: BTreeMap<(SymbolId, Time), f64> = record.facts.iter().filter_map(|fact| match fact {
            Fact::Candle { symbol, candle } => Some(((*symbol, candle.open_time), candle.volume)),
            _ => None,
        }).collect();
        for (key, qty) in traded {
            let most = Qty::from_f64(volumes.get(&key).copied().unwrap_or(0.0)).unwrap().times(share, Round::Down);
            prop_assert!(qty <= most, "{} of {} at {:?}", qty, most, key);
        }
    }

    #[test]
    fn a_liquidation_never_costs_more_than_the_margin(params in params(), plans in plans()) {
        let record = run(&params, &plans, false);
        let mut wallet = Usd::whole(10_000);
        let mut holdings = [Holding::FLAT; 2];
        for (event, _) in &record.seen {
            wallet += wallet_change(event, &mut holdings);
            if matches!(event, VenueEvent::Liquidation { .. }) && !params.isolated_margin {
                prop_assert!(wallet >= Usd::ZERO, "{} after {:?}", wallet, event);
            }
        }
    }
}
