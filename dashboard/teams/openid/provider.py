"""The protocol, by django-allauth: discovery, state, PKCE, the exchange of the code. Nonce and ID token are ours.

Its requests do not pass the guard of docs/adr/0009, which is for addresses from admins of teams. The issuer is
set in the environment by the operator, and may well be on a private network. The addresses that it names
must be as safe (https), no redirect is followed, and the proxy is the environment's.
"""

from __future__ import annotations

import secrets
from typing import Any

import jwt
import requests
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from dashboard.env import OpenID
from dashboard.teams.openid.claims import Claims, ClaimsUnusable, claims_read

PATIENCE_S = 5.0
REMEMBERED_S = 300
"""How long to keep the provider's description of itself."""
LEEWAY_S = 60
"""How far the provider's clock may be off."""
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Those with a public key. With a shared secret, anybody who has it could write ID tokens."""
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
NEXT = "next"


class ProviderFailed(Exception):
    """The provider cannot be reached, or does not identify anybody."""


class _Session(requests.Session):
    def request(self, method: str, url: str, **options: Any) -> Any:  # type: ignore[override]
        proxy = settings.ENV.proxy_for(url)
        self.trust_env = False  # also not ~/.netrc
        options |= {"allow_redirects": False, "timeout": PATIENCE_S}
        return super().request(method, url, proxies={"http": proxy, "https": proxy} if proxy else {}, **options)


class Outgoing(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """How allauth sends requests."""

    def get_requests_session(self) -> requests.Session:
        """A session with a timeout that follows no redirect."""
        return _Session()


class _Protocol(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    def __init__(self, request: HttpRequest, found: OpenID) -> None:
        super().__init__(request, "openid")
        self.found = found

    def get_provider(self) -> OpenIDConnectProvider:
        app = SocialApp(
            provider="openid_connect",
            provider_id="openid",
            name=self.found.name,
            client_id=self.found.client_id,
            secret=self.found.client_secret,
            settings={"server_url": self.found.issuer, "oauth_pkce_enabled": True, "scope": list(self.found.scopes)},
        )
        return _Provider(self.request, app=app, protocol=self)

    @property
    def openid_config(self) -> dict[str, Any]:
        """The provider's description of itself, checked."""
        key = f"openid-{self.found.issuer}"
        described: dict[str, Any] | None = cache.get(key)
        if described is None:
            described = super().openid_config
            if str(described.get("issuer", "")).rstrip("/") != self.found.issuer:
                raise OAuth2Error("the provider calls itself something else than OIDC_ISSUER")
            for name in (*ENDPOINTS, "userinfo_endpoint"):
                address = str(described.get(name) or "")
                if name in ENDPOINTS and not address:
                    raise OAuth2Error(f"the provider names no {name}")
                if self.found.issuer.startswith("https://") and address and not address.startswith("https://"):
                    raise OAuth2Error(f"the provider's {name} is not https")
            cache.set(key, described, REMEMBERED_S)
        return described

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return request.build_absolute_uri(reverse("openid-callback"))

    def claims(self, state: dict[str, Any]) -> Claims:
        """Exchange the code of this request, and read who signed in."""
        app = self.get_provider().app
        client = self.get_client(self.request, app)
        answer = self.get_access_token_data(self.request, app, client, pkce_code_verifier=state["pkce_code_verifier"])
        said = self._read_id_token(answer["id_token"], app.client_id)
        if not secrets.compare_digest(str(said["nonce"]).encode(), str(state["nonce"]).encode()):
            raise OAuth2Error("the ID token was made for another sign-in")
        if self.openid_config.get("userinfo_endpoint"):
            more = self._fetch_user_info(answer["access_token"])
            if more.get("sub") != said["sub"]:
                raise OAuth2Error("the ID token and userinfo are about two people")
            said = more | said
        return claims_read(self.found, said)

    def _read_id_token(self, token: str, audience: str) -> dict[str, Any]:
        """The claims of the ID token. Verified although it came by TLS; its header need not name the key."""
        with _Session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
        keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        named = jwt.get_unverified_header(token).get("kid")
        key = next(key for key in keys if named in (None, key.key_id))
        said: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=ALGORITHMS,
            audience=audience,
            issuer=self.openid_config["issuer"],
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "sub", "nonce"]},
        )
        return said


class _Provider(OpenIDConnectProvider):  # type: ignore[misc]
    def __init__(self, request: HttpRequest, app: SocialApp, protocol: _Protocol) -> None:
        super().__init__(request, app=app)
        self.protocol = protocol

    def get_oauth2_adapter(self, request: HttpRequest) -> _Protocol:
        return self.protocol


_NO_SHAPE = (KeyError, TypeError, ValueError, AttributeError, StopIteration)
"""The provider's answer breaks the protocol."""
_FAILURES = (OAuth2Error, ClaimsUnusable, requests.RequestException, jwt.PyJWTError, *_NO_SHAPE)


def begin(request: HttpRequest, found: OpenID, following: str) -> HttpResponse:
    """The address of the provider. State, code verifier and nonce wait in the session.

    Raises:
        ProviderFailed: it cannot be reached.
    """
    try:
        provider, nonce = _Protocol(request, found).get_provider(), secrets.token_urlsafe(24)
        asked = {**provider.get_auth_params(), "nonce": nonce}
        answer: HttpResponse = provider.redirect(
            request, process="login", next_url=following, auth_params=asked, nonce=nonce
        )
    except _FAILURES as error:
        raise ProviderFailed(str(error)) from error
    return answer


def state_take(request: HttpRequest) -> dict[str, Any] | None:
    """The sign-in that this browser began with the `state` of this request, once; None without one."""
    given = request.GET.get("state", "")
    state: dict[str, Any] | None = statekit.unstash_state(request, provider_id="openid", state_id=given)
    return state


def finish(request: HttpRequest, found: OpenID, state: dict[str, Any]) -> Claims:
    """The claims of the person who came back from the provider.

    Raises:
        ProviderFailed: it cannot be reached, or its answer is not valid.
    """
    try:
        return _Protocol(request, found).claims(state)
    except _FAILURES as error:
        raise ProviderFailed(f"{type(error).__name__}: {error}") from error
