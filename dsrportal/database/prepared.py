"""Prepares questions to the database: their SQL is built once a process, and several are asked in one round trip.

For a page of many small questions Django takes longer to build and compile their querysets than PostgreSQL takes to
answer them. What never differs from one request to the next, the shape, is therefore compiled at first use; what does
differ stands in it as `Given("name")` and comes with each asking.

    MINE = Prepared(lambda: Case.objects.filter(assignee=Given("user"), due_at__lt=Given("now")))
    LATE = Prepared(lambda: Case.objects.filter(due_at__lt=Given("now")).values_list("pk", flat=True))

    cases = MINE.ask(user=1, now=now)
    cases, late = ask(MINE.given(user=1, now=now), LATE.given(now=now))

The rows are what the queryset itself would yield: model instances with `select_related` and annotations, or what
`values_list` gives. There is no `prefetch_related`: ask for those rows as well, and let the others `know` them. Worth
it where a page is opened all day; anywhere else an ordinary queryset reads better.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Expression, Field, Func, Model, QuerySet
from django.db.models.query import FlatValuesListIterable, ModelIterable, get_related_populators

Row = TypeVar("Row")
Reader = Callable[[list[Any]], Any]


class Given(Expression):
    """Stands for a value that comes with each asking; `output_field` where Django cannot tell it from the rest."""

    def __init__(self, name: str, output_field: "Field[Any, Any] | None" = None) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        # Stands among the parameters until they are given.
        return "%s", [self]


class IsAnyOf(Func):
    """Tells whether the first is one of the second, a list: what `__in` is for a list that comes with the asking."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field = BooleanField()


@dataclass(frozen=True, slots=True)
class Asking(Generic[Row]):
    """A prepared question with its values."""

    question: "Prepared[Row]"
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """`sql` is empty for what has no rows whatever is given."""

    sql: str = ""
    params: tuple[Any, ...] = ()
    read: Callable[[Iterable[Any]], list[Any]] = list


class Prepared(Generic[Row]):
    """A queryset that is compiled at its first asking. `build` makes it, with `Given` for what is not known yet."""

    def __init__(self, build: Callable[[], QuerySet[Any, Row]]) -> None:
        self.build = build
        self._compiled: _Compiled | None = None

    def given(self, **values: Any) -> Asking[Row]:
        return Asking(self, values)

    def ask(self, **values: Any) -> list[Row]:
        """The rows, in one round trip."""
        rows: list[Row] = ask(self.given(**values))[0]
        return rows

    @property
    def compiled(self) -> _Compiled:
        # Two threads may both compile it at first; the results are the same.
        if self._compiled is None:
            self._compiled = _compile(self.build())
        return self._compiled


def ask(*askings: Asking[Any]) -> list[list[Any]]:
    """The rows of each question, in this order, all in one round trip: one string of several statements.

    Raises KeyError for a value that was not given.
    """
    asked = [(each.question.compiled, each.values) for each in askings]
    sent = [(compiled, values) for compiled, values in asked if compiled.sql]
    answers: list[list[Any]] = []
    if sent:
        with connection.cursor() as cursor:
            cursor.execute(
                ";\n".join(compiled.sql for compiled, _values in sent),
                [param for compiled, values in sent for param in _bound(compiled.params, values)],
            )
            for _compiled, _values in sent:
                answers.append(cursor.fetchall())
                cursor.nextset()
    came = iter(answers)
    return [compiled.read(next(came)) if compiled.sql else [] for compiled, _values in asked]


def _bound(params: Iterable[Any], values: dict[str, Any]) -> Iterator[Any]:
    for param in params:
        yield values[param.name] if isinstance(param, Given) else param


def know(instance: Model, **related: Any) -> None:
    """Put what is known of an instance's relations where Django looks first, as `select_related` and
    `prefetch_related` do: the instance at the other end or None, a list where there are many.

    Of such a list `.all()` gives the rows; whatever else is asked of the manager fails.
    """
    for name, value in related.items():
        if isinstance(value, list):
            prefetched: dict[str, Any] = instance.__dict__.setdefault("_prefetched_objects_cache", {})
            prefetched[name] = value
        else:
            instance._state.fields_cache[name] = value


# --- compiling; names with an underscore in front are Django's own


def _compile(rows: QuerySet[Any, Any]) -> _Compiled:
    compiler: Any = rows.query.get_compiler(connection=connection)
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return _Compiled()
    converters = compiler.get_converters([column for column, *_more in compiler.select[: compiler.col_count]])
    read = _reader(rows, compiler)

    def convert(found: Iterable[Any]) -> list[Any]:
        read_rows = []
        for row in found:
            values = list(row)
            for place, (functions, expression) in converters.items():
                for function in functions:
                    values[place] = function(values[place], expression, connection)
            read_rows.append(read(values))
        return read_rows

    return _Compiled(sql, tuple(params), convert)


_TUPLES: Final[Reader] = tuple
_FIRST: Final[Reader] = lambda values: values[0]  # noqa: E731


def _reader(rows: Any, compiler: Any) -> Reader:
    """Makes of the values of a row what the queryset would."""
    if rows._iterable_class is FlatValuesListIterable:
        return _FIRST
    return _instances(compiler) if rows._iterable_class is ModelIterable else _TUPLES


def _instances(compiler: Any) -> Reader:
    """As Django's ModelIterable does it."""
    model: type[Model] = compiler.klass_info["model"]
    columns = compiler.klass_info["select_fields"]
    first, behind = columns[0], columns[-1] + 1
    names = [column.target.attname for column, *_more in compiler.select[first:behind]]
    select: list[Any] = compiler.select
    # The types are of Django 6, which takes a fetch mode too.
    related = get_related_populators(compiler.klass_info, select, connection.alias)  # type: ignore[call-arg]
    annotations = list((compiler.annotation_col_map or {}).items())

    def read(values: list[Any]) -> Model:
        instance = model.from_db(connection.alias, names, values[first:behind])
        for each in related:
            each.populate(values, instance)
        for name, place in annotations:
            setattr(instance, name, values[place])
        return instance

    return read
