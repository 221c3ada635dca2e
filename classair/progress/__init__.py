"""Watching for progress: a process that lives and does nothing is as bad as a dead one."""
