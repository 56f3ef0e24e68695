"""``expand`` returns what CloudFormation would make of a template, or raises one sentence."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.aws import ACCOUNT, REGION
from local.errors import TemplateError
from local.stack import TEMPLATE
from local.template.expand import expand
from local.template.resolver import Resolver
from local.template.template import Resource, Template, code_path, is_true

TABLE = "Resources:\n  Table: {Type: AWS::DynamoDB::Table}\n"
SAM = "Transform: AWS::Serverless-2016-10-31\nResources:\n"
FUNCTION = "Handler: app.handle, Runtime: python3.13"


def expanded(folder: Path, text: str | bytes, **parameters: str) -> Template:
    """The expanded template of a file with this text."""
    path = folder / "template.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return expand(path, parameters)


def refusal(folder: Path, text: str | bytes, **parameters: str) -> str:
    """The error for a template or a parameter."""
    with pytest.raises(TemplateError) as raised:
        expanded(folder, text, **parameters)
    sentence = str(raised.value)
    assert "\n" not in sentence
    return sentence


def value(folder: Path, text: str, head: str = "", **parameters: str) -> Any:
    """The value of a property that is ``text`` in the template."""
    body = (
        "Resources:\n"
        "  Bucket: {Type: AWS::S3::Bucket}\n"
        f"  Thing: {{Type: Custom::Thing, Properties: {{Value: {text}, Other: kept}}}}\n"
    )
    properties = expanded(folder, head + body, **parameters).resources["Thing"].properties
    assert properties["Other"] == "kept"
    return properties.get("Value")


CONDITIONS = """\
Parameters:
  Size: {Type: String, Default: small}
Conditions:
  Small: !Equals [!Ref Size, small]
  Large: !Not [{Condition: Small}]
  Both: !And [{Condition: Small}, {Condition: Large}]
  Either: !Or [{Condition: Small}, {Condition: Large}]
"""
MAPPINGS = "Mappings: {Colors: {light: {sky: blue}, dark: {sky: black}}}\n" + CONDITIONS


# --- Functions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!Ref Bucket", "workspace-usage-bucket"),
        ("!Ref Size", "small"),
        ("!Ref AWS::Region", REGION),
        ("!Ref AWS::StackName", "workspace-usage"),
        ("!GetAtt Bucket.Arn", "arn:aws:s3:::workspace-usage-bucket"),
        ("{'Fn::GetAtt': [Bucket, Arn]}", "arn:aws:s3:::workspace-usage-bucket"),
        ("!GetAtt Bucket.DomainName", "workspace-usage-bucket.DomainName"),
        ("!Sub 'a ${Size} ${AWS::AccountId} ${!literal}'", f"a small {ACCOUNT} ${{literal}}"),
        (
            "!Sub '${Bucket} ${Bucket.Arn}'",
            "workspace-usage-bucket arn:aws:s3:::workspace-usage-bucket",
        ),
        ("!Sub ['${own} of ${Size}', {own: !Ref Bucket}]", "workspace-usage-bucket of small"),
        ("!Sub ['${Size}', {Size: hidden}]", "hidden"),
        ("!Join ['-', [a, !Ref Size, 3]]", "a-small-3"),
        ("!Join ['', []]", ""),
        ("!FindInMap [Colors, dark, sky]", "black"),
        ("!FindInMap [Colors, !If [Small, light, dark], sky]", "blue"),
        ("!If [Small, 1, 2]", 1),
        ("!If [Large, 1, 2]", 2),
        ("!If [Both, 1, 2]", 2),
        ("!If [Either, 1, 2]", 1),
        ("!If [Small, {a: !Ref Size}, 2]", {"a": "small"}),
        ("!If [Large, 1, !Ref AWS::NoValue]", None),
        ("[1, !Ref AWS::NoValue, 3]", [1, 3]),
        ("{a: 1, b: !Ref AWS::NoValue}", {"a": 1}),
        ("[{a: [!Ref Size]}, true, 1.5, null]", [{"a": ["small"]}, True, 1.5, None]),
        ("{Ref: Size, b: 1}", {"Ref": "Size", "b": 1}),
    ],
)
def test_a_function_is_replaced_by_its_value(tmp_path: Path, text: str, expected: object) -> None:
    """At any place, in any notation. Everything else stays as it is."""
    assert value(tmp_path, text, MAPPINGS) == expected


def test_the_other_branch_of_an_if_is_not_resolved(tmp_path: Path) -> None:
    """It may refer to something that doesn't exist."""
    assert value(tmp_path, "!If [Small, yes, !Ref Nothing]", CONDITIONS) is True


