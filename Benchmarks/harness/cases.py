"""The cases. Each takes a Bench and answers with a JSON value; report.py knows how to show it."""
import json
import os
import random
import statistics
import subprocess
import time

from . import load, processes, servers
from .bench import GREETED, GREETING, stop
from .client import Client
from .servers import Faas, PEERS, PYTHON, Target, function, handler
from .statistics import percentile


def hello(bench):
    """JSON in, JSON out, at 1, 8 and 32 connections."""
    faas = Faas(bench.faas, {"hello-js": function("hello", "js"), "hello-python": function("hello", "python")})
    targets = {
        "faas-js": Target("faas-js", faas, "/invoke/hello-js"),
        "faas-python": Target("faas-python", faas, "/invoke/hello-python"),
        "faas-health": Target("faas-health", faas, "/health", "GET"),
        **bench.peers(servers.PEER_LIST, "hello"),
    }
    # A process per request has as many processes as connections; beyond the cores they only wait for each other.
    measured = lambda name, connections: connections <= 8 or not name.endswith("-spawn")  # noqa: E731
    try:
        return {"rows": bench.load_rounds(
            [[((name, connections), target, connections, {}) for name, target in targets.items() if measured(name, connections)]
             for connections in (1, 8, 32)])}
    finally:
        stop(targets.values())


def cold(bench):
    """The first call of functions never called before, one after the other, against a process for each."""
    count = 10 if bench.quick else 30
    event = json.dumps(GREETING)
    rounds = {"faas-js": [], "faas-python": [], "node-spawn": [], "python-spawn": [], "faas-js-zygote": [], "faas-python-zygote": []}

    def spawn(*command):
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process.stdin.write(event)
        process.stdin.close()
        line = process.stdout.readline()
        elapsed = time.perf_counter() - start
        process.stdout.close()
        process.wait()
        assert json.loads(line) == GREETED, line
        return elapsed * 1e6

    for number in range(bench.rounds):
        functions = {}
        for language in ("js", "python"):
            comment = "//" if language == "js" else "#"
            with open(handler("hello", language)) as file:
                source = file.read()
            for i in range(count + 1):
                # Each source is another, so that nothing can be shared between them.
                functions[f"cold-{language}-{i}"] = {"languageId": language, "source": f"{source}\n{comment} {number} {i}\n"}
        faas = Faas(bench.faas, functions)
        client = Client(faas.port)

        def first(language, i):
            start = time.perf_counter()
            answer = client.call(f"/invoke/cold-{language}-{i}", GREETING)
            elapsed = time.perf_counter() - start
            assert answer == (200, GREETED), answer
            return elapsed * 1e6

        try:
            client.request("GET", "/health")
            measured = {name: [] for name in rounds}
            for language in ("js", "python"):
                measured[f"faas-{language}-zygote"].append(first(language, count))
            bench.wait_for_quiet()
            for i in range(count):
                measured["faas-js"].append(first("js", i))
                measured["node-spawn"].append(spawn("/usr/bin/node", f"{PEERS}/child.js", handler("hello", "js")))
                measured["faas-python"].append(first("python", i))
                measured["python-spawn"].append(spawn(PYTHON, f"{PEERS}/child.py", handler("hello", "python")))
            for name, times in measured.items():
                rounds[name].append({"p50_us": statistics.median(times), "p90_us": percentile(times, 0.9), "max_us": max(times)})
            print(f"  round {number + 1}  " + "  ".join(f"{name} {values[-1]['p50_us'] / 1000:.1f} ms" for name, values in rounds.items()), flush=True)
        finally:
            client.close()
            faas.stop()
    return {"calls": count, "rows": [{"key": [name], "rounds": values} for name, values in rounds.items()]}


