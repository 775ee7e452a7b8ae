"""What holds for every test: no example of hypothesis has a deadline, since a machine may be busy with others.

How long something takes is measured in `tests/benchmarks`, where a figure is compared and not a clock.
"""

from hypothesis import settings

settings.register_profile("crdtsync", deadline=None)
settings.load_profile("crdtsync")
