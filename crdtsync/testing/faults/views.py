"""One machine's view of a synced folder: what its files are there, and what its sync client has still to do."""

import asyncio
from bisect import bisect_left
from dataclasses import dataclass

from crdtsync.remote import RemoteFile
from crdtsync.testing.faults.kinds import FaultKind

FOR_EVER = 1 << 62


@dataclass(slots=True)
class State:
    """A fault that lasts."""

    until_turn: int
    number: int = 0
    """What its draw has fixed: how many calls it leaves in peace, which of them fail, ..."""
    share: int = 0
    """How many eighths of a file it leaves; whether a stalled call is done; how many calls were throttled."""
    name: str = ""
    listing: list[RemoteFile] | None = None
    has_struck: bool = False


class View:
    """The state of one machine's folder. It decides nothing; `folder` and the injectors do."""

    def __init__(self, machine: str) -> None:
        self.machine = machine
        self.files: dict[str, bytes] = {}
        """What is in the folder. Changed by `set` and `remove` only."""
        self.ups: dict[str, bytes | None] = {}
        """What was put (its content) or deleted (None) here and has not reached the service, oldest first."""
        self.downs: dict[str, None] = {}
        """Names whose state at the service has not reached this machine, oldest first."""
        self.hydrating: dict[str, None] = {}
        """Placeholders whose content will come by itself."""
        self.delayed_ups: dict[str, bytes | None] = {}
        self.delayed_downs: dict[str, None] = {}
        self.partial: set[str] = set()
        """Names of which a part is visible while the rest is on its way."""
        self.twins: dict[str, bytes] = {}
        """The second file of a name that is there twice."""
        self.has_swapped_twin: set[str] = set()
        self.unreadable: set[str] = set()
        """Files that are listed like others, and cannot be read."""
        self.shown: dict[str, bytes] | None = None
        """What is in another folder that is in this one's place."""
        self.states: dict[FaultKind, State] = {}
        self.turns = 0
        self.events: dict[asyncio.Event, None] = {}
        self.is_wake_up_held = False
        self._names: list[str] = []
        self._listing: list[RemoteFile] = []

    def set(self, name: str, data: bytes) -> None:
        """Let a file be there, whole and readable, with this content."""
        self.hydrating.pop(name, None)
        self.unreadable.discard(name)
        self.partial.discard(name)
        place = bisect_left(self._names, name)
        entry = RemoteFile(name, len(data))
        if name in self.files:
            self._listing[place] = entry
        else:
            self._names.insert(place, name)
            self._listing.insert(place, entry)
        self.files[name] = data

    def remove(self, name: str) -> None:
        """Let a file not be there."""
        if name not in self.files:
            return
        self.hydrating.pop(name, None)
        self.unreadable.discard(name)
        self.partial.discard(name)
        self.twins.pop(name, None)
        del self.files[name]
        place = bisect_left(self._names, name)
        del self._names[place]
        del self._listing[place]

    def dehydrate(self, name: str) -> None:
        """Make a file a placeholder whose content will come by itself."""
        self.hydrating[name] = None
        place = bisect_left(self._names, name)
        self._listing[place] = RemoteFile(name, len(self.files[name]), is_local=False)

    def listing(self) -> list[RemoteFile]:
        """Return the files of the folder that is in place, sorted by name."""
        if self.shown is not None:
            return [RemoteFile(name, len(data)) for name, data in sorted(self.shown.items())]
        if self.twins:
            twins = [RemoteFile(name, len(data)) for name, data in self.twins.items()]
            return sorted(self._listing + twins, key=_name_of)
        return self._listing.copy()

    def turn(self) -> None:
        """Count a call or a silent step, and end the states whose time is over."""
        self.turns += 1
        if self.states:
            for kind in [kind for kind, state in self.states.items() if state.until_turn < self.turns]:
                self.end(kind)
            if FaultKind.WATCHER_NOISY in self.states:
                self.ring()

    def end(self, kind: FaultKind) -> None:
        """End a state, and let what it held back go on."""
        del self.states[kind]
        match kind:
            case FaultKind.FOLDER_EMPTIED | FaultKind.FOLDER_REPLACED:
                self.shown = None
            case FaultKind.DELAYED:
                self.ups = {**self.delayed_ups, **self.ups}
                self.downs |= self.delayed_downs
                self.delayed_ups, self.delayed_downs = {}, {}
            case FaultKind.HYDRATION_FAILS:
                self.unreadable.clear()
            case FaultKind.WATCHER_LATE if self.is_wake_up_held:
                self.is_wake_up_held = False
                self.ring()
            case _:
                pass

    def wake(self) -> None:
        """Tell whoever watches that something has changed, as far as the watcher works."""
        if not self.events:
            return
        if FaultKind.WATCHER_SILENT in self.states:
            return
        if FaultKind.WATCHER_LATE in self.states:
            self.is_wake_up_held = True
            return
        self.ring()

    def watch(self) -> asyncio.Event:
        """Return an event that is set at each change; it is forgotten by taking it out of `events`."""
        event = asyncio.Event()
        self.events[event] = None
        return event

    def ring(self) -> None:
        """Set every event that somebody waits for."""
        for event in self.events:
            event.set()


def _name_of(file: RemoteFile) -> str:
    return file.name
