"""What services make of names: conflict copies, duplicates, split directories, changed and foreign names."""

from enum import StrEnum
from typing import Final

from crdtsync.testing.faults.draws import Draw

_DATE: Final = "2024-05-06"
_CUT_TO: Final = 6


class ConflictNaming(StrEnum):
    """How the second of two files of one name is called. No copy at all is a way, too."""

    DROPBOX = "dropbox"
    DROPBOX_CASE = "dropbox-case"
    DROPBOX_WHITE_SPACE = "dropbox-white-space"
    DROPBOX_SELECTIVE_SYNC = "dropbox-selective-sync"
    ONEDRIVE_COMPUTER = "onedrive-computer"
    ONEDRIVE_NUMBER = "onedrive-number"
    GOOGLE = "google"
    ICLOUD = "icloud"
    SYNCTHING = "syncthing"
    NEXTCLOUD = "nextcloud"
    CRYPTOMATOR = "cryptomator"
    AFTER_EXTENSION = "after-extension"
    NO_COPY = "no-copy"


def split_extension(name: str) -> tuple[str, str]:
    """Return what comes before the extension of the last component, and the extension with its dot."""
    head, slash, last = name.rpartition("/")
    stem, dot, extension = last.rpartition(".")
    return (head + slash + stem, dot + extension) if stem else (name, "")


def conflict_name(naming: ConflictNaming, name: str, machine: str, number: int) -> str:
    """Return the name of the `number`-th (from 1) conflict copy of a file; empty where no copy is kept."""
    stem, extension = split_extension(name)
    again = f" {number}" if number > 1 else ""
    match naming:
        case ConflictNaming.DROPBOX:
            return f"{stem} ({machine}'s conflicted copy {_DATE}{again}){extension}"
        case ConflictNaming.DROPBOX_CASE:
            return f"{stem} (Case Conflict{again}){extension}"
        case ConflictNaming.DROPBOX_WHITE_SPACE:
            return f"{stem} (White Space Conflict{again}){extension}"
        case ConflictNaming.DROPBOX_SELECTIVE_SYNC:
            return f"{stem} (Selective Sync Conflict{again}){extension}"
        case ConflictNaming.ONEDRIVE_COMPUTER:
            return f"{stem}-{machine}{f'-{number}' if number > 1 else ''}{extension}"
        case ConflictNaming.ONEDRIVE_NUMBER:
            return f"{stem} ({number + 1}){extension}"
        case ConflictNaming.GOOGLE:
            return f"{stem} ({number}){extension}"
        case ConflictNaming.ICLOUD:
            return f"{stem} {number + 1}{extension}"
        case ConflictNaming.SYNCTHING:
            device = f"{machine:A<7.7}".upper()
            return f"{stem}.sync-conflict-20240506-{100000 + number:06}-{device}{extension}"
        case ConflictNaming.NEXTCLOUD:
            return f"{stem} (conflicted copy {_DATE} {100000 + number:06}){extension}"
        case ConflictNaming.CRYPTOMATOR:
            # What the service below appended to the encrypted name is lifted over to the name that is shown.
            return f"{stem}_conflict{f'-{number}' if number > 1 else ''}{extension}"
        case ConflictNaming.AFTER_EXTENSION:
            return f"{name} ({machine}'s conflicted copy{again})"
        case ConflictNaming.NO_COPY:
            return ""


def duplicate_name(name: str, number: int, draw: Draw) -> str:
    """Return a second name for the same file, in one of the forms that services and people give."""
    stem, extension = split_extension(name)
    head, slash, last = name.rpartition("/")
    return draw.of(
        (
            f"{stem} ({number}){extension}",
            f"{head}{slash}Copy of {last}" if number == 1 else f"{head}{slash}Copy {number} of {last}",
            f"{stem} - Copy ({number}){extension}",
            f"{stem} copy {number}{extension}",
            f"{name}.{number}",
            f"moved {number}/{last}",
        )
    )


def changed_name(name: str, draw: Draw) -> str:
    """Return the name as a file system or a service hands it back: folded, with other characters, or cut."""
    stem, extension = split_extension(name)
    head, slash, last = name.rpartition("/")
    last_stem = stem[len(head + slash) :]
    return draw.of(
        (
            name.upper(),
            head + slash + last.upper(),
            name.replace("-", "_"),
            name.replace("-", "\u2010"),
            f"{stem}{extension} ",
            f"{head}{slash}{last_stem[: (len(last_stem) + 1) // 2]}{extension}",
            f"{head}{slash}{last_stem[:_CUT_TO]}~1{extension[:4]}".upper(),
        )
    )


def split_directory_name(directory: str, number: int) -> str:
    """Return the name of a directory's second half; `directory` has no slash at its end."""
    return f"{directory} {number + 1}"


FOREIGN_FILES: tuple[tuple[str, bytes], ...] = (
    (".DS_Store", b"\x00\x00\x00\x01Bud1"),
    ("desktop.ini", b"[.ShellClassInfo]\r\n"),
    ("Icon\r", b""),
    ("Thumbs.db", b"\xd0\xcf\x11\xe0"),
    (".sync_7f3a1b.db", b"SQLite format 3\x00"),
    (".stfolder/syncthing-folder-1a2b3c.txt", b"# This directory is a Syncthing folder marker.\n"),
    (".dropbox.cache/state.dbx", b"\x00" * 16),
    ("~$quote.docx", b"\x05ada"),
)
"""Files of systems and services, by name, that are nobody's business."""


def service_copy_name(name: str, draw: Draw) -> str:
    """Return the name under which a service keeps a version, a part or a stub of a file for itself."""
    stem, extension = split_extension(name)
    head, slash, last = name.rpartition("/")
    return draw.of(
        (
            f".stversions/{stem}~20240506-101010{extension}",
            f"{head}{slash}.syncthing.{last}.tmp",
            f"{head}{slash}~syncthing~{last}.tmp",
            f"{head}{slash}.~{last}",
            f"{head}{slash}._{last}",
            f"{head}{slash}.{last}.icloud",
            f"{name}.nextcloud",
            f"{name}.partial",
            f"#recycle/{name}",
        )
    )


def junk_name(near: str, draw: Draw, number: int) -> str:
    """Return the name that an outsider gives to a file, in the directory of `near` or elsewhere."""
    head, slash, _ = near.rpartition("/")
    return draw.of(
        (
            f"{head}{slash}s-{number:08}-0123456789.crdts",
            f"{head}{slash}b-{99_999_000 + number:08}-abcdef0123.crdts",
            f"{head}{slash}s-9007199254740991-{number:010}.crdts",
            f"junk-{number}.crdts",
            f"junk {number}.txt",
            f"con.{number}.crdts",
            f"a:b{number}.crdts",
            f"folder-aaaaaaaaaaaaaaaaaaaaaaaaaa ({number}).crdts",
            f"{'deep/' * 20}{number}.crdts",
            f"snow\u2603 {number}.crdts",
        )
    )
