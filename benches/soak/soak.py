#!/usr/bin/env python3
"""A soak of the real binary: the swarm trades for MINUTES at SPEED times the clock while its API and its metrics page
are read, and what must stay flat is measured: memory, queues, latency of decisions and of answers.

    cargo build --release
    python3 benches/soak/soak.py --minutes 60 --speed 20000                  # on paper
    python3 benches/soak/soak.py --minutes 60 --speed 60 --live              # real orders at `swarm venue`

With --live `swarm venue` is a process of its own, its market passes at SPEED, and its memory is measured too.

Uses only Python's own library, talks to 127.0.0.1 only, and ends by itself. Exit 1 when memory grows by more than
--slope-mib-per-hour after the first quarter, when a queue does not empty, or when the swarm ends otherwise than asked.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/swarm")
    parser.add_argument("--live", action="store_true", help="real orders at `swarm venue`")
    parser.add_argument("--file", help="benches/soak/paper.yaml or live.yaml where none is named")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--speed", default="20000", help="times the clock")
    parser.add_argument("--readers", type=int, default=4, help="connections that read the API without a pause")
    parser.add_argument("--pause-ms", type=float, default=20, help="pause of a reader between two requests")
    parser.add_argument("--slope-mib-per-hour", type=float, default=8)
    return parser.parse_args()


def get(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


class Reader(threading.Thread):
    """Reads pages in turn and keeps how long each took, in ms."""

    PAGES = ["/metrics", "/api/v1/swarm", "/api/v1/agents", "/api/v1/decisions?limit=100", "/api/v1/compare", "/"]

    def __init__(self, base, pause_s):
        super().__init__(daemon=True)
        self.base, self.pause_s, self.times_ms, self.on = base, pause_s, [], True
        # When it failed, and when it last did not.
        self.failed_at, self.read_at = [], 0.0

    def run(self):
        turn = 0
        while self.on:
            start = time.monotonic()
            try:
                get(self.base + self.PAGES[turn % len(self.PAGES)])
                self.read_at = time.monotonic()
                self.times_ms.append((self.read_at - start) * 1000)
            except OSError:
                self.failed_at.append(time.monotonic())
            turn += 1
            time.sleep(self.pause_s)


def rss_mib(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * PAGE_KIB / 1024


def metric(page, name, label=""):
    """Sum over all series whose labels hold this text."""
    found = re.findall(rf"^{name}((?:{{[^}}]*}})?) (\S+)$", page, re.M)
    return sum(float(value) for labels, value in found if label in labels)


def middle(samples, place):
    return statistics.median(sample[place] for sample in samples)


def slope(points):
    """Least squares, change of y for each unit of x."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    mean_x, mean_y = statistics.fmean(xs), statistics.fmean(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def start_venue(options, state):
    """`swarm venue` and where it listens."""
    command = [options.binary, "venue", "--listen", "127.0.0.1:0", "--symbols", "BTCUSDT,ETHUSDT,SOLUSDT",
               "--interval", "1m", "--speed", options.speed]
    venue = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=open(os.path.join(state, "venue.log"), "w"),
                             text=True)
    first = venue.stdout.readline()
    found = re.search(r"http://(\S+)", first)
    if not found:
        sys.exit(f"the venue did not start: {first}")
    # What else it says is of no use here, and must not stop it.
    threading.Thread(target=venue.stdout.read, daemon=True).start()
    return venue, found.group(1)


def start_swarm(options, state, venue_at, log):
    file = options.file or os.path.join(os.path.dirname(__file__), "live.yaml" if options.live else "paper.yaml")
    command = [options.binary, "run", "--for", f"{options.minutes}m", "--listen", "127.0.0.1:0",
               "--state", os.path.join(state, "state"), "--json"]
    environment = dict(os.environ)
    if options.live:
        with open(file) as source:
            text = source.read()
        file = os.path.join(state, "swarm.yaml")
        with open(file, "w") as written:
            written.write(text)
            written.write(f'venue: {{ kind: aster, rest_url: "http://{venue_at}", stream_url: "ws://{venue_at}" }}\n')
        command += ["--live", "--yes"]
        # The venue's own keys, which everybody knows.
        environment.update(FIRST_PRIVATE_KEY="0x" + "01" * 32, SECOND_PRIVATE_KEY="0x" + "02" * 32)
    else:
        command += ["--speed", options.speed]
    return subprocess.Popen(command + [file], stdout=subprocess.PIPE, stderr=log, text=True, env=environment)


def main():
    options = arguments()
    state = tempfile.mkdtemp(prefix="soak-")
    venue, venue_at = start_venue(options, state) if options.live else (None, None)
    try:
        watch(options, state, venue, venue_at)
    finally:
        if venue:
            venue.terminate()
            venue.wait()


