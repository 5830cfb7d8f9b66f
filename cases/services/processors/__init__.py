"""Processors: their accounts, pauses, queues and concurrency."""