def echo(bench):
    """Events of 1 KB, 100 KB and 1 MB, sent back as they came, at 8 connections."""
    faas = Faas(bench.faas, {"echo-js": function("echo", "js"), "echo-python": function("echo", "python")})
    targets = {
        "faas-js": Target("faas-js", faas, "/invoke/echo-js"), "node-warm": None, "node-vm": None, "bun-warm": None,
        "faas-python": Target("faas-python", faas, "/invoke/echo-python"), "functions-framework": None,
    }
    peers = bench.peers([name for name, target in targets.items() if target is None], "echo")
    targets = {name: target or peers.get(name) for name, target in targets.items() if target or name in peers}
    rows = []
    try:
        for size, kilobytes in (("1 KB", 1), ("100 KB", 100), ("1 MB", 1000)):
            item = {"id": 12345, "name": "a name of some length", "tags": ["red", "green"], "price": 9.99, "stock": True, "note": None}
            event = {"items": [item] * max(1, kilobytes * 1000 // (len(json.dumps(item, separators=(",", ":"))) + 1))}
            rows += bench.load_rounds([[((name, size), target, 8, {}) for name, target in targets.items()]], event, event, probe=False)
        return {"rows": rows, "connections": 8}
    finally:
        stop(targets.values())


def memory(bench):
    """Memory of idle workers, one for each of ten functions in each language, after 50 calls of each."""
    count, calls = 10, 50
    functions = {f"{language}-{i}": function("hello", language) for language in ("js", "python") for i in range(count)}
    faas = Faas(bench.faas, functions)
    rows = {}
    try:
        client = Client(faas.port)
        for name in functions:
            for _ in range(calls):
                assert client.call(f"/invoke/{name}", GREETING) == (200, GREETED)
                # One worker for each function: the next call finds the first one ready again.
                time.sleep(0.005)
        client.close()
        time.sleep(1)
        for language in ("js", "python"):
            workers = [processes.memory(pid) for pid in faas.workers(language)]
            print(f"  {len(workers)} workers of {language}")
            rows[f"faas-{language}"] = {"workers": len(workers), "processes": 1, **{
                key: statistics.median(worker[key] for worker in workers) for key in workers[0]}}
        rows["faas-host"] = {"processes": 1, **processes.memory(faas.pid)}
    finally:
        faas.stop()
    peers = bench.peers(["node-warm", "deno-warm", "bun-warm", "functions-framework"], "hello")
    try:
        for name, target in peers.items():
            client = Client(target.server.port)
            for _ in range(calls):
                assert client.call("/", GREETING) == (200, GREETED)
            client.close()
            time.sleep(0.5)
            parts = [processes.memory(pid) for pid in processes.tree(target.server.pid)]
            rows[name] = {"processes": len(parts), **{key: sum(part[key] for part in parts) for key in parts[0]}}
    finally:
        stop(peers.values())
    for name, row in rows.items():
        print(f"  {name:22} {row}", flush=True)
    return {"functions": count, "calls": calls, "rows": rows}


def _in_process(name, event, calls, warmup):
    done = subprocess.run([PYTHON, f"{PEERS}/in_process.py", handler(name, "python"), json.dumps(event), str(calls), str(warmup)],
                          capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(done.stderr)
    answer = json.loads(done.stdout)
    return answer["answer"], [seconds * 1e6 for seconds in answer["seconds"]]


def _timed_calls(client, path, event, calls, expected):
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        status, answer = client.call(path, event)
        times.append((time.perf_counter() - start) * 1e6)
        if status != 200 or answer != expected:
            raise RuntimeError(f"wrong answer: {status} {str(answer)[:300]}")
    return times


def _sequential(bench, name, events, calls, peer_names):
    """Calls one after the other, in interleaved rounds: our two languages, peers over HTTP, and python3 in one process."""
    slow = {"timeoutMillis": 120000}
    faas = Faas(bench.faas, {f"{name}-js": function(name, "js", **slow), f"{name}-python": function(name, "python", **slow),
                             f"{name}-js-instance": function(name, "js", isolation="instance", **slow)})
    peers = bench.peers(peer_names, name)
    over_http = {"faas-js": Target("faas-js", faas, f"/invoke/{name}-js"),
                 "faas-js-instance": Target("faas-js-instance", faas, f"/invoke/{name}-js-instance"), **peers,
                 "faas-python": Target("faas-python", faas, f"/invoke/{name}-python")}
    rows, expected = {}, {}
    try:
        for number in range(bench.rounds):
            for label, event in events.items():
                line = []
                bench.wait_for_quiet()

                def record(server, times):
                    rows.setdefault((server, label), []).append({"p50_us": statistics.median(times), "min_us": min(times), "max_us": max(times)})
                    line.append(f"{server} {statistics.median(times) / 1000:.1f} ms")

                warmup = calls if number == 0 or calls == 1 else max(3, calls // 10)
                for server, target in over_http.items():
                    language = "python" if "python" in server else "js"
                    client = Client(target.server.port, timeout=120)
                    if (language, label) not in expected:
                        status, expected[language, label] = client.call(target.path, event)
                        assert status == 200, expected[language, label]
                    _timed_calls(client, target.path, event, warmup, expected[language, label])
                    record(server, _timed_calls(client, target.path, event, calls, expected[language, label]))
                    client.close()
                answer, times = _in_process(name, event, calls, warmup)
                assert answer == expected["python", label], answer
                record("python3", times)
                print(f"  round {number + 1}  {label}: " + "  ".join(line), flush=True)
        return {"calls": calls, "rows": [{"key": list(key), "rounds": values} for key, values in rows.items()]}
    finally:
        faas.stop()
        stop(peers.values())


def mixed(bench):
    """A handler that computes for 10-20 ms, called in sequence."""
    return _sequential(bench, "mixed", {"mixed": GREETING}, 30 if bench.quick else 60, ["node-warm", "node-vm", "bun-warm"])


def kernels(bench):
    """Long computations of about a second, called in sequence."""
    events = {kernel: {"kernel": kernel} for kernel in ("recursion", "sha256", "matrix", "sort", "json", "regex")}
    rounds, bench.rounds = bench.rounds, min(bench.rounds, 3)
    try:
        return _sequential(bench, "kernels", events, 1, ["node-warm", "bun-warm"])
    finally:
        bench.rounds = rounds


def isolation(bench):
    """The price of being pristine: the three levels, and a function whose load takes 200 ms."""
    functions = {f"{level}-{language}": function("hello", language, isolation=level)
                 for language in ("js", "python") for level in ("invocation", "process", "instance")}
    functions |= {f"slowload-{language}": function("slowload", language) for language in ("js", "python")}
    faas = Faas(bench.faas, functions)
    targets = {name: Target(name, faas, f"/invoke/{name}") for name in functions}
    try:
        return {"rows": bench.load_rounds(
            [[((name, connections), target, connections, {}) for name, target in targets.items()] for connections in (1, 32)])}
    finally:
        faas.stop()


def zipf(bench):
    """1,000 JavaScript functions, asked for as Zipf's law has it (s = 1), against one; 32 connections."""
    count = 1000
    with open(handler("hello", "js")) as file:
        source = file.read()
    functions = {f"zipf-{i}": {"languageId": "js", "source": f"{source}\n// {i}\n"} for i in range(count)}
    chance = random.Random(1)
    paths = [f"/invoke/zipf-{i}" for i in chance.choices(range(count), [1 / (i + 1) for i in range(count)], k=200000)]
    rows = []
    for workers in ("64", "1000"):
        faas = Faas(bench.faas, functions, ["--workers", workers])
        one, many = Target("one", faas, "/invoke/zipf-0"), Target("zipf", faas, "/invoke/zipf-0")
        try:
            # Every function gets its worker before the rounds, as far as there is room.
            client = Client(faas.port)
            for name in functions:
                assert client.call(f"/invoke/{name}", GREETING) == (200, GREETED)
            client.close()
            rows += bench.load_rounds([[(("one function", f"{workers} workers"), one, 32, {}),
                                        ((f"{count} functions", f"{workers} workers"), many, 32, {"paths": paths})]])
        finally:
            faas.stop()
    return {"rows": rows}


def drift(bench):
    """Hello without a pause: does the throughput fall? Ten minutes; half a minute with --quick."""
    minutes = 0.5 if bench.quick else 10
    faas = Faas(bench.faas, {"hello-js": function("hello", "js"), "hello-python": function("hello", "python")})
    targets = [Target(f"faas-{language}", faas, f"/invoke/hello-{language}") for language in ("js", "python")]
    body = json.dumps(GREETING).encode()
    rows = {target.name: [] for target in targets}
    try:
        end = time.monotonic() + minutes * 60
        while time.monotonic() < end:
            for target in targets:
                result = load.wrk(target, 32, 5, body=body, probe=True)
                result["worker_private_kib"] = max(
                    processes.memory(pid)["private"] for pid in faas.workers("js" if target.name == "faas-js" else "python"))
                rows[target.name].append(result)
                print(f"  {target.name} {result['rps']:.0f}/s  wrong {result['wrong']}  private {result['worker_private_kib']} KiB", flush=True)
        return {"minutes": minutes, "rows": [{"key": [name], "rounds": values} for name, values in rows.items()]}
    finally:
        faas.stop()


ALL = {"hello": hello, "cold": cold, "memory": memory, "echo": echo, "mixed": mixed, "isolation": isolation, "kernels": kernels,
       "zipf": zipf, "drift": drift}
# Ten minutes each time are asked for by name.
DEFAULT = [name for name in ALL if name != "drift"]
