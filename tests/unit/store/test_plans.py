"""Pages are read in the order of an index: no list sorts all documents of its kind."""

import pytest

from crdtsync import open_replica
from crdtsync.document.model import schema_of
from crdtsync.store import query
from tests.benchmarks.model import Small


@pytest.mark.parametrize("order_by", ["-changed", "changed", "created", "-amount", "customer"])
async def test_a_page_is_read_without_sorting(tmp_path, order_by):
    async with open_replica(tmp_path / "r", name="R", role="roaming", kinds=[Small]) as replica:
        async with replica.edit(Small) as small:
            small.customer = "Ada"

        def plan(connection):
            statements = []
            connection.set_trace_callback(statements.append)
            query.select(
                connection, schema_of(Small), where={}, search="", order_by=order_by, limit=50, offset=0
            )
            connection.set_trace_callback(None)
            return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statements[-1]}")]

        steps = await replica._workspace.database.run(plan)
        assert not [step for step in steps if "ORDER BY" in step], steps
