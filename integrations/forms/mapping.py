"""What the CRM's fields, stages and owners mean here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from integrations.actions.lead_facts import further_labels
from integrations.actions.local_values import is_pullable
from integrations.models import ExternalRecord, FieldMap, RecordKind, StageMap
from integrations.pure.mapping import Direction, FieldRule, Policy, overlapping
from integrations.pure.stage_proposals import Proposal, StageFacts, propose_stages
from leads.forms.fields import PlainSelect
from leads.models import PipelineStage, User

ATTRIBUTE = "attributes."
POLICIES = {
    "ours": "Ours wins",
    "theirs": "The CRM's wins",
    "newest": "The newest change wins",
    "fill_empty": "Only fills what is empty",
}
DIRECTIONS = {"push": "→ to the CRM", "pull": "← from the CRM", "both": "↔ both ways"}
_PERSON = {
    "email": "Email", "first_name": "First name", "last_name": "Last name", "company": "Company",
    "job_title": "Job title", "phone": "Phone", "country": "Country", "region": "Region", "postal_code": "Postal code",
    "industry": "Industry", "company_size": "Company size", "owner_id": "Owner", "stage": "Lead stage",
    "score": "Score", "channel": "First channel", "campaign": "First campaign", "name": "Full name",
    "public_id": "Our id", "external_id": "External id", "captured_at": "Captured at",
    "account_id": "Account, by its id there", "is_unsubscribed": "Unsubscribed", "url": "Link to the lead here",
}  # fmt: skip
_DEAL = {
    "name": "Name", "stage": "Stage", "status": "Open, won or lost", "amount_cents": "Amount", "currency": "Currency",
    "expected_close_on": "Expected close", "closed_at": "Closed at", "lost_reason": "Lost reason", "owner_id": "Owner",
}  # fmt: skip
_ACCOUNT = {"name": "Name", "domain": "Domain", "industry": "Industry", "owner_id": "Owner"}
LOCALS: dict[str, dict[str, str]] = {"person": _PERSON, "deal": _DEAL, "account": _ACCOUNT}
# Without them no deal can be read at all.
NEEDED = {"deal": ("name", "stage", "status", "amount_cents", "currency")}


@dataclass(frozen=True, slots=True)
class Described:
    """The CRM's fields of a kind by name; empty where it was not asked yet."""

    kind: str
    fields: dict[str, dict[str, Any]]

    def label(self, name: str) -> str:
        """The CRM's words for a field."""
        return str(self.fields.get(name, {}).get("label", ""))

    def option(self, name: str, value: str) -> str:
        """The CRM's words for an option of a field."""
        return str(dict(self.fields.get(name, {}).get("choices") or ()).get(value, value))


def locals_of(kind: str) -> dict[str, str]:
    """What there is on our side of a mapping, by name, in words; for people also what other apps provide."""
    known = LOCALS.get(kind, {})
    return known | further_labels() if kind == RecordKind.PERSON else known


def local_label(kind: str, name: str) -> str:
    """Our words for a field of ours."""
    if name.startswith(ATTRIBUTE):
        return f"{name.removeprefix(ATTRIBUTE)} (further column)"
    return locals_of(kind).get(name, name)


