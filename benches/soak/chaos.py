#!/usr/bin/env python3
"""Everything at once, to the real binaries: a swarm trades two accounts of `swarm venue`, and at random moments the
venue fails in every way it knows, the swarm is killed, stopped and continued, prices jump, and an operator meddles.

    cargo build --release
    python3 benches/soak/chaos.py --minutes 30 --seed 1

Every few minutes nothing goes wrong for a while, and then the venue and the books must come to hold the same: positions,
each with a stop that rests at the venue, wallets to the last unit, entries free. At the end all is closed; every order at
the venue has a name that the journal approved, once; every execution of the venue is booked, once; the journal verifies
and decides the same again. The same seed does the same acts, at times that the machine decides. Exit 1 with a line for
each thing that does not hold.

Uses only Python's own library, talks to 127.0.0.1 only, ends what it started and nothing else.
"""

import argparse
import hashlib
import hmac
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from decimal import Decimal

SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
# Portfolio of the swarm file, the venue's account, and the number of the byte that its key repeats.
ACCOUNTS = [("taker", "paper-1", 1), ("maker", "paper-2", 2)]
# Without faults books and account must agree within this: what is unknown after a kill is settled within 65 s.
PATIENCE_S = 150


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/swarm")
    parser.add_argument("--file", default=os.path.join(os.path.dirname(__file__), "live.yaml"))
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rest-every", type=float, default=3, help="minutes of trouble between two rests")
    parser.add_argument("--speed", default="5",
                        help="times the clock, of the market: time-outs of positions are of the market's time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--entry-protection", default="single", choices=["single", "strategy"])
    parser.add_argument("--venue-options", default="", help="more options of `swarm venue`")
    return parser.parse_args()


class Venue:
    """`swarm venue`, its controls, and its accounts as any client sees them."""

    def __init__(self, options, folder):
        command = [options.binary, "venue", "--listen", "127.0.0.1:0", "--symbols", ",".join(SYMBOLS), "--interval", "1m",
                   "--speed", options.speed, "--seed", str(options.seed), "--no-limits"] + options.venue_options.split()
        self.log = open(os.path.join(folder, "venue.log"), "w")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        first = self.process.stdout.readline()
        found = re.search(r"http://(\S+)", first)
        if not found:
            sys.exit(f"the venue did not start: {first}")
        self.at = found.group(1)
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.at}/control/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    def ask(self, account, path, **query):
        """A V1 call of an account, by the venue's own keys, which everybody knows."""
        query["timestamp"] = int(time.time() * 1000)
        text = "&".join(f"{key}={value}" for key, value in query.items())
        signature = hmac.new(f"{account}-secret".encode(), text.encode(), hashlib.sha256).hexdigest()
        request = urllib.request.Request(f"http://{self.at}{path}?{text}&signature={signature}",
                                         headers={"X-MBX-APIKEY": account})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def positions(self, account):
        rows = self.ask(account, "/fapi/v2/positionRisk")
        return {row["symbol"]: Decimal(row["positionAmt"]) for row in rows if Decimal(row["positionAmt"]) != 0}

    def stops(self, account):
        rows = self.ask(account, "/fapi/v1/openOrders")
        return {row["symbol"] for row in rows if row["type"].startswith("STOP") or row["type"].startswith("TRAILING")}

    def wallet(self, account):
        rows = self.ask(account, "/fapi/v2/balance")
        return next(Decimal(row["balance"]) for row in rows if row["asset"] == "USDT")

    def all_of(self, account, path):
        """All orders or trades of an account, page by page."""
        key = "orderId" if path.endswith("Orders") else "id"
        every = []
        for symbol in SYMBOLS:
            start, known = 0, set()
            while True:
                first = {"orderId": start} if key == "orderId" else {"fromId": start}
                page = [row for row in self.ask(account, path, symbol=symbol, limit=1000, **first)
                        if row[key] not in known]
                if not page:
                    break
                known.update(row[key] for row in page)
                every += page
                start = max(row[key] for row in page) + 1
        return every


