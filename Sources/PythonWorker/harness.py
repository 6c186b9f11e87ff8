"""Runs in the zygote, in a namespace that no import finds. Defines what the worker calls: load and invoke.

What the worker provides is in the namespace already: log(level, text).
"""

import _thread
import sys

# asyncio works without ssl. Loading ssl would cost every worker memory, and its random generator would have to be
# renewed before every invocation of every function.
sys.modules["ssl"] = None
import asyncio

del sys.modules["ssl"]

import base64
import builtins
import collections
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import errno
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import io
import json
import linecache
import logging
import os
import time
import types
import traceback
import uuid
import warnings

INVALID_EVENT, HANDLER_NOT_FOUND, LOAD_ERROR, HANDLER_ERROR, NOT_SERIALIZABLE = 1, 2, 3, 4, 5
DEBUG, INFO, WARNING, ERROR = 0, 1, 2, 3

# The function's own module. No dependency can bear the name by accident.
MAIN = "__function__"

# An invocation without a deadline has this many milliseconds left: the largest integer every JSON reader keeps.
NO_DEADLINE = 2**53 - 1


# Log lines


class LogStream(io.TextIOBase):
    """sys.stdout and sys.stderr: each line becomes a log line."""

    LONGEST_LINE = 64 << 10

    def __init__(self, level):
        self._level = level
        self._partial = ""
        self.buffer = LogBytes(self)

    encoding = "utf-8"
    errors = "replace"
    name = "<log>"

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        *lines, self._partial = (self._partial + text).split("\n")
        for line in lines:
            emit(self._level, line)
        while len(self._partial) > self.LONGEST_LINE:
            emit(self._level, self._partial[: self.LONGEST_LINE])
            self._partial = self._partial[self.LONGEST_LINE :]
        return len(text)

    def end_line(self):
        if self._partial:
            line, self._partial = self._partial, ""
            emit(self._level, line)


class LogBytes(io.RawIOBase):
    """sys.stdout.buffer, for those who write bytes."""

    def __init__(self, stream):
        self._stream = stream

    def writable(self):
        return True

    def write(self, data):
        self._stream.write(bytes(data).decode("utf-8", "replace"))
        return len(data)


def emit(level, text):
    log(level, text.encode("utf-8", "replace").decode())


def level_of(record):
    if record.levelno >= logging.ERROR:
        return ERROR
    if record.levelno >= logging.WARNING:
        return WARNING
    return INFO if record.levelno >= logging.INFO else DEBUG


def capture_streams():
    sys.stdout = sys.__stdout__ = LogStream(INFO)
    sys.stderr = sys.__stderr__ = LogStream(ERROR)

    emit_to_stream = logging.StreamHandler.emit

    # A record keeps its level instead of becoming a line on standard error.
    def emit_record(self, record):
        if isinstance(self.stream, LogStream):
            try:
                emit(level_of(record), self.format(record))
            except Exception:
                self.handleError(record)
        else:
            emit_to_stream(self, record)

    logging.StreamHandler.emit = emit_record
    # Where the function adds no handler of its own, the level that it sets is what counts.
    logging.lastResort.setLevel(logging.NOTSET)

    def show_warning(message, category, filename, lineno, file=None, line=None):
        text = warnings.formatwarning(message, category, filename, lineno, line)
        if file is None:
            for line in text.splitlines():
                emit(WARNING, line)
        else:
            file.write(text)

    warnings.showwarning = show_warning


def end_lines():
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, LogStream):
            stream.end_line()


# Failures, as (kind, name, message, stack, line, column)


def text_of(value):
    try:
        return str(value).encode("utf-8", "replace").decode()
    except BaseException:
        return "[a value that has no string form]"


def frames_of(error):
    """The guest's frames, outermost first, without those of the harness, the event loop and the import system."""
    frames = traceback.extract_tb(error.__traceback__)
    for index, frame in enumerate(frames):
        if frame.filename == "<faas>" and frame.name in ("wait_for", "collect"):
            frames = frames[index:]
            break
    return [frame for frame in frames if not frame.filename.startswith(("<faas", "<frozen importlib"))]


# More than any reader looks at.
LONGEST_STACK, MOST_ERRORS = 200, 20


