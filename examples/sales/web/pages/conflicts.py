"""Conflicts: what people wrote without knowing of each other, side by side, settled with one click."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from crdtsync import Conflict, ConflictValue, Document
from crdtsync.errors import DocumentNotFoundError
from examples.sales.web.desk import Desk
from examples.sales.web.fields import (
    ADDRESS_FIELDS,
    CHARGE_FIELDS,
    CUSTOMER_FIELDS,
    DEAL_FIELDS,
    LINE_FIELDS,
    OPTION_FIELDS,
    PHONE_FIELDS,
    PRICE_FIELDS,
    PRODUCT_FIELDS,
    Field,
)

DISPUTES_MAX = 50
"""How many are shown at once; each of their values is tried out for its total."""
DECIDED_MAX = 20
"""How many of those that a rule has decided are shown below them."""

PAGE_OF_KIND = {
    "quote": "/quotes",
    "sale": "/sales",
    "customer": "/customers",
    "product": "/catalogue",
    "payment": "/payments",
    "purchase_order": "/purchase-orders",
}
_OF_KIND = {
    "quote": (DEAL_FIELDS,),
    "sale": (DEAL_FIELDS,),
    "customer": (CUSTOMER_FIELDS, ADDRESS_FIELDS),
    "product": (PRODUCT_FIELDS,),
}
_OF_LIST = {
    "lines": (LINE_FIELDS, OPTION_FIELDS, PRICE_FIELDS),
    "charges": (CHARGE_FIELDS,),
    "phones": (PHONE_FIELDS,),
}
_ONE_OF = {"lines": "line", "charges": "charge", "phones": "telephone"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values."""

    text: str
    total: str
    """What the whole would come to with it; empty where there is nothing to add up."""
    by: str
    at_ms: int
    is_shown: bool
    value: str
    """The id of the value."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """One conflict on the page."""

    id: str
    """On the page."""
    document: str
    address: str
    title: str
    field: str
    path: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """What has just been decided, and how that is undone."""

    address: str
    title: str
    field: str
    kept: str
    others: tuple[str, ...]


class ConflictPages:
    """Shows what waits for a decision, and takes it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """Show the list, or those of one document; for htmx the list only."""
        return await self._page(request)

    async def settle(self, request: Request) -> Response:
        """Keep one value, if the conflict is still the one that was shown."""
        form = await request.form()
        document, path, chosen = (str(form.get(name, "")) for name in ("document", "path", "value"))
        conflict = await self._desk.replica.conflict(document, path)
        if conflict is None or chosen not in {value.id for value in conflict.values}:
            return await self._page(request, told="That is not in conflict any more.")
        dispute = await self._dispute(conflict)
        await self._desk.replica.resolve(conflict, chosen, label="settled")
        return await self._page(request, settled=_settled(dispute, conflict.index_of(chosen)))

    async def _page(self, request: Request, *, told: str = "", settled: Settled | None = None) -> Response:
        document = request.query_params.get("document", "")
        conflicts = await self._desk.replica.conflicts(document or None)
        waiting = [conflict for conflict in conflicts if conflict.needs_decision]
        decided = [conflict for conflict in conflicts if not conflict.needs_decision]
        is_part = request.headers.get("HX-Target") == "conflicts"
        return self._desk.page(
            request,
            "conflicts_list.html" if is_part else "conflicts.html",
            disputes=[await self._dispute(conflict) for conflict in waiting[:DISPUTES_MAX]],
            decided=[await self._dispute(conflict) for conflict in decided[:DECIDED_MAX]],
            decided_count=len(decided),
            left=max(0, len(waiting) - DISPUTES_MAX),
            document=document,
            told=told,
            settled=settled,
        )

    async def _dispute(self, conflict: Conflict) -> Dispute:
        replica = self._desk.replica
        document = await replica.get(replica.document_class(conflict.kind), conflict.document)
        outcomes = [await self._outcome(conflict, index) for index in range(len(conflict.values))]
        texts = self._texts(conflict, outcomes)
        page = PAGE_OF_KIND.get(conflict.kind)
        return Dispute(
            dispute_id(conflict.document, conflict.path),
            conflict.document,
            f"{page}/{conflict.document}" if page else "",
            _title(document, conflict.kind),
            _where(document, conflict),
            conflict.path,
            tuple(
                Choice(
                    text,
                    self._total(outcome),
                    f"{value.author or 'somebody'} ({value.replica})",
                    value.at_ms,
                    index == conflict.shown,
                    value.id,
                )
                for index, (value, outcome, text) in enumerate(
                    zip(conflict.values, outcomes, texts, strict=True)
                )
            ),
        )

    async def _outcome(self, conflict: Conflict, index: int) -> Document | None:
        """Return the document as it would be with a value; None where it cannot be told."""
        try:
            return await self._desk.replica.preview(conflict, index)
        except DocumentNotFoundError:
            return None  # What it is about was removed meanwhile.

    def _total(self, outcome: Document | None) -> str:
        total = getattr(outcome, "total", None)
        return "" if total is None else self._desk.forms.money_shown(total)

    def _texts(self, conflict: Conflict, outcomes: Sequence[Document | None]) -> list[str]:
        """Return each value as a person reads it: of a value with many parts, those in which they differ."""
        if conflict.reason == "removal":
            return ["removed" if value.is_removal else "kept" for value in conflict.values]
        owners = [_owner(outcome, conflict) for outcome in outcomes]
        fields = [field for field in _fields(conflict) if None not in owners]
        shown = [[field.show(self._desk.forms, owner) for field in fields] for owner in owners]
        differing = [place for place in range(len(fields)) if len({texts[place] for texts in shown}) > 1]
        if not differing:
            return [_text(value) for value in conflict.values]
        if len(fields) == 1:
            return [texts[0] or "nothing" for texts in shown]
        return [
            ", ".join(f"{fields[place].label} {texts[place] or 'nothing'}" for place in differing)
            for texts in shown
        ]


