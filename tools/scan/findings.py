"""What a scanner found, and the reason for which it stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that a scanner dislikes.

    Attributes:
        file: the path of the template or workflow, in the project.
        subject: the logical id of the resource, or for a workflow its path.
        rule: the scanner and the name of its rule, such as ``checkov CKV_AWS_117``.
        text: what the scanner says about it.
    """

    file: str
    subject: str
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why findings stay.

    Attributes:
        rules: the scanner and the name of each rule, as in ``Finding.rule``.
        subjects: shell patterns, such as ``*Table``. One of them matches ``Finding.subject``.
        text: the reason.
    """

    rules: tuple[str, ...]
    subjects: tuple[str, ...]
    text: str

    def explains(self, finding: Finding) -> bool:
        """Whether this is the reason for a finding."""
        return finding.rule in self.rules and any(
            fnmatchcase(finding.subject, pattern) for pattern in self.subjects
        )


def unexplained(findings: Sequence[Finding], reasons: Sequence[Reason]) -> list[Finding]:
    """Returns the findings for which there is no reason."""
    return [
        finding for finding in findings if not any(reason.explains(finding) for reason in reasons)
    ]


def unused(findings: Sequence[Finding], reasons: Sequence[Reason]) -> list[str]:
    """Returns a sentence for each rule and each pattern of a reason that has no finding."""
    sentences = []
    for reason in reasons:
        explained = [finding for finding in findings if reason.explains(finding)]
        rules = {finding.rule for finding in explained}
        sentences += [
            f"{rule}: no finding on {', '.join(reason.subjects)}"
            for rule in reason.rules
            if rule not in rules
        ]
        sentences += [
            f"{pattern}: no finding of {', '.join(reason.rules)}"
            for pattern in reason.subjects
            if not any(fnmatchcase(finding.subject, pattern) for finding in explained)
        ]
    return sentences
