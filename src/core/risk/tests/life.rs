//! A random life of a swarm: events, and a venue that answers in any order, in parts, late or not as hoped.

use super::*;
use proptest::prelude::*;

/// Something that happens.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Open {
        agent: u32,
        sell: bool,
        quantity: i64,
        limit: Option<i64>,
        exits: u8,
        reverse: bool,
    },
    Close {
        agent: u32,
    },
    /// The venue does something with one of the orders it has.
    Accept(usize),
    Reject(usize, bool),
    Fill(usize, u8),
    Cancel(usize),
    Lose(usize),
    Mark {
        portfolio: u16,
        symbol: u16,
        price: i64,
    },
    Funding {
        portfolio: u16,
        symbol: u16,
        amount: i64,
    },
    Transfer {
        portfolio: u16,
        amount: i64,
    },
    Liquidate {
        portfolio: u16,
        symbol: u16,
    },
    Agent {
        agent: u32,
        change: u8,
    },
    /// A fill of an order that was final long ago.
    Stray {
        agent: u32,
        sell: bool,
    },
    Reset(u8),
    Flatten(u16),
    Gate(bool),
    Wait(i64),
    Step(i64),
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let agent = 0u32..5;
    prop_oneof![
        6 => (agent.clone(), any::<bool>(), 1i64..60_000, prop::option::of(96i64..105), 0u8..5, any::<bool>()).prop_map(
            |(agent, sell, quantity, limit, exits, reverse)| Event::Open { agent, sell, quantity, limit, exits, reverse }
        ),
        2 => agent.clone().prop_map(|agent| Event::Close { agent }),
        8 => any::<usize>().prop_map(Event::Accept),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(order, passed)| Event::Reject(order, passed)),
        10 => (any::<usize>(), 1u8..5).prop_map(|(order, part)| Event::Fill(order, part)),
        4 => any::<usize>().prop_map(Event::Cancel),
        1 => any::<usize>().prop_map(Event::Lose),
        8 => (0u16..2, 0u16..3, 800i64..1_200).prop_map(|(portfolio, symbol, price)| Event::Mark { portfolio, symbol, price }),
        1 => (0u16..2, 0u16..3, -500_000_000i64..500_000_000)
            .prop_map(|(portfolio, symbol, amount)| Event::Funding { portfolio, symbol, amount }),
        1 => (0u16..2, -200_000_000_000i64..300_000_000_000)
            .prop_map(|(portfolio, amount)| Event::Transfer { portfolio, amount }),
        1 => (0u16..2, 0u16..3).prop_map(|(portfolio, symbol)| Event::Liquidate { portfolio, symbol }),
        1 => (agent, 0u8..5).prop_map(|(agent, change)| Event::Agent { agent, change }),
        1 => (0u32..5, any::<bool>()).prop_map(|(agent, sell)| Event::Stray { agent, sell }),
        1 => (0u8..4).prop_map(Event::Reset),
        1 => (0u16..2).prop_map(Event::Flatten),
        1 => any::<bool>().prop_map(Event::Gate),
        2 => (1i64..4_000).prop_map(Event::Wait),
        3 => (800i64..1_200).prop_map(Event::Step),
    ]
}

/// A venue that has what was sent and does with it what the events say. It nets a symbol and lets
/// reducing orders only reduce, as a venue must.
#[derive(Default)]
pub(super) struct Venue {
    pub(super) orders: Vec<Order>,
    held: std::collections::BTreeMap<(PortfolioId, SymbolId), Qty>,
}

pub(super) struct Life {
    pub(super) world: World,
    pub(super) venue: Venue,
    last: Vec<i64>,
    /// The last stop placed for the nth position of an entry.
    stops: std::collections::BTreeMap<(IntentId, usize), Price>,
    /// All ids ever sent.
    ids: std::collections::BTreeSet<OrderId>,
    /// What was approved of each entry, and what is left to fill of it.
    unfilled: std::collections::BTreeMap<IntentId, Qty>,
}

impl Life {
    pub(super) fn new(flatten: bool) -> Self {
        let mut plan = plan();
        let exact = |limits: &mut Limits, positions| {
            limits.max_positions = Some(positions);
            limits.max_leverage = Some(Rate::whole(5));
            limits.max_drawdown = Some(rate("0.15"));
            limits.loss_run = Some(LossRun { losses: 4, cool_down_ms: 20 * MINUTE_MS });
        };
        exact(&mut plan.limits, 3);
        exact(&mut plan.portfolios[0].limits, 2);
        exact(&mut plan.portfolios[1].limits, 2);
        plan.agents[1].limits.max_drawdown = Some(rate("0.05"));
        plan.agents[1].limits.daily_loss = Some(rate("0.04"));
        plan.portfolios[0].limits.entries_per_minute = Some(5);
        plan.instruments[1].min_qty = qty("0.01");
        if flatten {
            plan.portfolios[0].on_trip = OnTrip::Flatten;
        }
        Self {
            world: World::new(plan),
            venue: Venue::default(),
            last: vec![1_000; 3],
            stops: Default::default(),
            ids: Default::default(),
            unfilled: Default::default(),
        }
    }

