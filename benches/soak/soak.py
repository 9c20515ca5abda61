#!/usr/bin/env python3
"""A soak of the real binary: the swarm trades for MINUTES at SPEED times the clock while its API and its metrics page
are read, and what must stay flat is measured: memory, queues, latency of decisions and of answers.

    cargo build --release
    python3 benches/soak/soak.py --minutes 60 --speed 20000

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
    parser.add_argument("--file", default="swarm.yaml")
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
        self.base, self.pause_s, self.times_ms, self.failed, self.on = base, pause_s, [], 0, True

    def run(self):
        turn = 0
        while self.on:
            start = time.monotonic()
            try:
                get(self.base + self.PAGES[turn % len(self.PAGES)])
                self.times_ms.append((time.monotonic() - start) * 1000)
            except OSError:
                self.failed += 1
            turn += 1
            time.sleep(self.pause_s)


def rss_mib(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * PAGE_KIB / 1024


def metric(page, name):
    """Sum over all labels."""
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", page, re.M))


def slope(points):
    """Least squares, change of y for each unit of x."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    mean_x, mean_y = statistics.fmean(xs), statistics.fmean(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def main():
    options = arguments()
    state = tempfile.mkdtemp(prefix="soak-")
    command = [options.binary, "run", options.file, "--speed", options.speed, "--for", f"{options.minutes}m",
               "--listen", "127.0.0.1:0", "--state", os.path.join(state, "state"), "--json"]
    log = open(os.path.join(state, "log"), "w+")
    swarm = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    base = None
    while base is None and swarm.poll() is None:
        time.sleep(0.2)
        with open(log.name) as lines:
            found = re.search(r"http://127\.0\.0\.1:\d+", lines.read())
            base = found and found.group(0)
    if base is None:
        sys.exit(f"the swarm did not start, see {log.name}")
    readers = [Reader(base, options.pause_ms / 1000) for _ in range(options.readers)]
    for reader in readers:
        reader.start()
    begun, samples = time.monotonic(), []
    print(f"{'minute':>7} {'RSS MiB':>8} {'journal MiB':>12} {'decisions':>10} {'queued':>7} "
          f"{'us/decision':>12} {'answers':>8} {'p99 ms':>7}")
    last = (0.0, 0.0)
    while swarm.poll() is None:
        time.sleep(max(2.0, options.minutes * 60 / 120))
        try:
            page = get(base + "/metrics")
            rss = rss_mib(swarm.pid)
        except (OSError, ValueError):
            break
        decisions, seconds = metric(page, "swarm_decision_seconds_count"), metric(page, "swarm_decision_seconds_sum")
        each_us = (seconds - last[1]) / max(1.0, decisions - last[0]) * 1e6
        last = (decisions, seconds)
        queued = metric(page, "swarm_mailbox_depth")
        journal = sum(os.path.getsize(os.path.join(folder, file))
                      for folder, _, files in os.walk(state) for file in files) / 2**20
        times = [each for reader in readers for each in reader.times_ms[-500:]]
        minute = (time.monotonic() - begun) / 60
        samples.append((minute, rss, queued, each_us))
        answers = sum(len(reader.times_ms) for reader in readers)
        print(f"{minute:7.1f} {rss:8.1f} {journal:12.1f} {decisions:10.0f} {queued:7.0f} {each_us:12.2f} "
              f"{answers:8d} {percentile(times, 0.99):7.1f}", flush=True)
    for reader in readers:
        reader.on = False
    output, _ = swarm.communicate()
    settled = samples[len(samples) // 4:]
    growth = slope([(minute / 60, rss) for minute, rss, _, _ in settled])
    early = statistics.median(each for *_, each in settled[:max(1, len(settled) // 4)])
    late = statistics.median(each for *_, each in settled[-max(1, len(settled) // 4):])
    failed = sum(reader.failed for reader in readers)
    times = [each for reader in readers for each in reader.times_ms]
    stuck = min((queued for _, _, queued, _ in samples[-5:]), default=0)
    steps = json.loads(output)["market"]["candles"] if output.strip() else 0
    print(f"memory {growth:+.2f} MiB an hour after the first quarter; a decision took {early:.2f} us then and "
          f"{late:.2f} us at the end; {len(times)} answers, p50 {percentile(times, 0.5):.1f} ms, p99 "
          f"{percentile(times, 0.99):.1f} ms, {failed} failed; {steps} candles; exit {swarm.returncode}")
    if growth > options.slope_mib_per_hour or stuck > 100 or swarm.returncode != 0:
        sys.exit(1)


main()
