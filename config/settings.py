"""One settings file for every environment; what differs comes from typed environment variables.

``PORTAL_MODE`` is one of ``production`` (the default: refuses unsafe values), ``demo`` (``make demo``: one machine,
plain HTTP on loopback), ``dev`` and ``test``.
"""

import os
from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import env
from config.logs import structlog_logging

# Lets annotations such as ModelAdmin[Lead] stand at run time, too.
django_stubs_ext.monkeypatch()

# Before anybody imports NumPy. Its linear algebra is used on small systems, which more threads make no faster; on a
# busy machine they wait for each other, spinning.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

BASE_DIR = Path(__file__).resolve().parent.parent

MODE: str = env.choice("PORTAL_MODE", "production", ("production", "demo", "dev", "test"))
IS_PRODUCTION = MODE == "production"
DEBUG = MODE == "dev" and env.flag("DEBUG", False)

VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var")))
NUM_PROXIES: int = env.count("NUM_PROXIES", 0, most=20)
PORTAL_URL: str = env.address("PORTAL_URL", "" if IS_PRODUCTION else "http://127.0.0.1:8000")

_INSECURE_KEY = "not-a-secret: used by dev and test only"
SECRET_KEY: str = env.text("SECRET_KEY", "" if IS_PRODUCTION else _INSECURE_KEY)
# Separate from SECRET_KEY, so that rotating sessions never makes stored CRM secrets unreadable. Newest first.
FIELD_ENCRYPTION_KEYS: list[str] = env.keys("FIELD_ENCRYPTION_KEYS", [] if IS_PRODUCTION else [SECRET_KEY])
ALLOWED_HOSTS: list[str] = env.hosts(
    "ALLOWED_HOSTS", [] if IS_PRODUCTION else ["127.0.0.1", "localhost", "[::1]", "testserver"]
)
CSRF_FAILURE_VIEW = "leads.views.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS: list[str] = env.addresses("CSRF_TRUSTED_ORIGINS", [PORTAL_URL] if PORTAL_URL else [])

if IS_PRODUCTION:
    missing = [
        name
        for name, value in {
            "SECRET_KEY": len(SECRET_KEY) >= 50 and SECRET_KEY != _INSECURE_KEY,
            "FIELD_ENCRYPTION_KEYS": bool(FIELD_ENCRYPTION_KEYS) and SECRET_KEY not in FIELD_ENCRYPTION_KEYS,
            "ALLOWED_HOSTS": bool(ALLOWED_HOSTS) and "*" not in ALLOWED_HOSTS,
            "PORTAL_URL": PORTAL_URL.startswith("https://"),
            "DATABASE_URL": bool(env.text("DATABASE_URL", "")),
            "REDIS_URL": bool(env.text("REDIS_URL", "")),
            "EMAIL_URL": bool(env.text("EMAIL_URL", "")),
        }.items()
        if not value
    ]
    if missing:
        raise ImproperlyConfigured(
            f"Production refuses to start: {', '.join(missing)} missing or unsafe. See docs/deploy.md."
        )

INSTALLED_APPS = [
    "config",
    "alignment",
    "attribution",
    "integrations",
    "leads",
    "config.apps.AdministrationConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "rest_framework",
    "rest_framework_api_key",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
    "django_celery_beat",
    "django_structlog",
    "simple_history",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "leads.api.middleware.RateLimitHeaders",
    "leads.views.who_writes.WhoWrites",
    "leads.views.past_links.KeepAsOf",
    "leads.views.errors.NotAllowedPages",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["leads.templatetags.ui"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "config.context.portal",
            ],
        },
    }
]

# --- data -----------------------------------------------------------------------------------------------------------
DATABASES: dict[str, Any] = {"default": env.database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'portal.sqlite3'}")}
IS_SQLITE = "sqlite3" in DATABASES["default"]["ENGINE"]
# Ours tell the triggers that keep the past who writes.
DATABASES["default"]["ENGINE"] = f"leads.past.backends.{'sqlite3' if IS_SQLITE else 'postgresql'}"
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if IS_SQLITE:
    # WAL alone still fails most read-then-write transactions under eight writers; IMMEDIATE and a time-out make all
    # of them wait their turn instead. config.checks reads the values back.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA foreign_keys=ON;"
            "PRAGMA mmap_size=268435456;PRAGMA cache_size=-32000;PRAGMA temp_store=MEMORY;"
        ),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "leads.User"

