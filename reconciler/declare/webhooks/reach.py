"""Whether deliveries to a URL could ever be sent in an environment, as far as its text tells."""

from __future__ import annotations

import re
from functools import cached_property
from urllib.parse import urlsplit

from reconciler.dataclass import dataclass
from reconciler.declare.webhooks.urls import parse_url
from reconciler.domain.declared.desired import Environment
from reconciler.domain.values.hosts import is_loopback
from reconciler.webhooks.wire.addresses import Network, judge_address, parse_networks

# (code, message, remedy; empty: that of the code)
_Fault = tuple[str, str, str]

# What ten thousand clients have: a name, and the port of https. Nothing else of a URL matters here.
_ORDINARY = re.compile(r"https://[a-z0-9.-]*[a-z](?:[/?]|\Z)")
_HERE = ("127.0.0.1", "::1")
_OUTSIDE = "a receiver in a private network needs it in allowedNetworks of the environment"


@dataclass(frozen=True)
class Reach:
    """Where deliveries of ``environment`` may go, by the rules that the sender keeps when it sends.

    ``has_rule``: the policy has a rule about http, which speaks, or is silent, instead of RC156.
    """

    environment: Environment
    has_rule: bool = False

    @cached_property
    def _networks(self) -> tuple[Network, ...]:
        return parse_networks(self.environment.allowed_networks)

    @cached_property
    def _judged(self) -> dict[str, _Fault | None]:
        """By scheme, host and port, which many clients share and which decide."""
        return {}

    @cached_property
    def _https(self) -> bool:
        return 443 in self.environment.deliveries.ports

    def fault(self, text: str) -> _Fault | None:
        """What is wrong with a URL as it is written; None also for what is no URL, which is
        reported elsewhere."""
        if self._https and _ORDINARY.match(text) and "localhost" not in text:
            return None
        try:
            scheme, _, rest = parse_url(text).partition("://")
        except ValueError:
            return None
        origin = f"{scheme}://{re.split('[/?]', rest, maxsplit=1)[0]}"
        if origin not in self._judged:
            self._judged[origin] = self._judge(origin)
        return self._judged[origin]

    def _judge(self, origin: str) -> _Fault | None:
        url = urlsplit(origin)
        host, name = url.hostname or "", self.environment.name
        judged = [judge_address(address, self._networks) for address in _addresses(host)]
        if judged and not any(one.allowed for one in judged):
            reason = judged[0].reason
            remedy = (
                "no network of a receiver has such an address" if self._never(host) else _OUTSIDE
            )
            return "RC183", f"{host} is never reached in `{name}`: {reason}", remedy
        inside = any(one.listed for one in judged) if judged else bool(self._networks)
        if url.scheme == "http":
            return self._plain(url.geturl(), inside=inside)
        port = url.port or 443
        if not inside and port not in self.environment.deliveries.ports:
            ports = ", ".join(map(str, self.environment.deliveries.ports))
            message = f"port {port} may not be reached in `{name}`, only {ports}"
            return (
                "RC183",
                message,
                f"let the receiver listen at such a port, or add {port} to deliveries.ports",
            )
        return None

    def _plain(
        self,
        url: str,
        *,
        inside: bool,
    ) -> _Fault | None:
        if not inside:
            message = (
                f"plain http is never used in `{self.environment.name}` outside allowedNetworks"
            )
            return (
                "RC183",
                message,
                "use https, or add the receiver's network to allowedNetworks of the environment",
            )
        if self.has_rule or is_loopback(url):
            return None
        return "RC156", "the URL is http: deliveries are not encrypted", ""

    @staticmethod
    def _never(host: str) -> bool:
        everything = parse_networks(("0.0.0.0/0", "::/0"))
        return not any(judge_address(address, everything).allowed for address in _addresses(host))


def _addresses(host: str) -> tuple[str, ...]:
    """The addresses that a host means by its very text; none for a name that must be resolved
    first."""
    if host == "localhost" or host.endswith(".localhost"):
        return _HERE
    return (host,) if ":" in host or host.rsplit(".", maxsplit=1)[-1].isdigit() else ()