    pub(super) fn held(&self, portfolio: PortfolioId, symbol: SymbolId) -> Qty {
        self.venue.held.get(&(portfolio, symbol)).copied().unwrap_or_default()
    }

    fn pick(&self, index: usize) -> Option<usize> {
        (!self.venue.orders.is_empty()).then(|| index % self.venue.orders.len())
    }

    pub(super) fn tell(&mut self, order: &Order, kind: ReportKind) {
        let event = VenueEvent::Order { id: order.id, symbol: order.symbol, at: self.world.now, kind };
        self.world.venue(order.portfolio, event);
    }

    pub(super) fn fill(&mut self, index: usize, part: u8) {
        let order = self.venue.orders[index].clone();
        let held = self.held(order.portfolio, order.symbol);
        let reducible = if held.0.signum() * order.side.sign() < 0 { held.abs() } else { Qty::ZERO };
        let most = match (order.close_position, order.reduce_only) {
            (true, _) => reducible,
            (_, true) => order.qty.min(reducible),
            _ => order.qty,
        };
        if most.is_zero() {
            self.venue.orders.remove(index);
            return self.tell(&order, ReportKind::Rejected(VenueReject::ReduceOnly));
        }
        let whole = part >= 3 || order.close_position;
        let filled = if whole {
            most
        } else {
            Qty((most.0 / i64::from(part + 1)).max(1)).snap(qty("0.001"), Round::Up).min(most)
        };
        let rest = if filled == most { Qty::ZERO } else { order.qty - filled };
        // What a reducing order has left when nothing is left to reduce ends with it.
        let price = Price(self.last[order.symbol.index()] * 10_000_000);
        let fee = Usd::notional(price, filled, Round::Up).times(Rate::bps(4), Round::Up);
        let fill = Fill { trade: 1, side: order.side, price, qty: filled, fee, maker: false, slippage: Usd(7) };
        *self.venue.held.entry((order.portfolio, order.symbol)).or_default() += order.side.signed(filled);
        if order.purpose == Purpose::Entry {
            let unfilled = self.unfilled.get_mut(&order.id.intent).unwrap();
            *unfilled -= filled;
            assert!(*unfilled >= Qty::ZERO, "{} fills more than was approved", order.id);
        }
        if rest.is_zero() {
            self.venue.orders.remove(index);
        } else {
            self.venue.orders[index].qty = rest;
        }
        self.tell(&order, ReportKind::Filled { fill, leaves: rest });
    }

    /// The venue does something with one of its orders.
    fn answer(&mut self, event: &Event) {
        match event {
            Event::Accept(index) => {
                if let Some(index) = self.pick(*index) {
                    let order = self.venue.orders[index].clone();
                    self.tell(&order, ReportKind::Accepted);
                }
            }
            Event::Reject(index, passed) => {
                if let Some(index) = self.pick(*index) {
                    let order = self.venue.orders.remove(index);
                    let why = match (*passed, order.kind) {
                        (true, OrderKind::Limit { .. }) => VenueReject::WouldTake,
                        (true, _) => VenueReject::WouldTrigger,
                        (false, _) => VenueReject::Other,
                    };
                    self.tell(&order, ReportKind::Rejected(why));
                }
            }
            Event::Fill(index, part) => {
                if let Some(index) = self.pick(*index) {
                    self.fill(index, *part);
                }
            }
            Event::Cancel(index) => {
                if let Some(index) = self.pick(*index) {
                    let order = self.venue.orders.remove(index);
                    self.tell(&order, ReportKind::Canceled(CancelReason::Expired));
                }
            }
            Event::Lose(index) => {
                if let Some(index) = self.pick(*index) {
                    let order = self.venue.orders[index].clone();
                    self.tell(&order, ReportKind::CancelRejected);
                }
            }
            _ => {}
        }
    }

