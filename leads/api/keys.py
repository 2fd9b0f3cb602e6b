"""API keys: ``Authorization: Bearer <key>`` with scopes; people signed in on pages may read with their session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from leads.models import ApiKey, User
from leads.past.acting import Door, act_on

if TYPE_CHECKING:  # DRF's settings import this module while its views are still loading
    from rest_framework.views import APIView


class KeyAuthentication(BaseAuthentication):
    """Finds the key by its prefix and compares hashes; sets ``request.auth`` to the :class:`ApiKey`."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        header = get_authorization_header(request).split()
        if not header or header[0].lower() != b"bearer":
            return None
        if len(header) != 2:
            raise AuthenticationFailed("The Authorization header must be: Bearer <key>.")
        try:
            key = cast(ApiKey, ApiKey.objects.get_from_key(header[1].decode("ascii")))
        except (ApiKey.DoesNotExist, UnicodeDecodeError) as error:
            raise AuthenticationFailed("The API key is unknown or revoked.") from error
        if key.has_expired:
            raise AuthenticationFailed("The API key has expired.")
        today = timezone.now().date()
        if key.last_used_on != today:
            ApiKey.objects.filter(pk=key.pk).update(last_used_on=today)
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class HasScope(BasePermission):
    """A key needs the view's ``required_scope``; a signed-in person may only read, and must see the whole company.

    A view without ``required_scope`` is closed: forgetting it must not open it.
    """

    message = "The API key lacks the scope that this request needs."

    def has_permission(self, request: Request, view: APIView) -> bool:
        scope = getattr(view, "required_scope", None)
        if scope is None:
            return False
        if isinstance(request.auth, ApiKey):
            self.message = f"The API key lacks the scope {scope}."
            act_on(Door.API, source=request.auth.name, because=str(scope))
            return scope in request.auth.scopes
        person: Any = request.user
        if not isinstance(person, User):
            return False
        act_on(Door.API, actor=person.pk, because=person.right)
        if request.method not in SAFE_METHODS:
            self.message = f"A signed-in person reads only. Send an API key with the scope {scope}."
            return False
        self.message = f"Your role sees a part of the company, and the API answers for all of it: {person.right}."
        return person.sees_all
