"""The Python runtime: fetches events from the Runtime API, calls the handler, posts answers.

It speaks HTTP over one raw keep-alive socket and sends each answer together with the request for the next event, so a
warm call costs one send and one wait. It imports little before the handler does; what only errors or log records need
is imported when they happen.

Messages of several lines are written as frames (a 16-byte head, then the message), which the platform keeps as one
log event: 0xA55A0003 or 0xA55A0002 for JSON, the length, the time in microseconds.
"""

import os
import sys

API = "/2018-06-01/runtime/"
# A larger answer is refused, and the connection closed, before a request behind it would be read.
LARGEST_ANSWER = 6291556
NBSP = "\u00a0"
TEXT_FRAME = 0xA55A0003
JSON_FRAME = 0xA55A0002


class Fault(Exception):
    """An error of the function that has no Python exception to show."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.trace = list(trace)


class ConnectionLost(Exception):
    """The Runtime API closed the connection."""


# --- The Runtime API ------------------------------------------------------------------------------------------------


class Api:
    """One keep-alive connection to the Runtime API."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.address = (host, int(port))
        self.host = address
        self.next_request = f"GET {API}invocation/next HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()
        self.socket = None
        self.buffer = b""

    def connect(self):
        # The module `socket` costs three milliseconds more than the C module below it.
        import _socket

        connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        connection.connect(self.address)
        connection.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self.socket = connection
        self.buffer = b""

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def post(self, path, body, headers=""):
        """The bytes of a POST."""
        head = f"POST {API}{path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n{headers}"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def next(self):
        """Asks for the next event and waits for it: headers and body."""
        while True:
            fresh = self.socket is None
            if fresh:
                # If this fails there is nobody to serve any more, and the process ends.
                self.connect()
            try:
                if fresh:
                    self.socket.sendall(self.next_request)
                status, headers, body = self.reply()
                if status != 200:
                    raise SystemExit(1)
                return headers, body
            except (ConnectionLost, ConnectionError):
                self.close()

    def answer(self, request):
        """Posts an answer and asks for the next event in one go. An answer that is refused was heard all the same."""
        try:
            if len(request) > LARGEST_ANSWER:
                self.socket.sendall(request)
                self.reply()
                self.socket.sendall(self.next_request)
                return
            self.socket.sendall(request + self.next_request)
            self.reply()
        except (ConnectionLost, ConnectionError):
            self.close()

    def say(self, request):
        """Posts something whose answer does not matter."""
        try:
            if self.socket is None:
                self.connect()
            self.socket.sendall(request)
            self.reply()
        except (ConnectionLost, ConnectionError):
            self.close()

    def reply(self):
        """Reads one answer: status, headers with lower-case names, body."""
        end = self.buffer.find(b"\r\n\r\n")
        while end < 0:
            self.more()
            end = self.buffer.find(b"\r\n\r\n")
        lines = self.buffer[:end].decode("utf-8", "replace").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        rest = self.buffer[end + 4 :]
        if len(rest) < length:
            rest = self.body(rest, length)
        self.buffer = rest[length:]
        if headers.get("connection") == "close":
            raise ConnectionLost
        return int(lines[0].split(" ", 2)[1]), headers, rest[:length]

    def body(self, begun, length):
        body = bytearray(length)
        body[: len(begun)] = begun
        at = len(begun)
        view = memoryview(body)
        while at < length:
            count = self.socket.recv_into(view[at:])
            if count == 0:
                raise ConnectionLost
            at += count
        return bytes(body)

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionLost
        self.buffer += data


# --- What the handler sees ------------------------------------------------------------------------------------------