def watch(options, state, venue, venue_at):
    log = open(os.path.join(state, "log"), "w+")
    swarm = start_swarm(options, state, venue_at, log)
    base = None
    while base is None and swarm.poll() is None:
        time.sleep(0.2)
        with open(log.name) as lines:
            found = re.search(r"status page (http://\S+)", lines.read())
            base = found and found.group(1)
    if base is None:
        sys.exit(f"the swarm did not start, see {log.name}")
    readers = [Reader(base, options.pause_ms / 1000) for _ in range(options.readers)]
    for reader in readers:
        reader.start()
    begun, samples = time.monotonic(), []
    print(f"{'minute':>7} {'RSS MiB':>8} {'venue':>7} {'journal MiB':>12} {'decisions':>10} {'orders':>8} {'trades':>8} "
          f"{'queued':>7} {'us/decision':>12} {'ms/order':>9} {'answers':>8} {'p99 ms':>7}")
    last, page = (0.0, 0.0, 0.0, 0.0), ""
    while swarm.poll() is None:
        time.sleep(max(2.0, options.minutes * 60 / 120))
        try:
            page = get(base + "/metrics")
            rss = rss_mib(swarm.pid)
            venue_rss = rss_mib(venue.pid) if venue else 0.0
        except (OSError, ValueError):
            break
        now = tuple(metric(page, name) for name in (
            "swarm_decision_seconds_count", "swarm_decision_seconds_sum",
            "swarm_order_roundtrip_seconds_count", "swarm_order_roundtrip_seconds_sum"))
        each_us = (now[1] - last[1]) / max(1.0, now[0] - last[0]) * 1e6
        order_ms = (now[3] - last[3]) / max(1.0, now[2] - last[2]) * 1e3
        last = now
        queued = metric(page, "swarm_mailbox_depth")
        orders = metric(page, "swarm_orders_total", 'status="sent"')
        trades = metric(page, "swarm_trades_total")
        journal = sum(os.path.getsize(os.path.join(folder, file))
                      for folder, _, files in os.walk(state) for file in files) / 2**20
        times = [each for reader in readers for each in reader.times_ms[-500:]]
        minute = (time.monotonic() - begun) / 60
        samples.append((minute, rss, venue_rss, queued, each_us, order_ms))
        answers = sum(len(reader.times_ms) for reader in readers)
        print(f"{minute:7.1f} {rss:8.1f} {venue_rss:7.1f} {journal:12.1f} {now[0]:10.0f} {orders:8.0f} {trades:8.0f} "
              f"{queued:7.0f} {each_us:12.2f} {order_ms:9.2f} {answers:8d} {percentile(times, 0.99):7.1f}", flush=True)
    differences = metric(page, "swarm_reconcile_differences_total")
    unknown = metric(page, "swarm_orders_total", 'status="unknown"')
    for reader in readers:
        reader.on = False
    output, _ = swarm.communicate()
    settled = samples[len(samples) // 4:]
    growth = slope([(minute / 60, rss) for minute, rss, *_ in settled])
    venue_growth = slope([(minute / 60, rss) for minute, _, rss, *_ in settled])
    quarter = max(1, len(settled) // 4)
    early, late = settled[:quarter], settled[-quarter:]
    # Whoever asks after the end is not answered.
    end = max(reader.read_at for reader in readers)
    failed = sum(at < end for reader in readers for at in reader.failed_at)
    times = [each for reader in readers for each in reader.times_ms]
    stuck = min((queued for _, _, _, queued, *_ in samples[-5:]), default=0)
    steps = json.loads(output)["market"]["candles"] if output.strip() else 0
    print(f"memory {growth:+.2f} MiB an hour after the first quarter; a decision took "
          f"{middle(early, 4):.2f} us then and {middle(late, 4):.2f} us at the end; {len(times)} answers, "
          f"p50 {percentile(times, 0.5):.1f} ms, p99 {percentile(times, 0.99):.1f} ms, {failed} failed; {steps} candles; "
          f"exit {swarm.returncode}")
    if venue:
        print(f"venue {venue_growth:+.2f} MiB an hour; an order's answer took {middle(early, 5):.1f} ms then and "
              f"{middle(late, 5):.1f} ms at the end; {unknown:.0f} outcomes unknown at first, {differences:.0f} "
              f"differences between books and account")
    print(f"kept in {state}")
    if growth > options.slope_mib_per_hour or stuck > 100 or swarm.returncode != 0 or differences > 0:
        sys.exit(1)


main()
