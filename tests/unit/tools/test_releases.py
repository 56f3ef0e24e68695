"""A release has one number, notes from the changelog, and a list of its components."""

import json
import re

import pytest

from tests.support.functions import ROOT
from tools.release_notes import CHANGELOG, NoRelease, notes, sections
from tools.sbom import list_components, with_product
from usagectl import VERSION

CYCLONEDX = ROOT / ".venv-scan" / "bin" / "cyclonedx-py"
LOCKS = [
    ROOT / "layers" / "dependencies" / "requirements.txt",
    ROOT / "functions" / "page" / "requirements.txt",
]

TWO_RELEASES = f"""\
# Changelog

## Unreleased

- Not yet.

## {VERSION} (2026-12-01)

- Something new.

- Something else.

## 0.9.0 (2026-11-01)

- Something old.
"""


def test_the_document_of_the_api_has_the_project_s_version() -> None:
    document = json.loads((ROOT / "openapi.json").read_text("utf-8"))
    assert document["info"]["version"] == VERSION


def test_the_newest_release_of_the_changelog_is_the_project_s_version() -> None:
    """Its sections are what is not released, and releases, the newest first."""
    first, *releases = sections(CHANGELOG.read_text("utf-8"))
    assert first == "Unreleased"
    assert releases[:1] in ([], [VERSION])
    numbers = [tuple(map(int, release.split("."))) for release in releases]
    assert numbers == sorted(numbers, reverse=True)


def test_the_notes_of_a_release_are_its_section() -> None:
    """Not what is not released, and not the release before."""
    text = notes(f"v{VERSION}", TWO_RELEASES)
    assert text == "- Something new.\n\n- Something else."


@pytest.mark.parametrize(
    ("tag", "changelog", "message"),
    [
        (VERSION, TWO_RELEASES, "the tag is"),
        ("v0.9.0", TWO_RELEASES, "the tag is v0.9.0"),
        (f"v{VERSION}", "# Changelog\n\n## Unreleased\n\n- Not yet.\n", "no section"),
        (f"v{VERSION}", f"# Changelog\n\n## {VERSION}\n\n## 0.9.0\n\n- Old.\n", "no section"),
    ],
)
def test_what_is_no_release_has_no_notes(tag: str, changelog: str, message: str) -> None:
    with pytest.raises(NoRelease, match=message):
        notes(tag, changelog)


def test_the_list_of_components_says_what_they_are_for() -> None:
    """And has no lines of the locks, in which a machine's paths could be."""
    printed = {
        "bomFormat": "CycloneDX",
        "components": [{"name": "orjson", "version": "3", "description": "requirements line 1"}],
        "metadata": {"tools": []},
    }
    completed = with_product(printed)
    assert completed["components"] == [{"name": "orjson", "version": "3"}]
    assert completed["metadata"]["component"]["version"] == VERSION
    assert completed["metadata"]["tools"] == []
    assert completed["bomFormat"] == "CycloneDX"


@pytest.mark.skipif(not CYCLONEDX.exists(), reason="make sbom has not installed cyclonedx-py")
def test_the_list_of_components_has_every_package_of_the_locks() -> None:
    """With its version and its hashes, and the same list each time."""
    locked = {
        (name.lower().replace("_", "-"), version)
        for lock in LOCKS
        for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock.read_text("utf-8"), re.MULTILINE)
    }
    components = list_components(CYCLONEDX, LOCKS)
    assert {(found["name"], found["version"]) for found in components["components"]} == locked
    for found in components["components"]:
        assert any(reference["hashes"] for reference in found["externalReferences"])
    assert components == list_components(CYCLONEDX, LOCKS)
