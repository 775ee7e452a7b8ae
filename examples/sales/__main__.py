"""``python -m examples.sales run``."""

import sys

try:
    from examples.sales.command import main
except ModuleNotFoundError as missing:
    if (missing.name or "").startswith("examples"):
        raise
    # Most often the virtual environment is there and not active: a traceback would not say so.
    sys.exit(
        f"error: {missing.name} is not installed here ({sys.executable})\n"
        "hint: Activate the virtual environment, as in `. .venv/bin/activate`, or make one as the README says"
    )

if __name__ == "__main__":
    sys.exit(main())
