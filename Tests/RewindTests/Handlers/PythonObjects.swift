/// Classes, functions, iterators, exceptions, imports: the interpreter's own objects.
extension Handler {
    static let pythonObjects: [Handler] = [
        .python(
            "a cached function",
            """
            import functools
            calls = []
            @functools.lru_cache(maxsize=4)
            def f(x): calls.append(x); return x * 2
            @functools.cached_property
            def p(self): return 1
            def handler(event):
                values = [f(i % 6) for i in range(10)] + [f(event["n"])]
                return [values, len(calls), f.cache_info()]
            """),
        .python(
            "a generator kept at module level",
            """
            def count():
                n = 0
                while True:
                    sent = yield n
                    n += sent or 1
            numbers = count(); next(numbers)
            def handler(event): return [next(numbers), numbers.send(event["n"]), numbers.gi_frame.f_lineno]
            """),
        .python(
            "a generator run to its end",
            """
            numbers = iter([1, 2, 3]); words = (w for w in "a b c".split())
            def handler(event): return [list(numbers), list(words)]
            """),
        .python(
            "an asynchronous generator kept at module level",
            """
            async def count():
                n = 0
                while True:
                    n += 1; yield n
            numbers = count()
            async def handler(event): return [await numbers.__anext__() for _ in range(event["n"])]
            """, weight: 1),
        .python(
            "closures",
            """
            def make():
                total = 0
                def add(x):
                    nonlocal total
                    total += x
                    return total
                return add
            add = make(); made = []
            def handler(event):
                made.append(make())
                return [add(event["n"]), add(10), [f(1) for f in made], add.__closure__[0].cell_contents]
            """),
        .python(
            "a changed class",
            """
            class Thing:
                count = 0
                __slots__ = ("x",)
                def speak(self): return "quiet"
            class Child(Thing): pass
            def handler(event):
                Thing.count += 1; spoken = Child().speak(), len(Thing.__subclasses__()), Thing.__dict__.keys() - {"x"} == {0}
                Thing.speak = lambda self: "loud"; Child.extra = 1
                class Another(Thing): pass
                Child.__bases__ = (Another,)
                return [Thing.count, spoken, Child().speak(), [c.__name__ for c in Child.__mro__]]
            """),
        .python(
            "a metaclass with a registry",
            """
            registry = []
            class Meta(type):
                def __new__(m, name, bases, body):
                    registry.append(name); return super().__new__(m, name, bases, body)
                def __call__(cls, *a):
                    registry.append("call"); return super().__call__(*a)
            class A(metaclass=Meta): pass
            def handler(event):
                B = Meta(f"B{event['n']}", (A,), {}); B()
                return [registry, isinstance(B(), A), len(type.__subclasses__(type))]
            """),
        .python(
            "a changed builtin",
            """
            import builtins
            def handler(event):
                was = len([1, 2, 3]); builtins.len = lambda x: -1; builtins.odd = event["n"]
                try: return [was, len([1]), odd]
                finally: builtins.print = None
            """),
        .python(
            "caches of types and attributes",
            """
            class A: x = 1
            class B(A): pass
            def get(o): return o.x
            def handler(event):
                values = [get(B()) for _ in range(50)]
                A.x = 2 + event["n"]; values.append(get(B())); B.x = 9; values.append(get(B()))
                return values[-4:]
            """),
        .python(
            "dataclasses, enum and typing",
            """
            import dataclasses, enum, typing
            class Color(enum.Enum): RED = 1; BLUE = 2
            @dataclasses.dataclass(order=True)
            class Point:
                x: int
                tags: list = dataclasses.field(default_factory=list)
            origin = Point(0)
            T = typing.TypeVar("T")
            def handler(event):
                origin.tags.append(event["n"])
                made = dataclasses.make_dataclass("M", [("a", int)])(event["n"]); Color._value2member_map_[event["n"] + 5] = Color.RED
                return [origin, made, Color(2).name, len(Color._value2member_map_), str(typing.Dict[str, typing.List[T]]), typing.get_type_hints(Point)["x"].__name__]
            """, weight: 1),
        .python(
            "named tuples, defaultdict, counter, deque, chain map",
            """
            import collections
            P = collections.namedtuple("P", "a b"); d = collections.defaultdict(list); c = collections.Counter("hello"); q = collections.deque([1, 2, 3], maxlen=4); m = collections.ChainMap({}, {"x": 1})
            def handler(event):
                d[event["n"]].append(1); c.update("lll"); q.append(event["n"]); q.rotate(1); m["x"] += 1
                return [P(1, 2)._asdict(), d, c.most_common(2), q, dict(m), P._field_defaults]
            """),
        .python(
            "itertools kept at module level",
            """
            import itertools
            counter = itertools.count(10, 5); ring = itertools.cycle("abc"); a, b = itertools.tee(range(5))
            def handler(event): return [next(counter), next(ring), next(a), list(itertools.islice(counter, event["n"])), list(itertools.accumulate([1, 2, 3])), [list(g) for _, g in itertools.groupby("aab")]]
            """),
        .python(
            "functools: partial, singledispatch, reduce",
            """
            import functools
            @functools.singledispatch
            def show(x): return "any"
            add = functools.partial(lambda a, b, *, c=0: a + b + c, 1, c=2)
            def handler(event):
                was = show(event["n"]); show.register(int, lambda x: "int"); add.keywords["c"] += event["n"]
                return [was, show(1), len(show.registry), add(1), functools.reduce(lambda a, b: a * b, range(1, 6))]
            """),
        .python(
            "default arguments and attributes of functions",
            """
            def remember(x, seen=[], *, by={}):
                seen.append(x); by[x] = len(seen); remember.calls = getattr(remember, "calls", 0) + 1
                return [list(seen), dict(by), remember.calls]
            def handler(event):
                result = remember(event["n"]); remember.__defaults__ = ([0],); remember.__code__ = (lambda x, seen=[], *, by={}: "changed").__code__
                return [result, remember(1)]
            """),
        .python(
            "exceptions with cycles",
            """
            errors = []
            def fail(depth):
                if depth: return fail(depth - 1)
                raise KeyError("deep")
            def handler(event):
                try: fail(20 * event["n"])
                except KeyError as error:
                    error.self = error; errors.append(error)
                    length = 0; tb = error.__traceback__
                    while tb: length += 1; tb = tb.tb_next
                try: raise ValueError("second") from errors[-1]
                except ValueError as error: errors.append(error); error.__cause__.__context__ = error
                return [len(errors), length]
            """),
        .python(
            "an exception that reaches the caller",
            """
            raised = 0
            class Odd(Exception): pass
            def inner(n):
                global raised
                raised += 1
                raise Odd(f"raised {raised} for {n}")
            def handler(event):
                try: inner(event["n"])
                except Odd as error: raise RuntimeError(str(error)) from error
            """),
        .python(
            "exception groups",
            """
            kept = []
            def handler(event):
                try: raise ExceptionGroup("g", [ValueError(event["n"]), TypeError("t"), ExceptionGroup("h", [OSError(2, "x")])])
                except* ValueError as group: kept.append(group)
                except* (TypeError, OSError) as group: kept.append(group)
                return [len(kept), [len(g.exceptions) for g in kept], str(kept[0].exceptions[0])]
            """),
        .python(
            "recursion to the limit",
            """
            deepest = 0
            def down(n):
                global deepest
                deepest = max(deepest, n)
                return down(n + 1)
            def handler(event):
                was = deepest
                try: down(0)
                except RecursionError as error: text = str(error)
                return [was, deepest > 900, text]
            """, weight: 2),
        .python(
            "recursion in C",
            """
            import sys
            def handler(event):
                was = sys.getrecursionlimit(); sys.setrecursionlimit(20000)
                nested = []
                for _ in range(15000): nested = [nested]
                return [was, len(repr(nested)) if event["n"] == 1 else sum(1 for _ in iter(lambda: nested.pop() if nested else None, None)), (lambda f: f(f, 3000))(lambda f, n: n and 1 + f(f, n - 1))]
            """, weight: 2),
        .python(
            "a trace function and a profile function",
            """
            import sys
            lines = []
            def f(): x = 1; return x
            def handler(event):
                was = sys.gettrace(), sys.getprofile(), len(lines)
                sys.settrace(lambda frame, what, arg: lines.append(what) or None); f()
                sys.setprofile(lambda *a: None)
                return [was, len(lines)]
            """),
        .python(
            "import of modules that came with the function",
            """
            import state
            def handler(event):
                import late, package.part
                state.values.append(event["n"]); late.n += 1; package.part.names.add(event["n"])
                return [state.values, late.n, sorted(package.part.names), late.loaded]
            """,
            dependencies: [
                "state": "values = []", "late": "import state\nn = 0\nloaded = len(state.values)",
                "package.part": "names = set()",
            ]),
        .python(
            "a reloaded module",
            """
            import importlib, state
            def handler(event):
                state.n += 1; first = state.n
                importlib.reload(state); state.n += event["n"]
                return [first, state.n, state.m]
            """, dependencies: ["state": "n = 0\nm = globals().get('m', 0) + 1"]),
        .python(
            "import hooks and sys.modules",
            """
            import sys
            def handler(event):
                was = len(sys.meta_path), "odd" in sys.modules, "wave" in sys.modules
                sys.modules["odd"] = sys; sys.meta_path.append(None); sys.path.append("/odd")
                import odd, wave
                del sys.modules["json"]
                return [was, odd is sys, sys.path.count("/odd")]
            """, weight: 2),
        .python(
            "eval, exec and compile",
            """
            space = {}
            def handler(event):
                exec(f"x = globals().get('x', 0) + {event['n']}\\ndef f(): return x * 2", space)
                return [space["x"], space["f"](), eval("[y for y in range(3)]"), len(space)]
            """),
        .python(
            "weak references",
            """
            import weakref, gc
            class A: pass
            log = []; keep = A(); ref = weakref.ref(keep, lambda r: log.append("gone")); table = weakref.WeakValueDictionary(); keys = weakref.WeakKeyDictionary()
            def handler(event):
                global keep
                alive = ref() is not None; table["a"] = a = A(); keys[a] = 1; weakref.finalize(a, log.append, "final")
                del a; keep = None; gc.collect()
                return [alive, ref() is None, log, len(table), len(keys)]
            """, weight: 1),
        .python(
            "cycles with finalizers",
            """
            import gc
            ended = []
            class Node:
                def __init__(self): self.me = self
                def __del__(self): ended.append(1); back.append(self) if len(back) < 2 else None
            back = []
            def handler(event):
                for _ in range(5): Node()
                found = gc.collect(); gc.collect()
                return [len(ended), len(back), found > 0, gc.isenabled(), gc.get_threshold()]
            """, weight: 1),
        .python(
            "the collector's settings",
            """
            import gc
            made = []
            def handler(event):
                was = gc.isenabled(), gc.get_threshold(), gc.get_debug(), len(gc.callbacks), gc.get_freeze_count() > 0
                gc.disable(); gc.set_threshold(1, 1, 1); gc.callbacks.append(lambda *a: None); gc.enable()
                made.extend([[] for _ in range(200)]); gc.unfreeze(); gc.collect()
                return [was, len(made)]
            """, weight: 2),
        .python(
            "context variables",
            """
            import contextvars
            v = contextvars.ContextVar("v", default=0)
            def handler(event):
                was = v.get(); v.set(was + event["n"])
                inside = contextvars.copy_context().run(lambda: (v.set(100), v.get())[1])
                return [was, v.get(), inside, len(contextvars.copy_context())]
            """),
        .python(
            "context managers and exit stacks",
            """
            import contextlib
            log = []; stack = contextlib.ExitStack()
            @contextlib.contextmanager
            def scope(n):
                log.append(f"in {n}")
                try: yield n
                finally: log.append(f"out {n}")
            def handler(event):
                entered = stack.enter_context(scope(event["n"]))
                with scope("x"), contextlib.suppress(KeyError): raise KeyError
                return [entered, log]
            """),
        .python(
            "warnings",
            """
            import warnings
            def f(): warnings.warn("odd", UserWarning)
            def handler(event):
                was = len(warnings.filters), "__warningregistry__" in globals()
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("default"); f(); f()
                warnings.filterwarnings("ignore"); f()
                return [was, len(caught), len(globals().get("__warningregistry__", {}))]
            """),
        .python(
            "logging and its configuration",
            """
            import logging
            logger = logging.getLogger("mine")
            def handler(event):
                was = logger.level, len(logging.getLogger().handlers), logger.disabled, len(logging.Logger.manager.loggerDict)
                logging.basicConfig(level=logging.DEBUG, format="%(levelname)s|%(message)s"); logger.setLevel(event["n"]); logging.getLogger(f"other{event['n']}").warning("hm")
                logger.error("an error"); logging.disable(logging.CRITICAL); logging.addLevelName(5, "FIVE")
                return [was, logging.getLevelName(5), logging.root.manager.disable]
            """, weight: 1),
        .python(
            "operators, descriptors and slots",
            """
            class D:
                values = {}
                def __get__(self, o, t): return D.values.get(id(o) if o else 0, "none")
                def __set__(self, o, v): D.values[0] = v; D.values[id(o)] = v
                def __set_name__(self, o, n): D.values[n] = 1
            class A: d = D()
            a = A()
            def handler(event):
                was = a.d, A.d; a.d = event["n"]; a.__class__ = type("A2", (A,), {"__len__": lambda s: 7})
                return [was, a.d, len(a), len(D.values)]
            """),
        .python(
            "sets and dicts in their order",
            """
            names = {"b", "a"}; table = {"x": 1, "y": 2}
            def handler(event):
                for i in range(300): names.add(f"n{i}"); table[f"k{i}"] = i
                del table["x"]; table["x"] = event["n"]
                return [len(names), list(table)[-1], list(table)[0], len(table), sorted(names)[:2], frozenset(names) == names]
            """),
        .python(
            "small integers and singletons",
            """
            import sys
            kept = []
            def handler(event):
                a = event["n"]; b = None; c = (); kept.append(a)
                return [a + 6 is int(str(a + 6)), sys.getrefcount(object()), tuple([]) is c, type(None)() is b, len(kept)]
            """),
        .python(
            "an object that lies about itself",
            """
            calls = 0
            class Liar(dict):
                def __getitem__(self, k): global calls; calls += 1; return calls
                def __len__(self): return 99
            def handler(event): return {"l": len(Liar()), "v": Liar()["x"], "c": calls, "d": Liar(a=1)}
            """),
        .python(
            "sys.exit in the handler",
            """
            import sys
            left = 0
            def handler(event):
                global left
                left += 1
                sys.exit(left + event["n"])
            """),
        .python(
            "hooks of sys",
            """
            import sys
            def handler(event):
                was = sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__, len(sys.argv), sys.getswitchinterval(), sys.flags.utf8_mode
                sys.excepthook = print; sys.displayhook = print; sys.argv.append("x"); sys.setswitchinterval(0.5); sys.ps1 = 1; sys.stdout = sys.stdin = None
                return was
            """),
        .python(
            "exit functions",
            """
            import atexit
            log = []
            def handler(event):
                n = atexit._ncallbacks(); atexit.register(log.append, 1); atexit.register(print, "trace")
                if event["n"] == 2: atexit._run_exitfuncs()
                return [n, len(log), atexit._ncallbacks()]
            """),
    ]
}
