"""Labels of the fields whose changes an audit event holds: stored by name, shown in words."""

from typing import Final

from django.utils.translation import gettext, gettext_noop

_WORDS: Final = frozenset(
    {
        gettext_noop("access days"),
        gettext_noop("account"),
        gettext_noop("assignee"),
        gettext_noop("attributes"),
        gettext_noop("base url"),
        gettext_noop("budget share"),
        gettext_noop("certificate hosts"),
        gettext_noop("consent document"),
        gettext_noop("credentials"),
        gettext_noop("data points"),
        gettext_noop("days before"),
        gettext_noop("declaration"),
        gettext_noop("development key"),
        gettext_noop("email"),
        gettext_noop("environment"),
        gettext_noop("erasure days"),
        gettext_noop("erasure policy"),
        gettext_noop("events url"),
        gettext_noop("exclusion attribute"),
        gettext_noop("export key"),
        gettext_noop("extra signing roots"),
        gettext_noop("extra tls roots"),
        gettext_noop("first name"),
        gettext_noop("gdpr purposes"),
        gettext_noop("identity auth"),
        gettext_noop("identity url"),
        gettext_noop("input key"),
        gettext_noop("input secret"),
        gettext_noop("instructions"),
        gettext_noop("is active"),
        gettext_noop("is superuser"),
        gettext_noop("key"),
        gettext_noop("kind"),
        gettext_noop("language"),
        gettext_noop("last name"),
        gettext_noop("limits"),
        gettext_noop("link days"),
        gettext_noop("methods"),
        gettext_noop("name"),
        gettext_noop("oauth account"),
        gettext_noop("oauth client id"),
        gettext_noop("oauth client secret"),
        gettext_noop("opt out attribute"),
        gettext_noop("per minute"),
        gettext_noop("platform url"),
        gettext_noop("pod"),
        gettext_noop("processor domain"),
        gettext_noop("production key"),
        gettext_noop("regulations"),
        gettext_noop("secret"),
        gettext_noop("sso url"),
        gettext_noop("time zone"),
        gettext_noop("types"),
        gettext_noop("user id type"),
        gettext_noop("username"),
        gettext_noop("when"),
        gettext_noop("workspace key"),
        gettext_noop("workspace secret"),
    }
)


def in_words(name: str) -> str:
    """The words of a name, in the reader's language where they are known here."""
    words = name.replace("_", " ")
    return gettext(words) if words in _WORDS else words
