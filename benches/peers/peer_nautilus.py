"""The workload in NautilusTrader: a strategy that is told of each bar, orders through its whole engine.

usage: peer_nautilus.py BARS.csv COUNT

Timed is `run()` of the engine, with bars in memory and the analysis after the run left out. A reversal is
one order of twice the quantity; the account is netting and on margin.
"""

import json
import sys
import time
from decimal import Decimal

import nautilus_trader
import pandas
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import TraderId
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy


class Crossing(Strategy):
    def __init__(self, instrument, bar_type):
        super().__init__()
        self.contract, self.bars = instrument, bar_type
        self.fast, self.slow = ExponentialMovingAverage(10), ExponentialMovingAverage(20)
        self.above = None
        self.entries = 0

    def on_start(self):
        self.register_indicator_for_bars(self.bars, self.fast)
        self.register_indicator_for_bars(self.bars, self.slow)
        self.subscribe_bars(self.bars)

    def on_bar(self, bar):
        if not self.slow.initialized:
            return
        above, before = self.fast.value > self.slow.value, self.above
        self.above = above
        if before is None or above == before:
            return
        side = OrderSide.BUY if above else OrderSide.SELL
        quantity = Decimal("0.1") if self.entries == 0 else Decimal("0.2")
        quantity = self.contract.make_qty(quantity)
        self.submit_order(self.order_factory.market(self.contract.id, side, quantity))
        self.entries += 1


def main():
    shape = CryptoPerpetual.to_dict(TestInstrumentProvider.btcusdt_perp_binance())
    contract = CryptoPerpetual.from_dict({**shape, "maker_fee": "0.0004", "taker_fee": "0.0004"})
    rows = pandas.read_csv(sys.argv[1], nrows=int(sys.argv[2]))
    # A bar is known when it has closed.
    rows.index = pandas.to_datetime(rows.pop("open_time") + 60_000, unit="ms", utc=True)
    bar_type = BarType.from_str(f"{contract.id}-1-MINUTE-LAST-EXTERNAL")
    bars = BarDataWrangler(bar_type, contract).process(rows)
    engine = BacktestEngine(BacktestEngineConfig(
        trader_id=TraderId("PEER-001"), logging=LoggingConfig(bypass_logging=True), run_analysis=False
    ))
    engine.add_venue(
        contract.venue, OmsType.NETTING, AccountType.MARGIN,
        base_currency=None, starting_balances=[Money(1_000_000, USDT)],
    )
    engine.add_instrument(contract)
    engine.add_data(bars)
    strategy = Crossing(contract, bar_type)
    engine.add_strategy(strategy)
    started = time.perf_counter()
    engine.run()
    seconds = time.perf_counter() - started
    cash = engine.cache.account_for_venue(contract.venue).balance_total(USDT).as_double()
    last = bars[-1].close
    opened = sum(each.unrealized_pnl(last).as_double() for each in engine.cache.positions_open())
    print(json.dumps({
        "system": "NautilusTrader", "version": nautilus_trader.__version__,
        "bars": len(bars), "seconds": seconds, "entries": strategy.entries, "equity": cash + opened,
    }))


if __name__ == "__main__":
    main()
