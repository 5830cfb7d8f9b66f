"""Leanplum: its connector and client."""