def dispute_id(document: str, path: str) -> str:
    """Return where on the page a conflict is."""
    return f"dispute-{document}-{path.replace('/', '-')}"


def _settled(dispute: Dispute, index: int) -> Settled:
    kept = dispute.choices[index].text
    others = dict.fromkeys(choice.text for choice in dispute.choices if choice.text != kept)
    return Settled(dispute.address, dispute.title, dispute.field, kept, tuple(others))


def _fields(conflict: Conflict) -> list[Field]:
    groups: Iterable[Any] = _OF_KIND.get(conflict.kind, ())
    if conflict.entities:
        groups = _OF_LIST.get(conflict.entities, ())
    return [field for group in groups for field in group.values() if field.conflict_path == conflict.field]


def _owner(document: Document | None, conflict: Conflict) -> Any:
    """Return what has the field: the document, or a member of one of its lists."""
    if document is None or not conflict.entities:
        return document
    return getattr(document, conflict.entities).get(conflict.entity)


def _title(document: Any, kind: str) -> str:
    return document.number or document.reference or getattr(document, "name", "") or kind.replace("_", " ")


def _where(document: Any, conflict: Conflict) -> str:
    """Name a field as a person does: the line by its place, and what it is of it."""
    fields = _fields(conflict)
    label = fields[0].label if len(fields) == 1 else conflict.field.replace("_", " ").capitalize()
    if not conflict.entities:
        return label
    one, members = _ONE_OF.get(conflict.entities, conflict.entities), getattr(document, conflict.entities)
    is_there = conflict.entity in members
    name = f"{one} {members.index(conflict.entity) + 1}" if is_there else f"a removed {one}"
    return f"{name}: {label.lower()}" if conflict.field else name


def _text(value: ConflictValue) -> str:
    """Show a value of which no field is known."""
    if dataclasses.is_dataclass(value.value):
        parts = ((item.name, getattr(value.value, item.name)) for item in dataclasses.fields(value.value))
        return ", ".join(
            f"{name.replace('_', ' ')} {part}" for name, part in parts if part not in ("", None, ())
        )
    return "nothing" if value.value in ("", None) else str(value.value)
