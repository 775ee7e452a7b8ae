"""Planted bugs: small wrong changes of our own code, and which check of the kit notices each.

`python -m tests.mutations` copies the tree, plants one bug at a time, and runs the checks against the copy. A bug
that nothing notices is a gap in the checks. docs/planted-bugs.md holds the last whole run.
"""
