"""Chooses the port of the web server."""

import os
import socket
import threading
import time
from pathlib import Path

from dsrportal.serve.embedded import AlreadyRunning, CannotStart, Lock, private_top

HOW_MANY = 100


def take(host: str, wished: int) -> tuple[int, Lock]:
    """The wished port, else the next free one, with a lock to hold while it is used.

    The lock is for two portals that start at the same moment: our web server opens its port so that several of its
    workers can share it, and would share it with another portal's as well.
    Raises CannotStart where none is free.
    """
    for port in range(wished, wished + HOW_MANY):
        if not _free(host, port):
            continue
        lock = Lock(_lock_path(port))
        try:
            lock.take()
        except AlreadyRunning:
            continue
        if _free(host, port):
            return port, lock
        lock.release()
    raise CannotStart(f"No port from {wished} on is free: set PORTAL_PORT or --port to another one.")


def _free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a stopped one linger
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _lock_path(port: int) -> Path:
    return private_top(f"dsrportal-{os.geteuid()}-ports") / str(port)


def answers(host: str, port: int, *, given_up: threading.Event, seconds: float) -> bool:
    """Whether the web server answers a request within that time.

    Its last word before it listens comes a few milliseconds early, so a refused connection is tried again, unless
    the event says that the server has gone.
    """
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            with socket.create_connection((host, port), timeout=left) as link:
                link.sendall(b"GET /admin/login/ HTTP/1.0\r\nHost: localhost\r\n\r\n")
                return link.recv(12).startswith(b"HTTP/1.")
        except ConnectionRefusedError:
            if given_up.wait(0.02):
                return False
        except OSError:
            return False
    return False
