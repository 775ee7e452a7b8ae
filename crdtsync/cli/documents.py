"""Reading documents: how they are listed, shown, found and written out."""

# Parameters become arguments and options by their defaults, all by name: typer reads them.
# ruff: noqa: FBT002

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import typer

from crdtsync.cli.failures import say
from crdtsync.cli.output import (
    SHORT_ID_CHARS,
    Json,
    document_json,
    iso,
    members_of,
    print_json,
    print_json_line,
    print_line,
    print_table,
    print_text,
    short,
    shown,
    title,
    when,
)
from crdtsync.cli.settings import known_class, one_document, references_in, with_replica
from crdtsync.cli.values import from_text
from crdtsync.document.declared import near_hint
from crdtsync.document.model import Document, schema_of
from crdtsync.document.schema import DocumentSchema, FieldSchema, Shape
from crdtsync.errors import DocumentNotFoundError, SchemaError, UsageError
from crdtsync.replica import Replica
from crdtsync.store.history import HistoryEntry
from crdtsync.store.kinds import annotation_of

COLUMNS_MAX = 6
FOUND_FIELDS_MAX = 3

Which = Annotated[str, typer.Argument(metavar="ID|NUMBER", help="A number, an id or the beginning of an id.")]
Kind = Annotated[str, typer.Argument(metavar="KIND", help="As `crdtsync kinds` lists them.")]


