"""Lambda's snapshots (SnapStart): what is made before one is taken, and after it was restored.

Many environments begin with one memory, which may be weeks old. What is made before takes long and
stays true: modules, trusted authorities, the objects that requests share. Nobody is asked anything
for it: no credentials, no connection, no setting and no date can be in a snapshot. Without
SnapStart none of this runs, and each thing is made when it is needed first.
"""

import gc
import os
import random
import ssl
from collections.abc import Callable
from typing import Final

from snapshot_restore_py import register_after_restore, register_before_snapshot

from workspace_usage.aws.connections import tls_context

_ENTROPY: Final = 48
"""Bytes of it: as many as OpenSSL's generator takes."""


def prepare_snapshot(*shared: Callable[[], object]) -> None:
    """Has a snapshot contain what ``shared`` make, and all else that a first request needs."""
    register_before_snapshot(_prepare, *shared)
    register_after_restore(_renew)


def _prepare(*shared: Callable[[], object]) -> None:
    import encodings.idna  # noqa: F401, PLC0415 - what connecting to a host by its name imports

    from workspace_usage.aws.credentials import prepare_credentials  # noqa: PLC0415 - free here alone

    for make in shared:
        make()
    tls_context()
    prepare_credentials()
    gc.collect()
    gc.freeze()


def _renew() -> None:
    """Makes this environment's random numbers its own. The kernel's already are."""
    random.seed()
    ssl.RAND_add(os.urandom(_ENTROPY), _ENTROPY)
