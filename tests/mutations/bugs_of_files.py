"""Planted bugs of files: the folder adapter, the frame of a file, pulling and putting."""

from tests.mutations.bug import Bug, Edit

FOLDER = "adapters/crdtsync_folder/files.py"
FEEDS = "crdtsync/store/feeds.py"
FRAME = "crdtsync/protocol/files.py"
OWN_FILES = "crdtsync/store/own_files.py"
PULL = "crdtsync/sync/pull.py"
SESSION = "crdtsync/sync/session.py"
STEPS = "crdtsync/sync/steps.py"

MOVING = (
    "tests/property/sync/test_moving_folders.py"
    "::test_all_meet_at_the_last_place_of_a_folder_and_nothing_is_lost"
)
BEACONS = "crdtsync/sync/beacons.py"

BUGS = (
    Bug(
        name="file-not-synced",
        what="a file gets its name before its bytes are on the medium",
        breaks="H33, H27, I1",
        edits=(Edit(FOLDER, "                self._disk.sync_file(descriptor)\n", "                pass\n"),),
        kit=(
            "tests/exhaustive/test_folder_power.py",
            "tests/services/test_failing_calls.py::test_nothing_is_acknowledged_before_it_is_synced",
            "tests/services/test_power_cut.py::test_a_power_cut_loses_nothing_that_was_acknowledged[folder]",
        ),
        unit=("tests/unit/folder/test_durability.py",),
        is_simulated=False,
    ),
    Bug(
        name="name-not-synced",
        what="a put returns before the directory that holds the name is on the medium",
        breaks="H33, I11",
        edits=(Edit(FOLDER, "        self._disk.sync_directory(directory)\n", ""),),
        kit=(
            "tests/exhaustive/test_folder_power.py",
            "tests/services/test_failing_calls.py::test_nothing_is_acknowledged_before_it_is_synced",
            "tests/services/test_power_cut.py::test_a_power_cut_loses_nothing_that_was_acknowledged[folder]",
        ),
        unit=("tests/unit/folder/test_durability.py",),
        is_simulated=False,
    ),
    Bug(
        name="new-directory-not-synced",
        what="the name of a new directory may be lost after files were put into it",
        breaks="H33, I11",
        edits=(Edit(FOLDER, "                self._disk.sync_directory(parent)\n", ""),),
        kit=(
            "tests/exhaustive/test_folder_power.py",
            "tests/services/test_failing_calls.py::test_nothing_is_acknowledged_before_it_is_synced",
            "tests/services/test_power_cut.py::test_a_power_cut_loses_nothing_that_was_acknowledged[folder]",
        ),
        unit=("tests/unit/folder/test_durability.py",),
        is_simulated=False,
    ),
    Bug(
        name="put-overwrites",
        what="a put replaces a file that has the name already",
        breaks="H17, I8",
        edits=(
            Edit(FOLDER, "        if self._is_taken(directory, leaf):\n", "        if False:\n"),
            Edit(FOLDER, "self._disk.link(temp, target)\n", "os.replace(temp, target)\n"),
        ),
        kit=("tests/contract/test_remotes.py",),
        unit=("tests/unit/folder/test_files.py",),
        is_simulated=False,
    ),
    Bug(
        name="put-in-place",
        what="a file is written under its final name, where others see the beginning of it",
        breaks="H5, H17, H27",
        edits=(
            Edit(
                FOLDER,
                "        return temp, self._disk.open(temp, _WRITE_FLAGS, 0o666)\n",
                "        return target, self._disk.open(target, _WRITE_FLAGS, 0o666)\n",
            ),
            Edit(FOLDER, "self._open_temp(directory))\n", "self._open_temp(directory, target))\n"),
            Edit(
                FOLDER,
                "def _open_temp(self, directory: str)",
                "def _open_temp(self, directory: str, target: str)",
            ),
            Edit(FOLDER, "patience.retry(lambda: self._publish(temp, target))", "False"),
        ),
        kit=("tests/contract/test_remotes.py", "tests/exhaustive/test_folder_calls.py"),
        unit=("tests/unit/folder/test_files.py",),
        is_simulated=False,
    ),
    Bug(
        name="get-unbounded",
        what="a file that is larger than allowed is read all the same",
        breaks="H29, H50, I16",
        edits=(
            Edit(FOLDER, "            if status.st_size > bytes_max:\n", "            if False:\n"),
            Edit(FOLDER, "            left = bytes_max + 1\n", "            left = 1 << 60\n"),
        ),
        kit=("tests/contract/test_remotes.py",),
        unit=("tests/unit/folder/test_files.py",),
        is_simulated=False,
    ),
    Bug(
        name="link-followed",
        what="a directory of the folder may be a link that leads out of it",
        breaks="H29, H66, I17",
        edits=(
            Edit(
                FOLDER,
                "                if not is_real_directory(self._disk.lstat(path)):\n",
                "                if not is_real_directory(self._disk.stat(path)):\n",
            ),
        ),
        kit=("tests/contract/test_remotes.py",),
        unit=("tests/unit/folder/test_files.py",),
        is_simulated=False,
    ),
    Bug(
        name="hash-not-checked",
        what="a file is taken for whole without its hash",
        breaks="H5, H6, I3",
        edits=(
            Edit(FRAME, "    if _hash(memoryview(data)[:body_end]) != data[body_end:]:\n", "    if False:\n"),
        ),
        kit=("tests/exhaustive/test_damage.py",),
        unit=("tests/unit/protocol/test_files.py",),
    ),
    Bug(
        name="newer-format-read",
        what="a file of a later format version is read as if it were of this one",
        breaks="H42, I19",
        edits=(
            Edit(FRAME, "    if version > FORMAT_VERSION:\n", "    if version > FORMAT_VERSION + 100:\n"),
        ),
        kit=("tests/exhaustive/test_alone.py",),
        unit=("tests/unit/protocol/test_files.py", "tests/unit/sync/test_files.py"),
    ),
    Bug(
        name="decompression-unbounded",
        what="a small file may unpack to as much as its compressor says, whatever its frame declares",
        breaks="H50, I16",
        edits=(
            Edit(FRAME, "        if declared != raw_bytes:\n", "        if False:\n"),
            Edit(FRAME, "    if raw_bytes > _BODY_BYTES_MAX[header.type]:\n", "    if False:\n"),
        ),
        kit=("tests/exhaustive/test_bombs.py",),
        unit=("tests/unit/protocol/test_files.py",),
    ),
    Bug(
        name="foreign-folder-read",
        what="a file of another folder is taken in",
        breaks="H12, H62",
        edits=(Edit(PULL, "        if decoded.header.folder != session.folder:\n", "        if False:\n"),),
        kit=("tests/exhaustive/test_alone.py",),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="renamed-file-ignored",
        what="a file whose name a service has changed is not read",
        breaks="H4, H18, I10",
        edits=(
            Edit(
                PULL,
                "        if not hint.worth_opening:\n",
                "        if not hint.worth_opening or hint.number is None:\n",
            ),
        ),
        kit=("tests/exhaustive/test_alone.py",),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="name-says-what-is-known",
        what="of two files of one name only the first is read",
        breaks="H20, H6",
        edits=(
            Edit(
                PULL,
                "(file.name, file.size_bytes) in session.known or",
                "file.name in {name for name, _ in session.known} or",
            ),
        ),
        kit=("tests/exhaustive/test_alone.py",),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="name-decides-place",
        what="a segment is put where its name says, and not where its content says",
        breaks="H6, H3",
        edits=(
            Edit(
                PULL,
                "            is_new = feeds.receive_segment(\n",
                "            from dataclasses import replace\n\n"
                "            place = replace(decoded.header, sequence=read.hint.number or decoded.header.sequence)\n"
                "            decoded = replace(decoded, header=place)\n"
                "            is_new = feeds.receive_segment(\n",
            ),
        ),
        kit=("tests/exhaustive/test_alone.py",),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="partial-file-given-up",
        what="a file that was read while it arrived is never read again",
        breaks="H5, H14, I10",
        edits=(
            Edit(
                PULL,
                "    _retry_later(session, file.name)\n    report.problems",
                '    await _remember(session, file, "bad")\n    return\n    report.problems',
            ),
        ),
        kit=("tests/exhaustive/test_alone.py",),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="bad-file-stops-round",
        what="one file that cannot be read ends the round for all that come after it",
        breaks="H6, H57, I29",
        edits=(
            Edit(
                PULL,
                "        await _note_bad(session, file, hint, error, report)\n        return None\n",
                "        await _note_bad(session, file, hint, error, report)\n"
                "        raise RemoteUnavailableError(str(error)) from error\n",
            ),
        ),
        kit=("tests/fuzz/test_hostile_writer.py", "tests/exhaustive/test_damage.py"),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="damaged-file-deleted",
        what="a replica deletes a damaged file, which is somebody else's",
        breaks="H5, I9",
        edits=(
            Edit(
                PULL,
                "    _retry_later(session, file.name)\n    report.problems",
                "    _retry_later(session, file.name)\n    await session.remote.delete(file.name)\n    report.problems",
            ),
        ),
        kit=("tests/exhaustive/test_damage.py",),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="marker-not-checked",
        what="a round goes on in a folder that has no marker, as an unmounted one has none",
        breaks="H12, I10",
        edits=(Edit(SESSION, "        if self.folder not in folders:\n", "        if False:\n"),),
        kit=("tests/exhaustive/test_alone.py",),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="other-marker-accepted",
        what="a round goes on in a folder that has the marker of another one",
        breaks="H12",
        edits=(
            Edit(
                SESSION,
                "        if others:\n            raise",
                "        if others and self.folder not in folders:\n            folders.append(self.folder)\n"
                "        if False:\n            raise",
            ),
        ),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="vanished-file-not-put-again",
        what="an own file that has vanished from the folder stays away",
        breaks="H7, H10, I11",
        edits=(Edit(STEPS, "        elif name not in there:\n", "        elif False:\n"),),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="absent-file-forgotten",
        what="an own file that a listing leaves out is taken for deleted, and forgotten",
        breaks="H22, H7, I10",
        edits=(
            Edit(
                STEPS,
                "            await _put_again(session, name, report, as_copy=False)\n",
                "            session.own.pop(name)\n"
                '            gone = lambda c, name=name: c.execute("DELETE FROM _own_files WHERE name = ?", (name,))\n'
                "            await workspace.database.write(lambda c, gone=gone: gone(c) and None)\n",
            ),
        ),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="absent-segment-undone",
        what="a segment that vanished from the folder before it was applied is dropped",
        breaks="H7, H22, I10",
        edits=(
            Edit(
                PULL,
                "    candidates = _candidates(session, listing, report)\n",
                "    candidates = _candidates(session, listing, report)\n"
                "    starts = {bytes.fromhex(hint.hash_start) for hint in (classify(f.name) for f in listing) if hint.hash_start}\n"
                "    def drop(c):\n"
                '        for n, h in c.execute("SELECT n, hash FROM _segments WHERE applied_ms IS NULL").fetchall():\n'
                "            if h[:5] not in starts:\n"
                '                c.execute("DELETE FROM _segments WHERE n = ?", (n,))\n'
                "    await session.workspace.database.write(drop)\n",
            ),
        ),
        kit=("tests/exhaustive/test_alone.py",),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="put-noted-before-done",
        what="a file is noted as put before it is",
        breaks="H32, H27, I11",
        edits=(
            Edit(
                STEPS,
                "    while True:\n        try:\n            await session.remote.put(name, own.data)\n",
                "    await session.workspace.write(\n"
                "        lambda c: own_files.mark_put(c, own, session.now_ms(), name=name, copies=max(copy, own.copies))\n"
                "    )\n"
                "    session.own[name] = own.size_bytes\n"
                "    while True:\n        try:\n            await session.remote.put(name, own.data)\n",
            ),
        ),
        kit=("tests/exhaustive/test_kills.py", "tests/exhaustive/test_failures.py"),
        unit=("tests/unit/sync/test_faults.py",),
    ),
    Bug(
        name="taken-name-is-success",
        what="whatever sits under the name of a file that is put is taken for that file",
        breaks="H5, H6, H17",
        edits=(
            Edit(
                STEPS,
                "            if not await _is_there(session, name, own.data):\n",
                "            if False:\n",
            ),
        ),
        kit=("tests/exhaustive/test_copies.py",),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="copy-has-one-name",
        what="every further copy of a file gets the same name",
        breaks="H4, H6, I29",
        edits=(Edit(STEPS, '    return f"{stem}-r{copy}.crdts"\n', '    return f"{stem}-r1.crdts"\n'),),
        kit=("tests/exhaustive/test_copies.py",),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="want-not-answered",
        what="an owner who is asked for a segment does not put a copy",
        breaks="H6, H7, I29",
        edits=(Edit(STEPS, "    await _answer_wants(session, found.wants, report)\n", ""),),
        kit=("tests/exhaustive/test_copies.py",),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="want-not-said",
        what="a replica that waits for a segment does not ask for it",
        breaks="H6, H7, I29",
        edits=(
            Edit(
                BEACONS,
                "        wants=[*asked, *(wants[key] for key in sorted(wants)[:WANTS_MAX])],\n",
                "        wants=[*asked],\n",
            ),
        ),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="beacon-every-round",
        what="a beacon is written in every round, whether there is news or not",
        breaks="I32, H26",
        edits=(
            Edit(
                BEACONS,
                "    if content == row.beacon_content and -HEARTBEAT_MS < age_ms < HEARTBEAT_MS:\n",
                "    if False:\n",
            ),
        ),
        unit=("tests/unit/sync/test_beacons.py",),
    ),
    Bug(
        name="full-disk-hidden",
        what="a database that is full when something is to be published is passed over in silence",
        breaks="H27, H34",
        edits=(
            Edit(
                STEPS,
                "        while await workspace.write(lambda c: _seal(session, c)) is not None:\n            pass\n",
                "        try:\n"
                "            while await workspace.write(lambda c: _seal(session, c)) is not None:\n"
                "                pass\n"
                "        except Exception:\n"
                "            pass\n",
            ),
        ),
        kit=("tests/exhaustive/test_full_disk.py",),
        unit=("tests/unit/sync/test_faults.py",),
    ),
    Bug(
        name="folder-begun-anew-is-another",
        what="an empty place gets a new folder, where the replica's own is to be begun anew",
        breaks="H58, I11, I33",
        edits=(Edit(SESSION, "mine = known[0] if known and not other_folder else None", "mine = None"),),
        kit=(MOVING,),
        unit=("tests/unit/sync/test_moved_folders.py",),
        is_simulated=False,
    ),
    Bug(
        name="moved-folder-counts-as-full",
        what="what is not in the folder's new place counts as being there",
        breaks="H58, I11, I23",
        edits=(
            Edit(OWN_FILES, "for own, name in put if name not in there]", "for own, name in put if False]"),
        ),
        kit=(MOVING,),
        unit=("tests/unit/sync/test_moved_folders.py",),
        is_simulated=False,
    ),
    Bug(
        name="any-folder-is-joined",
        what="a replica that has a folder is attached to that of another group, without being told to",
        breaks="H12, I21",
        edits=(Edit(SESSION, "        if known and not other_folder:\n", "        if False:\n"),),
        kit=(MOVING,),
        unit=("tests/unit/sync/test_moved_folders.py", "tests/unit/cli/test_moving.py"),
        is_simulated=False,
    ),
    Bug(
        name="other-folder-without-the-past",
        what="who leaves one folder for another publishes there only what was in no segment yet",
        breaks="I11, I29, I33",
        edits=(
            Edit(
                FEEDS,
                '    connection.execute("UPDATE _changes SET segment = NULL WHERE segment IS NOT NULL")\n',
                "",
            ),
            Edit(FEEDS, '        "WHERE d.shared",\n', '        "WHERE d.shared AND c.segment IS NULL",\n'),
        ),
        kit=(MOVING,),
        unit=("tests/unit/sync/test_moved_folders.py",),
        is_simulated=False,
    ),
)
