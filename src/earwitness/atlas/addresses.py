"""Which network addresses a stranger's link may reach: public ones, unless told otherwise."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from earwitness.errors import FetchError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}
_LONGEST_URL = 4096
_SAFE = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True)
class Target:
    """A link taken apart and checked.

    Parameters
    ----------
    scheme
        ``http`` or ``https``.
    host
        In lower case, without brackets.
    port
        TCP port.
    path
        Path and query, as sent.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the ``Host`` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def target(url: str) -> Target:
    """Take a link apart.

    Parameters
    ----------
    url
        Absolute, ``http`` or ``https``, without a user's name.

    Raises
    ------
    FetchError
        If it is anything else.

    Examples
    --------
    >>> target("https://tiles.example/3/1/2.png?key=a b").path
    '/3/1/2.png?key=a%20b'
    >>> target("file:///etc/passwd")
    Traceback (most recent call last):
    ...
    earwitness.errors.FetchError: file:///etc/passwd is no link that is fetched; give http:// or ...
    """
    shown = url if len(url) <= 120 else url[:117] + "..."
    if len(url) > _LONGEST_URL:
        raise FetchError(f"a link of {len(url)} characters; give at most {_LONGEST_URL}")
    if any(ord(c) < 32 or ord(c) == 127 for c in url):
        raise FetchError(f"{shown!r} has control characters; give a plain link")
    try:
        parts = urlsplit(url.strip())
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii") if parts.hostname else ""
    except (ValueError, UnicodeError) as error:
        raise FetchError(f"{shown} is no link: {error}; give http:// or https://") from None
    if parts.scheme not in _PORTS or not host:
        raise FetchError(f"{shown} is no link that is fetched; give http:// or https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise FetchError(f"the link to {host} holds a user's name; give it without one")
    path = quote(parts.path or "/", safe=_SAFE)
    query = f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
    return Target(parts.scheme, host.lower(), port or _PORTS[parts.scheme], path + query)


def is_public(address: Address) -> bool:
    """Return whether an address is on the public internet, whatever it is wrapped in.

    Examples
    --------
    >>> [is_public(ipaddress.ip_address(a)) for a in ("8.8.8.8", "10.0.0.1", "::ffff:127.0.0.1")]
    [True, False, False]
    """
    inner: list[ipaddress.IPv4Address | None] = []
    if isinstance(address, ipaddress.IPv6Address):
        inner += [address.ipv4_mapped, address.sixtofour]
        if address in _NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if any(one is not None and not is_public(one) for one in inner):
        return False
    if any(inner):
        return True
    return address.is_global and not address.is_multicast and not address.is_reserved


def resolve(host: str, port: int, *, allow_private: bool) -> list[str]:
    """Return the addresses of a host, each of them allowed.

    A name that has a public and a private address is refused as a whole: it is a trick, or a
    mistake. Who connects must connect to an address that this gave, not look the name up again.

    Raises
    ------
    FetchError
        If the name is not known, or an address is private and that was not allowed.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(
            f"the host {host} is not found: {getattr(error, 'strerror', None) or error}. "
            f"Check the name and the network",
            passing=True,
        ) from error
    addresses = list(dict.fromkeys(str(row[4][0]).partition("%")[0] for row in found))
    if not allow_private:
        for one in addresses:
            if not is_public(ipaddress.ip_address(one)):
                raise FetchError(
                    f"{host} is at {one}, a private address; only public ones are fetched from. "
                    f"For a server of your own, allow it with --allow-private"
                )
    return addresses
