"""Which steps from line to line one call takes in the code under test: what guides the fuzzer to read further.

`sys.settrace` looks at the files under test and at no others, and is switched on for some inputs only.
"""

import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, Final

import crdtsync.protocol

_PACKAGE: Final = crdtsync.protocol.__path__[0].removesuffix("protocol")

Edge = tuple[CodeType, int, int]
"""In which code, from which line, to which line."""


class Coverage:
    """Collects the steps that were ever taken."""

    def __init__(self) -> None:
        self.edges: set[Edge] = set()
        self._codes: dict[CodeType, bool] = {}

    def watch(self, call: Callable[[], None]) -> None:
        """Run `call`, and raise what it raises."""
        edges = self.edges
        last = 0

        def on_line(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal last
            if event == "line":
                line = frame.f_lineno
                edges.add((frame.f_code, last, line))
                last = line
            return on_line

        def on_call(frame: FrameType, _: str, __: Any) -> Any:
            return on_line if self._is_ours(frame.f_code) else None

        before = sys.gettrace()
        sys.settrace(on_call)
        try:
            call()
        finally:
            sys.settrace(before)

    def _is_ours(self, code: CodeType) -> bool:
        known = self._codes.get(code)
        if known is None:
            known = self._codes[code] = code.co_filename.startswith(_PACKAGE)
        return known
