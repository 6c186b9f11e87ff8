"""What all cases share: options, starting targets, interleaved rounds."""
import json
import os
import time

from . import load, processes, report, servers

GREETING = {"name": "World"}
# Tens of milliseconds for each request: measured twice as long.
SLOW = {"node-spawn", "python-spawn", "deno-worker"}
GREETED = {"message": "Hello, World!"}


class Bench:
    def __init__(self, faas, rounds, seconds, quick):
        self.faas, self.rounds, self.seconds, self.quick = faas, rounds, seconds, quick
        self.missing = {}
        self.patience = 0

    def wait_for_quiet(self):
        """Waits while other processes use more than a tenth of the cores, in all at most `patience` seconds for a case."""
        while self.patience > 0:
            start, busy = time.monotonic(), processes.busy_seconds()
            time.sleep(0.25)
            elapsed = time.monotonic() - start
            if (processes.busy_seconds() - busy) / elapsed < 0.1 * len(os.sched_getaffinity(0)):
                return
            self.patience -= elapsed

    def peers(self, names, handler_name):
        """Starts the peers that are there: name -> target. Why another is not is recorded."""
        targets = {}
        for name in names:
            try:
                server = servers.start_peer(name, handler_name)
                targets[name] = servers.Target(name, server, "/")
            except (servers.Missing, RuntimeError, TimeoutError, OSError) as error:
                self.missing[name] = str(error).splitlines()[0]
                print(f"  {name} left out: {self.missing[name]}", flush=True)
        return targets

    def load_rounds(self, plan, event=GREETING, expected=GREETED, probe=True, longer=1, warm_up=None, rounds=None):
        """plan: a list of levels; a level is a list of (key, target, connections, extra arguments of wrk()).

        All targets of a level are measured one after the other, `longer` times as long as other cases, then the next level,
        then the next round (`rounds`: not as many as the options say). Each answer is checked before and after. `warm_up` comes before each run, in place of a short load
        before a target's first. -> key -> list of results, one for each round."""
        results = {}
        body = json.dumps(event, separators=(",", ":")).encode()
        for number in range(rounds or self.rounds):
            warm = set()
            for level in plan:
                for key, target, connections, extra in level:
                    target.check(event, expected)
                    self.wait_for_quiet()
                    arguments = {"body": body if target.method == "POST" else None, **extra}
                    seconds = self.seconds * longer * (2 if target.name in SLOW else 1)

                    def measure():
                        if warm_up:
                            warm_up(target)
                        elif target.name not in warm:
                            warm.add(target.name)
                            load.wrk(target, min(connections, 8), 1, **arguments)
                        return load.wrk(target, connections, seconds, probe=probe and target.method == "POST", **arguments)

                    result = measure()
                    if result["others"] > report.DISTURBED and self.patience > 0:
                        # Once more, and the better of the two.
                        self.patience -= seconds
                        self.wait_for_quiet()
                        again = measure()
                        wrong = result["wrong"] + again["wrong"]
                        result = {**min(result, again, key=lambda one: one["others"]), "wrong": wrong}
                    target.check(event, expected)
                    results.setdefault(key, []).append(result)
                    print(f"  round {number + 1}  {'  '.join(map(str, key)):45} {result['rps']:10.0f}/s  p50 {result['p50_us']:>7} us  "
                          f"p99 {result['p99_us']:>8} us  cpu {result['cpu_us']:8.1f} us  others {result['others']:4.0%}  wrong {result['wrong']}  "
                          f"socket errors {result['socket_errors']}", flush=True)
        return [{"key": list(key), "rounds": rounds} for key, rounds in results.items()]


def stop(targets):
    stopped = set()
    for target in targets:
        if id(target.server) not in stopped:
            stopped.add(id(target.server))
            target.server.stop()
