"""Encrypted model fields: what the table holds, who can read it, and what is refused."""

import copy
import json
import pickle
import uuid
from typing import Any, ClassVar

import pytest
from django.core import serializers
from django.core.exceptions import FieldError
from django.core.serializers.base import DeserializedObject
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext, isolate_apps

from dsrportal import crypto
from dsrportal.crypto import KeyDestroyed, Tampered, Unreadable, WrongKey
from dsrportal.fields import EncryptedBinaryField, EncryptedJSONField, EncryptedTextField, SealedModel
from dsrportal.models import DataKey

SECRET = "Ann Example, ann@example.org"

with isolate_apps("dsrportal"):

    class TestModel(SealedModel):
        __test__ = False
        objects: ClassVar[Any]

        class Meta:
            abstract = True
            app_label = "dsrportal"

        def __str__(self) -> str:
            return f"{type(self).__name__} {self.pk}"

    class Person(TestModel):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
        data_key = models.ForeignKey(DataKey, models.PROTECT, related_name="+", db_constraint=False)

    class Diary(TestModel):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
        person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_constraint=False)
        title = models.CharField(max_length=20, default="")
        text: Any = EncryptedTextField(key="person.data_key")
        extra: Any = EncryptedJSONField(key="person.data_key", null=True)
        photo: Any = EncryptedBinaryField(key="person.data_key", null=True)

        class Meta(TestModel.Meta):
            constraints: ClassVar[list[Any]] = [
                models.CheckConstraint(
                    name="photo_needs_extra",
                    condition=models.Q(photo__isnull=True) | models.Q(extra__isnull=False),
                )
            ]


