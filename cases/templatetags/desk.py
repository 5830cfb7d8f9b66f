"""Template tags of the desk: what templates share with the lists' columns."""

from django import template

from cases.admin import widgets
from cases.admin.people import permission_words
from cases.admin.worklist.table import case_table
from cases.desk import called
from dsrportal.sentence import within

register = template.Library()

register.simple_tag(widgets.icon, name="icon")
register.simple_tag(widgets.badge, name="badge")
register.simple_tag(widgets.case_badge, name="case_badge")
register.simple_tag(widgets.request_badge, name="request_badge")
register.simple_tag(widgets.request_mark, name="request_mark")
register.filter(within)
register.filter(widgets.number)
register.filter("role_in_words", permission_words.role_label)
register.simple_tag(widgets.answer_in_words, name="answer_in_words")
register.simple_tag(called, name="place")
register.simple_tag(case_table)
