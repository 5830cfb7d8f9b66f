"""Template tags of the desk: what templates share with the lists' columns."""

from django import template

from cases.admin import marks, role_words
from cases.desk import called
from dsrportal.wording import within

register = template.Library()

register.simple_tag(marks.icon, name="icon")
register.simple_tag(marks.badge, name="badge")
register.simple_tag(marks.case_badge, name="case_badge")
register.simple_tag(marks.request_badge, name="request_badge")
register.simple_tag(marks.request_mark, name="request_mark")
register.filter(within)
register.filter(marks.number)
register.filter("role_in_words", role_words.in_words)
register.simple_tag(marks.answer_in_words, name="answer_in_words")
register.simple_tag(called, name="place")
