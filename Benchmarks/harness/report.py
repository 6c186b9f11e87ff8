"""Writes the tables of docs/performance.md from the results. What stands outside the markers is kept."""
import os
import re

from . import chart
from .servers import HERE, PEER_LIST
from .statistics import ratio, summary

TITLES = {
    "faas-js": "**PolyglotFaaS, JavaScript**", "faas-python": "**PolyglotFaaS, Python**",
    "faas-js-instance": "PolyglotFaaS, JavaScript, `instance`",
    "faas-health": "PolyglotFaaS, `GET /health`: no function", "faas-host": "PolyglotFaaS, the host",
    "python3": "`python3`, in one process, no HTTP", **{name: peer.title for name, peer in PEER_LIST.items()},
}
KEEPS = {"faas-js": "no", "faas-python": "no", "faas-js-instance": "yes", "faas-health": "–", "python3": "yes",
         **{name: "yes" if peer.keeps_state else "no" for name, peer in PEER_LIST.items()}}


def write(document, results):
    with open(document) as file:
        text = file.read()
    for name, make in BLOCKS.items():
        begin, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
        if begin not in text:
            continue
        try:
            content = make(results)
        except KeyError as missing:
            content = f"Not measured ({missing.args[0]})."
        text = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: f"{begin}\n{content.strip()}\n{end}", text, flags=re.S)
    with open(document, "w") as file:
        file.write(text)
    if "hello" in results["cases"]:
        hello_chart(results)


# What results hold

# A run during which other processes had more than this part of the cores is not shown if two better ones are there.
DISTURBED = 0.25

class Rows:
    """The rows of a case, by key."""

    def __init__(self, results, case):
        self.case = results["cases"][case]
        self.rows = {tuple(row["key"]): row["rounds"] for row in self.case["rows"]}

    def quiet(self, *keys):
        """The rounds in which other processes left us the cores while all of these were measured; all, if those are too few."""
        count = min(len(self.rows[key]) for key in keys)
        quiet = [i for i in range(count) if all(self.rows[key][i].get("others", 0) <= DISTURBED for key in keys)]
        return quiet if len(quiet) >= 2 else range(count)

    def series(self, key, field):
        return [self.rows[key][i][field] for i in self.quiet(key)]

    def total(self, key, field):
        return sum(one[field] for one in self.rows[key])

    def ratio(self, first, second, field):
        rounds = self.quiet(first, second)
        return ratio([self.rows[first][i][field] for i in rounds], [self.rows[second][i][field] for i in rounds])


def number(value):
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(values, scale=1.0):
    found = summary(values)
    return f"{number(found['median'] * scale)} ({number(found['min'] * scale)}–{number(found['max'] * scale)})"


def times(found):
    return f"{number(found['median'])} ({number(found['min'])}–{number(found['max'])})"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def measured(case):
    others = [one["others"] for row in case["rows"] for one in row["rounds"] if "others" in one] if isinstance(case["rows"], list) else []
    text = f"Measured {case['date']}, commit {case['commit']}, {case['rounds']} rounds"
    if others:
        found = summary(others)
        text += f"; other processes had {found['median']:.0%} of the cores in the median run, {found['max']:.0%} in the worst"
    text += "."
    for name, why in case["missing"].items():
        text += f" Left out: {name} ({why})."
    return text


def load_table(rows, key_of, names, extra=()):
    """A table of load results: one line for each name that was measured."""
    lines = []
    for name in names:
        key = key_of(name)
        if key in rows.rows:
            lines.append([TITLES.get(name, name), *[make(name) for make in extra],
                          spread(rows.series(key, "rps")), spread(rows.series(key, "p50_us"), 1e-3), spread(rows.series(key, "p99_us"), 1e-3),
                          spread(rows.series(key, "cpu_us")), rows.total(key, "wrong") + rows.total(key, "timeouts")])
    return lines


LOAD_HEADER = ["requests/s", "p50 ms", "p99 ms", "CPU µs/request", "wrong"]


# The blocks

def machine(results):
    found = results["machine"]
    versions = found["versions"]
    return table(["", ""], [
        ["processor", f"{found['cpu']}, {found['cores_used']} cores used of {found['cores']}"],
        ["memory", f"{found['memory_mib'] / 1024:.0f} GiB"], ["kernel", found["kernel"]],
        ["PolyglotFaaS", f"{versions['faas']}, commit {found['commit']}, {versions['swift']}"],
        ["JavaScriptCore", versions["javascriptcore"]], ["CPython", versions["python3"]],
        ["Node, Deno, Bun", f"{versions['node']}, {versions['deno']}, {versions['bun']}"],
        ["functions-framework", versions["functions-framework"]], ["load", versions["wrk"]],
    ])


