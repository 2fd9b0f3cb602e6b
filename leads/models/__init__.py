"""Nouns of the system of record."""

from leads.models.account import Account
from leads.models.activity import Activity
from leads.models.campaign import Campaign, CampaignCost, Channel, ChannelRule, ChannelRuleVersion
from leads.models.campaign_member import CampaignMember, CampaignResponse
from leads.models.capture import ApiKey, IdempotentAnswer, MailTrace, Scope, Submission, SuppressedAddress
from leads.models.change import Change
from leads.models.company import Company, ExchangeRate
from leads.models.cost_history import CostChange, CostDoor, CostEntry
from leads.models.duplicate import Duplicate, IdentityKey
from leads.models.enrollment import Enrollment, HoldOutArm, StepRun, WorkflowMail, WorkflowSweep
from leads.models.follow_up import FollowUp
from leads.models.handover import DismissedProposal, Qualification, QuestionSet, Recycling
from leads.models.import_file import ImportKind, ImportMapping, ImportRowError, ImportRun
from leads.models.invitation import Invitation
from leads.models.job import JobRun
from leads.models.lead import DETAILS, OPEN_STAGES, Consent, Lead, LeadEvent, LifecyclePassage, RejectionReason, Stage
from leads.models.listing import BulkRow, BulkRun, SavedView
from leads.models.merge import LeadMerge
from leads.models.notification import ChatDestination, Notification, NotificationPreference
from leads.models.opportunity import (
    DealStatus,
    ForecastCategory,
    Opportunity,
    OpportunityChange,
    OpportunityContact,
    PipelineStage,
)
from leads.models.rep_hours import RepHours
from leads.models.routing_simulation import RoutingSimulation, SimulatedLead
from leads.models.scoring import BackTest, LeadScore, ScoringRule, ScoringRuleSet, ShownScore
from leads.models.territory import Assignment, RoutingVersion, Territory, TerritoryRep, TerritoryRule
from leads.models.touchpoint import TouchChannelChange, TouchKind, Touchpoint
from leads.models.transfer import Transfer, TransferItem
from leads.models.user import RepAbsence, RepCapacity, Role, Theme, User
from leads.models.web_form import (
    ConfirmationMail,
    ConsentText,
    FormKind,
    FormViews,
    PageView,
    TrackedSite,
    WebForm,
)
from leads.models.webhook import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from leads.models.workflow import Workflow, WorkflowStep, WorkflowVersion

__all__ = [
    "DETAILS",
    "OPEN_STAGES",
    "Account",
    "Activity",
    "ApiKey",
    "Assignment",
    "BackTest",
    "BulkRow",
    "BulkRun",
    "Campaign",
    "CampaignCost",
    "CampaignMember",
    "CampaignResponse",
    "Change",
    "Channel",
    "ChannelRule",
    "ChannelRuleVersion",
    "ChatDestination",
    "Company",
    "ConfirmationMail",
    "Consent",
    "ConsentText",
    "CostChange",
    "CostDoor",
    "CostEntry",
    "DealStatus",
    "DismissedProposal",
    "Duplicate",
    "Enrollment",
    "ExchangeRate",
    "FollowUp",
    "ForecastCategory",
    "FormKind",
    "FormViews",
    "HoldOutArm",
    "IdempotentAnswer",
    "IdentityKey",
    "ImportKind",
    "ImportMapping",
    "ImportRowError",
    "ImportRun",
    "Invitation",
    "JobRun",
    "Lead",
    "LeadEvent",
    "LeadMerge",
    "LeadScore",
    "LifecyclePassage",
    "MailTrace",
    "Notification",
    "NotificationPreference",
    "Opportunity",
    "OpportunityChange",
    "OpportunityContact",
    "PageView",
    "PipelineStage",
    "Qualification",
    "QuestionSet",
    "Recycling",
    "RejectionReason",
    "RepAbsence",
    "RepCapacity",
    "RepHours",
    "Role",
    "RoutingSimulation",
    "RoutingVersion",
    "SavedView",
    "Scope",
    "ScoringRule",
    "ScoringRuleSet",
    "ShownScore",
    "SimulatedLead",
    "Stage",
    "StepRun",
    "Submission",
    "SuppressedAddress",
    "Territory",
    "TerritoryRep",
    "TerritoryRule",
    "Theme",
    "TouchChannelChange",
    "TouchKind",
    "Touchpoint",
    "TrackedSite",
    "Transfer",
    "TransferItem",
    "User",
    "WebForm",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
    "Workflow",
    "WorkflowMail",
    "WorkflowStep",
    "WorkflowSweep",
    "WorkflowVersion",
]
