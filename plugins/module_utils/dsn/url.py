# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing DSNs. Pure.

PostgreSQL: everything after the first ``://`` goes through Go's net/url and then pgx, so credentials are
percent-encoded. MySQL: go-sql-driver's form ``user:password@tcp(host:port)/database?params`` with the credentials as
they are; the last ``/`` begins the database, and the last ``@`` before it ends the password.

On the way to kine, k0smotron pastes the DSN into a sed expression with ``|`` as its delimiter, and into an unquoted
YAML value.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
from urllib.parse import quote, quote_plus, unquote

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.model import MASK, Dsn, Host
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.values import NOT_DECODED
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput

POSTGRES = "postgres"
MYSQL = "mysql"
_SCHEMES = {"postgres": POSTGRES, "postgresql": POSTGRES, "mysql": MYSQL}
_PORTS = {POSTGRES: 5432, MYSQL: 3306}
_SECRET_PARAMS = {"password", "sslpassword", "pgpassword", "passwd"}
_IN_THE_URL = {"host", "hostaddr", "port", "user", "password", "database", "dbname"}
"""Parameters that, in pgx, override what stands before the question mark."""

_ENCODE = (
    "Percent-encode user and password fully (@ is %40, / is %2F, & is %26, % is %25, | is %7C),"
    " or give the parts of the DSN separately."
)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_GO_USERINFO = re.compile(r"[A-Za-z0-9\-._~:!$'()*+,;=%]*")
"""What net/url takes in user and password without complaint, less & and @, which k0smotron or a reader may split at."""
_PARAM_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
_HOST_NAME = re.compile(r"[A-Za-z0-9._\-]+")


def parse(url: str) -> Dsn:
    """Read a DSN as kine would; raises InvalidInput, which never shows the password, for one that breaks on its way."""
    scheme, rest = _split_scheme(url)
    if "|" in rest:
        raise InvalidInput(
            "The DSN holds a literal |, which breaks k0smotron's start script", _escape_hint(scheme, "|")
        )
    if _CONTROL.search(rest):
        raise InvalidInput(
            "The DSN holds a line break or another control character", "Remove it, or percent-encode it."
        )
    return _parse_postgres(rest) if scheme == POSTGRES else _parse_mysql(rest)


def build(dsn: Dsn) -> str:
    """Write a DSN so that :func:`parse`, kine and k0smotron's start script read the same values back."""
    scheme = _SCHEMES.get(dsn.scheme)
    if scheme is None:
        raise _unknown_scheme(dsn.scheme)
    _complete(dsn)
    try:
        url = _build_postgres(dsn) if scheme == POSTGRES else _build_mysql(dsn)
    except UnicodeEncodeError:
        raise InvalidInput(
            "The DSN holds text that is not valid Unicode", "Give user, password and names as UTF-8."
        ) from None
    return url


def mask(url: str) -> str:
    """``url`` without its secrets. Never raises; what cannot be read is hidden altogether."""
    try:
        dsn = parse(url)
    except (HaError, ValueError):
        scheme = url.split("://", 1)[0] if "://" in url else ""
        return f"{scheme}://{MASK}" if scheme in _SCHEMES else MASK
    params = {key: MASK if key.lower() in _SECRET_PARAMS else value for key, value in dsn.params.items()}
    query = "&".join(f"{key}={value}" for key, value in params.items())
    hosts = ",".join(str(host) for host in dsn.hosts)
    where = f"tcp({hosts})" if dsn.scheme == MYSQL else hosts
    return f"{dsn.scheme}://{dsn.user}:{MASK}@{where}/{dsn.database}{'?' + query if query else ''}"


_URL_SECRET = re.compile(r"(\b[a-z][a-z0-9+.\-]*://[^\s:/@'\"]*:)[^\s]*@", re.IGNORECASE)
# MySQL passwords stand as they are, spaces and all.
_MYSQL_SECRET = re.compile(r"(\bmysql://[^\s:]*:).*@(?=tcp\()", re.DOTALL)
_PARAM_SECRET = re.compile(
    r"\b((?:ssl|pg)?passw(?:ord|d)\s*=\s*)('(?:[^'\\]|\\.)*'|\"[^\"]*\"|[^\s&'\"]+)", re.IGNORECASE
)


def mask_text(text: str, secrets: t.Iterable[str] = ()) -> str:
    """``text`` without the given secrets (plain or percent-encoded), passwords in URLs and ``password=`` values."""
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    text = _MYSQL_SECRET.sub(rf"\g<1>{MASK}@", text)
    text = _URL_SECRET.sub(rf"\g<1>{MASK}@", text)
    return _PARAM_SECRET.sub(rf"\g<1>{MASK}", text)