@pytest.mark.parametrize(("size", "there"), [("small", True), ("large", False)])
def test_resources_and_outputs_exist_only_if_their_condition_holds(
    tmp_path: Path, size: str, there: bool
) -> None:
    """Without a condition they always exist."""
    text = (
        f"{CONDITIONS}Resources:\n  A: {{Type: Custom::A, Condition: Small}}\n"
        "  B: {Type: Custom::B}\n"
        "Outputs:\n  A: {Condition: Small, Value: !Ref A}\n  B: {Value: !GetAtt B.Arn}\n"
    )
    template = expanded(tmp_path, text, Size=size)
    assert set(template.resources) == ({"A", "B"} if there else {"B"})
    assert set(template.outputs) == ({"A", "B"} if there else {"B"})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("!Ref Nothing", "Nothing"),
        ("!GetAtt Nothing.Arn", "Nothing"),
        ("!GetAtt Nothing.Other", "Nothing"),
        ("!Sub '${Nothing}'", "Nothing"),
        ("!Sub '${Nothing.Arn}'", "Nothing"),
        ("!If [Nothing, 1, 2]", "Nothing"),
        ("!FindInMap [Colors, dark, sea]", "Colors, dark, sea"),
        ("!FindInMap [Nothing, dark, sky]", "Nothing, dark, sky"),
        ("!FindInMap [Colors, dark]", "Fn::FindInMap"),
        ("!Select [0, [a]]", "Fn::Select"),
        ("{Ref: [a]}", "Ref"),
    ],
)
def test_an_unknown_reference_is_refused_with_its_name(
    tmp_path: Path, text: str, named: str
) -> None:
    """So is an unsupported function."""
    with pytest.raises(TemplateError, match=named):
        value(tmp_path, text, MAPPINGS)


def test_a_reference_to_a_resource_whose_condition_does_not_hold_is_refused(tmp_path: Path) -> None:
    """As in CloudFormation: the resource doesn't exist."""
    text = (
        f"{CONDITIONS}Resources:\n  A: {{Type: Custom::A, Condition: Large}}\n"
        "  B: {Type: Custom::B, Properties: {A: !Ref A}}\n"
    )
    assert "refers to A," in refusal(tmp_path, text)


@given(st.text(st.characters(codec="utf-8", exclude_characters="$"), max_size=30))
def test_sub_does_not_change_text_without_variables(text: str) -> None:
    """Only a dollar sign with a brace is special; braces, backslashes and quotes are not."""
    resolver = Resolver({"A": text}, {"Resources": {}})
    assert resolver.resolve({"Fn::Sub": text}) == text
    assert resolver.resolve({"Fn::Sub": "<${A}>"}) == f"<{text}>"


# --- Names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "given_name", "arn"),
    [
        ("AWS::DynamoDB::Table", "TableName: x", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/x"),
        ("AWS::IAM::Role", "RoleName: x", f"arn:aws:iam::{ACCOUNT}:role/x"),
        (
            "AWS::Lambda::Function",
            "FunctionName: x",
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:x",
        ),
        ("AWS::S3::Bucket", "BucketName: x", "arn:aws:s3:::x"),
        ("AWS::SSM::Parameter", "Name: !Sub '${Ex}'", f"arn:aws:ssm:{REGION}:{ACCOUNT}:x"),
    ],
)
def test_a_resource_has_the_name_that_the_template_gives_it(
    tmp_path: Path, kind: str, given_name: str, arn: str
) -> None:
    """Its ARN ends with the name."""
    text = (
        "Parameters: {Ex: {Type: String, Default: x}}\nResources:\n"
        f"  A: {{Type: {kind}, Properties: {{{given_name}}}}}\n"
    )
    resource = expanded(tmp_path, text).resources["A"]
    assert (resource.logical_id, resource.type) == ("A", kind)
    assert (resource.name, resource.arn) == ("x", arn)


def test_other_names_begin_with_the_stack_s_name(tmp_path: Path) -> None:
    """A bucket's name is in lower case, as S3 requires."""
    text = "Resources: {A: {Type: AWS::DynamoDB::Table}, B: {Type: AWS::S3::Bucket}}"
    resources = expanded(tmp_path, text).resources
    assert [resources[key].name for key in "AB"] == ["workspace-usage-A", "workspace-usage-b"]


