"""The cases. Each takes a Bench and answers with a JSON value; report.py knows how to show it."""
import json
import random
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from . import bundle, load, memory_groups, processes, servers
from .bench import GREETED, GREETING, stop
from .client import Client
from .real import real
from .servers import Faas, PEERS, PYTHON, Target, function, handler
from .statistics import percentile


def hello(bench):
    """JSON in, JSON out, at 1, 8, 32 and 128 connections."""
    faas = Faas(bench.faas, {"hello-js": function("hello", "js"), "hello-python": function("hello", "python")})
    targets = {
        "faas-js": Target("faas-js", faas, "/invoke/hello-js"),
        "faas-python": Target("faas-python", faas, "/invoke/hello-python"),
        "faas-health": Target("faas-health", faas, "/health", "GET"),
        **bench.peers(servers.PEER_LIST, "hello"),
    }
    # A process or a Worker per request has as many as connections; beyond the cores they only wait for each other.
    most = {"node-spawn": 8, "python-spawn": 8, "deno-worker": 32}
    try:
        return {"rows": bench.load_rounds(
            [[((name, connections), target, connections, {}) for name, target in targets.items() if connections <= most.get(name, 128)]
             for connections in (1, 8, 32, 128)])}
    finally:
        stop(targets.values())


def _first_calls(bench, fields, peer_handler, count):
    """First calls, one after the other: `count` functions of each language that we have never called, and as many processes.

    fields: language -> our manifest, whose sources get another comment each time. peer_handler: what the processes load."""
    event = json.dumps(GREETING)
    rounds = {}

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

    spawned = {"js": ("node-spawn", "/usr/bin/node", f"{PEERS}/child.js"), "python": ("python-spawn", PYTHON, f"{PEERS}/child.py")}
    for number in range(bench.rounds):
        faas = Faas(bench.faas, {f"first-{language}-{i}": servers.commented(manifest, f"{number} {i}")
                                 for language, manifest in fields.items() for i in range(count + 1)})
        client = Client(faas.port)

        def first(language, i):
            return _timed_calls(client, f"/invoke/first-{language}-{i}", GREETING, 1, GREETED)[0]

        try:
            client.request("GET", "/health")
            measured = {f"faas-{language}-zygote": [first(language, count)] for language in fields}
            bench.wait_for_quiet()
            for i in range(count):
                for language in fields:
                    name, *command = spawned[language]
                    measured.setdefault(f"faas-{language}", []).append(first(language, i))
                    measured.setdefault(name, []).append(spawn(*command, handler(peer_handler, language)))
            for name, times in measured.items():
                rounds.setdefault(name, []).append({"p50_us": statistics.median(times), "p90_us": percentile(times, 0.9),
                                                    "p99_us": percentile(times, 0.99), "max_us": max(times)})
            print(f"  round {number + 1}  " + "  ".join(f"{name} {values[-1]['p50_us'] / 1000:.1f} ms" for name, values in rounds.items()), flush=True)
        finally:
            client.close()
            faas.stop()
    return rounds


def cold(bench):
    """The first call of functions never called before, one after the other, against a process for each."""
    count = 10 if bench.quick else 100
    rounds = _first_calls(bench, {language: function("hello", language) for language in ("js", "python")}, "hello", count)
    return {"calls": count, "rows": [{"key": [name], "rounds": values} for name, values in rounds.items()]}


def imports(bench):
    """A function that loads much, a JavaScript bundle of 1 MB or numpy: its first call, and later ones beside hello's."""
    count = 3 if bench.quick else 10
    prepared, fields = bundle.prepare(bench)
    rows = [{"key": [name, "first"], "rounds": values} for name, values in _first_calls(bench, fields, prepared, count).items()]
    faas = Faas(bench.faas, {f"{name}-{language}": manifest for language in fields
                             for name, manifest in (("hello", function("hello", language)), ("imports", fields[language]))})
    targets = {}
    for language in fields:
        peers = ["node-warm", "node-vm"] if language == "js" else ["functions-framework"]
        for name, peer_handler in (("hello", "hello"), ("imports", prepared)):
            targets[f"faas-{language}", name] = Target(f"faas-{language} {name}", faas, f"/invoke/{name}-{language}")
            targets |= {(peer, name): Target(f"{peer} {name}", target.server, "/") for peer, target in bench.peers(peers, peer_handler).items()}
    try:
        return {"calls": count, "rows": rows + bench.load_rounds(
            [[((*key, connections), target, connections, {}) for key, target in targets.items()] for connections in (1, 32)])}
    finally:
        stop(targets.values())


