"""The settings file of a data set: the app setting ``usage_history_min_date``."""

from pathlib import Path
from typing import Final

from usagectl.data_set.lines import MAX_LINE_BYTES, read_errors_as_unreadable
from usagectl.data_set.rejections import MAX_BEGINNING_LENGTH, Rejection, visible
from workspace_usage.listing.min_date import MinDateSetting
from workspace_usage.values import InvalidValue, parse_json

SETTINGS_FILE: Final = "settings.json"


def read_min_date(folder: Path) -> str | Rejection | None:
    """Returns ``usage_history_min_date`` as the JSON text of its parameter.

    Returns a rejection if the file can't be used, or None if the folder has no such setting.

    Raises:
        UnreadableFile: the file is there and can't be read.
    """
    path = folder / SETTINGS_FILE
    if not path.exists():
        return None
    try:
        with read_errors_as_unreadable(path), path.open("rb") as file:
            text = file.read(MAX_LINE_BYTES)
        settings = parse_json(text)
        if not isinstance(settings, dict):
            raise InvalidValue("must be a JSON object")
        setting = settings.get("usage_history_min_date")
        return None if setting is None else _min_date(setting)
    except InvalidValue as error:
        beginning = visible(text.strip(), MAX_BEGINNING_LENGTH)
        return Rejection(SETTINGS_FILE, 0, str(error), beginning)


def _min_date(setting: object) -> str:
    try:
        return MinDateSetting.from_json(setting).to_json()
    except InvalidValue as error:
        raise InvalidValue(f"usage_history_min_date.{error}") from None
