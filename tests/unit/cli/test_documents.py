"""Making, changing and reading documents by commands."""

import json

import pytest

from crdtsync.cli.operations import Sign, parse_operation
from crdtsync.cli.settings import pick
from crdtsync.errors import DocumentNotFoundError, UsageError, ValidationError

SHADE = '{"product": "Shade", "quantity": 2, "price": {"msrp": 1678.00}}'


def fields(shop, which="R2-0001"):
    return shop.json("show", which)["fields"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("customer=Ada=x", ("customer", None, None, Sign.SET, "Ada=x")),
        ("customer=", ("customer", None, None, Sign.SET, "")),
        ("due:=null", ("due", None, None, Sign.SET_JSON, "null")),
        ("tags+=x", ("tags", None, None, Sign.ADD, "x")),
        ("notes=two\nlines", ("notes", None, None, Sign.SET, "two\nlines")),
        ("lines[2].quantity=3", ("lines", "2", "quantity", Sign.SET, "3")),
        ("lines[abcd].price:={}", ("lines", "abcd", "price", Sign.SET_JSON, "{}")),
        ("lines[2]-", ("lines", "2", None, Sign.REMOVE, "")),
        ("lines[abcd]+", ("lines", "abcd", None, Sign.RESTORE, "")),
        ("lines[-1]@0", ("lines", "-1", None, Sign.MOVE, "0")),
    ],
)
def test_an_argument_is_taken_apart(text, expected):
    operation = parse_operation(text)

    assert expected == (operation.name, operation.key, operation.part, operation.sign, operation.value)


@pytest.mark.parametrize(
    "text", ["", "customer", "=x", "lines[0]", "lines[0]=x", "lines[0].quantity+=1", "lines-", "a b=c"]
)
def test_what_says_nothing_to_do_is_refused(text):
    with pytest.raises(ValidationError):
        parse_operation(text)


def test_a_new_document_holds_typed_values(shop):
    ada_ltd = shop.json("new", "customer", "name=Ada Ltd")["id"]

    made = shop.json(
        "new", "quote", "customer=Ada", f"buyer={ada_ltd[:6]}", "due=2030-01-02", "paid=yes", "stage=WON",
        "discount=1.50", f"lines+={SHADE}", "notes=hello", "tags+=vip", "milestones+=printed",
    )  # fmt: skip

    assert (made["reference"], made["number"], made["references"]) == ("R2-0001", None, ["R2-0001"])
    found = made["fields"]
    names = ("customer", "buyer", "due", "paid", "stage", "discount", "notes", "tags")
    assert [found[name] for name in names] == [
        "Ada", ada_ltd, "2030-01-02", True, "won", "1.50", "hello", ["vip"],
    ]  # fmt: skip
    assert [entry["value"] for entry in found["milestones"]] == ["printed"]
    (line,) = found["lines"]
    assert line["price"] == {"msrp": "1678.00", "margin": "0.5"}


def test_entities_are_changed_moved_removed_and_restored_by_their_places_before_the_command(shop):
    shop("new", "quote", "customer=Ada", *(f'lines+={{"product": "{name}"}}' for name in "abcd"))
    first = fields(shop)["lines"][0]["id"]

    shop("edit", "R2-0001", "lines[0]-", "lines[1].quantity=7", "lines[-1]@0")
    assert [(line["product"], line.get("quantity")) for line in fields(shop)["lines"]] == [
        ("d", None),
        ("b", 7),
        ("c", None),
    ]

    shop("edit", "R2-0001", f"lines[{first[:6]}]+")
    assert "a" in [line["product"] for line in fields(shop)["lines"]]


def test_texts_sets_and_logs_grow_and_optional_fields_are_cleared(shop):
    shop("new", "quote", "customer=Ada", "due=2030-01-02", "notes=one")

    shop("edit", "R2-0001", "notes+= two", "tags+=x", "tags+=x", "milestones+=printed", "due=")

    found = fields(shop)
    assert (found["notes"], found["tags"], found["due"]) == ("one two", ["x"], None)
    assert shop.json("edit", "R2-0001", 'due:="2030-01-02"')["fields"]["due"] == "2030-01-02"


