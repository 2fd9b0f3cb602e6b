"""Channel rules in plain sentences, with what they did to past touches and what a change would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads.actions.channels.reclassify_touches import KIND, ReclassifyRefused, request_reclassify
from leads.actions.channels.save_channel_rules import RulesRefused, rules_in_force, save_channel_rules, take_back_rules
from leads.forms.channel_rules import AddressForm, RuleForm
from leads.forms.conditions import ConditionBuilder
from leads.models import Channel, ChannelRuleVersion, Company, JobRun, User
from leads.past.deemed import deemed_now
from leads.past.span import moment
from leads.pure.channels.channel_preview import Preview, Tally, placed, preview, sentence
from leads.pure.channels.channels import VISITS, ChannelRule, classify
from leads.queries.channels import may_change_channel_rules, may_read_channel_rules, visits_since
from leads.tasks import nudge_reclassify
from leads.views.doors import SignedInRequest, allowed
from leads.views.list_file import list_file
from leads.views.past import asked_as_of
from leads.views.progress import progress_answer

LOOKED_AT = timedelta(days=90)
VERSIONS = 10


@dataclass(frozen=True, slots=True)
class Line:
    """A rule as it is listed; ``before`` names the rules that decided what it would have caught."""

    rule: ChannelRule
    sentence: str
    channel: str
    tally: Tally
    before: str


def _cells(line: Line) -> tuple[Any, ...]:
    return (line.rule.position, line.sentence, line.channel, line.tally.caught, line.tally.meets, line.before)


def _reader(request: SignedInRequest) -> User:
    return allowed(request, may_read_channel_rules, "Channel rules are for admins and marketing directors.")


def _writer(request: SignedInRequest) -> User:
    return allowed(request, may_change_channel_rules, "Admins change channel rules.")


@login_required
@require_GET
@asked_as_of
def channel_rules(request: SignedInRequest) -> HttpResponse:
    """The rules in order, what each caught in 90 days, a box to test an address, and the versions."""
    user, at = _reader(request), deemed_now()
    rules, names, hosts = rules_in_force(), _names(), Company.current().internal_domains
    found = preview(visits_since(at - LOOKED_AT), rules, rules, hosts)
    header = ("Position", "Rule", "Channel", "Decided", "Met", "Taken by")
    if made := list_file(request, "channel rules", header, lambda: map(_cells, _lines(rules, found, names))):
        return made
    address = AddressForm(request.GET or None)
    visit = address.visit()
    match = classify(visit, rules, hosts) if visit else None
    # How far work is, is known as of now alone.
    job = None if moment() else JobRun.objects.filter(kind=KIND).order_by("-pk").first()
    newest = ChannelRuleVersion.objects.select_related("saved_by").order_by("-number")[:VERSIONS]
    versions = [(version, version.held == rules) for version in newest]
    context: dict[str, Any] = {
        "lines": _lines(rules, found, names),
        "found": found,
        "address": address,
        "match": match,
        "match_channel": names.get(match.channel_key, match.channel_key) if match else "",
        "match_sentence": next(
            (sentence(rule) for rule in rules if match and rule.position == match.rule_position), ""
        ),
        "job": job,
        "is_moving": job is not None and job.is_unfinished,
        "versions": versions,
        "may_change": moment() is None and may_change_channel_rules(user),
        "channels": len({rule.channel for rule in rules}),
    }
    return render(request, "leads/channels/channel_rules.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def channel_rule_add(request: SignedInRequest) -> HttpResponse:
    """A rule more."""
    return _edit(request, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def channel_rule(request: SignedInRequest, position: int) -> HttpResponse:
    """One rule: edit, move or remove it, with a preview before anything is saved."""
    return _edit(request, position)


def _edit(request: SignedInRequest, position: int | None) -> HttpResponse:
    user, rules = _writer(request), rules_in_force()
    present = next((rule for rule in rules if rule.position == position), None)
    if position is not None and present is None:
        raise Http404("There is no rule in this place.")
    start = present or ChannelRule(max(len(rules), 1), rules[-1].channel if rules else "other")
    data, count = request.POST or None, len(rules) + (present is None)
    builder = ConditionBuilder(
        VISITS, data=data, group=start.conditions, may_be_empty=True, everything="whatever is left"
    )
    is_whole = data is None or builder.is_edited or builder.is_valid()
    initial = data.dict() if data and builder.is_edited else {"channel": start.channel, "position": start.position}
    form = RuleForm(None if builder.is_edited else data, count=count, initial=initial)
    do = request.POST.get("do", "preview")
    context: dict[str, Any] = {
        "form": form,
        "builder": builder,
        "position": position,
        "present": present,
        "do": do,
        "is_incomplete": not is_whole,
    }
    if data is not None and (do in ("remove", "preview-removal") or (is_whole and form.is_valid())):
        is_removal = present is not None and do in ("remove", "preview-removal")
        after = placed(rules, None if is_removal else form.rule(builder.group), position)
        found = preview(visits_since(timezone.now() - LOOKED_AT), rules, after, Company.current().internal_domains)
        names = _names()
        at = None if is_removal else min(form.cleaned_data["position"], len(after))
        if do in ("save", "remove"):
            try:
                version = save_channel_rules(
                    before=rules,
                    after=after,
                    change=_change(rules, after, position, at, names),
                    moves=found.moved,
                    by=user,
                    at=timezone.now(),
                )
            except RulesRefused as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, _saved(version))
                return redirect("leads:channel-rules")
        line = next((line for line in _lines(after, found, names) if line.rule.position == at), None)
        context |= {"found": found, "line": line, "moves": _moves(found, names), "is_removal": is_removal}
        context["is_unchanged"] = after == rules
    status = 422 if form.errors or (not is_whole and do == "save") else 200
    is_fragment = request.htmx and not builder.is_edited
    name = "leads/channels/_channel_preview.html" if is_fragment else "leads/channels/channel_rule.html"
    return render(request, name, context, status=status)


@login_required
@require_POST
def channel_rule_move(request: SignedInRequest, position: int) -> HttpResponse:
    """One place up or down, at once: the list says what it changed, and moving it back takes it back."""
    user, rules = _writer(request), rules_in_force()
    rule = next((rule for rule in rules if rule.position == position), None)
    if rule is None:
        raise Http404("There is no rule in this place.")
    aim = position + (-1 if request.POST.get("to") == "up" else 1)
    after = placed(rules, replace(rule, position=aim), position)
    found = preview(visits_since(timezone.now() - LOOKED_AT), rules, after, Company.current().internal_domains)
    try:
        version = save_channel_rules(
            before=rules,
            after=after,
            change=_change(rules, after, position, min(max(aim, 1), len(rules)), _names()),
            moves=found.moved,
            by=user,
            at=timezone.now(),
        )
    except RulesRefused as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _saved(version))
    return redirect("leads:channel-rules")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def channel_rules_take_back(request: SignedInRequest, number: int) -> HttpResponse:
    """Back to the rules of an earlier version, with a preview before anything is saved; ``do=apply`` also moves past
    touches back."""
    user, rules, at = _writer(request), rules_in_force(), timezone.now()
    version = get_object_or_404(ChannelRuleVersion, number=number)
    after, names = version.held, _names()
    found = preview(visits_since(at - LOOKED_AT), rules, after, Company.current().internal_domains)
    newest = ChannelRuleVersion.objects.order_by("-number").values_list("number", flat=True)[0]
    if request.method == "POST":
        try:
            if request.POST.get("seen") != str(newest):
                raise RulesRefused("Somebody changed the rules meanwhile. Look at what would move now.")
            saved = take_back_rules(to=version, before=rules, moves=found.moved, by=user, at=at)
        except RulesRefused as error:
            messages.warning(request, str(error))
            return redirect("leads:channel-rules-take-back", number)
        messages.success(request, _saved(saved))
        return _apply(request, user) if request.POST.get("do") == "apply" else redirect("leads:channel-rules")
    context = {
        "version": version,
        "newest": newest,
        "found": found,
        "moves": _moves(found, names),
        "is_unchanged": after == rules,
        "gone": _only_in(rules, after, names),
        "back": _only_in(after, rules, names),
    }
    return render(request, "leads/channels/channel_rules_take_back.html", context)


@login_required
@require_POST
def channel_rules_apply(request: SignedInRequest) -> HttpResponse:
    """Let a worker apply the rules to past touches."""
    return _apply(request, _writer(request))


def _apply(request: SignedInRequest, user: User) -> HttpResponse:
    try:
        request_reclassify(by=user, at=timezone.now())
    except ReclassifyRefused as error:
        messages.warning(request, str(error))
    else:
        nudge_reclassify()
    return redirect("leads:channel-rules")


@login_required
@require_GET
def channel_rules_progress(request: SignedInRequest) -> HttpResponse:
    """How far the look at past touches is: the fragment that the page asks for each second."""
    _reader(request)
    # How far work is, is known as of now alone.
    job = None if moment() else JobRun.objects.filter(kind=KIND).order_by("-pk").first()
    if job is None:
        raise Http404("Nobody asked for this.")
    return progress_answer(
        request, "leads/channels/_channel_rules_progress.html", {"job": job}, is_moving=job.is_unfinished
    )


def _names() -> dict[str, str]:
    return dict(Channel.objects.values_list("key", "name"))


def _lines(rules: Sequence[ChannelRule], found: Preview, names: dict[str, str]) -> list[Line]:
    return [
        Line(rule, sentence(rule), names.get(rule.channel, rule.channel), tally, _before(tally))
        for rule in rules
        for tally in (found.tallies[rule.position],)
    ]


def _only_in(rules: Sequence[ChannelRule], others: Sequence[ChannelRule], names: dict[str, str]) -> list[str]:
    """Rules that the others lack, wherever they stand in the order."""
    known = {replace(rule, position=0) for rule in others}
    return [
        f"{sentence(rule)}: {names.get(rule.channel, rule.channel)}"
        for rule in rules
        if replace(rule, position=0) not in known
    ]


def _before(tally: Tally) -> str:
    first = [str(position) for position, _ in tally.before.most_common(3)]
    return f"rule{'s' if len(first) > 1 else ''} {', '.join(first)}" if first else ""


def _moves(found: Preview, names: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "from": names.get(move.from_channel, move.from_channel),
            "to": names.get(move.to_channel, move.to_channel),
            "touches": move.touches,
            "examples": move.examples,
        }
        for move in found.moves
    ]


def _change(
    rules: Sequence[ChannelRule], after: Sequence[ChannelRule], old: int | None, new: int | None, names: dict[str, str]
) -> str:
    """What a change does, in words."""

    def said(rule: ChannelRule) -> str:
        return f"{names.get(rule.channel, rule.channel)} – {sentence(rule)}"

    if new is None:
        return f"Rule {old} removed: {said(rules[(old or 1) - 1])}"
    if old is None:
        return f"Rule {new} added: {said(after[new - 1])}"
    before, now = rules[old - 1], after[new - 1]
    if (before.channel, before.conditions) == (now.channel, now.conditions):
        return f"Rule {old} moved to place {new}: {said(now)}"
    return f"Rule {old} is now {f'rule {new}, ' if new != old else ''}{said(now)}; it was {said(before)}"


def _saved(version: ChannelRuleVersion) -> str:
    moved = (
        f"{version.moves} touchpoints of the last 90 days would have another channel; they keep theirs unless you "
        f"apply the"
        " rules to past touchpoints."
        if version.moves
        else "No touchpoint of the last 90 days would have another channel."
    )
    return f"Saved as {version.title.lower()}. New touchpoints follow it at once. {moved}"
