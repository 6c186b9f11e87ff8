"""The machine and the versions of everything measured."""
import datetime
import os
import platform
import subprocess

from . import servers


def _output(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return (done.stdout or done.stderr).strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _cpu_model():
    with open("/proc/cpuinfo") as file:
        return next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown")


def today():
    return datetime.datetime.now().strftime("%Y-%m-%d %H:%M")


def load_average():
    return round(os.getloadavg()[0], 2)


def describe(faas):
    def program(name):
        try:
            return servers._program(name, "")
        except servers.Missing:
            return None

    def version(name, *arguments):
        path = program(name)
        return _output(path, *arguments).splitlines()[0] if path and _output(path, *arguments) else "missing"

    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) // 1024
    root = os.path.dirname(servers.HERE)
    packages = _output(os.path.join(servers.CACHE, "venv/bin/python"), "-c",
                       "from importlib.metadata import version as v\n"
                       "for p in ('functions-framework', 'gunicorn'): print(p, v(p))").replace("\n", ", ")
    return {
        "cpu": _cpu_model(), "cores_used": len(os.sched_getaffinity(0)), "cores": os.cpu_count(), "memory_mib": memory,
        "kernel": platform.release(), "commit": _output("git", "-C", root, "describe", "--always", "--dirty"),
        "versions": {
            "node": version("node", "--version"), "deno": version("deno", "--version"), "bun": version("bun", "--version"),
            "python3": _output(servers.PYTHON, "--version"), "functions-framework": packages or "missing",
            "javascriptcore": _output("dpkg-query", "-W", "-f", "${Version}", "libjavascriptcoregtk-4.1-0"),
            "wrk": _output("wrk", "-v").splitlines()[0] if _output("wrk", "-v") else "missing",
            "swift": next(iter(_output("swift", "--version").splitlines()), ""), "faas": _output(faas, "--version"),
        },
    }
