"""A fault place with two or three machines, and calls that need no event loop."""

from crdtsync.errors import CrdtSyncError
from crdtsync.testing import CALM, FaultPlace

A, B, C = "ada", "bob", "cleo"


def done(coroutine):
    """Run a call of a remote to its end: without a gate it never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the call waited")


def outcome(coroutine):
    """The result of a call, or the class of its error."""
    try:
        return done(coroutine)
    except CrdtSyncError as error:
        return type(error)


def put(place, machine, name, data):
    return done(place.remote(machine).put(name, data))


def get(place, machine, name):
    return outcome(place.remote(machine).get(name, bytes_max=1 << 30))


def listed(place, machine, prefix=""):
    return [file.name for file in done(place.remote(machine).list(prefix))]


def shared(*names, profile=CALM, machines=(A, B), **options):
    """A place in which files that ada has put are everywhere."""
    place = FaultPlace(profile, **options)
    for machine in machines:
        place.remote(machine)
    for name in names:
        put(place, A, name, content(name))
    place.settle()
    return place


def content(name):
    return f"what is in {name}".encode()


def injected(place, kind, machine, draws=range(4096)):
    """Inject with the first draw that has something to do; what it did."""
    for draw in draws:
        happened = place.inject(kind, machine, draw)
        if happened:
            return happened
    raise AssertionError(f"{kind} found nothing to do")


def until(place, kind, machine, is_wanted, draws=range(4096)):
    """Inject into fresh places until one is as wanted; that place, and what was done."""
    for draw in draws:
        fresh = place()
        happened = fresh.inject(kind, machine, draw)
        if happened and is_wanted(fresh):
            return fresh, happened
    raise AssertionError(f"no draw of {kind} gives that")
