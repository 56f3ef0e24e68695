"""Loading a data set: in parts, in order, again after an interruption, and into a busy store."""

import gzip
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tests.support.functions import ROOT
from usagectl.data_set.lines import MAX_LINE_BYTES
from usagectl.data_set.media import MediaFile, find_media
from usagectl.data_set.payload_files import (
    PAYLOAD_FILES,
    PayloadFile,
    count_lines,
    find_file,
    read_stored_items,
)
from usagectl.data_set.rejections import Rejection
from usagectl.errors import LoadError, UnreadableFile
from usagectl.loading.checkpoint import Checkpoint
from usagectl.loading.loader import Loader
from usagectl.loading.media_upload import upload
from usagectl.loading.rejection_report import RejectionReport
from usagectl.loading.table_writer import put_batch
from usagectl.resources import Resources
from workspace_usage.aws.dynamodb import WritableItem
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rows.tables import Tables

TOKENS, MEMBERS = PAYLOAD_FILES[0], PAYLOAD_FILES[1]
NAMES = Tables(
    executions="executions",
    archived_executions="archived",
    edited_chats="edited",
    access_tokens="tokens",
    memberships="members",
    rollups="rollups",
)


class Refused(ClientError):
    """What a table answers to a condition that does not hold."""

    def __init__(self) -> None:
        super().__init__({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")


@dataclass
class Store:
    """DynamoDB, S3 and Systems Manager, as far as loading needs them; they can be told to fail.

    Attributes:
        items: what is stored, by table and key.
        refuses: how many items of the next call are not taken, as when a table is throttled.
        fails_after: calls until one fails; None: none does.
    """

    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    refuses: Callable[[], int] = lambda: 0
    fails_after: int | None = None
    calls: int = 0

    class exceptions:  # noqa: N801 - as boto3 spells it
        """boto3's way to name errors."""

        ConditionalCheckFailedException = Refused

    def batch_write_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        """Takes items, but not those that it is told to refuse."""
        self._call()
        [(table, requests)] = RequestItems.items()
        assert 0 < len(requests) <= 25
        keys = {_key(request["PutRequest"]["Item"]) for request in requests}
        assert len(keys) == len(requests), "one call must not name an item twice"
        taken = len(requests) - min(self.refuses(), len(requests))
        for request in requests[:taken]:
            self._put(table, request["PutRequest"]["Item"])
        left = requests[taken:]
        return {"UnprocessedItems": {table: left} if left else {}}

    def put_item(self, *, TableName: str, Item: Any, ConditionExpression: str) -> None:  # noqa: N803
        """Takes an item, unless an event has written in its place."""
        self._call()
        assert ConditionExpression == "attribute_not_exists(version)"
        if "version" in self.items.get(TableName, {}).get(_key(Item), {}):
            raise Refused
        self._put(TableName, Item)

    def put_object(self, *, Bucket: str, Key: str, Body: Any, ContentType: str) -> None:  # noqa: N803
        """Takes a file."""
        self._call()
        assert Bucket == "media"
        self.objects[Key] = (Body.read(), ContentType)

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool) -> None:  # noqa: N803
        """Takes a setting."""
        assert (Type, Overwrite) == ("String", True)
        self.settings[Name] = Value

    def _call(self) -> None:
        self.calls += 1
        if self.fails_after is not None and self.calls > self.fails_after:
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "BatchWriteItem")

    def _put(self, table: str, item: Any) -> None:
        self.items.setdefault(table, {})[_key(item)] = item


def _key(item: Any) -> str:
    names = ("token_id", "workspace_id", "user_id")
    return "/".join(item[name]["N"] for name in names if name in item)


def destination(tables: Store) -> Resources:
    """The tables as the place to load into."""
    client = cast(Any, tables)
    return Resources(NAMES, "media", "min-date", client, client, client, UTC)


def member(user_id: int, *permissions: str, workspace_id: int = 11) -> str:
    """A line of ``members.ndjson``."""
    record = {"workspace_id": workspace_id, "user_id": user_id, "permissions": permissions}
    return json.dumps(record) + "\n"


def write_members(folder: Path, *lines: str) -> Path:
    """A data set of members."""
    folder.mkdir(exist_ok=True)
    path = folder / MEMBERS.name
    path.write_text("".join(lines), "utf-8")
    return path


def items_of(*users: int) -> list[WritableItem]:
    """Members as items of their table."""
    return [{"workspace_id": {"N": "11"}, "user_id": {"N": str(user)}} for user in users]


