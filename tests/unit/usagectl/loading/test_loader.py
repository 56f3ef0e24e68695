"""Loading a data set: every line, every file of media, and the setting."""

import errno
import json
import os
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.loading import (
    MEMBERS,
    TOKENS,
    Store,
    items_of,
    member,
    permissions,
    resources_of,
    write_members,
)
from usagectl.data_set.media import MediaFile, find_media
from usagectl.data_set.payload_files import (
    PAYLOAD_FILES,
    PayloadFile,
    count_lines,
)
from usagectl.data_set.rejections import Rejection
from usagectl.errors import LoadError
from usagectl.loading.checkpoint import may_be_checkpoint
from usagectl.loading.dry_run import check
from usagectl.loading.loader import Loader
from usagectl.loading.media_upload import upload


def test_the_later_of_two_lines_with_the_same_key_is_stored(tmp_path: Path) -> None:
    """Even if there are many calls between them."""
    lines = [member(user % 40 + 1, str(user)) for user in range(4_000)]
    write_members(tmp_path, *lines)
    store = Store()
    report = Loader(resources_of(store)).load(tmp_path)
    assert report.loaded["members.ndjson"] == 4_000
    assert permissions(store) == {f"11/{n + 1}": [str(3_960 + n)] for n in range(40)}


def test_members_that_were_changed_or_removed_since_are_kept(tmp_path: Path) -> None:
    """An item that has a version stays as it is, and the report counts it."""
    write_members(tmp_path, *(member(user, "old") for user in (1, 2, 3, 4)))
    keys = dict(zip((2, 3, 4), items_of(2, 3, 4), strict=True))
    store = Store()
    store.items["members"] = {
        "11/2": {**keys[2], "permissions": {"L": [{"S": "new"}]}, "version": {"S": "1"}},
        "11/3": {**keys[3], "permissions": {"L": [{"S": "older"}]}},
        "11/4": {**keys[4], "permissions": {"L": []}, "removed": {"B": 1}, "version": {"S": "1"}},
    }
    report = Loader(resources_of(store)).load(tmp_path)
    assert permissions(store) == {"11/1": ["old"], "11/2": ["new"], "11/3": ["old"], "11/4": []}
    assert (report.loaded[MEMBERS.name], report.kept[MEMBERS.name]) == (2, 2)


def test_progress_adds_up_to_the_lines_of_the_files(tmp_path: Path) -> None:
    """Blank and broken lines included."""
    write_members(tmp_path, member(1), "\n", "broken\n", member(2))
    advanced: list[int] = []
    Loader(resources_of(Store()), advance=advanced.append).load(tmp_path)
    assert sum(advanced) == count_lines(tmp_path) == 4


def test_media_are_stored_with_their_paths_as_keys_and_their_types(tmp_path: Path) -> None:
    """A file whose path can't be a key is reported, and the others are loaded."""
    media = tmp_path / "set" / "media"
    (media / "a b").mkdir(parents=True)
    (media / "a b" / "ä.png").write_bytes(b"png")
    (media / "unknown").write_bytes(b"?")
    long = media.joinpath(*["l" * 250] * 5)
    long.mkdir(parents=True)
    (long / "x").write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(media) + b"/\xff\n.png")).write_bytes(b"png")
    (tmp_path / "secret").write_bytes(b"secret")
    (media / "m\n").write_bytes(b"m")
    (media / "link").symlink_to(tmp_path / "secret")
    (media / "links").symlink_to(media / "a b")
    store, rejected = Store(), list[str]()
    report = Loader(
        resources_of(store), reject=lambda rejection: rejected.append(str(rejection))
    ).load(tmp_path / "set")
    assert store.objects == {
        "a b/ä.png": (b"png", "image/png"),
        "unknown": (b"?", "application/octet-stream"),
    }
    assert (report.loaded["media"], report.rejected) == (2, 5)
    assert rejected == [
        "media/link: is a link that leads out of the folder",
        "media/links: is not a file",
        r"media/m\n: its name has a control character, such as a line break",
        r"media/\xff\n.png: its name is not UTF-8",
        f"media/{'/'.join(['l' * 250] * 5)}/x: its name has more than 1,024 bytes, path included",
    ]


def test_a_media_file_that_is_removed_meanwhile_does_not_end_the_import(tmp_path: Path) -> None:
    """It is reported, and the others are loaded."""
    (tmp_path / "media").mkdir()
    for name in "abc":
        (tmp_path / "media" / name).write_text(name)
    file = next(found for found in find_media(tmp_path) if isinstance(found, MediaFile))
    file.path.unlink()
    rejection = upload(cast(Any, Store()), "media", file)
    assert str(rejection) == "media/a: can't be read: No such file or directory"
    assert len(list(find_media(tmp_path))) == 2


