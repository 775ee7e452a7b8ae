"""What a sync did, and how far it is: values for progress bars and logs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum


class Phase(Enum):
    """The steps of a round, in their order."""

    PULL = "pull"
    APPLY = "apply"
    ALLOCATE = "allocate"
    PUBLISH = "publish"
    ACKNOWLEDGE = "acknowledge"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one step is."""

    phase: Phase
    done: int
    total: int
    """In files while pulling and publishing, in changes while applying; 0 where it is not known."""
    done_bytes: int = 0


OnProgress = Callable[[Progress], None]


@dataclass(slots=True)
class SyncReport:
    """What one round did."""

    pulled_files: int = 0
    pulled_bytes: int = 0
    applied: int = 0
    """Changes of others that are now in documents here."""
    waiting: int = 0
    """Changes that wait for the changes they build on."""
    refused: int = 0
    granted: int = 0
    published_files: int = 0
    """Of every type, also those that say only what is here."""
    published_bytes: int = 0
    published_segments: int = 0
    """Those with changes of documents in them."""
    not_local: int = 0
    """Files that are listed, and whose content is not on this machine yet."""
    problems: list[str] = field(default_factory=list)
    """What could not be taken in, each with its reason; the rest of the round went on."""

    @property
    def is_idle(self) -> bool:
        """Whether the round found nothing to do."""
        return not (self.pulled_files or self.applied or self.granted or self.published_files)
