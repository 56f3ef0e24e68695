"""Lambda's snapshots (SnapStart): what is done before a snapshot is taken, and after a restore.

Many environments start from one snapshot, which may be weeks old. So only what takes long and stays
true is prepared before: modules, certificate authorities, the objects that requests share. No call
is made: a snapshot holds no credentials, no connection, no setting and no date. Without SnapStart
nothing is prepared, and each of these is made when it is first needed.
"""

import gc
import os
import random
import ssl
from collections.abc import Callable
from typing import Final

from snapshot_restore_py import register_after_restore, register_before_snapshot

from workspace_usage.aws.connections import tls_context
from workspace_usage.aws.credentials import prepare_credentials

_OPENSSL_SEED_BYTES: Final = 48
"""The number of random bytes that OpenSSL's generator takes as a seed."""


def prepare_snapshot(*factories: Callable[[], object]) -> None:
    """Registers what runs before a snapshot is taken, and after it is restored.

    Args:
        factories: each makes an object that requests share, and keeps it.
    """
    register_before_snapshot(_prepare, *factories)
    register_after_restore(_reseed)


def _prepare(*factories: Callable[[], object]) -> None:
    import encodings.idna  # noqa: F401, PLC0415 - connecting to a host by its name imports it

    for make in factories:
        make()
    tls_context()
    prepare_credentials()
    gc.collect()
    gc.freeze()


def _reseed() -> None:
    """Gives this environment random numbers of its own; the kernel's need no new seed."""
    random.seed()
    ssl.RAND_add(os.urandom(_OPENSSL_SEED_BYTES), _OPENSSL_SEED_BYTES)
