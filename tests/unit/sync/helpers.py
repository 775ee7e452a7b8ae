"""What the tests of the sync do to files and segments."""

from crdtsync.protocol.causality import ChangeId
from crdtsync.protocol.files import NO_HASH, FileHeader, FileType, decode_file, encode_file
from crdtsync.protocol.ids import FeedId, ReplicaId
from crdtsync.protocol.names import beacon_name, ledger_name, segment_name
from crdtsync.protocol.segment import Change, DocumentChanges, Incarnation, Segment, encode_segment

STRANGER = ReplicaId("qqqqqqqqqqqqqqqqqqqqqqqqqq")
FEED = FeedId("aqaqaqaqaqaqa")
CLIENT = 77


def named(files, letter, owner=""):
    """Return the names of segments (s), ledger files (l) or beacons (b), in order."""
    return sorted(name for name in files if f"/{letter}-" in name and name.startswith(owner))


def stranger_file(
    folder, body, *, type_=FileType.SEGMENT, sequence=1, previous=NO_HASH, feed=FEED, writer=STRANGER
):
    """Return name and bytes of a file of a replica that is not here."""
    header = FileHeader(
        type=type_,
        folder=folder,
        writer=writer,
        feed=feed if type_ is FileType.SEGMENT else "",
        sequence=sequence,
        previous=previous,
    )
    data = encode_file(header, body)
    match type_:
        case FileType.SEGMENT:
            return segment_name(writer, feed, sequence, data[-32:]), data
        case FileType.LEDGER:
            return ledger_name(writer, sequence, data[-32:]), data
        case _:
            return beacon_name(writer, sequence, data[-32:]), data


def stranger_segment(folder, documents, *, requests=(), **place):
    """Return name and bytes of a segment with (document, kind, changes), a change as (sequence, delta, causes)."""
    groups = [
        DocumentChanges(
            document,
            kind,
            [
                Change(CLIENT, sequence, 1000, tuple(ChangeId(*cause) for cause in causes), "", delta)
                for sequence, delta, causes in changes
            ],
        )
        for document, kind, changes in documents
    ]
    incarnations = [Incarnation(CLIENT, STRANGER, "eve", "R9")]
    return stranger_file(folder, encode_segment(Segment(incarnations, groups, list(requests))), **place)


def put_everywhere(world, name, data):
    """Put a file into the place as another machine would, at once visible to all."""
    world.place.files[name] = world.place.ever[name] = data
    for view in world.place.views.values():
        view.files[name] = data


def header_of(data):
    return decode_file(data).header
