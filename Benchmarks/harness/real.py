"""Functions as people write them: frameworks, native packages, template engines. What each needs is in its first line."""
import glob
import json
import os
import shutil
import statistics
import subprocess
import time

from . import load, processes, servers
from .client import Client
from .servers import CACHE, HERE, Faas, Process, Target, free_port

# `primed`: at `invocation`, with the event of the calls as `prime`.
LEVELS = ("invocation", "primed", "instance")
FOLDER = os.path.join(HERE, "real")
NODE_MODULES = "/usr/share/nodejs"
WEB_PACKAGES = ["functions-framework", "uvicorn", "gunicorn"]
PATH = "/items/5?q=y"
# What API Gateway sends for GET /items/5?q=y (payload version 2.0).
WEB_EVENT = {
    "version": "2.0", "routeKey": "$default", "rawPath": "/items/5", "rawQueryString": "q=y", "headers": {"host": "example.com"},
    "queryStringParameters": {"q": "y"}, "isBase64Encoded": False,
    "requestContext": {
        "accountId": "1", "apiId": "a", "domainName": "example.com", "domainPrefix": "example", "requestId": "r", "routeKey": "$default",
        "stage": "$default", "time": "28/Nov/2026:10:00:00 +0000", "timeEpoch": 1795860000000,
        "http": {"method": "GET", "path": "/items/5", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "bench"}},
}


class Function:
    def __init__(self, path):
        self.path = path
        self.name, extension = os.path.splitext(os.path.basename(path))
        self.language = "python" if extension == ".py" else "js"
        with open(path) as file:
            self.fields = json.loads(file.readline().lstrip("#/ "))
        self.requirements = self.fields.pop("requirements", [])
        self.packages = self.fields.pop("packages", None)
        self.peer = self.fields.pop("peer", "functions-framework" if self.language == "python" else "node-warm")
        self.is_web = "path" in self.fields
        self.fields.pop("path", None)
        self.event = WEB_EVENT if self.is_web else {"name": "World"}

    def manifest(self, folder, level):
        """Its manifest, in a folder with what it imports. level: one of LEVELS."""
        source = os.path.join(folder, os.path.basename(self.path))
        shutil.copyfile(self.path, source)
        for package in sorted(closure(self.packages or [])):
            target = os.path.join(folder, "node_modules", package)
            if not os.path.exists(target):
                shutil.copytree(os.path.join(NODE_MODULES, package), target, ignore=shutil.ignore_patterns("node_modules"))
        fields = {"languageId": self.language, "isolation": "instance" if level == "instance" else "invocation", "timeoutMillis": 20000,
                  **self.fields}
        if level == "primed":
            fields["prime"] = [self.event]
        if self.requirements:
            fields["requirements"] = self.requirements
        return {**fields, "sourceFile": source}

    def start_peer(self, environment, folder):
        """What a user would run in its place: warm, it keeps its state."""
        port = free_port()
        python, here = f"{environment}/bin/python3", {"PYTHONPATH": FOLDER, "OPENBLAS_NUM_THREADS": "1"}
        if self.peer == "uvicorn":
            command = [python, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), "--log-level", "error", f"{self.name}:app"]
        elif self.peer == "gunicorn":
            command = [python, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "4", "--log-level", "error", f"{self.name}:app"]
        elif self.peer == "functions-framework":
            command, here["HANDLER"] = [
                python, "-m", "functions_framework", "--target", "main", "--host", "127.0.0.1",
                "--source", f"{servers.PEERS}/functions_framework_main.py", "--port", str(port)], self.path
        else:
            bundle = os.path.join(folder, f"{self.name}.bundle.js")
            subprocess.run(["esbuild", os.path.join(folder, os.path.basename(self.path)), "--bundle", "--platform=node", "--format=iife",
                            "--global-name=bundle", "--footer:js=const handler = bundle.handler", f"--outfile={bundle}", "--log-level=error"], check=True)
            command = ["/usr/bin/node", f"{servers.PEERS}/node-warm.js", str(port), bundle]
        server = Process(command, port, {**os.environ, **here})
        server.wait_until_listening()
        return server


def functions():
    return [Function(path) for path in sorted(glob.glob(f"{FOLDER}/*.*"))]


def closure(packages):
    """The packages and what they depend on, as far as Debian has it."""
    found, waiting = set(), set(packages)
    while waiting:
        package = waiting.pop()
        file = os.path.join(NODE_MODULES, package, "package.json")
        if package in found or not os.path.exists(file):
            continue
        found.add(package)
        with open(file) as text:
            waiting |= set(json.load(text).get("dependencies", {}))
    return found


def environment():
    """A virtual environment with all packages of the Python functions, for the peers."""
    folder = os.path.join(CACHE, "real")
    wanted = sorted({one for function in functions() for one in function.requirements} | set(WEB_PACKAGES))
    stamp = os.path.join(folder, "packages")
    if not os.path.exists(stamp) or open(stamp).read().split() != wanted:
        print("  installing the packages of the peers", flush=True)
        subprocess.run([servers.PYTHON, "-m", "venv", folder], check=True)
        subprocess.run([f"{folder}/bin/pip", "install", "-q", "--disable-pip-version-check", "--only-binary=:all:", *wanted], check=True)
        with open(stamp, "w") as file:
            file.write("\n".join(wanted))
    return folder


