"""API keys: shown once when made, kept as a hash."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from rest_framework_api_key.admin import APIKeyModelAdmin
from rest_framework_api_key.models import AbstractAPIKey, APIKey

from leads.models import ApiKey, Scope

admin.site.unregister(APIKey)  # the library's own keys open nothing here; two lists of keys confuse


class ApiKeyForm(forms.ModelForm[ApiKey]):
    scopes = forms.MultipleChoiceField(choices=Scope.choices, widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "expiry_date", "revoked")


@admin.register(ApiKey)
class ApiKeyAdmin(APIKeyModelAdmin):
    form = ApiKeyForm
    list_display = (  # type: ignore[assignment]  # the base fixes the number of columns
        "name",
        "prefix",
        "scope_list",
        "created",
        "expiry_date",
        "last_used_on",
        "revoked",
    )
    list_filter = ("revoked",)
    search_fields = ("name", "prefix")
    ordering = ("-created",)
    fields = ("name", "scopes", "expiry_date", "revoked")

    @admin.display(description="scopes")
    def scope_list(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    def save_model(self, request: HttpRequest, obj: AbstractAPIKey, form: Any = None, change: bool = False) -> None:
        if isinstance(obj, ApiKey) and not change:
            obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)