def test_json_on_standard_input_changes_adds_and_removes(shop):
    given = {"customer": "Ada", "lines": [{"product": "a"}, {"product": "b"}], "milestones": ["made"]}
    made = shop.json("new", "quote", "--stdin", stdin=json.dumps(given))["fields"]
    a, b = (line["id"] for line in made["lines"])

    shop(
        "edit",
        "R2-0001",
        "--stdin",
        stdin=json.dumps({"lines": [{"id": a, "quantity": 9}, {"id": b, "removed": True}, {"product": "c"}]}),
    )

    assert [(line["product"], line.get("quantity")) for line in fields(shop)["lines"]] == [
        ("a", 9),
        ("c", None),
    ]
    assert fields(shop)["milestones"][0]["value"] == "made"


def test_what_show_prints_changes_nothing_when_it_is_given_back(shop):
    shop("new", "quote", "customer=Ada", f"lines+={SHADE}", "notes=x", "tags+=t", "milestones+=m", "paid=yes")
    before = shop.json("log", "R2-0001")

    said = shop("edit", "R2-0001", "--stdin", stdin=json.dumps(fields(shop))).out

    assert "nothing to change" in said
    assert before == shop.json("log", "R2-0001")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("custmer=x", "Did you mean 'customer'?"),
        ("lines[0].quanty=x", "Did you mean 'quantity'?"),
        ("lines[0].quantity=many", "is no whole number"),
        ("due=soon", "is no date"),
        ("paid=perhaps", "is no yes or no"),
        ("discount=much", "is no decimal number"),
        ("stage=wno", "Did you mean 'won'?"),
        ('lines[0].price={"margin": 1}', "lacks msrp"),
        ('lines[0].price={"msrp": 1, "mragin": 1}', "Did you mean 'margin'?"),
        ("lines[0].price=3", "has several parts"),
        ("lines[0].price:={", "is no JSON"),
        ("customer:=NaN", "is no JSON"),
        ("customer:=3", "customer"),
        ("lines=x", "Add to it with lines+="),
        ("customer+=x", "Set it with customer="),
        ("lines+=x", "is no JSON"),
        ("lines+=3", "is a JSON object"),
        ('lines+={"quantity": 3}', "needs 'product'"),
        ("lines[0]@first", "is no place"),
    ],
)
def test_a_wrong_change_is_named_and_nothing_is_written(shop, change, said):
    shop("new", "quote", "customer=Ada", f"lines+={SHADE}")

    assert said in shop.fails(2, "edit", "R2-0001", "customer=Bob", change)
    assert fields(shop)["customer"] == "Ada"
    assert len(shop.json("log", "R2-0001")) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("lines[7]-", "places are 0 to 0"),
        ("lines[zzzz]-", "has no entity 'zzzz'"),
        ("buyer=Q-9", "there is no customer 'Q-9'"),
    ],
)
def test_what_is_not_there_is_told_by_its_own_exit_code(shop, change, said):
    shop("new", "quote", "customer=Ada", f"lines+={SHADE}")

    assert said in shop.fails(3, "edit", "R2-0001", change)


def test_input_that_is_no_object_is_refused(shop):
    assert "is no JSON" in shop.fails(2, "new", "quote", "--stdin", stdin="{")
    assert "is no JSON object" in shop.fails(2, "new", "quote", "--stdin", stdin="[1]")
    assert "needs 'customer'" in shop.fails(2, "new", "quote", "--stdin", stdin="{}")
    assert "nothing to change" in shop.fails(2, "edit", "R2-0001")


