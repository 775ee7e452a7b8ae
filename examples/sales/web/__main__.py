"""``python -m examples.sales.web``."""

import sys

from examples.sales.web.start import main

if __name__ == "__main__":
    sys.exit(main())
