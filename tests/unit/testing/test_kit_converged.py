"""Goal: when replicas differ, the message says who, in which document and field, what each shows and since when.

Method: differences planted one at a time, by cutting a replica off or by changing its database behind its back.
"""

import re

import pytest

from crdtsync import Document, Series, computed
from crdtsync.errors import UsageError
from crdtsync.testing import Fleet, assert_converged
from tests.unit.testing.office import Customer, Line, Quote, make, rename


@pytest.fixture
def fleet():
    with Fleet(kinds=[Quote, Customer], workstations=2, profile="calm", seed=1) as fleet:
        yield fleet


def replicas(fleet):
    return [member.replica for member in fleet.members]


async def message_of(fleet):
    with pytest.raises(AssertionError) as caught:
        await assert_converged(*replicas(fleet))
    # Ids are random: the seed makes them the same in every run, and the eye does not need them.
    text = re.sub(r"\([a-z2-7]{26}\)", "(ID)", str(caught.value))
    return re.sub(r"client [0-9a-f]+", "client C", text).splitlines()


async def write(member, sql, *parameters):
    await member.replica._workspace.write(lambda c: c.execute(sql, parameters))


async def settled_quote(fleet):
    quote = await make(fleet.workstations[0])
    await fleet.settle()
    return quote


async def test_equal_replicas_pass(fleet):
    await settled_quote(fleet)
    await assert_converged(*replicas(fleet))


async def test_what_was_never_marked_is_nobody_elses(fleet):
    async with fleet.workstations[0].replica.edit(Quote) as quote:
        quote.customer = "a draft"
    await fleet.settle()
    with pytest.warns(UserWarning, match="nothing is shared yet by any of these replicas") as told:
        await assert_converged(*replicas(fleet))
    assert told[0].filename == __file__


async def test_a_field_that_one_has_changed(fleet):
    quote = await settled_quote(fleet)
    await rename(fleet.workstations[1], quote, "Bob", label="agreed by phone")
    assert await message_of(fleet) == [
        "office, R1, R2 differ in 1 document of 1 that are shared",
        "",
        "quote Q-00001, R1-0001 (ID)",
        "  customer",
        '    office, R1: "Ada" (by r1 on R1, 2023-11-14 22:13:20 UTC)',
        '    R2: "Bob" (by r2 on R2, 2023-11-15 03:13:20 UTC)',
        "  office, R1 lack 1 change, since:",
        '    change 1 of r2 on R2 "agreed by phone", 2023-11-15 03:13:20 UTC (client C)',
        "",
        "Still on the way:",
        "  R2 has changes to publish: 1",
    ]


async def test_a_document_that_one_lacks(fleet):
    async with fleet.office.replica.edit(Customer) as customer:
        customer.name = "Ada"
    lines = await message_of(fleet)
    assert lines[:4] == [
        "office, R1, R2 differ in 1 document of 1 that are shared",
        "",
        f"customer {customer.id}",
        "  R1, R2: not here at all",
    ]
    assert "  R1, R2 lack 1 change, since:" in lines


async def test_a_line_and_a_text(fleet):
    quote = await settled_quote(fleet)
    async with fleet.office.replica.edit(Quote, quote) as draft:
        draft.lines.add(Line(product="Shade", quantity=3), id="line-a")
        draft.notes.append("by the window")
        draft.tags.add("urgent")
    text = "\n".join(await message_of(fleet))
    assert "  lines/line-a/quantity\n    office: 3 (by office on office, " in text
    assert "\n    R1, R2: nothing\n" in text
    assert '  notes\n    office: "by the window"\n    R1, R2: nothing' in text
    assert "lines/line-a (position)" in text
    assert re.search(r"  tags/[a-z0-9-]+\n    office: \"urgent\"", text)


async def test_both_values_of_a_conflict_and_who_lists_it(fleet):
    quote = await settled_quote(fleet)
    r1, r2 = fleet.workstations
    r2.go_offline()
    await rename(r1, quote, "Bob")
    await rename(r2, quote, "Cleo")
    r2.go_online()
    await r1.sync()
    await fleet.office.sync()
    await r2.sync()
    lines = await message_of(fleet)
    text = "\n".join(lines)
    assert '"Bob" (by r1 on R1, ' in text
    assert '"Cleo" (by r2 on R2, ' in text
    assert " and, in conflict, " in text
    assert "    office, R1: none" in lines
    assert '"Cleo" of r2 on R2' in next(line for line in lines if line.startswith("    R2: customer: "))
    await fleet.settle()
    await assert_converged(*replicas(fleet))


