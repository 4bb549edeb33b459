#!/usr/bin/env python3
"""A web form on a registry, as an example: python3 server.py --user ada --database postgresql://app@/research

Serves form.html and, over JSON as PostgREST does, the functions that it calls: POST /rpc/<function> with the arguments as an object.
Needs Python 3.9 and psql, nothing else. It works for one user, named at its start, and listens on this machine only: who signs in, and
that the browser is who it says, is the business of the application that this becomes a part of.
"""

import argparse
import http.server
import json
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).with_name("form.html")

# Functions that the browser may call, with the types of the arguments. The actor is not among them: the browser must not choose it.
FUNCTIONS = {
    "item_can_clone": {"item_id": "text"},
    "item_clone_draft": {"item_id": "text", "edits": "jsonb", "options": "jsonb"},
    "item_clone_check": {"item_id": "text", "edits": "jsonb", "options": "jsonb"},
    "item_clone": {"item_id": "text", "edits": "jsonb", "options": "jsonb"},
}

# HTTP status of errors that the caller caused, as in PostgREST.
STATUS = {"42501": 403, "P0002": 404, "22023": 422, "55000": 409}
MOST = 16 * 1024 * 1024
SECONDS = 60
ARGUMENTS = 'Send the arguments as a JSON object: {"item_id": "10378.1/102"}.'


class Malformed(Exception):
    """A request that cannot be read: HTTP status, message, hint."""

    def __init__(self, status, message, hint):
        super().__init__(message)
        self.status = status
        self.body = {"code": f"HTTP{status}", "message": message, "details": None, "hint": hint}


def no_constant(name):
    raise ValueError(f"{name} is no value of JSON")


def arguments_of(text):
    """The arguments of a call as sent."""
    try:
        given = json.loads(text.decode(), parse_constant=no_constant)
    except RecursionError:
        raise Malformed(400, "the arguments are nested too deeply", "A form has at most 100 levels.") from None
    except ValueError as wrong:
        raise Malformed(400, f"the arguments are not JSON: {wrong}", ARGUMENTS) from None
    if not isinstance(given, dict):
        raise Malformed(400, "the arguments are no object", ARGUMENTS)
    return given


