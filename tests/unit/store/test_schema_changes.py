"""Applications come in versions, and agents come without any code."""

import sqlite3
from decimal import Decimal

import pytest

from crdtsync import Document, Entities, Entity, Series, computed, field, open_replica
from crdtsync.errors import DocumentNotFoundError, SchemaError, UnknownKindError, ValidationError
from tests.unit.store.shop import check_sound, workspace_of

NUMBERED = Series("orders", "O-{number:04d}")


class Old(Document, kind="order", series=NUMBERED):
    customer: str = field(indexed=True)
    colour: str = field(default="white", indexed=True)
    note: str = ""


class New(Document, kind="order", series=NUMBERED):
    customer: str
    note: str = field(default="", indexed=True)
    pieces: int = field(default=1, indexed=True)

    @computed
    def doubled(self) -> int:
        return self.pieces * 2


def opened(tmp_path, *kinds):
    return open_replica(tmp_path, name="R2", role="roaming", kinds=kinds)


def view(tmp_path, sql):
    connection = sqlite3.connect(f"file:{tmp_path / 'replica.db'}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def columns(tmp_path):
    return {row[1] for row in view(tmp_path, "PRAGMA table_info(_of_order)")} - {"document", "stale", "json"}


async def make(replica, cls, **values):
    async with replica.edit(cls) as draft:
        for name, value in values.items():
            setattr(draft, name, value)
    return draft.id


async def test_fields_that_come_go_and_are_indexed(tmp_path):
    async with opened(tmp_path, Old) as replica:
        ids = [await make(replica, Old, customer=f"c{i}", colour="red", note=f"n{i}") for i in range(5)]
        digests = await replica.digests()
    assert columns(tmp_path) == {"f_customer", "f_colour"}
    async with opened(tmp_path, New) as replica:
        assert columns(tmp_path) == {"f_note", "f_pieces", "f_doubled"}
        assert [found.id for found in await replica.find(New, where={"note": "n3", "doubled": 2})] == [ids[3]]
        with pytest.raises(SchemaError, match="customer"):
            await replica.find(New, where={"customer": "c1"})
        async with replica.edit(New, ids[0]) as draft:
            draft.pieces = 21
        assert [found.id for found in await replica.find(New, where={"doubled__gt": 2})] == [ids[0]]
        await check_sound(replica)
    # What the new version does not know was kept, and the old one shows it again.
    async with opened(tmp_path, Old) as replica:
        assert {(await replica.get(Old, identity)).colour for identity in ids} == {"red"}
        assert await replica.count(Old, where={"colour": "red"}) == 5
        after = await replica.digests()
        assert {key: after[key] for key in ids[1:]} == {key: digests[key] for key in ids[1:]}


async def test_many_documents_are_projected_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("crdtsync.store.workspace.REPROJECT_PER_JOB", 3)
    async with opened(tmp_path, Old) as replica:
        for i in range(10):
            await make(replica, Old, customer=f"c{i}", note=f"n{i % 2}")
    async with opened(tmp_path, New) as replica:
        assert await replica.count(New, where={"note": "n1"}) == 5
        assert view(tmp_path, "SELECT count(*) FROM _of_order WHERE stale") == [(0,)]


async def test_projecting_anew_that_was_cut_short_goes_on_at_the_next_start(tmp_path, monkeypatch):
    async with opened(tmp_path, Old) as replica:
        for i in range(5):
            await make(replica, Old, customer=f"c{i}", note=f"n{i}")
    monkeypatch.setattr("crdtsync.store.workspace.REPROJECT_PER_JOB", 2)
    async with opened(tmp_path) as replica:
        workspace = workspace_of(replica)

        async def stop(kind):
            raise KeyError(kind)

        with monkeypatch.context() as patched, pytest.raises(KeyError):
            patched.setattr(workspace, "_project", stop)
            await workspace.declare(New)
    async with opened(tmp_path, New) as replica:
        assert [await replica.count(New, where={"note": f"n{i}"}) for i in range(5)] == [1] * 5


async def test_computed_properties_are_left_out_without_code_and_made_with_it(tmp_path):
    async with opened(tmp_path, New) as application:
        identity = await make(application, New, customer="Ada", pieces=2)
        async with opened(tmp_path) as agent:
            generated = agent.document_class("order")
            async with agent.edit(generated, identity) as draft:
                draft.pieces = 5
            assert view(tmp_path, 'SELECT doubled, pieces FROM "order"') == [(None, 5)]
        # The running application finds it, and so does one that is started later.
        assert await application.count(New, where={"doubled": 10}) == 1
        assert view(tmp_path, 'SELECT doubled, pieces FROM "order"') == [(10, 5)]
        async with opened(tmp_path) as agent:
            async with agent.edit(agent.document_class("order"), identity) as draft:
                draft.pieces = 6
    async with opened(tmp_path, New):
        assert view(tmp_path, 'SELECT doubled FROM "order"') == [(12,)]


async def test_a_kind_that_is_declared_after_the_agent_came_up(tmp_path):
    office, folder = tmp_path / "office", tmp_path / "folder"
    folder.mkdir()
    async with open_replica(office, name="office", role="office", kinds=[New]) as sender:
        early = await make(sender, New, customer="early", pieces=3)
        await sender.sync(f"folder:{folder}")
        async with opened(tmp_path / "r2") as agent:
            await agent.sync(f"folder:{folder}")
            assert (agent.kinds(), list(await agent.digests())) == ([], [early])
            with pytest.raises(UnknownKindError):
                agent.document_class("order")
            async with opened(tmp_path / "r2", New) as application:
                assert (await application.get(New, early)).doubled == 6
                late = await make(sender, New, customer="late", pieces=4)
                await sender.sync(f"folder:{folder}")
                await agent.sync(f"folder:{folder}")
                assert agent.kinds() == ["order"]
                assert (await application.get(New, late)).customer == "late"
                assert {found.id for found in await application.find(New, where={"doubled__ge": 6})} == {
                    early,
                    late,
                }
                assert {found.id for found in await application.search("late")} == {late}
                await check_sound(application)
            assert await sender.digests() == await agent.digests()


async def test_an_older_application_goes_on_beside_a_newer_one(tmp_path):
    async with opened(tmp_path, Old) as old:
        identity = await make(old, Old, customer="Ada")
        async with opened(tmp_path, New) as new:
            async with old.edit(Old, identity) as draft:
                draft.colour = "red"
                draft.note = "by the old one"
            assert (await new.get(New, identity)).note == "by the old one"
            assert await new.count(New, where={"note": "by the old one", "doubled": 2}) == 1
            other = await make(old, Old, customer="Bob", colour="blue")
            assert (await new.get(New, other)).customer == "Bob"
            async with new.edit(New, identity) as draft:
                draft.pieces = 3
            async with old.edit(Old, identity) as draft:
                assert (draft.colour, draft.note) == ("red", "by the old one")
            await check_sound(new)


async def test_a_declaration_that_fails_changes_nothing(tmp_path):
    class Collides(Document, kind="invoice", series=Series("invoices", "O-{number:04d}")):
        customer: str

    async with opened(tmp_path, Old) as replica:
        identity = await make(replica, Old, customer="Ada")
        with pytest.raises(SchemaError):
            await replica.declare(Collides)
        assert replica.kinds() == ["order"]
        async with replica.edit(Old, identity) as draft:
            draft.colour = "red"
        assert await replica.count(Old, where={"colour": "red"}) == 1


async def test_a_required_field_that_is_added_later(tmp_path):
    class Stricter(Document, kind="order", series=NUMBERED):
        customer: str
        vendor: str

    async with opened(tmp_path, Old) as replica:
        identity = await make(replica, Old, customer="Ada")
    async with opened(tmp_path, Stricter) as replica:
        (found,) = await replica.find(Stricter)
        assert found.customer == "Ada"
        with pytest.raises(ValidationError, match="never written"):
            _ = found.vendor
        async with replica.edit(Stricter, identity) as draft:
            draft.customer = "Bob"


async def test_another_class_of_the_same_kind_in_one_process(tmp_path):
    async with opened(tmp_path, Old) as replica:
        identity = await make(replica, Old, customer="Ada", colour="red")
        await replica.declare(New)
        assert (await replica.get(New, identity)).pieces == 1
        with pytest.raises(DocumentNotFoundError):
            await replica.get(New, "a" * 26)


class Item(Entity):
    name: str
    price: Decimal = Decimal(0)


class Odd(Document, kind="select"):
    group: str = field(default="it's", indexed=True)
    number_: int = 0
    conflicts: int = 3
    items: Entities[Item]

    @computed
    def changed_at(self) -> int:
        return len(self.items)


async def test_views_of_odd_names_read_well_in_any_tool(tmp_path):
    async with opened(tmp_path, Odd) as replica:
        async with replica.edit(Odd) as draft:
            draft.items.add(Item(name="rail", price=Decimal("1.50")))
        rows = view(tmp_path, 'SELECT id, "group", number_, conflicts_, conflicts, changed_at_ FROM "select"')
        assert rows == [(draft.id, "it's", 0, 3, 0, 1)]
        assert view(tmp_path, "SELECT json_extract(items, '$[0].price') FROM \"select\"") == [("1.50",)]


class Memo(Document, kind="memo"):
    note: str = field(default="", searchable=False)
    pieces: int = 0


class FoundMemo(Document, kind="memo"):
    note: str = ""
    pieces: int = 0


async def test_words_of_a_new_schema_are_found_after_an_edit_in_between(tmp_path):
    """An edit that comes before the projection of its document is made again leaves no word out."""
    async with open_replica(tmp_path, name="R2", role="roaming", kinds=[Memo]) as replica:
        async with replica.edit(Memo) as memo:
            memo.note = "zebra"
        workspace = workspace_of(replica)
        # Another version of the application starts, and is stopped before it has projected anything.
        await workspace.database.write(lambda c: workspace.kinds.declare(c, FoundMemo))
        async with (
            open_replica(tmp_path) as agent,
            agent.edit(agent.document_class("memo"), memo.id) as edited,
        ):
            edited.pieces = 3
    async with open_replica(tmp_path, kinds=[FoundMemo]) as replica:
        assert [found.id for found in await replica.find(FoundMemo, search="zebra")] == [memo.id]
