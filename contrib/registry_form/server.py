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


def literal(text):
    """A text as an SQL literal; psql runs with standard_conforming_strings."""
    if "\0" in text:
        raise ValueError("a text with a zero byte")
    return "'" + text.replace("'", "''") + "'"


def statement(name, given, user, store):
    """The call of a function with its arguments by name."""
    types = FUNCTIONS[name]
    unknown = sorted(set(given) - set(types))
    if unknown:
        raise ValueError(f"{name} has no argument {unknown[0]}")
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
            "hint": hint and hint[1].strip(),
        }
        code = self.body["code"]
        # Values that cannot be read, and arguments that no function takes, are the caller's fault too.
        self.status = STATUS.get(code, 400 if code[:2] in ("22", "42") else 500)


def query(sql, database):
    """Runs one statement; its only value as text."""
    script = f"\\set VERBOSITY verbose\nSET standard_conforming_strings = on;\n{sql}\n"
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database]
    done = subprocess.run(command, input=script.encode(), capture_output=True, timeout=60)
    if done.returncode:
        raise Refused(done.stderr.decode(errors="replace"))
    return done.stdout


class Handler(http.server.BaseHTTPRequestHandler):
    """One request of the browser."""

    def answer(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'")
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, message):
        self.answer(status, json.dumps({"code": None, "message": message}).encode())

    def do_GET(self):
        if self.path == "/":
            self.answer(200, PAGE.read_bytes(), "text/html")
        else:
            self.refuse(404, "no such page")

    def do_POST(self):
        name = self.path.removeprefix("/rpc/")
        length = self.headers.get("Content-Length") or "0"
        length = int(length) if length.isdecimal() else 0
        # A page of another site cannot send this content type or this host.
        if self.headers.get_content_type() != "application/json" or self.headers.get("Host") != self.server.host:
            return self.refuse(403, "not from this page")
        if name == self.path or name not in FUNCTIONS or not 0 < length <= MOST:
            return self.refuse(404, "no such function")
        try:
            given = json.loads(self.rfile.read(length))
            if not isinstance(given, dict):
                raise ValueError("the arguments are no object")
            options = self.server.options
            self.answer(200, query(statement(name, given, options.user, options.store), options.database))
        except Refused as refused:
            self.answer(refused.status, json.dumps(refused.body).encode())
        except (ValueError, RecursionError) as wrong:
            self.refuse(400, str(wrong))

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