    pub(super) fn happen(&mut self, event: &Event) {
        match event {
            Event::Open { agent, sell, quantity, limit, exits, reverse } => {
                self.open(*agent, *sell, *quantity, *limit, *exits, *reverse)
            }
            Event::Close { agent } => drop(self.world.close(*agent)),
            Event::Accept(_) | Event::Reject(..) | Event::Fill(..) | Event::Cancel(_) | Event::Lose(_) => {
                self.answer(event);
            }
            Event::Mark { portfolio, symbol, price } => {
                self.last[usize::from(*symbol)] = *price;
                self.world.mark(PortfolioId(*portfolio), SymbolId(*symbol), &Price(price * 10_000_000).to_string());
            }
            Event::Funding { portfolio, symbol, amount } => {
                let (rate, mark) = (rate("0.0001"), price("100"));
                let event = VenueEvent::Funding {
                    symbol: SymbolId(*symbol),
                    at: self.world.now,
                    rate,
                    mark,
                    amount: Usd(*amount),
                };
                self.world.venue(PortfolioId(*portfolio), event);
            }
            Event::Transfer { portfolio, amount } => {
                let event = VenueEvent::Transfer { at: self.world.now, amount: Usd(*amount) };
                self.world.venue(PortfolioId(*portfolio), event);
            }
            Event::Liquidate { portfolio, symbol } => self.liquidate(PortfolioId(*portfolio), SymbolId(*symbol)),
            Event::Agent { agent, change } => {
                let change = match change {
                    0 => AgentChange::Stopped(StopPolicy::Keep),
                    1 => AgentChange::Stopped(StopPolicy::Close),
                    2 => AgentChange::Panicked { message: "no".into() },
                    _ => AgentChange::Started,
                };
                self.world.agent(*agent, change);
            }
            Event::Stray { agent, sell } => self.stray(*agent, *sell),
            Event::Reset(which) => {
                let scope = match which {
                    0 => BreakerScope::Swarm,
                    1 => BreakerScope::Agent(AgentId(1)),
                    other => BreakerScope::Portfolio(PortfolioId(u16::from(*other) - 2)),
                };
                let was = self.world.supervisor.breaker(scope).unwrap().is_tripped();
                assert_eq!(self.world.reset(scope, "looked into it").is_ok(), was);
            }
            Event::Flatten(portfolio) => self.world.flatten(PortfolioId(*portfolio)),
            Event::Gate(gated) => self.world.gate(*gated),
            Event::Wait(ms) => self.world.now = self.world.now.plus(*ms),
            Event::Step(price) => {
                self.last.fill(*price);
                self.world.step(&Price(price * 10_000_000).to_string());
            }
        }
    }

    fn open(&mut self, agent: u32, sell: bool, quantity: i64, limit_price: Option<i64>, exits: u8, reverse: bool) {
        let mut plan = stop("5");
        if exits >= 2 {
            plan = with_targets(plan, &[("0.02", "0.3"), ("0.05", "0.7")]);
        }
        if exits >= 3 {
            let stop = plan.stop.as_mut().unwrap();
            stop.trail = Some(Trail { from: rate("0.01"), distance: price("2"), max_distance: rate("0.1") });
            stop.break_even = Some(BreakEven { from: rate("0.01"), to: rate("0.002") });
        }
        plan.max_holding_ms = (exits == 4).then_some(10 * MINUTE_MS);
        if exits == 0 {
            plan = ExitPlan::default();
        }
        let entry = Entry {
            side: if sell { Side::Sell } else { Side::Buy },
            size: Size::Qty(Qty(quantity * 1_000_000)),
            leverage: Rate::whole(4),
            exits: plan,
            order: EntryOrder::Market,
        };
        let entry = match limit_price {
            None => entry,
            Some(at) if quantity % 2 == 0 => limit(entry, &at.to_string()),
            Some(at) => then_market(entry, &at.to_string()),
        };
        let tripped = self.tripped_above(agent);
        let facts = self.world.journal.len();
        self.world.wish(agent, if reverse { IntentKind::Reverse(entry) } else { IntentKind::Open(entry) });
        let entries = self.world.journal[facts..]
            .iter()
            .filter(|fact| matches!(fact, Fact::Order { order, .. } if order.purpose == Purpose::Entry));
        assert!(entries.count() == 0 || !tripped, "no approval while tripped");
    }

    fn stray(&mut self, agent: u32, sell: bool) {
        let plan = &self.world.plan.agents[agent as usize];
        let (portfolio, symbol) = (plan.portfolio, plan.symbol);
        let side = if sell { Side::Sell } else { Side::Buy };
        let id = OrderId { intent: IntentId { agent: AgentId(agent), number: 1_000_000 }, leg: 7 };
        let fill = Fill {
            trade: 1,
            side,
            price: Price(self.last[symbol.index()] * 10_000_000),
            qty: qty("0.5"),
            fee: Usd(1),
            maker: true,
            slippage: Usd::ZERO,
        };
        *self.venue.held.entry((portfolio, symbol)).or_default() += side.signed(fill.qty);
        let kind = ReportKind::Filled { fill, leaves: Qty::ZERO };
        self.world.venue(portfolio, VenueEvent::Order { id, symbol, at: self.world.now, kind });
    }