@pytest.fixture(autouse=True)
def tables(db: None) -> None:
    """The tables above, temporary, so that the portal's own role may make them; gone with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = pg_temp, public")
    with connection.schema_editor() as editor:
        editor.create_model(Person)
        editor.create_model(Diary)


@pytest.fixture
def person() -> Person:
    made: Person = Person.objects.create(data_key=DataKey.make(DataKey.Purpose.SUBJECT))
    return made


def page(person: Person, **values: Any) -> Diary:
    made: Diary = Diary.objects.create(person=person, **({"text": SECRET} | values))
    return made


def stored(diary: Diary, column: str = "text") -> bytes | None:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{column}" FROM dsrportal_diary WHERE id = %s', [diary.pk])
        value = cursor.fetchone()[0]
    return None if value is None else bytes(value)


def overwrite(diary: Diary, value: bytes | None, column: str = "text") -> Diary:
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE dsrportal_diary SET "{column}" = %s WHERE id = %s', [value, diary.pk])
    found: Diary = Diary.objects.get(pk=diary.pk)
    return found


def field_named(name: str, model: type[models.Model] = Diary) -> Any:
    return model._meta.get_field(name)


# --- what is stored, and what comes back


@pytest.mark.parametrize("text", [SECRET, "", "  As Typed\t\n", "ﬁ Å \x00 🙂", "\ud83d", "x" * 100_000])
def test_text_comes_back_exactly_as_typed(person: Person, text: str) -> None:
    assert Diary.objects.get(pk=page(person, text=text).pk).text == text


def test_json_and_bytes_come_back(person: Person) -> None:
    extra = {"emails": [SECRET, None, 1.5], "ok": True}
    found = Diary.objects.get(pk=page(person, extra=extra, photo=b"\x00\xff").pk)

    assert found.extra == extra
    assert found.photo == b"\x00\xff"


def test_the_table_holds_no_plain_text(person: Person) -> None:
    diary = page(person, extra={"name": SECRET}, photo=SECRET.encode())
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(d)::text FROM dsrportal_diary d")
        row = cursor.fetchone()[0]

    assert SECRET not in row
    assert SECRET.encode().hex() not in row
    assert json.dumps({"name": SECRET}).encode().hex() not in row
    assert str(diary.pk) in row


def test_the_statement_sent_to_the_database_holds_no_plain_text(person: Person) -> None:
    with CaptureQueriesContext(connection) as queries:
        diary = page(person)
        diary.text = SECRET + "!"
        diary.save()

    assert len(queries) == 2
    assert not any(SECRET in query["sql"] or SECRET.encode().hex() in query["sql"] for query in queries)


def test_null_stays_null_and_is_all_that_can_be_asked(person: Person) -> None:
    empty, full = page(person), page(person, extra={})

    assert stored(empty, "extra") is None
    assert Diary.objects.get(pk=empty.pk).extra is None
    assert list(Diary.objects.filter(extra__isnull=True)) == [empty]
    assert list(Diary.objects.filter(extra__isnull=False)) == [full]


def test_bulk_create_and_partial_saves_encrypt_too(person: Person) -> None:
    Diary.objects.bulk_create([Diary(person=person, text=f"{SECRET} {n}") for n in range(3)])
    assert {diary.text for diary in Diary.objects.all()} == {f"{SECRET} {n}" for n in range(3)}

    diary = Diary.objects.first()
    assert diary is not None
    before = stored(diary)
    diary.text = "changed"
    diary.save(update_fields=["title"])
    assert stored(diary) == before
    diary.save(update_fields=["text"])
    assert Diary.objects.get(pk=diary.pk).text == "changed"


def test_get_or_create_and_update_or_create_work_with_defaults(person: Person) -> None:
    diary, _ = Diary.objects.get_or_create(person=person, title="a", defaults={"text": SECRET})
    again, made = Diary.objects.update_or_create(person=person, title="a", defaults={"text": "new"})

    assert (again.pk, made) == (diary.pk, False)
    assert Diary.objects.get(pk=diary.pk).text == "new"


# --- sealed until read


def test_nothing_is_decrypted_before_it_is_read(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    pk = page(person, extra={"a": 1}).pk
    opened: list[bytes] = []
    original = crypto.open_sealed

    def counting(key: bytes, sealed: bytes, associated: bytes) -> bytes:
        opened.append(associated)
        return original(key, sealed, associated)

    monkeypatch.setattr(crypto, "open_sealed", counting)
    [diary] = list(Diary.objects.select_related("person__data_key"))
    diary.title = "new"
    diary.save()
    diary.refresh_from_db()
    assert opened == []

    assert diary.text == SECRET
    assert opened == [f"dsrportal.Diary.text:{pk}".encode()]


def test_an_unchanged_value_is_written_back_as_it_is(person: Person) -> None:
    diary = Diary.objects.get(pk=page(person, extra={"a": [1]}).pk)
    before = stored(diary), stored(diary, "extra")
    assert (diary.text, diary.extra) == (SECRET, {"a": [1]})
    diary.save()

    assert (stored(diary), stored(diary, "extra")) == before


def test_json_changed_in_place_is_saved(person: Person) -> None:
    made = page(person, extra={"a": [1]})
    made.extra["a"].append(2)
    made.save()
    found = Diary.objects.get(pk=made.pk)
    assert found.extra == {"a": [1, 2]}

    found.extra["b"] = SECRET
    found.save()
    assert Diary.objects.get(pk=made.pk).extra == {"a": [1, 2], "b": SECRET}


def test_deferred_values_are_fetched_when_they_are_read(person: Person) -> None:
    page(person, title="t")
    diary = Diary.objects.select_related("person__data_key").defer("text").get()
    diary.title = "u"
    diary.save()
    with CaptureQueriesContext(connection) as queries:
        assert diary.text == SECRET
        assert diary.text == SECRET

    assert len(queries) == 1
    assert Diary.objects.only("title").get().text == SECRET


def test_a_refresh_brings_the_new_value_without_opening_it(person: Person) -> None:
    diary = page(person)
    other = Diary.objects.get(pk=diary.pk)
    other.text, other.title = "new", "new"
    other.save()

    diary.refresh_from_db(fields=["title"])
    assert (diary.title, diary.text) == ("new", SECRET)
    diary.refresh_from_db(fields=["text"])
    assert diary.text == "new"
    other.text = "newer"
    other.save()
    diary.refresh_from_db()
    assert diary.text == "newer"


def test_what_is_shown_or_logged_is_never_the_plain_text(person: Person) -> None:
    unsaved = Diary(person=person, text=SECRET, extra={"name": SECRET})
    assert SECRET not in repr(vars(unsaved))
    made = page(person, extra={"name": SECRET})
    assert made.extra["name"] == SECRET
    assert SECRET not in repr(vars(made))

    [row] = Diary.objects.values("text", "extra")
    assert SECRET not in repr(row) + str(row["text"]) + f"{row['extra']}"
    assert SECRET not in serializers.serialize("json", Diary.objects.all())


def test_copies_can_still_be_read(person: Person) -> None:
    diary = Diary.objects.get(pk=page(person, extra={"a": 1}).pk)
    # (Django looks a class up by name to copy an instance, and would not find one of this module.)
    same = Diary.objects.get(pk=diary.pk)
    vars(same).update({name: copy.deepcopy(vars(diary)[name]) for name in ("text", "extra")})
    assert (same.text, same.extra) == (SECRET, {"a": 1})

    vars(same)["extra"] = pickle.loads(pickle.dumps(vars(diary)["extra"]))
    assert same.extra == {"a": 1}
    assert b"Ann" not in pickle.dumps(vars(diary)["text"])


def test_encrypted_fields_are_in_no_form(person: Person) -> None:
    fields = [field_named(name) for name in ("text", "extra", "photo")]
    assert not any(field.editable for field in fields)
    assert not EncryptedTextField(key="x", editable=True).editable


def test_validation_works_beside_a_check_constraint(person: Person) -> None:
    page(person, title="t").full_clean()
    Diary(person=person, title="t", text="x", extra={}, photo=b"x").full_clean()
    with pytest.raises(Exception, match="photo_needs_extra"):
        Diary(person=person, title="t", text="x", photo=b"x").full_clean()


# --- what cannot be read


def test_a_ciphertext_moved_to_another_row_or_field_is_detected(person: Person) -> None:
    one, two = page(person, text="one", photo=b"one", extra={}), page(person, text="two")

    with pytest.raises(Tampered):
        _ = overwrite(two, stored(one)).text
    with pytest.raises(Tampered):
        _ = overwrite(one, stored(one), "photo").photo


def test_an_altered_or_shortened_ciphertext_is_detected(person: Person) -> None:
    diary = page(person)
    good = stored(diary)
    assert good is not None
    for bad in (good[:-1], good[:1], b"", SECRET.encode(), good[:-1] + bytes([good[-1] ^ 1])):
        with pytest.raises(Tampered) as refusal:
            _ = overwrite(diary, bad).text
        assert SECRET not in str(refusal.value)


def test_a_destroyed_key_ends_reading_and_writing(person: Person) -> None:
    diary = page(person, extra={"a": 1})
    assert diary.extra == {"a": 1}
    person.data_key.destroy()

    for seen in (diary, Diary.objects.get(pk=diary.pk)):
        for name in ("text", "extra"):
            with pytest.raises(KeyDestroyed):
                getattr(seen, name)
    with pytest.raises(KeyDestroyed):
        page(person)
    assert issubclass(KeyDestroyed, Unreadable)


def test_a_row_under_a_destroyed_key_can_still_be_listed_changed_and_refreshed(person: Person) -> None:
    diary = page(person)
    person.data_key.destroy()
    found = Diary.objects.get(pk=diary.pk)
    found.title = "shredded"
    found.save()
    found.refresh_from_db()

    assert found.title == "shredded"
    assert stored(found) is not None


def test_another_persons_key_opens_nothing(person: Person) -> None:
    diary = page(person)
    diary.person = Person.objects.create(data_key=DataKey.make(DataKey.Purpose.SUBJECT))
    diary.save()

    with pytest.raises(Tampered):
        _ = Diary.objects.get(pk=diary.pk).text


def test_an_unknown_master_key_is_named(person: Person) -> None:
    diary = page(person)
    DataKey.objects.filter(pk=person.data_key.pk).update(master_key_id="lost")
    with pytest.raises(WrongKey, match="'lost'"):
        _ = Diary.objects.get(pk=diary.pk).text


def test_a_copy_under_a_new_primary_key_is_refused_instead_of_lost(person: Person) -> None:
    diary = Diary.objects.get(pk=page(person).pk)
    diary.pk = uuid.uuid4()
    diary._state.adding = True
    with pytest.raises(Tampered):
        diary.save()


# --- what is refused


@pytest.mark.parametrize(
    "lookup",
    [
        {"text": SECRET},
        {"text": None},
        {"text__exact": SECRET},
        {"text__icontains": "Ann"},
        {"text__in": [SECRET]},
        {"extra__name": SECRET},
        {"extra__has_key": "name"},
        {"photo__gt": b""},
    ],
)
def test_searching_a_ciphertext_is_refused(lookup: dict[str, Any]) -> None:
    with pytest.raises(FieldError, match="encrypted"):
        Diary.objects.filter(**lookup).exists()


def test_plain_text_cannot_get_in_past_the_instance(person: Person) -> None:
    diary = page(person)
    before = stored(diary)

    with pytest.raises(TypeError, match="encrypted") as refusal, transaction.atomic():
        Diary.objects.update(text=SECRET)
    assert SECRET not in str(refusal.value)
    value = models.Value(SECRET, output_field=field_named("text"))
    with pytest.raises(TypeError, match="encrypted"), transaction.atomic():
        Diary.objects.update(text=value)
    diary.text = "new"
    with pytest.raises(TypeError, match="encrypted"), transaction.atomic():
        Diary.objects.bulk_update([diary], ["text"])
    with pytest.raises(TypeError, match="encrypted"), transaction.atomic():
        DeserializedObject(diary).save()  # what loaddata does
    assert stored(diary) == before


@pytest.mark.parametrize("wrong", [5, b"bytes", ["list"], models.F("title")])
def test_what_is_not_text_is_refused_without_showing_it(person: Person, wrong: Any) -> None:
    with pytest.raises(TypeError, match="holds text"):
        page(person, text=wrong)


def test_a_row_without_a_key_is_refused() -> None:
    with pytest.raises(Unreadable, match=r"no data key at 'person\.data_key'"):
        Diary(text=SECRET).save()


# --- system checks


def test_a_model_with_its_own_uuid_and_a_path_to_a_key_passes() -> None:
    for name in ("text", "extra", "photo"):
        assert field_named(name).check() == []


@isolate_apps("dsrportal")
def test_a_primary_key_that_the_database_makes_is_an_error() -> None:
    class Numbered(TestModel):
        data_key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
        text = EncryptedTextField(key="data_key")

    class Undefaulted(TestModel):
        id = models.UUIDField(primary_key=True)
        data_key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
        text = EncryptedTextField(key="data_key")

    for model in (Numbered, Undefaulted):
        assert [message.id for message in field_named("text", model).check()] == ["dsrportal.E002"]


@isolate_apps("dsrportal")
def test_a_model_that_would_open_its_values_when_it_is_refreshed_is_an_error() -> None:
    class Open(models.Model):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        data_key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
        text = EncryptedTextField(key="data_key")

        class Meta:
            app_label = "dsrportal"

        def __str__(self) -> str:
            return str(self.pk)

    assert [message.id for message in field_named("text", Open).check()] == ["dsrportal.E004"]


@isolate_apps("dsrportal")
@pytest.mark.parametrize("path", ["", "nowhere", "title", "person", "person.nowhere", "data_key.purpose"])
def test_a_path_that_does_not_lead_to_a_data_key_is_an_error(path: str) -> None:
    class Lost(TestModel):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        title = models.CharField(max_length=1)
        data_key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
        person = models.ForeignKey(Person, models.PROTECT, related_name="+")
        text = EncryptedTextField(key=path)

    assert [message.id for message in field_named("text", Lost).check()] == ["dsrportal.E003"]


@isolate_apps("dsrportal")
def test_a_property_may_give_the_key_and_a_child_has_its_parents_primary_key() -> None:
    class Parent(TestModel):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)

    class Child(Parent):
        text = EncryptedTextField(key="portal_key")

        @property
        def portal_key(self) -> DataKey:
            return DataKey.shared("portal")

    assert field_named("text", Child).check() == []


def test_a_migration_can_rebuild_the_field() -> None:
    field = EncryptedJSONField(key="person.data_key", null=True, default=dict)
    _, path, args, kwargs = field.deconstruct()

    assert path == "dsrportal.fields.EncryptedJSONField"
    assert (args, kwargs) == ([], {"key": "person.data_key", "null": True, "default": dict})
