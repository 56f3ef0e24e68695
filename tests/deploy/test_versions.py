"""Callers reach published versions: one with a snapshot, and never an old one.

What SAM and CloudFormation see of a change differs. SAM gives a version a new logical id when the
function's properties change, as they are written, or the content of its layers. CloudFormation
knows the values of parameters, and replaces a version when its description changes.
"""

import re
from typing import Final

import pytest

from tests.deploy.stack import Stack, Tree, source, transform, transformed

PUBLISHED: Final = ("UsageFunction", "AuthorizerFunction")

OTHERS: Final = {
    "Architecture": "x86_64",
    "SnapStart": "None",
    "LogLevel": "DEBUG",
    "DefaultLocale": "es",
    "TimeZone": "America/Sao_Paulo",
    "LinkLifetimeSeconds": "900",
    "TokenLifetimeMinutes": "60",
    "TokenableType": "App\\Models\\Member",
}
"""A value other than the default for every parameter that reaches a function."""


def versions(template: Tree) -> dict[str, str]:
    """The logical id of each function's version, in what SAM made of a template."""
    return {
        resource["Properties"]["FunctionName"]["Ref"]: logical_id
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Version"
    }


def description(function: str, **parameters: str) -> str:
    """What the version of a function is described by."""
    (found,) = (
        version["Description"]
        for version in Stack(**parameters).of_type("AWS::Lambda::Version").values()
        if version["FunctionName"] == f"${{{function}}}"
    )
    return str(found)


def parameters_in(tree: Tree) -> set[str]:
    """The template's parameters that a part of it refers to."""
    declared: set[str] = set(transformed()["Parameters"])
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
def test_the_functions_that_a_caller_waits_for_have_snapshots_if_wanted(
    function: str, choice: str
) -> None:
    """Of their published versions, which alone can have one."""
    assert Stack(SnapStart=choice).properties(function)["SnapStart"] == {"ApplyOn": choice}


@pytest.mark.parametrize("function", ["RecorderFunction", "CounterFunction"])
def test_nobody_waits_for_what_a_queue_is_for(function: str) -> None:
    """It publishes no version, and has no snapshot to pay for."""
    stack = Stack()
    assert versions(transformed()).keys() == set(PUBLISHED)
    assert "SnapStart" not in stack.properties(function)


def test_what_has_not_changed_is_not_published_again() -> None:
    """Lambda would refuse a version that equals the last one."""
    before = versions(transformed())
    assert versions(transform(source())) == before
    for function in ("RecorderFunction", "CounterFunction"):
        assert versions(transformed(**{function: "other"})) == before


@pytest.mark.parametrize("function", PUBLISHED)
def test_changed_code_is_published(function: str) -> None:
    """That function's alone."""
    before, after = versions(transformed()), versions(transformed(**{function: "other"}))
    assert {name for name in PUBLISHED if before[name] != after[name]} == {function}


@pytest.mark.parametrize("layer", ["CoreLayer", "DependenciesLayer"])
def test_a_changed_layer_is_published(layer: str) -> None:
    """With both functions, which have it in common."""
    before, after = versions(transformed()), versions(transformed(**{layer: "other"}))
    assert all(before[name] != after[name] for name in PUBLISHED)


@pytest.mark.parametrize("property_", ["MemorySize", "Timeout", "Role", "Handler"])
def test_a_changed_property_is_published(property_: str) -> None:
    """Whatever the template says about a function."""
    template = source()
    for name in PUBLISHED:
        template["Resources"][name]["Properties"][property_] = {
            "MemorySize": 512,
            "Timeout": 9,
            "Role": {"Fn::GetAtt": ["RecorderRole", "Arn"]},
            "Handler": "app.other",
        }[property_]
    before, after = versions(transformed()), versions(transform(template))
    assert all(before[name] != after[name] for name in PUBLISHED)


@pytest.mark.parametrize("function", PUBLISHED)
def test_a_version_s_description_names_all_parameters_that_reach_its_function(
    function: str,
) -> None:
    """And no other: Lambda refuses to publish what has not changed."""
    resources = transformed()["Resources"]
    reached = parameters_in(resources[function]["Properties"])
    described = resources[versions(transformed())[function]]["Properties"]["Description"]
    assert parameters_in(described) == reached
    assert reached <= OTHERS.keys()


@pytest.mark.parametrize("function", PUBLISHED)
@pytest.mark.parametrize("parameter", OTHERS)
def test_a_changed_parameter_is_published(function: str, parameter: str) -> None:
    """CloudFormation can't change a description without a new version.

    SAM alone would not: it gives the version the same name.
    """
    value = OTHERS[parameter]
    reaches = parameter in parameters_in(transformed()["Resources"][function]["Properties"])
    changes = description(function) != description(function, **{parameter: value})
    assert changes == reaches


def test_a_description_is_never_too_long() -> None:
    """Lambda takes 256 characters."""
    longest = {
        "TimeZone": "America/Argentina/ComodRivadavia",
        "LinkLifetimeSeconds": "43200",
        "TokenLifetimeMinutes": "9" * 9,
        "TokenableType": "x" * int(transformed()["Parameters"]["TokenableType"]["MaxLength"]),
        "SnapStart": "PublishedVersions",
        "LogLevel": "CRITICAL",
        "DefaultLocale": "pt_BR",
        "Architecture": "x86_64",
    }
    for function in PUBLISHED:
        assert len(description(function, **longest)) <= 256


def test_no_old_version_stays_to_be_paid_for() -> None:
    """Neither one that SAM gives another name, nor one that CloudFormation replaces."""
    for version in Stack().resources.values():
        if version["Type"] == "AWS::Lambda::Version":
            assert version["DeletionPolicy"] == "Delete"
            assert version.get("UpdateReplacePolicy", "Delete") == "Delete"


def test_the_aliases_lead_to_what_was_published() -> None:
    """Under one name for both functions."""
    resources, published = Stack().resources, versions(transformed())
    for function in PUBLISHED:
        alias = resources[f"{function}Aliaslive"]["Properties"]
        assert alias["FunctionVersion"] == f"${{{published[function]}.Version}}"
