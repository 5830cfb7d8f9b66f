"""Accounts. Nobody gives, or takes over, rights they do not have themselves; every change is an event."""

from collections.abc import Callable
from typing import Any, Final, TypeVar
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from cases.admin import widgets
from cases.admin.actors import actor_of
from cases.admin.export import Column, Exported, instant
from cases.admin.people import permission_words
from cases.admin.people.granting import refuse_beyond
from cases.admin.readonly import DeskAdmin, moment
from cases.services import users
from dsrportal.models import User

Answer = TypeVar("Answer", bound=HttpResponseBase)


def time_zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in sorted(available_timezones())]


class _RolesMixin(forms.ModelForm):
    """Roles that someone gives or takes away must lie within their own rights."""

    def clean_groups(self) -> Any:
        chosen = self.cleaned_data["groups"]
        had = set(self.instance.groups.all()) if self.instance.pk else set()
        refuse_beyond(self, users.permissions_of(had ^ set(chosen)))
        return chosen


class ChangeUserForm(_RolesMixin, UserChangeForm):
    # Changed on a page of its own; how the present one is hashed is nobody's business.
    password = None  # type: ignore[assignment]
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), choices=time_zones, required=False)

    class Meta(UserChangeForm.Meta):
        model = User

    def clean_time_zone(self) -> str:
        return self.cleaned_data["time_zone"] or "UTC"


class NewUserForm(_RolesMixin, UserCreationForm):
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"), choices=time_zones, initial="UTC", required=False
    )

    class Meta(UserCreationForm.Meta):
        model = User

    def clean_time_zone(self) -> str:
        return self.cleaned_data["time_zone"] or "UTC"


# What cannot be changed is read in words: Django shows marks with English names, and roles by their stored ones.
READ_AS: Final = {"is_active": "active", "groups": "roles", "is_superuser": "superuser"}


class PasswordForm(AdminPasswordChangeForm):
    # Django's own says a part of it in English alone.
    usable_password_help_text = gettext_lazy("If you disable it, the current password is lost.")  # type: ignore[assignment]


