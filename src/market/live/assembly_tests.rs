//! The assembly as a specification: what goes out, when, and what is told of the rest.

use super::*;
use swarm_core::model::{MINUTE_MS, Price};

const LAST: Time = Time(10 * MINUTE_MS);
const A: SymbolId = SymbolId(0);
const B: SymbolId = SymbolId(1);

/// Two symbols of one minute; REST has been compared.
struct World {
    assembly: Assembly,
    steady: Millis,
    market: Time,
}

fn candle(minute: i64, price: i64) -> Candle {
    let price = Price::whole(price);
    Candle {
        open_time: Time((minute - 1) * MINUTE_MS),
        open: price,
        high: price,
        low: price,
        close: price,
        volume: 1.0,
    }
}

impl World {
    /// Nothing has been compared with REST yet.
    fn fresh() -> Self {
        Self { assembly: Assembly::new(2, Interval::M1, LAST, Waits::default()), steady: 0, market: LAST.plus(1_000) }
    }

    fn new() -> Self {
        let mut world = Self::fresh();
        for question in world.questions() {
            world.answer(question, &[]);
        }
        world
    }

    fn now(&self) -> Moment {
        Moment { market: self.market, steady: self.steady }
    }

    fn pass(&mut self, ms: Millis) -> &mut Self {
        self.steady += ms;
        self.market = self.market.plus(ms);
        self
    }

    /// To just after the end of this minute.
    fn to(&mut self, minute: i64) -> &mut Self {
        self.pass(Time(minute * MINUTE_MS).since(self.market) + 10);
        // Waiting begins when somebody looks.
        let now = self.now();
        self.assembly.look(now);
        self
    }

    fn questions(&mut self) -> Vec<Question> {
        let now = self.now();
        self.assembly.questions(now)
    }

    fn answer(&mut self, question: Question, candles: &[Candle]) {
        let now = self.now();
        self.assembly.answered(question, candles, now);
    }

    fn fail(&mut self, question: Question) {
        let now = self.now();
        self.assembly.unanswered(question, now);
    }

    /// Minutes and prices of the steps that go out now.
    fn steps(&mut self) -> Vec<(i64, Vec<Option<i64>>)> {
        let now = self.now();
        let steps = std::iter::from_fn(|| self.assembly.next_step(now));
        let price = |candle: &Option<Candle>| candle.map(|candle| candle.close.0 / Price::whole(1).0);
        steps.map(|step| (step.close_time.0 / MINUTE_MS, step.candles.iter().map(price).collect())).collect()
    }

    fn fates(&mut self) -> Vec<(SymbolId, i64, Fate)> {
        let notes = self.assembly.take_notes();
        notes.into_iter().map(|note| (note.symbol, note.close_time.0 / MINUTE_MS, note.fate)).collect()
    }
}

#[test]
fn a_step_goes_out_as_soon_as_every_symbol_has_closed() {
    let mut world = World::new();
    world.to(11).assembly.streamed(A, candle(11, 100));
    assert_eq!(world.steps(), []);
    world.assembly.streamed(B, candle(11, 200));
    assert_eq!(world.steps(), [(11, vec![Some(100), Some(200)])]);
    world.assembly.streamed(A, candle(11, 100));
    assert_eq!((world.steps(), world.fates()), (vec![], vec![]), "the same once more is nothing");
}

#[test]
fn a_missing_candle_is_asked_for_after_the_grace_and_filled() {
    let mut world = World::new();
    world.to(11).assembly.streamed(A, candle(11, 100));
    assert_eq!(world.questions(), []);
    let question = Question { symbol: B, from: LAST };
    assert_eq!(world.pass(Waits::default().grace_ms).questions(), [question]);
    assert_eq!(world.questions(), [], "one question at a time");
    world.answer(question, &[candle(11, 201)]);
    assert_eq!(world.steps(), [(11, vec![Some(100), Some(201)])]);
    assert_eq!(world.fates(), [(B, 11, Fate::Filled)]);
}

#[test]
fn a_candle_that_nobody_brings_is_a_gap_and_its_late_coming_is_told() {
    let mut world = World::new();
    world.to(11).assembly.streamed(A, candle(11, 100));
    world.questions();
    world.pass(Waits::default().give_up_ms - 1);
    assert_eq!(world.steps(), []);
    world.pass(1);
    assert_eq!(world.steps(), [(11, vec![Some(100), None])]);
    assert_eq!(world.fates(), [(B, 11, Fate::Missing)]);
    world.assembly.streamed(B, candle(11, 200));
    assert_eq!((world.steps(), world.fates()), (vec![], vec![(B, 11, Fate::Late)]));
}

#[test]
fn a_hole_that_rest_shows_is_not_waited_for() {
    let mut world = World::new();
    world.to(11).assembly.streamed(A, candle(11, 100));
    world.assembly.streamed(A, candle(12, 101));
    world.pass(Waits::default().grace_ms);
    let question = world.questions()[0];
    world.answer(question, &[candle(12, 202)]);
    assert_eq!(world.steps(), [(11, vec![Some(100), None]), (12, vec![Some(101), Some(202)])]);
    assert_eq!(world.fates(), [(B, 12, Fate::Filled), (B, 11, Fate::Missing)]);
}