def test_a_media_folder_that_can_not_be_read_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name, with the reason. Without a media folder there is nothing to reject."""
    assert list(find_media(tmp_path)) == []
    (tmp_path / "media/11").mkdir(parents=True)
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if Path(path).name == "11":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert list(find_media(tmp_path)) == [
        Rejection("media/11", 0, "can't be read: Permission denied")
    ]


@pytest.mark.parametrize("text", ["[]", '["form", "parts"]', '"form"', "7", "{}", "no JSON", ""])
def test_a_file_that_no_import_wrote_is_no_checkpoint(tmp_path: Path, text: str) -> None:
    """So that an import never overwrites it."""
    path = tmp_path / "notes"
    assert may_be_checkpoint(path), "a new one"
    path.write_text(text)
    assert not may_be_checkpoint(path)


def test_a_media_file_that_s3_does_not_take_at_once_does_not_end_the_import(
    tmp_path: Path,
) -> None:
    """One that has more than 5 GiB. It is not sent."""
    file = MediaFile("large.mp4", tmp_path / "large.mp4")
    file.path.touch()
    os.truncate(file.path, 5 * 1024**3 + 1)  # it has no blocks on the disk
    no_client = cast(Any, None)
    assert str(upload(no_client, "media", file)) == (
        "media/large.mp4: has more than 5 GiB, the most that S3 takes at once"
    )


def test_a_setting_is_stored_or_rejected(tmp_path: Path) -> None:
    """A setting that can't be used is reported, and nothing is stored."""
    store = Store()
    settings = tmp_path / "settings.json"
    settings.write_text('{"usage_history_min_date": {"enabled": true, "date": "2026-01-01"}}')
    Loader(resources_of(store)).load(tmp_path)
    assert json.loads(store.settings["min-date"]) == {"enabled": True, "date": "2026-01-01"}
    rejected: list[Rejection] = []
    for date in ("1", "20250105", "2025-W02-3", "2026-1-1", "2026-02-30"):
        settings.write_text(f'{{"usage_history_min_date": {{"enabled": true, "date": "{date}"}}}}')
        Loader(resources_of(Store()), reject=rejected.append).load(tmp_path)
    for text in ("[]", "no", "[" * 100_000, '{"a": 1e99999999999999999999}'):
        settings.write_text(text)
        Loader(resources_of(Store()), reject=rejected.append).load(tmp_path)
    assert [rejection.file for rejection in rejected] == ["settings.json"] * 9


ODD = st.sampled_from(
    [b"1e99999999999999999999", b"9" * 5000, b"NaN", b"\xff", b"\0", b'"\\ud800"', b"[" * 9999]
)


LINES = st.binary(max_size=50) | st.builds(
    lambda odd: b'{"workspace_id":81,"user_id":1,"permissions":[],"note":' + odd + b"}", ODD
)


@given(st.lists(LINES, max_size=5).map(b"\n".join), st.sampled_from(PAYLOAD_FILES), st.booleans())
def test_any_bytes_are_loaded_or_rejected_with_a_reason(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, file: PayloadFile, is_gz: bool
) -> None:
    """An import ends with a report or with a LoadError, whatever is in the files."""
    folder = tmp_path_factory.mktemp("set")
    name = f"{file.name}.gz" if is_gz else file.name
    (folder / name).write_bytes(content)
    (folder / "settings.json").write_bytes(content)
    rejected: list[Rejection] = []
    try:
        report = Loader(resources_of(Store()), reject=rejected.append).load(folder)
    except LoadError:
        assert is_gz
    else:
        assert report.rejected == len(rejected)
        used = sum(report.loaded.values()) + sum(found.line > 0 for found in rejected)
        assert is_gz or used == sum(1 for line in content.split(b"\n") if line.strip())


def test_a_file_that_can_not_be_read_ends_the_import(tmp_path: Path) -> None:
    """Such as a folder with the file's name."""
    (tmp_path / TOKENS.name).mkdir()
    with pytest.raises(LoadError, match=r"tokens\.ndjson: Is a directory"):
        Loader(resources_of(Store())).load(tmp_path)


def test_a_dry_run_reports_what_loading_reports(tmp_path: Path) -> None:
    """The same lines and files are counted and rejected, and the same lines are done."""
    write_members(tmp_path, member(1), "\n", "broken\n", member(2))
    (tmp_path / TOKENS.name).write_text("broken\n")
    (tmp_path / "settings.json").write_text("[]")
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.png").write_bytes(b"png")
    (tmp_path / "media" / "m\n").write_bytes(b"m")
    reports = []
    for is_dry in (True, False):
        advanced: list[int] = []
        rejected: list[Rejection] = []
        if is_dry:
            report = check(tmp_path, advanced.append, rejected.append)
        else:
            loader = Loader(resources_of(Store()), advanced.append, rejected.append)
            report = loader.load(tmp_path)
        reports.append((report, sum(advanced), rejected))
    assert reports[0] == reports[1]
    assert reports[0][0].loaded == {
        **dict.fromkeys(reports[0][0].loaded, 0),
        MEMBERS.name: 2,
        "media": 1,
    }
    assert reports[0][0].rejected == 4
