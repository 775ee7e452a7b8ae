"""The promise about names that others left: what services, systems and people call files beside ours."""

import contextlib
import unicodedata
from collections.abc import Awaitable, Callable

from crdtsync.errors import RemoteError, UsageError
from crdtsync.remote import Remote
from crdtsync.testing.faults.names import ConflictNaming, conflict_name
from crdtsync.testing.remote_checks_common import SMALL_BYTES, BrokenError, expect_content

Leave = Callable[[Remote, str, bytes], Awaitable[None]]
"""Leaves a file in a remote's place, without the remote, as another program would."""

OUR_NAME = "a/s-00000001-0123456789.crdts"

FOREIGN_NAMES: tuple[str, ...] = (
    "desktop.ini",
    "Icon\r",
    "ada (Bob's conflicted copy 2024-05-01).segment",
    "cafe\u0301 caf\u00e9.txt",
    "a.sync-conflict-20240501-101010-ABCDEFG.segment",
    f"a/{'X' * 130}.crdts",
    *(
        conflict_name(naming, OUR_NAME, "Ada", 1)
        for naming in ConflictNaming
        if naming is not ConflictNaming.NO_COPY
    ),
)
"""The conflict copies are of a file of ours: what they hold is missing if they are not seen."""


async def left_by_others(ada: Remote, bob: Remote, leave: Leave) -> None:
    """What a stranger left under any name is listed and opens by that name."""
    await ada.put(OUR_NAME, SMALL_BYTES)
    written = set()
    for name in FOREIGN_NAMES:
        # The place may not allow such a name, and then nobody left it there.
        with contextlib.suppress(OSError, RemoteError, UsageError):
            await leave(ada, name, SMALL_BYTES)
            written.add(name)
    if not written:
        raise BrokenError("there is no foreign name under which `leave` could leave anything")
    listed = {file.name for file in await bob.list()}
    if OUR_NAME not in listed:
        raise BrokenError("foreign files hid ours")
    # A file system may compose or decompose names; then the listed form is the one that opens.
    forms = {unicodedata.normalize("NFC", name): name for name in listed}
    for name in sorted(written):
        form = forms.get(unicodedata.normalize("NFC", name))
        if form is None:
            raise BrokenError(f"{name!r} was not listed as it is")
        await expect_content(bob, form, SMALL_BYTES)
