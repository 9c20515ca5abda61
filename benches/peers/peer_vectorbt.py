"""The workload in vectorbt: whole-array signals, then one compiled loop over the orders.

usage: peer_vectorbt.py BARS.csv COUNT

Timed are averages, signals, simulation and the final value; candles are in memory and a first
run has compiled the loop. Signals before the 21st bar and on the last one are masked, since there the rules do
not trade; every bar opens at the close before, so filling at the signal's close is filling at the next open.
"""

import json
import sys
import time

import pandas
import vectorbt

FIRST_SIGNAL = 20


def play(close):
    fast = close.ewm(span=10, adjust=False).mean()
    slow = close.ewm(span=20, adjust=False).mean()
    above = (fast > slow).to_numpy()
    rises, falls = above.copy(), ~above
    rises[1:] &= ~above[:-1]
    falls[1:] &= above[:-1]
    for signals in (rises, falls):
        signals[:FIRST_SIGNAL] = False
        signals[-1] = False
    portfolio = vectorbt.Portfolio.from_signals(
        close, entries=rises, short_entries=falls, size=0.1, fees=0.0004, init_cash=1_000_000, freq="1min"
    )
    return len(portfolio.orders.records), float(portfolio.final_value())


def main():
    bars = pandas.read_csv(sys.argv[1], nrows=int(sys.argv[2]))
    close = pandas.Series(bars.close.to_numpy(), index=pandas.to_datetime(bars.open_time, unit="ms"))
    play(close)
    started = time.perf_counter()
    entries, equity = play(close)
    seconds = time.perf_counter() - started
    print(json.dumps({
        "system": "vectorbt", "version": vectorbt.__version__,
        "bars": len(close), "seconds": seconds, "entries": entries, "equity": equity,
    }))


if __name__ == "__main__":
    main()
