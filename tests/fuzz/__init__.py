"""A fuzzer of everything that reads bytes or text from outside: `python -m tests.fuzz --help`."""