def literal(text):
    """A text as an SQL literal; psql runs with standard_conforming_strings."""
    if "\0" in text:
        raise Malformed(400, "a text has a zero byte", "PostgreSQL stores no zero bytes: leave it out.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise Malformed(400, "a text is not valid Unicode", "Send both halves of a surrogate pair, or the character itself.")
    return "'" + text.replace("'", "''") + "'"


def statement(name, given, user, store):
    """The call of a function with its arguments by name."""
    types = FUNCTIONS[name]
    unknown = sorted(set(given) - set(types))
    if unknown:
        raise Malformed(400, f"{name} has no argument {unknown[0]}", f"Its arguments are {', '.join(types)}.")
    arguments = []
    for argument, value in given.items():
        text = value if types[argument] == "text" and isinstance(value, str) else json.dumps(value)
        arguments.append(f"{argument} => {literal(text)}::{types[argument]}")
    arguments.append(f"actor => {literal(user)}")
    if store:
        arguments.append(f"store => {literal(store)}")
    return f"SELECT to_json({name}({', '.join(arguments)}));"


class Refused(Exception):
    """An error of the server."""

    def __init__(self, report):
        found = re.search(r"(?:ERROR|FATAL):  (?:(\w{5}): )?(.*)", report)
        part = lambda label: re.search(rf"^{label}:  ((?:.|\n(?!\w+:  ))*)", report, re.M)
        detail, hint = part("DETAIL"), part("HINT")
        self.body = {
            "code": (found and found[1]) or "XX000",
            "message": found[2] if found else report.strip(),
            "details": detail and detail[1].strip(),
            "hint": hint[1].strip() if hint else "The log of the server says more.",
        }
        code = self.body["code"]
        # Values that cannot be read, and arguments that no function takes, are the caller's fault too.
        self.status = STATUS.get(code, 400 if code[:2] in ("22", "42") else 500)


def query(sql, database):
    """Runs one statement; its only value as text."""
    script = f"\\set VERBOSITY verbose\nSET standard_conforming_strings = on;\n{sql}\n"
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database]
    try:
        done = subprocess.run(command, input=script.encode(), capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise Malformed(504, f"the database did not answer within {SECONDS} seconds", "Try again later.") from None
    except OSError as wrong:
        raise Malformed(500, f"psql cannot be started: {wrong.strerror}", "Install it where this server finds it.") from None
    if done.returncode:
        raise Refused(done.stderr.decode(errors="replace"))
    return done.stdout


class Handler(http.server.BaseHTTPRequestHandler):
    """One request of the browser."""

    # A browser that sends less than it announced is not waited for longer.
    timeout = SECONDS

    def answer(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'")
        if status == 405:
            self.send_header("Allow", self.allowed())
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def allowed(self):
        return "GET" if self.path == "/" else "POST"

    def refuse(self, error):
        # What was sent and not read must not be taken for another request.
        self.close_connection = True
        self.answer(error.status, json.dumps(error.body).encode())

    def send_error(self, code, message=None, explain=None):
        """What the library finds wrong: the request line, the headers, the method."""
        if not hasattr(self, "path"):
            self.path = ""
        # An answer without a status line would be that of HTTP/0.9.
        self.request_version = "HTTP/1.1"
        if code == 501:
            return self.refuse(self.wrong_method())
        self.refuse(Malformed(code, message or "the request cannot be read", "Send a request of HTTP/1.1."))

    def wrong_method(self):
        if self.path != "/" and self.path.removeprefix("/rpc/") not in FUNCTIONS:
            return self.unknown()
        return Malformed(405, f"{self.command} is not possible here", f"Send {self.allowed()}.")

    def unknown(self):
        return Malformed(404, f"there is nothing at {self.path}", f"POST /rpc/ takes {', '.join(FUNCTIONS)}; GET / is the page.")

    def do_GET(self):
        if self.path != "/":
            return self.refuse(self.wrong_method())
        self.answer(200, PAGE.read_bytes(), "text/html")

    def do_POST(self):
        try:
            self.answer(200, self.called())
        except (Malformed, Refused) as error:
            self.refuse(error)

    def called(self):
        name = self.path.removeprefix("/rpc/")
        # A page of another site cannot send this content type or this host.
        if self.headers.get_content_type() != "application/json" or self.headers.get("Host") != self.server.host:
            raise Malformed(403, "the request is not from this page", f"Open http://{self.server.host}/ and use its form.")
        if self.path == "/":
            raise self.wrong_method()
        if name == self.path or name not in FUNCTIONS:
            raise self.unknown()
        length = self.headers.get("Content-Length")
        if length is None:
            raise Malformed(411, "Content-Length is missing", "Send the number of bytes of the arguments.")
        if not (length.isascii() and length.isdecimal()):
            raise Malformed(400, f"Content-Length is {length}, not a number of bytes", "Send the number of bytes of the arguments.")
        if len(length) > 18 or int(length) > MOST:
            raise Malformed(413, f"the arguments are larger than {MOST} bytes", "Put large content into a file, not into the item.")
        given = arguments_of(self.rfile.read(int(length)))
        options = self.server.options
        return query(statement(name, given, options.user, options.store), options.database)

    def log_message(self, *message):
        if self.server.options.verbose:
            super().log_message(*message)


def main():
    parser = argparse.ArgumentParser(description="A web form that clones items of a registry.")
    parser.add_argument("--user", required=True, help="the user of the registry who works with it")
    parser.add_argument("--database", default="", help="as psql takes it; its role may set pg_clone.actor")
    parser.add_argument("--store", help="the registry, where there are several")
    parser.add_argument("--port", type=int, default=8080, help="0: any that is free")
    parser.add_argument("--verbose", action="store_true", help="show each request")
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.options = options
    server.host = f"127.0.0.1:{server.server_port}"
    print(f"http://{server.host}/", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
