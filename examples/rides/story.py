"""What `slysock demo` fills the system with."""

from collections.abc import Sequence

from slysock.systems.demo import Visit


async def tell(visit: Visit) -> Sequence[str]:
    """Tell how Rosa waits for Dan."""
    await visit.put("rides/ride-1", {"riderId": "rosa", "driverId": "dan"})
    async with visit.client({"userId": "rosa", "role": "rider"}, "/rides") as talk:
        await talk.say("say", {"rideId": "ride-1", "text": "I'm waiting at gate 4.", "clientMessageId": "demo"})
    return ["rider rosa and driver dan talk about ride-1"]
