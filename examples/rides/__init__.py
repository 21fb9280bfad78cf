"""Rides: a rider and the driver who picks them up talk about one ride, in the namespace `/rides`.

Another back-end says who rides with whom (`PUT /manage/rides/rides/{id}`); for anybody else the ride does not exist.
"""

from slysock.systems.foundation import Foundation
from slysock.systems.system import System

from .events import EMITS, NAME, ROLES, Rides
from .story import tell


def rides(foundation: Foundation) -> System:
    """Make the system; a `SystemMaker`."""
    service = Rides(foundation)
    return System(
        name=NAME,
        routers=(service.router,),
        manage=service.manage,
        emits=EMITS,
        roles=ROLES,
        story=tell,
        started=service.emitter.bind,
    )