class RoleFilter(admin.RelatedFieldListFilter):
    """Groups are called roles here."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.title = _("Role")

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        found = super().field_choices(field, request, model_admin)
        return [(key, permission_words.role_label(str(name))) for key, name in found]


@admin.register(User)
class PortalUserAdmin(Exported, DeskAdmin, UserAdmin):
    export_name = "users"
    export_columns = (
        Column("username", lambda user: user.username),
        Column("name", lambda user: user.get_full_name()),
        Column("roles", lambda user: "; ".join(sorted(role.name for role in user.groups.all()))),
        Column("active", lambda user: "yes" if user.is_active else "no"),
        Column("superuser", lambda user: "yes" if user.is_superuser else "no"),
        Column("last_log_in", lambda user: instant(user.last_login)),
        Column("account_made", lambda user: instant(user.date_joined)),
    )
    form = ChangeUserForm
    add_form = NewUserForm
    change_password_form = PasswordForm
    list_display = ("username", "full_name", "roles", "active", "superuser", "last_seen")
    list_filter = ("is_active", "is_superuser", ("groups", RoleFilter))
    ordering = ("username",)
    search_fields = ("username", "first_name", "last_name", "email")
    search_help_text = gettext_lazy("Name or e-mail")
    filter_horizontal = ()
    add_form_template = None
    change_form_template = "portal/people/user.html"
    fieldsets = (
        (None, {"fields": ("username",)}),
        (gettext_lazy("Person"), {"fields": ("first_name", "last_name", "email", "language", "time_zone")}),
        (gettext_lazy("Permissions"), {"fields": ("is_active", "groups", "is_superuser")}),
        (gettext_lazy("Dates"), {"fields": ("last_seen", "joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "password1", "password2")}),
        (gettext_lazy("Person"), {"fields": ("first_name", "last_name", "email", "language", "time_zone")}),
        (gettext_lazy("Permissions"), {"fields": ("groups",)}),
    )
    readonly_fields = ("last_seen", "joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        found: QuerySet[User] = super().get_queryset(request).prefetch_related("groups")
        return found

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Accounts are deactivated: the trail names them for ever."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or (isinstance(request.user, User) and users.may_manage(request.user, obj))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if obj is None:
            return found
        fixed = self.get_readonly_fields(request, obj)
        may_change = self.has_change_permission(request, obj)

        def shown(name: Any) -> Any:
            words = READ_AS.get(name)
            return words if words and (words in fixed or not may_change) else name

        return [(title, {**more, "fields": tuple(map(shown, more["fields"]))}) for title, more in found]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = [*self.readonly_fields]
        if obj is not None and obj.pk == request.user.pk:
            # Nobody changes their own rights, nor locks themselves out.
            return [*fields, *READ_AS.values()]
        return fields if request.user.is_superuser else [*fields, "superuser"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made: Any = super().get_form(request, obj, change=change, **kwargs)
        return type(made)(made.__name__, (made,), {"giver": request.user})

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name == "groups":
            field.label_from_instance = lambda role: permission_words.role_label(role.name)
            field.widget = forms.CheckboxSelectMultiple(attrs={"class": "choices"}, choices=field.choices)
            field.label, field.help_text = _("Roles"), ""
        return field

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.is_staff = True  # the desk is all there is to log in to
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        user: User = form.instance
        before = _role_names(user) if change else []
        super().save_related(request, form, formsets, change)
        actor, after = actor_of(request), _role_names(user)
        if not change:
            users.created(user, actor=actor, roles=after)
            return
        fields = [name for name in form.changed_data if name not in {"groups", "password"}]
        users.changed(user, actor=actor, fields=fields, before=form.initial)
        users.roles_changed(user, actor=actor, before=before, after=after)

    @method_decorator(sensitive_post_parameters())
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        before = _stored_password(id)
        with transaction.atomic():
            response: HttpResponse = super().user_change_password(request, id, form_url)
            if request.method == "POST" and _stored_password(id) != before:
                users.password_changed(User.objects.get(pk=id), actor=actor_of(request))
        return response

    @admin.display(description=gettext_lazy("Name"))
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @admin.display(description=gettext_lazy("Roles"))
    def roles(self, user: User) -> str:
        return ", ".join(sorted(permission_words.role_label(role.name) for role in user.groups.all()))

    @admin.display(description=gettext_lazy("Active"), ordering="is_active")
    def active(self, user: User) -> SafeString:
        return _yes_or_no(user.is_active)

    @admin.display(description=gettext_lazy("Superuser"), ordering="is_superuser")
    def superuser(self, user: User) -> SafeString:
        return _yes_or_no(user.is_superuser)

    @admin.display(description=gettext_lazy("Last log-in"), ordering="last_login")
    def last_seen(self, user: User) -> str:
        return moment(user.last_login)

    @admin.display(description=gettext_lazy("Account created"))
    def joined(self, user: User) -> str:
        return moment(user.date_joined)


def recorded(request: HttpRequest, change: Callable[[], Answer]) -> Answer:
    """Somebody changes their own password: the change and its event, or neither."""
    user = request.user
    if not isinstance(user, User):
        return change()
    before = user.password
    with transaction.atomic():
        response = change()
        if user.password != before:
            users.password_changed(user, actor=actor_of(request))
    return response


def _yes_or_no(said: bool) -> SafeString:
    return widgets.badge(_("yes"), "info") if said else widgets.badge(_("no"))


def _role_names(user: User) -> list[str]:
    return list(user.groups.values_list("name", flat=True))


def _stored_password(user_id: str) -> str:
    return (
        User.objects.filter(pk=user_id).values_list("password", flat=True).first() or ""
        if user_id.isdigit()
        else ""
    )
