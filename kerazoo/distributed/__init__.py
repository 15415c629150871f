"""Work on several processes and machines with Ray: what :class:`ClusterOptions` can say, and the session.

Nothing here is imported, and Ray need not be installed, unless a `cluster=` is given: see docs/distributed.md.
"""

from __future__ import annotations

from kerazoo.distributed.connection import Session, session
from kerazoo.distributed.options import ClusterOptions, as_options

__all__ = ["ClusterOptions", "Session", "as_options", "session"]
