"""`kinds`: what a replica knows how to show and edit."""

# Parameters become arguments and options by their defaults, all by name: typer reads them.
# ruff: noqa: FBT002
from typing import Annotated, Any

import typer

from crdtsync.cli.output import (
    Json,
    print_json,
    print_line,
    print_table,
)
from crdtsync.cli.settings import known_class, with_replica
from crdtsync.cli.values import described
from crdtsync.document.model import schema_of
from crdtsync.document.schema import DocumentSchema, FieldSchema
from crdtsync.replica import Replica


def kinds(
    context: typer.Context,
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="Show the fields of this kind alone.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the kinds of documents this replica knows, with their fields."""

    async def work(replica: Replica) -> list[dict[str, Any]]:
        names = replica.kinds() if kind is None else [kind]
        return [_kind_json(schema_of(known_class(replica, name))) for name in names]

    found = with_replica(context, work)
    if as_json:
        print_json(found)
        return
    for item in found:
        notes = [f"numbered by {item['series']}"] if item["series"] else []
        notes += ["goes to everyone"] if item["shared"] else []
        print_line(f"{item['kind']}{' (' + ', '.join(notes) + ')' if notes else ''}")
        print_table(
            ["field", "is", "", "type"],
            [
                [field["name"], field["shape"], ", ".join(field["notes"]), field["type"]]
                for field in item["fields"]
            ],
            indent=2,
        )


def _kind_json(schema: DocumentSchema) -> dict[str, Any]:
    fields = [_field_json(spec, "") for spec in schema.fields.values()]
    for spec in schema.fields.values():
        if spec.entity is not None:
            place = next(i for i, item in enumerate(fields) if item["name"] == spec.name)
            fields[place + 1 : place + 1] = [
                _field_json(part, f"{spec.name}[].") for part in spec.entity.fields.values()
            ]
    fields += [
        {"name": item.name, "shape": "computed", "type": described(item.annotation), "notes": ["indexed"]}
        for item in schema.computed.values()
    ]
    return {
        "kind": schema.kind,
        "shared": schema.shared,
        "series": schema.series.name if schema.series else None,
        "fields": fields,
    }


def _field_json(spec: FieldSchema, prefix: str) -> dict[str, Any]:
    notes = ["required"] if spec.is_required else []
    notes += ["indexed"] if spec.indexed else []
    notes += [f"conflicts: {spec.policy}"] if spec.policy != "latest" else []
    kind = spec.entity.name if spec.entity is not None else described(spec.annotation)
    return {"name": f"{prefix}{spec.name}", "shape": spec.shape.value, "type": kind, "notes": notes}
