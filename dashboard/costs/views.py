"""The team's prices of models: everybody sees them, admins change them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.costs import selectors, services
from dashboard.costs.forms import PriceForm
from dashboard.costs.models import ModelPrice
from dashboard.http import fields_only, go_to, json_errors, wants_json
from dashboard.teams.access import admin_required, member_required
from dashboard.teams.audit import audit_note
from dashboard.teams.middleware import TeamRequest


@never_cache
@member_required
@fields_only
@require_http_methods(["GET", "HEAD", "POST"])
def price_list(request: TeamRequest) -> HttpResponse:
    """The prices; POST sets or replaces the price of a model."""
    if request.method == "POST":
        return _set(request)
    if wants_json(request):
        prices = selectors.price_list(request.team.pk)
        return JsonResponse({"prices": [_document(price) for price in prices]})
    return _page(request, PriceForm(initial=_initial(request)))


def _set(request: TeamRequest) -> HttpResponse:
    if not request.membership.is_admin:
        raise PermissionDenied("Only an admin of your team may change prices.")
    form = PriceForm(request.POST)
    if not form.is_valid():
        return json_errors(form.errors) if wants_json(request) else _page(request, form, status=422)
    price, is_new = services.price_set(team=request.team, **form.values())
    audit_note(request, str(price))
    if wants_json(request):
        document = _document(price) | {"url": reverse("price-list")}
        return JsonResponse(document, status=201 if is_new else 200)
    messages.success(request, f"The price of {price.model} is saved.")
    return go_to(request, reverse("price-list"))


@admin_required
@require_POST
def price_delete(request: TeamRequest, price_id: int) -> HttpResponse:
    """Remove a price."""
    model = services.price_delete(team=request.team, price_id=price_id)
    if not model:
        raise Http404("There is no such price.")
    audit_note(request, model)
    if wants_json(request):
        return JsonResponse({"id": price_id, "deleted": True})
    messages.success(request, f"The price of {model} is removed.")
    return go_to(request, reverse("price-list"))


def _initial(request: TeamRequest) -> dict[str, Any]:
    """The form's initial values: the model from the address with its price; the currency of the other prices."""
    prices = selectors.price_list(request.team.pk)
    model = request.GET.get("model", "")[:200].replace("\x00", "")
    had = next((price for price in prices if price.model == model), None)
    if had is not None:
        return {name: _plain(getattr(had, name)) for name in PriceForm.base_fields}
    return {"model": model, "currency": prices[-1].currency if prices else "USD"}


def _page(request: TeamRequest, form: PriceForm, *, status: int = 200) -> HttpResponse:
    prices = selectors.price_list(request.team.pk)
    context = {
        "prices": [(price, [_plain(value) for value in (price.input, price.output, price.cached)]) for price in prices],
        "without": selectors.models_without_price(request.team.pk, prices),
        "form": form,
        "is_admin": request.membership.is_admin,
    }
    return render(request, "costs/prices.html", context, status=status)


def _document(price: ModelPrice) -> dict[str, Any]:
    numbers = {name: _plain(getattr(price, name)) for name in ("input", "output", "cached")}
    return {"id": price.pk, "model": price.model, **numbers, "currency": price.currency}


def _plain(value: Any) -> Any:
    """A price without the zeros at its end, as text: 0.15, not 0.150000."""
    if value is None or isinstance(value, str):
        return value
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