def calls(target, event, seconds):
    """One client, back to back. -> what each call took, in seconds, and all answers."""
    client, times, answers = Client(target.server.port), [], set()
    end = time.monotonic() + seconds
    body = json.dumps(event, separators=(",", ":")).encode() if target.method == "POST" else b""
    while time.monotonic() < end or len(times) < 5:
        start = time.perf_counter()
        status, answer = client.request(target.method, target.path, body)
        times.append(time.perf_counter() - start)
        answers.add((status, bytes(answer)))
    client.close()
    return times, answers


def worker_memory(faas, language):
    """The most that one worker has, in KiB: its private pages and its part of shared ones."""
    def proportional(pid):
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (OSError, StopIteration):
            return 0
    return max(map(proportional, faas.workers(language)), default=0)


def measure(bench, function, environment_folder):
    """One function at both levels, and its peer: rounds in turn. -> rows."""
    faas = Faas(bench.faas, {})
    folder = os.path.join(faas.directory.name, "real")
    os.makedirs(folder)
    targets, peer = {}, None
    try:
        for level in LEVELS:
            faas.upload(f"{function.name.replace('_', '-')}-{level}", function.manifest(folder, level), folder)
            targets[level] = Target(level, faas, f"/invoke/{function.name.replace('_', '-')}-{level}")
        try:
            peer = function.start_peer(environment_folder, folder)
            targets["peer"] = Target("peer", peer, PATH if function.is_web else "/", "GET" if function.is_web else "POST")
        except (RuntimeError, TimeoutError, OSError, subprocess.CalledProcessError) as error:
            bench.missing[function.name] = str(error).strip().splitlines()[-1]
            print(f"  {function.name}: no peer: {bench.missing[function.name]}", flush=True)
        body = json.dumps(function.event, separators=(",", ":")).encode()
        rows, seen = {}, {}
        for target in targets.values():  # Workers, snapshots, caches.
            calls(target, function.event, 0.5)
            load.wrk(target, 8, 1, body=body if target.method == "POST" else None)
        for _ in range(bench.rounds):
            for level, target in targets.items():
                bench.wait_for_quiet()
                cpu = processes.cpu_seconds(target.server.pid)
                times, answers = calls(target, function.event, bench.seconds)
                cpu = processes.cpu_seconds(target.server.pid) - cpu
                loaded = load.wrk(target, 8, bench.seconds, body=body if target.method == "POST" else None)
                seen.setdefault(level, set()).update(answers)
                memory = worker_memory(faas, function.language) if level == "invocation" else 0
                times.sort()
                rows.setdefault((function.name, level), []).append({
                    "p50_us": statistics.median(times) * 1e6, "p99_us": times[int(len(times) * 0.99)] * 1e6, "cpu_us": cpu * 1e6 / len(times),
                    "rps": loaded["rps"], "loaded_p99_us": loaded["p99_us"], "wrong": loaded["wrong"], "memory_kib": memory,
                    "others": max(loaded["others"], 0)})
        health = json.loads(Client(faas.port).request("GET", "/health?verbose")[1])
        wrong = [answer for level in LEVELS for answer in seen[level] if answer[0] != 200]
        if wrong or len(seen["invocation"]) > (2 if function.name == "cryptography_token" else 1):
            print(f"  {function.name}: answers differ: {[answer[1][:200] for answer in list(seen['invocation'])[:2]]}", flush=True)
        retired = health["retiredWorkers"]
    finally:
        if peer:
            peer.stop()
        faas.stop()
    middle = {level: statistics.median(one["p50_us"] for one in rows[function.name, level]) for level in targets}
    most = {level: statistics.median(one["rps"] for one in rows[function.name, level]) for level in targets}
    print(f"  {function.name:22} p50 " + "  ".join(f"{level} {value / 1000:.2f} ms" for level, value in middle.items())
          + "   at 8 connections " + "  ".join(f"{level} {value:.0f}/s" for level, value in most.items())
          + f"   replaced workers {retired}", flush=True)
    return [{"key": [*key, function.language, function.peer, retired], "rounds": values} for key, values in rows.items()]


def real(bench):
    """Functions as people write them, at `invocation`, at `instance`, and the server that a user would run in their place."""
    folder = environment()
    only = os.environ.get("REAL_ONLY")
    rows = []
    for function in functions():
        if only and only not in function.name:
            continue
        try:
            rows += measure(bench, function, folder)
        except (RuntimeError, TimeoutError, OSError) as error:
            bench.missing[function.name] = str(error).strip().splitlines()[-1]
            print(f"  {function.name} left out: {bench.missing[function.name]}", flush=True)
    return {"rows": rows}
