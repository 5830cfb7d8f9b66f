"""Labels of the permissions that Django gives every model: stored in English, shown through the catalog."""

from typing import Final

from django.utils.translation import gettext, gettext_noop

DEFAULT_RIGHTS: Final = (
    gettext_noop("Can add attachment"),
    gettext_noop("Can add case"),
    gettext_noop("Can add import"),
    gettext_noop("Can add intake source"),
    gettext_noop("Can add note"),
    gettext_noop("Can add processor"),
    gettext_noop("Can add role"),
    gettext_noop("Can add saved view"),
    gettext_noop("Can add user"),
    gettext_noop("Can change intake source"),
    gettext_noop("Can change processor"),
    gettext_noop("Can change role"),
    gettext_noop("Can change user"),
    gettext_noop("Can change verification rule"),
    gettext_noop("Can delete role"),
    gettext_noop("Can view attachment"),
    gettext_noop("Can view attention item"),
    gettext_noop("Can view audit event"),
    gettext_noop("Can view bulk run"),
    gettext_noop("Can view callback delivery"),
    gettext_noop("Can view case"),
    gettext_noop("Can view clock"),
    gettext_noop("Can view forwarding extension"),
    gettext_noop("Can view import"),
    gettext_noop("Can view intake source"),
    gettext_noop("Can view manual task"),
    gettext_noop("Can view processor"),
    gettext_noop("Can view processor request"),
    gettext_noop("Can view profile search"),
    gettext_noop("Can view result package"),
    gettext_noop("Can view role"),
    gettext_noop("Can view signing certificate"),
    gettext_noop("Can view skipped processor"),
    gettext_noop("Can view user"),
    gettext_noop("Can view verification rule"),
)
# The portal's own roles; those that somebody made are called what they were called.
ROLES: Final = (
    gettext_noop("administrator"),
    gettext_noop("agent"),
    gettext_noop("approver"),
    gettext_noop("auditor"),
    gettext_noop("integration manager"),
)


def role_label(role: str) -> str:
    """What a role is called, in the reader's language."""
    return gettext(role) if role in ROLES else role