class CognitoIdentity:
    """Who called, if it was a Cognito identity."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    def __init__(self, header):
        known = loads(header) if header else {}
        self.cognito_identity_id = known.get("cognitoIdentityId")
        self.cognito_identity_pool_id = known.get("cognitoIdentityPoolId")

    def __repr__(self):
        known = ",".join(f"{name}={getattr(self, name)}" for name in self.__slots__)
        return f"CognitoIdentity([{known}])"


class Client:
    """The calling application, as mobile SDKs describe it."""

    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")

    def __init__(self, known):
        for name in self.__slots__:
            setattr(self, name, known.get(name))


class ClientContext:
    """What the caller sent along as X-Amz-Client-Context."""

    __slots__ = ("custom", "env", "client")

    def __init__(self, known):
        self.custom = known.get("custom")
        self.env = known.get("env")
        client = known.get("client")
        self.client = Client(client) if isinstance(client, dict) else None


class LambdaContext:
    """The second argument of a handler."""

    def __init__(self, headers):
        environ = os.environ
        self.aws_request_id = headers.get("lambda-runtime-aws-request-id")
        self.log_group_name = environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        context = headers.get("lambda-runtime-client-context")
        context = loads(context) if context else None
        self.client_context = ClientContext(context) if isinstance(context, dict) else None
        self.identity = CognitoIdentity(headers.get("lambda-runtime-cognito-identity"))
        self._epoch_deadline_time_in_ms = int(headers.get("lambda-runtime-deadline-ms", 0))

    def get_remaining_time_in_millis(self):
        """Milliseconds until the function times out."""
        import time

        return max(self._epoch_deadline_time_in_ms - int(time.time() * 1000), 0)

    def log(self, message):
        """Writes to the log as it is."""
        sys.stdout.write(str(message))

    def __repr__(self):
        known = ",".join(f"{name}={value}" for name, value in vars(self).items() if not name.startswith("_"))
        return f"LambdaContext([{known}])"


# --- JSON -----------------------------------------------------------------------------------------------------------


class Reading:
    """What the C scanner is to know; the module `json` would take a third of a cold start to say the same."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.__getitem__


def loads(text):
    """Reads JSON, as `json.loads` does."""
    global scan
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogatepass")
    text = text.strip(" \t\n\r")
    try:
        if scan is None:
            import _json

            scan = _json.make_scanner(Reading)
        value, end = scan(text, 0)
        if end == len(text):
            return value
    except Exception:
        # Not JSON, or another Python's scanner: the module says what is wrong, if anything is.
        pass
    import json

    return json.loads(text)


scan = None


def unknown(value):
    raise TypeError(f"Object of type {value.__class__.__name__} is not JSON serializable")


def encoder():
    """AWS's encoder: from Python 3.12 on, other characters than ASCII stay as they are."""
    ascii_only = sys.version_info < (3, 12)
    try:
        import _json

        string = _json.encode_basestring_ascii if ascii_only else _json.encode_basestring
        # The arguments of `json.JSONEncoder`, in which only the markers are new for each value.
        rest = (unknown, string, None, ": ", ", ", False, False, True)
        if "".join(_json.make_encoder({}, *rest)([1], 0)) != "[1]":
            raise ValueError
    except Exception:
        import json

        return json.JSONEncoder(ensure_ascii=ascii_only).encode
    return lambda value: "".join(_json.make_encoder({}, *rest)(value, 0))


# --- The log --------------------------------------------------------------------------------------------------------