def permissions(tables: Store) -> dict[str, list[str]]:
    """What each member may do, by ``workspace/user``."""
    stored = tables.items.get("members", {})
    return {key: [p["S"] for p in item["permissions"]["L"]] for key, item in stored.items()}


def test_of_two_lines_with_one_key_the_later_stays(tmp_path: Path) -> None:
    """Also when many calls lie between them."""
    lines = [member(user % 40 + 1, str(user)) for user in range(4_000)]
    write_members(tmp_path, *lines)
    tables = Store()
    report = Loader(destination(tables)).load(tmp_path)
    assert report.loaded["members.ndjson"] == 4_000
    assert permissions(tables) == {f"11/{n + 1}": [str(3_960 + n)] for n in range(40)}


def test_rows_that_can_not_be_counted_are_loaded_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts only make pages far down fast. The workspaces are named."""

    def fail(*_: object) -> None:
        raise StoreUnavailable("it is slow")

    monkeypatch.setattr("usagectl.loading.holds.recount.hold", lambda *_: None)
    monkeypatch.setattr("usagectl.loading.holds.recount.recount", fail)
    event = json.loads((ROOT / "events" / "event-execution-recorded.json").read_text("utf-8"))
    (tmp_path / "executions.ndjson").write_text(json.dumps(event["detail"]["execution"]))
    (tmp_path / "settings.json").write_text('{"usage_history_min_date": {"enabled": false}}')
    tables = Store()
    report = Loader(destination(tables)).load(tmp_path)
    assert (report.loaded["executions.ndjson"], report.uncounted) == (1, [11])
    assert len(tables.items[NAMES.executions]) == len(tables.settings) == 1


def test_what_a_table_does_not_take_is_offered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A throttled store slows down, and loses nothing."""
    waits: list[float] = []
    monkeypatch.setattr("usagectl.loading.table_writer.time.sleep", waits.append)
    left = iter([25, 20, 1, 0])
    tables = Store(refuses=lambda: next(left))
    put_batch(cast(Any, tables), "members", items_of(*range(1, 26)))
    assert len(tables.items["members"]) == 25
    assert len(waits) == 3
    assert all(0 <= wait <= 20 for wait in waits)


def test_a_table_that_takes_nothing_at_all_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives up with a sentence, rather than never."""
    monkeypatch.setattr("usagectl.loading.table_writer.time.sleep", lambda _: None)
    with pytest.raises(LoadError, match="The table members takes no more items"):
        put_batch(cast(Any, Store(refuses=lambda: 25)), "members", items_of(1))


@given(data=st.data())
def test_an_import_that_is_cut_off_again_and_again_ends_with_the_sources_rows(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Wherever it fails, the next one continues, and the end is as if nothing had happened.

    The report has each line that can't be used once, in order.
    """
    folder = tmp_path_factory.mktemp("set")
    users = data.draw(st.lists(st.integers(1, 60), min_size=1, max_size=300))
    broken = data.draw(st.sets(st.integers(0, len(users) - 1)))
    lines = ["broken\n" if n in broken else member(user, str(n)) for n, user in enumerate(users)]
    write_members(folder, *lines)
    tables, path = Store(), folder / "report"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "usagectl.loading.loader.LINES_PER_CHECKPOINT", data.draw(st.integers(1, 100))
        )
        for fails_after in [*data.draw(st.lists(st.integers(1, 200), max_size=6)), None]:
            tables.calls, tables.fails_after = 0, fails_after
            with RejectionReport(path) as rejected:
                try:
                    report = loader(tables, folder / "checkpoint", rejected).load(folder)
                except LoadError:
                    assert fails_after is not None
                else:
                    break
    last = {f"11/{user}": [str(n)] for n, user in enumerate(users) if n not in broken}
    assert permissions(tables) == last
    assert reported(path) == [f"members.ndjson:{n + 1}" for n in sorted(broken)]
    assert report.rejected == len(broken)
    assert report.loaded["members.ndjson"] == len(users) - len(broken)
    assert not (folder / "checkpoint").exists()


def loader(tables: Store, checkpoint: Path, rejected: RejectionReport) -> Loader:
    """A loader as the command makes one."""
    return Loader(
        destination(tables),
        reject=rejected.add,
        checkpoint=Checkpoint(checkpoint, "here", rejected),
    )


def reported(path: Path) -> list[str]:
    """The places that a report names."""
    if not path.exists():
        return []
    return [line.partition(": ")[0] for line in path.read_text("utf-8").splitlines()]