def wait(bench):
    """A handler that waits 100 ms, 200 clients at once, with the default options and beside warm peers; its first 200 calls, and a
    handler that computes beside it."""
    clients = 200
    targets, idle = {}, {}
    try:
        for name, option, file in (("faas-js", "setTimeout", "wait"), ("faas-python", "time.sleep", "wait"), ("faas-python", "asyncio.sleep", "wait-async")):
            language = name.removeprefix("faas-")
            faas = Faas(bench.faas, {"wait": function(file, language)})
            targets[name, option] = Target(f"{name} {option}", faas, "/invoke/wait")
            # The worker of the check is among those that serve later.
            targets[name, option].check(GREETING, GREETED)
            idle[faas.pid] = processes.tree_memory(faas.pid)["whole"]
        for peer in ("node-warm", "functions-framework"):
            targets |= {(name, ""): target for name, target in bench.peers([peer], "wait").items()}

        def extra(target):
            def sample():
                memory = processes.tree_memory(target.server.pid)["whole"]
                if target.server.pid not in idle:
                    return {"memory_kib": memory}
                workers = len(target.server.workers("js") + target.server.workers("python"))
                return {"memory_kib": memory, "workers": workers, "worker_kib": (memory - idle[target.server.pid]) / max(1, workers - 1)}
            return {"part": 2 * bench.seconds, "sample": sample}

        # All take their answers, so that the workers that they needed are there, past their snapshots.
        def warm_up(target):
            load.crowd(target, GREETING, clients, 20 if target.server.pid in idle else 2)

        rows = bench.load_rounds([[(key, target, clients, extra(target)) for key, target in targets.items()]], probe=False, longer=4, warm_up=warm_up)
    finally:
        stop(targets.values())
    return {"rows": rows, "clients": clients, "first": _first_crowds(bench, clients), "beside": _beside_waiting(bench, clients)}


def _first_crowds(bench, clients):
    """How long `clients` calls at once take that are the first of their function, and how many are answered right."""
    found = {}
    for _ in range(bench.rounds):
        for language in ("js", "python"):
            faas = Faas(bench.faas, {"wait": function("wait", language), "hello": function("hello", language)})
            try:
                Target("hello", faas, "/invoke/hello").check(GREETING, GREETED)
                bench.wait_for_quiet()
                times, right = load.crowd(Target("wait", faas, "/invoke/wait"), GREETING, clients, 1, GREETED)
                found.setdefault(f"faas-{language}", []).append({"p50_us": statistics.median(times), "max_us": max(times), "right": right})
                print(f"  first {clients} calls, {language}: p50 {statistics.median(times) / 1000:.0f} ms, the last {max(times) / 1000:.0f} ms, right {right}", flush=True)
            finally:
                faas.stop()
    return found


