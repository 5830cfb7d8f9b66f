"""Model fields that are encrypted in the database and stay sealed in memory until they are read.

    class Note(SealedModel):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
        data_key = models.ForeignKey(DataKey, on_delete=models.PROTECT, editable=False)
        text = EncryptedTextField(key="data_key")

`key` is the attribute path from the instance to its data key. A value is bound to model, field and primary key, so a
ciphertext copied to another row or column is refused as `Tampered`. Renaming the model or the field therefore needs a
migration that seals every value anew. Reading needs the data key row: add it to `select_related` where many are read.
"""

import base64
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core import checks
from django.core.exceptions import FieldDoesNotExist, FieldError, ObjectDoesNotExist
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.query_utils import DeferredAttribute

from dsrportal import crypto
from dsrportal.crypto.keyring import DataKeyRow


class _Closed:
    """Stands where no plain value is known. A class, so that copying and pickling keep its identity."""


class SealedValue:
    """What an instance holds: a ciphertext, or a value that waits to be sealed. Shows neither."""

    __slots__ = ("encoded", "plain", "token")

    def __init__(self, *, token: bytes | None = None, plain: Any = _Closed, encoded: bytes = b"") -> None:
        self.token = token
        self.plain = plain
        # How `plain` was encoded when `token` was made: tells whether a mutable value changed since.
        self.encoded = encoded

    def __repr__(self) -> str:
        return "<not yet sealed>" if self.token is None else f"<sealed, {len(self.token)} bytes>"


class SealedAttribute(DeferredAttribute):
    """Opens the value at each read, and asks for the key each time: a destroyed key ends reading at once."""

    field: "EncryptedField"

    def __get__(self, instance: models.Model | None, cls: type[models.Model] | None = None) -> Any:
        if instance is None:
            return self
        return self.field.opened(instance)

    def __set__(self, instance: models.Model, value: Any) -> None:
        if value is not None and not isinstance(value, SealedValue):
            value = SealedValue(plain=value)
        instance.__dict__[self.field.attname] = value


class EncryptedField(models.BinaryField):
    """What the three kinds have in common; not for use by itself."""

    descriptor_class = SealedAttribute
    empty_strings_allowed = False
    # Mutable values are kept once opened, so that a change made in place is saved.
    mutable: ClassVar[bool] = False

    def __init__(self, *args: Any, key: str, **kwargs: Any) -> None:
        self.key = key
        # Never in a form unless someone writes a form field for it.
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def encode(self, value: Any) -> bytes:
        raise NotImplementedError

    def decode(self, plaintext: bytes) -> Any:
        raise NotImplementedError

    # --- between the instance and its key

    def data_key(self, instance: models.Model) -> DataKeyRow:
        """The data key row at the end of the path. Raises Unreadable where there is none."""
        row: Any = instance
        for name in self.key.split("."):
            try:
                row = getattr(row, name)
            except ObjectDoesNotExist:
                row = None
            if row is None:
                raise crypto.Unreadable(f"{self} has no data key at {self.key!r}.")
        return row  # type: ignore[no-any-return]

    def associated(self, instance: models.Model) -> bytes:
        """Where a value of this instance belongs."""
        pk = self.model._meta.pk
        return f"{self.model._meta.label}.{self.name}:{pk.to_python(getattr(instance, pk.attname))}".encode()

    def held(self, instance: models.Model) -> SealedValue | None:
        """What the instance holds, fetched first if it was deferred."""
        if self.attname not in instance.__dict__:
            manager = type(instance)._base_manager.db_manager(
                instance._state.db, hints={"instance": instance}
            )
            instance.__dict__[self.attname] = manager.values_list(self.attname, flat=True).get(pk=instance.pk)
        return instance.__dict__[self.attname]  # type: ignore[no-any-return]

    def opened(self, instance: models.Model) -> Any:
        """The plain value. `KeyDestroyed`, `WrongKey` or `Tampered` where it cannot be read."""
        held = self.held(instance)
        if held is None:
            return None
        if held.token is None:
            return held.plain
        secret = crypto.unwrap(self.data_key(instance))
        if held.plain is not _Closed:
            return held.plain
        value = self.decode(crypto.open_sealed(secret, held.token, self.associated(instance)))
        if self.mutable:
            held.plain, held.encoded = value, self.encode(value)
        return value

    def sealed(self, instance: models.Model, *, is_new: bool) -> SealedValue | None:
        """What is written: an unchanged ciphertext as it is, anything else encrypted now."""
        held = self.held(instance)
        if held is None:
            return None
        if held.plain is _Closed:
            if is_new:
                # A copy under another primary key could never be read again; say so now.
                self.opened(instance)
            return held
        encoded = self.encode(held.plain)
        if held.token is not None and not is_new and encoded == held.encoded:
            return held
        token = crypto.seal(crypto.unwrap(self.data_key(instance)), encoded, self.associated(instance))
        if self.mutable:
            return SealedValue(token=token, plain=held.plain, encoded=encoded)
        return SealedValue(token=token)

    # --- what Django asks of a field

    def pre_save(self, model_instance: models.Model, add: bool) -> SealedValue | None:
        value = self.sealed(model_instance, is_new=add)
        model_instance.__dict__[self.attname] = value
        return value

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        """The sealed bytes. Raises TypeError for a value that was not sealed on an instance."""
        if value is not None and not isinstance(value, SealedValue):
            raise TypeError(
                f"{self} is encrypted: set it on an instance and save that, not by update() or in bulk."
            )
        return super().get_db_prep_save(value, connection)

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        if value is not None:
            # Only writing goes through get_db_prep_save. What arrives here otherwise is a value that Django asks the
            # database to compare with a constraint: plain text stays here, and "is it null" is all that matters.
            value = value.token if isinstance(value, SealedValue) else b""
        return super().get_db_prep_value(value, connection, prepared)

    def from_db_value(
        self, value: Any, _expression: Any, _connection: BaseDatabaseWrapper
    ) -> SealedValue | None:
        return None if value is None else SealedValue(token=bytes(value))

    def to_python(self, value: Any) -> Any:
        return value

    def get_lookup(self, lookup_name: str) -> Any:
        """Only `isnull`. Raises FieldError for any other lookup."""
        if lookup_name != "isnull":
            raise FieldError(f"{self} is encrypted and cannot be searched, only tested with isnull.")
        return super().get_lookup(lookup_name)

    def get_transform(self, name: str) -> Any:
        """Raises FieldError: there is nothing to look up inside."""
        raise FieldError(f"{self} is encrypted: there is nothing to look up inside it.")

    def value_from_object(self, obj: models.Model) -> Any:
        return self.held(obj)

    def value_to_string(self, obj: models.Model) -> str:
        """For `dumpdata`: the ciphertext. `loaddata` refuses it, since plain text would look the same."""
        held = self.held(obj)
        return "" if held is None or held.token is None else "sealed:" + base64.b64encode(held.token).decode()

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs["key"] = self.key
        return name, path, args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        own = (*self._check_model(), *self._check_primary_key(), *self._check_key_path())
        return [*super().check(**kwargs), *own]

    def _check_str_default_value(self) -> list[checks.CheckMessage]:
        return []  # BinaryField's rule about str defaults: ours are encoded

    def _check_model(self) -> Iterable[checks.CheckMessage]:
        if not issubclass(self.model, SealedModel):
            yield checks.Error(
                "A model with encrypted fields opens all of them when it is refreshed.",
                hint="Derive it from dsrportal.fields.SealedModel.",
                obj=self,
                id="dsrportal.E004",
            )

    def _check_primary_key(self) -> Iterable[checks.CheckMessage]:
        pk = self.model._meta.pk
        if not _is_own_uuid(pk):
            yield checks.Error(
                "An encrypted field is bound to its row before the row is stored: the primary key must be made by us.",
                hint="Use `id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)`.",
                obj=self,
                id="dsrportal.E002",
            )

    def _check_key_path(self) -> Iterable[checks.CheckMessage]:
        model: Any = self.model
        for name in self.key.split("."):
            try:
                model = model._meta.get_field(name).related_model
            except FieldDoesNotExist:
                if name and hasattr(model, name):
                    return  # a property: whatever it gives is tried at run time
                model = None
            if model is None:
                break
        if getattr(getattr(model, "_meta", None), "label", None) != "dsrportal.DataKey":
            yield checks.Error(
                f"`key={self.key!r}` does not lead to a data key.",
                hint="Give the attribute path to a ForeignKey to dsrportal.DataKey, such as 'subject.data_key'.",
                obj=self,
                id="dsrportal.E003",
            )