async def test_a_conflict_that_only_one_lists(fleet):
    quote = await settled_quote(fleet)
    r1, r2 = fleet.workstations
    await rename(r1, quote, "Bob")
    await rename(r2, quote, "Cleo")
    await fleet.settle()
    await assert_converged(*replicas(fleet))
    await write(r1, "DELETE FROM _conflicts")
    lines = await message_of(fleet)
    assert "  conflicts" in lines
    assert "    R1: none" in lines
    assert any(line.startswith("    office, R2: customer: ") for line in lines)
    assert not any("lack" in line for line in lines)


async def test_a_merge_that_went_wrong_though_all_changes_are_there(fleet):
    quote = await settled_quote(fleet)
    await write(fleet.office, "UPDATE _documents SET digest = x'00' WHERE id = ?", quote)
    lines = await message_of(fleet)
    assert "  the same registers, different digests: what is stored does not fit its digest" in lines


async def test_a_view_that_is_out_of_date(fleet):
    await settled_quote(fleet)
    await write(fleet.office, """UPDATE _of_quote SET json = '{"customer":"Cleo","total":"0"}'""")
    lines = await message_of(fleet)
    at = lines.index("  the same registers, shown differently: the class, or its computed properties, differ")
    assert '  customer\n    office: "Cleo"\n    R1, R2: "Ada"' in "\n".join(lines[at + 1 :])


COUNTED = []


class Offer(Document, kind="offer", series=Series("offers", "O-{number}")):
    title: str = ""

    @computed
    def age(self) -> int:
        COUNTED.append(1)
        return len(COUNTED)

    @computed
    def initial(self) -> str:
        return self.title[0]


async def offer_of(fleet, title):
    async with fleet.workstations[0].replica.edit(Offer) as offer:
        offer.title = title
    await fleet.workstations[0].replica.mark_for_sync(offer.id)
    return offer.id


async def test_a_computed_property_that_depends_on_more_than_the_document_is_named_with_its_values():
    with Fleet(kinds=[Offer], workstations=1, profile="calm", seed=1) as fleet:
        await offer_of(fleet, "Lamps")
        await fleet.settle()
        text = "\n".join(await message_of(fleet))
    assert re.search(r"computed properties, differ\n  age\n    office: \d+\n    R1: \d+$", text)


async def test_a_computed_property_that_raises_fails_whatever_else_is_equal():
    with Fleet(kinds=[Offer], workstations=1, profile="calm", seed=1) as fleet:
        offer = await offer_of(fleet, "")
        expected = f"offer.initial of {offer} at R1: IndexError('string index out of range')"
        with pytest.raises(AssertionError, match=re.escape(expected)):
            await assert_converged(*replicas(fleet))
        with pytest.raises(AssertionError, match=f"offer.initial of {offer} at office: IndexError"):
            await fleet.settle()


async def test_there_must_be_two_different_replicas_to_compare(fleet):
    await settled_quote(fleet)
    office, bob, _ = replicas(fleet)
    for given in ((), (office,)):
        with pytest.raises(UsageError, match=r"nothing to compare with [01] replicas?\. Give all"):
            await assert_converged(*given)
    with pytest.raises(UsageError, match="one replica was given twice"):
        await assert_converged(office, bob, office)


async def test_numbers_that_differ(fleet):
    quote = await settled_quote(fleet)
    await write(fleet.workstations[0], "DELETE FROM _ledger")
    lines = await message_of(fleet)
    assert lines[0] == "office, R1, R2 differ in 0 documents of 1 that are shared"
    assert "Numbers differ from entry 1 of the ledger on" in lines
    assert "  R1: no such entry" in lines
    assert f"  office, R2: Q-00001 granted {quote}" in lines


async def test_a_message_stays_short(fleet):
    for number in range(8):
        async with fleet.office.replica.edit(Customer) as customer:
            customer.name = f"c{number}" * 200
    lines = await message_of(fleet)
    assert "and in 3 more documents" in lines
    assert len([line for line in lines if line.startswith("customer ")]) == 5
    assert len(lines) < 60
    assert max(map(len, lines)) < 250


async def test_of_many_fields_and_changes_the_first_are_shown(fleet):
    quote = await settled_quote(fleet)
    for number in range(12):
        async with fleet.office.replica.edit(Quote, quote) as draft:
            draft.tags.add(f"t{number}")
    lines = await message_of(fleet)
    assert len([line for line in lines if line.startswith("  tags/")]) == 10
    assert "  and 2 more fields" in lines
    assert len([line for line in lines if line.startswith("    change ")]) == 5
    assert "    and 7 more" in lines


async def test_two_of_one_name_are_told_apart(fleet):
    await settled_quote(fleet)
    with Fleet(kinds=[Quote, Customer], workstations=1, profile="calm", seed=2) as other:
        twins = [fleet.workstations[0].replica, other.workstations[0].replica]
        with pytest.raises(AssertionError) as caught:
            await assert_converged(fleet.office.replica, *twins)
    for twin in twins:
        assert f"R1 ({twin.id[:6]})" in str(caught.value)
