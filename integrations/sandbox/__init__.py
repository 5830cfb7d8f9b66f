"""A pretend mParticle and Leanplum over HTTPS, in a process of their own (`python -m integrations.sandbox`).

OpenDSR v3, IDSync, Events, SSO, the Platform API and Leanplum's API, all on one store of people (see `people.py`).
Imports nothing of the product. What the vendor leaves undocumented is a switch (see `switches.py`), what goes
wrong on a network is a fault (see `faults.py`), and time is virtual (see `clock.py`).
"""
