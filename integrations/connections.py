"""The connections that requests leave by: kept alive, one set per thread and processor, TLS only.

For `integrations.http` alone. urllib3 by itself, without requests: of what requests adds, netrc, cookies,
REQUESTS_CA_BUNDLE and reading a redirect's body without a limit would all have to be switched off again.
"""

import logging
import os
import ssl
import threading
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from cryptography.hazmat.primitives.serialization import Encoding
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from integrations.roots import extra_roots, public_roots

if TYPE_CHECKING:
    from integrations.models import Processor

logger = logging.getLogger(__name__)

_PROCESSORS_KEPT = 32


class _Own(threading.local):
    """What a thread has of its own: its connections, and whether its call began to send."""

    def __init__(self) -> None:
        self.begun = False
        self.pid = os.getpid()
        self.managers: OrderedDict[tuple[object, ...], urllib3.PoolManager] = OrderedDict()


_own = _Own()


class _Connection(HTTPSConnection):
    """Notes the moment from which a failure no longer means that nothing left this machine.

    urllib3 connects (DNS, TCP, proxy, TLS) before it calls `request`; its exceptions alone do not tell
    a failed handshake from a connection that broke while the answer was read.
    """

    def request(self, *args: Any, **kwargs: Any) -> None:
        _own.begun = True
        super().request(*args, **kwargs)


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


def mark_unsent() -> None:
    """Before a call."""
    _own.begun = False


def begun() -> bool:
    """Whether this thread's last call came as far as sending."""
    return _own.begun


def manager_for(processor: "Processor", host: str) -> urllib3.PoolManager:
    """This thread's connections to this processor, with its own roots; none are inherited over a fork."""
    if _own.pid != os.getpid():
        _own.pid = os.getpid()
        _own.managers.clear()
    proxy = _proxy(host)
    key = (processor.pk, processor.extra_tls_roots, proxy)
    manager = _own.managers.get(key)
    if manager is None:
        context = _tls_context(processor.extra_tls_roots)
        if proxy:
            manager = _proxied(proxy, context)
        else:
            manager = urllib3.PoolManager(num_pools=4, maxsize=2, ssl_context=context)
        manager.pool_classes_by_scheme = {"https": _Pool}
        _own.managers[key] = manager
        if len(_own.managers) > _PROCESSORS_KEPT:
            _own.managers.popitem(last=False)[1].clear()
    _own.managers.move_to_end(key)
    return manager


def _proxy(host: str) -> str:
    """HTTPS_PROXY and NO_PROXY, read by the standard library: the one thing of the environment an operator
    expects a client to honour. Not honoured: netrc (our credentials are the processor's) and the variables
    that replace trusted roots (those are the processor's too)."""
    proxy = getproxies().get("https", "")
    return "" if not proxy or proxy_bypass(host) else proxy


def _proxied(proxy: str, context: ssl.SSLContext) -> urllib3.ProxyManager:
    address = proxy if "://" in proxy else f"http://{proxy}"
    parts = urlsplit(address)
    headers = None
    if parts.username:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = urllib3.make_headers(proxy_basic_auth=credentials)
        address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return urllib3.ProxyManager(address, num_pools=4, maxsize=2, proxy_headers=headers, ssl_context=context)


@lru_cache(maxsize=32)
def _tls_context(extra_pem: str) -> ssl.SSLContext:
    """TLS 1.2 or newer, host names checked, public roots and the processor's extra ones."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for root in public_roots() + extra_roots(extra_pem):
        try:
            context.load_verify_locations(cadata=root.public_bytes(Encoding.DER))
        except ssl.SSLError:
            logger.warning("A root certificate does not load into TLS and is not trusted.")
    return context
