"""The scripts of the pages, without a browser."""

import re

import pytest

from examples.sales.web.desk import HERE

STATIC = HERE / "static"
DEFINED = re.compile(r"^const (\w+) = \(\(\) =>", re.MULTILINE)


@pytest.mark.parametrize("page", ["base.html", "overview_base.html"])
def test_a_page_has_every_script_that_one_of_its_scripts_calls(page):
    everywhere = {
        name for script in STATIC.glob("*.js") for name in DEFINED.findall(script.read_text("utf-8"))
    }
    template = (HERE / "templates" / page).read_text("utf-8")
    scripts = {
        name: (STATIC / name).read_text("utf-8") for name in re.findall(r'src="/static/([\w.]+)"', template)
    }
    here = {name for text in scripts.values() for name in DEFINED.findall(text)}
    missing = {
        f"{script} calls {name}"
        for script, text in scripts.items()
        for name in everywhere - here
        if re.search(rf"(?<![\w.]){name}\.\w", text)
    }
    assert everywhere
    assert missing == set()