def _forms(secret: str) -> tuple[str, ...]:
    """A secret as it may stand in a text: plain, or percent-encoded in one of the usual ways."""
    encoded = (encode(secret, safe=safe, errors="replace") for encode in (quote, quote_plus) for safe in ("", "/"))
    return (secret, *encoded)


def _split_scheme(url: str) -> tuple[str, str]:
    if not url.strip():
        raise InvalidInput(
            "The DSN is empty, and k0s would then keep its data somewhere else without a word",
            "Give a DSN such as postgres://user:password@host:5432/kine?sslmode=require.",
        )
    name, separator, rest = url.partition("://")
    if not separator:
        raise _unknown_scheme("")
    if name not in _SCHEMES:
        raise _unknown_scheme(name)
    return _SCHEMES[name], rest


def _unknown_scheme(name: str) -> InvalidInput:
    # A text without a plain scheme may be a password in the wrong place: show nothing of it.
    shown = f" {name}" if re.fullmatch(r"(https?|nats|sqlite|t4|unix|mariadb|jetstream|etcd)", name) else ""
    return InvalidInput(f"The DSN's scheme{shown} is not supported", "Use postgres:// or mysql://.")


def _escape_hint(scheme: str, character: str) -> str:
    if scheme == MYSQL:
        return f"kine does not decode MySQL passwords, so choose one without {character}."
    return _ENCODE


# PostgreSQL


def _parse_postgres(rest: str) -> Dsn:
    before, _mark, query = rest.partition("?")
    authority, _slash, path = before.partition("/")
    userinfo, at, hosts = authority.rpartition("@")
    if not at or "@" in path or "@" in query or "#" in rest or " " in rest:
        raise InvalidInput(
            "The DSN is not of the form postgres://user:password@host:port/database; a character in it is not encoded",
            _ENCODE,
        )
    if not _GO_USERINFO.fullmatch(userinfo) or _BAD_ESCAPE.search(rest):
        raise InvalidInput("The DSN holds a character that must be percent-encoded (such as &, @ and /)", _ENCODE)
    user, _colon, password = userinfo.partition(":")
    return _complete(
        Dsn(POSTGRES, _decoded(user), _decoded(password), _postgres_hosts(hosts), _decoded(path), _params(query))
    )


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise InvalidInput("The DSN holds percent-encoded bytes that are not UTF-8", "Encode the UTF-8 form.") from None


def _postgres_hosts(text: str) -> tuple[Host, ...]:
    if not text or text.startswith("%2F"):
        raise InvalidInput(
            "The DSN names no host, or a unix socket", "Give host:port; every replica connects over the network."
        )
    items = text.split(",")
    if len(items) > 1 and any(not re.search(r":[0-9]+$", item) for item in items):
        raise InvalidInput("A host of the DSN has no port, and kine would mix up the others", "Give every host a port.")
    return tuple(_host(item, POSTGRES) for item in items)


def _host(text: str, scheme: str) -> Host:
    match = re.fullmatch(r"(?:\[([^\]]*)\]|([^:\[\]]*))(?::([0-9]+))?", text)
    name = (match[1] or match[2]) if match else ""
    port = int(match[3] or _PORTS[scheme]) if match else 0
    # The text is not shown: with an unencoded password it may be a part of it.
    if not _is_host(name) or not 0 < port < 65536:
        raise InvalidInput(
            "The DSN's host is not of the form host:port", _ENCODE if scheme == POSTGRES else "Use tcp(host:port)."
        )
    return Host(name, port)


def _is_host(name: str) -> bool:
    if ":" not in name:
        return bool(_HOST_NAME.fullmatch(name))
    try:
        ipaddress.IPv6Address(name)
    except ValueError:
        return False
    return "%" not in name  # a zone is of one machine only


def _params(query: str) -> dict[str, str]:
    params: dict[str, str] = {}
    for item in filter(None, query.split("&")):
        key, _equals, value = item.partition("=")
        if not _PARAM_NAME.fullmatch(key) or ";" in value or _BAD_ESCAPE.search(value):
            raise InvalidInput("A parameter of the DSN is not of the form name=value", _ENCODE)
        # Like Go's url.Values in kine: of repeated parameters the first one counts.
        params.setdefault(key, _decoded(value.replace("+", " ")))
    return params


def _build_postgres(dsn: Dsn) -> str:
    hosts = ",".join(str(host) for host in dsn.hosts)
    query = "&".join(f"{key}={quote(value, safe='/')}" for key, value in dsn.params.items())
    credentials = f"{quote(dsn.user, safe='')}:{quote(dsn.password, safe='')}"
    return f"postgres://{credentials}@{hosts}/{quote(dsn.database, safe='')}{'?' + query if query else ''}"


# MySQL


