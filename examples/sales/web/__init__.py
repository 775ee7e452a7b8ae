"""The sales application in a browser: an office and two workstations, each with a database of its own.

``python -m examples.sales.web`` starts all of them, joined by nothing but a folder.
"""
