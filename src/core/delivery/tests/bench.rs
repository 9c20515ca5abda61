//! A desk whose requests are answered by hand, and orders, reports and trades to answer with.

use super::scenario::{BTC, START, plan, policy};
use crate::delivery::{
    Answer, Desk, Halt, LinkState, OrderReport, OrderStatus, Out, Policy, PositionRow, RefusalClass, Request,
    RequestId, RunTag, StreamEvent, TradeRow,
};
use crate::model::*;

/// A desk at rest, connected, whose requests wait for an answer.
pub(super) struct Bench {
    pub(super) desk: Desk,
    pub(super) now: Time,
    pub(super) open: Vec<(RequestId, Request)>,
    pub(super) events: Vec<VenueEvent>,
    pub(super) differences: Vec<Difference>,
    pub(super) halt: Option<Halt>,
    pub(super) gates: Vec<bool>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(policy())
    }

    pub(super) fn with(policy: Policy) -> Self {
        let mut bench = Self::starting(policy);
        bench.call(|desk, now, out| desk.start(now, out));
        bench.call(|desk, now, out| desk.link(now, LinkState::Up, out));
        bench.answer_account(Usd::whole(10_000), Qty::ZERO);
        assert_eq!(bench.gates, [true, false]);
        assert_eq!((bench.open.len(), bench.events.len()), (0, 0), "{:?}", bench.open);
        bench
    }

    pub(super) fn starting(policy: Policy) -> Self {
        let tag: RunTag = "t".parse().unwrap();
        Self {
            desk: Desk::new(&plan(), PortfolioId(0), tag, policy),
            now: START,
            open: Vec::new(),
            events: Vec::new(),
            differences: Vec::new(),
            halt: None,
            gates: Vec::new(),
        }
    }

    pub(super) fn call(&mut self, call: impl FnOnce(&mut Desk, Time, &mut Out)) {
        let mut out = Out::default();
        call(&mut self.desk, self.now, &mut out);
        self.open.extend(out.requests);
        self.events.extend(out.events);
        self.differences.extend(out.differences);
        self.halt = self.halt.or(out.halt);
        self.gates.extend(out.gate);
    }

    /// Answers whatever the account is asked until it is not asked any more.
    pub(super) fn answer_account(&mut self, wallet: Usd, held: Qty) {
        for _ in 0..40 {
            for (id, request) in std::mem::take(&mut self.open) {
                let answer = match &request {
                    Request::OpenOrders => Answer::OpenOrders(Vec::new()),
                    Request::Trades { .. } => Answer::Trades(Vec::new()),
                    Request::Income { .. } => Answer::Income(Vec::new()),
                    Request::Balance => Answer::Balance(wallet),
                    Request::Modes => Answer::Modes { hedge: false, multi_assets: false },
                    Request::Positions => Answer::Positions(vec![position(held)]),
                    _ => {
                        self.open.push((id, request));
                        continue;
                    }
                };
                self.call(|desk, now, out| desk.answered(now, id, answer, out));
            }
            if !self.desk.is_gated() {
                return;
            }
            self.wait(2_000);
        }
    }

    pub(super) fn place(&mut self, leg: u16, purpose: Purpose, kind: OrderKind) -> OrderId {
        let order = order(leg, purpose, kind);
        let id = order.id;
        self.call(|desk, now, out| {
            desk.tick(now, out);
            desk.take(order, out);
        });
        id
    }

    pub(super) fn cancel(&mut self, id: OrderId) {
        self.call(|desk, now, out| {
            desk.take_cancel(id, out);
            desk.tick(now, out);
        });
    }

    /// An exit that rests at the venue.
    pub(super) fn resting(&mut self, leg: u16) -> OrderId {
        let id = self.place(leg, Purpose::Stop, STOP);
        self.answer(Answer::Order(report(leg, OrderStatus::New, "0")));
        assert_eq!(self.told(), [format!("{id} Accepted")]);
        id
    }

    /// Answers the only open request.
    pub(super) fn answer(&mut self, answer: Answer) -> Request {
        assert_eq!(self.open.len(), 1, "{:?}", self.open);
        let (id, request) = self.open.remove(0);
        self.call(|desk, now, out| desk.answered(now, id, answer, out));
        request
    }

    /// Answers the first open request that fits.
    pub(super) fn answer_to(&mut self, fits: impl Fn(&Request) -> bool, answer: Answer) {
        let place = self.open.iter().position(|(_, request)| fits(request));
        let (id, _) = self.open.remove(place.unwrap_or_else(|| panic!("not asked: {:?}", self.open)));
        self.call(|desk, now, out| desk.answered(now, id, answer, out));
    }

    pub(super) fn stream(&mut self, report: OrderReport, trade: Option<TradeRow>) {
        self.call(|desk, now, out| desk.streamed(now, StreamEvent::Order { report, trade }, out));
    }

    /// Lets time pass, with all that falls due.
    pub(super) fn wait(&mut self, ms: Millis) {
        let end = self.now.plus(ms);
        while let Some(due) = self.desk.next_deadline().filter(|due| *due <= end) {
            assert!(due > self.now || self.now == START, "a deadline passes only once: {due}");
            self.now = due.max(self.now);
            self.call(|desk, now, out| desk.tick(now, out));
        }
        self.now = end;
        self.call(|desk, now, out| desk.tick(now, out));
    }

    pub(super) fn asked(&self) -> Vec<&'static str> {
        self.open.iter().map(|(_, request)| name(request)).collect()
    }

    /// What the supervisor was told since the last call.
    pub(super) fn told(&mut self) -> Vec<String> {
        self.events.drain(..).map(|event| describe(&event)).collect()
    }
}

