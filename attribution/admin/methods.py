"""Admin of a company's own methods."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from attribution.actions.save_custom_method import save_custom_method
from attribution.models import CustomMethod
from attribution.queries.rules import built


class CustomMethodForm(forms.ModelForm[CustomMethod]):
    """Shares in percent; the model says in words when they do not sum to 100."""

    class Meta:
        model = CustomMethod
        fields = ("name", "slug", *CustomMethod.SHARES, "excludes_self_initiated", "is_active")


@admin.register(CustomMethod)
class CustomMethodAdmin(admin.ModelAdmin[CustomMethod]):
    """The company's own methods. They are switched off rather than deleted: old credits name them."""

    form = CustomMethodForm
    list_display = ("name", "key", "sentence", "version", "changed_at", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "slug")
    ordering = ("name",)
    readonly_fields = ("sentence", "version", "changed_at")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ("name", "slug", "is_active")}),
        (
            "Shares in percent, together 100",
            {"fields": (*CustomMethod.SHARES, "excludes_self_initiated", "sentence", "version", "changed_at")},
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: CustomMethod | None = None) -> Any:
        return self.readonly_fields if obj is None else ("slug", *self.readonly_fields)

    def get_prepopulated_fields(self, request: HttpRequest, obj: CustomMethod | None = None) -> Any:
        return self.prepopulated_fields if obj is None else {}

    def has_delete_permission(self, request: HttpRequest, obj: CustomMethod | None = None) -> bool:
        return False

    @admin.display(description="in words")
    def sentence(self, method: CustomMethod) -> str:
        return built(method).sentence if method.pk else "shown once it is saved"

    def save_model(self, request: HttpRequest, obj: CustomMethod, form: Any, change: bool) -> None:
        save_custom_method(method=obj, at=timezone.now())
