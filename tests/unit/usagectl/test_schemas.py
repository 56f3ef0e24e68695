"""The published schemas are those of the code, and take the sample events."""

from tests.support.functions import ROOT
from usagectl.schemas import schemas


def test_the_published_schemas_are_those_of_the_models() -> None:
    """After a change of the models, ``make schemas`` writes them anew."""
    published = {path.name: path.read_text("utf-8") for path in (ROOT / "schemas").iterdir()}
    assert published == dict(schemas())
