"""What a document is made of, field by field, with who wrote it: for messages about a difference."""

import json
import sqlite3
from dataclasses import dataclass

from crdtsync.document.registers import MARKER, RESTORED, Path
from crdtsync.document.schema import DocumentSchema, Shape
from crdtsync.errors import CrdtSyncError
from crdtsync.replica import Replica


@dataclass(frozen=True, slots=True)
class Written:
    """One value of one field."""

    text: str
    """As JSON."""
    writer: int = 0
    """The client that wrote it; 0 where that is not known, as in a text of many hands."""
    stamp_ms: int = 0


Content = dict[str, tuple[Written, ...]]
"""Field -> its value, or its values where they are in conflict."""


async def read_content(replica: Replica, document: str) -> Content:
    """Return every register and text of a document, or what keeps them from being read."""
    workspace = replica._workspace  # noqa: SLF001 - the kit is of the library

    def job(connection: sqlite3.Connection) -> Content:
        opened = workspace.documents.open(connection, document, keep=False)
        schema = workspace.kinds.schema(opened.kind)
        content: Content = {
            _named(path, schema): tuple(
                Written(_removal(cell.raw) if path[-1] == MARKER else cell.raw, cell.writer, cell.stamp)
                for cell in cells
            )
            for path, cells in opened.live.registers
        }
        for name, text in opened.live.texts.items():
            if text:
                content[name] = (Written(json.dumps(text, ensure_ascii=False)),)
        return content

    try:
        return await workspace.database.run(job)
    except CrdtSyncError as error:
        return {"(unreadable)": (Written(str(error)),)}


def _named(path: Path, schema: DocumentSchema | None) -> str:
    if path[-1] == MARKER:
        return f"{'/'.join(path[:-1])} (removal)"
    spec = schema.fields.get(path[0]) if schema is not None else None
    is_position = len(path) == 2 and spec is not None and spec.shape is Shape.ENTITIES
    return f"{'/'.join(path)}{' (position)' if is_position else ''}"


def _removal(raw: str) -> str:
    return "restored" if raw == RESTORED else "removed"
