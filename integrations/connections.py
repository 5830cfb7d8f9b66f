"""The connections that requests leave by: kept alive, one set per thread and processor, TLS only.

For `integrations.http` alone. What a `requests.Session` adds on top of its adapter (netrc, cookies,
REQUESTS_CA_BUNDLE, redirects) is not wanted here, so the adapter is used by itself.
"""

import logging
import os
import ssl
import threading
from collections import OrderedDict
from functools import lru_cache
from typing import Any
from urllib.request import getproxies, proxy_bypass

from cryptography.hazmat.primitives.serialization import Encoding
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager, ProxyManager
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from integrations.account import Account
from integrations.trust_roots import extra_roots, public_roots

logger = logging.getLogger(__name__)

_PROCESSORS_KEPT = 32


class _Own(threading.local):
    """What a thread has of its own: its connections, and whether its call began to send."""

    def __init__(self) -> None:
        self.begun = False
        self.pid = os.getpid()
        self.adapters: OrderedDict[tuple[object, ...], ProcessorAdapter] = OrderedDict()


_own = _Own()


class _Connection(HTTPSConnection):
    """Notes the moment from which a failure no longer means that nothing left this machine.

    It connects (DNS, TCP, proxy, TLS) before `request` is called; the exceptions alone do not tell
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


class ProcessorAdapter(HTTPAdapter):
    """Trusts the roots of one processor and nothing else; never tries again by itself."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=4, pool_maxsize=2, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        _only_tls(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)
        _only_tls(manager)
        return manager

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        # The roots are in our context; requests would add its own bundle to them.
        conn.cert_reqs = "CERT_REQUIRED"


def _only_tls(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"https": _Pool}


def adapter_for(processor: Account) -> ProcessorAdapter:
    """This thread's connections to this processor, with its own roots; none are inherited over a fork."""
    if _own.pid != os.getpid():
        _own.pid = os.getpid()
        _own.adapters.clear()
    key = (processor.pk, processor.extra_tls_roots)
    adapter = _own.adapters.get(key)
    if adapter is None:
        adapter = _own.adapters[key] = ProcessorAdapter(_tls_context(processor.extra_tls_roots))
        if len(_own.adapters) > _PROCESSORS_KEPT:
            _own.adapters.popitem(last=False)[1].close()
    _own.adapters.move_to_end(key)
    return adapter


def proxies_for(host: str) -> dict[str, str]:
    """HTTPS_PROXY and NO_PROXY, read by the standard library: the one thing of the environment an operator
    expects a client to honour. Not honoured: netrc (our credentials are the processor's) and the variables
    that replace trusted roots (those are the processor's too)."""
    proxy = getproxies().get("https", "")
    if not proxy or proxy_bypass(host):
        return {}
    return {"https": proxy if "://" in proxy else f"http://{proxy}"}


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
