"""Polls a queue, as Lambda polls SQS, and invokes a function with batches of its messages.

Messages that the function reports as failed stay in the queue, and come back after their visibility
time-out; so does the whole batch if the function fails. All other messages are deleted. See the
Lambda developer guide, "Using Lambda with Amazon SQS".
"""

from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from local.events.batch import outcomes_of, retried_ids, to_event
from local.events.mapping import EventSourceMapping
from local.events.outcomes import Outcomes
from local.functions.invocation import NoResult
from local.log import WriteLine

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_WAIT_SECONDS: Final = 3600.0
"""Seconds to wait for a batch's result: more than any function's own time-out."""

EMPTY_QUEUE_PAUSE: Final = 0.3
"""Seconds to wait after a queue was empty."""


class QueuePoller:
    """Polls one queue in a thread, one batch at a time, unless it is paused.

    Args:
        mapping: the queue and its function.
        client: reaches the queue.
        outcomes: takes the outcome of each event.
        log: takes a line when the queue can't be polled.
    """

    def __init__(
        self, mapping: EventSourceMapping, client: "SQSClient", outcomes: Outcomes, log: WriteLine
    ) -> None:
        self.mapping = mapping
        self._client = client
        self._outcomes = outcomes
        self._log = log
        self._lock = Lock()
        self._is_enabled = mapping.is_enabled
        self._is_polling = False
        self._stopping = Event()
        self._thread = Thread(target=self._run, daemon=True)

    @property
    def state(self) -> str:
        """``Enabled``, ``Disabling`` (while the last batch is not finished) or ``Disabled``."""
        with self._lock:
            if self._is_enabled:
                return "Enabled"
            return "Disabling" if self._is_polling else "Disabled"

    def set_enabled(self, is_enabled: bool) -> None:
        """Pauses or resumes polling. A batch that has begun is finished."""
        with self._lock:
            self._is_enabled = is_enabled

    def start(self) -> None:
        """Starts polling."""
        self._thread.start()

    def stop(self) -> None:
        """Takes no further batch. The function may still be handling the last one."""
        self._stopping.set()

    def join(self) -> None:
        """Stops, and waits until the last batch is finished."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                self._is_polling = self._is_enabled
            received = self._poll_safely() if self._is_polling else 0
            with self._lock:
                self._is_polling = False
            if not received:
                self._stopping.wait(EMPTY_QUEUE_PAUSE)

    def _poll_safely(self) -> int:
        try:
            return self.poll()
        except (BotoCoreError, ClientError) as error:
            if not self._stopping.is_set():
                self._log(f"{self.mapping.queue_url} can't be polled: {error}")
            return 0

    def poll(self) -> int:
        """Passes on one batch at most; returns its number of messages.

        Raises:
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the queue fails.
        """
        messages = self._client.receive_message(
            QueueUrl=self.mapping.queue_url,
            MaxNumberOfMessages=self.mapping.batch_size,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if not messages:
            return 0
        event = to_event(messages, self.mapping.queue_arn)
        try:
            result = self.mapping.invoke(event, MAX_WAIT_SECONDS)
        except NoResult:
            return len(messages)
        retried = retried_ids(result, [message["MessageId"] for message in messages], self.mapping)
        done = [message for message in messages if message["MessageId"] not in retried]
        if done:
            self._client.delete_message_batch(
                QueueUrl=self.mapping.queue_url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(done)
                ],
            )
        for event_id, outcome in outcomes_of(result, messages, retried):
            self._outcomes.add(event_id, self.mapping.queue_arn, outcome)
        return len(messages)
