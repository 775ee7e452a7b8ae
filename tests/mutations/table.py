"""All planted bugs."""

from tests.mutations import (
    bugs_of_answers,
    bugs_of_changes,
    bugs_of_documents,
    bugs_of_files,
    bugs_of_numbers,
)
from tests.mutations.bug import Bug

BUGS: tuple[Bug, ...] = (
    *bugs_of_files.BUGS,
    *bugs_of_changes.BUGS,
    *bugs_of_documents.BUGS,
    *bugs_of_numbers.BUGS,
    *bugs_of_answers.BUGS,
)
BY_NAME = {bug.name: bug for bug in BUGS}
