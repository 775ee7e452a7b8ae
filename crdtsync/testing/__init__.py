"""The public test kit: what an author of an application or an adapter needs to test it. No test framework."""

from crdtsync.testing.disk import SimulatedCrash as SimulatedCrash
from crdtsync.testing.disk import SimulatedDisk as SimulatedDisk
from crdtsync.testing.memory import MemoryPlace as MemoryPlace
from crdtsync.testing.memory import MemoryRemote as MemoryRemote
from crdtsync.testing.remote_checks import REMOTE_CHECKS as REMOTE_CHECKS
from crdtsync.testing.remote_checks import WAKE_UP as WAKE_UP
from crdtsync.testing.remote_checks import check_remote as check_remote
from crdtsync.testing.remote_checks import placeholder_check as placeholder_check
from crdtsync.testing.remote_checks import unreachable_check as unreachable_check
from crdtsync.testing.remote_checks_common import RemoteCheck as RemoteCheck
from crdtsync.testing.remote_checks_common import RemoteCheckError as RemoteCheckError

__all__ = [
    "REMOTE_CHECKS",
    "WAKE_UP",
    "MemoryPlace",
    "MemoryRemote",
    "RemoteCheck",
    "RemoteCheckError",
    "SimulatedCrash",
    "SimulatedDisk",
    "check_remote",
    "placeholder_check",
    "unreachable_check",
]
