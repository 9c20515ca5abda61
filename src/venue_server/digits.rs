//! Prices and quantities with as many decimals as their contract has, as the venue writes them: `0.730` beside `1.204`.
//!
//! Clients of others take a contract's precision from the texts of its numbers. Works on text that is made already, so
//! that the wire's types stay exact numbers without a contract. Knows no endpoint; 0 stays `0`, as in the samples.

use crate::aster::wire::{Event, Route};

/// Which names are prices, which quantities, and where they stand in lists.
pub(super) struct Names {
    symbol: &'static str,
    prices: &'static [&'static str],
    quantities: &'static [&'static str],
    /// Places in a list.
    price_places: &'static [usize],
    quantity_places: &'static [usize],
}

const REST: Names = Names {
    symbol: "symbol",
    prices: &[
        "price",
        "stopPrice",
        "activatePrice",
        "bidPrice",
        "askPrice",
        "lastPrice",
        "openPrice",
        "highPrice",
        "lowPrice",
        "prevClosePrice",
        "p",
    ],
    quantities: &[
        "origQty",
        "executedQty",
        "cumQty",
        "qty",
        "bidQty",
        "askQty",
        "lastQty",
        "volume",
        "positionAmt",
        "q",
    ],
    price_places: &[0],
    quantity_places: &[1],
};

impl Names {
    /// Those of a call's answer.
    pub const fn of_call(route: Route) -> Option<Self> {
        match route {
            Route::Klines | Route::MarkPriceKlines | Route::IndexPriceKlines => {
                Some(Self { price_places: &[1, 2, 3, 4], quantity_places: &[5, 9], ..REST })
            }
            Route::ExchangeInfo | Route::LeverageBracket | Route::Income => None,
            _ => Some(REST),
        }
    }

    /// Those of a frame.
    pub const fn of_event(event: &Event) -> Option<Self> {
        let (prices, quantities): (&'static [&'static str], &'static [&'static str]) = match event {
            Event::AggTrade(_) => (&["p"], &["q"]),
            Event::BookTicker(_) => (&["b", "a"], &["B", "A"]),
            Event::Kline(_) => (&["o", "c", "h", "l"], &["v", "V"]),
            Event::MiniTicker(_) => (&["o", "c", "h", "l"], &["v"]),
            Event::Ticker(_) => (&["o", "c", "h", "l"], &["v", "Q"]),
            Event::Order(_) => (&["p", "sp", "L", "AP"], &["q", "l", "z"]),
            Event::Account(_) => (&[], &["pa"]),
            Event::ForceOrder(_) => (&["p"], &["q", "l", "z"]),
            Event::Depth(_) => (&[], &[]),
            _ => return None,
        };
        Some(Self { symbol: "s", prices, quantities, ..REST })
    }
}

/// An object or list that is being read.
#[derive(Default)]
struct Open {
    is_list: bool,
    /// Commas so far.
    place: usize,
    /// The object's own contract, or that of what it is in.
    digits: Option<(u32, u32)>,
}

/// The text, its numbers spelled out. `digits` gives a contract's decimals of price and quantity, `whole` those that
/// count where an object names no contract.
pub(super) fn spelled(
    text: &str,
    names: &Names,
    whole: Option<(u32, u32)>,
    digits: impl Fn(&str) -> Option<(u32, u32)>,
) -> String {
    // Between quotes and outside of them in turn: no text of these answers has a quote in it.
    if text.contains('\\') {
        return text.to_owned();
    }
    let parts: Vec<&str> = text.split('"').collect();
    let own = contracts(&parts, names, digits);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let (mut open, mut key, mut objects) = (vec![Open { digits: whole, ..Open::default() }], "", own.into_iter());
    for (index, part) in parts.iter().enumerate() {
        if index % 2 == 0 {
            for byte in part.bytes() {
                let around = open.last().and_then(|it| it.digits);
                match byte {
                    b'{' => open.push(Open { digits: objects.next().flatten().or(around), ..Open::default() }),
                    b'[' => open.push(Open { is_list: true, digits: around, place: 0 }),
                    b'}' | b']' => drop(open.pop()),
                    b',' => open.last_mut().into_iter().for_each(|it| it.place += 1),
                    _ => {}
                }
            }
            out.push_str(part);
        } else {
            let is_key = parts.get(index + 1).is_some_and(|next| next.starts_with(':'));
            out.push('"');
            out.push_str(part);
            if is_key {
                key = part;
            } else if let Some(it) = open.last()
                && let Some((price, quantity)) = it.digits
            {
                let is_price =
                    if it.is_list { names.price_places.contains(&it.place) } else { names.prices.contains(&key) };
                let is_quantity = if it.is_list {
                    names.quantity_places.contains(&it.place)
                } else {
                    names.quantities.contains(&key)
                };
                if is_price || is_quantity {
                    pad(&mut out, part, if is_price { price } else { quantity });
                }
            }
            out.push('"');
        }
    }
    out
}

