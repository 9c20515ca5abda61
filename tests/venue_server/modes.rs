//! Hedge mode, isolated margin, and accounts that belong together.

use crate::support::{Desk, limit, market, setup, stop, wallet};
use asterswarm::aster::environment::Version;
use asterswarm::aster::wire::{
    ChangeMargin, IncomeHistory, MarginHistory, MarginType, NewOrder, PositionRisk, PositionSide, Side, calls,
};
use swarm_core::model::{Price, Qty, Usd};

fn on(stance: PositionSide, side: Side, qty: &str) -> NewOrder {
    NewOrder { position_side: Some(stance), ..market(side, qty) }
}

fn risks(desk: &mut Desk) -> Vec<PositionRisk> {
    desk.ask(&calls::position_risk(Some("SOLUSDT"))).unwrap()
}

fn amounts(desk: &mut Desk) -> Vec<(PositionSide, Qty)> {
    risks(desk).into_iter().map(|row| (row.position_side, row.position_amt)).collect()
}

fn wallet_balance(desk: &mut Desk) -> Usd {
    desk.ask(&calls::balance()).unwrap()[0].balance
}

fn hedged() -> Desk {
    let mut desk = Desk::new();
    desk.ask(&calls::set_dual_side(true)).unwrap();
    desk
}

#[test]
fn long_and_short_are_two_positions_that_each_close_by_their_own_side() {
    let mut desk = hedged();
    assert!(desk.ask(&calls::dual_side()).unwrap().dual_side_position);
    desk.ask(&calls::place_order(on(PositionSide::Long, Side::Buy, "2"))).unwrap();
    desk.ask(&calls::place_order(on(PositionSide::Short, Side::Sell, "1"))).unwrap();
    assert_eq!(amounts(&mut desk), [(PositionSide::Long, Qty::whole(2)), (PositionSide::Short, Qty::whole(-1))]);
    desk.price("102");
    let [long, short] = [0, 1].map(|place| risks(&mut desk)[place].un_realized_profit);
    assert!(long > Usd::ZERO && short < Usd::ZERO);
    // Closing goes to flat and not beyond.
    desk.ask(&calls::place_order(on(PositionSide::Long, Side::Sell, "5"))).unwrap();
    assert_eq!(amounts(&mut desk), [(PositionSide::Long, Qty::ZERO), (PositionSide::Short, Qty::whole(-1))]);
    assert_eq!(desk.code(&calls::place_order(on(PositionSide::Long, Side::Sell, "1"))), -2022);
    let mut exit = NewOrder { position_side: Some(PositionSide::Short), ..stop(Side::Buy, "104") };
    desk.ask(&calls::place_order(exit.clone())).unwrap();
    desk.price("104");
    assert_eq!(amounts(&mut desk)[1].1, Qty::ZERO);
    exit.side = Side::Sell;
    exit.stop_price = Some("90".parse().unwrap());
    assert_eq!(desk.code(&calls::place_order(exit)), -1128, "closing a short by selling");
}

#[test]
fn orders_must_fit_the_mode_and_the_mode_changes_only_when_nothing_is_open() {
    let mut desk = hedged();
    assert_eq!(desk.code(&calls::set_dual_side(true)), -4059);
    assert_eq!(desk.code(&calls::place_order(market(Side::Buy, "1"))), -4061);
    let mut reducing = on(PositionSide::Long, Side::Sell, "1");
    reducing.reduce_only = Some(true);
    assert_eq!(desk.code(&calls::place_order(reducing)), -1106);
    let resting = NewOrder { position_side: Some(PositionSide::Long), ..limit(Side::Buy, "1", "99") };
    desk.ask(&calls::place_order(resting)).unwrap();
    assert_eq!(desk.code(&calls::set_dual_side(false)), -4067);
    desk.price("98.5");
    assert_eq!(desk.code(&calls::set_dual_side(false)), -4068);
    desk.ask(&calls::place_order(on(PositionSide::Long, Side::Sell, "1"))).unwrap();
    desk.ask(&calls::set_dual_side(false)).unwrap();
    assert_eq!(desk.code(&calls::place_order(on(PositionSide::Long, Side::Buy, "1"))), -4061);
    desk.ask(&calls::place_order(market(Side::Buy, "1"))).unwrap();
    assert_eq!(amounts(&mut desk), [(PositionSide::Both, Qty::whole(1))]);
}

