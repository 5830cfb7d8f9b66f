"""Addresses of mParticle's APIs: the one that was typed, else the vendor's, by its pod where it has pods.

Data subject requests have one host for all pods. https://docs.mparticle.com/developers/data-localization/
"""

from typing import Final

from dsrportal.sentence import Verbatim
from integrations.account import Account

PODS: Final = tuple((pod, Verbatim(pod.upper())) for pod in ("us1", "us2", "eu1", "au1"))


def identity(processor: Account) -> str:
    """IDSync. Documented without a pod; the vendor's SDKs name the pod, and US1 is where the plain name leads."""
    pod = _pod(processor)
    host = "identity.mparticle.com" if pod == "us1" else f"identity.{pod}.mparticle.com"
    return _typed(processor, "identity_url") or f"https://{host}/v1"


def events(processor: Account) -> str:
    return _typed(processor, "events_url") or f"https://s2s.{_pod(processor)}.mparticle.com/v2"


def platform(processor: Account) -> str:
    return _typed(processor, "platform_url") or "https://api.mparticle.com/v1"


def sso(processor: Account) -> str:
    return _typed(processor, "sso_url") or "https://sso.auth.mparticle.com"


def _pod(processor: Account) -> str:
    """One of them, whatever is stored: it becomes part of a host that credentials are sent to."""
    chosen = processor.option("pod")
    return chosen if chosen in dict(PODS) else PODS[0][0]


def _typed(processor: Account, option: str) -> str:
    return processor.option(option).strip().rstrip("/")
