"""Binance's own USD-M client, used as its manual says, against `swarm venue` with a V1 key.

    python3 -m venv ENV && ENV/bin/pip install -r tests/clients/binance-futures-connector/requirements.txt
    cargo build && ENV/bin/python tests/clients/binance-futures-connector/venue.py [BINARY]

Without the client it says so and ends with 0. Calls that Binance moved to addresses which AsterDEX does not have go to
AsterDEX's with the client's own signing.
"""

import json
import pathlib
import subprocess
import sys
import time
import urllib.request

try:
    from binance.error import ClientError
    from binance.um_futures import UMFutures
    from binance.websocket.um_futures.websocket_client import UMFuturesWebsocketClient
except ImportError:
    print("SKIPPED: binance-futures-connector is not installed (pip install -r requirements.txt beside this file)")
    sys.exit(0)

ROOT = pathlib.Path(__file__).resolve().parents[3]
SYMBOL = "BTCUSDT"
STEPS = []


def check(name, condition, found=None):
    STEPS.append((name, bool(condition)))
    print(("ok    " if condition else "FAILED ") + name + ("" if condition else f": {found}"))


def start(binary):
    arguments = ["venue", "--listen", "127.0.0.1:0", "--no-limits", "--speed", "hand"]
    venue = subprocess.Popen([binary, *arguments], stdout=subprocess.PIPE, text=True)
    return venue, venue.stdout.readline().split("http://")[1].split()[0]


def control(address, path, body):
    request = urllib.request.Request(f"http://{address}/control/{path}", json.dumps(body).encode(), method="POST")
    return json.load(urllib.request.urlopen(request))


def code_of(call):
    try:
        call()
    except ClientError as error:
        return error.error_code
    return 0