def _beside_waiting(bench, clients):
    """Calls of a handler that computes 10-20 ms, one after the other: alone, and while `clients` clients call the one that waits."""
    seconds = 2 * bench.seconds
    found = {}

    def calls(client, expected):
        times, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            times += _timed_calls(client, "/invoke/mixed", GREETING, 1, expected)
        return {"p50_us": statistics.median(times), "p99_us": percentile(times, 0.99), "calls": len(times)}

    for language in ("js", "python"):
        faas = Faas(bench.faas, {"wait": function("wait", language), "mixed": function("mixed", language)})
        client, waiting = Client(faas.port, timeout=60), Target("wait", faas, "/invoke/wait")
        try:
            _, expected = client.call("/invoke/mixed", GREETING)
            _timed_calls(client, "/invoke/mixed", GREETING, 50, expected)
            for number in range(bench.rounds):
                bench.wait_for_quiet()
                alone = calls(client, expected)
                load.crowd(waiting, GREETING, clients, 20)
                with ThreadPoolExecutor(1) as thread:
                    loaded = thread.submit(load.wrk, waiting, clients, seconds + 2, json.dumps(GREETING).encode())
                    time.sleep(1)
                    beside = calls(client, expected)
                    load_result = loaded.result()
                found.setdefault(f"faas-{language}", []).append({"alone": alone, "beside": beside, "rps": load_result["rps"], "others": load_result["others"]})
                print(f"  round {number + 1}  mixed {language}: p99 {alone['p99_us'] / 1000:.1f} ms alone, {beside['p99_us'] / 1000:.1f} ms beside "
                      f"{load_result['rps']:.0f} waiting calls/s", flush=True)
        finally:
            client.close()
            faas.stop()
    return found


def echo(bench):
    """Events of 1 KB, 100 KB and 1 MB, returned unchanged, at 8 connections."""
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
    """Memory of idle workers, one for each of 200 functions in each language, after ten calls of each."""
    count, calls = 20 if bench.quick else 200, 10
    rows, taken = {}, {"js": [], "python": []}
    for language in ["js", "python"] * min(bench.rounds, 3):
        functions = {f"{language}-{i}": function("hello", language) for i in range(count + 1)}
        faas = Faas(bench.faas, functions, ["--workers", str(count + 1), "--workers-per-function", "1"])
        try:
            client = Client(faas.port)

            # The first function's calls are for what all share: the zygote, the host's own memory.
            first, *others = functions
            _timed_calls(client, f"/invoke/{first}", GREETING, calls, GREETED)
            time.sleep(1)
            before = processes.available_memory()
            for name in others:
                _timed_calls(client, f"/invoke/{name}", GREETING, calls, GREETED)
            time.sleep(1)
            gone = before - processes.available_memory()
            workers = processes.memories(faas.workers(language))
            assert len(workers) > count, f"{len(workers)} workers"
            taken[language].append(gone / count)
            rows[f"faas-{language}"] = {"workers": len(workers), "processes": 1, "taken": taken[language], **{
                key: statistics.median(worker[key] for worker in workers) for key in workers[0]}}
            rows["faas-host"] = {"processes": 1, **processes.memory(faas.pid)}
        finally:
            client.close()
            faas.stop()
    peers = bench.peers(["node-warm", "deno-warm", "bun-warm", "functions-framework"], "hello")
    try:
        for name, target in peers.items():
            client = Client(target.server.port)
            _timed_calls(client, "/", GREETING, 50, GREETED)
            client.close()
            time.sleep(0.5)
            rows[name] = processes.tree_memory(target.server.pid)
    finally:
        stop(peers.values())
    for name, row in rows.items():
        print(f"  {name:22} {row}", flush=True)
    return {"functions": count, "calls": calls, "rows": rows}


