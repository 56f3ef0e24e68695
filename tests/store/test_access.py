"""An operator's commands on tokens and members, on the real engine: what is asked for wins."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.support.database import NAMES, reader_of
from usagectl.access import tables as access_tables
from usagectl.access.tables import AccessTables
from usagectl.errors import CommandError
from workspace_usage.access.items import membership_item, token_item
from workspace_usage.access.scope import Membership
from workspace_usage.access.store import AccessStore
from workspace_usage.access.tokens import AccessToken, BearerToken
from workspace_usage.recording.changes import MembershipChange, TokenChange
from workspace_usage.recording.recorder import Recorder
from workspace_usage.recording.versions import moment_of, version_of
from workspace_usage.recording.writes import Outcome

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.xdist_group("dynamodb-local")

FAR = datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)
MODEL = "App\\Models\\User"
MEMBER = Membership(11, 42, frozenset({"read_users_activity"}))
TOKEN = AccessToken(7, MODEL, 42, "0" * 64, frozenset({"*"}), None, None)


def now() -> datetime:
    return datetime.now(UTC)


def added(moment: datetime, member: Membership = MEMBER) -> MembershipChange:
    """What the platform says when a user becomes a member."""
    version = version_of(moment, False, membership_item(member))
    return MembershipChange(member.workspace_id, member.user_id, member, version)


def removed(moment: datetime) -> MembershipChange:
    """What the platform says when a user is removed from a workspace."""
    return MembershipChange(11, 42, None, version_of(moment, True, {}))


def issued(moment: datetime) -> TokenChange:
    """What the platform says when a token is issued."""
    return TokenChange(7, TOKEN, version_of(moment, False, token_item(TOKEN)))


def record(client: "DynamoDBClient", change: Any) -> Outcome:
    """Applies what the platform says."""
    return Recorder(client, NAMES, lambda _: None).apply(change, now()).outcome


def tables(client: object, clock: Callable[[], datetime] = now) -> AccessTables:
    """The tables, as an operator whose machine has this clock works on them."""
    return AccessTables(cast(Any, client), NAMES.access_tokens, NAMES.memberships, clock)


def member(client: "DynamoDBClient") -> Membership | None:
    """What the authorizer finds."""
    directory = AccessStore(reader_of(client), NAMES.access_tokens, NAMES.memberships)
    return directory.find_membership(11, 42)


def token(client: "DynamoDBClient") -> AccessToken | None:
    """What the authorizer finds."""
    directory = AccessStore(reader_of(client), NAMES.access_tokens, NAMES.memberships)
    return directory.find_token(BearerToken(7, ""))


@dataclass
class Beside:
    """The tables' client, with another writer after each read, or after each write."""

    client: "DynamoDBClient"
    after_read: Callable[[], object] = lambda: None
    after_write: Callable[[], object] = lambda: None

    @property
    def exceptions(self) -> Any:
        """The client's exceptions."""
        return self.client.exceptions

    def get_item(self, **request: Any) -> Any:
        """Reads, and lets the other write."""
        answer = self.client.get_item(**request)
        self.after_read()
        return answer

    def put_item(self, **request: Any) -> Any:
        """Writes, and lets the other write."""
        answer = self.client.put_item(**request)
        self.after_write()
        return answer


AHEAD = [timedelta(), timedelta(seconds=45), timedelta(minutes=4, seconds=50)]
"""Where an event's moment may lie."""

TOO_FAR = [timedelta(minutes=10), timedelta(days=400), None]
"""Where it may lie in a table all the same; None: at the end of time."""


def at(ahead: timedelta | None) -> datetime:
    """That moment."""
    return FAR if ahead is None else now() + ahead


@pytest.mark.parametrize("off", [timedelta(minutes=-10), timedelta(), timedelta(minutes=10)])
@pytest.mark.parametrize("ahead", [*AHEAD, *TOO_FAR])
def test_a_removed_member_is_out_whatever_the_clocks_say(
    client: "DynamoDBClient", ahead: timedelta | None, off: timedelta
) -> None:
    """The operator's may be wrong, and what is stored may be of tomorrow."""
    operator = tables(client, lambda: now() + off)
    record(client, added(at(ahead)))
    assert operator.remove_member(11, 42)
    assert member(client) is None
    assert not operator.remove_member(11, 42)


