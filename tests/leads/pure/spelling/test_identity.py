"""One spelling for each address, domain, phone number and country."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pure.spelling.identity import (
    InvalidCountry,
    InvalidDomain,
    InvalidEmail,
    company_domain,
    email_domain,
    is_free_mail,
    is_internal,
    normalize_country,
    normalize_domain,
    normalize_email,
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("  Ada.Byron@Example.COM\r\n", "ada.byron@example.com"),
        ("u+tag@mail.example.co.uk", "u+tag@mail.example.co.uk"),
        ("info@Bücher.de", "info@xn--bcher-kva.de"),
        ("info@xn--bcher-kva.de", "info@xn--bcher-kva.de"),
        ("jose\u0301@example.com", "josé@example.com"),
        ("a@r3---sn.example.com", "a@r3---sn.example.com"),
        ("a@example.com.", "a@example.com"),
    ],
)
def test_addresses_get_one_spelling(raw: str, expected: str) -> None:
    assert normalize_email(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "", "   ", "ada", "@example.com", "ada@", "ada@localhost",
        "a@x, evil@y", "a@x.de, evil@y.de", "a@x.de;b@y.de", "Ada <ada@example.com>", "a@b@example.com",
        "a b@example.com", "a\x00b@example.com", "a@exam\x00ple.com", "a\ud800@example.com", "a@\udfff.com",
        "a\u200b@example.com", "a\nb@example.com", "a\r\nBcc: x@y.de",
        ".a@example.com", "a.@example.com", "a..b@example.com", '"a b"@example.com',
        "a@-x.com", "a@x-.com", "a@x..com", "a@x_y.com", "a@127.0.0.1", "a@[127.0.0.1]",
        "a\uff20example.com", "a@ex\uff20ample.com",
        "a" * 65 + "@example.com", "a@" + "b" * 64 + ".com", "a@" + "b." * 130 + "com",
    ],
)  # fmt: skip
def test_what_is_no_single_address_is_refused_in_words(raw: str) -> None:
    with pytest.raises(InvalidEmail) as refusal:
        normalize_email(raw)
    assert str(refusal.value).endswith(".")
    assert "\x00" not in str(refusal.value)


@given(st.text(max_size=30), st.text(max_size=30))
def test_normalizing_twice_changes_nothing_and_never_breaks(local: str, domain: str) -> None:
    for raw in (f"{local}@{domain}.com", f"{local}@{domain}", local):
        try:
            email = normalize_email(raw)
        except InvalidEmail:
            continue
        assert normalize_email(email) == email
        assert email.count("@") == 1
        assert len(email.encode()) <= 254
        assert email_domain(email).isascii()


def test_free_mail_says_nothing_about_the_employer() -> None:
    for domain in ("gmail.com", "web.de", "yahoo.co.uk", "hotmail.fr", "outlook.com.br", "qq.com"):
        assert is_free_mail(domain)
        assert company_domain(f"ada@{domain}") is None
    for domain in ("acme.com", "yahoo.example.com", "outlook.acme.com", "gmx-technik.de"):
        assert not is_free_mail(domain)
        assert company_domain(f"ada@{domain}") == domain


def test_own_people_are_internal_below_own_domains_only() -> None:
    assert is_internal("a@acme.com", ["acme.com"])
    assert is_internal("a@uk.acme.com", ["acme.com"])
    assert not is_internal("a@notacme.com", ["acme.com"])
    assert not is_internal("a@acme.com", [])
    assert not is_internal("a@acme.com", [""])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("https://www.Acme.com/about?x=1", "acme.com"),
        ("WWW.acme.com", "acme.com"),
        ("acme.com:8080", "acme.com"),
        ("www.com", "www.com"),
        ("münchen.de", "xn--mnchen-3ya.de"),
    ],
)
def test_domains_come_from_whatever_people_paste(raw: str, expected: str) -> None:
    assert normalize_domain(raw) == expected


@pytest.mark.parametrize("raw", ["", "acme", "http://", "http://[", "a b.com", "10.0.0.1", "acme..com"])
def test_what_is_no_domain_is_refused(raw: str) -> None:
    with pytest.raises(InvalidDomain):
        normalize_domain(raw)


@given(st.text(max_size=30))
def test_domains_never_break(raw: str) -> None:
    try:
        domain = normalize_domain(raw)
    except InvalidDomain:
        return
    assert normalize_domain(domain) == domain


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (" de ", "DE"), ("DEU", "DE"), ("uk", "GB"), ("USA", "US"), ("U.S.A.", "US"),
        ("Germany", "DE"), ("Deutschland", "DE"), ("Allemagne", "DE"), ("United States", "US"),
        ("United Kingdom", "GB"), ("England", "GB"), ("The Netherlands", "NL"), ("Österreich", "AT"),
        ("Osterreich", "AT"), ("Korea, Republic of", "KR"), ("Viet Nam", "VN"), ("Turkey", "TR"), ("Türkiye", "TR"),
        ("Großbritannien", "GB"), ("Grossbritannien", "GB"), ("Oesterreich", "AT"), ("Republic of Ireland", "IE"),
        ("Kosovo", "XK"), ("EE.UU.", "US"), ("Gran Bretaña", "GB"), ("Tuerkei", "TR"), ("PRC", "CN"),
        ("Deutschland (DE)", "DE"), ("DE - Germany", "DE"), ("Schweiz/Suisse", "CH"), ("England, UK", "GB"),
        ("\U0001f1e9\U0001f1ea Germany", "DE"), ("Bahamas, The", "BS"), ("Republic of Korea", "KR"), ("276", "DE"),
        ("Hong Kong SAR", "HK"), ("KSA", "SA"), ("GER", "DE"), ("036", "AU"),
        ("Côte d’Ivoire", "CI"), ("Bosnia & Herzegovina", "BA"), ("日本", "JP"), ("Niger", "NE"), ("Nigeria", "NG"),
    ],
)  # fmt: skip
def test_countries_are_known_by_code_and_by_name(raw: str, code: str) -> None:
    assert normalize_country(raw) == code
    assert normalize_country(code) == code


@pytest.mark.parametrize(
    "raw", ["", "XX", "D", "ß", "Utopia", "Europe", "-", "Kon\u202ego", "+36", "49", "Georgia, US", "Germany, Berlin"]
)
def test_what_is_no_country_is_refused_in_words(raw: str) -> None:
    with pytest.raises(InvalidCountry, match=r"is not a country\. .*\.$"):
        normalize_country(raw)
