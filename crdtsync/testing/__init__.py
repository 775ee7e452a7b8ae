"""The public test kit: what an author of an application or an adapter needs to test it. No test framework."""

from crdtsync.examining import InlineExaminer as InlineExaminer
from crdtsync.testing.converged import assert_converged as assert_converged
from crdtsync.testing.disk import SimulatedCrash as SimulatedCrash
from crdtsync.testing.disk import SimulatedDisk as SimulatedDisk
from crdtsync.testing.faults import CALM as CALM
from crdtsync.testing.faults import FAULTS as FAULTS
from crdtsync.testing.faults import HAZARDS_ELSEWHERE as HAZARDS_ELSEWHERE
from crdtsync.testing.faults import PROFILES as PROFILES
from crdtsync.testing.faults import ConflictNaming as ConflictNaming
from crdtsync.testing.faults import Fault as Fault
from crdtsync.testing.faults import FaultKind as FaultKind
from crdtsync.testing.faults import FaultPlace as FaultPlace
from crdtsync.testing.faults import FaultRemote as FaultRemote
from crdtsync.testing.faults import Gate as Gate
from crdtsync.testing.faults import Lasting as Lasting
from crdtsync.testing.faults import Profile as Profile
from crdtsync.testing.faults import Source as Source
from crdtsync.testing.fleet import Fleet as Fleet
from crdtsync.testing.fleet import NotSettledError as NotSettledError
from crdtsync.testing.fleet_member import Member as Member
from crdtsync.testing.memory import MemoryPlace as MemoryPlace
from crdtsync.testing.memory import MemoryRemote as MemoryRemote
from crdtsync.testing.remote_checks import REMOTE_CHECKS as REMOTE_CHECKS
from crdtsync.testing.remote_checks import WAKE_UP as WAKE_UP
from crdtsync.testing.remote_checks import check_remote as check_remote
from crdtsync.testing.remote_checks_common import RemoteCheck as RemoteCheck
from crdtsync.testing.remote_checks_common import RemoteCheckError as RemoteCheckError
from crdtsync.testing.remote_checks_hooks import foreign_check as foreign_check
from crdtsync.testing.remote_checks_hooks import full_check as full_check
from crdtsync.testing.remote_checks_hooks import placeholder_check as placeholder_check
from crdtsync.testing.remote_checks_hooks import throttled_check as throttled_check
from crdtsync.testing.remote_checks_hooks import unreachable_check as unreachable_check
from crdtsync.testing.stateful import fleet_machine as fleet_machine
from crdtsync.testing.store_checks import STORE_CHECKS as STORE_CHECKS
from crdtsync.testing.store_checks import WAITS_FOR_THE_DISK as WAITS_FOR_THE_DISK
from crdtsync.testing.store_checks import StoreCheck as StoreCheck
from crdtsync.testing.store_checks import StoreCheckError as StoreCheckError
from crdtsync.testing.store_checks import check_store as check_store

__all__ = [
    "CALM",
    "FAULTS",
    "HAZARDS_ELSEWHERE",
    "PROFILES",
    "REMOTE_CHECKS",
    "STORE_CHECKS",
    "WAITS_FOR_THE_DISK",
    "WAKE_UP",
    "ConflictNaming",
    "Fault",
    "FaultKind",
    "FaultPlace",
    "FaultRemote",
    "Fleet",
    "Gate",
    "InlineExaminer",
    "Lasting",
    "Member",
    "MemoryPlace",
    "MemoryRemote",
    "NotSettledError",
    "Profile",
    "RemoteCheck",
    "RemoteCheckError",
    "SimulatedCrash",
    "SimulatedDisk",
    "Source",
    "StoreCheck",
    "StoreCheckError",
    "assert_converged",
    "check_remote",
    "check_store",
    "fleet_machine",
    "foreign_check",
    "full_check",
    "placeholder_check",
    "throttled_check",
    "unreachable_check",
]
