"""What feeds tell of themselves, for people, platforms and monitoring: pure functions of what `Feed.stats()` says.

`serve_status` of `holdfast_asyncio` and `holdfast_trio` puts it on a port.
"""

from holdfast.observe.answers import Site, StatusServer
from holdfast.observe.observed import Observed
from holdfast.observe.readiness import reasons_of, unready
from holdfast.observe.status import VERSION, status

__all__ = ["VERSION", "Observed", "Site", "StatusServer", "reasons_of", "status", "unready"]