def _parse_mysql(rest: str) -> Dsn:
    before, slash, after = rest.rpartition("/")
    credentials, at, network = before.rpartition("@")
    user, _colon, password = credentials.partition(":")
    match = re.fullmatch(r"tcp\(([^()]*)\)", network)
    if network.startswith("unix("):
        raise InvalidInput(
            "The DSN names a unix socket", "Use tcp(host:port); every replica connects over the network."
        )
    if not slash or not at or not match:
        raise InvalidInput(
            "The DSN is not of the form mysql://user:password@tcp(host:port)/database?parameters",
            "Write the host as tcp(host:port), the password as it is, and encode a / in parameters as %2F.",
        )
    if match[1].startswith("[") and match[1].endswith("]"):
        raise InvalidInput("The DSN's IPv6 address has no port, and kine's driver would misread it", "Write the port.")
    database, _mark, query = after.partition("?")
    if _BAD_ESCAPE.search(database):
        raise InvalidInput("The DSN's database name is not encoded", "Write a % as %25.")
    return _complete(Dsn(MYSQL, user, password, (_host(match[1], MYSQL),), _decoded(database), _mysql_params(query)))


def _mysql_params(query: str) -> dict[str, str]:
    """Like go-sql-driver, which differs from net/url in what is refused here."""
    seen = set()
    for item in filter(None, query.split("&")):
        key, equals, value = item.partition("=")
        if not equals:
            raise InvalidInput("A parameter of the DSN has no value, and kine's driver ignores it", "Write name=value.")
        if key in seen:
            raise InvalidInput("The DSN gives a parameter twice, and the last one counts", "Remove one of them.")
        if key in NOT_DECODED and re.search(r"[%+]", value):
            raise InvalidInput("kine's driver does not decode a parameter's value", "Write the value as it is.")
        seen.add(key)
    return _params(query)


def _build_mysql(dsn: Dsn) -> str:
    query = "&".join(f"{key}={quote(value, safe=',')}" for key, value in dsn.params.items())
    credentials = f"{dsn.user}:{dsn.password}".encode().decode()
    return f"mysql://{credentials}@tcp({dsn.hosts[0]})/{quote(dsn.database, safe='')}{'?' + query if query else ''}"


# Both


def _complete(dsn: Dsn) -> Dsn:
    """The DSN, when it can be written and read without loss; used by parse and build alike."""
    if not dsn.user:
        raise InvalidInput("The DSN names no user", "Give the role that owns the database.")
    if not dsn.database or "/" in dsn.database:
        raise InvalidInput(
            "The DSN names no database, or one with a slash, and kine would use the database kubernetes",
            "End it with /database, such as /kine.",
        )
    if "\0" in dsn.user + dsn.password + dsn.database:
        raise InvalidInput("The DSN holds a zero byte, which no database takes", "Remove it.")
    for host in dsn.hosts:
        _host(str(host), POSTGRES)
    if not dsn.hosts:
        raise InvalidInput("The DSN names no host", "Give host:port.")
    if len(dsn.hosts) > 1 and any(":" in host.name for host in dsn.hosts):
        raise InvalidInput("Go cannot read an IPv6 address beside another host", "Use host names.")
    _check_params(dsn)
    if dsn.scheme == MYSQL:
        _complete_mysql(dsn)
    return dsn


def _check_params(dsn: Dsn) -> None:
    for key in dsn.params:
        if not _PARAM_NAME.fullmatch(key):
            raise InvalidInput("A parameter of the DSN has no valid name", "Use letters, digits and _.")
        if dsn.scheme == POSTGRES and key in _IN_THE_URL:
            raise InvalidInput(
                f"The DSN gives {key} as a parameter, which overrides the rest", f"Put {key} before the question mark."
            )


def _complete_mysql(dsn: Dsn) -> None:
    if len(dsn.hosts) != 1:
        raise InvalidInput(
            "A MySQL DSN takes one host: kine's driver has no list of them, and no way to ask for the primary",
            "Give an address that follows the primary: a Service, a proxy, or an address that moves with it.",
        )
    if ":" in dsn.user:
        raise InvalidInput("A MySQL user name with a colon cannot be written in a DSN", "Choose another user name.")
    credentials = f"{dsn.user}:{dsn.password}"
    if "|" in credentials or _CONTROL.search(credentials):
        raise InvalidInput(
            "The MySQL credentials hold a | or a control character", _escape_hint(MYSQL, "|, line breaks or tabs")
        )
    # k0smotron writes the DSN into k0s.yaml without quotes, where these two end a plain value.
    if " #" in credentials or ": " in credentials:
        raise InvalidInput(
            "The MySQL credentials hold ' #' or ': ', which ends a YAML value", _escape_hint(MYSQL, "them")
        )