/// The decimals of each object's own contract, in the order in which objects begin.
fn contracts(parts: &[&str], names: &Names, digits: impl Fn(&str) -> Option<(u32, u32)>) -> Vec<Option<(u32, u32)>> {
    let (mut found, mut open, mut key) = (Vec::new(), Vec::new(), "");
    for (index, part) in parts.iter().enumerate() {
        if index % 2 == 0 {
            for byte in part.bytes() {
                match byte {
                    b'{' => {
                        open.push(found.len());
                        found.push(None);
                    }
                    b'}' => drop(open.pop()),
                    _ => {}
                }
            }
        } else if parts.get(index + 1).is_some_and(|next| next.starts_with(':')) {
            key = part;
        } else if key == names.symbol
            && let Some(place) = open.last().and_then(|object| found.get_mut(*object))
        {
            *place = place.or(digits(part));
        }
    }
    found
}

/// Appends the zeros that `number`, which stands at the end already, lacks.
fn pad(out: &mut String, number: &str, decimals: u32) {
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    if !is_number || number == "0" || number.is_empty() || decimals == 0 {
        return;
    }
    let has = number.split_once('.').map(|(_, after)| after.len());
    if has.is_none() {
        out.push('.');
    }
    (has.unwrap_or(0)..decimals as usize).for_each(|_| out.push('0'));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(symbol: &str) -> Option<(u32, u32)> {
        match symbol {
            "A" => Some((1, 3)),
            "B" => Some((4, 0)),
            _ => None,
        }
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(spelled(text, &REST, digits("A"), digits), expected);
    }

    #[test]
    fn numbers_have_the_decimals_of_the_contract_that_their_object_names() {
        check(
            r#"[{"price":"5","symbol":"B","qty":"3"},{"symbol":"A","price":"5","qty":"-0.5","stopPrice":"0"}]"#,
            r#"[{"price":"5.0000","symbol":"B","qty":"3"},{"symbol":"A","price":"5.0","qty":"-0.500","stopPrice":"0"}]"#,
        );
    }

    #[test]
    fn lists_and_objects_without_a_contract_have_those_of_the_whole() {
        check(
            r#"{"lastUpdateId":7,"bids":[["5","1.2"],["4.5","0"]],"asks":[]}"#,
            r#"{"lastUpdateId":7,"bids":[["5.0","1.200"],["4.5","0"]],"asks":[]}"#,
        );
        let klines = Names::of_call(Route::Klines).unwrap();
        let text = r#"[[0,"1","2","3","4","5",6,"7",8,"9","10","0"]]"#;
        let expected = r#"[[0,"1.0","2.0","3.0","4.0","5.000",6,"7",8,"9.000","10","0"]]"#;
        assert_eq!(spelled(text, &klines, digits("A"), digits), expected);
    }

    #[test]
    fn what_is_no_number_and_finer_numbers_stay() {
        let text = r#"{"symbol":"A","price":"1.25","qty":"many","clientOrderId":"5"}"#;
        check(text, text);
        check(r#"{"symbol":"?","price":"1"}"#, r#"{"symbol":"?","price":"1.0"}"#);
    }
}
