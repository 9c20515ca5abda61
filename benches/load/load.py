#!/usr/bin/env python3
"""What reading a trading swarm costs: the API and the metrics page are read over many connections at a time while the
swarm decides, and its decisions are timed with and without the readers.

    cargo build --release
    python3 benches/load/load.py --seconds 60 --connections 64 --listeners 16

Three phases of the same length: nobody reads, all read as fast as answers come, nobody reads. Connections stay open and
take the pages in turn; listeners hold the stream of events open in all three. Uses only Python's own library, one
process for every 16 connections so that the readers are not the bottleneck, and talks to 127.0.0.1 only. Readers and
swarm share the machine: rates are lower bounds.
"""

import argparse
import http.client
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

PAGES = ["/metrics", "/api/v1/swarm", "/api/v1/agents", "/api/v1/portfolios", "/api/v1/positions",
         "/api/v1/decisions?limit=100", "/healthz", "/"]
EACH_PROCESS = 16


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/swarm")
    parser.add_argument("--file", default=os.path.join(os.path.dirname(__file__), "../soak/paper.yaml"))
    parser.add_argument("--seconds", type=float, default=60, help="of a phase")
    parser.add_argument("--speed", default="1800", help="times the clock: six candles of 5m a second")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--listeners", type=int, default=16, help="of the stream of events")
    return parser.parse_args()


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def read_on(port, first, until, into):
    """One connection: pages in turn, and how long each took, in ms."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    turn = first
    while time.monotonic() < until:
        page, start = PAGES[turn % len(PAGES)], time.monotonic()
        try:
            connection.request("GET", page)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            connection.close()
            status = 0
        into.append((page, (time.monotonic() - start) * 1000, status))
        turn += 1


def readers(port, first, count, seconds, queue):
    told, until = [], time.monotonic() + seconds
    threads = [threading.Thread(target=read_on, args=(port, first + number, until, told)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.put(told)


def listen(port, counts, place):
    with socket.create_connection(("127.0.0.1", port)) as stream:
        stream.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while True:
            data = stream.recv(65536)
            if not data:
                return
            counts[place] += data.count(b"\ndata:")


def histogram(page, name):
    """Cumulative counts by upper bound, of all series together."""
    counts = {}
    for bound, value in re.findall(rf'^{name}_bucket{{[^}}]*le="([^"]+)"[^}}]*}} (\S+)$', page, re.M):
        counts[float(bound)] = counts.get(float(bound), 0.0) + float(value)
    return counts


def between(before, after, share):
    """Upper bound of the bucket in which the share lies of what came between, in us."""
    counts = sorted((bound, after[bound] - before.get(bound, 0.0)) for bound in after)
    whole = counts[-1][1]
    return next((bound for bound, count in counts if whole and count >= share * whole), float("nan")) * 1e6


def metric(page, name):
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", page, re.M))


def scrape(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics")
    return connection.getresponse().read().decode()


def phase(port, options, connections):
    """Answers of all readers, and the metrics page before and after."""
    before, queue, processes = scrape(port), multiprocessing.Queue(), []
    for first in range(0, connections, EACH_PROCESS):
        count = min(EACH_PROCESS, connections - first)
        process = multiprocessing.Process(target=readers, args=(port, first, count, options.seconds, queue))
        process.start()
        processes.append(process)
    if not processes:
        time.sleep(options.seconds)
    told = [one for _ in processes for one in queue.get()]
    for process in processes:
        process.join()
    return told, before, scrape(port)


def main():
    options = arguments()
    state = tempfile.mkdtemp(prefix="load-")
    command = [options.binary, "run", options.file, "--speed", options.speed, "--listen", "127.0.0.1:0", "--json",
               "--state", os.path.join(state, "state")]
    log = open(os.path.join(state, "log"), "w")
    swarm = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
    try:
        port = None
        while port is None and swarm.poll() is None:
            time.sleep(0.1)
            with open(log.name) as lines:
                found = re.search(r"status page http://[^:]+:(\d+)", lines.read())
                port = found and int(found.group(1))
        if port is None:
            sys.exit(f"the swarm did not start, see {log.name}")
        events = [0] * options.listeners
        for place in range(options.listeners):
            threading.Thread(target=listen, args=(port, events, place), daemon=True).start()
        time.sleep(5)
        print(f"{'phase':>8} {'answers/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'failed':>7} {'decisions/s':>12} "
              f"{'us each':>8} {'p50 us <':>9} {'p99 us <':>9} {'candles late s':>15}")
        failed = 0
        for name, connections in (("none", 0), ("all", options.connections), ("none", 0)):
            told, before, after = phase(port, options, connections)
            times = sorted(ms for _, ms, status in told if status == 200)
            bad = len(told) - len(times)
            failed += bad
            decisions = metric(after, "swarm_decision_seconds_count") - metric(before, "swarm_decision_seconds_count")
            spent = metric(after, "swarm_decision_seconds_sum") - metric(before, "swarm_decision_seconds_sum")
            buckets = [histogram(page, "swarm_decision_latency_seconds") for page in (before, after)]
            passed = metric(after, "swarm_market_time_seconds") - metric(before, "swarm_market_time_seconds")
            late = options.seconds - passed / float(options.speed)
            print(f"{name:>8} {len(times) / options.seconds:10.0f} {percentile(times, 0.5):8.1f} "
                  f"{percentile(times, 0.99):8.1f} {bad:7d} {decisions / options.seconds:12.1f} "
                  f"{spent / max(1.0, decisions) * 1e6:8.2f} {between(*buckets, 0.5):9.1f} "
                  f"{between(*buckets, 0.99):9.1f} {late:15.2f}", flush=True)
            for page in PAGES if told else []:
                own = sorted(ms for one, ms, status in told if one == page and status == 200)
                print(f"{'':>8} {len(own) / options.seconds:10.0f} {percentile(own, 0.5):8.1f} "
                      f"{percentile(own, 0.99):8.1f}  {page}")
        dropped = re.findall(r'^(swarm_dropped_total{[^}]*}) (\S+)$', scrape(port), re.M)
        print(f"{options.listeners} listeners, {sum(events)} events; " +
              ", ".join(f"{name} {value}" for name, value in dropped if float(value)))
    finally:
        swarm.terminate()
        swarm.wait()
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