class Swarm:
    """The swarm's process, which comes and goes."""

    def __init__(self, options, folder, venue):
        self.options, self.folder, self.venue, self.process, self.base = options, folder, venue, None, None
        self.state, self.deaths = os.path.join(folder, "state"), 0
        with open(options.file) as source:
            text = source.read()
        self.file = os.path.join(folder, "swarm.yaml")
        with open(self.file, "w") as written:
            written.write(text)
            written.write(f'venue: {{ kind: aster, entry_protection: {options.entry_protection}, '
                          f'rest_url: "http://{venue.at}", stream_url: "ws://{venue.at}" }}\n')

    def start(self):
        environment = dict(os.environ, FIRST_PRIVATE_KEY="0x" + "01" * 32, SECOND_PRIVATE_KEY="0x" + "02" * 32)
        self.log = open(os.path.join(self.folder, f"swarm-{self.deaths}.log"), "w")
        command = [self.options.binary, "run", "--live", "--yes", "--listen", "127.0.0.1:0", "--state", self.state, self.file]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=environment)
        self.base = None

    def is_up(self):
        """Whether its API answers; where it does not run, it is started again."""
        if self.process.poll() is not None:
            return False
        if self.base is None:
            with open(self.log.name) as lines:
                found = re.search(r"status page (http://\S+)", lines.read())
            self.base = found and found.group(1)
        return self.base is not None

    def status(self):
        with urllib.request.urlopen(self.base + "/api/v1/swarm", timeout=10) as answer:
            return json.loads(answer.read())

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.deaths += 1

    def command(self, *words, patience_s=60):
        command = [self.options.binary, *words, "--api", self.base, "--state", self.state]
        return subprocess.run(command, capture_output=True, text=True, timeout=patience_s)