@pytest.mark.parametrize("ahead", AHEAD)
def test_an_event_that_comes_again_does_not_undo_what_an_operator_did(
    client: "DynamoDBClient", ahead: timedelta
) -> None:
    """Also one whose moment is ahead. Of one from further ahead the recorder wants to know nothing.

    What the platform says of later counts.
    """
    event = added(now() + ahead)
    record(client, event)
    tables(client).remove_member(11, 42)
    assert record(client, event) is Outcome.OVERTAKEN
    assert member(client) is None
    assert record(client, added(now() + timedelta(minutes=6))) is Outcome.APPLIED
    assert member(client) == MEMBER


@pytest.mark.parametrize("off", [timedelta(minutes=-10), timedelta(minutes=10)])
def test_a_change_is_of_the_service_s_time(client: "DynamoDBClient", off: timedelta) -> None:
    """From ahead it would win over what happens next; from behind it would lose to what was."""
    before = now() - timedelta(seconds=1)
    record(client, added(FAR))
    operator = tables(client, lambda: now() + off)
    for permissions in ({"other"}, None, {"another"}):
        if permissions is None:
            assert operator.remove_member(11, 42)
        else:
            assert operator.set_member(Membership(11, 42, frozenset(permissions)))
        item = client.get_item(
            TableName=NAMES.memberships,
            Key={"workspace_id": {"N": "11"}, "user_id": {"N": "42"}},
        )["Item"]
        moment = moment_of(item)
        assert moment is not None
        assert before <= moment <= now() + timedelta(seconds=1)


def test_a_membership_of_the_year_9999_is_healed_by_setting_it_again(
    client: "DynamoDBClient",
) -> None:
    """It says what is asked; but no removal would ever have an effect."""
    record(client, added(FAR))
    assert tables(client).set_member(MEMBER)
    assert not tables(client).set_member(MEMBER)
    assert record(client, removed(now() + timedelta(seconds=2))) is Outcome.APPLIED
    assert member(client) is None


def test_an_imported_membership_is_changed(client: "DynamoDBClient") -> None:
    """It has no version."""
    client.put_item(TableName=NAMES.memberships, Item=membership_item(MEMBER))
    assert not tables(client).set_member(MEMBER)
    assert tables(client).set_member(Membership(11, 42, frozenset()))
    assert member(client) == Membership(11, 42, frozenset())


@pytest.mark.parametrize("ahead", [*AHEAD, *TOO_FAR])
def test_a_revoked_token_is_dead_for_good(
    client: "DynamoDBClient", ahead: timedelta | None
) -> None:
    """Whatever its moment; nothing brings it back, and an unknown one is said to be unknown."""
    record(client, issued(at(ahead)))
    assert tables(client).revoke_token(7)
    assert token(client) is None
    assert not tables(client).revoke_token(7)
    assert record(client, issued(FAR)) is Outcome.OVERTAKEN
    with pytest.raises(CommandError, match=r"^There is no token 8\.$"):
        tables(client).revoke_token(8)


def test_another_writer_between_read_and_write_is_overruled(client: "DynamoDBClient") -> None:
    """What was read is not there any more: it is read again."""
    record(client, added(now()))
    moments = iter([now() + timedelta(seconds=1), now() + timedelta(seconds=2)])

    def meanwhile() -> None:
        moment = next(moments, None)
        if moment is not None:
            record(client, added(moment, Membership(11, 42, frozenset({str(moment)}))))

    assert tables(Beside(client, after_read=meanwhile)).remove_member(11, 42)
    assert next(moments, None) is None
    assert member(client) is None


def test_an_item_that_never_rests_is_no_success(client: "DynamoDBClient") -> None:
    """It is said that it was not done."""
    record(client, added(now()))
    moments = (now() + timedelta(seconds=number) for number in range(1, 100))
    busy = Beside(client, after_read=lambda: record(client, added(next(moments))))
    with pytest.raises(CommandError, match=r"^The membership of user 42 in workspace 11 is being"):
        tables(busy).remove_member(11, 42)
    assert member(client) == MEMBER