def cut_off_with_report(folder: Path) -> list[str]:
    """An import of 100 lines, each fifth of which is broken, that gets half-way; its report."""
    lines = ["broken\n" if n % 5 == 0 else member(n) for n in range(1, 101)]
    write_members(folder, *lines)
    (folder / TOKENS.name).write_text("broken\n" * 3, "utf-8")
    with pytest.MonkeyPatch.context() as patch, RejectionReport(folder / "report") as rejected:
        patch.setattr("usagectl.loading.loader.LINES_PER_CHECKPOINT", 10)
        with pytest.raises(LoadError):
            loader(Store(fails_after=45), folder / "notes", rejected).load(folder)
    return reported(folder / "report")


def resume(folder: Path) -> list[str]:
    """What the report says after the next import."""
    with RejectionReport(folder / "report") as rejected:
        loader(Store(), folder / "notes", rejected).load(folder)
    return reported(folder / "report")


WHOLE_REPORT = [
    *(f"tokens.ndjson:{n}" for n in (1, 2, 3)),
    *(f"members.ndjson:{n}" for n in range(5, 101, 5)),
]


def test_a_corrected_file_is_reported_as_it_is_now(tmp_path: Path) -> None:
    """Of the same size and time: what its old lines were told for is no longer in the report."""
    assert "tokens.ndjson:1" in cut_off_with_report(tmp_path)
    tokens = tmp_path / TOKENS.name
    before = tokens.stat()
    tokens.write_text("broken\n      \nbroken\n")
    os.utime(tokens, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert tokens.stat().st_size == before.st_size
    assert sorted(resume(tmp_path)) == sorted(set(WHOLE_REPORT) - {"tokens.ndjson:2"})


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("mine\n" * 100)])
def test_a_report_that_is_gone_is_made_again(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    """All of it, also for lines that an earlier import dealt with."""
    cut_off_with_report(tmp_path)
    spoil(tmp_path / "report")
    assert resume(tmp_path) == WHOLE_REPORT


def test_a_report_of_an_earlier_import_does_not_stay(tmp_path: Path) -> None:
    """One without anything to report leaves none."""
    (tmp_path / "report").write_text("tokens.ndjson:1: old\n")
    write_members(tmp_path, member(1))
    assert resume(tmp_path) == []
    assert not (tmp_path / "report").exists()


def test_a_report_shows_how_a_line_begins(tmp_path: Path) -> None:
    """On one line, 120 characters at most, what can't be printed escaped."""
    path = tmp_path / MEMBERS.name
    path.write_bytes(b'{"a": "\x1b[31m\xff\xc3\xa9' + b"x" * 200 + b"\n\r\n")
    resume(tmp_path)
    (line,) = (tmp_path / "report").read_text("utf-8").splitlines()
    place, beginning = line.split(" | ")
    assert place == "members.ndjson:1: is not UTF-8"
    assert beginning.startswith('{"a": "\\x1b[31m\\xffé' + "xxx")
    assert len(beginning) == 120


def cut_off(folder: Path, path: Path, where: str = "here") -> int:
    """An import of 100 members that gets half-way; how many lines it noted."""
    write_members(folder, *(member(user) for user in range(1, 101)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("usagectl.loading.loader.LINES_PER_CHECKPOINT", 10)
        loader = Loader(destination(Store(fails_after=30)), checkpoint=Checkpoint(path, where))
        with pytest.raises(LoadError):
            loader.load(folder)
    parts = json.loads(path.read_text("utf-8"))["parts"]
    lines: int = parts["members.ndjson"][1]["lines"]
    return lines


def written_by_the_next(folder: Path, path: Path, where: str = "here") -> int:
    """How many items the next import writes."""
    tables = Store()
    Loader(destination(tables), checkpoint=Checkpoint(path, where)).load(folder)
    return len(permissions(tables))


def test_what_is_noted_is_not_written_again(tmp_path: Path) -> None:
    """The next import writes what is left."""
    noted = cut_off(tmp_path / "set", tmp_path / "notes")
    assert 0 < noted < 100
    assert written_by_the_next(tmp_path / "set", tmp_path / "notes") == 100 - noted


def test_progress_towards_another_destination_does_not_count(tmp_path: Path) -> None:
    """A second deployment gets every line."""
    cut_off(tmp_path / "set", tmp_path / "notes", "one")
    assert written_by_the_next(tmp_path / "set", tmp_path / "notes", "two") == 100


def test_a_file_that_has_changed_counts_as_new(tmp_path: Path) -> None:
    """Every line of it is written."""
    cut_off(tmp_path / "set", tmp_path / "notes")
    write_members(tmp_path / "set", *(member(user, "p") for user in range(1, 102)))
    assert written_by_the_next(tmp_path / "set", tmp_path / "notes") == 101


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"form": 2, "destination": "here"}'])
def test_a_checkpoint_that_makes_no_sense_counts_for_nothing(tmp_path: Path, text: str) -> None:
    """Everything is written again, which changes nothing."""
    write_members(tmp_path / "set", member(1))
    (tmp_path / "notes").write_text(text, "utf-8")
    assert written_by_the_next(tmp_path / "set", tmp_path / "notes") == 1


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["parts"], []),
        (["parts", "members.ndjson"], "x"),
        (["parts", "members.ndjson", 0], 1),
        (["parts", "members.ndjson", 1], None),
        (["parts", "members.ndjson", 1, "lines"], "50"),
        (["parts", "members.ndjson", 1, "lines"], -1),
        (["parts", "members.ndjson", 1, "lines"], 1.5),
        (["parts", "members.ndjson", 1, "rejected"], None),
        (["parts", "members.ndjson", 1, "loaded"], True),
        (["parts", "members.ndjson", 1, "other"], 1),
        (["held"], 11),
        (["held"], ["x"]),
        (["held"], [10**30]),
        (["reported"], None),
        (["reported", "length"], "x"),
        (["reported", "checksum"], [1]),
    ],
)
def test_a_checkpoint_that_somebody_has_changed_counts_for_nothing(
    tmp_path: Path, place: list[Any], value: object
) -> None:
    """Everything is written again, and the command can tell why."""
    cut_off(tmp_path / "set", tmp_path / "notes")
    content = part = json.loads((tmp_path / "notes").read_text("utf-8"))
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    (tmp_path / "notes").write_text(json.dumps(content), "utf-8")
    assert Checkpoint(tmp_path / "notes", "here").is_unusable
    assert written_by_the_next(tmp_path / "set", tmp_path / "notes") == 100