class Chaos:
    def __init__(self, options):
        self.options, self.random = options, random.Random(options.seed)
        self.folder = tempfile.mkdtemp(prefix="chaos-")
        self.failures, self.counts, self.agents = [], {}, []
        self.venue = Venue(options, self.folder)
        self.swarm = Swarm(options, self.folder, self.venue)

    def fail(self, text):
        self.failures.append(text)
        print(f"FAILED {text}", flush=True)

    def faults(self):
        """A list of faults of a few kinds, for a few seconds."""
        share = self.random.choice([0.05, 0.3, 1.0])
        kinds = [
            {"kind": "latency", "ms": self.random.choice([50, 500, 3000, 12000])},
            {"kind": "unavailable_before"}, {"kind": "unavailable_after"}, {"kind": "maintenance"},
            {"kind": "throttle", "seconds": 2}, {"kind": "refuse", "code": self.random.choice([-1001, -1003, -2019, -4164])},
            {"kind": "disconnect"}, {"kind": "freeze_streams"}, {"kind": "duplicate_frames"}, {"kind": "reorder_frames"},
            {"kind": "lose_frames"}, {"kind": "clock_skew", "ms": self.random.choice([-3000, 3000])},
        ]
        chosen = self.random.sample(kinds, self.random.choice([1, 1, 2, 3]))
        for fault in chosen:
            if fault["kind"] in ("freeze_streams", "clock_skew"):
                continue
            fault["share"] = share
            if self.random.random() < 0.3 and not fault["kind"].endswith("frames") and fault["kind"] != "disconnect":
                fault["only"] = self.random.choice(["POST /fapi/v3/order", "DELETE /fapi/v3/order", "userTrades", "openOrders"])
        return chosen

    def act(self):
        """Something goes wrong; its name."""
        draw = self.random.choices(
            ["faults", "kill", "pause", "disconnect", "listen-key", "jump", "funding", "flatten", "agent", "nothing"],
            [8, 4, 2, 2, 1, 2, 1, 1, 2, 2])[0]
        if draw == "faults":
            self.venue.control("POST", "faults", self.faults())
            time.sleep(self.random.uniform(0.5, 12))
            if self.random.random() < 0.8:
                self.venue.control("DELETE", "faults")
        elif draw == "kill":
            self.swarm.kill()
            time.sleep(self.random.choice([0, 0, 1, 6]))
            self.swarm.start()
        elif draw == "pause":
            self.swarm.process.send_signal(signal.SIGSTOP)
            time.sleep(self.random.uniform(0.1, 8))
            self.swarm.process.send_signal(signal.SIGCONT)
        elif draw == "disconnect":
            self.venue.control("POST", "disconnect")
        elif draw == "listen-key":
            self.venue.control("POST", "expire-listen-key", {"account": self.random.choice(ACCOUNTS)[1]})
        elif draw == "jump":
            symbol = self.random.choice(SYMBOLS)
            price = Decimal(self.venue.control("GET", "state")["prices"][symbol])
            moved = price * Decimal(str(round(self.random.uniform(0.98, 1.02), 3)))
            self.venue.control("POST", "price", {"symbol": symbol, "price": str(moved.quantize(Decimal("0.1")))})
        elif draw == "funding":
            rate = self.random.choice(["0.0005", "-0.0005"])
            self.venue.control("POST", "funding", {"symbol": self.random.choice(SYMBOLS), "rate": rate})
        elif draw in ("flatten", "agent") and self.swarm.is_up():
            words = ["flatten", "--yes"] if draw == "flatten" else ["agent", self.random.choice(["stop", "start"]),
                                                                  self.random.choice(self.agents)]
            try:
                self.swarm.command(*words, patience_s=5)
            except subprocess.TimeoutExpired:
                draw += ", not waited for"
        return draw

    def keep_alive(self):
        """A swarm that ended by itself is counted and started again, as a supervisor of processes would."""
        code = self.swarm.process.poll()
        if code is not None:
            self.counts[f"ended by itself with {code}"] = self.counts.get(f"ended by itself with {code}", 0) + 1
            self.swarm.deaths += 1
            self.swarm.start()

    def trouble(self, until):
        while time.monotonic() < until:
            self.keep_alive()
            done = self.act()
            self.counts[done] = self.counts.get(done, 0) + 1
            time.sleep(self.random.expovariate(0.4))

    def differs(self):
        """How venue and books differ now, in words; nothing when they agree."""
        status = self.swarm.status()
        # By number, as the names of orders have it.
        self.agents = [one["name"] for one in status["agents"]]
        for portfolio, account, _ in ACCOUNTS:
            known = next(one for one in status["portfolios"] if one["name"] == portfolio)
            if known["entries_gated"]:
                return f"{portfolio}: entries are gated, halted: {known.get('halted')}"
            books = {one["symbol"]: one for one in status["positions"] if one["portfolio"] == portfolio}
            held = {symbol: Decimal(one["qty"]) for symbol, one in books.items()}
            if held != self.venue.positions(account):
                return f"{portfolio}: books hold {held}, the venue {self.venue.positions(account)}"
            without = [symbol for symbol, one in books.items() if one["stop_price"] is None]
            if without or not set(held) <= self.venue.stops(account):
                return f"{portfolio}: no stop for {without or set(held) - self.venue.stops(account)}"
        return ""

    def agrees(self, what, differs):
        """Whether the venue and the books come to agree in time."""
        end, last = time.monotonic() + PATIENCE_S, "the swarm does not answer"
        while time.monotonic() < end:
            self.keep_alive()
            try:
                if self.swarm.is_up():
                    last = differs()
                    if not last:
                        return True
            except (OSError, ValueError) as error:
                last = f"the swarm does not answer: {error}"
            time.sleep(0.25)
        self.fail(f"{what}: {last}")
        return False

    def rest(self, number):
        self.venue.control("DELETE", "faults")
        begun = time.monotonic()
        agreed = self.agrees(f"rest {number}", self.differs)
        print(f"rest {number}: {'agreed' if agreed else 'did not agree'} after {time.monotonic() - begun:.1f} s; "
              f"{self.swarm.deaths} deaths; {self.counts}", flush=True)

    def flat(self):
        status = self.swarm.status()
        for portfolio, account, _ in ACCOUNTS:
            if self.venue.positions(account):
                return f"{portfolio}: still holds {self.venue.positions(account)}"
            known = next(one for one in status["portfolios"] if one["name"] == portfolio)
            if Decimal(known["equity"]) != self.venue.wallet(account):
                return f"{portfolio}: the books say {known['equity']} USDT, the venue {self.venue.wallet(account)}"
            if known["entries_gated"]:
                return f"{portfolio}: entries are gated"
        return ""

    def end(self):
        self.venue.control("DELETE", "faults")
        if not self.agrees("before the end", self.differs):
            return
        for agent in self.agents:
            self.swarm.command("agent", "stop", agent)
        self.swarm.command("flatten", "--yes")
        self.agrees("flat at the end", self.flat)
        self.swarm.kill()
        self.judge()

    def journal(self):
        run = subprocess.run([self.options.binary, "journal", "export", self.swarm.state], capture_output=True, text=True)
        if run.returncode != 0:
            self.fail(f"the journal cannot be read: {run.stderr}")
        return [json.loads(line) for line in run.stdout.splitlines()]

    def judge(self):
        facts = self.journal()
        for command in (["journal", "verify", self.swarm.state], ["replay", self.swarm.state]):
            run = subprocess.run([self.options.binary, *command], capture_output=True, text=True)
            if run.returncode != 0:
                self.fail(f"swarm {command[0]}: {run.stdout[-400:]} {run.stderr[-400:]}")
        numbers = {name: number for number, name in enumerate(self.agents)}
        ids = [fact["order"]["id"] for fact in facts if fact["type"] == "order"]
        approved = [f"{numbers[one['intent']['agent']]}-{one['intent']['number']}-{one['leg']}" for one in ids]
        if len(approved) != len(set(approved)):
            self.fail("an order was approved twice")
        booked, kinds = [], {}
        for fact in facts:
            fill = find(fact, "fill")
            if fill:
                booked.append((str(find(fact, "portfolio")), str(find(fact, "symbol")), fill["trade"]))
            if fact["type"] == "difference":
                kind = f"{find(fact, 'kind')}"
                kinds[kind] = kinds.get(kind, 0) + 1
        if len(booked) != len(set(booked)):
            self.fail("an execution was booked twice")
        orders = trades = 0
        for _, account, _ in ACCOUNTS:
            names = [row["clientOrderId"] for row in self.venue.all_of(account, "/fapi/v1/allOrders")]
            if len(names) != len(set(names)):
                self.fail(f"{account}: an order is at the venue twice")
            unknown = [name for name in names if name.split("-", 1)[-1] not in set(approved)]
            if unknown:
                self.fail(f"{account}: orders that nobody approved: {unknown[:5]}")
            orders += len(names)
            trades += len(self.venue.all_of(account, "/fapi/v1/userTrades"))
        if trades != len(booked):
            self.fail(f"the venue has {trades} executions, the journal {len(booked)}")
        print(f"{len(approved)} orders approved, {orders} at the venue; {trades} executions, {len(booked)} booked; "
              f"differences met: {kinds or 'none'}", flush=True)

    def run(self):
        self.swarm.start()
        end, number = time.monotonic() + self.options.minutes * 60, 0
        try:
            self.agrees("the start", self.differs)
            while time.monotonic() < end:
                self.trouble(min(end, time.monotonic() + self.options.rest_every * 60))
                number += 1
                self.rest(number)
            self.end()
        finally:
            if self.swarm.process.poll() is None:
                self.swarm.process.kill()
            self.venue.process.terminate()
            self.venue.process.wait()
        print(f"{len(self.failures)} failures; {self.swarm.deaths} deaths; acts {self.counts}; kept in {self.folder}")
        sys.exit(1 if self.failures else 0)


def find(value, key):
    """The first value with this key, at any depth."""
    if isinstance(value, dict):
        if key in value:
            return value[key]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            found = find(one, key)
            if found is not None:
                return found
    return None


if __name__ == "__main__":
    Chaos(arguments()).run()
