"""Django's settings. What differs between installations comes from `env.py`; nothing else reads the environment."""

from __future__ import annotations

from typing import Any

from csp.constants import NONE, SELF
from psycopg.conninfo import conninfo_to_dict

from dashboard.env import BASE_DIR, read_environment

ENV = read_environment()

# Never Django's own: its error pages show settings and source, and are of no use to the people who use Runboard. Traces
# are in the log. ENV.debug decides what a checkout needs besides.
DEBUG = False
SECRET_KEY = ENV.secret_key
ALLOWED_HOSTS = list(ENV.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(ENV.csrf_trusted_origins)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_htmx",
    "dashboard.teams",
    "dashboard.schema_forms",
    "dashboard.servers",
    "dashboard.runs",
    "dashboard.steps",
    "dashboard.retention",
    "dashboard.costs",
    "dashboard.compare",
    "dashboard.history",
    "dashboard.launch",
    "dashboard.assistants",
    "dashboard.answers",
    "dashboard.worker",
    "dashboard.monitoring",
    "dashboard.live",
    "dashboard.sharing",
    "dashboard.handover",
    "dashboard.local",
]

if ENV.openid:  # for its protocol alone; none of its addresses or pages is served
    INSTALLED_APPS += ["dashboard.teams.openid.allauth.Accounts", "dashboard.teams.openid.allauth.SocialAccounts"]
SOCIALACCOUNT_ADAPTER = "dashboard.teams.openid.provider.Outgoing"

MIDDLEWARE = [
    # Outside of everything that may refuse, so that refusals carry their headers too.
    "dashboard.web.answers.every_answer",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dashboard.middleware.database_outage",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "dashboard.teams.middleware.token_sign_in",
    "dashboard.web.bodies.body_limit",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "dashboard.middleware.SignInRequired",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dashboard.teams.middleware.current_team",
    "dashboard.middleware.other_team",
]

ROOT_URLCONF = "dashboard.urls"
ASGI_APPLICATION = "dashboard.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["dashboard.addresses"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

FORM_RENDERER = "dashboard.widgets.Widgets"

_LIVENESS = {"keepalives_idle": 4, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}


def _database(url: str) -> dict[str, Any]:
    parts: dict[str, Any] = dict(conninfo_to_dict(url))
    known = {
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "") or ""),
    }
    parts.setdefault("connect_timeout", 5)
    # A connection that dies silently (a vanished host, a firewall that forgets) is given up within ten seconds.
    for option, value in _LIVENESS.items():
        parts.setdefault(option, value)
    # A pool, because under ASGI every request may run in a thread of its own. `reconnect_timeout` is short so that the
    # pool asks again as soon as Postgres is back, instead of backing off for minutes.
    pool = {"min_size": 1, "max_size": 12, "timeout": 5, "reconnect_timeout": 1}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **known,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**parts, "pool": pool},
    }


DATABASE_URL = ENV.database_url
DATABASES = {"default": _database(DATABASE_URL)}

AUTH_USER_MODEL = "teams.User"
LOGIN_URL = "login"
if ENV.mail:
    EMAIL_HOST, EMAIL_PORT = ENV.mail.host, ENV.mail.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = ENV.mail.user, ENV.mail.password
    EMAIL_USE_TLS, EMAIL_USE_SSL = ENV.mail.encryption == "starttls", ENV.mail.encryption == "tls"
    EMAIL_TIMEOUT = 10
    DEFAULT_FROM_EMAIL = ENV.mail.sender

LOGIN_REDIRECT_URL = "run-list"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

# Behind a proxy that speaks https the trusted origins say so; on plain http a Secure cookie would never come back.
_HTTPS = bool(CSRF_TRUSTED_ORIGINS) and all(origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _HTTPS else None
SECURE_SSL_REDIRECT = _HTTPS
SECURE_REDIRECT_EXEMPT = ["^healthz$"]  # monitoring asks the process directly, not through the proxy
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
# A place in the browsers' own list is the domain owner's to ask for, not ours.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
CSRF_FAILURE_VIEW = "dashboard.errors.form_too_old"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
    }
}

# Forms carry JSON documents typed and pasted by people. Strangers may send less: see `dashboard.web.bodies`.
DATA_UPLOAD_MAX_MEMORY_SIZE = ENV.body_max_mb * 1024 * 1024
# A form made from a schema of 500 fields posts some 2,000 controls.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = ENV.debug
STATIC_URL = "static/"
STATIC_ROOT = ENV.data_dir / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if ENV.debug
        else "dashboard.static_files.HashedStaticFiles"
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {
        "hide_tokens": {"()": "dashboard.logs.HideTokens"},
        "from_outside": {"()": "dashboard.logs.FromOutside"},
        "throttle": {"()": "dashboard.logs.Throttle"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["hide_tokens", "from_outside", "throttle"],
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"httpx": {"level": "WARNING"}, "daphne": {"level": "WARNING"}},
}