def stack_of(error):
    """The guest's frames, innermost first; then, each under a line of its own, the errors that led to this one."""
    lines, seen = [], set()

    def add(error, heading):
        seen.add(id(error))
        if heading:
            lines.append(f"{heading} {describe(error)}")
        lines.extend(lines_of(frames_of(error)))
        notes = getattr(error, "__notes__", ())
        for note in notes if isinstance(notes, (list, tuple)) else ():
            lines.extend(f"note: {line}" for line in text_of(note).split("\n"))
        reasons = [("caused by", error.__cause__)]
        if not error.__suppress_context__:
            reasons.append(("raised while handling", error.__context__))
        if isinstance(error, BaseExceptionGroup):
            reasons += [("together with" if index else "from", inner) for index, inner in enumerate(error.exceptions)]
        for heading, reason in reasons:
            if reason is not None and id(reason) not in seen and len(seen) < MOST_ERRORS and len(lines) < LONGEST_STACK:
                add(reason, heading)

    add(error, "")
    return lines[:LONGEST_STACK]


def is_of_library(filename):
    return filename.startswith(tuple(library_folders)) or filename.startswith("<frozen ")


def lines_of(frames):
    """A line for each of the author's frames, innermost first. What these called in libraries follows as one line: the
    place where it ended."""
    lines, folded = [], []

    def fold():
        if folded:
            innermost = folded[0]
            rest = f" ({len(folded)} frames of libraries)" if len(folded) > 1 else ""
            lines.append(f'File "{shown(innermost.filename)}", line {innermost.lineno}, in {innermost.name}{rest}')
            folded.clear()

    for frame in reversed(frames):
        if is_of_library(frame.filename):
            folded.append(frame)
            continue
        lines.append(f'File "{shown(frame.filename)}", line {frame.lineno}, in {frame.name}')
        fold()
    fold()
    return lines


def describe(error):
    message = message_of(error)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def message_of(error):
    if isinstance(error, SystemExit):
        return f"The function called sys.exit({'' if error.code is None else repr(error.code)})."
    if isinstance(error, SyntaxError):
        place = "" if error.filename in (None, main_name) else f" ({shown(error.filename)}, line {error.lineno})"
        return text_of(error.msg) + place
    if isinstance(error, PermissionError):
        return f"{text_of(error)}. {FORBIDDEN}"
    text = text_of(error)
    if isinstance(error, FileNotFoundError) and text.startswith("[Errno 2] No usable temporary directory"):
        return f"{text} ({NO_TEMPORARY_FILES})"
    if isinstance(error, RuntimeError) and text == "can't start new thread":
        return f"{text} ({WHAT_THREADS_TAKE})"
    if isinstance(error, ModuleNotFoundError) and text == f"No module named {error.name!r}":
        return f"{text} ({HOW_TO_HAVE_MODULES})"
    return text


WHAT_THREADS_TAKE = (
    "a function may have 256 threads, or 8 for each core if that is more, and the stack of each counts as 4 MB of "
    "'memoryMB', or as much as threading.stack_size() says"
)
NO_TEMPORARY_FILES = "a function whose manifest has 'temporaryMB' has a folder for temporary files"
HOW_TO_HAVE_MODULES = (
    "packages are listed in 'requirements' of the manifest; a function's own modules are its 'dependencies' or the "
    "files of its 'sourceDir'"
)
FORBIDDEN = (
    "A function may read its own files and Python's library. It may not read other files, write files outside of "
    "its folder for temporary ones (a function with 'temporaryMB' has one), use the network or start programs."
)


# How the dynamic linker says that there is no memory for a library.
NO_MEMORY_FOR_LIBRARY = ("failed to map segment from shared object", "cannot map zero-fill pages", "Cannot allocate memory")


def is_refused_memory(kind, error):
    """Whether an error says that the process may have no more memory; while loading, also one that led to it: packages
    put it in words of their own. A handler that answers it with another error means that one."""
    for _ in range(MOST_ERRORS if kind == LOAD_ERROR else 1):
        if isinstance(error, MemoryError) or isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return True
        if isinstance(error, ImportError) and any(text in text_of(error) for text in NO_MEMORY_FOR_LIBRARY):
            return True
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if error is None:
            return False
    return False


