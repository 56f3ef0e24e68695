"""The environments of samconfig.toml: what is deployed, and that prod is protected."""

import pytest

from tools.deploy.environment import environment_names, read_environment
from tools.deploy.template import Template


@pytest.mark.parametrize("name", environment_names())
def test_an_environment_has_a_stack_tags_and_parameters_that_the_template_accepts(
    name: str,
) -> None:
    """Reading it checks every parameter as CloudFormation does."""
    environment = read_environment(name)
    assert environment.stack == f"workspace-usage-{name}"
    assert environment.tags == {"project": "workspace-usage", "environment": name}
    Template.read(environment)
    # sam refuses an empty value, unless it is in quotes.
    assert [override for override in environment.overrides if override.endswith("=")] == []


def test_environments_differ_only_in_values() -> None:
    """A parameter that is in one list only was forgotten in the other."""
    dev, prod = read_environment("dev").parameters, read_environment("prod").parameters
    assert dev.keys() == prod.keys()


def test_prod_is_protected_and_keeps_an_access_log() -> None:
    values = Template.read(read_environment("prod")).values
    assert values["DeletionProtection"] == "true"
    assert values["AccessLog"] == "true"
    assert values["LogLevel"] == "INFO"
