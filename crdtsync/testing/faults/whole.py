"""Faults of the whole folder and of calls, and what outsiders write."""

from functools import cache
from hashlib import blake2b
from typing import Final

from crdtsync.protocol.ids import FolderId, ReplicaId, id_text
from crdtsync.protocol.marker import Marker, encode_marker_file
from crdtsync.protocol.names import marker_name
from crdtsync.testing.faults.draws import Draw
from crdtsync.testing.faults.files import duration
from crdtsync.testing.faults.folder import COPIED_BYTES_MAX, Folder
from crdtsync.testing.faults.kinds import FaultKind
from crdtsync.testing.faults.names import FOREIGN_FILES, junk_name, service_copy_name
from crdtsync.testing.faults.views import FOR_EVER, State, View

OVERSIZED_BYTES: Final = 64 * 1024 * 1024 + 1
NESTED_FILES_MAX: Final = 64
FLOOD_FILES: Final = 64
_CALLS_IN_PEACE: Final = 4
_JUNK_NAMES: Final = 10
_NESTED: Final = "sales copy "


def roll_back(folder: Folder, view: View, draw: Draw) -> str:
    """Undo the last changes of the service, for all."""
    del view
    changes = 1 + draw.below(len(folder.journal))
    undone = {name: data for name, data in folder.before(changes).items() if folder.server.get(name) != data}
    for name, data in undone.items():
        if data is None:
            folder.erase(name)
        else:
            folder.store(name, data)
    return f"{changes} changes, {len(undone)} files" if undone else ""


def roll_back_view(folder: Folder, view: View, draw: Draw) -> str:
    """Give one machine the folder as it was.

    The service's later state comes again; or it never does, and what this machine had still to upload is lost.
    """
    changes = 1 + draw.below(len(folder.journal))
    comes_again = draw.below(2) == 0
    lost = {name for name, data in view.ups.items() if data is not None and not folder.is_spared(name)}
    undone = 0
    if not comes_again:
        for name in lost:
            folder.forget_upload(view, name)
            view.remove(name)
            undone += 1
    for name, data in folder.before(changes).items():
        if view.files.get(name) == data:
            continue
        undone += 1
        folder.forget_upload(view, name)
        if data is None:
            view.remove(name)
        else:
            view.set(name, data)
        if comes_again:
            view.downs[name] = None
        else:
            view.downs.pop(name, None)
    view.wake()
    return f"{changes} changes, {undone} files{'' if comes_again else ' for good'}" if undone else ""


def empty_folder(folder: Folder, view: View, draw: Draw) -> str:
    """Put an empty folder in this one's place."""
    del folder
    if view.shown is not None:
        return ""
    view.shown = {}
    view.states[FaultKind.FOLDER_EMPTIED] = State(duration(view, draw))
    view.wake()
    return "nothing is there"


def replace_folder(folder: Folder, view: View, draw: Draw) -> str:
    """Put another folder in this one's place."""
    del folder
    if view.shown is not None:
        return ""
    view.shown = dict(_other_folder())
    view.states[FaultKind.FOLDER_REPLACED] = State(duration(view, draw))
    view.wake()
    return "another folder is there"


def nest_folder(folder: Folder, view: View, draw: Draw) -> str:
    """Put a copy of the folder into itself."""
    copies = {name.partition("/")[0] for name in view.files if name.startswith(_NESTED)}
    place = f"{_NESTED}{len(copies) + 1}"
    names = [name for name in view.files if not folder.is_spared(name) and not name.startswith(_NESTED)]
    copied = names[draw.below(len(names)) :][:NESTED_FILES_MAX]
    for name in copied:
        folder.put(view, f"{place}/{name}", view.files[name])
    return f"{len(copied)} files in {place}" if copied else ""


def add_foreign(folder: Folder, view: View, draw: Draw) -> str:
    """Let services and systems leave files of their own."""
    if draw.below(2) and view.files:
        copied = draw.key_of(view.files)
        name, data = service_copy_name(copied, draw), view.files[copied]
    else:
        name, data = draw.of(FOREIGN_FILES)
    if name in view.files:
        return ""
    folder.junk.append(data)
    folder.put(view, name, data)
    return name


def junk_random(folder: Folder, view: View, draw: Draw) -> str:
    """Let an outsider write anything: bytes, nothing, zeros, or the beginning of a file of ours."""
    name, form, near = Draw(draw.below(_JUNK_NAMES)), draw.below(4), folder.pick(view.files, draw)
    size = 1 + draw.below(4096)
    match form:
        case 0:
            data = noise(size)
        case 1:
            data = b""
        case 2:
            data = bytes(size)
        case _:
            data = (view.files[near][:8] if near else b"") + noise(size)
    return _write_junk(folder, view, name, data, near)


