#!/usr/bin/env python3
"""A receiver of alerts for tests, one a process: writes a line `N ID` for each hit that it was told, as it comes.

    receiver.py http PORT OUT | syslog PORT OUT CERTIFICATE KEY | journal PATH OUT | lines PATH OUT
"""
import http.server
import json
import os
import socket
import ssl
import sys


def note(out, text):
    hit = json.loads(text)
    if hit.get("type") == "hit":
        out.write(f'{hit["n"]} {hit["id"]}\n')
        out.flush()


def serve_http(port, out):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            note(out, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


def take_frames(connection, out):
    data = b""
    while True:
        more = connection.recv(65536)
        if not more:
            return
        data += more
        while b" " in data:
            size, rest = data.split(b" ", 1)
            if len(rest) < int(size):
                break
            message, data = rest[: int(size)], rest[int(size):]
            note(out, message[message.index(b"] {") + 2:])


def serve_syslog(port, out, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", int(port)))
    while True:
        plain, _ = listener.accept()
        try:
            with context.wrap_socket(plain, server_side=True) as connection:
                take_frames(connection, out)
        except (OSError, ValueError):
            pass


def serve_journal(path, out):
    if os.path.exists(path):
        os.unlink(path)
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(path)
    while True:
        entry = receiver.recv(1 << 20)
        at = entry.index(b"DETECTD_JSON\n") + 13
        size = int.from_bytes(entry[at: at + 8], "little")
        note(out, entry[at + 8: at + 8 + size])


def serve_lines(path, out):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                note(out, line)


kind, where, target = sys.argv[1:4]
with open(target, "a", encoding="ascii") as file:
    {"http": serve_http, "syslog": serve_syslog, "journal": serve_journal, "lines": serve_lines}[kind](where, file, *sys.argv[4:])
