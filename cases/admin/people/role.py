"""Roles: what they may do. The portal's own keep at least what the table gives them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.actors import actor_of
from cases.admin.people import permission_words
from cases.admin.people.granting import refuse_beyond
from cases.admin.readonly import DeskAdmin
from cases.roles import GIVEN, always_has
from cases.services import users
from dsrportal.models import User


def permission_label(permission: Permission) -> str:
    """Kept in the database in English."""
    name = str(permission.name)
    words = name.replace("group", "role") if permission.content_type.model == "group" else name
    return _(words).removeprefix("Can ")


class PermissionsField(forms.ModelMultipleChoiceField):
    """What a permission lets someone do, without the tables it is filed under."""

    widget = forms.CheckboxSelectMultiple(attrs={"class": "choices"})

    def label_from_instance(self, obj: Any) -> str:
        return permission_label(obj)


class RoleForm(forms.ModelForm):
    permissions = PermissionsField(
        label=gettext_lazy("Permissions"), queryset=Permission.objects.none(), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("permissions")
        if isinstance(field, PermissionsField):
            field.queryset = _offered(self.instance)

    def clean_permissions(self) -> Any:
        chosen = self.cleaned_data["permissions"].select_related("content_type")
        has = set(self.instance.permissions.select_related("content_type")) if self.instance.pk else set()
        refuse_beyond(self, sorted(has ^ set(chosen), key=lambda permission: permission.pk))
        missing = sorted(
            always_has(self.instance.name if self.instance.pk else "") - set(users.names_of(chosen))
        )
        if missing:
            raise ValidationError(
                _("This role must keep these permissions: %(names)s. To grant fewer, create another role."),
                params={"names": ", ".join(permission_label(each) for each in _named(missing))},
            )
        return chosen


admin.site.unregister(Group)


@admin.register(Group)
class RoleAdmin(DeskAdmin, GroupAdmin):
    form = RoleForm
    fields = ("name", "permissions")
    filter_horizontal = ()
    list_display = ("role", "people")
    change_list_template = "portal/people/roles.html"
    change_form_template = add_form_template = "portal/people/role.html"
    search_fields = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        active = Count("user", filter=Q(user__is_active=True))
        roles: QuerySet[Group] = super().get_queryset(request)
        return roles.annotate(active_people=active)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The portal's own roles stay; one of somebody's own may go, within the rights of whoever deletes it."""
        if not super().has_delete_permission(request, obj):
            return False
        return obj is None or (not always_has(obj.name) and not self._beyond(request, obj))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or not self._beyond(request, obj)

    def _beyond(self, request: HttpRequest, role: Group) -> bool:
        return not isinstance(request.user, User) or bool(
            users.beyond(request.user, users.permissions_of([role]))
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["role"] if obj is not None and always_has(obj.name) else []

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The portal's own roles are called in the reader's language, and keep their names."""
        return ["role" if obj is not None and always_has(obj.name) else "name", "permissions"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made: Any = super().get_form(request, obj, change, **kwargs)
        return type(made)(made.__name__, (made,), {"giver": request.user})

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        role: Group = form.instance
        before = set(users.names_of(users.permissions_of([role])))
        super().save_related(request, form, formsets, change)
        after = set(users.names_of(users.permissions_of([role])))
        renamed = change and "name" in form.changed_data
        users.role_changed(
            role.name,
            actor=actor_of(request),
            added=after - before,
            removed=before - after,
            reason="renamed" if renamed else "" if change else "created",
            was=form.initial["name"] if renamed else "",
        )

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        removed = users.names_of(users.permissions_of([obj]))
        super().delete_model(request, obj)
        users.role_changed(obj.name, actor=actor_of(request), added=[], removed=removed, reason="deleted")

    @admin.display(description=gettext_lazy("Role"), ordering="name")
    def role(self, role: Group) -> str:
        return permission_words.role_label(role.name)

    @admin.display(description=gettext_lazy("Users"))
    def people(self, role: Any) -> int:
        counted: int = role.active_people
        return counted


def _named(names: list[str]) -> list[Permission]:
    found = Permission.objects.select_related("content_type").order_by("content_type", "codename")
    return [each for each in found if users.name_of(each) in names]


def _offered(role: Group) -> QuerySet[Permission]:
    """What the desk has a page or a verb for, and what this role was given besides."""
    found = Permission.objects.select_related("content_type").order_by("content_type", "codename")
    keys = [permission.pk for permission in found if users.name_of(permission) in GIVEN]
    had = list(role.permissions.values_list("pk", flat=True)) if role.pk else []
    return found.filter(pk__in=[*keys, *had])