def hello(results):
    rows = Rows(results, "hello")
    names = ["faas-js", "node-vm", "deno-worker", "node-spawn", "node-warm", "deno-warm", "bun-warm",
             "faas-python", "python-spawn", "functions-framework", "faas-health"]
    parts = []
    for connections in (1, 8, 32):
        parts.append(f"**{connections} connection{'s' if connections > 1 else ''}**\n")
        parts.append(table(["", "keeps state", *LOAD_HEADER],
                           load_table(rows, lambda name: (name, connections), names, [lambda name: KEEPS[name]])) + "\n")
    return "\n".join(parts) + "\n" + measured(rows.case)


def hello_chart(results):
    rows = Rows(results, "hello")
    names = [name for name in [*PEER_LIST, "faas-js", "faas-python"] if (name, 32) in rows.rows]
    pristine = {TITLES[name].replace("`", "").strip("*") for name in names if KEEPS[name] == "no"}
    found = [(TITLES[name].replace("`", "").strip("*"), summary(rows.series((name, 32), "rps"))["median"]) for name in names]
    colour = lambda label: "#2a7f3f" if label.startswith("PolyglotFaaS") else "#4a78b5" if label in pristine else "#b0b0b0"  # noqa: E731
    chart.bars(os.path.join(HERE, "hello.svg"), "Hello, 32 connections, requests per second (grey: keeps state)",
               sorted(found, key=lambda row: -row[1]), colour)


def ratios(results):
    rows = Rows(results, "hello")
    lines = []
    for ours, others in (("faas-js", ["node-vm", "deno-worker", "node-spawn", "node-warm", "deno-warm", "bun-warm", "faas-health"]),
                         ("faas-python", ["python-spawn", "functions-framework", "faas-health"])):
        for other in others:
            line = [f"{TITLES[ours].strip('*')} / {TITLES[other]}"]
            for connections in (1, 8, 32):
                first, second = (ours, connections), (other, connections)
                both = first in rows.rows and second in rows.rows
                line.append(times(rows.ratio(first, second, "rps")) if both else "–")
            last = max(c for c in (1, 8, 32) if (other, c) in rows.rows) if any((other, c) in rows.rows for c in (1, 8, 32)) else None
            line.append(times(rows.ratio((other, last), (ours, last), "cpu_us")) if last else "–")
            lines.append(line)
    return table(["throughput, times", "1 connection", "8 connections", "32 connections", "CPU: theirs / ours"], lines)


def cold(results):
    rows = Rows(results, "cold")
    lines = [[title, spread(rows.series((name,), "p50_us"), 1e-3), spread(rows.series((name,), "p90_us"), 1e-3)] for title, name in (
        ("**PolyglotFaaS, JavaScript**", "faas-js"), ("`node` started, answer read", "node-spawn"),
        ("**PolyglotFaaS, Python**", "faas-python"), ("`python3` started, answer read", "python-spawn"),
        ("PolyglotFaaS: first JavaScript call of a new server", "faas-js-zygote"),
        ("PolyglotFaaS: first Python call of a new server", "faas-python-zygote"))]
    return (table(["", "p50 ms", "p90 ms"], lines) +
            f"\n\n{rows.case['calls']} functions of each language in each round. " + measured(rows.case))


def memory(results):
    case = results["cases"]["memory"]
    mib = lambda value: f"{value / 1024:.1f}"  # noqa: E731
    lines = [[TITLES[name], row["processes"], mib(row["private"]), mib(row["pss"]), mib(row["memory_files"]),
              mib(row["anonymous_pss"] + row["memory_files"]), mib(row["rss"])] for name, row in case["rows"].items()]
    return (table(["MiB", "processes", "private", "PSS", "snapshot file", "anonymous PSS + snapshot file", "resident"], lines) +
            f"\n\n{case['functions']} functions of each language, one worker each, {case['calls']} calls each; medians. Measured {case['date']}.")


def echo(results):
    rows = Rows(results, "echo")
    parts = []
    for size in ("1 KB", "100 KB", "1 MB"):
        parts.append(f"**{size}**\n")
        parts.append(table(["", *LOAD_HEADER], load_table(
            rows, lambda name: (name, size), ["faas-js", "node-warm", "node-vm", "bun-warm", "faas-python", "functions-framework"])) + "\n")
    lines = []
    for ours, other in (("faas-js", "node-warm"), ("faas-js", "bun-warm"), ("faas-python", "functions-framework")):
        if (other, "1 KB") in rows.rows:
            lines.append([f"{TITLES[ours].strip('*')} / {TITLES[other]}"] +
                         [times(rows.ratio((ours, size), (other, size), "rps")) for size in ("1 KB", "100 KB", "1 MB")] +
                         [times(rows.ratio((other, "1 MB"), (ours, "1 MB"), "cpu_us"))])
    parts.append(table(["throughput, times", "1 KB", "100 KB", "1 MB", "CPU at 1 MB: theirs / ours"], lines) + "\n")
    return "\n".join(parts) + "\n" + measured(rows.case)


