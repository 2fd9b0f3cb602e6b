"""Salesforce's objects as far as this sandbox has them: fields with their types and properties, ids, describe.

From the Object Reference and the Field Reference Guide (developer.salesforce.com, Winter '27).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEY = "Portal_Id__c"


@dataclass(frozen=True, slots=True)
class Field:
    """A field: type as `describe` names it, and properties as letters: c(reateable), u(pdateable), r(equired),
    d(efaulted on create), e(xternal id, unique), l(ist of values, restricted)."""

    name: str
    type: str
    label: str
    flags: str = ""
    length: int = 0
    values: tuple[str, ...] = ()
    parent: str = ""
    """Object that a reference points at; its relationship is the name without `Id`."""
    scale: int = 0
    labels: tuple[str, ...] = ()
    """Of the values, where they differ."""
    is_of_picklists: bool = False
    """Whether it exists only in orgs that have switched on the picklists of countries and states."""

    @property
    def relationship(self) -> str:
        """`Contact` of `ContactId`."""
        return self.name.removesuffix("Id") if self.parent else ""

    def described(self) -> dict[str, Any]:
        """The members of `describe` that matter."""
        is_key = "e" in self.flags
        return {
            "name": self.name, "label": self.label, "type": self.type, "length": self.length,
            "createable": "c" in self.flags, "updateable": "u" in self.flags, "nillable": "r" not in self.flags,
            "defaultedOnCreate": "d" in self.flags, "custom": self.name.endswith("__c"), "externalId": is_key,
            "unique": is_key, "idLookup": is_key or self.name == "Id", "filterable": True, "sortable": True,
            "calculated": False, "caseSensitive": False, "soapType": "xsd:string", "scale": self.scale,
            "referenceTo": [self.parent] if self.parent else [], "relationshipName": self.relationship or None,
            "restrictedPicklist": "l" in self.flags,
            "picklistValues": [
                {"active": True, "defaultValue": False, "label": label, "validFor": None, "value": each}
                for each, label in zip(self.values, self.labels or self.values, strict=True)
            ],
        }  # fmt: skip


def _text(name: str, label: str, length: int = 255, flags: str = "cu", kind: str = "string") -> Field:
    return Field(name, kind, label, flags, length)


COUNTRIES = {"DE": "Germany", "US": "United States", "FR": "France"}
STATES = {"DE": {"BE": "Berlin", "BY": "Bavaria"}, "US": {"CA": "California", "NY": "New York"}, "FR": {}}


def _places(prefix: str) -> tuple[Field, ...]:
    states = {code: name for each in STATES.values() for code, name in each.items()}
    return tuple(
        Field(f"{prefix}{name}Code", "picklist", f"{prefix}{name} Code".strip(), "cul", 10, tuple(of),
              labels=tuple(of.values()), is_of_picklists=True)
        for name, of in (("Country", COUNTRIES), ("State", states))
    )  # fmt: skip


CUSTOM = (
    _text("Tier__c", "Tier", 40),
    Field("Score__c", "double", "Score", "cu", scale=2),
    Field("Budget__c", "currency", "Budget", "cu", scale=2),
    Field("Newsletter__c", "boolean", "Newsletter", "cud"),
    Field("Plan__c", "picklist", "Plan", "cul", 255, ("t1", "t2", "t3"), labels=("Starter", "Team", "Enterprise")),
    Field("Interests__c", "multipicklist", "Interests", "cul", 4099, ("CRM", "Billing", "Analytics")),
    Field("Trial_Ends__c", "date", "Trial ends", "cu"),
)
SYSTEM = (
    Field("Id", "id", "Record ID", "rd", 18),
    Field("IsDeleted", "boolean", "Deleted", "rd"),
    Field("CreatedDate", "datetime", "Created Date", "rd"),
    Field("CreatedById", "reference", "Created By ID", "rd", 18, parent="User"),
    Field("LastModifiedDate", "datetime", "Last Modified Date", "rd"),
    Field("SystemModstamp", "datetime", "System Modstamp", "rd"),
)
MASTER = Field("MasterRecordId", "reference", "Master Record ID", "", 18)
OWNER = Field("OwnerId", "reference", "Owner ID", "curd", 18, parent="User")
CURRENCY = Field("CurrencyIsoCode", "picklist", "Currency ISO Code", "cudl", 3, ("EUR", "USD", "GBP", "CHF"))
INDUSTRY = Field("Industry", "picklist", "Industry", "cu", 255, ("Banking", "Energy", "Manufacturing", "Technology"))
SOURCE = Field(
    "LeadSource", "picklist", "Lead Source", "cu", 255, ("Web", "Phone Inquiry", "Partner Referral", "Other")
)
PORTAL = Field(KEY, "string", "Portal Id", "cue", 80)
_PERSON = (
    _text("LastName", "Last Name", 80, "cur"),
    _text("FirstName", "First Name", 40),
    _text("Title", "Title", 128),
    _text("Phone", "Phone", 40, kind="phone"),
    _text("Email", "Email", 80, kind="email"),
    SOURCE,
    OWNER,
    PORTAL,
)
FIELDS: Mapping[str, tuple[Field, ...]] = {
    "Lead": (
        *SYSTEM, MASTER, *_PERSON,
        _text("Company", "Company", 255, "cur"),
        _text("Country", "Country", 80), _text("State", "State/Province", 80),
        _text("PostalCode", "Zip/Postal Code", 20), _text("City", "City", 40),
        INDUSTRY,
        Field("NumberOfEmployees", "int", "Employees", "cu"),
        Field("AnnualRevenue", "currency", "Annual Revenue", "cu"),
        Field("Status", "picklist", "Status", "curd", 255, ("Open - Not Contacted", "Working - Contacted")),
        Field("HasOptedOutOfEmail", "boolean", "Email Opt Out", "curd"),
        *CUSTOM, *_places(""),
        Field("IsConverted", "boolean", "Converted", "rd"),
        Field("ConvertedDate", "date", "Converted Date"),
        Field("ConvertedContactId", "reference", "Converted Contact ID", "", 18, parent="Contact"),
        Field("ConvertedAccountId", "reference", "Converted Account ID", "", 18, parent="Account"),
        Field("ConvertedOpportunityId", "reference", "Converted Opportunity ID", "", 18, parent="Opportunity"),
    ),
    "Contact": (
        *SYSTEM, MASTER, *_PERSON,
        Field("AccountId", "reference", "Account ID", "cu", 18, parent="Account"),
        _text("MailingCountry", "Mailing Country", 80), _text("MailingState", "Mailing State/Province", 80),
        _text("MailingPostalCode", "Mailing Zip/Postal Code", 20), _text("MailingCity", "Mailing City", 40),
        *CUSTOM[:-1], *_places("Mailing"),
    ),
    "Account": (
        *SYSTEM, MASTER, OWNER, INDUSTRY,
        _text("Name", "Account Name", 255, "cur"), _text("Website", "Website", 255, kind="url"),
        Field("NumberOfEmployees", "int", "Employees", "cu"),
    ),
    "Opportunity": (
        *SYSTEM, OWNER, CURRENCY, SOURCE,
        _text("Name", "Name", 120, "cur"),
        Field("StageName", "picklist", "Stage", "cur", 255),
        Field("Amount", "currency", "Amount", "cu", scale=2),
        Field("Probability", "percent", "Probability (%)", "cu"),
        Field("CloseDate", "date", "Close Date", "cur"),
        Field("IsClosed", "boolean", "Closed", "rd"), Field("IsWon", "boolean", "Won", "rd"),
        Field("LastStageChangeDate", "datetime", "Last Stage Change Date"),
        Field("AccountId", "reference", "Account ID", "cu", 18, parent="Account"),
        _text("Loss_Reason__c", "Loss Reason", 255),
    ),
    "OpportunityContactRole": (
        *SYSTEM,
        Field("OpportunityId", "reference", "Opportunity ID", "cr", 18, parent="Opportunity"),
        Field("ContactId", "reference", "Contact ID", "cur", 18, parent="Contact"),
        Field("Role", "picklist", "Role", "cu", 255, ("Business User", "Decision Maker", "Evaluator")),
        Field("IsPrimary", "boolean", "Primary", "curd"),
    ),
    "OpportunityHistory": (
        *(field for field in SYSTEM if field.name != "LastModifiedDate"),
        Field("OpportunityId", "reference", "Opportunity ID", "r", 18, parent="Opportunity"),
        Field("StageName", "picklist", "Stage Name", "r", 40),
        Field("Amount", "currency", "Amount"), Field("CloseDate", "date", "Close Date"),
        Field("CurrencyIsoCode", "picklist", "Currency ISO Code", "", 3),
        Field("Probability", "percent", "Probability"),
    ),
    "Campaign": (
        *SYSTEM, OWNER, CURRENCY,
        _text("Name", "Name", 80, "cur"), _text("Type", "Type", 40, kind="picklist"),
        _text("Status", "Status", 40, kind="picklist"),
        Field("StartDate", "date", "Start Date", "cu"), Field("EndDate", "date", "End Date", "cu"),
        Field("BudgetedCost", "currency", "Budgeted Cost", "cu"), Field("ActualCost", "currency", "Actual Cost", "cu"),
        Field("IsActive", "boolean", "Active", "curd"),
        Field("ParentId", "reference", "Parent Campaign ID", "cu", 18, parent="Campaign"),
    ),
    "CampaignMember": (
        *SYSTEM,
        Field("CampaignId", "reference", "Campaign ID", "cr", 18, parent="Campaign"),
        Field("LeadId", "reference", "Lead ID", "cu", 18, parent="Lead"),
        Field("ContactId", "reference", "Contact ID", "cu", 18, parent="Contact"),
        Field("Status", "picklist", "Status", "cu", 40, ("Sent", "Responded")),
        Field("HasResponded", "boolean", "Responded", "rd"),
        Field("FirstRespondedDate", "date", "First Responded Date"),
    ),
    "Task": (
        *SYSTEM, OWNER,
        Field("WhoId", "reference", "Name ID", "cu", 18), _text("Subject", "Subject", 255, kind="combobox"),
        Field("ActivityDate", "date", "Due Date Only", "cu"),
        Field("CompletedDateTime", "datetime", "Completed Date"),
        Field("Status", "picklist", "Status", "curd", 255, ("Not Started", "Completed")),
        Field("IsClosed", "boolean", "Closed", "rd"),
        Field("TaskSubtype", "picklist", "Task Subtype", "c", 40, ("Task", "Call", "Email")),
        Field("CallDurationInSeconds", "int", "Call Duration", "cu"),
        Field("CallType", "picklist", "Call Type", "cu", 40, ("Inbound", "Outbound")),
    ),
    "Event": (
        *SYSTEM, OWNER,
        Field("WhoId", "reference", "Name ID", "cu", 18), _text("Subject", "Subject", 255, kind="combobox"),
        Field("ActivityDate", "date", "Due Date Only", "cu"),
        Field("StartDateTime", "datetime", "Start Date Time", "cu"),
        Field("EndDateTime", "datetime", "End Date Time", "cu"),
        Field("IsAllDayEvent", "boolean", "All-Day Event", "curd"),
        Field("IsChild", "boolean", "Is Child", "rd"),
    ),
    "User": (
        *SYSTEM,
        _text("Name", "Full Name", 121, ""), _text("Username", "Username", 80, "cur"),
        _text("Email", "Email", 128, "cur", "email"), Field("IsActive", "boolean", "Active", "curd"),
        Field("UserType", "picklist", "User Type", "", 40, ("Standard", "Guest")),
    ),
    "OpportunityStage": (
        *(field for field in SYSTEM if field.name != "IsDeleted"),
        _text("ApiName", "API Name", 255, ""), _text("MasterLabel", "Master Label", 255, ""),
        Field("SortOrder", "int", "Order"), Field("DefaultProbability", "percent", "Probability (%)"),
        Field("IsActive", "boolean", "Is Active"), Field("IsClosed", "boolean", "Closed"),
        Field("IsWon", "boolean", "Won"),
        _text("ForecastCategoryName", "Forecast Category", 255, "", "picklist"),
    ),
    "Organization": (
        *(field for field in SYSTEM if field.name != "IsDeleted"),
        _text("Name", "Name", 80, "u"), _text("OrganizationType", "Edition", 40, "", "picklist"),
        Field("IsSandbox", "boolean", "Is Sandbox"),
    ),
    "CurrencyType": (
        *(field for field in SYSTEM if field.name != "IsDeleted"),
        _text("IsoCode", "Currency ISO Code", 3, "c", "picklist"),
        Field("IsCorporate", "boolean", "Corporate Currency"),
        Field("IsActive", "boolean", "Active"), Field("ConversionRate", "double", "Conversion Rate"),
        Field("DecimalPlaces", "int", "Decimal Places"),
    ),
}  # fmt: skip
PREFIXES = {
    "Lead": "00Q", "Contact": "003", "Account": "001", "Opportunity": "006", "OpportunityContactRole": "00K",
    "OpportunityHistory": "008", "Campaign": "701", "CampaignMember": "00v", "User": "005", "OpportunityStage": "01J",
    "Task": "00T", "Event": "00U", "Organization": "00D", "CurrencyType": "01L",
}  # fmt: skip
STAGES = (
    ("Prospecting", 10, "Pipeline"), ("Qualification", 10, "Pipeline"), ("Needs Analysis", 20, "Pipeline"),
    ("Value Proposition", 50, "Pipeline"), ("Id. Decision Makers", 60, "Pipeline"),
    ("Perception Analysis", 70, "Pipeline"), ("Proposal/Price Quote", 75, "Best Case"),
    ("Negotiation/Review", 90, "Commit"), ("Closed Won", 100, "Closed"), ("Closed Lost", 0, "Omitted"),
)  # fmt: skip


def field_of(sobject: str, name: str) -> Field | None:
    """A field by name, whatever its case."""
    return next((each for each in FIELDS[sobject] if each.name.lower() == name.lower()), None)


def make_id(sobject: str, number: int) -> str:
    """An 18-character id that sorts by number."""
    return full_id(f"{PREFIXES[sobject]}5f{number:010d}")


def full_id(short: str) -> str:
    """The long form of an id of 15 letters: three more say which of five characters are capitals, thrice."""
    if len(short) != 15:
        return short
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    marks = (sum(1 << n for n, each in enumerate(short[at : at + 5]) if each.isupper()) for at in (0, 5, 10))
    return short + "".join(alphabet[mark] for mark in marks)
