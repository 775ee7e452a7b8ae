"""Cells: one field of a document on a page, and the writing of it when it is left."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from starlette.requests import Request

from crdtsync import Conflict, Document
from crdtsync.errors import DocumentNotFoundError, UnknownVersionError, ValidationError
from examples.sales.web.desk import Desk
from examples.sales.web.fields import Field
from examples.sales.web.forms import InputError
from examples.sales.web.marks import Mark, Marks
from examples.sales.web.pages.conflicts import dispute_id
from examples.sales.web.posted import form_of, given
from examples.sales.web.windows import window_of


class NotNowError(InputError):
    """What was typed is understood, and must not be written now."""


class OtherWindowError(Exception):
    """Another window of this workstation has written what is to be written here, and this one has not seen that."""


_ONE_OF = {"lines": "line", "charges": "charge", "phones": "phone"}


D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True)
class Spot(Generic[D]):
    """What has fields: a document, or a member of one of its lists."""

    address: str
    """Of the page of the document."""
    cls: type[D]
    document: str
    list_name: str = ""
    member: str = ""
    version: str = ""
    """Which state of the document the page shows."""

    def of(self, list_name: str, member: str) -> "Spot[D]":
        """Return a member of one of the document's lists."""
        return replace(self, list_name=list_name, member=member)

    def seen_in(self, document: Document) -> "Spot[D]":
        """Return the same on a page that shows this state of the document."""
        return replace(self, version=document.info.version)

    def owner(self, document: Any) -> Any:
        """Return what has the fields, in a view or in a draft.

        Raises:
            DocumentNotFoundError: the list has no such member.
        """
        return getattr(document, self.list_name)[self.member] if self.list_name else document

    def key(self, field: Field) -> str:
        """Return the id of a field on the page."""
        return (
            f"{_ONE_OF[self.list_name]}-{self.member}-{field.name}"
            if self.list_name
            else f"field-{field.name}"
        )

    def saved_at(self, field: Field) -> str:
        """Return where a field is saved."""
        middle = f"/{self.list_name}/{self.member}" if self.list_name else ""
        return f"{self.address}{middle}/fields/{field.name}"

    def path(self, field: Field) -> str:
        """Return the name the library has for the place of a field."""
        return (
            f"{self.list_name}/{self.member}/{field.conflict_path}" if self.list_name else field.conflict_path
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """One field as it is on the page."""

    key: str
    """Its id on the page."""
    address: str
    """Where it is saved."""
    field: Field
    typed: str
    """What is in it."""
    seen: str
    """What was written in the document when the page was made."""
    version: str
    """Which state of the document that was: a person has seen this and nothing newer."""
    error: str = ""
    notice: str = ""
    is_disputed: bool = False
    """Whether two people have written it without knowing of each other."""
    dispute: str = ""
    """Where that is decided."""
    mark: Mark | None = None
    """Who changed it elsewhere since the page was opened."""

    is_fixed: bool = False
    """Whether it is shown and cannot be changed now."""

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to say of it but its value."""
        return not (self.error or self.notice or self.is_disputed or self.mark or self.is_fixed)

    @property
    def content(self) -> tuple[object, ...]:
        """What a page shows of it: the same content need not be sent again."""
        return self.typed, self.error, self.notice, self.is_disputed, self.mark, self.is_fixed


def cell_of(
    desk: Desk,
    spot: Spot[Any],
    owner: Any,
    field: Field,
    conflicts: Iterable[Conflict],
    marks: Marks | None = None,
    *,
    notice: str = "",
) -> Cell:
    """Return a field as it is in a document."""
    shown = field.show(desk.forms, owner)
    path = spot.path(field)
    return Cell(
        spot.key(field),
        spot.saved_at(field),
        field,
        shown,
        shown,
        spot.version,
        notice=notice,
        is_disputed=any(conflict.path == path and conflict.needs_decision for conflict in conflicts),
        dispute=f"/conflicts?document={spot.document}#{dispute_id(spot.document, path)}",
        mark=None if marks is None else marks.by_path.get(path),
    )


async def save_cell(
    desk: Desk,
    request: Request,
    spot: Spot[D],
    field: Field,
    *,
    change: Callable[[D], None] | None = None,
    refusal: Callable[[D], str] | None = None,
) -> tuple[D, Cell]:
    """Write a field that was left; return the document and the field as they are then.

    `change` is done to the document in place of writing what was typed, where that was picked and means more.
    `refusal` says of a document why the field must not be written in it now; nothing if it may.

    What came in since the page was made, or was written in another window of this workstation, is not overwritten:
    both values are kept, and the person is told. What cannot be read is not written: it stays in the field, with what
    would be understood.

    Raises:
        DocumentNotFoundError: the document or the member of the list is not here.
        HTTPException: 400, the request does not say what was typed.
    """
    form = await form_of(request)
    typed = given(form, "value") if change is None else str(form.get("value", ""))
    seen, version = (str(form.get(name, "")) for name in ("seen", "version"))
    place = window_of(request), spot.document, spot.key(field)
    label = field.label.lower()
    if spot.list_name:
        label = f"{_ONE_OF[spot.list_name]}: {label}"
    try:
        change = change or _typed_into(desk, spot, field, typed)
        writing = _Writing(desk, spot, field, label, change, refusal, place)
        try:
            written = await writing.write(version, seen=seen if "seen" in form else None)
        except OtherWindowError:
            written = await writing.write(version, including_own=False)
        except DocumentNotFoundError:
            if not version:
                raise
            # Another window may have removed it: as of what this one has seen, it is there.
            written = await writing.write(version, including_own=False)
    except (InputError, ValidationError, UnknownVersionError, ValueError) as error:
        document = await desk.replica.get(spot.cls, spot.document)
        if isinstance(error, NotNowError):
            # Not as an error, which would keep the field as it is: it shows what is there, now and later.
            notice = f"{typed!r} was not written. {_told(error)}"
            return document, cell_of(
                desk, spot.seen_in(document), spot.owner(document), field, (), notice=notice
            )
        key, address = spot.key(field), spot.saved_at(field)
        return document, Cell(key, address, field, typed, seen, version, error=_told(error))
    document = await desk.replica.get(spot.cls, spot.document)
    conflicts = await desk.replica.conflicts(spot.document)
    notice = ""
    if written is not None:
        desk.windows.note(*place, written)
        notice = await _kept_beside(desk, spot, field, conflicts, written)
    return document, cell_of(
        desk, spot.seen_in(document), spot.owner(document), field, conflicts, notice=notice
    )


@dataclass(frozen=True, slots=True)
class _Writing(Generic[D]):
    """What is to be written into one field."""

    desk: Desk
    spot: Spot[D]
    field: Field
    label: str
    change: Callable[[D], None]
    refusal: Callable[[D], str] | None
    place: tuple[str, str, str]
    """The window, the document and the field."""

    async def write(self, version: str, *, seen: str | None = None, including_own: bool = True) -> str | None:
        """Write it, and return how the field reads then; None where that changes nothing.

        With `including_own` its author has seen all that this machine wrote since that version.

        Raises:
            OtherWindowError: with it, there is something else in the field than was seen, and this window did not
                write it.
        """
        async with self.desk.replica.edit(
            self.spot.cls,
            self.spot.document,
            label=self.label,
            seen=version or None,
            including_own=including_own,
        ) as draft:
            if self.refusal is not None:
                await _ask(self.desk, self.spot, self.refusal, draft)
            before, there = self._value(draft)
            is_news = bool(version) and including_own and seen not in (None, there)
            if is_news and not self.desk.windows.has_written(*self.place, there):
                raise OtherWindowError
            self.change(draft)
            after, written = self._value(draft)
            if after == before:
                return None
            # Before the next request of this window has its turn.
            self.desk.windows.note(*self.place, written)
        return written

    def _value(self, draft: D) -> tuple[Any, str]:
        owner = self.spot.owner(draft)
        return self.field.read(owner), self.field.show(self.desk.forms, owner)


async def _ask(desk: Desk, spot: Spot[D], refusal: Callable[[D], str], draft: D) -> None:
    """Raise `NotNowError` if there is a refusal: of what is edited, or of what is there now.

    The draft begins with what a person saw, which may be long ago. While it is open nobody of this machine writes.
    """
    told = refusal(draft) or refusal(await desk.replica.get(spot.cls, spot.document))
    if told:
        raise NotNowError(told)


def _typed_into(desk: Desk, spot: Spot[D], field: Field, typed: str) -> Callable[[D], None]:
    value = field.parse(desk.forms, typed)

    def change(draft: D) -> None:
        owner = spot.owner(draft)
        if objection := field.objection(owner, typed):
            raise InputError(objection)
        # What nobody changed is no change: it would stand against what another writes meanwhile.
        if field.read(owner) != value:
            field.assign(owner, value)

    return change


async def _kept_beside(
    desk: Desk, spot: Spot[D], field: Field, conflicts: Iterable[Conflict], written: str
) -> str:
    """Say what others did here that the person who has written this had not seen."""
    for conflict in conflicts:
        if conflict.path == spot.path(field):
            shown: dict[str, bool] = {}
            for value in conflict.values:
                outcome = await desk.replica.preview(conflict, value.id)
                is_own = (value.author, value.replica) == (desk.author, desk.replica.name)
                shown[field.show(desk.forms, spot.owner(outcome))] = is_own
            shown.pop(written, None)
            others = " and ".join(repr(text) for text in shown)
            if others and all(shown.values()):
                return f"In another window here {others} was written meanwhile; both are kept."
            return f"Somebody else wrote {others} here meanwhile; both are kept." if others else ""
        if conflict.reason == "removal" and conflict.entity == spot.member:
            removed_by = {(value.author, value.replica) for value in conflict.values if value.is_removal}
            who = (
                "In another window here somebody"
                if removed_by == {(desk.author, desk.replica.name)}
                else "Somebody else"
            )
            return f"{who} removed this {_ONE_OF[spot.list_name]} meanwhile; it is kept."
    return ""


def known_field(fields: Any, name: str) -> Field:
    """Return the field of a name.

    Raises:
        DocumentNotFoundError: there is none.
    """
    if name not in fields:
        raise DocumentNotFoundError(f"there is no field {name!r:.80}")
    found: Field = fields[name]
    return found


def _told(error: Exception) -> str:
    text = str(error).removesuffix(".") + "."
    return text[:1].upper() + text[1:]
