"""Which website an app belongs to: the app of a service is another door to the same service."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

SCHEMES = ("android-app", "ios-app")

# Apps whose id does not name the website. Android: package; iOS: bundle, or the number in the App Store.
_SITES: Mapping[str, str] = {
    # mail
    "com.google.android.gm": "mail.google.com",
    "com.google.android.gm.lite": "mail.google.com",
    "com.google.gmail": "mail.google.com",
    "422689480": "mail.google.com",
    "com.microsoft.office.outlook": "outlook.live.com",
    "951937596": "outlook.live.com",
    "com.yahoo.mobile.client.android.mail": "mail.yahoo.com",
    "577586159": "mail.yahoo.com",
    "ch.protonmail.android": "mail.proton.me",
    "ru.mail.mailapp": "e.mail.ru",
    # search
    "com.google.android.googlequicksearchbox": "google.com",
    "com.google.googlemobile": "google.com",
    "284815942": "google.com",
    "com.microsoft.bing": "bing.com",
    "com.duckduckgo.mobile.android": "duckduckgo.com",
    "com.ecosia.android": "ecosia.org",
    "ru.yandex.searchplugin": "yandex.ru",
    # social
    "com.google.android.youtube": "youtube.com",
    "com.google.ios.youtube": "youtube.com",
    "544007664": "youtube.com",
    "288429040": "linkedin.com",
    "284882215": "facebook.com",
    "454638411": "facebook.com",
    "389801252": "instagram.com",
    "com.burbn.instagram": "instagram.com",
    "com.instagram.barcelona": "threads.net",
    "com.burbn.barcelona": "threads.net",
    "333903271": "twitter.com",
    "com.atebits.tweetie2": "twitter.com",
    "1064216828": "reddit.com",
    "429047995": "pinterest.com",
    "pinterest": "pinterest.com",
    "835599320": "tiktok.com",
    "com.zhiliaoapp.musically": "tiktok.com",
    "com.ss.android.ugc.trill": "tiktok.com",
    "org.telegram.messenger": "t.me",
    "org.telegram.messenger.web": "t.me",
    "ph.telegra.telegraph": "t.me",
    "686449807": "t.me",
    "com.vkontakte.android": "vk.com",
    "xyz.blueskyweb.app": "bsky.app",
    "org.joinmastodon.android": "mastodon.social",
}
# Vendors of many services: the beginning of the id does not tell which.
_MANY = frozenset({"com.google", "com.android", "com.apple", "com.microsoft", "com.yahoo", "com.amazon", "com.sec"})
_ENDINGS = frozenset({"com", "org", "net", "de", "io", "co", "fr", "nl", "ru", "me", "app", "social"})


def site_of(referrer: str) -> str:
    """The host of the website behind an app's referrer; empty where it is no app's, or nobody can tell.

    ``android-app://<package>/<scheme>/<host>`` and ``ios-app://<number>/<scheme>/<host>`` name a page as well. An id
    such as com.linkedin.android is the website's name read backwards.
    """
    try:
        parts = urlsplit(referrer.strip().casefold())
        app = parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme not in SCHEMES or not app:
        return ""
    if app in _SITES:
        return _SITES[app]
    labels = app.split(".")
    if len(labels) >= 2 and labels[0] in _ENDINGS and ".".join(labels[:2]) not in _MANY:
        return f"{labels[1]}.{labels[0]}"
    scheme, _, rest = parts.path.strip("/").partition("/")
    return rest.partition("/")[0] if scheme in ("http", "https") else ""
