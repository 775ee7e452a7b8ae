"""Text of people within sentences: what is written from right to left is set apart from what stands beside it."""

import unicodedata

_FROM_LEFT_TO_RIGHT = frozenset({"L", "EN", "ES", "ET", "CS", "NSM", "BN", "B", "S", "WS", "ON", ""})
_BEGIN, _END = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"


def isolated(text: object) -> str:
    """Return a text as it is put into a sentence, a label or a title.

    One that may turn round what follows it is put between the characters that keep it from that; any other is
    as it was. Not for what a person edits: the characters would be written with it.
    """
    shown = str(text)
    if {unicodedata.bidirectional(character) for character in shown} <= _FROM_LEFT_TO_RIGHT:
        return shown
    return f"{_BEGIN}{shown}{_END}"
