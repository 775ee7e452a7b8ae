"""What an application asks about one document: whether it is there, and who wrote what is shown."""

import pytest

from crdtsync import Document, Entities, Entity, field
from tests.unit.store.shop import Line, Quote, shop


class Sale(Document, kind="sale"):
    customer: str = field(default="")


class Cheque(Entity):
    number: str
    reference: str = ""
    kind: str = "cheque"
    info: str = ""


class Payment(Document, kind="payment"):
    cheques: Entities[Cheque]


@pytest.fixture
async def replica(tmp_path):
    async with shop(tmp_path, kinds=[Quote, Sale, Payment], author="Ada") as opened:
        yield opened


@pytest.fixture
async def quote(replica):
    async with replica.edit(Quote) as made:
        made.customer = "Ada"
        made.lines.add(Line(product="blind"))
    return made.id


async def test_a_document_that_is_not_here_is_none(replica, quote):
    assert (await replica.get_or_none(Quote, quote)).customer == "Ada"
    assert await replica.get_or_none(Quote, "a" * 26) is None
    assert await replica.get_or_none(Quote, "no id at all") is None
    assert await replica.get_or_none(Sale, quote) is None


async def test_whether_a_document_exists(replica, quote):
    assert await replica.exists(Quote, quote)
    assert not await replica.exists(Quote, "a" * 26)
    assert not await replica.exists(Sale, quote)


async def test_whether_a_document_exists_of_a_kind_that_was_not_declared_before(tmp_path):
    async with shop(tmp_path, kinds=[]) as replica:
        assert not await replica.exists(Sale, "a" * 26)
        async with replica.edit(Sale) as sale:
            sale.customer = "Bob"
        assert await replica.exists(Sale, sale.id)


async def test_an_entity_has_fields_of_names_that_only_documents_have(replica, tmp_path):
    async with replica.edit(Payment) as payment:
        payment.cheques.add(Cheque(number="4711", reference="R-1", info="torn"))
    async with replica.edit(Payment, payment.id) as draft:
        draft.cheques[0].reference = "R-2"

    cheque = (await replica.get(Payment, payment.id)).cheques[0]
    assert (cheque.number, cheque.reference, cheque.kind, cheque.info) == ("4711", "R-2", "cheque", "torn")


async def test_a_stored_schema_knows_such_fields_too(tmp_path):
    async with shop(tmp_path, kinds=[Payment]) as replica, replica.edit(Payment) as payment:
        payment.cheques.add(Cheque(number="4711"))
    async with shop(tmp_path, kinds=[]) as replica:
        generated = replica.document_class("payment")
        assert generated is not Payment
        assert (await replica.get(generated, payment.id)).cheques[0].number == "4711"