def test_a_reference_to_an_alias_is_its_arn_and_it_leads_to_a_version(tmp_path: Path) -> None:
    """An alias's ARN is the function's ARN with the alias's name behind it."""
    text = (
        f"{SAM}  F:\n    Type: AWS::Serverless::Function\n"
        f"    Properties: {{{FUNCTION}, CodeUri: code, AutoPublishAlias: live}}\n"
        "Outputs: {Alias: {Value: !Ref F.Alias}, Version: {Value: !Ref F.Version}}\n"
    )
    template = expanded(tmp_path, text)
    function = template.only("AWS::Lambda::Function")
    assert template.outputs == {"Alias": f"{function.arn}:live", "Version": f"{function.arn}:1"}
    alias = template.only("AWS::Lambda::Alias")
    assert (alias.name, alias.ref, alias.arn) == ("live", alias.arn, f"{function.arn}:live")
    assert alias.properties["FunctionVersion"] == "1"


# --- Parameters -----------------------------------------------------------------------------------

PARAMETERS = (
    """\
Parameters:
  Plain: {Type: String, Default: ""}
  Choice: {Type: Number, Default: 1, AllowedValues: [1, 3, 5]}
  Word: {Type: String, Default: a, AllowedPattern: "[a-z]+"}
  Zone: {Type: String, Default: a, AllowedPattern: "[a-z]+", ConstraintDescription: a zone}
  Count: {Type: Number, Default: 5, MinValue: 1, MaxValue: 10.5}
"""
    + TABLE
    + "Outputs: {Count: {Value: !Ref Count}}\n"
)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"Nope": "1"}, "the template has no parameter Nope; it has Plain, Choice, Word, Zone,"),
        ({"Choice": "2"}, "Choice must be one of 1, 3, 5, not '2'"),
        ({"Choice": "1.0"}, "Choice must be one of"),
        ({"Word": "a1"}, "Word must be a value that matches [a-z]+, not 'a1'"),
        ({"Word": "a\n"}, "Word must be"),
        ({"Word": ""}, "Word must be"),
        ({"Zone": "A"}, "Zone must be a zone, not 'A'"),
        ({"Count": "0.9"}, "Count must be at least 1, not 0.9"),
        ({"Count": "10.6"}, "Count must be at most 10.5, not 10.6"),
        ({"Count": "-inf"}, "Count must be a number"),
        ({"Count": "inf"}, "Count must be a number"),
        ({"Count": "1_0"}, "Count must be a number"),
        ({"Count": "-NaN"}, "Count must be"),
        ({"Count": "ten"}, "Count must be a number, not 'ten'"),
        ({"Count": ""}, "Count must be a number, not ''"),
    ],
)
def test_a_value_that_cloudformation_would_refuse_is_refused(
    tmp_path: Path, parameters: dict[str, str], sentence: str
) -> None:
    """The error names the parameter, what it must be, and the value."""
    assert refusal(tmp_path, PARAMETERS, **parameters).startswith(sentence)


@pytest.mark.parametrize("count", ["1", "10.5", "1e1"])
def test_bounds_are_inclusive_and_a_value_keeps_its_notation(tmp_path: Path, count: str) -> None:
    """Resources get a text."""
    assert expanded(tmp_path, PARAMETERS, Count=count).outputs == {"Count": count}


@pytest.mark.parametrize(
    ("length", "sentence"), [("MinLength: 1", "at least 1"), ("MaxLength: 0", "at most 0")]
)
def test_the_length_of_a_text_is_checked(tmp_path: Path, length: str, sentence: str) -> None:
    """As in CloudFormation."""
    text = f"Parameters: {{Name: {{Type: String, {length}}}}}\n" + TABLE
    given = "" if "Min" in length else "x"
    assert refusal(tmp_path, text, Name=given) == f"Name must have {sentence} characters"


@pytest.mark.parametrize(
    "text",
    [
        "Resources: {T: {Properties: {}}}",
        "Resources: {T: {Type: 5}}",
        "Resources: {T: {Type: Foo}}",
        "Resources: {T: {Type: AWS::DynamoDB::Table, Properties: [1]}}",
        "Resources: {T: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Ref T}}}",
        "Resources: {T: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Join [a, 5]}}}",
        TABLE + "Parameters: [1]",
        TABLE + "Outputs: {A: {}}",
        TABLE + "Conditions: {A: !Condition B, B: !Condition A}\nOutputs: {A: {Condition: A}}",
        TABLE + "Parameters: {A: {Type: String, Default: a, AllowedPattern: '('}}",
        TABLE + "Parameters: {A: {Type: Number, Default: 1, MinValue: one}}",
        TABLE + "Metadata: {At: 2026-02-30}",
    ],
)
def test_a_template_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    """Any error is one sentence that names the file."""
    assert "template.yaml" in refusal(tmp_path, text)