def test_what_is_not_so_when_it_is_read_back_is_no_success(client: "DynamoDBClient") -> None:
    """Something put it back after it was written: an import, which asks for no version."""

    def put_back() -> None:
        client.put_item(TableName=NAMES.memberships, Item=membership_item(MEMBER))
        client.put_item(TableName=NAMES.access_tokens, Item=token_item(TOKEN))

    put_back()
    operator = tables(Beside(client, after_write=put_back))
    sentence = r"is not as requested: something else has changed it meanwhile; try again\.$"
    with pytest.raises(
        CommandError, match=rf"^The membership of user 42 in workspace 11 {sentence}"
    ):
        operator.remove_member(11, 42)
    with pytest.raises(CommandError, match=sentence):
        operator.set_member(Membership(11, 42, frozenset()))
    with pytest.raises(CommandError, match=rf"^Token 7 {sentence}"):
        operator.revoke_token(7)


@pytest.mark.parametrize("state", ["valid", "revoked", "comes meanwhile"])
def test_an_issued_token_never_takes_the_place_of_another(
    client: "DynamoDBClient", state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even that of one that is revoked."""
    monkeypatch.setattr(access_tables, "draw_id", lambda: 7)
    if state != "comes meanwhile":
        record(client, issued(now()))
    if state == "revoked":
        tables(client).revoke_token(7)
    before = token(client)
    busy = Beside(client, after_read=lambda: record(client, issued(now())))
    operator = tables(busy if state == "comes meanwhile" else client)
    with pytest.raises(CommandError, match=r"oken 7 (already|is not as requested)"):
        operator.issue_token(1, MODEL, frozenset(), None)
    assert token(client) == (TOKEN if state == "comes meanwhile" else before)


def test_a_token_whose_first_write_got_no_answer_is_issued(client: "DynamoDBClient") -> None:
    """botocore writes again then, and finds the token in its own way."""

    class Repeating(Beside):
        def put_item(self, **request: Any) -> Any:
            self.client.put_item(**request)
            return self.client.put_item(**request)

    made = tables(Repeating(client)).issue_token(42, MODEL, frozenset(), None)
    assert [item["token_hash"]["S"] for item in tables(client).tokens(42, MODEL)] == [
        made.token.token_hash
    ]


def test_a_change_whose_first_write_got_no_answer_was_made(client: "DynamoDBClient") -> None:
    """botocore writes again, and is refused: the change is not taken for somebody else's."""

    class Repeating(Beside):
        def put_item(self, **request: Any) -> Any:
            self.client.put_item(**request)
            return self.client.put_item(**request)

    operator = tables(Repeating(client))
    assert operator.set_member(MEMBER)
    assert not operator.set_member(MEMBER)
    assert operator.remove_member(11, 42)
    assert not operator.remove_member(11, 42)


def test_an_issued_token_lives_as_long_as_asked(client: "DynamoDBClient") -> None:
    """From the service's time on."""
    operator = tables(client, lambda: now() + timedelta(minutes=10))
    made = operator.issue_token(42, MODEL, frozenset({"use_agents"}), timedelta(days=1))
    assert made.token.expires_at is not None
    assert abs(made.token.expires_at - now() - timedelta(days=1)) < timedelta(minutes=1)
    [listed] = operator.tokens(42, MODEL)
    assert listed["token_id"]["N"] == str(made.token.token_id)


def test_lists_leave_out_what_was_removed(client: "DynamoDBClient") -> None:
    """And what is another workspace's, user's or model's."""
    operator = tables(client)
    for workspace_id, user_id in ((11, 1), (11, 2), (11, 3), (12, 1)):
        operator.set_member(Membership(workspace_id, user_id, frozenset()))
    operator.remove_member(11, 2)
    assert [item["user_id"]["N"] for item in operator.members(11)] == ["1", "3"]
    ids = [
        operator.issue_token(user_id, model, frozenset(), None).token.token_id
        for user_id, model in ((1, MODEL), (1, MODEL), (2, MODEL), (1, "App\\Models\\Team"))
    ]
    operator.revoke_token(ids[0])
    assert [item["token_id"]["N"] for item in operator.tokens(1, MODEL)] == [str(ids[1])]
