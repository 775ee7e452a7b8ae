"""A synced folder with faults: a model of what services, and strangers, do to the files of several machines.

The model is one server state and one view per machine. A put or delete takes effect in the own view at once; an
upload and then a download at each other machine, each a *silent step*, carry it there, in any order and after any
time (H1, H2). What is in the model besides:

* A file or a delete is lost on its way, for all or for one; comes twice, under a second name, as a conflict copy in
  any vendor's naming, or under one name twice (H3, H4, H9, H20, H31).
* A file is visible in part, empty, or with a tail of zeros while it comes (H5); has a flipped bit, is cut, extended,
  or has another file's content, for one or for all (H6).
* A file vanishes, a deleted one returns, the folder goes back in time for all or for one, or stands still for one
  (H7, H8, H10, H11).
* The folder is empty, not there, another one, or within itself; a directory is split; names change (H12, H18, H21).
* Nothing leaves the machine (H13); files are placeholders, own ones too (H14, H15); calls fail, stall, are throttled,
  find no space, or take effect and say otherwise (H16, H26 to H28); listings are stale, incomplete, double, or fail
  (H22); a watcher says nothing, too much, or too late (H23).
* Services leave files of their own (H30); outsiders write, rename, replay, delete and encrypt (H57, H58).

Not in the model: what only a real disk has (rename in two steps, path length, modification times, links: H17, H19,
H24, H29), and time: a caller decides what happens when.

No content comes from nowhere: every file is a writer's, a damaged one, or declared junk.
"""

from crdtsync.testing.faults.kinds import FAULTS as FAULTS
from crdtsync.testing.faults.kinds import HAZARDS_ELSEWHERE as HAZARDS_ELSEWHERE
from crdtsync.testing.faults.kinds import Fault as Fault
from crdtsync.testing.faults.kinds import FaultKind as FaultKind
from crdtsync.testing.faults.kinds import Lasting as Lasting
from crdtsync.testing.faults.names import ConflictNaming as ConflictNaming
from crdtsync.testing.faults.place import FaultPlace as FaultPlace
from crdtsync.testing.faults.profiles import CALM as CALM
from crdtsync.testing.faults.profiles import PROFILES as PROFILES
from crdtsync.testing.faults.profiles import Profile as Profile
from crdtsync.testing.faults.profiles import Source as Source
from crdtsync.testing.faults.remote import FaultRemote as FaultRemote
from crdtsync.testing.faults.remote import Gate as Gate

__all__ = [
    "CALM",
    "FAULTS",
    "HAZARDS_ELSEWHERE",
    "PROFILES",
    "ConflictNaming",
    "Fault",
    "FaultKind",
    "FaultPlace",
    "FaultRemote",
    "Gate",
    "Lasting",
    "Profile",
    "Source",
]
