//! The other end: answers what a desk asks of a quiet account, notes when each order is there, and refuses it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// An order as it came.
pub(crate) struct Arrival {
    /// When its last byte was read.
    pub(crate) at: Instant,
    /// The whole request.
    pub(crate) bytes: Vec<u8>,
}

/// How the other end waits for bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// Asks without pause.
    Spinning,
    /// Sleeps until something comes.
    Asleep,
}

/// Listens until the process ends; what arrives comes from the receiver.
pub(crate) fn start(symbols: &[String], waiting: Waiting) -> (SocketAddr, Receiver<Arrival>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (tell, arrivals) = channel();
    let rows: Vec<String> = symbols.iter().map(|symbol| position(symbol)).collect();
    let positions = Arc::new(format!("[{}]", rows.join(",")));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (tell, positions) = (tell.clone(), Arc::clone(&positions));
            // A connection that breaks ends its thread; the client opens another one.
            std::thread::spawn(move || serve(stream, waiting, &positions, &tell));
        }
    });
    (address, arrivals)
}

fn position(symbol: &str) -> String {
    format!(
        r#"{{"symbol":"{symbol}","positionAmt":"0","entryPrice":"0","markPrice":"0","unRealizedProfit":"0",
        "liquidationPrice":"0","leverage":"5","maxNotionalValue":"1000000","marginType":"cross","isolatedMargin":"0",
        "isAutoAddMargin":"false","positionSide":"BOTH","notional":"0","isolatedWallet":"0","updateTime":0}}"#
    )
}

fn serve(mut stream: TcpStream, waiting: Waiting, positions: &str, tell: &Sender<Arrival>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_nonblocking(waiting == Waiting::Spinning)?;
    let mut received = Vec::new();
    let mut chunk = vec![0_u8; 16 * 1024];
    loop {
        let count = match stream.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::hint::spin_loop();
                continue;
            }
            Err(error) => return Err(error),
        };
        let at = Instant::now();
        received.extend_from_slice(&chunk[..count]);
        while let Some(length) = whole(&received) {
            let bytes: Vec<u8> = received.drain(..length).collect();
            let text = String::from_utf8_lossy(&bytes);
            let (status, body) = answer(&text, positions);
            let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
            stream.set_nonblocking(false)?;
            stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes())?;
            stream.set_nonblocking(waiting == Waiting::Spinning)?;
            if is_order(&text) && tell.send(Arrival { at, bytes }).is_err() {
                return Ok(());
            }
        }
    }
}

/// Length of the first request, once it is there as a whole.
fn whole(received: &[u8]) -> Option<usize> {
    let head = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&received[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    let length = head + length.unwrap_or(0);
    (received.len() >= length).then_some(length)
}

fn call(request: &str) -> (&str, &str) {
    let (method, rest) = request.split_once(' ').unwrap_or_default();
    let path = rest.split([' ', '?']).next().unwrap_or_default();
    // Without its version: `/fapi/v3/order`.
    (method, path.trim_start_matches("/fapi/v").get(2..).unwrap_or_default())
}

fn is_order(request: &str) -> bool {
    call(request) == ("POST", "order")
}

fn answer(request: &str, positions: &str) -> (&'static str, String) {
    let ok = |body: &str| ("200 OK", body.to_owned());
    match call(request).1 {
        "time" => {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            ok(&format!(r#"{{"serverTime":{}}}"#, since.as_millis()))
        }
        "positionSide/dual" => ok(r#"{"dualSidePosition":false}"#),
        "multiAssetsMargin" => ok(r#"{"multiAssetsMargin":false}"#),
        "positionRisk" => ok(positions),
        "openOrders" | "userTrades" | "income" => ok("[]"),
        "balance" => ok(r#"[{"accountAlias":"a","asset":"USDT","balance":"1000000","crossWalletBalance":"1000000",
            "crossUnPnl":"0","availableBalance":"1000000","maxWithdrawAmount":"1000000","marginAvailable":true,
            "updateTime":0}]"#),
        "order" => ("400 Bad Request", r#"{"code":-2010,"msg":"refused, as every order here"}"#.to_owned()),
        _ => ("404 Not Found", r#"{"code":-1020,"msg":"not served here"}"#.to_owned()),
    }
}