class Listener:
    """What the client's stream hands out."""

    def __init__(self, address, combined=False):
        self.got = []
        take = lambda _, text: self.got.append(json.loads(text))
        self.client = UMFuturesWebsocketClient(f"ws://{address}", on_message=take, is_combined=combined)

    def wait(self, wanted):
        """The first message that is wanted, within ten seconds."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            found = next((message for message in list(self.got) if wanted(message)), None)
            if found is not None:
                return found
            time.sleep(0.01)
        return None

    def order(self, **wanted):
        is_it = lambda order: all(order[key] == value for key, value in wanted.items())
        return self.wait(lambda message: message.get("e") == "ORDER_TRADE_UPDATE" and is_it(message["o"]))


def market_data(client):
    check("ping", client.ping() == {})
    check("time", client.time()["serverTime"] > 1_700_000_000_000)
    info = client.exchange_info()
    check("exchange info", SYMBOL in [row["symbol"] for row in info["symbols"]])
    book = client.depth(SYMBOL, limit=5)
    check("depth", len(book["bids"]) == 5 and float(book["bids"][0][0]) < float(book["asks"][0][0]), book)
    check("trades", len(client.trades(SYMBOL, limit=3)) == 3)
    check("historical trades", len(client.historical_trades(SYMBOL, limit=3)) == 3)
    check("aggregated trades", set(client.agg_trades(SYMBOL, limit=1)[0]) == set("apqflTm"))
    for name, pair in [("klines", SYMBOL), ("index_price_klines", SYMBOL), ("mark_price_klines", SYMBOL)]:
        rows = getattr(client, name)(pair, "1m", limit=3)
        check(name, len(rows) == 3 and rows[1][0] - rows[0][0] == 60_000 and len(rows[0]) == 12, rows)
    check("mark price", float(client.mark_price(SYMBOL)["markPrice"]) > 0)
    check("mark prices", len(client.mark_price()) > 1)
    check("funding rates", len(client.funding_rate(SYMBOL, limit=2)) == 2)
    check("day", float(client.ticker_24hr_price_change(SYMBOL)["lastPrice"]) > 0)
    check("days", len(client.ticker_24hr_price_change()) > 1)
    check("best prices", float(client.book_ticker(SYMBOL)["bidPrice"]) > 0 and len(client.book_ticker()) > 1)
    check("last price", float(client.query("/fapi/v1/ticker/price", {"symbol": SYMBOL})["price"]) > 0)
    check("unknown symbol", code_of(lambda: client.klines("NOUSDT", "1m")) == -1121)


def settings(client):
    check("balance", float(client.sign_request("GET", "/fapi/v2/balance")[0]["balance"]) == 10_000)
    account = client.sign_request("GET", "/fapi/v4/account")
    check("account", float(account["totalWalletBalance"]) == 10_000 and len(account["positions"]) > 1)
    check("one-way mode", client.get_position_mode() == {"dualSidePosition": False})
    check("single asset", client.get_multi_asset_mode() == {"multiAssetsMargin": False})
    check("leverage", client.change_leverage(symbol=SYMBOL, leverage=20)["leverage"] == 20)
    check("isolated", client.change_margin_type(symbol=SYMBOL, marginType="ISOLATED")["code"] == 200)
    check("isolated again", code_of(lambda: client.change_margin_type(symbol=SYMBOL, marginType="ISOLATED")) == -4046)
    check("cross", client.change_margin_type(symbol=SYMBOL, marginType="CROSSED")["code"] == 200)
    check("fees", float(client.commission_rate(SYMBOL)["takerCommissionRate"]) == 0.00035)
    check("brackets", client.leverage_brackets(symbol=SYMBOL)[0]["brackets"][0]["initialLeverage"] >= 20)
    check("wrong secret", code_of(lambda: UMFutures("paper-1", "wrong", base_url=client.base_url).get_orders()) == -1022)


def trading(client, address, price):
    below, far = f"{price * 0.98:.1f}", f"{price * 0.97:.1f}"
    limit = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    order = client.new_order(**limit, price=below, newClientOrderId="mine")
    check("limit order", order["status"] == "NEW" and order["clientOrderId"] == "mine", order)
    check("its name is taken", code_of(lambda: client.new_order(**limit, price=below, newClientOrderId="mine")) == -4116)
    check("query", client.query_order(SYMBOL, origClientOrderId="mine")["orderId"] == order["orderId"])
    check("open order", client.get_open_orders(SYMBOL, orderId=order["orderId"])["status"] == "NEW")
    check("open orders", len(client.get_orders(symbol=SYMBOL)) == 1)
    check("cancel", client.cancel_order(SYMBOL, orderId=order["orderId"])["status"] == "CANCELED")
    check("cancel again", code_of(lambda: client.cancel_order(SYMBOL, orderId=order["orderId"])) == -2011)
    check("too small", code_of(lambda: client.new_order(**{**limit, "quantity": "0.00001"}, price=below)) in (-1111, -4003))
    check("too expensive", code_of(lambda: client.new_order(**{**limit, "quantity": "900"}, price=below)) == -2027)
    batch = [{**limit, "price": below}, {**limit, "price": far}, {**limit, "quantity": "0"}]
    placed = client.new_batch_order(batch)
    check("batch", [row.get("status", row.get("code")) for row in placed][:2] == ["NEW", "NEW"] and "code" in placed[2])
    ended = client.cancel_batch_order(SYMBOL, [placed[0]["orderId"], 999], [])
    check("cancel of a batch", [row.get("status", row.get("code")) for row in ended] == ["CANCELED", -2011], ended)
    check("cancel of all", client.cancel_open_orders(SYMBOL)["code"] == 200 and not client.get_orders())
    check("countdown", client.countdown_cancel_order(SYMBOL, 60_000)["symbol"] == SYMBOL)
    market = {"symbol": SYMBOL, "type": "MARKET", "quantity": "0.02", "newOrderRespType": "RESULT"}
    bought = client.new_order(**market, side="BUY")
    check("market order", bought["status"] == "FILLED" and float(bought["executedQty"]) == 0.02, bought)
    risk = client.sign_request("GET", "/fapi/v2/positionRisk", {"symbol": SYMBOL})
    check("position", float(risk[0]["positionAmt"]) == 0.02 and risk[0]["positionSide"] == "BOTH", risk)
    stop = {"symbol": SYMBOL, "side": "SELL", "stopPrice": far, "closePosition": "true"}
    check("stop", client.new_order(type="STOP_MARKET", **stop)["type"] == "STOP_MARKET")
    trail = client.new_order(
        symbol=SYMBOL, side="SELL", type="TRAILING_STOP_MARKET", callbackRate=1, quantity="0.02", reduceOnly="true"
    )
    check("trailing stop", trail["status"] == "NEW" and trail["reduceOnly"] is True, trail)
    control(address, "price", {"symbol": SYMBOL, "price": far})
    check("stopped", float(client.sign_request("GET", "/fapi/v2/positionRisk", {"symbol": SYMBOL})[0]["positionAmt"]) == 0)
    check("nothing is left open", client.get_orders() == [])
    orders = client.get_all_orders(SYMBOL)
    check("all orders", {row["status"] for row in orders} >= {"CANCELED", "FILLED"}, orders)
    trades, rows = client.get_account_trades(SYMBOL), client.get_income_history()
    paid = sum(float(row["income"]) for row in rows if row["incomeType"] == "COMMISSION")
    check("trades and their fees", abs(paid + sum(float(trade["commission"]) for trade in trades)) < 1e-7)
    check("reduce-only", code_of(lambda: client.new_order(**market, side="SELL", reduceOnly="true")) == -2022)
    check("queues and forced orders", client.adl_quantile() != [] and client.force_orders() == [])
    check("margin history", client.get_position_margin_history(SYMBOL) == [])


def streams(client, address, price):
    key = client.new_listen_key()["listenKey"]
    check("listen key", client.renew_listen_key(key) == {})
    user, public = Listener(address), Listener(address)
    user.client.user_data(key)
    for subscribe in ("agg_trade", "mini_ticker", "ticker", "book_ticker", "liquidation_order"):
        getattr(public.client, subscribe)(SYMBOL)
    public.client.kline(SYMBOL, "1m")
    public.client.mark_price(SYMBOL, 1)
    public.client.diff_book_depth(SYMBOL, 100)
    check("subscriptions", public.wait(lambda message: sum("result" in one for one in public.got) == 8))
    check("user data", user.wait(lambda message: "result" in message))
    control(address, "step", {"ms": 61_000})
    for name in ("aggTrade", "24hrMiniTicker", "24hrTicker", "bookTicker", "kline", "markPriceUpdate", "depthUpdate"):
        check(f"stream of {name}", public.wait(lambda message: message.get("e") == name))
    combined = Listener(address, combined=True)
    combined.client.book_ticker(SYMBOL)
    combined.wait(lambda message: "result" in message)
    control(address, "price", {"symbol": SYMBOL, "price": f"{price:.1f}"})
    check("combined stream", combined.wait(lambda message: message.get("stream") == "btcusdt@bookTicker"))
    parts(client, address, price, user)
    margin_call(client, address, price, user)
    check("close of the key", client.close_listen_key(key) == {})
    for listener in (user, public, combined):
        listener.client.stop()


def parts(client, address, price, user):
    control(address, "options", {"participation": "0.1"})
    at = f"{price * 0.99:.1f}"
    order = client.new_order(symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price=at)
    through = f"{float(at) - 0.1:.1f}"
    control(address, "price", {"symbol": SYMBOL, "price": through, "qty": "0.04"})
    part = user.order(i=order["orderId"], X="PARTIALLY_FILLED")
    check("a part is told", part and (float(part["o"]["l"]), float(part["o"]["z"])) == (0.004, 0.004), part)
    there = client.query_order(SYMBOL, orderId=order["orderId"])
    check("a part is there", (there["status"], float(there["executedQty"])) == ("PARTIALLY_FILLED", 0.004), there)
    control(address, "price", {"symbol": SYMBOL, "price": through, "qty": "1"})
    rest = user.order(i=order["orderId"], X="FILLED")
    check("the rest is told", rest and (float(rest["o"]["l"]), float(rest["o"]["z"])) == (0.006, 0.01), rest)
    trades = [trade for trade in client.get_account_trades(SYMBOL) if trade["orderId"] == order["orderId"]]
    check("two trades", [float(trade["qty"]) for trade in trades] == [0.004, 0.006], trades)
    control(address, "price", {"symbol": SYMBOL, "price": through, "qty": "0.04"})
    sold = client.new_order(symbol=SYMBOL, side="SELL", type="MARKET", quantity="0.01", newOrderRespType="RESULT")
    check("market order in part", (sold["status"], float(sold["executedQty"])) == ("EXPIRED", 0.004), sold)
    control(address, "options", {"participation": None})
    client.new_order(symbol=SYMBOL, side="SELL", type="MARKET", quantity="0.006", reduceOnly="true")


def margin_call(client, address, price, user):
    client.new_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity=f"{190_000 / price:.3f}")
    for percent in range(99, 94, -1):
        for tenth in range(10):
            at = f"{price * 0.99 * (percent - tenth / 10) / 100:.1f}"
            control(address, "price", {"symbol": SYMBOL, "price": at})
    call = user.wait(lambda message: message.get("e") == "MARGIN_CALL")
    check("margin call", call and call["p"][0]["s"] == SYMBOL and call["p"][0]["mt"] == "CROSSED" and "cw" in call, call)


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "target" / "debug" / "swarm")
    venue, address = start(binary)
    try:
        client = UMFutures(key="paper-1", secret="paper-1-secret", base_url=f"http://{address}")
        market_data(client)
        settings(client)
        price = float(client.mark_price(SYMBOL)["markPrice"])
        trading(client, address, price)
        streams(client, address, price)
    finally:
        venue.kill()
        venue.wait()
    failed = [name for name, done in STEPS if not done]
    print(f"binance-futures-connector: {len(STEPS) - len(failed)} of {len(STEPS)} as expected")
    sys.exit(1 if failed else 0)


main()
