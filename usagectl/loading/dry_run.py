"""The dry run of an import: all of a data set is read and checked, and nothing is written."""

from pathlib import Path

from usagectl.data_set.checking import LineChecker
from usagectl.data_set.media import MEDIA_FOLDER, find_media
from usagectl.data_set.payload_files import PAYLOAD_FILES, find_file
from usagectl.data_set.rejections import Rejection
from usagectl.data_set.settings import SETTINGS_FILE, read_min_date
from usagectl.loading.checkpoint import PartProgress
from usagectl.loading.process_lines import Reject, process_lines
from usagectl.loading.report import LoadReport
from usagectl.progress import Advance, ignore


def check(folder: Path, advance: Advance, reject: Reject) -> LoadReport:
    """Returns what would become of the data set in ``folder`` if it were loaded.

    Args:
        folder: the data set's folder.
        advance: is told of lines that are checked.
        reject: is told of each line or file that can't be used.

    Raises:
        UnreadableFile: a file can't be read, or not to its end.
    """
    report = LoadReport()
    start = PartProgress()
    with LineChecker() as checker:
        for file in PAYLOAD_FILES:
            path = find_file(folder, file)
            lines = checker.read(path, file) if path else ()
            progress = process_lines(lines, start, ignore, advance=advance, reject=reject)
            report.add(file.name, progress)
    setting = read_min_date(folder)
    settings: list[str | Rejection] = [] if setting is None else [setting]
    for name, contents in ((SETTINGS_FILE, settings), (MEDIA_FOLDER, find_media(folder))):
        files = enumerate(contents, 1)
        report.add(name, process_lines(files, start, ignore, advance=ignore, reject=reject))
    return report
