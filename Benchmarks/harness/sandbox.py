"""What the sandbox costs: the same calls with it on and off, in turns, in one run.

usage: sandbox.py [directory with the executables, default .build/release]
"""
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HANDLERS = {
    "js": "exports.handler = e => ({ message: `Hello, ${e.name}!` }) // ",
    "python": "def handler(e): return {'message': f\"Hello, {e['name']}!\"}  # ",
}
MODES = ("best-effort", "off")
FIRST_CALLS = 60


def main():
    directory = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ".build/release")
    with tempfile.TemporaryDirectory() as work:
        store(work)
        servers = [start(directory, work, mode) for mode in MODES]
        try:
            connections = [http.client.HTTPConnection("127.0.0.1", port(server)) for server in servers]
            for language in HANDLERS:
                report(f"{language}, warm", warm(connections, language))
                report(f"{language}, first call", first(connections, language))
        finally:
            for server in servers:
                server.send_signal(2)
            for server in servers:
                server.wait()


def store(work):
    os.makedirs(f"{work}/.faas/functions")
    for language, source in HANDLERS.items():
        for number in range(FIRST_CALLS + 1):
            name = f"{language}{number}"
            fields = {"id": name, "languageId": language, "functionName": "handler", "jsEvalAsModule": False, "dependencies": {}}
            with open(f"{work}/.faas/functions/{name}.json", "w") as file:
                json.dump({**fields, "sourceCode": source + str(number)}, file)


def start(directory, work, mode):
    command = [f"{directory}/faas", "serve", "--port", "0", "--sandbox", mode, "--log-level", "error"]
    return subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def port(server):
    return int(server.stdout.readline().split("http://127.0.0.1:")[1].split()[0])


def call(connection, name):
    start = time.perf_counter()
    connection.request("POST", f"/invoke/{name}", '{"name":"World"}')
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{name}: {body.decode()}")
    return (time.perf_counter() - start) * 1e6


def warm(connections, language):
    name = f"{language}{FIRST_CALLS}"
    times = [[] for _ in connections]
    for round in range(61):
        for kept, connection in zip(times, connections):
            batch = [call(connection, name) for _ in range(50)]
            if round > 0:
                kept += batch
    return times


def first(connections, language):
    times = [[] for _ in connections]
    for number in range(FIRST_CALLS):
        for kept, connection in zip(times, connections):
            kept.append(call(connection, f"{language}{number}"))
            time.sleep(0.03)  # A spare worker is made meanwhile.
    return times


def report(what, times):
    on, off = (statistics.median(kept) for kept in times)
    print(f"{what}: {on:.0f} µs with the sandbox, {off:.0f} µs without: {on - off:+.0f} µs")


main()
