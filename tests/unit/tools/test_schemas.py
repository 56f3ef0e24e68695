"""The published schemas are those of the models."""

from tests.support.functions import ROOT
from tools.schemas import event_schemas


def test_the_published_schemas_are_those_of_the_models() -> None:
    """Producers read the files; the recorder checks with the models."""
    published = {path.name: path.read_text("utf-8") for path in (ROOT / "schemas").iterdir()}
    assert published == dict(event_schemas()), "run `make schemas` after a change of the models"