def junk_replayed(folder: Folder, view: View, draw: Draw) -> str:
    """Let an outsider write a file again that is or was there, anywhere."""
    known = {**folder.deleted, **view.files}
    name = folder.pick(known, draw)
    near = folder.pick(view.files, draw)
    return _write_junk(folder, view, draw, known[name], near or name) if name else ""


def junk_renamed(folder: Folder, view: View, draw: Draw) -> str:
    """Let an outsider rename a file for all."""
    name = folder.pick(folder.server, draw)
    near = folder.pick(view.files, draw)
    if not name:
        return ""
    data = folder.server[name]
    folder.erase(name)
    return f"{name} -> {_write_junk(folder, view, draw, data, near or name)}"


def junk_truncated(folder: Folder, view: View, draw: Draw) -> str:
    """Let an outsider write a part of a file, beside it or elsewhere."""
    name = folder.pick_small(view, draw)
    if not name:
        return ""
    data = view.files[name]
    start = draw.below(len(data)) if draw.below(2) else 0
    return _write_junk(folder, view, draw, data[start : start + draw.below(len(data))], name)


def junk_oversized(folder: Folder, view: View, draw: Draw) -> str:
    """Let an outsider write a file larger than any bound."""
    return _write_junk(folder, view, draw, _oversized(), folder.pick(view.files, draw))


def junk_flood(folder: Folder, view: View, draw: Draw) -> str:
    """Let an outsider write many files."""
    near, data = folder.pick(view.files, draw), noise(1 + draw.below(256))
    form = draw.below(_JUNK_NAMES)
    names = [_write_junk(folder, view, Draw(form), data, near) for _ in range(FLOOD_FILES)]
    return f"{len(names)} files from {names[0]}"


def wipe(folder: Folder, view: View, draw: Draw) -> str:
    """Let an outsider delete everything."""
    del view, draw
    names = [name for name in folder.server if not folder.is_spared(name)]
    for name in names:
        folder.erase(name)
    return f"{len(names)} files" if names else ""


def encrypt(folder: Folder, view: View, draw: Draw) -> str:
    """Let an outsider put noise in the place of everything, under the same names or others."""
    del view
    names = [name for name in folder.server if not folder.is_spared(name)]
    suffix = draw.of(("", ".locked"))
    for name in names:
        data = noise(min(len(folder.server[name]), COPIED_BYTES_MAX) + 1)
        folder.damaged.append(data)
        if suffix:
            folder.erase(name)
        folder.store(name + suffix, data)
    return f"{len(names)} files {suffix}".rstrip() if names else ""


def lasting(kind: FaultKind, folder: Folder, view: View, draw: Draw) -> str:
    """Begin a fault of calls, of the watcher or of the sync client, which lasts some turns or lies in wait."""
    state = State(duration(view, draw))
    match kind:
        case FaultKind.FULL:
            state.number = draw.below(_CALLS_IN_PEACE)
        case (
            FaultKind.STALLED
            | FaultKind.PUT_UNANSWERED
            | FaultKind.FULL_YET_WRITTEN
            | FaultKind.FULL_LEAVES_PART
        ):
            state.until_turn = FOR_EVER
            state.number = draw.below(_CALLS_IN_PEACE)
            state.share = draw.below(8)
        case FaultKind.THROTTLED:
            state.number = 2 + draw.below(4)
        case FaultKind.LISTING_INCOMPLETE | FaultKind.LISTING_REPEATS:
            state.number = draw.below(16)
        case FaultKind.LISTING_STALE:
            state.listing = view.listing()
        case FaultKind.SHARING_VIOLATION | FaultKind.NOT_FOUND:
            state.name = folder.pick(view.files, draw)
            if not state.name:
                return ""
        case _:
            pass
    view.states[kind] = state
    turns = "for ever" if state.until_turn >= FOR_EVER else f"{state.until_turn - view.turns} turns"
    return " ".join(filter(None, (turns, str(state.number), state.name)))


def noise(size: int) -> bytes:
    """Return bytes that mean nothing, always the same."""
    block = blake2b(str(size).encode()).digest()
    return (block * (size // len(block) + 1))[:size]


def _write_junk(folder: Folder, view: View, draw: Draw, data: bytes, near: str) -> str:
    form = draw.below(_JUNK_NAMES)
    # From a number that is likely to be free: a flood that tries all from the first would take a second.
    name = folder.free_name(
        view, lambda number: junk_name(near, Draw(form), number), start=1 + len(view.files)
    )
    folder.junk.append(data)
    folder.put(view, name, data)
    return f"{name} {len(data)}"


@cache
def _oversized() -> bytes:
    return bytes(OVERSIZED_BYTES)


@cache
def _other_folder() -> dict[str, bytes]:
    folder, replica = FolderId(id_text(b"another folder16")), ReplicaId(id_text(b"another replica."))
    return {marker_name(folder): encode_marker_file(Marker(folder, replica, 0, "another folder"))}