class FieldRow(forms.Form):
    """A field on each side, the way it travels and who wins."""

    local = forms.CharField(label="Here", required=False, max_length=120)
    remote = forms.CharField(label="In the CRM", required=False, max_length=160)
    direction = forms.ChoiceField(
        label="Direction", choices=list(DIRECTIONS.items()), required=False, widget=PlainSelect
    )
    policy = forms.ChoiceField(
        label="When both hold something", choices=list(POLICIES.items()), required=False, widget=PlainSelect
    )
    values = forms.CharField(
        label="Values here and there",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "placeholder": "enterprise = Tier 1"}),
    )

    def __init__(self, *args: Any, described: Described, columns: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.described = described
        kind = described.kind
        known = locals_of(kind)
        choices = [("", "Choose a field"), *known.items()]
        choices += [(name, local_label(kind, name)) for name in columns if name not in known]
        self.fields["local"] = forms.ChoiceField(label="Here", choices=choices, required=False, widget=PlainSelect)
        self.fields["remote"].widget.attrs |= {"list": f"remote-{kind}", "autocomplete": "off", "spellcheck": "false"}
        if kind != "person":
            self.fields["direction"] = forms.ChoiceField(
                label="Direction", choices=[("pull", DIRECTIONS["pull"])], required=False, widget=PlainSelect
            )
            self.fields["policy"] = forms.ChoiceField(
                label="When both hold something",
                choices=[(key, POLICIES[key]) for key in ("theirs", "fill_empty")],
                required=False,
                widget=PlainSelect,
            )
        number = int(str(self.prefix).rpartition("-")[2] or 0) + 1
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = f"{field.label or name.capitalize()}, row {number}"
            stem = "form-select" if isinstance(field, forms.ChoiceField) else "form-control"
            field.widget.attrs["class"] = f"{stem} {stem}-sm"

    @property
    def remote_label(self) -> str:
        """The CRM's words for the field that the row names now."""
        return self.described.label(str(self["remote"].value() or ""))

    @property
    def options(self) -> list[str]:
        """The labels of the field's options in the CRM."""
        told = self.described.fields.get(str(self["remote"].value() or ""), {})
        return [str(label) for _, label in told.get("choices") or ()]

    @property
    def is_required_there(self) -> bool:
        return bool(self.described.fields.get(str(self["remote"].value() or ""), {}).get("is_required"))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        local, remote = cleaned.get("local", ""), str(cleaned.get("remote", "")).strip()
        if not local and not remote:
            return cleaned
        if not local or not remote:
            self.add_error("remote" if local else "local", "A row names a field on each side.")
            return cleaned
        field = self.described.fields.get(remote)
        if self.described.fields and field is None and remote.partition(".")[0] not in self.described.fields:
            self.add_error("remote", "The CRM describes no such field.")
        direction = cleaned.get("direction") or "pull"
        if direction != "pull" and field and not field["is_writable"]:
            self.add_error("direction", "The CRM lets nobody write this field.")
        if self.described.kind == RecordKind.PERSON and direction != "push" and not is_pullable(local):
            self.add_error("direction", "This is ours to say: it can only go to the CRM.")
        self._clean_values(cleaned, field or {})
        return cleaned

    def _clean_values(self, cleaned: dict[str, Any], field: dict[str, Any]) -> None:
        """Lines of `ours = theirs`; theirs is one of the field's options, where it has any."""
        pairs: list[tuple[str, str]] = []
        options = {
            str(name).casefold(): str(value) for value, label in field.get("choices") or () for name in (label, value)
        }
        for line in str(cleaned.get("values", "")).splitlines():
            ours, sign, theirs = (part.strip() for part in line.partition("="))
            if not line.strip():
                continue
            if not (ours and sign and theirs):
                self.add_error("values", f"“{line.strip()[:60]}” is not of the form: ours = theirs.")
            elif options and theirs.casefold() not in options:
                self.add_error("values", f"“{theirs[:60]}” is none of the options there.")
            else:
                pairs.append((ours, options.get(theirs.casefold(), theirs)))
        cleaned["pairs"] = tuple(dict(pairs).items())

    def rule(self) -> FieldRule | None:
        """The row as a rule, None for an empty one. One-way fields have one source, so only two policies are left."""
        given = self.cleaned_data
        if not given.get("local"):
            return None
        direction, policy = Direction(given["direction"] or "pull"), Policy(given["policy"] or "theirs")
        if direction is not Direction.BOTH and policy is not Policy.FILL_EMPTY:
            policy = Policy.OURS if direction is Direction.PUSH else Policy.THEIRS
        return FieldRule(given["local"], str(given["remote"]).strip(), direction, policy, given.get("pairs", ()))


class BaseFieldRows(forms.BaseFormSet[FieldRow]):
    """All rows of a kind: no name twice, and what cannot be missing is there."""

    def add_fields(self, form: FieldRow, index: int | None) -> None:
        """The box that removes a row says which row."""
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            attrs = {"aria-label": f"Remove row {(index or 0) + 1}", "class": "form-check-input"}
            form.fields["DELETE"].widget.attrs |= attrs

    def clean(self) -> None:
        if any(self.errors):
            return
        rules = self.rules()
        for side, words in (("local", "here"), ("remote", "in the CRM")):
            names = [getattr(rule, side) for rule in rules]
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice:
                raise forms.ValidationError(f"{twice} {words} stands in two rows.")
        whole = overlapping([rule.remote for rule in rules])
        if whole:
            raise forms.ValidationError(f"{whole} in the CRM stands there as a whole and in part.")
        kind = self.form_kwargs["described"].kind
        missing = [LOCALS[kind][name] for name in NEEDED.get(kind, ()) if name not in {each.local for each in rules}]
        if missing:
            raise forms.ValidationError(f"Without these no deal can be read: {', '.join(missing)}.")

    def rules(self) -> list[FieldRule]:
        """The rows that stay, in their order."""
        kept = [form for form in self.forms if not form.cleaned_data.get("DELETE")]
        return [rule for form in kept if (rule := form.rule()) is not None]


def field_rows(
    rules: Sequence[FieldRule],
    described: Described,
    columns: Sequence[str],
    *,
    data: Any = None,
    extra: int = 2,
    asked: Sequence[str] = (),
) -> BaseFieldRows:
    """The rows of a kind with a few empty ones at the end; `asked` are fields there that none of ours fills yet."""
    made = forms.formset_factory(
        FieldRow, formset=BaseFieldRows, extra=extra, can_delete=True, max_num=300, absolute_max=300
    )
    present = [
        {
            "local": rule.local,
            "remote": rule.remote,
            "direction": str(rule.direction),
            "policy": str(rule.policy),
            "values": "\n".join(f"{ours} = {described.option(rule.remote, theirs)}" for ours, theirs in rule.values),
        }
        for rule in rules
    ]
    present += [{"remote": name, "direction": "push", "policy": "ours"} for name in asked]
    names = [rule.local for rule in rules if rule.local not in locals_of(described.kind)]
    kwargs = {"described": described, "columns": list(dict.fromkeys([*names, *columns]))}
    rows: BaseFieldRows = made(data, initial=present, prefix="row", form_kwargs=kwargs)  # type: ignore[assignment]
    return rows


class StageMapForm(forms.Form):
    """One choice for each of the CRM's stages; where nobody has chosen yet, a proposal stands there with its reason."""

    def __init__(self, rows: Sequence[StageMap], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ours = list(PipelineStage.objects.order_by("position", "pk"))
        ids = {stage.key: stage.pk for stage in ours}
        self.proposals = _proposals(rows, ours)
        choices = [("", "Not mapped"), *((stage.pk, stage.name) for stage in ours)]
        for row in rows:
            proposal = self.proposals.get(row.pk)
            self.fields[f"stage-{row.pk}"] = forms.TypedChoiceField(
                label=row.remote_name or row.remote_key,
                help_text=f"Proposed: {proposal.reason}" if proposal else _stage_words(row),
                choices=choices,
                coerce=int,
                empty_value=None,
                required=False,
                initial=row.stage_id or (ids[proposal.key] if proposal else ""),
                widget=PlainSelect(attrs={"class": "form-select"}),
            )

    def choices(self) -> dict[int, int | None]:
        """The chosen stage by row; only after `is_valid`."""
        return {int(name.removeprefix("stage-")): value for name, value in self.cleaned_data.items()}


def _proposals(rows: Sequence[StageMap], ours: Sequence[PipelineStage]) -> dict[int, Proposal]:
    """By row, for those about which nobody has decided."""
    theirs = [StageFacts(row.remote_key, row.remote_name, row.remote_status, row.remote_probability) for row in rows]
    found = propose_stages(
        theirs, [StageFacts(stage.key, stage.name, stage.status, stage.probability) for stage in ours]
    )
    open_rows = [row for row in rows if row.stage_id is None and not row.is_chosen]
    return {row.pk: found[row.remote_key] for row in open_rows if row.remote_key in found}


def _stage_words(row: StageMap) -> str:
    ended = {"won": "Won in the CRM.", "lost": "Lost in the CRM."}.get(row.remote_status)
    return ended or (f"{row.remote_probability:.0%} in the CRM." if row.remote_probability else "")


class OwnerMapForm(forms.Form):
    """One of our people for each owner of the CRM."""

    def __init__(self, rows: Sequence[ExternalRecord], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        users = User.objects.filter(is_active=True).order_by("name", "email")
        people: list[tuple[Any, str]] = [("", "Not matched")]
        people += [(user.pk, f"{user.get_full_name() or user.email} ({user.email})") for user in users]
        known = {key for key, _ in people}
        for row in rows:
            gone = [(row.owner_id, "Somebody who has left")] if row.owner_id and row.owner_id not in known else []
            self.fields[f"owner-{row.pk}"] = forms.TypedChoiceField(
                label=row.remote_name or row.remote_id,
                help_text=_owner_words(row),
                choices=[*people, *gone],
                coerce=int,
                empty_value=None,
                required=False,
                initial=row.owner_id or "",
                widget=PlainSelect(attrs={"class": "form-select"}),
            )

    def choices(self) -> dict[int, int | None]:
        """The chosen user by row, only those that were changed; only after `is_valid`."""
        return {int(name.removeprefix("owner-")): self.cleaned_data[name] for name in self.changed_data}


def _owner_words(row: ExternalRecord) -> str:
    here = "Deactivated here: their open leads go to others." if row.owner and not row.owner.is_active else ""
    there = "" if row.is_active_there else "Deactivated in the CRM: not named there as an owner any more."
    return " ".join(words for words in (row.remote_email, there, here) if words)


def rule_words(rows: Sequence[FieldMap] | Sequence[FieldRule], kind: str) -> list[dict[str, str]]:
    """A mapping in words, for reading."""
    return [
        {
            "local": local_label(kind, row.local),
            "remote": row.remote,
            "direction": DIRECTIONS[str(row.direction)],
            "policy": _policy_words(str(row.direction), str(row.policy)),
        }
        for row in rows
    ]


def _policy_words(direction: str, policy: str) -> str:
    if direction != "both" and policy != "fill_empty":
        return "One source"
    return POLICIES[policy]
