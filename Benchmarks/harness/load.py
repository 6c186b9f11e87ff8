"""One bounded run of wrk against one target, with a second client that checks answers meanwhile."""
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from . import processes
from .client import Client
from .servers import HERE


class Prober(threading.Thread):
    """Asks ten times a second during a load, with another name each time, and counts wrong answers."""

    def __init__(self, target):
        super().__init__(daemon=True)
        self.target, self.ended = target, threading.Event()
        self.asked = self.wrong = 0

    def run(self):
        client = Client(self.target.server.port)
        while not self.ended.wait(0.1):
            name = f"prober {self.asked}"
            self.asked += 1
            try:
                answer = client.call(self.target.path, {"name": name})
            except (OSError, EOFError):
                answer = None
            if answer != (200, {"message": f"Hello, {name}!"}):
                self.wrong += 1
        client.close()

    def end(self):
        self.ended.set()
        self.join(15)


def crowd(target, event, count, calls, expected=None):
    """`count` clients at once. They take all their answers, so that the workers they needed are there afterwards.

    -> what each call took, in microseconds, and how many were answered as expected."""
    def ask(_):
        client = Client(target.server.port, timeout=60)
        times, right = [], 0
        for _ in range(calls):
            start = time.perf_counter()
            answer = client.call(target.path, event)
            times.append((time.perf_counter() - start) * 1e6)
            right += answer == (200, expected)
        client.close()
        return times, right
    with ThreadPoolExecutor(count) as clients:
        found = list(clients.map(ask, range(count)))
    return [one for times, _ in found for one in times], sum(right for _, right in found)


def wrk(target, connections, seconds, body=None, paths=None, probe=False, part=0, sample=lambda: {}):
    """Drives the target and answers with what was measured; of each part of `part` seconds too, with what `sample` finds at its end.

    wrk leaves without its last answers, so that we end the workers that were about to give them: `sample` looks before that."""
    with tempfile.TemporaryDirectory(prefix="bench-load-") as directory:
        body_file, paths_file = "-", os.path.join(directory, "paths")
        if body is not None:
            body_file = os.path.join(directory, "body")
            with open(body_file, "wb") as file:
                file.write(body)
        with open(paths_file, "w") as file:
            file.write("\n".join(paths or [target.path]) + "\n")
        prober = Prober(target) if probe else None
        if prober:
            prober.start()
        cpu, busy, start = processes.cpu_seconds(target.server.pid), processes.busy_seconds(), time.monotonic()
        loader = os.times()
        output = os.path.join(directory, "output")
        with open(output, "w") as file:
            process = processes.start(
                ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", f"{HERE}/load.lua",
                 f"http://127.0.0.1:{target.server.port}", "--", target.method, body_file, paths_file, str(part)],
                stdout=file, stderr=subprocess.STDOUT)
            try:
                samples, used = [], cpu
                # The last part ends a second before the run.
                for number in range((seconds - 1) // part if part else 0):
                    time.sleep(max(0, start + (number + 1) * part - time.monotonic()))
                    before, used = used, processes.cpu_seconds(target.server.pid)
                    samples.append({"cpu": used - before, **sample()})
                process.wait(seconds + 30)
            finally:
                processes.stop(process)
        cpu, busy, elapsed = (
            processes.cpu_seconds(target.server.pid) - cpu, processes.busy_seconds() - busy, time.monotonic() - start)
        # wrk has ended: its time is that of our ended children.
        loader = sum(os.times()[:4]) - sum(loader[:4])
        if prober:
            prober.end()
        with open(output) as file:
            text = file.read()
    line = next((line for line in text.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise RuntimeError(f"wrk failed: {text.strip()}")
    result = json.loads(line[len("RESULT "):])
    parts = result.pop("parts")
    if part:
        result["parts"] = [{"rps": count / part, "cpu_us": one.pop("cpu") * 1e6 / max(1, count), **one} for count, one in zip(parts, samples)]
    # An error is no service, however fast it comes.
    result["rps"] = (result["requests"] - result["bad_status"]) / (result["duration_us"] / 1e6)
    result["cpu_us"] = cpu * 1e6 / max(1, result["requests"])
    # The part of the cores that went to processes which have nothing to do with this benchmark.
    result["others"] = max(0, busy - cpu - loader) / elapsed / len(os.sched_getaffinity(0))
    result["wrong"] = result.pop("bad_status") + (prober.wrong if prober else 0)
    result["checked"] = prober.asked if prober else 0
    return result


def in_turn(targets, turns, connections, body):
    """Loads of one second each, in turn and each time in the other order, so that what changes meanwhile is the same for all.

    targets: by key. -> by key what was measured in all its turns together."""
    for target in targets.values():
        wrk(target, connections, 1, body=body)
    results = {key: [] for key in targets}
    for turn in range(turns):
        for key in targets if turn % 2 else reversed(targets):
            results[key].append(wrk(targets[key], connections, 1, body=body))

    def together(parts):
        def total(field):
            return sum(one[field] for one in parts)
        # The median: a turn in which the machine was slow counts no more than another.
        return {"rps": statistics.median(one["rps"] for one in parts), "cpu_us": statistics.median(one["cpu_us"] for one in parts),
                "requests": total("requests"), "wrong": total("wrong"), "timeouts": total("timeouts"),
                "socket_errors": total("socket_errors"), "others": total("others") / len(parts), "turns": [one["rps"] for one in parts]}
    return {key: together(parts) for key, parts in results.items()}
