"""Published versions: callers reach the newest one, which can have a snapshot.

SAM and CloudFormation notice different changes. SAM gives a version a new logical id if the
function's properties change in the template, or if the content of its layers changes. It does not
know the values of parameters. CloudFormation does, and replaces a version if its description
changes. ``test_frozen_properties.py`` goes through all properties of a function.
"""

import re
from typing import Final

import pytest

from tests.deploy.stack import Stack, Tree, read_template, transform, transformed_template
from tests.deploy.versions import PUBLISHED, versions

OTHER_VALUES: Final = {
    "Architecture": "x86_64",
    "SnapStart": "None",
    "LogLevel": "DEBUG",
    "DefaultLocale": "es",
    "TimeZone": "America/Sao_Paulo",
    "LinkLifetimeSeconds": "900",
    "TokenLifetimeMinutes": "60",
    "TokenableType": "App\\Models\\Member",
    "AllowedOrigin": "https://app.example.com",
}
"""For each parameter that a function depends on, a value that is not the default."""


def description(function: str, **parameters: str) -> str:
    """Returns the description of a function's version."""
    (text,) = (
        version["Description"]
        for version in Stack(**parameters).of_type("AWS::Lambda::Version").values()
        if version["FunctionName"] == f"${{{function}}}"
    )
    return str(text)


def parameters_in(tree: Tree) -> set[str]:
    """Returns the names of the parameters to which a part of the template refers."""
    declared: set[str] = set(transformed_template()["Parameters"])
    match tree:
        case {"Ref": str(name)}:
            return {name} & declared
        case dict():
            return set().union(*(parameters_in(value) for value in tree.values()))
        case list():
            return set().union(*(parameters_in(value) for value in tree))
        case str():
            return set(re.findall(r"\$\{(\w+)\}", tree)) & declared
    return set()


@pytest.mark.parametrize("function", PUBLISHED)
@pytest.mark.parametrize("choice", ["None", "PublishedVersions"])
def test_the_parameter_gives_snapshots_to_functions_that_callers_wait_for(
    function: str, choice: str
) -> None:
    """Only published versions can have snapshots."""
    assert Stack(SnapStart=choice).properties(function)["SnapStart"] == {"ApplyOn": choice}


@pytest.mark.parametrize("function", ["RecorderFunction", "CounterFunction"])
def test_functions_behind_queues_have_no_versions(function: str) -> None:
    """Nobody waits for them, so a snapshot would only cost money."""
    stack = Stack()
    assert versions(transformed_template()).keys() == set(PUBLISHED)
    assert "SnapStart" not in stack.properties(function)


def test_an_unchanged_function_is_not_published_again() -> None:
    """Lambda refuses to publish a version that equals the last one."""
    before = versions(transformed_template())
    assert versions(transform(read_template())) == before
    for function in ("RecorderFunction", "CounterFunction"):
        assert versions(transformed_template(**{function: "other"})) == before


@pytest.mark.parametrize("function", PUBLISHED)
def test_changed_code_is_published(function: str) -> None:
    """The other function is not."""
    before, after = (
        versions(transformed_template()),
        versions(transformed_template(**{function: "other"})),
    )
    assert {name for name in PUBLISHED if before[name] != after[name]} == {function}


@pytest.mark.parametrize("layer", ["CoreLayer", "DependenciesLayer"])
def test_a_changed_layer_is_published(layer: str) -> None:
    """Both functions use it, so both get a new version."""
    before, after = (
        versions(transformed_template()),
        versions(transformed_template(**{layer: "other"})),
    )
    assert all(before[name] != after[name] for name in PUBLISHED)


@pytest.mark.parametrize("function", PUBLISHED)
def test_a_version_s_description_has_all_parameters_of_its_function(
    function: str,
) -> None:
    """It has no others, because Lambda refuses to publish an unchanged function."""
    resources = transformed_template()["Resources"]
    used = parameters_in(resources[function]["Properties"])
    described = resources[versions(transformed_template())[function]]["Properties"]["Description"]
    assert parameters_in(described) == used
    assert used <= OTHER_VALUES.keys()


@pytest.mark.parametrize("function", PUBLISHED)
@pytest.mark.parametrize("parameter", OTHER_VALUES)
def test_a_changed_parameter_is_published(function: str, parameter: str) -> None:
    """CloudFormation replaces the version, because its description changes.

    SAM alone would not publish: the version's logical id stays the same.
    """
    value = OTHER_VALUES[parameter]
    is_used = parameter in parameters_in(
        transformed_template()["Resources"][function]["Properties"]
    )
    is_published = description(function) != description(function, **{parameter: value})
    assert is_published == is_used


def test_a_description_is_never_too_long() -> None:
    """Lambda's limit is 256 characters."""
    parameters = transformed_template()["Parameters"]
    longest = {
        "TimeZone": "America/Argentina/ComodRivadavia",
        "LinkLifetimeSeconds": "43200",
        "TokenLifetimeMinutes": "9" * 9,
        "TokenableType": "x" * int(parameters["TokenableType"]["MaxLength"]),
        "SnapStart": "PublishedVersions",
        "LogLevel": "CRITICAL",
        "DefaultLocale": "pt_BR",
        "Architecture": "x86_64",
        "AllowedOrigin": "x" * int(parameters["AllowedOrigin"]["MaxLength"]),
    }
    for function in PUBLISHED:
        assert len(description(function, **longest)) <= 256


def test_old_versions_are_deleted() -> None:
    """Kept versions with snapshots cost money, even if nobody uses them."""
    for version in Stack().resources.values():
        if version["Type"] == "AWS::Lambda::Version":
            assert version["DeletionPolicy"] == "Delete"
            assert version.get("UpdateReplacePolicy", "Delete") == "Delete"


def test_the_aliases_point_to_the_published_versions() -> None:
    """Both functions have an alias of the same name."""
    resources, published = Stack().resources, versions(transformed_template())
    for function in PUBLISHED:
        alias = resources[f"{function}Aliaslive"]["Properties"]
        assert alias["FunctionVersion"] == f"${{{published[function]}.Version}}"
