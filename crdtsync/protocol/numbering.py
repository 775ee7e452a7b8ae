"""The rules of numbers: how they look, and who gets which. Decisions only; the ledger records them."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from crdtsync.errors import SchemaError, ValidationError
from crdtsync.protocol import wire
from crdtsync.protocol.ids import DocumentId, ReplicaId
from crdtsync.protocol.ledger import (
    GRANTED,
    NO_REPLICA,
    VOID,
    LedgerEntry,
    LedgerHead,
    encode_entry,
    entry_hash,
)
from crdtsync.protocol.segment import NumberRequest

PATTERN_CHARS_MAX: Final = 40

_SERIES_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", re.ASCII)
_PLACE = re.compile(r"\{number(?::0([1-9])d)?\}", re.ASCII)
_REPLICA_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,19}", re.ASCII)
_DIGITS = re.compile(r"[0-9]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Series:
    """A run of numbers, and how they are printed: `{number}` or `{number:05d}` stands once in the pattern.

    Raises:
        SchemaError: The name, pattern or start makes no sense.
    """

    name: str
    pattern: str = "{number}"
    start: int = 1

    def __post_init__(self) -> None:
        if _SERIES_NAME.fullmatch(self.name) is None:
            raise SchemaError(f"Not a name for a series: {self.name[:60]!r}")
        if len(self.pattern) > PATTERN_CHARS_MAX or not self.pattern.isprintable():
            raise SchemaError(f"A pattern has at most {PATTERN_CHARS_MAX} printable characters")
        if len(_PLACE.findall(self.pattern)) != 1 or re.search(r"[{}]", _PLACE.sub("", self.pattern)):
            raise SchemaError(
                f"A pattern has {{number}} or {{number:05d}} once, and no other braces: {self.pattern!r}"
            )
        if not 0 <= self.start <= wire.NUMBER_MAX:
            raise SchemaError(f"A series starts at a number from 0 on, not {self.start}")

    def text(self, number: int) -> str:
        """The number as it is printed."""
        return _PLACE.sub(lambda place: f"{number:0{place[1] or 1}d}", self.pattern)

    def next_number(self, counter: int | None) -> int:
        """The number after `counter`, the last one used; `start` if none was."""
        # A start that was changed later must not tear a hole.
        return self.start if counter is None else counter + 1


def check_series(series: Iterable[Series]) -> dict[str, Series]:
    """The series by name, none of which can print what another prints.

    Raises:
        SchemaError: Two have one name, or might print the same number.
    """
    named: dict[str, Series] = {}
    for one in series:
        for other in named.values():
            if one.name == other.name:
                raise SchemaError(f"There are two series named {one.name!r}")
            if _may_collide(one.pattern, other.pattern):
                raise SchemaError(
                    f"The series {other.name!r} and {one.name!r} could print the same number",
                    hint="Give each a prefix of its own, as in 'Q-{number}'",
                )
        named[one.name] = one
    return named


def _may_collide(first: str, second: str) -> bool:
    """Whether the texts around the numbers can be told from digits of the other's number, in whatever case."""
    start_a, _, end_a = _PLACE.sub("\0", first).lower().partition("\0")
    start_b, _, end_b = _PLACE.sub("\0", second).lower().partition("\0")
    short, long = sorted((start_a, start_b), key=len)
    if not long.startswith(short) or not _DIGITS.fullmatch(long[len(short) :]):
        return False
    short, long = sorted((end_a, end_b), key=len)
    return long.endswith(short) and _DIGITS.fullmatch(long[: len(long) - len(short)]) is not None


def check_replica_name(name: str) -> str:
    """The name, if a replica may have it: it begins reference numbers.

    Raises:
        ValidationError: It may not.
    """
    if _REPLICA_NAME.fullmatch(name) is None:
        raise ValidationError(
            f"Not a name for a replica: {name[:60]!r}",
            hint="Use 1 to 20 of the characters A-Z a-z 0-9 -, beginning with a letter or digit",
        )
    return name


def reference_text(replica_name: str, counter: int) -> str:
    """The reference number that a workstation gives at once, as in "R2-0017".

    Raises:
        ValidationError: The name is not one of a replica, or the counter is not positive.
    """
    if counter < 1:
        raise ValidationError(f"Reference numbers count from 1, not {counter}")
    return f"{check_replica_name(replica_name)}-{counter:04d}"