def sequential(case_name, labels):
    def make(results):
        rows = Rows(results, case_name)
        order = ["faas-js", "faas-js-instance", "node-warm", "node-vm", "bun-warm", "faas-python", "python3"]
        lines = []
        for name in order:
            if any((name, label) in rows.rows for label in labels):
                lines.append([TITLES[name]] + [spread(rows.series((name, label), "p50_us"), 1e-3) for label in labels])
        for title, ours, other in (("Node, warm / ours", "faas-js", "node-warm"), ("Bun, warm / ours", "faas-js", "bun-warm"),
                                   ("`instance` / `invocation`", "faas-js", "faas-js-instance"), ("`python3` / ours", "faas-python", "python3")):
            if (other, labels[0]) in rows.rows:
                lines.append([f"*speed: {title}*"] + [times(rows.ratio((other, label), (ours, label), "p50_us")) for label in labels])
        return table(["ms", *labels], lines) + "\n\n" + measured(rows.case)
    return make


KERNELS = ["recursion", "sha256", "matrix", "sort", "json", "regex"]


def isolation(results):
    rows = Rows(results, "isolation")
    parts = []
    for language, title in (("js", "JavaScript"), ("python", "Python")):
        names = [f"{level}-{language}" for level in ("invocation", "process", "instance")] + [f"slowload-{language}"]
        lines = []
        for name in names:
            level = name.rpartition("-")[0]
            lines.append([f"`{level}`" if level != "slowload" else "`invocation`, load takes 200 ms"] + [
                cell for connections in (1, 32) for cell in (
                    spread(rows.series((name, connections), "rps")), spread(rows.series((name, connections), "cpu_us")),
                    times(rows.ratio((name, connections), (f"instance-{language}", connections), "rps")))])
        parts.append(table([title, "1 connection: requests/s", "CPU µs", "against `instance`", "32 connections: requests/s", "CPU µs", "against `instance`"], lines) + "\n")
    return "\n".join(parts) + "\n" + measured(rows.case)


def zipf(results):
    rows = Rows(results, "zipf")
    lines = []
    for workers in ("64 workers", "1000 workers"):
        for name in ("one function", "1000 functions"):
            key = (name, workers)
            if key in rows.rows:
                lines.append([name, workers, spread(rows.series(key, "rps")), spread(rows.series(key, "p50_us"), 1e-3), spread(rows.series(key, "p99_us"), 1e-3),
                              spread(rows.series(key, "cpu_us")), rows.total(key, "wrong"), times(rows.ratio(key, ("one function", workers), "rps"))])
    return table(["", "`--workers`", *LOAD_HEADER, "against one"], lines) + "\n\n" + measured(rows.case)


