"""Runs ours and the peers in turns on the same bars, checks ours against the reference, prints a table.

Started by run.sh, which prepares what it needs; the standard library suffices. Ends with 1 when ours
does not come to exactly what the reference comes to, and with the peer's words when a peer fails. What a
peer comes to is printed beside the reference, and is no reason to fail: some cannot come to the same.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
FIRST_BAR = datetime(2023, 1, 1, tzinfo=timezone.utc)
OURS = "asterswarm"
MILLIONTHS = 10**6

# By peer: its driver and what that is told besides file and count, the most bars it is given, what it does not
# do. The slower ones get fewer bars, and ours then gets as few. BARTER is a program that run.sh has built.
BARTER = "barter"
PEERS = {
    "vectorbt": (
        ["peer_vectorbt.py"],
        1_000_000,
        "nothing bar by bar, as driven here: signals are whole arrays; no risk limits, log of facts, liquidation",
    ),
    "backtesting": (
        ["peer_backtesting.py"],
        1_000_000,
        "one instrument and one strategy; no risk limits, log of facts, latency, maintenance margin",
    ),
    "nautilus": (
        ["peer_nautilus.py"],
        200_000,
        "no drawdown breaker, no cohorts compared; does more elsewhere: order books, venues, order types",
    ),
    "barter": (
        [BARTER, "free"],
        1_000_000,
        "fills come too late or never, another number in each run; as driven, no risk limits, no log of events",
    ),
    "barter-held": (
        [BARTER, "held"],
        1_000_000,
        "its exchange sees no market: it fills all at the price asked for; as driven, no risk limits, no log of events",
    ),
    "barter-idle": ([BARTER, "idle"], 1_000_000, "orders: engine and averages alone"),
}
REFERENCE_LACKS = "anything but this arithmetic: no events, orders, limits, log"
OURS_LACKS = "order books, ticks, partial fills: candles only"
# Peers keep money in floats; nearer than half a cent is the same.
SAME = 0.005


def run(words):
    """Stdout of a command that must succeed."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}\nended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout


def last_json(text):
    """The result is the last line; some peers talk before it."""
    return json.loads(text.strip().splitlines()[-1])


def play_ours(swarm, data, bars):
    """One backtest of the first bars: what it comes to, and how long it took without loading."""
    end = (FIRST_BAR + timedelta(minutes=bars)).strftime("%Y-%m-%dT%H:%M:%SZ")
    report = json.loads(run([swarm, "backtest", HERE / "ema_cross.yaml", "--data", data, "--to", end, "--json"]))
    cohort, portfolio = report["cohorts"]["crossing"], report["portfolios"]["crossing"]
    return {
        "bars": report["market"]["candles"],
        "seconds": report["timing"]["run_s"],
        "load": report["timing"]["load_s"],
        "signals": cohort["intents"],
        "closed": cohort["trades"],
        "fees": Decimal(cohort["fees"]),
        "equity": Decimal(portfolio["end_equity"]),
        "tripped": portfolio["breaker"]["tripped"],
        "fingerprint": report["fingerprint"],
    }


def check_ours(ours, expected):
    """Ours must be the reference to the last unit; returns what differs."""
    wanted = {
        "bars": expected["bars"],
        "signals": expected["signals"],
        "closed": expected["closed"],
        "fees": Decimal(expected["fees"]) / MILLIONTHS,
        "equity": Decimal(expected["equity"]) / MILLIONTHS,
    }
    return [
        f"{name} is {ours[name]}, the reference has {value}" for name, value in wanted.items() if ours[name] != value
    ]


def peer_round(arguments, peer, expected):
    """Ours, then the peer, on as many bars. Returns both."""
    (driver, *words), most, _ = PEERS[peer]
    command = [arguments.barter] if driver == BARTER else [arguments.python, HERE / driver]
    bars = min(arguments.bars, most)
    if bars not in expected:
        expected[bars] = last_json(run([sys.executable, HERE / "reference.py", arguments.file, bars]))
    ours = play_ours(arguments.swarm, arguments.data, bars)
    differences = check_ours(ours, expected[bars])
    if differences:
        hint = "; the breaker tripped" if ours["tripped"] else ""
        sys.exit(f"{OURS} differs from the reference over {bars} bars{hint}:\n  " + "\n  ".join(differences))
    return ours, last_json(run([*command, arguments.file, bars, *words]))


def rate(result):
    return result["bars"] / result["seconds"]


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def load():
    return " ".join(f"{each:.1f}" for each in os.getloadavg())


def loses_fills(result):
    """Whether a run ended before all it had asked for was filled; its equity is then that of its requests."""
    return result.get("fills", 0) < result.get("requests", 0)


def span(numbers):
    """`3 to 5`, or the number that all of them are."""
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def row(system, version, bars, rates, ratio, entries, equity, lacks):
    spread = f"{median(rates):,.0f}"
    if len(rates) > 1:
        spread += f" ({min(rates):,.0f} to {max(rates):,.0f})"
    return f"| {system} | {version} | {bars:,} | {spread} | {ratio} | {entries} | {equity} | {lacks} |"


