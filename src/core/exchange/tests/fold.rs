//! Recovery by hand: what the journal told is what the account was.

use super::*;

/// Walks steps and single prices as a host does, and keeps the facts it would have journaled.
struct Journal {
    world: World,
    facts: Vec<Fact>,
}

impl Journal {
    fn new(params: ExchangeParams) -> Self {
        Self { world: World::new(params), facts: Vec::new() }
    }

    fn tell(&mut self, events: Vec<VenueEvent>) {
        self.facts.extend(events.into_iter().map(|event| Fact::Venue { portfolio: PortfolioId(0), event }));
    }

    fn send(&mut self, text: &str) {
        self.world.send(text);
        let order = order(self.world.numbers, BTC, text);
        self.facts.push(Fact::Order { at: self.world.at, order });
    }

    fn cancel(&mut self, number: u32) {
        let id = order(number, BTC, "buy 1 market").id;
        self.world.cancel(id);
        self.facts.push(Fact::Cancel { at: self.world.at, portfolio: PortfolioId(0), id, symbol: BTC });
    }

    fn step(&mut self, text: &str) {
        let candle = candle(self.world.at, text);
        self.facts.push(Fact::Candle { symbol: BTC, candle });
        self.world.exchange.begin(Interval::M5, &[Some(candle)]);
        let mut events = Vec::new();
        for point in 0..POINTS {
            let mut before = usize::MAX;
            while before != events.len() {
                before = events.len();
                self.world.exchange.advance(point, &mut events);
            }
        }
        self.tell(events);
        self.world.at = self.world.at.plus(Interval::M5.ms());
    }

    fn quote(&mut self, after_ms: i64, text: &str) {
        let at = self.world.at.plus(after_ms);
        self.facts.push(Fact::Mark { at, symbol: BTC, price: price(text) });
        let mut events = Vec::new();
        self.world.exchange.quote(at, BTC, price(text), &mut events);
        self.tell(events);
    }

    /// Ends the step and compares.
    #[track_caller]
    fn check(&mut self) {
        self.facts.push(Fact::StepEnd { at: self.world.at });
        let mut folded = World::new(self.world.exchange.params.clone()).exchange;
        self.facts.iter().for_each(|fact| folded.apply(fact));
        assert_eq!(folded, self.world.exchange);
    }
}

#[test]
fn orders_on_their_way_and_at_rest_survive() {
    let mut journal = Journal::new(ExchangeParams { latency_ms: 400_000, ..free_params() });
    journal.step("100 105 95 100");
    journal.send("buy 1 market");
    journal.send("buy 1 limit 97");
    journal.check();
    journal.step("100 105 99 100");
    journal.check();
    journal.cancel(2);
    journal.cancel(1);
    journal.step("100 105 99 100");
    journal.send("sell 1 stop 90 reduce");
    journal.check();
    journal.step("101 105 99 100");
    journal.check();
    assert_eq!(journal.world.exchange.held(), [BTC]);
}

#[test]
fn what_a_trailing_stop_saw_survives() {
    let mut journal = Journal::new(ExchangeParams { latency_ms: 70_000, ..free_params() });
    journal.step("100 100 100 100");
    journal.send("buy 1 market");
    journal.send("sell 1 trail 0.05 reduce");
    journal.send("sell 1 trail 0.04 103 reduce");
    journal.step("100 101 99 101");
    journal.check();
    assert_eq!(
        journal.world.exchange.open_orders().map(|open| open.best).collect::<Vec<_>>(),
        [Some(price("101")), None]
    );
    journal.step("102 104 101 104");
    journal.check();
    journal.step("104 106 103 103");
    journal.check();
    assert_eq!(journal.world.exchange.open_orders().map(|open| open.best).collect::<Vec<_>>(), [Some(price("106")); 2]);
}

#[test]
fn single_prices_fold_like_candles() {
    let mut journal = Journal::new(ExchangeParams { latency_ms: 50, ..free_params() });
    journal.quote(0, "100");
    journal.send("buy 1 market");
    journal.send("sell 1 trail 0.05 reduce");
    journal.quote(40, "101");
    journal.quote(60, "99");
    journal.check();
    assert_eq!(journal.world.exchange.open_orders().next().unwrap().best, Some(price("101")));
    journal.quote(70, "104");
    journal.check();
    journal.world.at = journal.world.at.plus(Interval::M5.ms());
    journal.step("103 110 102 110");
    journal.check();
    journal.quote(10, "104");
    journal.check();
    assert!(journal.world.exchange.is_idle());
}

#[test]
fn facts_of_others_change_nothing() {
    let mut world = World::new(free_params());
    let before = world.exchange.clone();
    for fact in [
        Fact::Gate { at: START, portfolio: PortfolioId(0), gated: true },
        Fact::End { at: START, complete: true },
        Fact::StepEnd { at: START },
    ] {
        world.exchange.apply(&fact);
    }
    assert_eq!(world.exchange, before);
}
