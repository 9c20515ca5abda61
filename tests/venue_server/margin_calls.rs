//! `MARGIN_CALL`: told once each time that the margin ratio comes to 80 %.

use crate::support::{Desk, market, setup, wallet};
use asterswarm::aster::environment::Version;
use asterswarm::aster::wire::{Body, Event, Frame, MarginCall, MarginType, Side, calls};
use asterswarm::venue_server::Setup;
use swarm_core::model::{Price, Qty, Usd};

fn listening() -> Desk {
    let mut desk = Desk::with(Setup { limits: false, ..setup() }, wallet(1), Version::V3);
    let key = desk.ask(&calls::start_user_stream()).unwrap().listen_key;
    desk.venue.connect(&format!("/ws/{key}"), "").unwrap();
    desk
}

fn calls_of(desk: &mut Desk) -> Vec<MarginCall> {
    let read = |text: String| match Frame::read(text.as_bytes()).unwrap().body {
        Body::Event(Event::MarginCall(call)) => Some(call),
        _ => None,
    };
    desk.frames().into_iter().filter_map(read).collect()
}

/// Lets the price fall tick by tick until there is a call, and gives the margin ratio just before and at it.
fn fall(desk: &mut Desk, from: i64) -> (MarginCall, f64, f64) {
    let mut before = 0.0;
    for cents in (1..=from).rev() {
        desk.price(&format!("{}.{:02}", cents / 100, cents % 100));
        let account = desk.ask(&calls::account()).unwrap();
        let ratio = account.total_maint_margin.to_f64() / account.total_margin_balance.to_f64();
        if let Some(call) = calls_of(desk).pop() {
            return (call, before, ratio);
        }
        before = ratio;
    }
    panic!("no call")
}

#[test]
fn positions_that_share_the_wallet_are_called_once_when_the_ratio_is_reached() {
    let mut desk = listening();
    desk.ask(&calls::set_leverage("SOLUSDT", 20)).unwrap();
    desk.ask(&calls::place_order(market(Side::Buy, "1000"))).unwrap();
    assert_eq!(calls_of(&mut desk), []);
    let (call, before, at) = fall(&mut desk, 9_999);
    assert!(before < 0.8 && at >= 0.8, "{before} {at}");
    let risk = desk.ask(&calls::position_risk(Some("SOLUSDT"))).unwrap();
    let [position] = &call.positions[..] else { panic!("one position") };
    assert_eq!((position.margin_type.clone(), position.amount), (MarginType::Crossed, Qty::whole(1_000)));
    assert_eq!((position.mark_price, position.unrealized), (risk[0].mark_price, risk[0].un_realized_profit));
    let account = desk.ask(&calls::account()).unwrap();
    assert_eq!(position.maintenance_margin, account.total_maint_margin);
    assert_eq!(call.cross_wallet, Some(account.total_cross_wallet_balance));
    // Not again as long as it is near.
    let mark = position.mark_price;
    desk.price(&Price(mark.0 - 100_000).to_string());
    assert_eq!(calls_of(&mut desk), []);
    // Again when it has been far.
    desk.price("99");
    assert_eq!(calls_of(&mut desk), []);
    desk.price(&mark.to_string());
    assert_eq!(calls_of(&mut desk).len(), 1);
    desk.control("POST", "money", r#"{"account":"paper-1","amount":"1000"}"#);
    desk.control("POST", "money", r#"{"account":"paper-1","amount":"-1000"}"#);
    assert!(calls_of(&mut desk).len() <= 1);
}

#[test]
fn an_isolated_position_is_called_alone_and_without_the_wallet() {
    let mut desk = listening();
    desk.ask(&calls::set_margin_type("SOLUSDT", MarginType::Isolated)).unwrap();
    desk.ask(&calls::set_leverage("SOLUSDT", 20)).unwrap();
    desk.ask(&calls::place_order(market(Side::Buy, "10"))).unwrap();
    let (call, ..) = fall(&mut desk, 9_999);
    let [position] = &call.positions[..] else { panic!("one position") };
    assert_eq!((position.margin_type.clone(), call.cross_wallet), (MarginType::Isolated, None));
    let margin = position.isolated_wallet.unwrap();
    assert!(margin > Usd::ZERO);
    let ratio = position.maintenance_margin.to_f64() / (margin + position.unrealized).to_f64();
    assert!((0.8..1.0).contains(&ratio), "{ratio}");
}

#[test]
fn what_is_liquidated_at_once_is_not_called_and_the_next_position_can_be() {
    let mut desk = listening();
    desk.ask(&calls::set_leverage("SOLUSDT", 20)).unwrap();
    desk.ask(&calls::place_order(market(Side::Buy, "1000"))).unwrap();
    desk.price("50");
    assert_eq!(calls_of(&mut desk), []);
    assert_eq!(desk.ask(&calls::position_risk(Some("SOLUSDT"))).unwrap()[0].position_amt, Qty::ZERO);
}