class Log:
    """Where the function's log records and uncaught errors go."""

    def __init__(self):
        self.json = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"
        self.level = os.environ.get("AWS_LAMBDA_LOG_LEVEL")
        self.request_id = ""

    def write(self, message):
        """Writes one message, whatever its lines, as one event."""
        import time

        data = message.encode("utf-8", "backslashreplace")[:262144]
        kind = JSON_FRAME if self.json else TEXT_FRAME
        stamp = int(time.time() * 1000000)
        head = kind.to_bytes(4, "big") + len(data).to_bytes(4, "big") + stamp.to_bytes(8, "big")
        flush()
        data = head + data
        try:
            while data:
                data = data[os.write(1, data) :]
        except OSError:
            # The function closed its standard output: nobody reads its log.
            pass

    def error(self, found):
        """Writes an uncaught error."""
        if self.json:
            record = {"timestamp": now(), "log_level": "ERROR"}
            self.write(compact({**record, **found}))
            return
        message = found["errorMessage"]
        lines = [f"[ERROR] {found['errorType']}" + (f": {message}" if message else "")]
        lines.append("Traceback (most recent call last):")
        for entry in found["stackTrace"]:
            lines.extend(indented(line) for line in entry.splitlines())
        self.write("\n".join(lines))

    def attach(self, logging):
        """Gives the root logger AWS's handler. Called once `logging` is imported by whomever."""
        import time

        log = self

        class Text(logging.Formatter):
            converter = time.gmtime

            def format(self, record):
                record.aws_request_id = log.request_id
                return super().format(record)

            def formatTime(self, record, datefmt=None):
                seconds = time.strftime("%Y-%m-%dT%H:%M:%S", self.converter(record.created))
                return f"{seconds}.{int(record.msecs):03d}Z"

        class Json(Text):
            def format(self, record):
                return compact(json_record(record, self.formatTime(record), log.request_id, self))

        class LambdaLoggerHandler(logging.Handler):
            def emit(self, record):
                try:
                    log.write(self.format(record))
                except Exception:
                    self.handleError(record)

        handler = LambdaLoggerHandler()
        text = Text("[%(levelname)s]\t%(asctime)s\t%(aws_request_id)s\t%(message)s")
        handler.setFormatter(Json() if self.json else text)
        root = logging.getLogger()
        root.addHandler(handler)
        levels = {"TRACE": 5, "DEBUG": 10, "INFO": 20, "WARN": 30, "ERROR": 40, "FATAL": 50}
        if self.json and self.level in levels:
            root.setLevel(levels[self.level])


def json_record(record, stamp, request_id, formatter):
    """A log record as AWS's JSON format shows it."""
    known = {
        "timestamp": stamp,
        "level": record.levelname,
        "message": record.getMessage(),
        "logger": record.name,
    }
    if record.exc_info:
        known["stackTrace"] = formatter.formatException(record.exc_info).split("\n")
        known["errorType"] = record.exc_info[0].__name__ if record.exc_info[0] else None
        known["errorMessage"] = str(record.exc_info[1])
        known["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
    if request_id:
        known["requestId"] = request_id
    extra = {name: value for name, value in vars(record).items() if name not in RECORD and name not in known}
    return {**known, **extra}


# What every log record has; anything else was given as `extra`.
RECORD = frozenset(
    "args asctime created exc_info exc_text filename funcName levelname levelno lineno module msecs message msg name"
    " pathname process processName relativeCreated stack_info thread threadName taskName aws_request_id".split()
)


class WhenLoggingIsImported:
    """Attaches the log to `logging` when it is first imported: importing it ahead would cost every cold start."""

    def __init__(self, log):
        self.log = log

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                self.extend(spec.loader)
                return spec
        return None

    def extend(self, loader):
        execute = loader.exec_module
        log = self.log

        def exec_module(module):
            execute(module)
            log.attach(module)

        loader.exec_module = exec_module


# What AWS's runtime has imported before the handler's module: a file of the function's own of such a name is never found.
TAKEN = frozenset(
    "_collections_abc _weakrefset abc ast base64 bisect codecs collections contextlib copy copyreg datetime decimal email"
    " encodings enum functools genericpath heapq http importlib inspect io json keyword linecache locale logging math"
    " numbers operator os posixpath queue quopri random re reprlib select selectors signal site socket ssl stat string struct"
    " sys tempfile textwrap threading time token tokenize traceback types typing urllib uuid warnings weakref".split()
)


class StandardFirst:
    """Finds those modules in the standard library alone, since this file imports them late, if at all."""

    def __init__(self):
        self.paths = [path for path in sys.path if path.startswith(sys.base_prefix + os.sep)]

    def find_spec(self, name, path=None, target=None):
        if path is not None or name not in TAKEN:
            return None
        from _frozen_importlib_external import PathFinder

        return PathFinder.find_spec(name, self.paths)


def compact(value):
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def now():
    import time

    seconds = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{stamp}.{int(seconds * 1000) % 1000:03d}Z"


def indented(line):
    """A line whose indentation survives the log's display."""
    stripped = line.lstrip(" ")
    return NBSP * (len(line) - len(stripped)) + stripped


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            # The function may have put anything there.
            pass


# --- Errors ---------------------------------------------------------------------------------------------------------


def document(kind, message, request_id, trace):
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}


