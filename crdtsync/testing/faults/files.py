"""Faults of single files: lost, late, doubled, damaged, renamed, gone, back, or not local."""

from collections.abc import Callable
from typing import Final

from crdtsync.testing.faults.draws import Draw
from crdtsync.testing.faults.folder import COPIED_BYTES_MAX, Folder
from crdtsync.testing.faults.kinds import FaultKind
from crdtsync.testing.faults.names import (
    ConflictNaming,
    changed_name,
    conflict_name,
    duplicate_name,
    split_directory_name,
)
from crdtsync.testing.faults.views import FOR_EVER, State, View

Damage = Callable[[bytes], bytes]
STORM_MAX: Final = 8
_DURATIONS_TURNS: Final = (4, 16, 64, 256, FOR_EVER)


def duration(view: View, draw: Draw) -> int:
    """Return the turn until which a fault lasts."""
    return view.turns + draw.of(_DURATIONS_TURNS)


def delay(folder: Folder, view: View, draw: Draw) -> str:
    """Hold one silent step back."""
    possible = [*view.ups, *view.downs]
    if not possible:
        return ""
    index = draw.below(len(possible))
    name = possible[index]
    if index < len(view.ups):
        view.delayed_ups[name] = view.ups.pop(name)
    else:
        view.delayed_downs[name] = view.downs.pop(name)
    view.states[FaultKind.DELAYED] = State(duration(view, draw))
    del folder
    return name


def lose_upload(folder: Folder, view: View, draw: Draw) -> str:
    """Forget an upload."""
    name = folder.pick({name: data for name, data in view.ups.items() if data is not None}, draw)
    if name:
        del view.ups[name]
    return name


def lose_download(folder: Folder, view: View, draw: Draw) -> str:
    """Forget that a file has to come here."""
    name = folder.pick({name: None for name in view.downs if name in folder.server}, draw)
    if name:
        del view.downs[name]
        if name in view.partial:
            view.remove(name)
    return name


def lose_delete(folder: Folder, view: View, draw: Draw) -> str:
    """Forget that a file has to go: at the service, or here."""
    ups = [name for name, data in view.ups.items() if data is None]
    downs = [name for name in view.downs if name not in folder.server and name in view.files]
    if not ups and not downs:
        return ""
    index = draw.below(len(ups) + len(downs))
    if index >= len(ups):
        name = downs[index - len(ups)]
        del view.downs[name]
        return f"{name} stays here"
    name = ups[index]
    del view.ups[name]
    if draw.below(2) and name in folder.server:
        view.downs[name] = None
        return f"{name} stays, and comes back"
    return f"{name} stays at the others"


def duplicate(folder: Folder, view: View, draw: Draw) -> str:
    """Let a file be there a second time, under a name that a service or a person gives."""
    name = folder.pick(view.files, draw)
    if not name:
        return ""
    form = draw.below(6)
    copy = folder.free_name(view, lambda number: duplicate_name(name, number, Draw(form)))
    folder.put(view, copy, view.files[name])
    return f"{name} -> {copy}"


def conflict(folder: Folder, view: View, draw: Draw) -> str:
    """Make a conflict copy where there was no conflict; the original may be left damaged."""
    name = folder.pick_small(view, draw)
    if not name:
        return ""
    namings = [naming for naming in folder.profile.conflict_namings if naming is not ConflictNaming.NO_COPY]
    naming = draw.of(namings or [ConflictNaming.DROPBOX])
    copy = folder.free_name(view, lambda number: conflict_name(naming, name, view.machine, number))
    data = view.files[name]
    view.set(copy, data)
    if folder.profile.uploads_conflict_copies:
        view.ups[copy] = data
    view.wake()
    match draw.below(4):
        case 2:
            return f"{name} -> {copy}, {_damage_here(folder, view, name, b'')}"
        case 3:
            return f"{name} -> {copy}, {_damage_here(folder, view, name, data[: len(data) // 2])}"
        case _:
            return f"{name} -> {copy}"


def twin(folder: Folder, view: View, draw: Draw) -> str:
    """Let two files have one name; which of them is opened changes from time to time."""
    name = folder.pick_small(view, draw)
    if not name or name in view.twins:
        return ""
    data = view.files[name]
    match draw.below(3):
        case 0:
            view.twins[name] = data
        case 1:
            view.twins[name] = view.files[draw.key_of(view.files)]
        case _:
            view.twins[name] = data[: draw.below(len(data))]
            folder.damaged.append(view.twins[name])
    view.wake()
    return f"{name} {len(view.twins[name])}"