class SealedModel(models.Model):
    """The base of every model with encrypted fields.

    `refresh_from_db` drops their values instead of opening them: Django's own copies every attribute from a fresh
    instance by reading it, which would decrypt all of them, and fail for a row whose key was destroyed. Dropped values
    are fetched again when they are read.
    """

    class Meta:
        abstract = True

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: "models.QuerySet[Self] | None" = None,
    ) -> None:
        names = None if fields is None else list(fields)
        sealed = {field.attname for field in self._meta.concrete_fields if isinstance(field, EncryptedField)}
        for attname in sealed if names is None else sealed.intersection(names):
            self.__dict__.pop(attname, None)
        if names is not None:
            names = [name for name in names if name not in sealed]
            if not names:
                return
        super().refresh_from_db(using=using, fields=names, from_queryset=from_queryset)


class EncryptedTextField(EncryptedField):
    """Text, kept exactly as it was typed."""

    if TYPE_CHECKING:
        _pyi_private_set_type: str
        _pyi_private_get_type: str  # type: ignore[assignment]

    def get_default(self) -> Any:
        return "" if not self.has_default() and not self.null else super().get_default()

    def encode(self, value: Any) -> bytes:
        """UTF-8. Raises TypeError for anything but text."""
        if not isinstance(value, str):
            raise TypeError(f"{self} holds text, not {type(value).__name__}.")
        # JSON from outside may carry half a surrogate pair; "as typed" includes that.
        return value.encode("utf-8", "surrogatepass")

    def decode(self, plaintext: bytes) -> str:
        return plaintext.decode("utf-8", "surrogatepass")


class EncryptedJSONField(EncryptedField):
    """Anything JSON can say. A change made in place is saved like any other."""

    mutable = True

    if TYPE_CHECKING:
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any

    def encode(self, value: Any) -> bytes:
        return json.dumps(value, separators=(",", ":")).encode()

    def decode(self, plaintext: bytes) -> Any:
        return json.loads(plaintext)


class EncryptedBinaryField(EncryptedField):
    """Bytes."""

    if TYPE_CHECKING:
        _pyi_private_set_type: bytes | bytearray | memoryview
        _pyi_private_get_type: bytes

    def encode(self, value: Any) -> bytes:
        """The bytes themselves. Raises TypeError for anything else."""
        if not isinstance(value, bytes | bytearray | memoryview):
            raise TypeError(f"{self} holds bytes, not {type(value).__name__}.")
        return bytes(value)

    def decode(self, plaintext: bytes) -> bytes:
        return plaintext


def _is_own_uuid(pk: Any) -> bool:
    # The key of a child of a multi-table parent is the parent's.
    while pk is not None and pk.remote_field is not None:
        pk = pk.target_field
    return isinstance(pk, models.UUIDField) and pk.has_default()