    fn tripped_above(&self, agent: u32) -> bool {
        let portfolio = self.world.plan.agents[agent as usize].portfolio;
        [BreakerScope::Swarm, BreakerScope::Portfolio(portfolio), BreakerScope::Agent(AgentId(agent))]
            .into_iter()
            .any(|scope| self.world.supervisor.breaker(scope).unwrap().is_tripped())
    }

    fn liquidate(&mut self, portfolio: PortfolioId, symbol: SymbolId) {
        let held = self.held(portfolio, symbol);
        if held.is_zero() {
            return;
        }
        let fill = Fill {
            trade: 1,
            side: Side::of(held).opposite(),
            price: Price(self.last[symbol.index()] * 10_000_000),
            qty: held.abs(),
            fee: Usd(1_000_000),
            maker: false,
            slippage: Usd::ZERO,
        };
        self.venue.held.insert((portfolio, symbol), Qty::ZERO);
        self.world.venue(portfolio, VenueEvent::Liquidation { symbol, at: self.world.now, fill });
    }

    /// Takes what the supervisor sent; cancels arrive at once or when an event says so.
    pub(super) fn take_commands(&mut self) {
        for command in self.world.commands() {
            match command {
                Command::Enter { .. } => panic!("only where the plan wants strategies"),
                Command::Place(order) => {
                    self.a_stop_never_moves_back(order.get());
                    self.one_entry_lives(order.get());
                    assert!(self.ids.insert(order.get().id), "{} is used twice", order.get().id);
                    self.venue.orders.push(order.into_inner());
                }
                Command::Cancel(cancel) => {
                    let id = cancel.get().id;
                    if id.leg % 3 == 2 {
                        continue; // Lost on the way.
                    }
                    match self.venue.orders.iter().position(|order| order.id == id) {
                        Some(index) => {
                            let order = self.venue.orders.remove(index);
                            self.tell(&order, ReportKind::Canceled(CancelReason::Requested));
                        }
                        None => {
                            let (symbol, at) = (cancel.get().symbol, self.world.now);
                            let event = VenueEvent::Order { id, symbol, at, kind: ReportKind::CancelRejected };
                            self.world.venue(cancel.get().portfolio, event);
                        }
                    }
                }
            }
        }
    }

    /// The first leg is what was approved; what follows it comes when it is final, and is no more than it left.
    fn one_entry_lives(&mut self, order: &Order) {
        if order.purpose != Purpose::Entry {
            return;
        }
        let approved = *self.unfilled.entry(order.id.intent).or_insert(order.qty);
        assert!(order.qty <= approved, "{order:?} asks for more than {approved}");
        let is_entry = |other: &&Order| other.purpose == Purpose::Entry && other.id.intent == order.id.intent;
        assert_eq!(self.venue.orders.iter().find(is_entry), None, "beside {order:?}");
    }

    fn a_stop_never_moves_back(&mut self, order: &Order) {
        let (Purpose::Stop, OrderKind::StopMarket { trigger }) = (order.purpose, order.kind) else { return };
        let intent = order.id.intent;
        let nth = self.world.trades.iter().filter(|trade| trade.intent == intent).count();
        let before = *self.stops.entry((intent, nth)).or_insert(trigger);
        let better = if order.side == Side::Sell { trigger >= before } else { trigger <= before };
        assert!(better, "{order:?} is worse than {before}");
        self.stops.insert((intent, nth), trigger);
    }

    pub(super) fn check(&self) {
        let supervisor = &self.world.supervisor;
        crate::invariants::check(supervisor).unwrap();
        for portfolio in [PortfolioId(0), PortfolioId(1)] {
            let held = self.venue.held.iter().filter(|((one, _), _)| *one == portfolio);
            let held = held.map(|((_, symbol), qty)| (*symbol, *qty));
            crate::invariants::agrees(supervisor, portfolio, held).unwrap();
            let working: Vec<_> = supervisor.open_orders(portfolio).map(|order| order.id).collect();
            let known = self.venue.orders.iter().filter(|order| order.portfolio == portfolio);
            assert!(known.clone().all(|order| working.contains(&order.id)), "no order is forgotten");
            assert!(working.len() <= known.count(), "and none is invented");
        }
    }
}
