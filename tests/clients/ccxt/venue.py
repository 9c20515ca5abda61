"""ccxt's class for AsterDEX, used as ccxt's manual says, against `swarm venue`.

    python3 -m venv ENV && ENV/bin/pip install -r tests/clients/ccxt/requirements.txt
    cargo build && ENV/bin/python tests/clients/ccxt/venue.py [BINARY]

Without ccxt it says so and ends with 0. Two things are set that a user of the real exchange would not set: the addresses,
and that there is no spot market (the venue has none) and no fee for ccxt's builder.
"""

import json
import pathlib
import subprocess
import sys
import urllib.request

try:
    import ccxt
except ImportError:
    print("SKIPPED: ccxt is not installed (pip install -r tests/clients/ccxt/requirements.txt)")
    sys.exit(0)

ROOT = pathlib.Path(__file__).resolve().parents[3]
SYMBOL = "BTC/USDT:USDT"
STEPS = []


def check(name, condition, found=None):
    STEPS.append((name, bool(condition)))
    print(("ok    " if condition else "FAILED ") + name + ("" if condition else f": {found}"))


def start(binary):
    arguments = ["venue", "--listen", "127.0.0.1:0", "--no-limits", "--speed", "hand"]
    venue = subprocess.Popen([binary, *arguments], stdout=subprocess.PIPE, text=True)
    return venue, venue.stdout.readline().split("http://")[1].split()[0]


def exchange_at(address):
    exchange = ccxt.aster({
        "privateKey": "0x" + "01" * 32,
        "options": {"defaultType": "swap", "builderFee": False},
        "rateLimit": 5,
    })
    for name in ("fapiPublic", "fapiPrivate"):
        exchange.urls["api"][name] = f"http://{address}/fapi"
    exchange.sapiPublicGetV3ExchangeInfo = lambda params={}: {"symbols": []}
    return exchange


def control(address, path, body):
    request = urllib.request.Request(f"http://{address}/control/{path}", json.dumps(body).encode(), method="POST")
    return json.load(urllib.request.urlopen(request))


def refused(call, error):
    try:
        call()
    except error:
        return True
    except Exception as other:  # Another refusal than the one that ccxt's own table gives for the code.
        print(type(other).__name__, other)
    return False


def market_data(exchange, address):
    markets = exchange.load_markets()
    check("markets", SYMBOL in markets and markets[SYMBOL]["swap"], list(markets))
    price = exchange.fetch_ticker(SYMBOL)["last"]
    control(address, "price", {"symbol": "BTCUSDT", "price": f"{price + 10:.1f}"})
    control(address, "funding", {"symbol": "BTCUSDT", "rate": "0.0001"})
    check("ticker", abs(exchange.fetch_ticker(SYMBOL)["last"] - price - 10) < 1e-6)
    check("tickers", len(exchange.fetch_tickers([SYMBOL])) == 1)
    book = exchange.fetch_order_book(SYMBOL, 5)
    check("order book", len(book["bids"]) == 5 and book["bids"][0][0] < book["asks"][0][0], book)
    candles = exchange.fetch_ohlcv(SYMBOL, "5m", limit=10)
    check("candles", len(candles) == 10 and candles[1][0] - candles[0][0] == 300_000, candles)
    check("trades", len(exchange.fetch_trades(SYMBOL, limit=5)) > 0)
    check("funding rate", exchange.fetch_funding_rate(SYMBOL)["markPrice"] > 0)
    check("funding history", exchange.fetch_funding_rate_history(SYMBOL, limit=1)[0]["fundingRate"] == 0.0001)
    check("time", exchange.fetch_time() > 1_700_000_000_000)


