"""Leads, accounts and opportunities, to look things up; the pages are where people work with them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from leads.admin.list_filters import ValuesListFilter
from leads.admin.read_only import ReadOnly
from leads.models import Account, FollowUp, Lead, LeadMerge, Opportunity, ShownScore, Submission


@admin.register(Lead)
class LeadAdmin(ReadOnly):
    list_display = ("display_name", "email", "company", "stage", "score", "owner", "territory", "captured_at")
    list_filter = ("stage", "territory", "channel", ("owner", admin.RelatedOnlyFieldListFilter))
    search_fields = ("email", "external_id", "first_name", "last_name", "company")
    list_select_related = ("owner", "territory")
    ordering = ("-captured_at",)


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin[Account]):
    list_display = ("name", "domain", "industry", "company_size", "country", "owner")
    list_filter = (("industry", ValuesListFilter), ("country", ValuesListFilter))
    search_fields = ("name", "domain")
    autocomplete_fields = ("owner",)
    list_select_related = ("owner",)
    ordering = ("name",)
    readonly_fields = ("created_at",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        ShownScore.objects.filter(lead__account=obj).outdate()


@admin.register(Opportunity)
class OpportunityAdmin(ReadOnly):
    list_display = ("name", "stage", "status", "currency", "owner", "opened_at", "closed_at")
    list_filter = ("status", "stage", "territory")
    search_fields = ("name", "external_id", "account__name")
    list_select_related = ("stage", "owner")
    ordering = ("-opened_at",)


@admin.register(FollowUp)
class FollowUpAdmin(ReadOnly):
    list_display = ("due_at", "lead", "owner", "kind", "done_at", "outcome")
    list_filter = ("kind", "outcome")
    search_fields = ("lead__email", "owner__name")
    list_select_related = ("lead", "owner")
    ordering = ("-due_at",)


@admin.register(Submission)
class SubmissionAdmin(ReadOnly):
    list_display = ("received_at", "source", "state", "lead")
    list_filter = ("state", ("source", ValuesListFilter))
    list_select_related = ("lead",)
    ordering = ("-received_at",)


@admin.register(LeadMerge)
class LeadMergeAdmin(ReadOnly):
    """Merges are done and taken back on the lead's page."""

    list_display = ("merged_at", "survivor", "loser", "by", "undone_at")
    list_select_related = ("survivor", "loser", "by")
    search_fields = ("survivor__email", "loser__email")
    ordering = ("-merged_at",)
