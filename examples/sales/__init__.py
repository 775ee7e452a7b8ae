"""A sales application on crdtsync: customers, catalogue, quotes, sales, purchase orders and payments.

Its main job is headless and shows all of it at work: an office and some roaming workstations, each with a
database of its own and one folder between them; deals made while apart, synced, edited on both sides at once,
synced again, numbered, and compared on every replica at the end. ::

    python -m examples.sales run
    python -m examples.sales run --documents 500 --workstations 4 --seed 7
    python -m examples.sales run --invoices invoices.csv.gz --documents 2000 --json
    python -m examples.sales run --keep ./look-at-me

With ``--json`` the only output is one object; the exit code is 1 if anything was lost, doubled or left over.
"""
