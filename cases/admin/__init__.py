"""The desk: declares and asks, never decides. One module a noun; importing them registers them."""

from importlib import import_module
from importlib.util import find_spec

for _noun in ("case", "processor", "audit", "delivery", "jobs", "attention", "certificate", "user"):
    if find_spec(f"cases.admin.{_noun}"):
        import_module(f"cases.admin.{_noun}")
