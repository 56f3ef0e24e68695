"""Findings: what the checks before a deployment found."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How much a finding matters."""

    FINE = "ok"
    WARNING = "warn"
    FAILURE = "FAIL"
    """The deployment would fail."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes:
        severity: how much it matters.
        subject: what was checked.
        text: what was found. Unless all is well, also what to do, with the command.
    """

    severity: Severity
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.severity.value:4} {self.subject}: {self.text}"


def fine(subject: str, text: str) -> Finding:
    """Returns a finding that needs no action."""
    return Finding(Severity.FINE, subject, text)


def warning(subject: str, text: str) -> Finding:
    """Returns a finding that doesn't keep the deployment from succeeding."""
    return Finding(Severity.WARNING, subject, text)


def failure(subject: str, text: str) -> Finding:
    """Returns a finding that would make the deployment fail."""
    return Finding(Severity.FAILURE, subject, text)


def has_failure(findings: Iterable[Finding]) -> bool:
    """Whether one of the findings would make the deployment fail."""
    return any(finding.severity is Severity.FAILURE for finding in findings)