def test_lists_are_filtered_searched_sorted_and_paged(shop):
    for name, stage in (("Ada", "open"), ("Bob", "won"), ("Cleo", "won")):
        shop("new", "quote", f"customer={name}", f"stage={stage}")

    def customers(*options):
        return [item["fields"]["customer"] for item in shop.json("list", "quote", *options)]

    assert customers("--sort", "-customer") == ["Cleo", "Bob", "Ada"]
    assert customers("--where", "stage=won", "--sort", "customer") == ["Bob", "Cleo"]
    assert customers("--where", "customer__lt=Cleo", "--where", "stage=won") == ["Bob"]
    assert customers("--where", "customer__in=Ada,Cleo", "--sort", "customer") == ["Ada", "Cleo"]
    assert customers("--search", "bo") == ["Bob"]
    assert customers("--sort", "customer", "--limit", "1", "--offset", "1") == ["Bob"]
    assert "Did you mean 'stage'?" in shop.fails(2, "list", "quote", "--where", "stag=won")
    assert "indexed=True" in shop.fails(2, "list", "quote", "--where", "paid=yes")
    assert "NAME=VALUE" in shop.fails(2, "list", "quote", "--where", "stage")
    assert "Did you mean 'customer'?" in shop.fails(2, "list", "quote", "--sort", "custmer")


def test_a_document_is_meant_by_its_number_in_any_case_or_by_the_beginning_of_its_id(shop):
    made = shop.json("new", "quote", "customer=Ada")

    for text in ("R2-0001", "r2-0001", made["id"], made["id"][:4], made["id"][:4].upper()):
        assert made["id"] == shop.json("show", text)["id"]
    assert "there is no document" in shop.fails(3, "show", made["id"][:3])
    assert [made["id"]] == [item["id"] for item in shop.json("find", "ada")]
    assert "nothing is found" in shop.fails(3, "find", "nobody")


def test_several_candidates_are_listed():
    with pytest.raises(UsageError, match="quote abcd1, sale abcd2"):
        pick([("abcd1", "quote"), ("abcd2", "sale")], "abcd", "document")
    with pytest.raises(DocumentNotFoundError):
        pick([], "abcd", "document")


def test_computed_properties_need_the_classes(shop):
    shop("new", "quote", "customer=Ada", f"lines+={SHADE}")
    assert "pieces" not in fields(shop)

    assert [
        item["fields"]["pieces"]
        for item in shop.json("--schema", "tests.unit.cli.shop", "list", "quote", "--where", "pieces__ge=1")
    ] == [2]


def test_people_see_plain_columns_without_what_a_terminal_would_obey(shop):
    shop(
        "new",
        "quote",
        "customer=Ada\x1b[2J",
        f"lines+={SHADE}",
        "notes=one\ntwo",
        "tags+=vip",
        "milestones+=printed",
    )

    shown = shop("show", "R2-0001").out
    assert "\x1b" not in shown
    for part in (
        "quote R2-0001",
        "customer: Ada\N{REPLACEMENT CHARACTER}[2J",
        "  [0]",
        "margin=0.5, msrp=1678.00",
        "  one\n  two",
        "printed",
        "sync: draft",
    ):
        assert part in shown
    lines = shop("list", "quote").out.splitlines()
    assert len(lines) == 2
    assert lines[0].split()[:3] == ["document", "id", "customer"]
    assert "lines[].price" in shop("kinds", "quote").out


def test_the_export_is_a_line_of_json_for_each_document(shop):
    shop("new", "customer", "name=A\N{NO-BREAK SPACE}B\N{ZERO WIDTH JOINER}")
    shop("new", "quote", "customer=Ada")

    lines = [json.loads(line) for line in shop("export").out.splitlines()]

    assert [line["kind"] for line in lines] == ["customer", "quote"]
    assert lines[0]["fields"]["name"] == "A\N{NO-BREAK SPACE}B\N{ZERO WIDTH JOINER}"
    assert lines == shop.json("export")
    assert [line["kind"] for line in shop.json("export", "quote")] == ["quote"]


def test_a_number_is_void_with_the_next_sync(terminal, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    office = terminal("office", "bob")
    schema = ("--schema", "tests.unit.cli.shop")
    office("init", "--name", "office", "--role", "office", "--remote", f"folder:{folder}", *schema)
    asked = office.json("numbers", "void", "quotes", "--reason", "spoiled")
    assert asked == {"series": "quotes", "number": None, "reason": "spoiled"}
    assert office.json("numbers") == []
    office("sync")
    (entry,) = office.json("numbers")
    assert (entry["number"], entry["outcome"], entry["reason"]) == (1, "void", "spoiled")
    again = office.fails(2, "numbers", "void", "quotes", "--number", "1", "--reason", "x")
    assert "Q-00001 is void already" in again
