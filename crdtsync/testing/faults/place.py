"""A place that a sync service keeps in step between machines: deterministic, without time or chance of its own."""

from collections.abc import Callable, Mapping
from functools import partial as bind
from types import MappingProxyType

from crdtsync.testing.faults import files, whole
from crdtsync.testing.faults.draws import Draw
from crdtsync.testing.faults.folder import Folder
from crdtsync.testing.faults.kinds import FaultKind
from crdtsync.testing.faults.profiles import CALM, Profile
from crdtsync.testing.faults.remote import FaultRemote, Gate
from crdtsync.testing.faults.views import View

Injector = Callable[[Folder, View, Draw], str]

_EVENTS: dict[FaultKind, Injector] = {
    FaultKind.DELAYED: files.delay,
    FaultKind.UPLOAD_LOST: files.lose_upload,
    FaultKind.DOWNLOAD_LOST: files.lose_download,
    FaultKind.DELETE_LOST: files.lose_delete,
    FaultKind.DUPLICATED: files.duplicate,
    FaultKind.CONFLICT_COPY: files.conflict,
    FaultKind.SAME_NAME_TWICE: files.twin,
    FaultKind.STACKED_SERVICES: files.storm,
    FaultKind.PARTIAL: files.partial,
    FaultKind.ZERO_TAIL: files.zero_tail,
    FaultKind.EMPTY: files.empty,
    FaultKind.FLIPPED_BIT: files.flip_bit,
    FaultKind.TRUNCATED: files.truncate,
    FaultKind.CONCATENATED: files.concatenate,
    FaultKind.SWAPPED: files.swap,
    FaultKind.VANISHED: files.vanish,
    FaultKind.RESURRECTED: files.resurrect,
    FaultKind.ROLLED_BACK: whole.roll_back,
    FaultKind.VIEW_ROLLED_BACK: whole.roll_back_view,
    FaultKind.FOLDER_EMPTIED: whole.empty_folder,
    FaultKind.FOLDER_REPLACED: whole.replace_folder,
    FaultKind.FOLDER_NESTED: whole.nest_folder,
    FaultKind.DIRECTORY_SPLIT: files.split_directory,
    FaultKind.NAME_CHANGED: files.change_name,
    FaultKind.PLACEHOLDER: files.placeholder,
    FaultKind.DEHYDRATED: files.dehydrate,
    FaultKind.HYDRATION_FAILS: files.fail_hydration,
    FaultKind.FOREIGN_FILES: whole.add_foreign,
    FaultKind.JUNK_RANDOM: whole.junk_random,
    FaultKind.JUNK_REPLAYED: whole.junk_replayed,
    FaultKind.JUNK_RENAMED: whole.junk_renamed,
    FaultKind.JUNK_TRUNCATED: whole.junk_truncated,
    FaultKind.JUNK_OVERSIZED: whole.junk_oversized,
    FaultKind.JUNK_FLOOD: whole.junk_flood,
    FaultKind.WIPED: whole.wipe,
    FaultKind.ENCRYPTED: whole.encrypt,
}
_CLIENT_STATES = (
    FaultKind.VIEW_FROZEN,
    FaultKind.UPLOADS_PAUSED,
    FaultKind.WATCHER_SILENT,
    FaultKind.WATCHER_NOISY,
    FaultKind.WATCHER_LATE,
)
_INJECTORS: dict[FaultKind, Injector] = {
    kind: _EVENTS.get(kind) or bind(whole.lasting, kind) for kind in FaultKind
}
_COUNTED_AT_ONCE = {*_EVENTS, *_CLIENT_STATES} - {FaultKind.HYDRATION_FAILS}
"""The others are counted when they strike a call."""


class FaultPlace:
    """One server state and a view per machine. Every choice in it is a number that the caller draws.

    The same calls with the same numbers give the same results, so a list of them is a schedule that can be
    replayed and shrunk. Zero is the simplest choice everywhere: the oldest step, the first file.
    """

    def __init__(
        self,
        profile: Profile = CALM,
        *,
        is_settled: bool = False,
        spares: Callable[[str], bool] | None = None,
        name: str = "fault",
    ) -> None:
        """Make an empty place.

        Args:
            profile: how conflict copies are named, and whether files appear in part; which faults to draw.
            is_settled: whether every call is followed by all silent steps, so that views see each other's
                files at once.
            spares: of a name, whether damaging faults leave that file alone.
            name: what the addresses of its remotes begin with: a folder that moves goes to a place with another.
        """
        self.profile = profile
        self._folder = Folder(profile, spares=spares, name=name)
        self._is_settled = is_settled
        self.server = self._folder.server
        """What the service holds. To be read: a stranger writes with `write` and `erase`."""
        self.injected = self._folder.injected
        """How many faults took effect; one of calls counts when it strikes a call."""

    @property
    def machines(self) -> tuple[str, ...]:
        """The machines that have a view, in the order in which they came."""
        return tuple(self._folder.views)

    @property
    def damaged(self) -> tuple[bytes, ...]:
        """Every damaged content that faults have made."""
        return tuple(self._folder.damaged)

    @property
    def junk(self) -> tuple[bytes, ...]:
        """Every content that services and outsiders have written."""
        return tuple(self._folder.junk)

    def files(self, machine: str) -> Mapping[str, bytes]:
        """Return what is in a machine's folder, a read-only view."""
        return MappingProxyType(self._folder.view(machine).files)

    def remote(self, machine: str, *, gate: Gate | None = None) -> FaultRemote:
        """Return a remote on the view of a machine; a machine that is new has everything still to come."""
        return FaultRemote(self._folder, self._folder.view(machine), gate=gate, is_settled=self._is_settled)

    def write(self, name: str, data: bytes) -> None:
        """Let a stranger put a file at the service, or change one; it comes to all."""
        self._folder.junk.append(data)
        self._folder.store(name, data)

    def erase(self, name: str) -> None:
        """Let a stranger delete a file at the service; it goes from all."""
        self._folder.erase(name)

    def moves(self, machine: str | None = None) -> int:
        """Return how many silent steps are possible now, at one machine or at all."""
        if machine is not None:
            return self._folder.moves(self._folder.view(machine))
        return sum(map(self._folder.moves, self._folder.views.values()))

    def move(self, machine: str, draw: int) -> str:
        """Let one silent step of a machine's sync client happen; what it was, or empty if none is possible."""
        return self._folder.move(self._folder.view(machine), draw)

    def inject(self, kind: FaultKind, machine: str, draw: int) -> str:
        """Make a fault happen; what it did, or empty if there was nothing to do it to."""
        happened = _INJECTORS[kind](self._folder, self._folder.view(machine), Draw(draw))
        if happened and kind in _COUNTED_AT_ONCE:
            self.injected[kind] += 1
        return happened

    def heal(self) -> None:
        """End every fault that lasts. What is damaged or lost in the views stays as it is."""
        for view in self._folder.views.values():
            self._folder.heal(view)

    def settle(self) -> int:
        """Let all silent steps happen until none is possible; how many there were."""
        return self._folder.settle()
