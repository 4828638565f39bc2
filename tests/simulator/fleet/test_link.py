"""Which node of a cluster each gateway of a fleet has for its own."""

from mqtt import Client
from settings.broker import BrokerSettings
from simulator.fleet.link import LinkEvents, LinkRequest, mqtt_links

NODES = (("a", 1883), ("b", 1884), ("c", 1885))


def test_gateways_are_spread_over_the_nodes() -> None:
    make = mqtt_links(BrokerSettings(host="a", others=NODES[1:]))
    events = LinkEvents(lambda messages: None, lambda answer: None, lambda state, why: None)
    homes = []
    for number in range(6):
        link = make(LinkRequest(f"gw-{number}", ("t",), "s", b"", events))
        assert isinstance(link, Client)
        homes.append(link.node)
    assert homes == [*NODES, *NODES]