REDIS_URL: str = env.broker("REDIS_URL", "")
CACHES: dict[str, Any] = {
    "default": (
        {
            "BACKEND": "config.cache.SharedOrOwn",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
        }
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

# --- Celery ---------------------------------------------------------------------------------------------------------
# redis-py writes unix sockets as unix://, kombu as redis+socket://.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1) if REDIS_URL else "memory://"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 1800
CELERY_TASK_SOFT_TIME_LIMIT = 1740
CELERY_TASK_ALWAYS_EAGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
# The lease must outlast the longest task, or a healthy long task is handed to a second worker.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": CELERY_TASK_TIME_LIMIT + 600,
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
    # A frozen broker must not hang a web request: publishing is only a hint, the sweeper finds the work anyway.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.5,
}
CELERY_TASK_PUBLISH_RETRY = False

# --- sign-in --------------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "config.accounts.StaffMadeAccounts"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
# Without it everybody behind the proxy would share one address, and one person's typing errors lock all out.
ALLAUTH_TRUSTED_PROXY_COUNT = NUM_PROXIES
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
if MODE == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    ACCOUNT_RATE_LIMITS = {}

# --- API ------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "leads.api.keys.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["leads.api.keys.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["leads.api.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "leads.api.pagination.CursorPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["leads.api.throttles.KeyThrottle"],
    "DEFAULT_THROTTLE_RATES": {"key": env.rate("API_RATE", "1200/min")},
    "EXCEPTION_HANDLER": "leads.api.problems.problem_response",
    "NUM_PROXIES": NUM_PROXIES,
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "RevOps portal API",
    "DESCRIPTION": "Capture leads, read attribution and performance. Errors are RFC 9457 problem documents.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "ENUM_NAME_OVERRIDES": {"SubmissionState": "leads.models.capture.Submission.State"},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "leads.api.schema.describe_rates_and_trouble",
    ],
    "AUTHENTICATION_WHITELIST": ["leads.api.keys.KeyAuthentication"],
}
API_MAX_BODY_BYTES = 5 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = API_MAX_BODY_BYTES

# --- pages ----------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
USE_THOUSAND_SEPARATOR = True
# The admin writes dates and times as the portal does.
FORMAT_MODULE_PATH = ["config.formats"]
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR_DIR / "uploads"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if IS_PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = not IS_PRODUCTION
WHITENOISE_AUTOREFRESH = MODE == "dev"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
if IS_PRODUCTION:
    SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", True)
    SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    # The __Host- prefix makes browsers refuse a cookie planted from a sibling sub-domain.
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    if env.flag("BEHIND_PROXY", False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- mail -----------------------------------------------------------------------------------------------------------
_email = env.mail("EMAIL_URL", "" if IS_PRODUCTION else f"file:///{VAR_DIR / 'mail'}")
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_FILE_PATH = _email["EMAIL_FILE_PATH"] or str(VAR_DIR / "mail")
EMAIL_HOST = _email["EMAIL_HOST"]
EMAIL_PORT = _email["EMAIL_PORT"]
EMAIL_HOST_USER = _email["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = _email["EMAIL_USE_TLS"]
EMAIL_USE_SSL = _email["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = 10
# Where an email service tells what became of mails: /webhooks/email/<service>/<secret>. Without a secret: nowhere.
EMAIL_WEBHOOK_SECRET: str = env.secret("EMAIL_WEBHOOK_SECRET")
EMAIL_WEBHOOK_SIGNING_KEY: str = env.text("EMAIL_WEBHOOK_SIGNING_KEY", "")
DEFAULT_FROM_EMAIL: str = env.sender("DEFAULT_FROM_EMAIL", "portal@localhost")

# --- integrations ---------------------------------------------------------------------------------------------------
# The sandbox CRM lives on loopback; production never talks to private addresses unless an operator says so.
SANDBOX_CRM_ALLOWED: bool = env.flag("SANDBOX_CRM_ALLOWED", not IS_PRODUCTION)
# Where it is and what opens it, for those who try a connection without an account of their own.
SANDBOX_CRM_URL: str = env.address("SANDBOX_CRM_URL", "")
SANDBOX_CRM_TOKEN: str = env.text("SANDBOX_CRM_TOKEN", "")

# --- logs -----------------------------------------------------------------------------------------------------------
LOGGING = structlog_logging(
    as_json=IS_PRODUCTION, level=env.level("LOG_LEVEL", "INFO" if MODE != "test" else "WARNING")
)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
