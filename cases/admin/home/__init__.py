"""The board and the personal lists: attention, tasks, mentions."""