def drift(results):
    rows = Rows(results, "drift")
    lines = []
    for name in ("faas-js", "faas-python"):
        rps, private = rows.series((name,), "rps"), rows.series((name,), "worker_private_kib")
        tenth = max(1, len(rps) // 10)
        first, last = summary(rps[:tenth])["median"], summary(rps[-tenth:])["median"]
        lines.append([TITLES[name], number(first), number(last), number(last / first), f"{private[0]} → {private[-1]} KiB",
                      rows.total((name,), "wrong")])
    return (table(["", "first tenth, requests/s", "last tenth", "last / first", "private memory of the largest worker", "wrong"], lines) +
            f"\n\n{number(rows.case['minutes'])} minutes, runs of 5 s in turn. " + measured(rows.case))


# Issue 3's table

def targets(results):
    lines = []

    def line(case, at_least, measure, met):
        try:
            found = measure()
        except KeyError:
            lines.append([case, at_least, "–", "not measured"])
            return
        if not isinstance(found, dict):
            found, text = {"median": found[0], "min": found[0], "max": found[0]}, found[1]
        else:
            text = times(found)
        verdict = "met" if met(found["median"]) else "**not met**"
        if met(found["min"]) != met(found["max"]):
            verdict += ", but not in every round" if met(found["median"]) else ", but in some rounds"
        lines.append([case, at_least, text, verdict])

    def hello_ratio(ours, other, connections=32):
        return lambda: Rows(results, "hello").ratio((ours, connections), (other, connections), "rps")

    at_least = lambda limit: lambda value: value >= limit  # noqa: E731
    at_most = lambda limit: lambda value: value <= limit  # noqa: E731
    line("JavaScript hello, 32 connections, against Node with a fresh `vm` context", "10x (20x)", hello_ratio("faas-js", "node-vm"), at_least(10))
    line("same, against a Deno Worker per request", "150x (400x)", hello_ratio("faas-js", "deno-worker"), at_least(150))
    line("same, against warm Node, which keeps its state", "0.35x (0.7x)", hello_ratio("faas-js", "node-warm"), at_least(0.35))
    line("Python hello, 32 connections, against functions-framework, which keeps its state", "6x (12x)",
         hello_ratio("faas-python", "functions-framework"), at_least(6))
    for language, title in (("js", "JavaScript"), ("python", "Python")):
        line(f"cost of pristine: `invocation` against `instance`, 32 connections, {title}", "0.8x (0.95x)",
             lambda language=language: Rows(results, "isolation").ratio((f"invocation-{language}", 32), (f"instance-{language}", 32), "rps"), at_least(0.8))
    for name, title in (("faas-js", "JavaScript"), ("faas-python", "Python")):
        line(f"p50 at one connection, against our own echo (`GET /health`), {title}", "within 2.5x (1.5x)",
             lambda name=name: Rows(results, "hello").ratio((name, 1), ("faas-health", 1), "p50_us"), at_most(2.5))
    line("first invocation of a function never seen, p50, JavaScript against a `node` process", "1/5 (1/10)",
         lambda: Rows(results, "cold").ratio(("faas-js",), ("node-spawn",), "p50_us"), at_most(0.2))
    line("same, Python against a `python3` process", "1/3 (1/10)",
         lambda: Rows(results, "cold").ratio(("faas-python",), ("python-spawn",), "p50_us"), at_most(1 / 3))
    for name, title, limit in (("faas-js", "JavaScript", 8), ("faas-python", "Python", 6)):
        def private(name=name):
            row = results["cases"]["memory"]["rows"][name]
            whole = (row["anonymous_pss"] + row["memory_files"]) / 1024
            return whole, f"{row['private'] / 1024:.1f} MiB as the kernel counts it; {whole:.1f} MiB with the snapshot file"
        line(f"private memory of an idle worker, {title}", f"{limit} MB (half)", private, at_most(limit))
    line("mixed compute handler, JavaScript: speed against warm Node", "1x", lambda: Rows(results, "mixed").ratio(("node-warm", "mixed"), ("faas-js", "mixed"), "p50_us"), at_least(1))
    line("mixed compute handler, Python: time against `python3`", "within 1.05x", lambda: Rows(results, "mixed").ratio(("faas-python", "mixed"), ("python3", "mixed"), "p50_us"), at_most(1.05))

    def worst(ours, other):
        def measure():
            rows = Rows(results, "kernels")
            found = {kernel: rows.ratio((ours, kernel), (other, kernel), "p50_us")["median"] for kernel in KERNELS}
            slowest = max(found, key=found.get)
            return found[slowest], f"worst {number(found[slowest])} ({slowest}); best {number(min(found.values()))}"
        return measure
    line("long compute kernels, JavaScript: time against Bun, each kernel", "within 1.3x", worst("faas-js", "bun-warm"), at_most(1.3))
    line("long compute kernels, Python: time against `python3`, each kernel", "within 1.05x", worst("faas-python", "python3"), at_most(1.05))
    for language, title in (("js", "JavaScript"), ("python", "Python")):
        line(f"a function whose load takes 200 ms: throughput against hello's, 32 connections, {title}", "as hello's (taken as 0.9x)",
             lambda language=language: Rows(results, "isolation").ratio((f"slowload-{language}", 32), (f"invocation-{language}", 32), "rps"), at_least(0.9))
    for workers in ("64 workers", "1000 workers"):
        line(f"1,000 functions under Zipf against one, {workers}", "0.6x (0.9x)",
             lambda workers=workers: Rows(results, "zipf").ratio(("1000 functions", workers), ("one function", workers), "rps"), at_least(0.6))
    line("1 MB JSON echo, JavaScript against warm Node", "0.5x (1x)", lambda: Rows(results, "echo").ratio(("faas-js", "1 MB"), ("node-warm", "1 MB"), "rps"), at_least(0.5))
    line("invocations per second after 10 minutes against the first", "0.95x", lambda: _drift_ratio(results), at_least(0.95))
    return table(["case", "at least (stretch)", "measured", ""], lines)


def _drift_ratio(results):
    rows = Rows(results, "drift")
    if rows.case["minutes"] < 10:
        raise KeyError("drift")
    values = []
    for name in ("faas-js", "faas-python"):
        rps = rows.series((name,), "rps")
        tenth = max(1, len(rps) // 10)
        values.append(summary(rps[-tenth:])["median"] / summary(rps[:tenth])["median"])
    return min(values), f"JavaScript {number(values[0])}, Python {number(values[1])}"


BLOCKS = {"machine": machine, "targets": targets, "ratios": ratios, "hello": hello, "cold": cold, "memory": memory, "echo": echo,
          "mixed": sequential("mixed", ["mixed"]), "kernels": sequential("kernels", KERNELS), "isolation": isolation, "zipf": zipf, "drift": drift}
