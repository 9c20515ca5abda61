"""Runs ours and the peers in turns on the same bars, checks ours against the reference, prints a table.

Started by run.sh, which prepares what it needs; the standard library suffices. Ends with 1 when ours
does not come to exactly what the reference comes to, and with the peer's words when a peer fails.
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

# By peer: its driver, the most bars it is given, what it does not do. The slower ones get fewer bars, and
# ours then gets as few.
PEERS = {
    "vectorbt": (
        "peer_vectorbt.py",
        1_000_000,
        "nothing bar by bar, as driven here: signals are whole arrays; no risk limits, log of facts, liquidation",
    ),
    "backtesting": (
        "peer_backtesting.py",
        1_000_000,
        "one instrument and one strategy; no risk limits, log of facts, latency, maintenance margin",
    ),
    "nautilus": (
        "peer_nautilus.py",
        200_000,
        "no drawdown breaker, no cohorts compared; does more elsewhere: order books, venues, order types",
    ),
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
    driver, most, _ = PEERS[peer]
    bars = min(arguments.bars, most)
    if bars not in expected:
        expected[bars] = last_json(run([sys.executable, HERE / "reference.py", arguments.file, bars]))
    ours = play_ours(arguments.swarm, arguments.data, bars)
    differences = check_ours(ours, expected[bars])
    if differences:
        hint = "; the breaker tripped" if ours["tripped"] else ""
        sys.exit(f"{OURS} differs from the reference over {bars} bars{hint}:\n  " + "\n  ".join(differences))
    return ours, last_json(run([arguments.python, HERE / driver, arguments.file, bars]))


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


def row(system, version, bars, rates, ratio, entries, equity, lacks):
    spread = f"{median(rates):,.0f}"
    if len(rates) > 1:
        spread += f" ({min(rates):,.0f} to {max(rates):,.0f})"
    return f"| {system} | {version} | {bars:,} | {spread} | {ratio} | {entries:,} | {equity:,.2f} | {lacks} |"


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
        entries = expected[bars]["entries"]
        rates = [rate(each) for each in runs]
        lines.append(row(OURS, version, bars, rates, "1", entries, runs[0]["equity"], OURS_LACKS))
    for peer, rounds in results.items():
        theirs = [peer_result for _, peer_result in rounds]
        ratio = median(rate(ours) / rate(peer_result) for ours, peer_result in rounds)
        first = theirs[0]
        rates = [rate(each) for each in theirs]
        lacks = PEERS[peer][2]
        lines.append(
            row(first["system"], first["version"], first["bars"], rates, f"{ratio:.2f}", first["entries"],
                first["equity"], lacks)
        )
    for bars, result in sorted(expected.items(), reverse=True):
        ratio = median(rate(each) for each in by_bars[bars]) / rate(result)
        equity = Decimal(result["equity"]) / MILLIONTHS
        lines.append(
            row("reference.py", platform.python_version(), bars, [rate(result)], f"{ratio:.2f}", result["entries"],
                equity, REFERENCE_LACKS)
        )
    return "\n".join(lines)


def agreement(results, expected):
    """Which peers come to what the reference comes to, and how far the others are off."""
    lines = []
    for rounds in results.values():
        theirs = rounds[0][1]
        wanted = expected[theirs["bars"]]
        entries = theirs["entries"] - wanted["entries"]
        equity = theirs["equity"] - wanted["equity"] / MILLIONTHS
        same = entries == 0 and abs(equity) < SAME
        lines.append(f"{theirs['system']}: " + ("the same" if same else f"{entries:+} entries, {equity:+.2f} USDT"))
    return "; ".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--swarm", type=Path, required=True)
    parser.add_argument("--python", type=Path, required=True)
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
    print(f"Not in bars/s: reading the file, {loading:.2f} s per million bars by {OURS}.")
    for bars in sorted({ours["bars"] for ours in every}):
        fingerprints = {ours["fingerprint"] for ours in every if ours["bars"] == bars}
        print(f"Fingerprint over {bars:,} bars: {', '.join(sorted(fingerprints))}")
        if len(fingerprints) > 1:
            sys.exit(f"{OURS} came to different fingerprints on the same bars")


if __name__ == "__main__":
    main()