def failure(kind, error):
    # The host knows the interpreter's own name for it.
    name = "MemoryError" if is_refused_memory(kind, error) else type(error).__name__
    try:
        stack = stack_of(error)
    except BaseException:
        stack = []
    message = message_of(error)
    if isinstance(error, SyntaxError) and error.filename == main_name:
        return (kind, name, message, stack, error.lineno or 0, error.offset or 0)
    line = 0
    if kind == LOAD_ERROR:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == main_name]
        line = frames[-1].lineno if frames else 0
    return (kind, name, message, stack, line, 0)


# Loading


class Dependencies(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports modules from the texts the function came with."""

    def __init__(self, sources):
        self._sources = sources

    def _is_package(self, name):
        return any(other.startswith(name + ".") for other in self._sources)

    def find_spec(self, name, path=None, target=None):
        package = self._is_package(name)
        if name not in self._sources and not package:
            return None
        return importlib.util.spec_from_loader(name, self, origin=self.filename(name), is_package=package)

    def filename(self, name):
        return name.replace(".", "/") + ("/__init__.py" if self._is_package(name) else ".py")

    def is_package(self, name):
        return self._is_package(name)

    # A package whose own text was not given is an empty one.
    def get_source(self, name):
        return self._sources.get(name, "")

    def get_code(self, name):
        return compile(self.get_source(name), self.filename(name), "exec", dont_inherit=True)

    def exec_module(self, module):
        module.__file__ = self.filename(module.__name__)
        exec(self.get_code(module.__name__), module.__dict__)


def exit(code=None):
    """What the module site, which is not loaded, gives to scripts."""
    raise SystemExit(code)


builtins.exit = builtins.quit = exit

main_name = ""
handler = None
parameters = 0


def functions_of(module):
    """The names of the functions that a source defines, for an author who asked for another."""
    names = [name for name, value in vars(module).items() if inspect.isfunction(value) and not name.startswith("_")
             and value.__module__ == module.__name__]
    return ", ".join(name[:100] for name in names[:10])


def load(
    source, source_name, source_folder, package_folder, name, sources, environment, function_id, revision, memory_mb,
    prime
):
    """None, or a failure."""
    global main_name, handler, parameters, own_names
    main_name = f"{source_folder}/{source_name}" if source_folder else source_name
    Context.describe(function_id, revision, memory_mb, environment)
    os.environ.update(environment)
    if "TZ" in environment:
        time.tzset()
    try:
        own_modules = add_folders(source_folder, package_folder) | sources.keys()
    except OSError as error:
        folder = f"The function's folder '{error.filename}'"
        message = f"{folder} cannot be read by the user that functions run as: {error.strerror}."
        return (LOAD_ERROR, "", message, [], 0, 0)
    own_names = {name.partition(".")[0] for name in own_modules}
    # The function's modules may bear the names of those of the standard library that the harness has imported.
    for module in list(sys.modules):
        if module in own_modules:
            del sys.modules[module]
    sys.meta_path.insert(0, Dependencies(sources))
    try:
        if source_folder:
            main = importlib.import_module(source_name.removesuffix(".py").replace("/", "."))
        else:
            main = types.ModuleType(MAIN)
            main.__file__ = source_name
            sys.modules[MAIN] = main
            linecache.cache[source_name] = (len(source), None, source.splitlines(True), source_name)
            exec(compile(source, source_name, "exec", dont_inherit=True), main.__dict__)
    except BaseException as error:
        return failure(LOAD_ERROR, error)
    finally:
        end_lines()
    handler = getattr(main, name, None)
    if not callable(handler):
        return (HANDLER_NOT_FOUND, "", functions_of(main), [], 0, 0)
    parameters = positional_parameters(handler)
    for number, event in enumerate(prime, 1):
        answer = invoke(event, "prime", 0)
        if isinstance(answer, tuple):
            _, name, message, *place = answer
            return (LOAD_ERROR, name, f"{message} (with event {number} of 'prime')", *place)
    # What is here now is here for good: a collection in an invocation need not look at it, nor copy it.
    gc.collect()
    gc.freeze()
    return None


folders = ()


def add_folders(source_folder, package_folder):
    """Makes modules in them importable. The answer has the names of those in the first."""
    global folders
    folders = tuple(folder + "/" for folder in (source_folder, package_folder) if folder)
    # As in other programs: one's own modules come before the standard library, packages after it.
    if package_folder:
        os.listdir(package_folder)
        sys.path.append(package_folder)
        library_folders.append(package_folder + "/")
        # Numeric libraries start a thread for each processor when they load. A process with threads cannot be forked.
        for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(variable, "1")
    if not source_folder:
        return set()
    sys.path.insert(0, source_folder)
    return {name.removesuffix(".py") for name in os.listdir(source_folder)}


def shown(filename):
    """A file of the function's as its author knows it."""
    for folder in folders:
        if filename.startswith(folder):
            return filename[len(folder) :]
    return filename


def positional_parameters(function):
    """How many of (event, context) the handler takes."""
    try:
        kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):
        return 1
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return 2
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return min(2, sum(kind in positional for kind in kinds))


