"""The command line: everything a replica can do, for a person at a terminal and for scripts."""

from crdtsync.cli.app import main as main

__all__ = ["main"]