def list_documents(
    context: typer.Context,
    kind: Kind,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="NAME=VALUE",
            help="Only these; also NAME__lt= __le= __gt= __ge= __ne= "
            "and __in=A,B. For indexed fields and computed properties.",
        ),
    ] = None,
    search: Annotated[
        str, typer.Option("--search", metavar="WORDS", help="Only those in which all words are found.")
    ] = "",
    sort: Annotated[
        str,
        typer.Option(
            "--sort", metavar="NAME", help="changed, created or an indexed name; with - in front descending."
        ),
    ] = "-changed",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 50,
    offset: Annotated[int, typer.Option("--offset", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """List documents of one kind, by default the last changed first."""

    async def work(replica: Replica) -> tuple[DocumentSchema, list[Document]]:
        cls = known_class(replica, kind)
        filters = {}
        for text in where or ():
            name, value = await _filter(replica, schema_of(cls), text)
            filters[name] = value
        _check_indexed(schema_of(cls), sort.removeprefix("-"), ("changed", "created"))
        return schema_of(cls), await replica.find(
            cls, where=filters, search=search, order_by=sort, limit=limit, offset=offset
        )

    schema, found = with_replica(context, work)
    if as_json:
        print_json([document_json(document) for document in found])
        return
    if not found:
        say(f"no {schema.kind} is found")
    columns = _columns(schema)
    print_table(
        ["document", "id", *columns, "changed"],
        [
            [
                document.number or document.reference or "-",
                document.id[:SHORT_ID_CHARS],
                *(short(_field_text(document, schema, name)) for name in columns),
                when(document.info.changed_ms),
            ]
            for document in found
        ],
    )


async def _filter(replica: Replica, schema: DocumentSchema, text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r:.80} is no filter", hint="Write NAME=VALUE or NAME__ge=VALUE")
    name, _, comparison = key.partition("__")
    _check_indexed(schema, name)
    annotation = annotation_of(schema, name)
    references = references_in(replica)
    if comparison == "in":
        return key, [await from_text(annotation, part, name, references) for part in value.split(",")]
    return key, await from_text(annotation, value, name, references)


def _check_indexed(schema: DocumentSchema, name: str, also: Sequence[str] = ()) -> None:
    names = [*schema.indexed, *also]
    if name not in names:
        hint = near_hint(name, names) or f"There are: {', '.join(names) or 'none'}"
        if name in schema.fields:
            hint = f"Declare it with field(indexed=True). {hint}"
        raise SchemaError(f"{schema.kind} has no indexed field {name!r}", hint=hint)


def _columns(schema: DocumentSchema) -> list[str]:
    plain = [name for name, spec in schema.fields.items() if spec.shape is Shape.VALUE]
    return list(dict.fromkeys([*schema.indexed, *plain]))[:COLUMNS_MAX]


def _field_text(document: Document, schema: DocumentSchema, name: str) -> str:
    raw = members_of(document).get(name)
    spec = schema.fields.get(name)
    if raw is None and spec is not None and not spec.is_required:
        return shown(spec.value_codec().encode(spec.default)) if spec.shape is Shape.VALUE else ""
    return shown(raw)


def show(context: typer.Context, document: Which, as_json: Json = False) -> None:
    """Show a document."""

    async def work(replica: Replica) -> tuple[Document, str, list[HistoryEntry]]:
        identity, kind = await one_document(replica, document)
        view = await replica.get(known_class(replica, kind), identity)
        state = ""
        if not schema_of(type(view)).shared:
            item = (await replica.item(identity)).state
            state = f"{item.status.value} since {when(item.since_ms)}"
            state += f", {item.why_waiting}" if item.why_waiting else ""
        return view, state, await replica.history(identity)

    view, state, changes = with_replica(context, work)
    if as_json:
        print_json(document_json(view))
        return
    print_line(f"{view.info.kind} {title(view)}")
    if view.number and view.info.references:
        print_line(f"reference: {', '.join(view.info.references)}")
    print_line(f"id: {view.id}")
    if state:
        print_line(f"sync: {state}")
    last = changes[-1] if changes else None
    by = f" by {last.author or 'unknown'} on {last.replica or 'unknown'}" if last else ""
    print_line(f"changed: {when(view.info.changed_ms)}{by}")
    if view.info.conflicts:
        print_line(f"conflicts: {view.info.conflicts} (see `crdtsync conflicts {title(view)}`)")
    print_line()
    _print_fields(view)


def _print_fields(view: Document) -> None:
    schema = schema_of(type(view))
    members = members_of(view)
    for name in (*schema.fields, *(name for name in schema.computed if name in members)):
        spec = schema.fields.get(name)
        if spec is None or spec.shape is Shape.VALUE:
            print_line(f"{name}: {_field_text(view, schema, name)}")
            continue
        if name not in members:
            continue
        print_line(f"{name}:")
        _print_container(spec, msgspec.json.decode(members[name]))


def _print_container(spec: FieldSchema, content: Any) -> None:
    match spec.shape:
        case Shape.TEXT:
            print_text(content)
        case Shape.SET:
            for element in content:
                print_line(f"  {shown(msgspec.json.encode(element))}")
        case Shape.LOG:
            for entry in content:
                print_line(f"  {when(entry['at'])}  {shown(msgspec.json.encode(entry['value']))}")
        case _:
            assert spec.entity is not None
            names = list(spec.entity.fields)
            rows = [
                [
                    f"[{place}]",
                    entity["id"][:SHORT_ID_CHARS],
                    *(short(_entity_text(entity, spec.entity.fields[name])) for name in names),
                ]
                for place, entity in enumerate(content)
            ]
            print_table(["", "id", *names], rows, indent=2)


def _entity_text(entity: dict[str, Any], spec: FieldSchema) -> str:
    if spec.name in entity:
        return shown(msgspec.json.encode(entity[spec.name]))
    return "" if spec.is_required else shown(spec.value_codec().encode(spec.default))


def find(
    context: typer.Context,
    words: Annotated[
        list[str], typer.Argument(metavar="WORDS|NUMBER", help="A number, or words that must all be found.")
    ],
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """Find documents of every kind: by a number, also one on old paper, or by words in them."""
    text = " ".join(words)

    async def work(replica: Replica) -> list[Document]:
        return await replica.find_number(text) or await replica.search(text, limit=limit)

    if not text.strip():
        raise UsageError("there is nothing to search for")
    found = with_replica(context, work)
    if as_json:
        print_json([document_json(document) for document in found])
        return
    if not found:
        raise DocumentNotFoundError(f"nothing is found by {text!r:.80}")
    rows = []
    for document in found:
        schema = schema_of(type(document))
        texts = {name: _field_text(document, schema, name) for name in _columns(schema)}
        fields = [f"{name}={text}" for name, text in texts.items() if text not in ("", "-")][
            :FOUND_FIELDS_MAX
        ]
        rows.append(
            [
                document.info.kind,
                document.number or "-",
                document.reference or "-",
                document.id[:SHORT_ID_CHARS],
                short(", ".join(fields)),
            ]
        )
    print_table(["kind", "number", "reference", "id", "fields"], rows)


def log(context: typer.Context, document: Which, as_json: Json = False) -> None:
    """Show the history of a document: every change, in the order in which it arrived here."""

    async def work(replica: Replica) -> list[HistoryEntry]:
        return await replica.history((await one_document(replica, document))[0])

    found = with_replica(context, work)
    if as_json:
        print_json(
            [
                {
                    "client": entry.id.client,
                    "sequence": entry.id.sequence,
                    "at": iso(entry.at_ms),
                    "author": entry.author,
                    "replica": entry.replica,
                    "label": entry.label,
                    "causes": [{"client": cause[0], "sequence": cause[1]} for cause in entry.causes],
                    "bytes": entry.delta_bytes,
                    "received_by": list(entry.received_by),
                }
                for entry in found
            ]
        )
        return
    print_table(
        ["at", "author", "replica", "label", "bytes", "received by"],
        [
            [
                when(item.at_ms),
                item.author or "-",
                item.replica or "-",
                item.label or "-",
                str(item.delta_bytes),
                ", ".join(item.received_by) or "-",
            ]
            for item in found
        ],
    )


def export(
    context: typer.Context,
    wanted: Annotated[list[str] | None, typer.Argument(metavar="KIND", help="Only these kinds.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON list instead of a line per document.")
    ] = False,
) -> None:
    """Write out all documents, as JSON lines."""

    async def work(replica: Replica) -> None:
        classes = [known_class(replica, kind) for kind in wanted or replica.kinds()]
        found: list[Any] = []
        for cls in classes:
            offset = 0
            while page := await replica.find(cls, order_by="created", limit=500, offset=offset):
                offset += len(page)
                for document in page:
                    line = document_json(document)
                    if as_json:
                        found.append(line)
                    else:
                        print_json_line(line)
        if as_json:
            print_json(found)

    with_replica(context, work)