def test_only_a_file_that_is_not_a_checkpoint_is_unusable(tmp_path: Path) -> None:
    """None at all, an earlier one, and one of another destination are as they should be."""
    assert not Checkpoint(tmp_path / "notes", "here").is_unusable
    cut_off(tmp_path / "set", tmp_path / "notes")
    for destination_name in ("here", "there"):
        assert not Checkpoint(tmp_path / "notes", destination_name).is_unusable


def test_workspaces_that_are_held_are_noted_until_they_are_let_go(tmp_path: Path) -> None:
    """In the file, beside the progress."""
    path = tmp_path / "notes"
    notes = Checkpoint(path, "here")
    notes.hold({12, 11})
    notes.hold({13})
    assert Checkpoint(path, "here").held == notes.held == {11, 12, 13}
    assert Checkpoint(path, "there").held == set()
    notes.release()
    assert Checkpoint(path, "here").held == notes.held == set()


def test_what_was_changed_or_removed_since_is_not_brought_back(tmp_path: Path) -> None:
    """Tokens and members that have a version stay as they are, and are counted."""
    write_members(tmp_path, *(member(user, "old") for user in (1, 2, 3, 4)))
    keys = dict(zip((2, 3, 4), items_of(2, 3, 4), strict=True))
    tables = Store()
    tables.items["members"] = {
        "11/2": {**keys[2], "permissions": {"L": [{"S": "new"}]}, "version": {"S": "1"}},
        "11/3": {**keys[3], "permissions": {"L": [{"S": "older"}]}},
        "11/4": {**keys[4], "permissions": {"L": []}, "removed": {"B": 1}, "version": {"S": "1"}},
    }
    report = Loader(destination(tables)).load(tmp_path)
    assert permissions(tables) == {"11/1": ["old"], "11/2": ["new"], "11/3": ["old"], "11/4": []}
    assert (report.loaded[MEMBERS.name], report.kept[MEMBERS.name]) == (2, 2)


def test_progress_adds_up_to_the_lines_of_the_files(tmp_path: Path) -> None:
    """Blank and broken lines included, and also after an interruption."""
    write_members(tmp_path, member(1), "\n", "broken\n", member(2))
    told: list[int] = []
    Loader(destination(Store()), advance=told.append).load(tmp_path)
    assert sum(told) == count_lines(tmp_path) == 4