class PlainPython:
    """A python3 that calls a handler, asked through pipes. It waits for each event, as a server does, and meets the
    machine's slow times as the others do."""

    def __init__(self, name):
        self.process = processes.start([PYTHON, f"{PEERS}/in_process.py", handler(name, "python")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def call(self, path, event):
        self.process.stdin.write(json.dumps(event).encode() + b"\n")
        self.process.stdin.flush()
        return 200, json.loads(self.process.stdout.readline())

    def close(self):
        processes.stop(self.process)
        self.process.stdin.close()
        self.process.stdout.close()


def _timed_calls(client, path, event, calls, expected):
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        status, answer = client.call(path, event)
        times.append((time.perf_counter() - start) * 1e6)
        if status != 200 or answer != expected:
            raise RuntimeError(f"wrong answer: {status} {str(answer)[:300]}")
    return times


def _sequential(bench, name, events, turn, turns, peer_names):
    """Calls one after the other, in interleaved rounds, `turn` of each and then the next, `turns` times: our two languages, peers over
    HTTP, and a python3 without a server."""
    calls = turn * turns
    # Memory for the sort of a million numbers; peers have no limit.
    slow = {"timeoutMillis": 120000, "memoryMB": 1024}
    faas = Faas(bench.faas, {f"{name}-js": function(name, "js", **slow), f"{name}-python": function(name, "python", **slow),
                             f"{name}-js-instance": function(name, "js", isolation="instance", **slow)})
    peers = bench.peers(peer_names, name)
    over_http = {"faas-js": Target("faas-js", faas, f"/invoke/{name}-js"),
                 "faas-js-instance": Target("faas-js-instance", faas, f"/invoke/{name}-js-instance"), **peers,
                 "faas-python": Target("faas-python", faas, f"/invoke/{name}-python")}
    rows, expected = {}, {}
    python = PlainPython(name)
    clients = {server: (Client(target.server.port, timeout=120), target.path) for server, target in over_http.items()}
    clients["python3"] = (python, "")
    try:
        for number in range(bench.rounds):
            for label, event in events.items():
                times = {server: [] for server in clients}
                bench.wait_for_quiet()
                warmup = 1 if turn == 1 else calls if number == 0 else max(3, calls // 10)
                for count in [warmup] + [turn] * turns:
                    for server, (client, path) in clients.items():
                        language = "python" if "python" in server else "js"
                        if (language, label) not in expected:
                            status, expected[language, label] = client.call(path, event)
                            assert status == 200, expected[language, label]
                        times[server].append(_timed_calls(client, path, event, count, expected[language, label]))
                for server, (_, *measured) in times.items():
                    measured = sum(measured, [])
                    rows.setdefault((server, label), []).append(
                        {"p50_us": statistics.median(measured), "min_us": min(measured), "max_us": max(measured)})
                print(f"  round {number + 1}  {label}: " + "  ".join(
                    f"{server} {rows[server, label][-1]['p50_us'] / 1000:.1f} ms" for server in clients), flush=True)
        return {"calls": calls, "rows": [{"key": list(key), "rounds": values} for key, values in rows.items()]}
    finally:
        for client, _ in clients.values():
            client.close()
        faas.stop()
        stop(peers.values())


def mixed(bench):
    """A handler that computes for 10-20 ms, called in sequence."""
    return _sequential(bench, "mixed", {"mixed": GREETING}, 10, 3 if bench.quick else 6, ["node-warm", "node-vm", "bun-warm"])


def kernels(bench):
    """Long computations of about a second, called in sequence."""
    events = {kernel: {"kernel": kernel} for kernel in ("recursion", "sha256", "matrix", "sort", "json", "regex")}
    rounds, bench.rounds = bench.rounds, min(bench.rounds, 3)
    try:
        return _sequential(bench, "kernels", events, 1, 1 if bench.quick else 3, ["node-warm", "bun-warm"])
    finally:
        bench.rounds = rounds


def isolation(bench):
    """The price of being pristine: the three levels, and a function whose load takes 200 ms.

    At 32 connections they are loaded in turn, a second each; but for `process`, whose calls go on for a while after a load."""
    turns = 2 if bench.quick else 6
    handlers = {"invocation": {}, "process": {"isolation": "process"}, "instance": {"isolation": "instance"}, "slowload": {}}
    functions = {f"{name}-{language}": function("slowload" if name == "slowload" else "hello", language, **fields)
                 for language in ("js", "python") for name, fields in handlers.items()}
    faas = Faas(bench.faas, functions)
    targets = {name: Target(name, faas, f"/invoke/{name}") for name in functions}
    try:
        one = [((name, 1), target, 1, {}) for name, target in targets.items()]
        crowded = [((name, 32), target, 32, {}) for name, target in targets.items() if name.startswith("process")]
        rows = bench.load_rounds([one, crowded])
        results = {}
        for number in range(bench.rounds):
            for language in ("js", "python"):
                bench.wait_for_quiet()
                group = {name: targets[name] for name in (f"{level}-{language}" for level in ("invocation", "instance", "slowload"))}
                for name, result in load.in_turn(group, turns, 32, json.dumps(GREETING).encode()).items():
                    results.setdefault((name, 32), []).append(result)
                    print(f"  round {number + 1}  {name} 32  {result['rps']:.0f}/s  cpu {result['cpu_us']:.1f} us  wrong {result['wrong']}", flush=True)
        return {"turns": turns, "rows": rows + [{"key": list(key), "rounds": values} for key, values in results.items()]}
    finally:
        faas.stop()


def sandbox(bench):
    """What the sandbox costs: warm calls, calls at the level `process`, and first calls, with it and without.

    Both servers are called in turn: ten calls each at one connection, loads of a second each at 32."""
    count, turns = (10, 2) if bench.quick else (60, 8)
    languages = ("js", "python")
    functions = {f"{level}-{language}": function("hello", language, isolation=level) for language in languages for level in ("invocation", "process")}
    modes = ("best-effort", "off")
    body = json.dumps(GREETING).encode()
    results, one_by_one = {}, {}
    for number in range(bench.rounds):
        fresh = {f"first-{language}-{i}": servers.commented(function("hello", language), f"sandbox {number} {i}")
                 for language in languages for i in range(count)}
        started = {}
        try:
            for mode in modes:
                started[mode] = Faas(bench.faas, {**functions, **fresh}, ["--sandbox", mode])
            clients = {mode: Client(faas.port) for mode, faas in started.items()}
            for language in languages:
                for mode in modes:
                    _timed_calls(clients[mode], f"/invoke/invocation-{language}", GREETING, 10, GREETED)
            bench.wait_for_quiet()
            times = {}
            for i in range(count):
                for language in languages:
                    for mode in modes if i % 2 else reversed(modes):
                        time.sleep(0.05)  # A spare worker is made meanwhile, for each alike.
                        times.setdefault((mode, f"first-{language}"), []).extend(
                            _timed_calls(clients[mode], f"/invoke/first-{language}-{i}", GREETING, 1, GREETED))
            for name in functions:
                for mode in modes:
                    _timed_calls(clients[mode], f"/invoke/{name}", GREETING, count, GREETED)
                for turn in range(2 * count):
                    for mode in modes if turn % 2 else reversed(modes):
                        times.setdefault((mode, name), []).extend(_timed_calls(clients[mode], f"/invoke/{name}", GREETING, 10, GREETED))
            for key, values in times.items():
                # Each call against the one beside it: the machine is faster and slower from one moment to the next.
                differences = [one - other for one, other in zip(values, times["off", key[1]])]
                one_by_one.setdefault(key, []).append({"p50_us": statistics.median(values), "more_us": statistics.median(differences)})
                print(f"  round {number + 1}  {' '.join(key)} {statistics.median(values) / 1000:.3f} ms", flush=True)
            for client in clients.values():
                client.close()
            for name in functions:
                targets = {mode: Target(f"{mode} {name}", faas, f"/invoke/{name}") for mode, faas in started.items()}
                bench.wait_for_quiet()
                for mode, result in load.in_turn(targets, turns, 32, body).items():
                    results.setdefault((mode, name, 32), []).append(result)
                    print(f"  round {number + 1}  {mode} {name} 32  {result['rps']:.0f}/s  cpu {result['cpu_us']:.1f} us  wrong {result['wrong']}", flush=True)
        finally:
            for faas in started.values():
                faas.stop()
    rows = [{"key": list(key), "rounds": values} for key, values in (results | one_by_one).items()]
    return {"calls": count, "turns": turns, "rows": rows}


def groups(bench):
    """What a control group for each worker costs: calls of two servers, one of whose workers have groups, and what making one takes.

    The host makes its groups in version 2. Here the benchmark makes them, in the memory controller's version 1."""
    names = [f"{level}-{language}" for language in ("js", "python") for level in ("invocation", "process")]
    functions = {name: function("hello", name.rpartition("-")[2], isolation=name.partition("-")[0]) for name in names}
    servers_of = {}
    with memory_groups.MemoryGroups() as made:
        limit = 2 * (128 + 48) << 20

        def warm_up(target):
            load.wrk(target, 32, 1, body=json.dumps(GREETING).encode())
            if target.server is servers_of["with"]:
                for pid in target.server.workers("js") + target.server.workers("python"):
                    made.add(pid, limit)

        try:
            for what in ("with", "without"):
                servers_of[what] = Faas(bench.faas, functions)
            targets = {(what, name): Target(f"{what} {name}", faas, f"/invoke/{name}") for name in names for what, faas in servers_of.items()}
            rows = bench.load_rounds([[((*key, connections), target, connections, {}) for key, target in targets.items()] for connections in (1, 32)],
                                     warm_up=warm_up)
        finally:
            for faas in servers_of.values():
                faas.stop()
        bench.wait_for_quiet()
        steps = made.time_steps(100, limit)
    return {"rows": rows, "steps": steps}


def zipf(bench):
    """1,000 JavaScript functions, asked for as Zipf's law has it (s = 1), against one; 32 connections."""
    count = 1000
    functions = {f"zipf-{i}": servers.commented(function("hello", "js"), i) for i in range(count)}
    chance = random.Random(1)
    paths = [f"/invoke/zipf-{i}" for i in chance.choices(range(count), [1 / (i + 1) for i in range(count)], k=200000)]
    rows = []
    for workers in ("64", "1000"):
        faas = Faas(bench.faas, functions, ["--workers", workers])
        one, many = Target("one", faas, "/invoke/zipf-0"), Target("zipf", faas, "/invoke/zipf-0")
        try:
            # Before the rounds every function gets its worker, as far as there is room, and every worker gets past its snapshot,
            # which it takes after its third call.
            client = Client(faas.port)
            for name in functions:
                for _ in range(5):
                    assert client.call(f"/invoke/{name}", GREETING) == (200, GREETED)
            client.close()

            # A function without calls for 30 s has no worker. Under a load that goes on there is none but those beyond the limit,
            # and this is about such a load: it has begun before it is measured.
            def warm_up(target):
                load.wrk(target, 32, 8 if target is many else 1, body=json.dumps(GREETING).encode(), paths=paths if target is many else None)

            # Until the functions have their workers: those that were called first have lost theirs again by now.
            if int(workers) >= count:
                load.wrk(many, 32, 10 if bench.quick else 60, body=json.dumps(GREETING).encode(), paths=paths)
            rows += bench.load_rounds([[(("one function", f"{workers} workers"), one, 32, {}),
                                        ((f"{count} functions", f"{workers} workers"), many, 32, {"paths": paths})]], warm_up=warm_up)
        finally:
            faas.stop()
    return {"rows": rows}


def drift(bench):
    """Hello without a pause: does the throughput fall? Ten minutes, both languages side by side; half a minute with --quick."""
    minute = 3 if bench.quick else 60
    body = json.dumps(GREETING).encode()

    def run(language):
        faas = Faas(bench.faas, {"hello": function("hello", language)})

        def memory():
            workers = processes.memories(faas.workers(language))
            found = {"worker_private_kib": max((worker["private"] for worker in workers), default=None),
                     "memory_kib": processes.tree_memory(faas.pid)["whole"]}
            print(f"  {language} {found}", flush=True)
            return found

        try:
            target = Target(f"faas-{language}", faas, "/invoke/hello")
            target.check(GREETING, GREETED)
            found = load.wrk(target, 32, 10 * minute + 2, body=body, probe=True, part=minute, sample=memory)
            print("\n".join(f"  {target.name} {part}" for part in found["parts"]), flush=True)
            return {"key": [target.name], "rounds": [found]}
        finally:
            faas.stop()

    with ThreadPoolExecutor(2) as threads:
        return {"minute": minute, "rows": list(threads.map(run, ("js", "python")))}


ALL = {"hello": hello, "cold": cold, "imports": imports, "wait": wait, "memory": memory, "echo": echo, "mixed": mixed, "isolation": isolation,
       "sandbox": sandbox, "groups": groups, "kernels": kernels, "zipf": zipf, "drift": drift, "real": real}
# The others run only when named: two take ten minutes, and one needs root and a kernel with control groups of version 1.
DEFAULT = [name for name in ALL if name not in ("drift", "groups", "real")]
