"""A process of its own for what changes a stage's files: it forks a child for each step, and dies with its builder.

Import rule: the standard library, and of the runtime what its steps need. Nothing here has threads.
"""
