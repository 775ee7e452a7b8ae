"""Budgets, each measured against its floor in the same run: `python -m tests.benchmarks [NAME...] [--json FILE]`.

Times on a shared machine mean little; ratios of one run mean more. Every figure is a median, and the limits
are those of `docs/ARCHITECTURE.md`. No test runs these. Measured on 2 noisy cores, Python 3.11, SQLite 3.40:

=====================  =======================  ======  ============
figure                 measured                 ratio   limit
=====================  =======================  ======  ============
edit                   718 us, floor 405 us     1.8     1.5 (2 at most): within the outer limit
merge                  2.6 s, floor 0.86 s      3.1     1.5 (2 at most): not reached (3.1 to 3.7)
bytes                  460 kB, floor 507 kB     0.91    1.3
mark to number         0.09 s                           0.3 s
open, 100,000          5 ms                             0.2 s
page of 50             5 ms (0.3 ms when idle)          10 ms
find by number         0.5 ms                           2 ms
idle round, 100 peers  13 ms, nothing written           no document touched
memory of a first sync 118 MiB                          300 MiB
=====================  =======================  ======  ============

Since changes are examined in a process of their own (docs/decisions/0005) a merge takes 10 to 20 % more of this
process, and 0.6 ms a document of another core. Without a free core, before and after, interleaved: 3.0 and 3.8, 3.4
and 5.1, 4.8 and 5.4 times the floor. The figure above is from before.

Where a merge spends its time, per document and side (of 1,250 us): applying and reading the map into registers
490, opening the CRDT from its state and deltas 200, projection, words and conflicts 200, rows 60, sealing 75.
The floor loads and encodes the same CRDT (about 300) and neither keeps history nor finds conflicts. The next step
would be to read only the touched keys, and to take the rest of the projection from the stored one.
"""
