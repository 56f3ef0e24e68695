"""What loading a data set would make of it, found out by reading all of it."""

from pathlib import Path

from usagectl.dataset import (
    MEDIA_FOLDER,
    RECORDS,
    SETTINGS_FILE,
    Rejection,
    find_file,
    read_items,
    read_min_date,
)
from usagectl.load import LoadReport, Notify, Reject
from usagectl.media import find_media


def check(folder: Path, advance: Notify, reject: Reject) -> LoadReport:
    """Checks every line of the data set in ``folder``, its setting, and the names of its media.

    Raises:
        UnreadableFile: a file can't be read, or not to its end.
    """
    report = LoadReport()
    for records in RECORDS:
        path = find_file(folder, records)
        fit, last = 0, 0
        for number, item in read_items(path, records) if path else ():
            advance(number - last)
            last = number
            if isinstance(item, Rejection):
                reject(item)
                report.rejected += 1
            else:
                fit += 1
        report.loaded[records.file] = fit
    setting = read_min_date(folder)
    if setting is not None:
        _note(SETTINGS_FILE, setting, report, reject)
    for found in find_media(folder):
        _note(MEDIA_FOLDER, found, report, reject)
    return report


def _note(name: str, found: object, report: LoadReport, reject: Reject) -> None:
    if isinstance(found, Rejection):
        reject(found)
        report.rejected += 1
    else:
        report.loaded[name] = report.loaded.get(name, 0) + 1
