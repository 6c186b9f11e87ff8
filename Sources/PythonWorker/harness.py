"""Runs in the zygote, in a namespace that no import finds. Defines what the worker calls: load and invoke.

What the worker provides is in the namespace already: log(level, text).
"""

import sys

# asyncio does without ssl if it must. Loading it costs every worker memory, and its generator of random numbers would have to be
# renewed before every invocation of every function.
sys.modules["ssl"] = None
import asyncio

del sys.modules["ssl"]

import base64
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import gc
import importlib.abc
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
    return ERROR if record.levelno >= logging.ERROR else WARNING if record.levelno >= logging.WARNING else INFO if record.levelno >= logging.INFO else DEBUG


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


def stack_of(error):
    """The guest's frames, innermost first."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<faas")]
    return [f'File "{frame.filename}", line {frame.lineno}, in {frame.name}' for frame in reversed(frames)]


def failure(kind, error):
    name = type(error).__name__
    try:
        stack = stack_of(error)
    except BaseException:
        stack = []
    if isinstance(error, SyntaxError):
        return (kind, name, text_of(error.msg), stack, error.lineno or 0, error.offset or 0)
    message = text_of(error)
    if isinstance(error, SystemExit):
        message = f"The function called sys.exit({'' if error.code is None else repr(error.code)})."
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


main_name = ""
handler = None
parameters = 0
function_name = function_version = ""


def load(source, source_name, name, sources, function_id, revision):
    """None, or a failure."""
    global main_name, handler, parameters, function_name, function_version
    main_name, function_name, function_version = source_name, function_id, revision
    # A dependency may bear the name of a module of the standard library that the harness has imported.
    for module in list(sys.modules):
        if module in sources:
            del sys.modules[module]
    sys.meta_path.insert(0, Dependencies(sources))
    main = types.ModuleType(MAIN)
    main.__file__ = source_name
    sys.modules[MAIN] = main
    linecache.cache[source_name] = (len(source), None, source.splitlines(True), source_name)
    try:
        exec(compile(source, source_name, "exec", dont_inherit=True), main.__dict__)
    except BaseException as error:
        return failure(LOAD_ERROR, error)
    finally:
        end_lines()
    handler = getattr(main, name, None)
    if not callable(handler):
        return (HANDLER_NOT_FOUND, "", "", [], 0, 0)
    parameters = positional_parameters(handler)
    # What is here now is here for good: a collection in an invocation need not look at it, nor copy it.
    gc.collect()
    gc.freeze()
    return None


def positional_parameters(function):
    """How many of (event, context) the handler takes."""
    try:
        kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):
        return 1
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return 2
    return min(2, sum(kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds))


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
    if isinstance(value, (collections.abc.Set, collections.abc.Sequence, collections.abc.Iterator, collections.abc.ValuesView)):
        return list(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
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
        copy = {key if isinstance(key, (str, int, type(None))) else str(key): plain(item, inside) for key, item in value.items()}
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


# What encode_fast makes anew for each value. `entered` holds what encloses the value that it has come to, against cycles.
entered = {}
chunks_of = json.encoder.c_make_encoder(entered, in_json, json.encoder.encode_basestring, None, ":", ",", False, False, False)


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


# Invoking


class Context:
    """The handler's second parameter."""

    def __init__(self, request_id, deadline):
        self.aws_request_id = request_id
        self.function_name = function_name
        self.function_version = function_version
        self._deadline = deadline

    def get_remaining_time_in_millis(self):
        if self._deadline == 0:
            return NO_DEADLINE
        return max(0, (self._deadline - time.monotonic_ns()) // 1_000_000)


async def wait_for(awaitable):
    return await awaitable


def invoke(event, request_id, deadline):
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
            value = handler(event, Context(request_id, deadline))
        elif parameters == 1:
            value = handler(event)
        else:
            value = handler()
        if inspect.isawaitable(value):
            value = asyncio.run(wait_for(value))
    except BaseException as error:
        return failure(HANDLER_ERROR, error)
    finally:
        end_lines()
    try:
        return encode(value)
    except BaseException as error:
        return (NOT_SERIALIZABLE, "", f"The result cannot be encoded as JSON: {text_of(error)}", [], 0, 0)
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
        renew()
    handler, parameters = real
    gc.collect()
    gc.freeze()


def warm_up():
    """Loads and calls a function that does nothing, and forgets it."""
    exec(compile("def handler(event):\n    return event\n", MAIN, "exec", dont_inherit=True), {})
    positional_parameters(positional_parameters)
    rehearse(2)


def renew():
    """Gives generators of random numbers new state: the one in memory is the same before each invocation."""
    if random := sys.modules.get("random"):
        # From less than Python itself would take, because it happens before every invocation.
        random.seed(int.from_bytes(os.urandom(32)))
    if numpy_random := sys.modules.get("numpy.random"):
        numpy_random.seed()
    if tempfile := sys.modules.get("tempfile"):
        tempfile._name_sequence = None
    if ssl := sys.modules.get("ssl"):
        ssl.RAND_add(os.urandom(32), 32.0)


capture_streams()

# What is here now is every worker's. A collection in one need not look at it, which would write to each of its pages.
gc.collect()
gc.freeze()
