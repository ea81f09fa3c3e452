"""The form of a price."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from dashboard.text import is_seen

_CURRENCY = re.compile(r"[A-Z]{3}")


def _price(label: str, *, required: bool = True, help_text: str = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        help_text=help_text,
        required=required,
        min_value=Decimal(0),
        max_value=Decimal(1_000_000),
        max_digits=13,
        decimal_places=6,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


class PriceForm(forms.Form):
    """What a model's tokens cost."""

    model = forms.CharField(
        max_length=200,
        label="Model",
        help_text="The model's name in its answers. A name ending in * matches all names that start like it.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    input = _price("Input", help_text="For a million tokens.")
    output = _price("Output", help_text="For a million tokens, reasoning included.")
    cached = _price("Cached input", required=False, help_text="For a million tokens. Empty: like other input.")
    currency = forms.CharField(max_length=3, label="Currency", initial="USD", help_text="Three letters, as USD.")

    def clean_model(self) -> str:
        name = str(self.cleaned_data["model"])
        if not is_seen(name) or "*" in name[:-1]:
            raise ValidationError("Give the name of a model, with * at its end only.")
        return name

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).upper()
        if not _CURRENCY.fullmatch(currency):
            raise ValidationError("A currency has three letters, as USD or EUR.")
        return currency

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.fields}
