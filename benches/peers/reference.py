"""What the rules of the workload come to, computed by one loop without any engine.

usage: reference.py BARS.csv [COUNT]

The rules: averages of 10 and 20 closes with the factor 2 / (period + 1), both starting at the first
close, known from the 20th close on. When the fast one changes from above the slow one to not above, or back,
0.1 BTC are held on its side from the next open on, whatever was held before is closed there. Each order pays 4
basis points of its notional. Equity is 1,000,000 USDT before and marked at the last close.

Averages are `f64`, as a rule's are. Money is whole millionths of a USDT, in which these prices, this
quantity and this fee have no remainder: there is nothing to round.
"""

import csv
import json
import sys
import time
from itertools import islice

KNOWN_FROM = 20
START_EQUITY = 1_000_000 * 10**6


def read(path, count=None):
    """Opens and closes of the first bars, in tenths of a USDT."""
    with open(path, newline="") as file:
        rows = csv.DictReader(file)
        prices = [(row["open"], row["close"]) for row in islice(rows, count)]
    return [tuple(int(price.replace(".", "")) for price in pair) for pair in prices]


def notional(tenths):
    """Of 0.1 BTC, in millionths: price / 10 * 0.1 * 10**6."""
    return tenths * 10**4


def fee(tenths):
    """4 basis points of it, in millionths."""
    return tenths * 4


def play(prices):
    """Signals, entries, closed trades, fees and final equity in millionths."""
    fast = slow = prices[0][1] / 10
    above_before = None
    held, cash, fees, signals, entries = 0, START_EQUITY, 0, 0, 0
    wanted = 0
    for number, (opened, closed) in enumerate(prices, start=1):
        if wanted:
            orders = 1 if held == 0 else 2
            cash -= (wanted - held) * notional(opened) + orders * fee(opened)
            fees += orders * fee(opened)
            entries += 1
            held, wanted = wanted, 0
        close = closed / 10
        fast += (close - fast) * (2.0 / 11.0)
        slow += (close - slow) * (2.0 / 21.0)
        if number < KNOWN_FROM:
            continue
        above = fast > slow
        if above_before is not None and above != above_before:
            wanted = 1 if above else -1
            signals += 1
        above_before = above
    equity = cash + held * notional(prices[-1][1])
    return {"signals": signals, "entries": entries, "closed": max(entries - 1, 0), "fees": fees, "equity": equity}


def main():
    prices = read(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)
    started = time.perf_counter()
    result = play(prices)
    seconds = time.perf_counter() - started
    print(json.dumps({"system": "plain Python loop", "bars": len(prices), "seconds": seconds, **result}))


if __name__ == "__main__":
    main()