#[test]
fn a_silent_market_makes_no_steps_and_is_asked_about_ever_more_rarely() {
    let mut world = World::new();
    world.to(11);
    let mut asked = Vec::new();
    for _ in 0..300 {
        for question in world.pass(1_000).questions() {
            assert_eq!(question.from, LAST);
            asked.push(world.steady);
            world.fail(question);
        }
        assert_eq!(world.steps(), []);
    }
    assert!((10..40).contains(&asked.len()), "{asked:?}");
    // It comes back: nothing is lost.
    world.assembly.reconnected([A, B]);
    for question in world.questions() {
        let candles: Vec<Candle> = (8..=15).map(|minute| candle(minute, 100 + minute)).collect();
        world.answer(question, &candles);
    }
    let steps: Vec<i64> = world.steps().into_iter().map(|(minute, _)| minute).collect();
    assert_eq!(steps, [11, 12, 13, 14, 15]);
    assert!(world.fates().iter().all(|(_, _, fate)| *fate == Fate::Filled));
}

#[test]
fn after_a_reconnection_nothing_goes_out_before_rest_was_compared_and_rest_wins() {
    let mut world = World::new();
    for (minute, price) in [(11, 100), (12, 101)] {
        world.to(minute).assembly.streamed(A, candle(minute, price));
        world.assembly.streamed(B, candle(minute, price));
        assert_eq!(world.steps().len(), 1);
    }
    world.to(13).assembly.reconnected([A, B]);
    world.assembly.streamed(A, candle(13, 102));
    world.assembly.streamed(B, candle(13, 102));
    assert_eq!(world.steps(), []);
    let questions = world.questions();
    assert_eq!(questions.iter().map(|question| question.from).collect::<Vec<_>>(), [Time(9 * MINUTE_MS); 2]);
    world.answer(questions[0], &[candle(11, 100), candle(12, 999), candle(13, 103)]);
    assert_eq!(world.steps(), []);
    world.answer(questions[1], &[candle(11, 100), candle(12, 101), candle(13, 102)]);
    assert_eq!(world.steps(), [(13, vec![Some(103), Some(102)])]);
    assert_eq!(world.fates(), [(A, 12, Fate::Differs), (A, 13, Fate::Corrected)]);
}

#[test]
fn a_comparison_that_fails_delays_one_step_and_no_more() {
    let mut world = World::fresh();
    for question in world.questions() {
        world.fail(question);
    }
    for minute in 11..15 {
        world.to(minute).assembly.streamed(A, candle(minute, 100));
        world.assembly.streamed(B, candle(minute, 100));
        assert_eq!(world.steps().len(), 1, "{minute}");
    }
}

#[test]
fn before_the_first_comparison_nothing_goes_out() {
    let mut world = World::fresh();
    assert_eq!(world.questions().len(), 2);
    world.to(11).assembly.streamed(A, candle(11, 100));
    world.assembly.streamed(B, candle(11, 100));
    assert_eq!(world.steps(), []);
    world.pass(Waits::default().give_up_ms);
    assert_eq!(world.steps().len(), 1, "but it is not waited for without end");
}

#[test]
fn candles_that_make_no_sense_are_passed_over_and_asked_for() {
    let mut world = World::new();
    world.to(11).assembly.streamed(A, candle(11, 100));
    world.assembly.streamed(B, Candle { high: Price::whole(1), ..candle(11, 200) });
    world.assembly.streamed(B, Candle { open_time: LAST.plus(7), ..candle(11, 200) });
    assert_eq!(world.fates(), [(B, 11, Fate::Faulty); 2]);
    world.pass(Waits::default().grace_ms);
    assert_eq!(world.questions(), [Question { symbol: B, from: LAST }]);
}

/// Something that happens to two streams and REST.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Stream(usize, i64),
    Reconnected,
    Answer,
    Fail,
    Pass(Millis),
}

fn happening() -> impl proptest::strategy::Strategy<Value = Happening> {
    use proptest::prelude::*;
    prop_oneof![
        4 => (0usize..2, -3i64..4).prop_map(|(symbol, ahead)| Happening::Stream(symbol, ahead)),
        1 => Just(Happening::Reconnected),
        3 => Just(Happening::Answer),
        1 => Just(Happening::Fail),
        4 => (1i64..70_000).prop_map(Happening::Pass),
    ]
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]

    /// Whatever streams and REST do: steps ascend without a jump of the grid, and a candle that is missing in one is
    /// told as missing.
    #[test]
    fn steps_ascend_and_every_gap_is_told(happenings in proptest::collection::vec(happening(), 1..80)) {
        let mut world = World::fresh();
        let mut open: Vec<Question> = Vec::new();
        let mut expected = 11;
        let mut missing = 0;
        for happening in happenings {
            open.extend(world.questions());
            let minute = world.market.0 / MINUTE_MS;
            match happening {
                Happening::Stream(symbol, ahead) => {
                    // Only what is over is streamed as closed.
                    let closed = (minute + ahead.min(0)).max(1);
                    world.assembly.streamed(SymbolId::at(symbol), candle(closed, 100));
                }
                Happening::Reconnected => world.assembly.reconnected([A, B]),
                Happening::Answer => {
                    if let Some(question) = open.pop() {
                        let from = question.from.0 / MINUTE_MS + 1;
                        let candles: Vec<Candle> = (from..=minute).map(|minute| candle(minute, 100)).collect();
                        world.answer(question, &candles);
                    }
                }
                Happening::Fail => {
                    if let Some(question) = open.pop() {
                        world.fail(question);
                    }
                }
                Happening::Pass(ms) => drop(world.pass(ms)),
            }
            for (minute, candles) in world.steps() {
                proptest::prop_assert!(minute >= expected && minute * MINUTE_MS <= world.market.0);
                missing += 2 * (minute - expected) + candles.iter().filter(|candle| candle.is_none()).count() as i64;
                expected = minute + 1;
            }
        }
        let told = world.fates().iter().filter(|(_, _, fate)| *fate == Fate::Missing).count() as i64;
        // Steps that nobody had at all and no later step has followed yet are told already.
        proptest::prop_assert!(told >= missing && (told - missing) % 2 == 0);
    }
}