pub(super) const STOP: OrderKind = OrderKind::StopMarket { trigger: Price::whole(90) };

pub(super) const fn name(request: &Request) -> &'static str {
    match request {
        Request::Place { .. } => "place",
        Request::PlaceStrategy(_) => "strategy",
        Request::QueryStrategy { .. } => "look",
        Request::Cancel { .. } => "cancel",
        Request::QueryOrder { .. } => "query",
        Request::OpenOrders => "listing",
        Request::Trades { .. } => "trades",
        Request::Positions => "positions",
        Request::Balance => "balance",
        Request::Income { .. } => "income",
        Request::Modes => "modes",
        Request::SetLeverage { .. } => "leverage",
        Request::Noop { .. } => "noop",
    }
}

pub(super) fn describe(event: &VenueEvent) -> String {
    match event {
        VenueEvent::Order { id, kind: ReportKind::Filled { fill, leaves }, .. } => {
            format!("{id} filled {} at {} fee {} leaves {leaves}", fill.qty, fill.price, fill.fee)
        }
        VenueEvent::Order { id, kind, .. } => format!("{id} {kind:?}"),
        VenueEvent::Liquidation { fill, .. } => format!("liquidated {}", fill.qty),
        VenueEvent::Funding { amount, .. } => format!("funding {amount}"),
        VenueEvent::Transfer { amount, .. } => format!("transfer {amount}"),
    }
}

pub(super) fn order(leg: u16, purpose: Purpose, kind: OrderKind) -> Order {
    let is_entry = purpose == Purpose::Entry;
    Order {
        id: OrderId { intent: IntentId { agent: AgentId(0), number: 1 }, leg },
        portfolio: PortfolioId(0),
        symbol: BTC,
        side: if is_entry { Side::Buy } else { Side::Sell },
        kind,
        qty: Qty::whole(2),
        reduce_only: !is_entry,
        close_position: false,
        leverage: 3,
        purpose,
    }
}

pub(super) fn report_of(name: &str, number: u64, status: OrderStatus, filled: &str) -> OrderReport {
    let filled = filled.parse().unwrap();
    OrderReport { name: name.into(), number, symbol: BTC, status, filled, qty: Qty::whole(2), at: START }
}

/// Of one of our orders: its number is 100 and its leg.
pub(super) fn report(leg: u16, status: OrderStatus, filled: &str) -> OrderReport {
    report_of(&format!("t-0-1-{leg}"), 100 + u64::from(leg), status, filled)
}

pub(super) fn trade(id: u64, number: u64, side: Side, qty: &str) -> TradeRow {
    let (qty, fee) = (qty.parse().unwrap(), "0.5".parse().unwrap());
    TradeRow { symbol: BTC, id, number, side, price: Price::whole(100), qty, fee, maker: false, at: START }
}

pub(super) fn position(qty: Qty) -> PositionRow {
    PositionRow {
        symbol: Some(BTC),
        contract: "BTCUSDT".into(),
        qty,
        entry_price: Price::whole(100),
        mark: Some(Price::whole(101)),
        leverage: Some(3),
    }
}

pub(super) const fn refused(class: RefusalClass, why: VenueReject) -> Answer {
    Answer::Refused { class, why }
}
