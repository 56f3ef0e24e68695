"""botocore's session, which clients and credentials share."""

from functools import cache

import botocore.session

botocore_session = cache(botocore.session.get_session)
"""Returns the session of this process."""
