"""A pretend mParticle: OpenDSR v3 over HTTPS, in a process of its own (`python -m integrations.sandbox`).

Imports nothing of the product. What the vendor leaves undocumented is a switch (see `switches.py`), what goes
wrong on a network is a fault (see `faults.py`), and time is virtual (see `clock.py`).
"""
