"""Cells: one field of a document on a page, and the writing of it when it is left."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from starlette.requests import Request

from crdtsync import Conflict, Document
from crdtsync.errors import DocumentNotFoundError, ValidationError
from examples.sales.web.desk import Desk
from examples.sales.web.fields import Field
from examples.sales.web.forms import InputError
from examples.sales.web.marks import Mark, Marks
from examples.sales.web.pages.conflicts import dispute_id

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

    def of(self, list_name: str, member: str) -> "Spot[D]":
        """Return a member of one of the document's lists."""
        return Spot(self.address, self.cls, self.document, list_name, member)

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
    """What was written in the document when the page was made: a person has seen this and nothing newer."""
    error: str = ""
    notice: str = ""
    is_disputed: bool = False
    """Whether two people have written it without knowing of each other."""
    dispute: str = ""
    """Where that is decided."""
    mark: Mark | None = None
    """Who changed it elsewhere since the page was opened."""


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
        notice=notice,
        is_disputed=any(conflict.path == path and conflict.needs_decision for conflict in conflicts),
        dispute=f"/conflicts?document={spot.document}#{dispute_id(spot.document, path)}",
        mark=None if marks is None else marks.by_path.get(path),
    )


async def save_cell(desk: Desk, request: Request, spot: Spot[D], field: Field) -> tuple[D, Cell]:
    """Write a field that was left; return the document and the field as they are then.

    What cannot be read is not written: it stays in the field, with what would be understood.

    Raises:
        DocumentNotFoundError: the document or the member of the list is not here.
    """
    form = await request.form()
    typed, seen = str(form.get("value", "")), str(form.get("seen", ""))
    notice = ""
    label = field.label.lower()
    if spot.list_name:
        label = f"{_ONE_OF[spot.list_name]}: {label}"
    try:
        value = field.parse(desk.forms, typed)
        async with desk.replica.edit(spot.cls, spot.document, label=label) as draft:
            owner = spot.owner(draft)
            # What nobody changed is no change: it would stand against what another writes meanwhile.
            if field.read(owner) != value:
                current = field.show(desk.forms, owner)
                if current != seen:
                    notice = f"Somebody else wrote {current!r} here meanwhile; yours is in its place."
                field.assign(owner, value)
    except (InputError, ValidationError, ValueError) as error:
        document = await desk.replica.get(spot.cls, spot.document)
        return document, Cell(spot.key(field), spot.saved_at(field), field, typed, seen, error=_told(error))
    document = await desk.replica.get(spot.cls, spot.document)
    conflicts = await desk.replica.conflicts(spot.document)
    return document, cell_of(desk, spot, spot.owner(document), field, conflicts, notice=notice)


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