def peer_row(peer, rounds):
    theirs = [peer_result for _, peer_result in rounds]
    ratio = median(rate(ours) / rate(peer_result) for ours, peer_result in rounds)
    first = theirs[0]
    entries = f"{first['entries']:,}"
    equity = "none" if first["equity"] is None else f"{first['equity']:,.2f}"
    if any(map(loses_fills, theirs)):
        entries += f" sent, {span([each['fills'] for each in theirs])} fills seen"
        equity += " by what was sent"
    rates = [rate(each) for each in theirs]
    return row(first["system"], first["version"], first["bars"], rates, f"{ratio:.2f}", entries, equity, PEERS[peer][2])


def table(arguments, results, expected):
    lines = [
        "| system | version | bars | bars/s, median (range) | ours is so many times as fast | entries | final equity "
        "| what it does not do |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    version = run([arguments.swarm, "--version"]).split()[-1]
    by_bars = {}
    for rounds in results.values():
        for ours, _ in rounds:
            by_bars.setdefault(ours["bars"], []).append(ours)
    for bars, runs in sorted(by_bars.items(), reverse=True):
        entries, equity = f"{expected[bars]['entries']:,}", f"{runs[0]['equity']:,.2f}"
        rates = [rate(each) for each in runs]
        lines.append(row(OURS, version, bars, rates, "1", entries, equity, OURS_LACKS))
    lines.extend(peer_row(peer, rounds) for peer, rounds in results.items())
    for bars, result in sorted(expected.items(), reverse=True):
        ratio = median(rate(each) for each in by_bars[bars]) / rate(result)
        entries, equity = f"{result['entries']:,}", f"{Decimal(result['equity']) / MILLIONTHS:,.2f}"
        lines.append(
            row("reference.py", platform.python_version(), bars, [rate(result)], f"{ratio:.2f}", entries, equity,
                REFERENCE_LACKS)
        )
    return "\n".join(lines)


def off(result, expected):
    """By how many entries and how much money a peer is off the reference."""
    wanted = expected[result["bars"]]
    return result["entries"] - wanted["entries"], result["equity"] - wanted["equity"] / MILLIONTHS


def agreement(results, expected):
    """Which peers come to what the reference comes to, and how far the others are off."""
    lines = []
    for rounds in results.values():
        theirs = [peer_result for _, peer_result in rounds if peer_result["equity"] is not None]
        if not theirs:
            continue
        # The one that is farthest off speaks for all of them, since not every peer repeats itself.
        entries, equity = max((off(each, expected) for each in theirs), key=lambda each: (abs(each[1]), abs(each[0])))
        same = entries == 0 and abs(equity) < SAME
        by = " by what was sent" if any(map(loses_fills, theirs)) else ""
        words = "the same" if same else f"{entries:+} entries, {equity:+.2f} USDT"
        lines.append(f"{theirs[0]['system']}: {words}{by}")
    return "; ".join(lines)


def lost_fills(results):
    """What runs that end before all is filled have seen, run by run."""
    lines = []
    for rounds in results.values():
        theirs = [peer_result for _, peer_result in rounds]
        if any(map(loses_fills, theirs)):
            runs = ", ".join(f"{each['fills']:,} ({each['profit']:+,.2f})" for each in theirs)
            lines.append(
                f"{theirs[0]['system']}: fills seen of {span([each['requests'] for each in theirs])} orders, "
                f"and the profit its summary has then, run by run: {runs}."
            )
    return lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--swarm", type=Path, required=True)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--barter", type=Path, required=True, help="where the driver of barter is built")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--bars", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("peers", nargs="+", choices=sorted(PEERS))
    arguments = parser.parse_args()

    before = load()
    expected, results = {}, {peer: [] for peer in arguments.peers}
    for number in range(1, arguments.rounds + 1):
        for peer, rounds in results.items():
            print(f"round {number} of {arguments.rounds}: {OURS}, {peer}", file=sys.stderr)
            rounds.append(peer_round(arguments, peer, expected))

    every = [ours for rounds in results.values() for ours, _ in rounds]
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    print(f"{now}; {processor()}, {os.cpu_count()} cores; {platform.system()}; Python {platform.python_version()}")
    print(f"load before {before}, after {load()}; {arguments.rounds} rounds, {OURS} before each peer's turn\n")
    print(table(arguments, results, expected))
    # A run over fewer bars reads the whole file as well.
    loading = median(ours["load"] for ours in every) / arguments.bars * 10**6
    print(f"\n{OURS} and the reference agree exactly: signals, closed trades, fees, equity ({len(every)} runs).")
    print(f"Peers against the reference, entries and equity to the cent: {agreement(results, expected)}.")
    for line in lost_fills(results):
        print(line)
    print(f"Not in bars/s: reading the file, {loading:.2f} s per million bars by {OURS}.")
    for bars in sorted({ours["bars"] for ours in every}):
        fingerprints = {ours["fingerprint"] for ours in every if ours["bars"] == bars}
        print(f"Fingerprint over {bars:,} bars: {', '.join(sorted(fingerprints))}")
        if len(fingerprints) > 1:
            sys.exit(f"{OURS} came to different fingerprints on the same bars")


if __name__ == "__main__":
    main()
