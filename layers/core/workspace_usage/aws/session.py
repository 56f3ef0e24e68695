"""botocore's session of this process, which clients and credentials share."""

from functools import cache

import botocore.session

botocore_session = cache(botocore.session.get_session)
"""Returns the session, which the first call creates."""
