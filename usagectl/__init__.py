"""The operator's tool. `make run` uses its loading of data sets, too.

``__main__`` is the program; most of the rest is in these places.

    cli/            the commands: arguments and output
    doctor          checks a deployment: its tables, and whether the service works
    tables_check    checks tables, for doctor
    service_check   checks that the service works, for doctor and on a schedule
    counts_check    checks counts, for service_check
    stored_caller   the caller of the checks on a schedule
    findings        what checks find
    recount         has workspaces counted
    count_state     how far a workspace is counted
    late_writes     writes and deletes rows that may be counted, for loading and erasure
    service_clock   AWS's time
    send            sends events
    loading/        loads data sets, with a checkpoint and a report
    data_set/       reads the files of a data set
    exporting/      writes rows into files
    erasure/        deletes what belongs to a user
    access/         tokens and memberships
    deployment      a deployment: its outputs, and clients of its services
    lookup          finds a deployment
    local_endpoint  finds the stack of `make run`
    resources       what the commands work on
"""

from typing import Final

VERSION: Final = "1.0.0"
"""The version of the project, which docs/releases.md explains; 1.0.0 is not released yet."""
