"""The process that examines, as a version would run it that reads one more root: the array `a`.

Four of the updates in `hostile-updates.jsonl` never let such a version return from that.
"""

import importlib.util
import json
import sys
from pathlib import Path

package = Path(json.loads(sys.argv[1])["package"])
spec = importlib.util.spec_from_file_location("worker", package / "examining" / "worker.py")
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)
serve = worker._serve


def serve_and_read_arrays(limit_s):
    from pycrdt import Array

    from crdtsync.document.crdt import CrdtDocument

    text_names = CrdtDocument.text_names

    def read_more(self):
        if "a" in list(self._doc.keys()):
            str(self._doc.get("a", type=Array))
        return text_names(self)

    CrdtDocument.text_names = read_more
    serve(limit_s)


worker._serve = serve_and_read_arrays
worker.main()
