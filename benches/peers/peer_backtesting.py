"""The workload in backtesting.py: a strategy object that is called once a bar.

usage: peer_backtesting.py BARS.csv COUNT

It trades whole units only, so prices are given for a tenth of a BTC and one unit is what the
rules hold. Timed is `run()`, indicators included. Its own statistics at the end are in it, since it
offers no run without them.
"""

import json
import sys
import time
import warnings

import backtesting
import pandas

FIRST_SIGNAL = 20


def average(closes, period):
    return pandas.Series(closes).ewm(span=period, adjust=False).mean().to_numpy()


class Crossing(backtesting.Strategy):
    def init(self):
        self.fast = self.I(average, self.data.Close, 10)
        self.slow = self.I(average, self.data.Close, 20)
        self.entries = 0

    def next(self):
        if len(self.data) <= FIRST_SIGNAL:
            return
        above, before = self.fast[-1] > self.slow[-1], self.fast[-2] > self.slow[-2]
        if above == before:
            return
        self.position.close()
        (self.buy if above else self.sell)(size=1)
        self.entries += 1


def main():
    bars = pandas.read_csv(sys.argv[1], nrows=int(sys.argv[2]))
    bars.index = pandas.to_datetime(bars.pop("open_time"), unit="ms")
    bars = bars.rename(columns=str.capitalize)
    bars[["Open", "High", "Low", "Close"]] /= 10
    backtest = backtesting.Backtest(bars, Crossing, cash=1_000_000, commission=0.0004)
    # It warns that trades are open at the end, which is the workload.
    warnings.filterwarnings("ignore", category=UserWarning)
    started = time.perf_counter()
    result = backtest.run()
    seconds = time.perf_counter() - started
    print(json.dumps({
        "system": "backtesting.py", "version": backtesting.__version__, "bars": len(bars), "seconds": seconds,
        "entries": result["_strategy"].entries, "equity": float(result["Equity Final [$]"]),
    }))


if __name__ == "__main__":
    main()
