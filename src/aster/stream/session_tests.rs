//! A session under virtual time, with sockets that open, fail, stall and end as they like.

use super::session::{Act, MAX_STREAMS, Policy, Session, Slot, TooManyStreams};
use crate::aster::wire::Frame;
use proptest::prelude::*;
use swarm_core::model::{Millis, SECOND_MS, Time};

const POLICY: Policy = Policy {
    life_ms: 1_000 * SECOND_MS,
    idle_ms: 60 * SECOND_MS,
    answer_ms: 5 * SECOND_MS,
    overlap_ms: 10 * SECOND_MS,
};

fn session(streams: &[&str]) -> Session {
    let streams: Vec<String> = streams.iter().map(|stream| (*stream).to_owned()).collect();
    Session::new(&streams, POLICY, 7).unwrap()
}

fn at(second: i64) -> Time {
    Time(second * SECOND_MS)
}

fn frame(text: &str) -> (Frame, Vec<u8>) {
    (Frame::read(text.as_bytes()).unwrap(), text.as_bytes().to_vec())
}

fn trade(id: u64) -> (Frame, Vec<u8>) {
    frame(&format!(r#"{{"e":"aggTrade","E":1,"s":"X","a":{id},"p":"1","q":"1","f":1,"l":1,"T":1,"m":true}}"#))
}

/// Opens a slot and has its subscription acknowledged.
fn go_live(session: &mut Session, slot: Slot, now: Time) -> Vec<Act> {
    let sent = session.opened(slot, now);
    assert!(matches!(&sent[..], [Act::Send(to, _)] if *to == slot), "{sent:?}");
    let (ack, bytes) = frame(r#"{"result":null,"id":1}"#);
    session.frame(slot, now, &ack, &bytes).1
}

#[test]
fn streams_are_subscribed_in_lower_case_and_up_once_acknowledged() {
    let mut session = session(&["BTCUSDT@aggTrade", "ethusdt@markPrice@1s", "!markPrice@arr"]);
    assert_eq!(session.tick(at(0)), [Act::Open(Slot::A)]);
    assert_eq!(session.tick(at(1)), []);
    let text = r#"{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","ethusdt@markPrice@1s","!markPrice@arr"],"id":1}"#;
    assert_eq!(session.opened(Slot::A, at(1)), [Act::Send(Slot::A, text.to_owned())]);
    assert!(!session.is_up());
    let (ack, bytes) = frame(r#"{"result":null,"id":1}"#);
    assert_eq!(session.frame(Slot::A, at(2), &ack, &bytes), (false, vec![Act::Up]));
}

#[test]
fn a_silent_or_unwilling_socket_is_given_up() {
    let mut slow = session(&["x@aggTrade"]);
    slow.tick(at(0));
    assert_eq!(slow.tick(at(5)), [Act::Close(Slot::A)], "no connection in time");

    let mut unacknowledged = session(&["x@aggTrade"]);
    unacknowledged.tick(at(0));
    unacknowledged.opened(Slot::A, at(1));
    assert_eq!(unacknowledged.tick(at(6)), [Act::Close(Slot::A)], "no answer to the subscription");

    let mut refused = session(&["x@aggTrade"]);
    refused.tick(at(0));
    refused.opened(Slot::A, at(1));
    let (refusal, bytes) = frame(r#"{"code":2,"msg":"Invalid request","id":1}"#);
    assert_eq!(refused.frame(Slot::A, at(1), &refusal, &bytes).1, [Act::Close(Slot::A)]);

    let mut silent = session(&["x@aggTrade"]);
    silent.tick(at(0));
    go_live(&mut silent, Slot::A, at(1));
    silent.alive(Slot::A, at(30));
    assert_eq!(silent.tick(at(89)), []);
    assert_eq!(silent.tick(at(90)), [Act::Close(Slot::A), Act::Down]);
    let again = silent.next_tick(at(90));
    assert!(again > at(90) && again <= at(91));
    assert_eq!(silent.tick(again), [Act::Open(Slot::A)]);
}

#[test]
fn an_old_connection_is_replaced_without_a_gap_and_nothing_comes_twice() {
    let mut session = session(&["x@aggTrade"]);
    session.tick(at(0));
    go_live(&mut session, Slot::A, at(0));
    let take = |session: &mut Session, slot, second, id| {
        let (frame, bytes) = trade(id);
        session.frame(slot, at(second), &frame, &bytes)
    };
    for second in (10..1_000).step_by(50) {
        assert_eq!(take(&mut session, Slot::A, second, second as u64), (true, vec![]));
    }
    session.alive(Slot::A, at(999));
    assert_eq!(session.next_tick(at(999)), at(1_000));
    assert_eq!(session.tick(at(1_000)), [Act::Open(Slot::B)]);
    assert_eq!(go_live(&mut session, Slot::B, at(1_001)), [], "both deliver, nothing was down");
    assert_eq!(take(&mut session, Slot::A, 1_002, 2_000), (true, vec![]));
    assert_eq!(take(&mut session, Slot::B, 1_003, 2_000), (false, vec![]), "the same trade");
    assert_eq!(take(&mut session, Slot::B, 1_004, 2_001), (true, vec![]));
    assert_eq!(take(&mut session, Slot::A, 1_005, 2_001), (false, vec![]), "the same trade");
    assert_eq!(session.tick(at(1_006)), [Act::Close(Slot::A)], "the new one has delivered for a while");
    assert!(session.is_up());
    assert_eq!(take(&mut session, Slot::A, 1_007, 3_000), (false, vec![]), "a closed socket says nothing");
    assert_eq!(take(&mut session, Slot::B, 1_008, 2_002), (true, vec![]));
}

#[test]
fn an_expired_listen_key_is_a_lost_connection() {
    let mut session = session(&[]);
    session.tick(at(0));
    assert_eq!(session.opened(Slot::A, at(0)), [Act::Up], "a user stream is not subscribed to");
    let (expired, bytes) = frame(r#"{"e":"listenKeyExpired","E":1}"#);
    let (new, acts) = session.frame(Slot::A, at(9), &expired, &bytes);
    assert_eq!((new, acts), (true, vec![Act::Close(Slot::A), Act::Down]));
    assert_eq!(session.tick(at(9)), [Act::Open(Slot::A)]);
}

#[test]
fn a_connection_has_two_hundred_streams_at_most() {
    let streams = vec!["x@aggTrade".to_owned(); MAX_STREAMS + 1];
    assert!(Session::new(&streams[1..], POLICY, 1).is_ok());
    assert_eq!(Session::new(&streams, POLICY, 1).unwrap_err(), TooManyStreams(201));
}

/// What a shell would see: which slots it has open.
#[derive(Default)]
struct Shell {
    open: [bool; 2],
    live: [bool; 2],
    up: bool,
}

impl Shell {
    fn obey(&mut self, acts: &[Act]) {
        for act in acts {
            match act {
                Act::Open(slot) => {
                    assert!(!self.open[slot.index()], "a slot is opened once");
                    self.open[slot.index()] = true;
                }
                Act::Close(slot) => {
                    assert!(self.open[slot.index()], "only what is open is closed");
                    (self.open[slot.index()], self.live[slot.index()]) = (false, false);
                }
                Act::Send(slot, _) => assert!(self.open[slot.index()]),
                Act::Up => assert!(!std::mem::replace(&mut self.up, true)),
                Act::Down => assert!(std::mem::replace(&mut self.up, false)),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever sockets do: the session is up exactly while one of them is subscribed, never has more than two,
    /// never passes a trade on twice, and never stands still without a next tick.
    #[test]
    fn a_session_keeps_its_word(happenings in proptest::collection::vec((0u8..7, any::<bool>(), 0i64..30_000), 1..200)) {
        let (mut session, mut shell, mut now) = (session(&["x@aggTrade"]), Shell::default(), at(0));
        let (mut next, mut last_passed) = ([0u64; 2], None::<u64>);
        for (what, which, pause) in happenings {
            let until: Time = now.plus(pause as Millis);
            loop {
                shell.obey(&session.tick(now));
                let tick = session.next_tick(now);
                prop_assert!(tick >= now);
                if tick >= until {
                    break;
                }
                now = tick.max(now.plus(1));
            }
            now = until;
            let slot = if which { Slot::B } else { Slot::A };
            let place = slot.index();
            match what {
                0 | 1 if shell.open[place] && !shell.live[place] => shell.obey(&session.opened(slot, now)),
                2 | 3 if shell.open[place] => {
                    let (ack, bytes) = frame(r#"{"result":null,"id":1}"#);
                    let (_, acts) = session.frame(slot, now, &ack, &bytes);
                    shell.live[place] |= session.is_up() && acts.contains(&Act::Up);
                    shell.obey(&acts);
                }
                4 if shell.open[place] => {
                    (shell.open[place], shell.live[place]) = (false, false);
                    shell.obey(&session.closed(slot, now));
                }
                _ if shell.open[place] => {
                    let id = next[place];
                    next[place] += 1;
                    let (frame, bytes) = trade(id);
                    let (new, acts) = session.frame(slot, now, &frame, &bytes);
                    if new {
                        prop_assert!(last_passed.is_none_or(|last| id > last), "{} after {:?}", id, last_passed);
                        last_passed = Some(id);
                    }
                    shell.obey(&acts);
                }
                _ => {}
            }
            prop_assert_eq!(session.is_up(), shell.up);
        }
    }
}
