//! One answer of the venue: rows in order, on the grid, each time once, or a fault. Knows no socket and no file.

use super::What;
use serde_json::Value;
use swarm_core::model::{Candle, Interval, MINUTE_MS, Price, Rate, Time, parse_decimal};

/// One row as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Open time, or time of payment.
    pub time: Time,
    /// Its fields, the time first.
    pub fields: Vec<String>,
}

/// The new rows of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub rows: Vec<Row>,
}

/// Reads an answer: the rows from `next` on and before `to`. `before` is the last row that is there already: a page
/// that begins with it again must tell the same.
pub(super) fn read(answer: &Value, what: What, next: Time, to: Time, before: Option<&Row>) -> Result<Page, String> {
    let answer = answer.as_array().ok_or("the answer is not a list")?;
    let mut rows: Vec<Row> = Vec::new();
    let (mut last, mut early) = (None, false);
    // The reader of these files takes payments by the minute.
    let slot_of = |time: Time| if what == What::Funding { time.floor(MINUTE_MS) } else { time };
    let known = before.map(|row| slot_of(row.time));
    for (place, item) in answer.iter().enumerate() {
        let row = match what {
            What::Candles(interval) => candle(item, interval),
            What::Funding => payment(item),
        };
        let row = row.map_err(|fault| format!("row {} of the answer: {fault}", place + 1))?;
        let slot = slot_of(row.time);
        if last.is_some_and(|last| slot <= last) {
            return Err(format!(
                "row {} of the answer: its time {} is not after that of the row before",
                place + 1,
                row.time
            ));
        }
        last = Some(slot);
        if row.time < next {
            early = true;
            if let Some(known) = before.filter(|known| known.time == row.time)
                && !tells_the_same(known, &row)
            {
                return Err(format!("the row of {} is not what it was a page before", row.time));
            }
        } else if row.time < to && known != Some(slot) {
            rows.push(row);
        }
    }
    // Rows from before what was asked for, and nothing new: asking again from there would go on for ever.
    if rows.is_empty() && early {
        return Err(format!("the answer ends before {next}, from which on rows were asked for"));
    }
    Ok(Page { rows })
}

/// As far as both have fields: a file may have fewer columns.
fn tells_the_same(one: &Row, other: &Row) -> bool {
    one.fields.iter().zip(&other.fields).all(|(one, other)| match (parse_decimal(one), parse_decimal(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    })
}

/// `[open time, open, high, low, close, volume, close time, quote volume, trades, taker base, taker quote, ...]`
fn candle(item: &Value, interval: Interval) -> Result<Row, String> {
    let cells = item.as_array().filter(|cells| cells.len() >= 7).ok_or("it is not a candle")?;
    let time = time_of(&cells[0])?;
    if time.floor(interval.ms()) != time {
        return Err(format!("open time {} is no multiple of {interval}", time.0));
    }
    if time_of(&cells[6])? != time.plus(interval.ms() - 1) {
        return Err(format!("the candle of {time} does not close after {interval}"));
    }
    let price = |place: usize| {
        let text = text_of(&cells[place]).ok_or("a price is missing")?;
        let price = parse_decimal(&text).map_err(|_| format!("`{text}` is not a price with at most 8 decimals"))?;
        Ok::<_, String>((Price(price), text))
    };
    let (open, high, low, close) = (price(1)?, price(2)?, price(3)?, price(4)?);
    let volume = text_of(&cells[5]).ok_or("the volume is missing")?;
    let amount = volume.parse().map_err(|_| format!("`{volume}` is not a volume"))?;
    let candle = Candle { open_time: time, open: open.0, high: high.0, low: low.0, close: close.0, volume: amount };
    if let Some(fault) = candle.fault() {
        return Err(format!("the candle of {time}: {fault}"));
    }
    let mut fields = vec![time.0.to_string(), open.1, high.1, low.1, close.1, volume];
    for place in 7..=9 {
        fields.push(plain(cells.get(place))?);
    }
    Ok(Row { time, fields })
}

/// `{"symbol", "fundingRate", "fundingTime"}`, at times with `markPrice`.
fn payment(item: &Value) -> Result<Row, String> {
    let time = time_of(&item["fundingTime"])?;
    let rate = text_of(&item["fundingRate"]).ok_or("the rate is missing")?;
    let known = parse_decimal(&rate).map(Rate).ok().or_else(|| rate.parse().ok().and_then(Rate::from_f64));
    if known.is_none() {
        return Err(format!("`{rate}` is not a rate"));
    }
    let mark = plain(item.get("markPrice"))?;
    Ok(Row { time, fields: vec![time.0.to_string(), rate, mark] })
}

/// A further column: a number or nothing.
fn plain(value: Option<&Value>) -> Result<String, String> {
    let Some(text) = value.and_then(text_of) else { return Ok(String::new()) };
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(text),
        _ if text.is_empty() => Ok(text),
        _ => Err(format!("`{text}` is not a number")),
    }
}

/// Numbers come as text, and text as numbers.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn time_of(value: &Value) -> Result<Time, String> {
    let time = value.as_i64().or_else(|| value.as_str()?.parse().ok());
    time.filter(|time| *time > 0).map(Time).ok_or_else(|| format!("`{value}` is not a time"))
}
