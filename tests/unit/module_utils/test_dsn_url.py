# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DSNs: what is built reads back the same, what would break is refused, and no password is ever shown.

What kine's own code says to them by the thousand is in tests/integration/test_dsn_oracle.py.
"""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import MASK, Dsn, Host, build, mask, mask_text, parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

GUIDE = "postgres://k0smotron:s3cret@acid-minimal-cluster.default:5432/kine?sslmode=disable"
HOSTILE = "%|&@/:?#'\"\\ +;=$!()[]{}<>^`~é漢\U0001f600"

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1) | st.text(HOSTILE, min_size=1)
names = st.from_regex(r"[a-z_][a-z0-9_\-]{0,30}", fullmatch=True)
hosts = st.builds(
    Host,
    st.sampled_from(["db.example", "acid-main.default.svc", "192.0.2.7", "db_1"]),
    st.integers(1, 65535),
)
params = st.dictionaries(st.sampled_from(["sslmode", "application_name", "options", "x.y"]), words)
postgres_dsns = st.builds(
    Dsn,
    scheme=st.just("postgres"),
    user=words,
    password=words | st.just(""),
    hosts=st.lists(hosts, min_size=1, max_size=3).map(tuple),
    database=words.filter(lambda text: "/" not in text),
    params=params,
)
# What kine does not decode has to get along with k0smotron's sed and YAML as it is.
plain_words = words.filter(
    lambda text: text.isprintable() and "|" not in text and ": " not in text and " #" not in text
)
mysql_dsns = st.builds(
    Dsn,
    scheme=st.just("mysql"),
    user=names,
    password=plain_words.filter(lambda text: not text.startswith((" ", "#"))),
    hosts=hosts.map(lambda host: (host,)),
    database=names,
    params=params,
)


@given(postgres_dsns | mysql_dsns)
def test_what_is_built_reads_back_the_same(dsn: Dsn) -> None:
    assert parse(build(dsn)) == dsn


@given(postgres_dsns)
def test_a_postgresql_url_has_nothing_that_sed_yaml_or_a_shell_would_change(dsn: Dsn) -> None:
    url = build(Dsn(dsn.scheme, dsn.user, dsn.password, dsn.hosts, dsn.database))
    assert not set(url) & set("|&\\'\" #{}`$\n\t")


@given(st.text() | st.text(st.characters(categories=["Cs", "L"])))
def test_masking_never_raises(text: str) -> None:
    assert isinstance(mask(text), str)
    assert isinstance(mask_text(text, [text]), str)


@given(postgres_dsns | mysql_dsns)
def test_the_password_is_nowhere_in_a_masked_url(dsn: Dsn) -> None:
    marked = Dsn(dsn.scheme, dsn.user, f"{dsn.password}-S3cRet-{dsn.password}", dsn.hosts, dsn.database, dsn.params)
    url = build(marked)
    for shown in (mask(url), repr(parse(url)), str(parse(url)), f"{marked}", mask_text(f"dial {url} failed")):
        assert "S3cRet" not in shown


@given(
    st.sampled_from(["postgres", "mysql", "postgresql", "nats"]), st.text(HOSTILE + "ab1,."), st.text(HOSTILE + "h:1/")
)
def test_an_error_about_a_url_never_shows_its_password(scheme: str, before: str, after: str) -> None:
    url = f"{scheme}://user:{before}S3cRet{after}@host:5432/kine"
    try:
        shown = repr(parse(url))
    except InvalidInput as error:
        shown = str(error)
    assert "S3cRet" not in shown
    assert "S3cRet" not in mask(url)


def test_the_guides_url() -> None:
    assert parse(GUIDE) == Dsn(
        scheme="postgres",
        user="k0smotron",
        password="s3cret",
        hosts=(Host("acid-minimal-cluster.default", 5432),),
        database="kine",
        params={"sslmode": "disable"},
    )
    assert build(parse(GUIDE)) == GUIDE
    assert mask(GUIDE) == GUIDE.replace("s3cret", MASK)


@pytest.mark.parametrize(
    ("url", "field", "value"),
    [
        ("postgresql://u:p@h/kine", "scheme", "postgres"),
        ("postgres://u:p@h/kine", "hosts", (Host("h", 5432),)),
        ("postgres://u:p@[2001:db8::1]:6432/kine", "hosts", (Host("2001:db8::1", 6432),)),
        ("postgres://u:p@a:1,b:2/kine", "hosts", (Host("a", 1), Host("b", 2))),
        ("postgres://u:p%40%2F%25%7C%26@h/kine", "password", "p@/%|&"),
        ("postgres://u:a:b@h/kine", "password", "a:b"),
        ("postgres://u:a+b@h/kine", "password", "a+b"),
        ("postgres://u@h/kine", "password", ""),
        ("postgres://u:p@h/kine?a=1&a=2&b=x+y", "params", {"a": "1", "b": "x y"}),
        ("postgres://u:p@h/kine?sslrootcert=/etc/kine/ca.crt", "params", {"sslrootcert": "/etc/kine/ca.crt"}),
        ("postgres://u:p@h/kine?", "params", {}),
        ("postgres://u:p@h/Kine", "database", "Kine"),
        ("mysql://u:p@tcp(h:3307)/kine", "hosts", (Host("h", 3307),)),
        ("mysql://u:p@tcp(h)/kine", "hosts", (Host("h", 3306),)),
        ("mysql://u:p%40@tcp(h)/kine", "password", "p%40"),
        ("mysql://u:p/@x@:&@tcp(h)/kine", "password", "p/@x@:&"),
        ("mysql://u:p@tcp([::1]:1)/kine", "hosts", (Host("::1", 1),)),
        ("mysql://u:p@tcp(h)/kine?charset=utf8mb4,utf8", "params", {"charset": "utf8mb4,utf8"}),
        ("mysql://u:p@tcp(h)/kine?tls=true&loc=Europe%2FRome", "params", {"tls": "true", "loc": "Europe/Rome"}),
    ],
)
def test_reading_a_url_as_kine_does(url: str, field: str, value: object) -> None:
    assert getattr(parse(url), field) == value


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("S3cRet", "scheme is not supported"),
        ("nats://u:S3cRet@h:4222", "scheme nats is not supported"),
        ("sqlite:///S3cRet", "scheme sqlite is not supported"),
        ("S3cRet://u:p@h/kine", "scheme is not supported"),
        ("postgres://u:S3cRet|x@h/kine", "literal |"),
        ("postgres://u:S3cRet&x@h/kine", "must be percent-encoded"),
        ("postgres://u:S3cRet@x@h/kine", "must be percent-encoded"),
        ("postgres://u:S3cRet/x@h/kine", "not encoded"),
        ("postgres://u:1/S3cRet@h/kine", "not encoded"),
        ("postgres://u:S3cRet%x@h/kine", "must be percent-encoded"),
        ("postgres://u:S3cRet%4@h/kine", "must be percent-encoded"),
        ("postgres://u:S3cRet?x@h/kine", "not encoded"),
        ("postgres://u:S3cRet#x@h/kine", "not encoded"),
        ("postgres://u:S3cRet x@h/kine", "not encoded"),
        ("postgres://u:S3cRet\nx@h/kine", "line break"),
        ("postgres://u:S3cRet%FF@h/kine", "not UTF-8"),
        ("postgres://u:S3cRet%00@h/kine", "zero byte"),
        ("postgres://:S3cRet@h/kine", "no user"),
        ("postgres://h:5432/kine", "not of the form"),
        ("postgres://u:S3cRet@h", "no database"),
        ("postgres://u:S3cRet@h/", "no database"),
        ("postgres://u:S3cRet@h/?sslmode=require", "no database"),
        ("postgres://u:S3cRet@h/a/b", "no database"),
        ("postgres://u:S3cRet@h/a%2Fb", "no database"),
        ("postgres://u:S3cRet@/kine", "no host"),
        ("postgres://u:S3cRet@%2Fvar%2Frun%2Fpostgresql/kine", "unix socket"),
        ("postgres://u:S3cRet@h/kine?host=/var/run/postgresql", "gives host as a parameter"),
        ("postgres://u@h/kine?password=S3cRet", "gives password as a parameter"),
        ("postgres://u:S3cRet@h/kine?=1", "name=value"),
        ("postgres://u:S3cRet@h/kine?a=1;b=2", "name=value"),
        ("postgres://u:S3cRet@h:port/kine", "host:port"),
        ("postgres://u:S3cRet@h:0/kine", "host:port"),
        ("postgres://u:S3cRet@h:65536/kine", "host:port"),
        ("postgres://u:S3cRet@a,b:2/kine", "has no port"),
        ("postgres://u:S3cRet@[::1]:1,b:2/kine", "IPv6"),
        ("mysql://u:S3cRet|x@tcp(h:3306)/kine", "literal |"),
        ("mysql://u:S3cRet@h:3306/kine", "not of the form"),
        ("mysql://u:S3cRet@tcp/kine", "not of the form"),
        ("mysql://u:S3cRet@unix(/run/mysqld.sock)/kine", "unix socket"),
        ("mysql://u:S3cRet@tcp(h:3306)", "not of the form"),
        ("mysql://u:S3cRet@tcp(h:3306)/", "no database"),
        ("mysql://u:S3cRet@tcp(h:3306)/kine?loc=Europe/Rome", "not of the form"),
        ("mysql://u:S3cRet: x@tcp(h:3306)/kine", "YAML"),
        ("mysql://u:S3cRet #x@tcp(h:3306)/kine", "YAML"),
        ("mysql://u:S3cRet@tcp(h:3306)/kine?sql_mode=%", "name=value"),
        ("mysql://u:S3cRet@tcp(h:3306)/kine?timeout=%35s", "does not decode"),
        ("mysql://u:S3cRet@tcp(h:3306)/kine?tls=true&tls=false", "twice"),
        ("mysql://u:S3cRet@tcp(h:3306)/kine?rejectReadOnly", "no value"),
        ("mysql://u:S3cRet@tcp([::1])/kine", "no port"),
        ("mysql://u:S3cRet@tcp(h:٣٣٠٦)/kine", "host:port"),
        ("postgres://u:S3cRet@h:٣٣٠٦/kine", "host:port"),
        ("postgres://u:S3cRet@[:1]:5432/kine", "host:port"),
        ("postgres://u:S3cRet@[fe80::1%eth0]:5432/kine", "must be percent-encoded"),
        ("postgres://u:S3cRet@[fe80::1%25eth0]:5432/kine", "host:port"),
        ("postgres://u:S3cRet@h/kine?options=%ff", "not UTF-8"),
    ],
)
def test_refusing_a_url_that_breaks_on_its_way_to_kine(url: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(url)
    assert says in str(caught.value)
    assert caught.value.remedy
    assert "S3cRet" not in str(caught.value)
    assert "S3cRet" not in mask(url)


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("postgres://u:a|b@h/kine", "Percent-encode"),
        ("mysql://u:a|b@tcp(h)/kine", "choose one without |"),
        ("postgres://u:p@h:x/kine", "Percent-encode"),
        ("mysql://u:p@tcp(h:x)/kine", "tcp(host:port)"),
    ],
)
def test_what_to_do_depends_on_the_driver(url: str, remedy: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(url)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"scheme": "oracle"}, "scheme is not supported"),
        ({"user": ""}, "no user"),
        ({"hosts": ()}, "no host"),
        ({"hosts": (Host("a b", 1),)}, "host:port"),
        ({"hosts": (Host("h", 0),)}, "host:port"),
        ({"database": ""}, "no database"),
        ({"password": "S3cRet\0"}, "zero byte"),
        ({"password": "S3cRet\ud800"}, "not valid Unicode"),
        ({"params": {"a b": "1"}}, "no valid name"),
        ({"params": {"password": "S3cRet"}}, "gives password as a parameter"),
        ({"scheme": "mysql", "user": "a:b"}, "colon"),
        ({"scheme": "mysql", "password": "S3cRet|"}, "a |"),
        ({"scheme": "mysql", "password": "S3cRet\n"}, "control character"),
        ({"scheme": "mysql", "hosts": (Host("a", 1), Host("b", 2))}, "takes one host"),
    ],
)
def test_refusing_to_build_what_kine_could_not_read(changes: dict[str, t.Any], says: str) -> None:
    good: dict[str, t.Any] = {
        "scheme": "postgres",
        "user": "u",
        "password": "p",
        "hosts": (Host("h", 1),),
        "database": "d",
    }
    with pytest.raises(InvalidInput, match=says.replace("|", r"\|")) as caught:
        build(Dsn(**good | changes))
    assert "S3cRet" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgres://u:S3cRet@a:1,b:2/kine?sslmode=require", f"postgres://u:{MASK}@a:1,b:2/kine?sslmode=require"),
        ("postgres://u:S3cRet@h/k?sslpassword=S3cRet", f"postgres://u:{MASK}@h:5432/k?sslpassword={MASK}"),
        ("mysql://u:S3@cRet@tcp(h:3306)/kine?tls=true", f"mysql://u:{MASK}@tcp(h:3306)/kine?tls=true"),
        ("postgres://u:S3cRet@x@h/kine", f"postgres://{MASK}"),
        ("S3cRet", MASK),
        ("S3cRet://h", MASK),
        ("", MASK),
    ],
)
def test_masking_a_url(url: str, masked: str) -> None:
    assert mask(url) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "cannot parse `postgres://u:S3c@Ret@h:5432/kine`: bad",
            f"cannot parse `postgres://u:{MASK}@h:5432/kine`: bad",
        ),
        ("dial mysql://u:S3c Ret@x@tcp(h:1)/kine: no", f"dial mysql://u:{MASK}@tcp(h:1)/kine: no"),
        ("host=h password=S3cRet dbname=kine", f"host=h password={MASK} dbname=kine"),
        ("host=h password='S3c Ret\\'s' x=1", f"host=h password={MASK} x=1"),
        ("...?sslpassword=S3cRet&a=b", f"...?sslpassword={MASK}&a=b"),
        ("the word hidden-one", f"the word {MASK}"),
        ("p%40ss and p@ss", f"{MASK} and {MASK}"),
        ("nothing to hide at http://h/path?x=y", "nothing to hide at http://h/path?x=y"),
    ],
)
def test_masking_a_longer_text(text: str, masked: str) -> None:
    assert mask_text(text, ["hidden-one", "p@ss", ""]) == masked


def test_a_list_of_charsets_is_written_as_the_driver_reads_it() -> None:
    url = "mysql://u:p@tcp(h:3306)/kine?charset=utf8mb4,utf8"
    assert build(parse(url)) == url
