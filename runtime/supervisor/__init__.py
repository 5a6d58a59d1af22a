"""Keeper and supervisor, a pair of small processes for each project, and the client that talks to them.

Standard library only, one thread, one event loop: start-up time and memory count here, and a process
that forks containers has no threads.
"""
