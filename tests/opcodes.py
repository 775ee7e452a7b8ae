"""How much work Python code does, as a count that is the same on every machine, loaded or not."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def opcodes_of(function: Callable[[], Any]) -> int:
    """Return how many bytecode instructions a call executes; what C functions do inside is not seen."""
    count = 0

    def local(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "opcode"
        return local

    def trace(frame: FrameType, _event: str, _argument: Any) -> Any:
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return local

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count
