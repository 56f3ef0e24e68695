"""Files of payloads, read line by line."""

import gzip
from pathlib import Path

import pytest

from tests.support.loading import (
    MEMBERS,
    Store,
    member,
    resources_of,
    write_members,
)
from usagectl.data_set.lines import MAX_LINE_BYTES
from usagectl.data_set.payload_files import (
    find_file,
    read_stored_items,
)
from usagectl.data_set.rejections import Rejection
from usagectl.errors import LoadError, UnreadableFile
from usagectl.loading.loader import Loader


def test_compressed_files_are_read_like_plain_ones(tmp_path: Path) -> None:
    """With the same line numbers."""
    text = f"{member(1)}broken\n{member(2)}"
    with gzip.open(tmp_path / "members.ndjson.gz", "wt") as file:
        file.write(text)
    path = find_file(tmp_path, MEMBERS)
    assert path is not None
    read = list(read_stored_items(path, MEMBERS))
    assert [number for number, _ in read] == [1, 2, 3]
    assert [number for number, _ in read_stored_items(path, MEMBERS, after=2)] == [3]
    assert str(read[1][1]).startswith("members.ndjson.gz:2: is not JSON")


def test_a_compressed_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    """It is not gzip, it is cut off, or the plain file is there, too."""
    path = tmp_path / "members.ndjson.gz"
    for content in (b"no gzip", gzip.compress(member(1).encode())[:-9]):
        path.write_bytes(content)
        with pytest.raises(LoadError, match=r"members\.ndjson\.gz: "):
            Loader(resources_of(Store())).load(tmp_path)
    write_members(tmp_path, member(1))
    with pytest.raises(UnreadableFile, match="are both there"):
        find_file(tmp_path, MEMBERS)
    with pytest.raises(LoadError, match="There is no folder"):
        Loader(resources_of(Store())).load(path)


def test_a_line_that_is_far_too_long_is_rejected(tmp_path: Path) -> None:
    """The next line has the next number."""
    path = write_members(tmp_path, "x" * (3 * MAX_LINE_BYTES), "\n", member(1))
    (first, rejection), (second, item) = read_stored_items(path, MEMBERS)
    assert (first, second) == (1, 2)
    assert str(rejection) == "members.ndjson:1: is longer than 1,048,576 bytes"
    assert not isinstance(item, Rejection)