def trading(exchange, address):
    price = exchange.fetch_ticker(SYMBOL)["last"]
    check("leverage", exchange.set_leverage(10, SYMBOL)["leverage"] in (10, "10"))
    order = exchange.create_order(SYMBOL, "limit", "buy", 0.002, price * 0.99, {"clientOrderId": "mine"})
    check("limit order", order["status"] == "open" and order["clientOrderId"] == "mine", order)
    check("order asked for", exchange.fetch_order(order["id"], SYMBOL)["amount"] == 0.002)
    check("open orders", [row["id"] for row in exchange.fetch_open_orders(SYMBOL)] == [order["id"]])
    check("cancelled", exchange.cancel_order(order["id"], SYMBOL)["status"] == "canceled")
    missing = lambda: exchange.cancel_order(order["id"], SYMBOL)
    check("not cancelled twice", refused(missing, (ccxt.OrderNotFound, ccxt.InvalidOrder, ccxt.OperationRejected)))
    several = [
        {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.002, "price": price * share}
        for share in (0.99, 0.98)
    ]
    check("several at once", len(exchange.create_orders(several)) == 2)
    exchange.cancel_all_orders(SYMBOL)
    check("all cancelled", exchange.fetch_open_orders(SYMBOL) == [])
    filled = exchange.create_order(SYMBOL, "market", "buy", 0.01)
    check("market order", exchange.fetch_order(filled["id"], SYMBOL)["status"] == "closed", filled)
    exchange.create_order(SYMBOL, "market", "sell", 0.01, None, {"stopLossPrice": price * 0.99, "reduceOnly": True})
    position = exchange.fetch_positions([SYMBOL])[0]
    check("position", position["contracts"] == 0.01 and position["side"] == "long", position)
    check("account", exchange.fetch_balance()["USDT"]["total"] > 9_900)
    control(address, "price", {"symbol": "BTCUSDT", "price": f"{price * 0.985:.1f}"})
    trades = exchange.fetch_my_trades(SYMBOL)
    check("the stop closed it", [trade["side"] for trade in trades] == ["buy", "sell"], trades)
    check("all orders", len(exchange.fetch_orders(SYMBOL)) == 5)
    check("fees", all(trade["fee"]["cost"] > 0 for trade in trades))
    poor = lambda: exchange.create_order(SYMBOL, "limit", "buy", 5, exchange.fetch_ticker(SYMBOL)["last"])
    check("refused without margin", refused(poor, ccxt.InsufficientFunds))


def modes(exchange):
    exchange.set_position_mode(True)
    exchange.create_order(SYMBOL, "market", "buy", 0.01, None, {"positionSide": "LONG"})
    exchange.create_order(SYMBOL, "market", "sell", 0.02, None, {"positionSide": "SHORT"})
    sides = sorted((row["side"], row["contracts"]) for row in exchange.fetch_positions([SYMBOL]))
    check("hedge mode", sides == [("long", 0.01), ("short", 0.02)], sides)
    exchange.create_order(SYMBOL, "market", "sell", 0.01, None, {"positionSide": "LONG"})
    exchange.create_order(SYMBOL, "market", "buy", 0.02, None, {"positionSide": "SHORT"})
    exchange.set_position_mode(False)
    exchange.set_margin_mode("isolated", SYMBOL)
    exchange.create_order(SYMBOL, "market", "buy", 0.01)
    added = exchange.add_margin(SYMBOL, 5)
    check("margin added", added["amount"] == 5, added)
    position = exchange.fetch_positions([SYMBOL])[0]
    check("isolated margin", position["marginMode"] == "isolated" and position["collateral"] > 5, position)


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "target" / "debug" / "swarm")
    venue, address = start(binary)
    try:
        exchange = exchange_at(address)
        market_data(exchange, address)
        trading(exchange, address)
        modes(exchange)
    finally:
        venue.kill()
        venue.wait()
    failed = [name for name, done in STEPS if not done]
    print(f"ccxt {ccxt.__version__}: {len(STEPS) - len(failed)} of {len(STEPS)} as expected")
    sys.exit(1 if failed else 0)


main()