def partial(folder: Folder, view: View, draw: Draw) -> str:
    """Show a prefix of a file that is coming."""
    return _show(
        folder, view, draw, lambda data: data[: (len(data) // 2 + draw.below(len(data))) % len(data)]
    )


def zero_tail(folder: Folder, view: View, draw: Draw) -> str:
    """Show a file that is coming with its tail zeroed."""

    def zeroed(data: bytes) -> bytes:
        size = draw.below(len(data))
        return data[:size] + bytes(len(data) - size)

    return _show(folder, view, draw, zeroed)


def empty(folder: Folder, view: View, draw: Draw) -> str:
    """Show a file that is coming with no bytes."""
    return _show(folder, view, draw, lambda _: b"")


def flip_bit(folder: Folder, view: View, draw: Draw) -> str:
    """Flip a bit, here or for all."""

    def flipped(data: bytes) -> bytes:
        bit = draw.below(8 * len(data))
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    return _damage(folder, view, draw, flipped)


def truncate(folder: Folder, view: View, draw: Draw) -> str:
    """Cut a file for good, with its size kept or not, here or for all."""

    def cut(data: bytes) -> bytes:
        keeps_size = draw.below(2)
        size = draw.below(len(data))
        return data[:size] + (bytes(len(data) - size) if keeps_size else b"")

    return _damage(folder, view, draw, cut)


def concatenate(folder: Folder, view: View, draw: Draw) -> str:
    """Append something to a file, here or for all: itself, another file, or what a service adds."""

    def extended(data: bytes) -> bytes:
        match draw.below(3):
            case 0:
                return data + data
            case 1:
                return data + view.files[folder.pick_small(view, draw)]
            case _:
                return data + b"<?xpacket end='w'?>"

    return _damage(folder, view, draw, extended)


def swap(folder: Folder, view: View, draw: Draw) -> str:
    """Give a file the content of another valid one, here or for all."""
    return _damage(folder, view, draw, lambda _: view.files[draw.key_of(view.files)])


def vanish(folder: Folder, view: View, draw: Draw) -> str:
    """Let a file be gone: here only, or for all."""
    name = folder.pick(view.files, draw)
    if not name:
        return ""
    if draw.below(2):
        view.remove(name)
        folder.forget_upload(view, name)
        folder.erase(name, by=view)
        scope = "for all"
    else:
        view.remove(name)
        scope = "here"
    view.wake()
    return f"{name} {scope}"


def resurrect(folder: Folder, view: View, draw: Draw) -> str:
    """Let a deleted file come back from this machine, which has been away, or at the service."""
    name = folder.pick(folder.deleted, draw)
    if not name:
        return ""
    data = folder.deleted[name]
    if draw.below(2) or name in view.files:
        folder.store(name, data)
        return f"{name} at the service"
    folder.put(view, name, data)
    return f"{name} from here"


def split_directory(folder: Folder, view: View, draw: Draw) -> str:
    """Let a directory's files, or every second one, be in another directory beside it, for all."""
    name = folder.pick({name: None for name in folder.server if "/" in name}, draw)
    if not name:
        return ""
    parts = name.split("/")
    directory = "/".join(parts[: 1 + draw.below(len(parts) - 1)])
    second = split_directory_name(directory, 1 + draw.below(2))
    moved = [
        name for name in folder.server if name.startswith(f"{directory}/") and not folder.is_spared(name)
    ]
    for name in moved[draw.below(2) :: 1 + draw.below(2)]:
        _rename(folder, name, second + name[len(directory) :])
    del view
    return f"{directory} -> {second}"


def change_name(folder: Folder, view: View, draw: Draw) -> str:
    """Let a file have the name that a file system or a service makes of it, here or for all."""
    name = folder.pick(view.files, draw)
    if not name:
        return ""
    is_for_all = draw.below(2) and name in folder.server
    changed = changed_name(name, draw)
    if not changed or changed in view.files or changed in folder.server:
        return ""
    if is_for_all:
        _rename(folder, name, changed)
        return f"{name} -> {changed} for all"
    data = view.files[name]
    view.remove(name)
    view.set(changed, data)
    view.wake()
    return f"{name} -> {changed} here"


def placeholder(folder: Folder, view: View, draw: Draw) -> str:
    """Let a file that is coming be a placeholder first."""
    name = folder.pick({name: None for name in view.downs if name in folder.server}, draw)
    if not name or name in view.ups or not folder.server[name]:
        return ""
    del view.downs[name]
    view.set(name, folder.server[name])
    view.dehydrate(name)
    view.wake()
    return name


def dehydrate(folder: Folder, view: View, draw: Draw) -> str:
    """Take the content of a local file away; it comes back by itself."""
    name = folder.pick({name: None for name in view.files if name not in view.hydrating}, draw)
    if name:
        view.dehydrate(name)
    return name


def fail_hydration(folder: Folder, view: View, draw: Draw) -> str:
    """Let a file be listed like others while reading it fails."""
    name = folder.pick(view.files, draw)
    if name:
        view.unreadable.add(name)
        view.states[FaultKind.HYDRATION_FAILS] = State(duration(view, draw))
    return name


def storm(folder: Folder, view: View, draw: Draw) -> str:
    """Let two services work on one folder: each takes the other's files for new ones."""
    steps = (duplicate, conflict, resurrect)
    done = [draw.of(steps)(folder, view, draw) for _ in range(1 + draw.below(STORM_MAX))]
    return "; ".join(filter(None, done))


def _show(folder: Folder, view: View, draw: Draw, damage: Damage) -> str:
    coming = {
        name: None
        for name in view.downs
        if 0 < len(folder.server.get(name, b"")) <= COPIED_BYTES_MAX
        and name not in view.ups
        and view.files.get(name) != folder.server[name]
    }
    name = folder.pick(coming, draw)
    if not name:
        return ""
    part = damage(folder.server[name])
    folder.show_part(view, name, part)
    return f"{name} {len(part)} of {len(folder.server[name])}"


def _damage(folder: Folder, view: View, draw: Draw, damage: Damage) -> str:
    name = folder.pick_small(view, draw)
    if not name:
        return ""
    is_for_all = draw.below(2) and name in folder.server
    data = view.files[name]
    damaged = damage(data)
    if damaged == data:
        return ""
    if not is_for_all:
        return _damage_here(folder, view, name, damaged)
    folder.damaged.append(damaged)
    folder.store(name, damaged)
    return f"{name} {len(data)} -> {len(damaged)} for all"


def _damage_here(folder: Folder, view: View, name: str, damaged: bytes) -> str:
    size = len(view.files[name])
    folder.damaged.append(damaged)
    view.set(name, damaged)
    view.wake()
    return f"{name} {size} -> {len(damaged)} here"


def _rename(folder: Folder, name: str, changed: str) -> None:
    data = folder.server[name]
    folder.erase(name)
    folder.store(changed, data)