def test_a_boolean_is_a_text_like_any_scalar(tmp_path: Path) -> None:
    """CloudFormation compares texts, and writes booleans in lower case."""
    text = (
        "Parameters: {Switch: {Type: String, Default: true}}\n"
        "Conditions: {IsOn: !Equals [!Ref Switch, true]}\n"
        + TABLE
        + "Outputs: {Switch: {Condition: IsOn, Value: !Ref Switch}}\n"
    )
    assert expanded(tmp_path, text).outputs == {"Switch": "true"}


def test_without_a_value_a_parameter_has_its_default(tmp_path: Path) -> None:
    """A default can be empty."""
    assert expanded(tmp_path, PARAMETERS).outputs == {"Count": "5"}


def test_a_default_is_checked_too(tmp_path: Path) -> None:
    """As in CloudFormation."""
    text = "Parameters: {Count: {Type: Number, Default: 0, MinValue: 1}}\n" + TABLE
    assert refusal(tmp_path, text) == "Count must be at least 1, not 0"


def test_a_parameter_without_a_default_needs_a_value(tmp_path: Path) -> None:
    """It can be empty."""
    text = "Parameters: {Needed: {Type: String}}\n" + TABLE
    assert refusal(tmp_path, text) == "the parameter Needed needs a value: Needed=..."
    assert expanded(tmp_path, text, Needed="").resources


# --- Files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [\n", "line 2 is not YAML"),
        ("a:\n\t- b", "line 2 is not YAML"),
        ("a: \0", "is not YAML"),
        ("a: *nobody", "line 1 is not YAML"),
        ("? [1]\n: 2", "line 1 is not YAML"),
        ("a: 1\n---\nb: 2", "line 2 is not YAML"),
        (b"a: \xff", "can't be read"),
        ("", "is not a template: it has no Resources"),
        ("some words", "is not a template: it has no Resources"),
        ("- Resources", "is not a template: it has no Resources"),
        ("Globals: {}", "is not a template: it has no Resources"),
        ("Resources: [a]", "is not a template: it has no Resources"),
        ("Resources:", "is not a template: it has no Resources"),
    ],
)
def test_a_file_that_is_not_a_template_is_refused_with_its_name(
    tmp_path: Path, text: str | bytes, reason: str
) -> None:
    """And with the line, if one is wrong."""
    sentence = refusal(tmp_path, text)
    assert sentence.startswith(str(tmp_path / "template.yaml"))
    assert reason in sentence


def test_a_missing_file_or_a_folder_is_refused_with_its_name(tmp_path: Path) -> None:
    """Neither can be read."""
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(TemplateError, match=f"^{re.escape(str(path))} can't be read: "):
            expand(path, {})


@pytest.mark.parametrize(
    ("resources", "named"),
    [
        ("  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: f}}\n", "F"),
        (
            "  F: {Type: AWS::Serverless::Function, "
            f"Properties: {{CodeUri: f, {FUNCTION}, Colour: 1}}}}\n",
            "Colour",
        ),
        (
            f"  F: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: f, {FUNCTION}}}}}\n"
            "Globals: {Colours: {}}\n",
            "Colours",
        ),
        ("  F: 5\n", "Resources"),
        ("  F:\n", "Resources"),
        ("  F: {Type: AWS::S3::Bucket, Condition: [a]}\n", "Condition"),
    ],
)
def test_a_template_that_sam_refuses_is_refused_with_sam_s_message(
    tmp_path: Path, resources: str, named: str
) -> None:
    """After the template's path."""
    sentence = refusal(tmp_path, SAM + resources)
    assert sentence.startswith(f"{tmp_path / 'template.yaml'}: ")
    assert named in sentence


# --- What a template is asked ---------------------------------------------------------------------


def test_only_returns_the_only_resource_of_a_type(tmp_path: Path) -> None:
    """Otherwise the error tells how many there are."""
    text = "Resources: {A: {Type: Custom::A}, B: {Type: Custom::B}, C: {Type: Custom::B}}"
    template = expanded(tmp_path, text)
    assert template.only("Custom::A").logical_id == "A"
    assert [found.logical_id for found in template.of_type("Custom::B")] == ["B", "C"]
    assert template.of_type("Custom::C") == []
    for kind, count in (("Custom::B", 2), ("Custom::C", 0)):
        with pytest.raises(TemplateError, match=f"the template has {count} {kind}"):
            template.only(kind)


