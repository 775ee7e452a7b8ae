"""The service and its views: what an upload, a download and a delete do, in whatever order they happen."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice

from crdtsync.testing.faults.draws import Draw
from crdtsync.testing.faults.kinds import FaultKind
from crdtsync.testing.faults.names import ConflictNaming, conflict_name
from crdtsync.testing.faults.profiles import Profile
from crdtsync.testing.faults.views import View

_PARTIAL_ONE_IN = 4
COPIED_BYTES_MAX = 1 << 20
"""Larger files are not copied to damage them: thousands of schedules a minute have no time for it."""


class Folder:
    """One server state and a view per machine. Every change of the server is in the journal, to be undone."""

    def __init__(
        self, profile: Profile, *, spares: Callable[[str], bool] | None, name: str = "fault"
    ) -> None:
        self.profile = profile
        self.name = name
        self.server: dict[str, bytes] = {}
        self.views: dict[str, View] = {}
        self.injected: Counter[FaultKind] = Counter()
        self.journal: list[tuple[str, bytes | None]] = []
        """Of each change of the server: the name, and what was there before."""
        self.deleted: dict[str, bytes] = {}
        """The last content of every name that is gone from the server."""
        self.torn: set[str] = set()
        """Names of which the server holds a part that its writer was told is not there."""
        self.damaged: list[bytes] = []
        self.junk: list[bytes] = []
        self._spares = spares

    def view(self, machine: str) -> View:
        """Return the machine's view; a new one has everything still to come."""
        view = self.views.get(machine)
        if view is None:
            view = self.views[machine] = View(machine)
            view.downs = dict.fromkeys(self.server)
        return view

    def store(self, name: str, data: bytes, *, by: View | None = None) -> None:
        """Let the server hold a file, which then has to come to all others."""
        before = self.server.get(name)
        if before is data:
            return
        self.journal.append((name, before))
        self.server[name] = data
        self.deleted.pop(name, None)
        self._announce(name, by)

    def erase(self, name: str, *, by: View | None = None) -> None:
        """Let the server not hold a file, which then has to go from all others."""
        before = self.server.pop(name, None)
        if before is None:
            return
        self.journal.append((name, before))
        self.deleted[name] = before
        self.torn.discard(name)
        self._announce(name, by)

    def _announce(self, name: str, by: View | None) -> None:
        for view in self.views.values():
            if view is not by:
                view.downs[name] = None

    def put(self, view: View, name: str, data: bytes) -> None:
        """Let a machine have a new file, whose upload is still to come."""
        view.set(name, data)
        view.ups[name] = data
        view.wake()

    def delete(self, view: View, name: str) -> None:
        """Let a machine delete a file, which is still to be told to the service."""
        if name not in view.files:
            return
        view.remove(name)
        view.delayed_ups.pop(name, None)
        view.ups[name] = None
        view.wake()

    def moves(self, view: View) -> int:
        """Return how many silent steps are possible at a machine."""
        if view.shown is not None or FaultKind.FOLDER_UNMOUNTED in view.states:
            return 0
        states = view.states
        ups = 0 if FaultKind.UPLOADS_PAUSED in states else len(view.ups)
        downs = 0 if FaultKind.VIEW_FROZEN in states else len(view.downs) + len(view.hydrating)
        return ups + downs

    def move(self, view: View, number: int) -> str:
        """Let one of the silent steps happen; what it was, or nothing."""
        view.turn()
        possible = self.moves(view)
        if not possible:
            return ""
        draw = Draw(number)
        index = draw.below(possible)
        if FaultKind.UPLOADS_PAUSED not in view.states:
            if index < len(view.ups):
                return self._upload(view, next(islice(view.ups, index, None)), draw)
            index -= len(view.ups)
        if index < len(view.downs):
            return self._download(view, next(islice(view.downs, index, None)), draw)
        name = next(islice(view.hydrating, index - len(view.downs), None))
        view.set(name, view.files[name])
        view.wake()
        return f"hydrate {name}"

    def _upload(self, view: View, name: str, draw: Draw) -> str:
        data = view.ups.pop(name)
        if data is None:
            self.erase(name, by=view)
            return f"delete-up {name}"
        there = self.server.get(name)
        if there is None or name in self.torn:
            self.torn.discard(name)
            self.store(name, data, by=view)
        elif there != data:
            return self._collide(view, name, data, there, draw)
        return f"up {name}"

    def _download(self, view: View, name: str, draw: Draw) -> str:
        data = self.server.get(name)
        if name in view.ups:
            mine = view.ups[name]
            del view.downs[name]
            if mine is None or data is None or mine == data:
                return f"skip {name}"
            del view.ups[name]
            return self._collide(view, name, mine, data, draw)
        if data is None:
            del view.downs[name]
            view.remove(name)
            view.wake()
            return f"delete-down {name}"
        if (
            self.profile.shows_partial
            and name not in view.partial
            and view.files.get(name) != data
            and draw.below(_PARTIAL_ONE_IN) == _PARTIAL_ONE_IN - 1
        ):
            size = draw.below(len(data))
            self.show_part(view, name, data[:size])
            self.injected[FaultKind.PARTIAL] += 1
            return f"part {name} {size}"
        del view.downs[name]
        if view.files.get(name) != data:
            view.set(name, data)
            view.wake()
        return f"down {name}"

    def show_part(self, view: View, name: str, part: bytes) -> None:
        """Let a part of a file be visible under its name while the rest is still to come."""
        self.damaged.append(part)
        view.set(name, part)
        view.partial.add(name)
        view.wake()

    def _collide(self, view: View, name: str, mine: bytes, theirs: bytes, draw: Draw) -> str:
        """Two machines have created one name: one of the contents gets another name, or is lost."""
        naming = draw.of(self.profile.conflict_namings)
        winner, loser = (theirs, mine) if draw.below(2) == 0 else (mine, theirs)
        self.injected[FaultKind.CONFLICT_COPY] += 1
        view.downs.pop(name, None)
        view.set(name, winner)
        if winner is mine:
            self.store(name, mine, by=view)
        copy = self.free_name(view, lambda number: conflict_name(naming, name, view.machine, number))
        if copy:
            view.set(copy, loser)
            if self.profile.uploads_conflict_copies:
                view.ups[copy] = loser
        view.wake()
        return f"conflict {name} -> {copy or 'lost'}"

    def free_name(self, view: View, name_of: Callable[[int], str], *, start: int = 1) -> str:
        """Return the first of the numbered names that is free here and at the service; empty if there is none."""
        number = start
        while (name := name_of(number)) and (name in view.files or name in self.server):
            number += 1
        return name

    def pick(self, files: Mapping[str, object], draw: Draw) -> str:
        """Return one of the names that faults may touch; empty if there is none."""
        if not files:
            return ""
        if self._spares is None:
            return draw.key_of(files)
        names = [name for name in files if not self._spares(name)]
        return draw.of(names) if names else ""

    def pick_small(self, view: View, draw: Draw) -> str:
        """Return one of a view's files that are small enough to be copied; empty if there is none."""
        return self.pick(
            {name: None for name, data in view.files.items() if 0 < len(data) <= COPIED_BYTES_MAX}, draw
        )

    def forget_upload(self, view: View, name: str) -> None:
        """Let nothing be uploaded under a name."""
        view.ups.pop(name, None)
        view.delayed_ups.pop(name, None)

    def is_spared(self, name: str) -> bool:
        """Whether faults must leave a file alone."""
        return self._spares is not None and self._spares(name)

    def before(self, changes: int) -> dict[str, bytes | None]:
        """Return what the names touched by the last so many changes of the server held before them."""
        earlier = dict(reversed(self.journal[len(self.journal) - changes :]))
        return {name: data for name, data in earlier.items() if not self.is_spared(name)}

    def heal(self, view: View) -> None:
        """End every fault of a view that lasts; of two files of one name, the second gets a name of its own."""
        for kind in list(view.states):
            view.end(kind)
        for name, data in list(view.twins.items()):
            del view.twins[name]
            view.set(self.free_name(view, partial(conflict_name, ConflictNaming.GOOGLE, name, "")), data)
            view.wake()
        view.has_swapped_twin.clear()

    def settle(self) -> int:
        """Let all silent steps happen, in their order, until none is possible; how many there were."""
        steps = 0
        while True:
            before = steps
            for view in self.views.values():
                for _ in range(self.moves(view)):
                    steps += bool(self.move(view, 0))
            if steps == before:
                return steps
