"""Examiners: whether the CRDT can take the changes of others is found out where it can do no harm.

`process` asks a process of its own, which `worker` is; `inline` makes the same checks in this process.

A packed application has no Python to run that process with, and is started again for it::

    if sys.argv[1:2] == ["--examine"]:
        run_worker()
    else:
        environment = Environment(examiner=lambda: ProcessExaminer(command=[sys.executable, "--examine"]))
"""

from crdtsync.examining.inline import InlineExaminer as InlineExaminer
from crdtsync.examining.process import ProcessExaminer as ProcessExaminer
from crdtsync.examining.worker import main as run_worker

__all__ = ["InlineExaminer", "ProcessExaminer", "run_worker"]
