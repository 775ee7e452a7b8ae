"""Examiners: whether the CRDT can take the changes of others is found out where it can do no harm.

`process` asks a process of its own, which `worker` is; `inline` makes the same checks in this process.
"""

from crdtsync.examining.inline import InlineExaminer as InlineExaminer
from crdtsync.examining.process import ProcessExaminer as ProcessExaminer

__all__ = ["InlineExaminer", "ProcessExaminer"]