#[test]
fn what_is_hedged_in_full_is_not_liquidated_by_a_jump() {
    for jump in ["80", "125"] {
        let mut desk = hedged();
        desk.ask(&calls::set_leverage("SOLUSDT", 25)).unwrap();
        desk.control("POST", "money", r#"{"account":"paper-1","amount":"-9800"}"#);
        desk.ask(&calls::place_order(on(PositionSide::Long, Side::Buy, "15"))).unwrap();
        desk.ask(&calls::place_order(on(PositionSide::Short, Side::Sell, "15"))).unwrap();
        assert_eq!(risks(&mut desk)[0].liquidation_price, risks(&mut desk)[1].liquidation_price, "they share one");
        desk.price(jump);
        assert_eq!(amounts(&mut desk).iter().filter(|(_, qty)| !qty.is_zero()).count(), 2, "{jump}");
    }
}

fn isolated() -> Desk {
    let mut desk = Desk::new();
    desk.ask(&calls::set_margin_type("SOLUSDT", MarginType::Isolated)).unwrap();
    desk.ask(&calls::set_leverage("SOLUSDT", 10)).unwrap();
    desk
}

fn margin(kind: u32, amount: &str) -> ChangeMargin {
    ChangeMargin {
        amount: amount.parse().unwrap(),
        position_side: None,
        symbol: "SOLUSDT".to_owned(),
        margin_change: kind,
    }
}

#[test]
fn an_isolated_position_has_its_own_margin_and_loses_no_more_than_that() {
    let mut desk = isolated();
    desk.ask(&calls::place_order(market(Side::Buy, "10"))).unwrap();
    let risk = risks(&mut desk).remove(0);
    assert_eq!(risk.margin_type, MarginType::IsolatedLower);
    let own = risk.isolated_wallet.unwrap();
    let tenth = Usd(risk.notional.unwrap().0 / 10);
    assert!((own - tenth).abs() < Usd::whole(1), "{own} is about a tenth of the notional");
    let balance = desk.ask(&calls::balance()).unwrap().remove(0);
    assert_eq!(balance.cross_wallet_balance, balance.balance - own);
    assert_eq!(balance.available_balance, balance.cross_wallet_balance, "the rest is free");
    let liquidation = risk.liquidation_price;
    assert!(liquidation > Price::whole(89) && liquidation < Price::whole(93), "{liquidation}");
    desk.price(&(liquidation + "0.01".parse().unwrap()).to_string());
    assert_eq!(amounts(&mut desk)[0].1, Qty::whole(10));
    desk.price(&(liquidation - "0.01".parse().unwrap()).to_string());
    assert_eq!(amounts(&mut desk)[0].1, Qty::ZERO);
    let after = desk.ask(&calls::balance()).unwrap().remove(0);
    assert!(after.balance >= balance.balance - own, "no more is lost than was set apart");
    assert_eq!(after.available_balance, after.balance);
}

#[test]
fn margin_is_added_and_taken_within_what_there_is() {
    let mut desk = isolated();
    assert_eq!(desk.code(&calls::change_margin(margin(1, "5"))), -4054);
    desk.ask(&calls::place_order(market(Side::Buy, "10"))).unwrap();
    let before = risks(&mut desk).remove(0);
    let answer = desk.ask(&calls::change_margin(margin(1, "50"))).unwrap();
    assert_eq!((answer.amount, answer.code, answer.margin_change), (Usd::whole(50), 200, 1));
    let after = risks(&mut desk).remove(0);
    assert_eq!(after.isolated_wallet.unwrap(), before.isolated_wallet.unwrap() + Usd::whole(50));
    assert!(after.liquidation_price < before.liquidation_price - Price::whole(4), "it is farther away");
    assert_eq!(desk.code(&calls::change_margin(margin(2, "60"))), -4051);
    assert_eq!(desk.code(&calls::change_margin(margin(1, "10000"))), -4050);
    assert_eq!(desk.code(&calls::change_margin(margin(1, "0"))), -4055);
    assert_eq!(desk.code(&calls::change_margin(margin(3, "1"))), -1130);
    desk.ask(&calls::change_margin(margin(2, "45"))).unwrap();
    let history =
        MarginHistory { end_time: None, limit: None, start_time: None, symbol: "SOLUSDT".into(), margin_change: None };
    let rows = desk.ask(&calls::margin_history(history)).unwrap();
    assert_eq!(rows.iter().map(|row| row.margin_change).collect::<Vec<_>>(), [1, 2]);
    let other = ChangeMargin { symbol: "BTCUSDT".to_owned(), ..margin(1, "5") };
    assert_eq!(desk.code(&calls::change_margin(other)), -4049);
    let all = wallet_balance(&mut desk);
    desk.ask(&calls::place_order(market(Side::Sell, "10"))).unwrap();
    let flat = desk.ask(&calls::balance()).unwrap().remove(0);
    assert_eq!(flat.available_balance, flat.balance, "all of it came back");
    assert!(all - flat.balance < Usd::whole(3), "less the fee and the loss");
}

#[test]
fn the_kind_of_margin_changes_only_when_nothing_is_open() {
    let mut desk = Desk::new();
    assert_eq!(desk.code(&calls::set_margin_type("SOLUSDT", MarginType::Crossed)), -4046);
    desk.ask(&calls::place_order(limit(Side::Buy, "1", "99"))).unwrap();
    assert_eq!(desk.code(&calls::set_margin_type("SOLUSDT", MarginType::Isolated)), -4047);
    desk.price("98");
    assert_eq!(desk.code(&calls::set_margin_type("SOLUSDT", MarginType::Isolated)), -4048);
    desk.ask(&calls::set_margin_type("BTCUSDT", MarginType::Isolated)).unwrap();
    desk.ask(&calls::place_order(market(Side::Sell, "1"))).unwrap();
    desk.ask(&calls::set_margin_type("SOLUSDT", MarginType::Isolated)).unwrap();
    assert_eq!(desk.code(&calls::set_margin_type("SOLUSDT", MarginType::Isolated)), -4046);
    desk.ask(&calls::place_order(market(Side::Buy, "1"))).unwrap();
    assert_eq!(desk.code(&calls::set_leverage("SOLUSDT", 5)), -4161);
    assert_eq!(desk.code(&calls::set_leverage("SOLUSDT", 25)), 0);
}

#[test]
fn an_order_on_an_isolated_symbol_holds_money_of_the_wallet_until_it_is_gone() {
    let mut desk = isolated();
    let free = |desk: &mut Desk| desk.ask(&calls::balance()).unwrap()[0].available_balance;
    let order = desk.ask(&calls::place_order(limit(Side::Buy, "10", "99"))).unwrap();
    assert_eq!(free(&mut desk), Usd::whole(10_000 - 99));
    desk.ask(&calls::cancel_order(asterswarm::aster::wire::OrderRef::by_id("SOLUSDT", order.order_id))).unwrap();
    assert_eq!(free(&mut desk), Usd::whole(10_000));
    assert_eq!(desk.code(&calls::place_order(limit(Side::Buy, "1100", "99"))), -2019);
    assert_eq!(free(&mut desk), Usd::whole(10_000));
}

#[test]
fn sub_accounts_are_those_that_name_a_parent() {
    let mut setup = setup();
    setup.accounts[2].parent = Some("paper-1".to_owned());
    let mut desk = Desk::with(setup, wallet(3), Version::V3);
    let rows = |desk: &mut Desk| -> Vec<(String, bool)> {
        let text = desk.credentials.sign(
            asterswarm::aster::sign::Pairs::of(&asterswarm::aster::wire::Empty {}).unwrap(),
            &mut desk.nonces,
            desk.clock,
        );
        let query = text.into_string();
        let path = "/fapi/v3/getSubAccountList".to_owned();
        let answer =
            desk.send(&asterswarm::venue_server::Request { method: "GET".into(), path, query, ..Default::default() });
        let rows: Vec<asterswarm::aster::wire::SubAccount> = serde_json::from_str(&answer.body).unwrap();
        rows.into_iter().map(|row| (row.sub_account_name, row.parent_account)).collect()
    };
    assert_eq!(rows(&mut desk), [(String::new(), true), ("paper-3".to_owned(), false)]);
    (desk.credentials, desk.nonces) = (wallet(2), asterswarm::aster::sign::Nonces::new());
    assert_eq!(rows(&mut desk), [(String::new(), true)]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    /// Whatever is done in whatever mode, no money comes from nowhere and none is lost on the way between wallets.
    #[test]
    fn income_sums_to_the_change_of_the_balance(
        hedge in proptest::prelude::any::<bool>(),
        isolated in proptest::prelude::any::<bool>(),
        acts in proptest::collection::vec((0u8..6, 1i64..60, proptest::prelude::any::<bool>()), 1..40),
    ) {
        let mut desk = Desk::new();
        if hedge {
            desk.ask(&calls::set_dual_side(true)).unwrap();
        }
        if isolated {
            desk.ask(&calls::set_margin_type("SOLUSDT", MarginType::Isolated)).unwrap();
        }
        let mut last = 1_000i64;
        for (act, size, buys) in acts {
            let side = if buys { Side::Buy } else { Side::Sell };
            let stance = if !hedge { None } else if size % 2 == 0 { Some(PositionSide::Long) } else { Some(PositionSide::Short) };
            let qty = format!("{size}");
            match act {
                0 | 1 => drop(desk.ask(&calls::place_order(NewOrder { position_side: stance, ..market(side, &qty) }))),
                2 => {
                    let price = format!("{}.5", last / 10 + if buys { -1 } else { 1 });
                    drop(desk.ask(&calls::place_order(NewOrder { position_side: stance, ..limit(side, &qty, &price) })));
                }
                3 => {
                    last = (last + if buys { size } else { -size }).clamp(500, 2_000);
                    desk.price(&format!("{}.{}", last / 10, last % 10));
                }
                4 => drop(desk.control("POST", "funding", r#"{"symbol":"SOLUSDT","rate":"0.0005"}"#)),
                _ => {
                    let change = ChangeMargin { position_side: stance, ..margin(if buys { 1 } else { 2 }, &qty) };
                    drop(desk.ask(&calls::change_margin(change)));
                }
            }
        }
        let all = IncomeHistory { end_time: None, income_type: None, limit: Some(1_000), start_time: None, symbol: None };
        let income: Usd = desk.ask(&calls::income(all)).unwrap().iter().map(|row| row.income).sum();
        let balance = desk.ask(&calls::balance()).unwrap().remove(0);
        proptest::prop_assert_eq!(balance.balance, Usd::whole(10_000) + income);
        let apart: Usd = risks(&mut desk).iter().filter_map(|row| row.isolated_wallet).sum();
        proptest::prop_assert_eq!(balance.cross_wallet_balance + apart, balance.balance);
    }
}
