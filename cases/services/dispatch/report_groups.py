"""Slots in groups: so many requests of one processor go out under one group name that one call reports on them all.

mParticle takes at most 150 requests a group (OpenDSR v3 page, `group_id`), whatever has become of them since.
"""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import F

from cases.models import ProcessorRequest, RequestGroup
from integrations.models import Processor
from integrations.registry import connector_class


def take_slots(processor: Processor, waiting: Iterable[tuple[UUID, str]]) -> None:
    """Give each request its slot: in the group its case names, while that has room, else in the newest of ours.

    `waiting` are keys and the names their cases give (""). Inside the transaction that claims the requests; one lane
    of a processor at a time, so that no group is left half full.
    """
    size = connector_class(processor.kind).group_size
    wanted: dict[str, list[UUID]] = defaultdict(list)
    for key, name in waiting:
        wanted[name].append(key)
    if not size or not wanted:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_lock_key(processor)])
    ours = wanted.pop("", [])
    for name, keys in wanted.items():
        group, _ = RequestGroup.objects.get_or_create(
            processor=processor, name=name, defaults={"explicit": True}
        )
        room = max(0, size - group.size)
        _put(group, keys[:room])
        ours += keys[room:]
    while ours:
        group = _newest(processor, size)
        room = size - group.size
        _put(group, ours[:room])
        ours = ours[room:]


def _lock_key(processor: Processor) -> int:
    return int.from_bytes(processor.pk.bytes[:8], signed=True)


def _newest(processor: Processor, size: int) -> RequestGroup:
    newest = RequestGroup.objects.filter(processor=processor, explicit=False).order_by("-pk").first()
    if newest is not None and newest.size < size:
        return newest
    return RequestGroup.objects.create(processor=processor, name=uuid4().hex)


def _put(group: RequestGroup, keys: list[UUID]) -> None:
    if keys:
        ProcessorRequest.objects.filter(pk__in=keys).update(group=group)
        RequestGroup.objects.filter(pk=group.pk).update(size=F("size") + len(keys))