def test_media_are_stored_under_their_paths_with_their_types(tmp_path: Path) -> None:
    """What no key can be made of is said, and the others are loaded."""
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
    tables, rejected = Store(), list[str]()
    report = Loader(
        destination(tables), reject=lambda rejection: rejected.append(str(rejection))
    ).load(tmp_path / "set")
    assert tables.objects == {
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


def test_a_medium_that_goes_away_meanwhile_does_not_end_it(tmp_path: Path) -> None:
    """It is said, and the others are loaded."""
    (tmp_path / "media").mkdir()
    for name in "abc":
        (tmp_path / "media" / name).write_text(name)
    file = next(found for found in find_media(tmp_path) if isinstance(found, MediaFile))
    file.path.unlink()
    rejection = upload(cast(Any, Store()), "media", file)
    assert str(rejection) == "media/a: can't be read: No such file or directory"
    assert len(list(find_media(tmp_path))) == 2


def test_a_setting_is_stored_or_rejected(tmp_path: Path) -> None:
    """A date that is none is said, and nothing is set."""
    tables = Store()
    settings = tmp_path / "settings.json"
    settings.write_text('{"usage_history_min_date": {"enabled": true, "date": "2026-01-01"}}')
    Loader(destination(tables)).load(tmp_path)
    assert json.loads(tables.settings["min-date"]) == {"enabled": True, "date": "2026-01-01"}
    rejected: list[Rejection] = []
    for date in ("1", "20250105", "2025-W02-3", "2026-1-1", "2026-02-30"):
        settings.write_text(f'{{"usage_history_min_date": {{"enabled": true, "date": "{date}"}}}}')
        Loader(destination(Store()), reject=rejected.append).load(tmp_path)
    for text in ("[]", "no", "[" * 100_000, '{"a": 1e99999999999999999999}'):
        settings.write_text(text)
        Loader(destination(Store()), reject=rejected.append).load(tmp_path)
    assert [rejection.file for rejection in rejected] == ["settings.json"] * 9


ODD = st.sampled_from(
    [b"1e99999999999999999999", b"9" * 5000, b"NaN", b"\xff", b"\0", b'"\\ud800"', b"[" * 9999]
)
LINES = st.binary(max_size=50) | st.builds(
    lambda odd: b'{"workspace_id":81,"user_id":1,"permissions":[],"note":' + odd + b"}", ODD
)


@given(st.lists(LINES, max_size=5).map(b"\n".join), st.sampled_from(PAYLOAD_FILES), st.booleans())
def test_any_bytes_get_a_reason(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, file: PayloadFile, is_gz: bool
) -> None:
    """An import ends with a report or with the error that it names, never with another."""
    folder = tmp_path_factory.mktemp("set")
    name = f"{file.name}.gz" if is_gz else file.name
    (folder / name).write_bytes(content)
    (folder / "settings.json").write_bytes(content)
    rejected: list[Rejection] = []
    try:
        report = Loader(destination(Store()), reject=rejected.append).load(folder)
    except LoadError:
        assert is_gz
    else:
        assert report.rejected == len(rejected)
        used = sum(report.loaded.values()) + sum(found.line > 0 for found in rejected)
        assert is_gz or used == sum(1 for line in content.split(b"\n") if line.strip())


def test_compressed_files_are_read_alike(tmp_path: Path) -> None:
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


def test_a_file_that_is_not_what_it_says_is_named(tmp_path: Path) -> None:
    """No gzip, cut off, or there twice."""
    path = tmp_path / "members.ndjson.gz"
    for content in (b"no gzip", gzip.compress(member(1).encode())[:-9]):
        path.write_bytes(content)
        with pytest.raises(LoadError, match=r"members\.ndjson\.gz: "):
            Loader(destination(Store())).load(tmp_path)
    write_members(tmp_path, member(1))
    with pytest.raises(UnreadableFile, match="are both there"):
        find_file(tmp_path, MEMBERS)
    with pytest.raises(LoadError, match="There is no folder"):
        Loader(destination(Store())).load(path)


def test_a_line_that_is_far_too_long_is_rejected_without_being_kept(tmp_path: Path) -> None:
    """And the next one has the next number."""
    path = write_members(tmp_path, "x" * (3 * MAX_LINE_BYTES), "\n", member(1))
    (first, rejection), (second, item) = read_stored_items(path, MEMBERS)
    assert (first, second) == (1, 2)
    assert str(rejection) == "members.ndjson:1: is longer than 1,048,576 bytes"
    assert not isinstance(item, Rejection)


def test_a_file_that_can_not_be_read_ends_it(tmp_path: Path) -> None:
    """A folder where a file should be, for one."""
    (tmp_path / TOKENS.name).mkdir()
    with pytest.raises(LoadError, match=r"tokens\.ndjson: Is a directory"):
        Loader(destination(Store())).load(tmp_path)