# Events


def refuse_constant(text):
    raise ValueError(f"{text} is not JSON")


decoder = json.JSONDecoder(parse_constant=refuse_constant)


def decode(text):
    """What decoder.decode does, which looks for white space with regular expressions where there is hardly ever any."""
    try:
        value, end = decoder.scan_once(text, 0)
    except StopIteration:
        return decoder.decode(text)
    return value if end == len(text) or not text[end:].strip(" \t\r\n") else decoder.decode(text)


# Deep nesting recurses in C, where a frame is small. It is not the handler's recursion, so it has a limit of its own.
NESTING_LIMIT = 12_000


def with_deep_recursion(function, argument):
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, NESTING_LIMIT))
    try:
        return function(argument)
    finally:
        sys.setrecursionlimit(limit)


# Results


def in_json(value):
    """What the encoder does not know, as something it does."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    if isinstance(value, collections.UserString):
        return str(value)
    if isinstance(
        value, (collections.abc.Set, collections.abc.Sequence, collections.abc.Iterator, collections.abc.ValuesView)
    ):
        return list(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    # pydantic, attrs and msgspec say what the fields are; a string of the object would be a surprise.
    kind = type(value)
    if callable(getattr(kind, "model_dump", None)):
        return value.model_dump(mode="json")
    if isinstance(getattr(kind, "__attrs_attrs__", None), tuple):
        return {field.name: getattr(value, field.name) for field in kind.__attrs_attrs__}
    if isinstance(getattr(kind, "__struct_fields__", None), tuple):
        return {name: getattr(value, name) for name in kind.__struct_fields__}
    if isinstance(value, collections.abc.Mapping):
        return dict(value)
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type)):
        raise TypeError(f"a function or class ('{getattr(value, '__name__', '?')}') has no JSON form")
    if callable(getattr(value, "tolist", None)):
        return value.tolist()
    return str(value)


encode_fast = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=in_json).encode
encode_ascii = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=in_json).encode


def plain(value, inside):
    """A copy the encoder takes: NaN and infinities are null, keys are strings. For results it refused."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    if value is None or isinstance(value, (str, int)):
        return value
    if id(value) in inside:
        raise ValueError("Circular reference detected")
    inside.add(id(value))
    if isinstance(value, dict):
        copy = {
            key if isinstance(key, (str, int, type(None))) else str(key): plain(item, inside)
            for key, item in value.items()
        }
    elif isinstance(value, (list, tuple)):
        copy = [plain(item, inside) for item in value]
    else:
        copy = plain(in_json(value), inside)
    inside.discard(id(value))
    return copy


def encode_again(value):
    try:
        return encode_fast(value)
    except (ValueError, TypeError):
        return encode_fast(plain(value, set()))


def encode_escaped(value):
    return encode_ascii(plain(value, set()))


# encode_fast makes these for each value. `entered` holds the values that enclose the present one, to detect cycles.
entered = {}
chunks_of = json.encoder.c_make_encoder(
    entered, in_json, json.encoder.encode_basestring, None, ":", ",", False, False, False
)


