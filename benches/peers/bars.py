"""Writes made-up one-minute bars as a candle file: a random walk whose volatility wanders.

usage: bars.py COUNT FILE

The same count gives the same bytes everywhere: the only randomness is `random.random` of a seeded
Mersenne Twister, and nothing but additions and products is done with it. Prices have one decimal, as
the contract's tick; every bar opens where the one before closed, so "filled at this close" and "filled at
the next open" are the same price, and systems that fill at one or the other can be compared.
"""

import random
import sys
from pathlib import Path

SEED = 20230101
START_MS = 1_672_531_200_000  # 2023-01-01T00:00:00Z
MINUTE_MS = 60_000
HEADER = "open_time,open,high,low,close,volume\n"
# A sum of four uniform numbers has the variance 1/3.
TO_UNIT_DEVIATION = 3.0**0.5


def decimal(tenths):
    return f"{tenths // 10}.{tenths % 10}"


def bars(count):
    """Rows of a candle file. Prices are counted in tenths, the walk itself is not rounded."""
    uniform = random.Random(SEED).random

    def normal():
        return (uniform() + uniform() + uniform() + uniform() - 2.0) * TO_UNIT_DEVIATION

    price, deviation = 300_000.0, 0.0006
    close = round(price)
    for index in range(count):
        deviation = min(max(deviation * (1.0 + 0.02 * normal()), 0.0002), 0.003)
        opened = close
        price *= 1.0 + deviation * normal()
        close = round(price)
        wick = 0.5 * deviation
        high = max(opened, close, round(max(opened, close) * (1.0 + wick * abs(normal()))))
        low = min(opened, close, round(min(opened, close) * (1.0 - wick * abs(normal()))))
        volume = 20_000 + int(40_000 * uniform())
        time = START_MS + index * MINUTE_MS
        prices = ",".join(decimal(each) for each in (opened, high, low, close))
        yield f"{time},{prices},{volume // 1000}.{volume % 1000:03}\n"


def main():
    count, path = int(sys.argv[1]), Path(sys.argv[2])
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("w", newline="") as file:
        file.write(HEADER)
        file.writelines(bars(count))
    unfinished.replace(path)


if __name__ == "__main__":
    main()
