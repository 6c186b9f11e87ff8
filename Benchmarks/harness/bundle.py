"""Functions that load much: a JavaScript bundle of 1 MB, and numpy. What is generated is the same on every machine."""
import os
import random
import subprocess

from .servers import CACHE, Missing, PYTHON, function, handler

SIZE = 1_000_000
WORDS = ("account amount basket branch button client column credit dealer device editor engine family filter folder format garden header "
         "island journal kernel ledger letter margin market member method module number object option origin packet parcel period "
         "person planet policy record region report result sample screen second select server signal source stream string supply "
         "symbol system target ticket update vector window writer").split()

# One module of the bundle, as a compiler of modules writes them: a table, a class, functions, each module with other names and numbers.
MODULE = """\
modules[%(n)d] = (exports, require) => {
  const %(a)sTable = { %(table)s };
  const %(a)sNames = Object.keys(%(a)sTable).sort((x, y) => %(a)sTable[x] - %(a)sTable[y]);
  const %(a)sPattern = /^(%(pattern)s)[-_ ]?(\\d*)$/i;

  class %(A)s%(n)d {
    constructor(fields = {}) {
      this.%(a)s = fields.%(a)s ?? %(x)d;
      this.%(b)s = fields.%(b)s ?? '%(c)s';
      this.entries = new Map(Object.entries(fields.entries ?? %(a)sTable));
    }
    get total() {
      let total = this.%(a)s;
      for (const value of this.entries.values()) total += value %% %(y)d;
      return total;
    }
    rename(%(b)s) { return new %(A)s%(n)d({ ...this, %(b)s, entries: Object.fromEntries(this.entries) }); }
    toString() { return `%(A)s(${this.%(b)s}, ${this.total})`; }
  }

  function parse%(B)s(text) {
    const found = %(a)sPattern.exec(text.trim());
    if (!found) throw new RangeError(`no %(b)s of %(a)s: '${text}'`);
    return { %(b)s: found[1].toLowerCase(), %(c)s: found[2] ? +found[2] : %(x)d };
  }

  function shift%(C)s(text, by = %(shift)d) {
    return Array.from(text, letter => String.fromCharCode(letter.charCodeAt(0) + by)).join('');
  }

  function nearest%(B)s(value) {
    let low = 0, high = %(a)sNames.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (%(a)sTable[%(a)sNames[middle]] < value) low = middle + 1; else high = middle;
    }
    return %(a)sNames[low];
  }

  exports.Class = %(A)s%(n)d;
  exports.parse = parse%(B)s;
  exports.shift = shift%(C)s;
  exports.nearest = nearest%(B)s;
  exports.first = new %(A)s%(n)d().rename(nearest%(B)s(%(y)d));
  exports.next = () => require(%(other)d);
};
"""

# Every module is run while the bundle loads.
FRAME = """\
'use strict';
const modules = [], loaded = [];
%sfunction load(n) {
  if (!loaded[n]) modules[n](loaded[n] = {}, load);
  return loaded[n];
}
for (let n = 0; n < modules.length; n++) load(n);
exports.load = load;
exports.count = modules.length;
"""


def bundle():
    """The source of a CommonJS module of 1 MB."""
    chance = random.Random(1)
    modules, size = [], len(FRAME)
    while size < SIZE:
        n, (a, b, c, *rest) = len(modules), chance.sample(WORDS, 20)
        modules.append(MODULE % {
            "n": n, "a": a, "b": b, "c": c, "A": a.capitalize(), "B": b.capitalize(), "C": c.capitalize(),
            "x": chance.randrange(1000), "y": chance.randrange(2, 1000), "shift": chance.randrange(1, 9), "other": chance.randrange(n + 1),
            "table": ", ".join(f"{word}: {chance.randrange(10000)}" for word in rest), "pattern": "|".join(rest[:6])})
        size += len(modules[-1])
    return FRAME % "".join(modules)


def numpy_folder():
    """Where numpy is: Debian's python3-numpy, or the cache of the benchmark."""
    for python in (PYTHON, f"{CACHE}/venv/bin/python"):
        try:
            return subprocess.run([python, "-c", "import numpy, os; print(os.path.dirname(os.path.dirname(numpy.__file__)))"],
                                  capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            pass
    raise Missing("no numpy (Debian's python3-numpy, PyPI's numpy)")


def prepare(bench):
    """Writes what peers load: one file for each language, the JavaScript one with the bundle in it, as it would be deployed.

    -> (the files' path without its ending, language -> our manifest). numpy may be missing, and Python with it."""
    folder = os.path.join(CACHE, "imports")
    os.makedirs(folder, exist_ok=True)

    def write(language, text):
        path = os.path.join(folder, os.path.basename(handler("imports", language)))
        with open(path, "w") as file:
            file.write(text)
        return path

    source = bundle()
    with open(handler("imports", "js")) as file:
        write("js", f"const exports = {{}}, require = () => exports;\n(() => {{\n{source}}})();\n{file.read()}")
    ours = {"js": function("imports", "js", dependencies={"bundle": {"source": source}})}
    try:
        with open(handler("imports", "python")) as file:
            path = write("python", file.read().replace("NUMPY_FOLDER", numpy_folder()))
        # Peers read where numpy is; a function of ours may not, and gets a layer of its own.
        ours["python"] = {"languageId": "python", "sourceFile": path, "requirements": ["numpy"]}
    except Missing as error:
        bench.missing["numpy"] = str(error)
    return os.path.join(folder, "imports"), ours