def document_of(error, request_id):
    """The error document of an exception, without the frames of this file."""
    if isinstance(error, Fault):
        return document(error.kind, error.message, request_id, error.trace)
    import traceback

    frames = [tuple(frame) for frame in traceback.extract_tb(error.__traceback__)]
    own = __file__
    foreign = next((at for at, frame in enumerate(frames) if frame[0] != own), len(frames))
    return document(type(error).__name__, str(error), request_id, traceback.format_list(frames[foreign:]))


def error_header(found):
    kind = "".join(c for c in found["errorType"] if c.isascii() and (c.isalnum() or c in "._"))
    return f"Lambda-Runtime-Function-Error-Type: {kind}\r\n"


# --- The handler ----------------------------------------------------------------------------------------------------


def find_handler(name):
    """Imports the module of `module.function` and returns the function."""
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': {error}") from None
    if module_name.split(".")[0] in sys.builtin_module_names:
        message = f"Cannot use built-in module {module_name} as a handler module"
        raise Fault("Runtime.BuiltInModuleConflict", message)
    import importlib

    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise Fault("Runtime.ImportModuleError", message) from None
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        message = f"Syntax error in module '{module_name}': {error}"
        raise Fault("Runtime.UserCodeSyntaxError", message, trace) from None
    try:
        return getattr(module, function_name)
    except AttributeError:
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise Fault("Runtime.HandlerNotFound", message) from None


def paths():
    """Where modules come from: the function's code first, then layers, then the runtime."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    task = os.environ.get("LAMBDA_TASK_ROOT", "/var/task")
    first = [task, f"/opt/python/lib/{version}/site-packages", "/opt/python"]
    # What was in front was the folder of this file.
    sys.path[:] = first + [path for path in sys.path if path not in first]
    if os.path.isdir(task):
        os.chdir(task)


def streams():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def call(handler, event, context, encode):
    """The answer's bytes."""
    try:
        event = loads(event)
    except ValueError as error:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None
    result = handler(event, context)
    try:
        return encode(result).encode("utf-8")
    except (TypeError, ValueError, RecursionError, UnicodeError) as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from None


def serve(api, handler, log):
    """Answers events for ever."""
    encode = encoder()
    while True:
        headers, event = api.next()
        request_id = headers.get("lambda-runtime-aws-request-id", "")
        log.request_id = request_id
        trace = headers.get("lambda-runtime-trace-id")
        if trace:
            os.environ["_X_AMZN_TRACE_ID"] = trace
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        try:
            answer = call(handler, event, LambdaContext(headers), encode)
            request = api.post(f"invocation/{request_id}/response", answer)
        except Exception as error:
            found = document_of(error, request_id)
            log.error(found)
            body = encode(found).encode("utf-8", "backslashreplace")
            request = api.post(f"invocation/{request_id}/error", body, error_header(found))
        flush()
        api.answer(request)


def main():
    api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
    log = Log()
    streams()
    sys.meta_path.insert(0, StandardFirst())
    paths()
    if "logging" in sys.modules:
        log.attach(sys.modules["logging"])
    else:
        sys.meta_path.insert(0, WhenLoggingIsImported(log))
    try:
        handler = find_handler(os.environ["_HANDLER"])
    except Exception as error:
        found = document_of(error, "")
        log.error(found)
        body = encoder()(found).encode("utf-8", "backslashreplace")
        api.say(api.post("init/error", body, error_header(found)))
        sys.exit(1)
    serve(api, handler, log)


if __name__ == "__main__":
    main()