def encode(value):
    try:
        text = "".join(chunks_of(value, 0))
    except (RecursionError, ValueError, TypeError):
        text = with_deep_recursion(encode_again, value)
    finally:
        entered.clear()
    if text.isascii():
        return text
    try:
        return text.encode()
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8, but it has an escape.
        return with_deep_recursion(encode_escaped, value)


def with_encoded_body(answer):
    """An answer to an HTTP request, whose body is bytes: they cross as base64, which the answer has to say."""
    if "statusCode" not in answer or "isBase64Encoded" in answer:
        return answer
    return answer | {"body": base64.b64encode(answer["body"]).decode(), "isBase64Encoded": True}


# Invoking


class Identity:
    """The caller as AWS Cognito knows it: always empty here."""

    cognito_identity_id = cognito_identity_pool_id = None


class Context:
    """The handler's second parameter. AWS Lambda's names come first, then our own. The class has what calls share."""

    client_context = tenant_id = None
    identity = Identity()

    @classmethod
    def describe(cls, function_id, revision, memory_mb, environment):
        cls.function_name = cls.function_id = function_id
        cls.function_version = cls.log_stream_name = cls.revision = revision
        cls.memory_limit_in_mb = str(memory_mb)
        cls.invoked_function_arn = f"arn:aws:lambda:local:000000000000:function:{function_id}"
        cls.log_group_name = f"/aws/lambda/{function_id}"
        cls.env = environment

    def __init__(self, request_id, deadline, traceparent=None, tracestate=None):
        self.aws_request_id = self.request_id = request_id
        self._deadline = deadline
        self.traceparent = traceparent
        self.tracestate = tracestate

    def __repr__(self):
        return f"Context(request_id={self.request_id!r}, function_id={self.function_id!r}, revision={self.revision!r})"

    @property
    def deadline_ms(self):
        return None if self._deadline == 0 else (time.time_ns() + self._deadline - time.monotonic_ns()) // 1_000_000

    def log(self, message):
        for line in str(message).splitlines():
            emit(INFO, line)

    def get_remaining_time_in_millis(self):
        if self._deadline == 0:
            return NO_DEADLINE
        return max(0, (self._deadline - time.monotonic_ns()) // 1_000_000)


async def wait_for(awaitable):
    return await awaitable


async def collect(items):
    return [item async for item in items]


# What most handlers return needs neither waiting nor reading.
FINISHED = frozenset((dict, list, str, int, float, bool, type(None)))


def finish(value):
    """What a handler's value is when it has been waited for and read to its end, which runs the handler's code."""
    if inspect.isawaitable(value):
        value = asyncio.run(wait_for(value))
    if isinstance(value, collections.abc.AsyncIterable):
        return asyncio.run(collect(value))
    return list(value) if isinstance(value, types.GeneratorType) else value


def invoke(event, request_id, deadline, traceparent=None, tracestate=None):
    """JSON text (str, or bytes if not ASCII), or a failure."""
    try:
        try:
            event = decode(event)
        except RecursionError:
            event = with_deep_recursion(decode, event)
    except (ValueError, RecursionError) as error:
        return (INVALID_EVENT, "", text_of(error), [], 0, 0)
    try:
        if parameters == 2:
            value = handler(event, Context(request_id, deadline, traceparent, tracestate))
        elif parameters == 1:
            value = handler(event)
        else:
            value = handler()
        if type(value) not in FINISHED:
            value = finish(value)
    except BaseException as error:
        return failure(HANDLER_ERROR, error)
    finally:
        end_lines()
    try:
        if type(value) is dict and "body" in value and isinstance(value["body"], (bytes, bytearray, memoryview)):
            value = with_encoded_body(value)
        return encode(value)
    except MemoryError as error:
        return failure(HANDLER_ERROR, error)
    except BaseException as error:
        return (NOT_SERIALIZABLE, "", f"The result cannot be encoded as JSON: {text_of(error)}", [], 0, 0)
    finally:
        end_lines()


# Learned imports: modules that the first call has imported are imported before the snapshot. See ImportLearning.swift.

# Where libraries are: the standard library, and the function's packages.
library_folders = [folder + "/" for folder in sys.path]
# The names of the function's own modules. They are never learned: which one a call imports may depend on its event, and
# its author expects what importing it does in the call.
own_names = set()
noted = None


def note_imports():
    """Called in the copy of the worker that serves a first call, before that call."""
    global noted
    noted = frozenset(sys.modules), dict(os.environ), list(sys.path)


def imports():
    """The names of the modules imported since then. None if the call has changed what importing may depend on."""
    known, environment, path = noted
    if os.environ != environment or sys.path != path:
        return []
    return [
        name
        for name, module in list(sys.modules.items())
        if isinstance(name, str) and name not in known
        # A call may put any object there, under any name.
        and getattr(getattr(module, "__spec__", None), "name", None) == name
    ]


def is_library(name):
    """Whether the import system itself finds the module, in a file of a library."""
    parent, _, _ = name.rpartition(".")
    path = None
    if parent:
        if parent not in sys.modules and not learn(parent):
            return False
        path = getattr(sys.modules[parent], "__path__", None)
        if path is None:
            return False
    elif name in own_names:
        return False
    for finder in (importlib.machinery.BuiltinImporter, importlib.machinery.FrozenImporter):
        if finder.find_spec(name, path):
            return True
    spec = importlib.machinery.PathFinder.find_spec(name, path)
    if spec is None:
        return False
    # A namespace package has folders and no file.
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    return bool(places) and all((place + "/").startswith(tuple(library_folders)) for place in places)


def learn(name):
    """Imports a library's module. True if it was not there before, and is now. What it prints is dropped."""
    if name in sys.modules:
        return False
    try:
        if not is_library(name):
            return False
        importlib.import_module(name)
        return name in sys.modules
    except BaseException:
        return False
    finally:
        end_lines()


# Snapshots


def rehearse(times=20):
    """Runs the harness's own paths a few times with a handler of its own, so that they are warm in the snapshot."""
    global handler, parameters
    real = handler, parameters
    handler, parameters = lambda event, context: {"message": f"x {event['name']}", "list": [1, 2.5, None]}, 2
    for _ in range(times):
        invoke('{"name": "x", "list": [1, 2.5, null]}', "rehearsal", 0)
        if renew:
            renew()
    handler, parameters = real
    gc.collect()
    gc.freeze()


# By one of these a module of the function's has what starts threads.
THREAD_NAMES = frozenset(("threading", "Thread", "ThreadPoolExecutor", "_thread"))


def start_threads(count=2):
    """Starts threads that end at once. Their stacks and heaps are kept for the next ones, so a call that starts a thread
    makes no mappings, which would have to be found and removed."""
    if not any(THREAD_NAMES & vars(module).keys() for name, module in list(sys.modules.items())
               if name not in harness_modules and isinstance(module, types.ModuleType)):
        return
    started, may_end = [], _thread.allocate_lock()

    def run():
        started.append(True)
        with may_end:
            pass

    with may_end:
        for _ in range(count):
            _thread.start_new_thread(run, ())
        while len(started) < count:
            time.sleep(0)


def warm_up():
    """Loads and calls a function that does nothing, and forgets it."""
    exec(compile("def handler(event):\n    return event\n", MAIN, "exec", dont_inherit=True), {})
    positional_parameters(positional_parameters)
    rehearse(2)


def find_generators():
    """Finds the random generators that the function has loaded. Their state in memory is the same before each
    invocation, so renew() gives them another; without generators it is None. SharedRandomGenerator renews that of the
    module random."""
    global renew
    # Drawn while loading, to be used later.
    if hasattr(random := sys.modules.get("random"), "_inst"):
        random._inst.gauss_next = None
    if tempfile := sys.modules.get("tempfile"):
        tempfile._name_sequence = None
    numpy_random, ssl = sys.modules.get("numpy.random"), sys.modules.get("ssl")

    def renew_all():
        if numpy_random:
            # What numpy itself would take, which takes it ten times as long.
            numpy_random.seed(memoryview(os.urandom(16)).cast("I"))
        if ssl:
            ssl.RAND_add(os.urandom(32), 32.0)

    renew = renew_all if numpy_random or ssl else None
    return renew


renew = None

capture_streams()

harness_modules = frozenset(sys.modules)

# What is here now is every worker's. A collection in one need not look at it, which would write to each of its pages.
gc.collect()
gc.freeze()