class GrantRequest(NamedTuple):
    """A request, and who made it."""

    requester: ReplicaId
    request: NumberRequest


def plan_grants(
    requests: Iterable[GrantRequest],
    *,
    granted: Collection[tuple[str, DocumentId]],
    counters: Mapping[str, int],
    ends: Mapping[str, int] = {},
    series: Mapping[str, Series],
    head: LedgerHead,
    at_ms: int,
    today: str,
    last_issue_dates: Mapping[str, str],
) -> list[LedgerEntry]:
    """The entries that the coordinator appends for these requests, in the order given.

    One grant per series and document, whoever asks and however often; of one replica's statements about a
    document the one with the highest serial holds. Requests for a series that is not defined are left.

    Args:
        requests: All that are known, in the order in which they are served.
        granted: The (series, document) pairs that have a number already.
        counters: The last number used, granted or void, of each series.
        ends: The last number that may be used, of series that must not go on.
        series: The series by name.
        head: The ledger's last entry.
        at_ms: The coordinator's clock.
        today: The coordinator's date, ISO. A series' date never goes back, even when the clock does.
        last_issue_dates: The date of each series' last entry.

    Raises:
        ValidationError: `today` is no ISO date, or a value is beyond its limit.
    """
    offered = list(requests)
    newest: dict[tuple[ReplicaId, str, DocumentId], int] = {}
    for requester, request in offered:
        key = (requester, request.series, request.document)
        newest[key] = max(newest.get(key, 0), request.serial)
    done: set[tuple[str, DocumentId]] = set()
    last_numbers = dict(counters)
    entries: list[LedgerEntry] = []
    for requester, request in offered:
        wanted = (request.series, request.document)
        superseded = request.serial < newest[requester, *wanted]
        if request.withdrawn or superseded or wanted in granted or wanted in done:
            continue
        if (rules := series.get(request.series)) is None:
            continue
        number = rules.next_number(last_numbers.get(rules.name))
        if number > ends.get(rules.name, wire.NUMBER_MAX):
            continue
        entry = LedgerEntry(
            index=head.index + 1,
            previous=head.hash,
            outcome=GRANTED,
            series=rules.name,
            number=number,
            text=rules.text(number),
            document=request.document,
            requester=requester,
            digest=request.digest,
            at_ms=at_ms,
            issue_date=max(today, last_issue_dates.get(rules.name, "")),
        )
        head = LedgerHead(entry.index, entry_hash(encode_entry(entry)))
        last_numbers[rules.name] = number
        done.add(wanted)
        entries.append(entry)
    return entries


def plan_void(
    series: Series,
    reason: str,
    *,
    number: int | None = None,
    granted: Collection[int] = (),
    void: Collection[int] = (),
    counter: int | None,
    head: LedgerHead,
    at_ms: int,
    today: str,
    last_issue_date: str = "",
    requester: ReplicaId = NO_REPLICA,
) -> LedgerEntry:
    """The entry that makes a number of the series unusable: the next one, or a given one that was granted.

    Args:
        series: Whose number it is.
        reason: Why, for the books.
        number: A granted number; the next one if not given.
        granted: The granted numbers of the series; need hold no other than the given one.
        void: The numbers of the series that are void already.
        counter: The last number used, granted or void.
        head: The ledger's last entry.
        at_ms: The coordinator's clock.
        today: The coordinator's date, ISO.
        last_issue_date: The date of the series' last entry.
        requester: The replica that asked for it, if one did.

    Raises:
        ValidationError: There is no reason, or the number is void already or was not granted.
    """
    if not reason.strip():
        raise ValidationError("A number is void for a reason: give one")
    following = series.next_number(counter)
    chosen = following if number is None else number
    if chosen in void:
        raise ValidationError(f"The number {series.text(chosen)} is void already")
    if chosen != following and chosen not in granted:
        raise ValidationError(f"The number {chosen} of {series.name!r} has not been granted")
    entry = LedgerEntry(
        index=head.index + 1,
        previous=head.hash,
        outcome=VOID,
        series=series.name,
        number=chosen,
        text=series.text(chosen),
        reason=reason,
        requester=requester,
        at_ms=at_ms,
        issue_date=max(today, last_issue_date),
    )
    encode_entry(entry)
    return entry