def test_code_is_in_a_folder_beside_the_template(tmp_path: Path) -> None:
    """A layer's too. Functions refer to it by its name."""
    template = expanded(
        tmp_path,
        f"{SAM}  F:\n    Type: AWS::Serverless::Function\n"
        f"    Properties: {{CodeUri: code/f, {FUNCTION}, Layers: [!Ref L]}}\n"
        "  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: code/l}}\n",
    )
    function, layer = template.resources["F"], template.only("AWS::Lambda::LayerVersion")
    assert template.folder == tmp_path
    assert code_path(function, "Code") == "code/f"
    assert code_path(layer, "Content") == "code/l"
    assert function.properties["Layers"] == [layer.name]


@pytest.mark.parametrize(
    "code",
    ["InlineCode: 'x = 1'", "CodeUri: {Bucket: other, Key: f.zip}"],
)
def test_code_at_another_place_is_refused_with_its_function_s_name(
    tmp_path: Path, code: str
) -> None:
    """Inline code, and an archive in a bucket."""
    template = expanded(
        tmp_path,
        f"{SAM}  F: {{Type: AWS::Serverless::Function, Properties: {{{code}, {FUNCTION}}}}}\n",
    )
    with pytest.raises(TemplateError, match=r"^F: its code is not in a folder"):
        code_path(template.resources["F"], "Code")


def test_a_resource_without_code_is_refused_with_its_name() -> None:
    """Any other value of the attribute."""
    for properties in ({}, {"Code": "f"}, {"Code": {"S3Key": "f"}}):
        resource = Resource(
            logical_id="F", type="T", name="f", ref="f", arn="arn", properties=properties
        )
        with pytest.raises(TemplateError, match=r"^F: its code is not in a folder"):
            code_path(resource, "Code")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (True, True),
        ("true", True),
        ("True", True),
        (False, False),
        ("false", False),
        ("", False),
        (None, False),
        (1, False),
        ("yes", False),
    ],
)
def test_only_true_is_true(text: object, expected: bool) -> None:
    """As a boolean, or as a parameter's text."""
    assert is_true(text) is expected


# --- The project's own template -------------------------------------------------------------------


def test_the_project_s_template_expands_with_all_functions() -> None:
    """With functions, layers, tables, buckets and parameter; the code's folders exist.

    The checks on a schedule are switched on, because their function has a folder, too.
    """
    template = expand(TEMPLATE, {"ChecksEnabled": "true"})
    functions = template.of_type("AWS::Lambda::Function")
    folders = (TEMPLATE.parent / "functions").glob("*/app.py")
    names = {f"{path.parent.name.capitalize()}Function" for path in folders}
    assert {function.logical_id for function in functions} == names
    layers = {layer.name: layer for layer in template.of_type("AWS::Lambda::LayerVersion")}
    for function in functions:
        assert (TEMPLATE.parent / code_path(function, "Code") / "app.py").is_file()
        paths = [code_path(layers[name], "Content") for name in function.properties["Layers"]]
        assert paths == ["layers/core", "layers/dependencies"]
        assert function.properties["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == "INFO"
    assert len(template.of_type("AWS::DynamoDB::Table")) == 7
    buckets = {bucket.name for bucket in template.of_type("AWS::S3::Bucket")}
    assert buckets == {template.outputs[f"{kind}BucketName"] for kind in ("Media", "Exports")}
    assert template.only("AWS::SSM::Parameter").name == "/workspace-usage/usage-history-min-date"
    assert template.only("AWS::ApiGateway::Stage").name == "v1"
    tables = {table.name for table in template.of_type("AWS::DynamoDB::Table")}
    assert template.outputs["ExecutionsTableName"] in tables


def test_the_project_s_template_takes_its_parameters() -> None:
    """They have an effect on resources that SAM generates."""
    template = expand(TEMPLATE, {"StageName": "v2", "CacheEnabled": "false", "LogLevel": "ERROR"})
    stage = template.only("AWS::ApiGateway::Stage")
    assert stage.name == "v2"
    assert not is_true(stage.properties["CacheClusterEnabled"])
    variables = template.resources["UsageFunction"].properties["Environment"]["Variables"]
    assert variables["POWERTOOLS_LOG_LEVEL"] == "ERROR"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TimeZone", "no zone!"),
        ("CacheEnabled", "yes"),
        ("DefaultLocale", "fr"),
        ("LinkLifetimeSeconds", "299"),
        ("LinkLifetimeSeconds", "43201"),
        ("ThrottleRate", "NaN"),
        ("StageName", "a-b"),
        ("Nonsense", "1"),
    ],
)
def test_the_project_s_template_refuses_wrong_values(name: str, text: str) -> None:
    """The error names the parameter."""
    with pytest.raises(TemplateError, match=name):
        expand(TEMPLATE, {name: text})
