"""Legal deadlines: instants in, dates out. Pure: no database, no "now"."""

from cases.clocks.calendars import Calendar, UnknownCalendar, calendar
from cases.clocks.deadline import Deadline

__all__ = ["Calendar", "Deadline", "UnknownCalendar", "calendar"]
