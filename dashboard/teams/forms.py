"""Forms to sign in and to join, and for a person's profile and password."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from dashboard.teams.api_tokens import SERVICE
from dashboard.teams.models import Role, Scope, Team, User
from dashboard.teams.time_zones import time_zone_named, time_zones
from dashboard.text import is_seen

LIFETIMES = {"2592000": "30 days", "7776000": "90 days", "31536000": "1 year", "": "No end"}


class SignInForm(AuthenticationForm):
    """Django's own, with our sentences."""

    error_messages = {
        "invalid_login": "Wrong user name or password. Both are case-sensitive.",
        "inactive": "This account is closed. Ask an admin to open it again.",
    }


class InviteForm(forms.Form):
    """A new invitation: for whom, and with which role."""

    role = forms.ChoiceField(choices=Role.choices, initial=Role.MEMBER, label="Role")
    note = forms.CharField(
        max_length=200, required=False, label="Note", help_text="Who it is for. Only your team's admins see it."
    )


class MailedInviteForm(InviteForm):
    """The same, where Runboard can send mail."""

    email = forms.EmailField(
        required=False,
        label="E-mail address",
        help_text="The link is sent there, and shown to nobody else. Empty: you get it to pass on.",
    )


class MemberForm(forms.Form):
    """What an admin changes about a person; missing fields stay as they are."""

    role = forms.ChoiceField(choices=Role.choices, required=False)
    active = forms.ChoiceField(choices=[("true", "true"), ("false", "false")], required=False)

    def role_given(self) -> Role | None:
        return Role(self.cleaned_data["role"]) if self.cleaned_data["role"] else None

    def active_given(self) -> bool | None:
        return {"true": True, "false": False}.get(self.cleaned_data["active"])


class JoinForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new person's account."""

    full_name = forms.CharField(max_length=150, label="Name", help_text="The name that others see.", required=False)
    password = forms.CharField(
        label="Password",
        strip=False,
        help_text="At least 10 characters.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    # Times are shown in it. Filled in by the page's script with the browser's; programs may leave it out.
    time_zone = forms.CharField(required=False, widget=forms.HiddenInput({"data-time-zone": ""}))
    field_order = ["username", "full_name", "password"]

    class Meta:
        model = User
        fields = ["username"]
        labels = {"username": "User name"}
        help_texts = {"username": "For signing in: letters, digits and @ . + - _"}
        error_messages = {"username": {"unique": "Somebody has this user name. Choose another, or sign in with it."}}

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        validate_password(
            password, User(username=self.data.get("username", ""), first_name=self.data.get("full_name", ""))
        )
        return password

    def clean_full_name(self) -> str:
        return _name(self.cleaned_data["full_name"])

    def clean_time_zone(self) -> str:
        zone = str(self.cleaned_data["time_zone"])
        return zone if zone in time_zones() else ""  # a name that only the browser knows is not the person's fault

    def person(self) -> User:
        """The account, not saved yet. Only for a valid form."""
        user: User = self.instance
        user.first_name, user.time_zone = self.cleaned_data["full_name"], self.cleaned_data["time_zone"]
        user.set_password(self.cleaned_data["password"])
        return user


class TeamForm(forms.ModelForm):  # type: ignore[type-arg]
    """A team's name."""

    class Meta:
        model = Team
        fields = ["name"]
        labels = {"name": "Name of the team"}

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if not is_seen(name):
            raise ValidationError("Give it a visible name.")
        return name


class TokenForm(forms.Form):
    """A new token."""

    name = forms.CharField(max_length=100, label="Name", help_text="What uses it, such as “nightly report”.")
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices, label="It may", widget=forms.CheckboxSelectMultiple, initial=[Scope.READ]
    )
    expires_in = forms.IntegerField(
        min_value=60,
        max_value=10 * 366 * 24 * 3600,
        required=False,
        label="Works for",
        widget=forms.Select(choices=list(LIFETIMES.items())),
        initial=7_776_000,
    )

    service = forms.BooleanField(
        required=False,
        label="It belongs to the team, not to me",
        help_text="It keeps working when you leave. What it does appears as “service: ” and its name.",
    )

    def clean_name(self) -> str:
        if self.data.get("service") and len(self.cleaned_data["name"]) > 60:
            raise ValidationError("A team token's name has at most 60 characters.")
        return _name(self.cleaned_data["name"])

    def offer(self, scopes: Collection[Scope]) -> None:
        """Show these scopes alone."""
        field = self.fields["scopes"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(scope.value, scope.label) for scope in scopes]

    def lifetime(self) -> timedelta | None:
        """None for no end."""
        seconds = self.cleaned_data["expires_in"]
        return timedelta(seconds=seconds) if seconds else None


class ProfileForm(forms.Form):
    """A person's name, time zone and theme."""

    full_name = forms.CharField(max_length=150, required=False, label="Name", help_text="The name that others see.")
    time_zone = forms.CharField(
        max_length=60,
        required=False,
        label="Time zone",
        help_text="Like Europe/Berlin. Empty: UTC.",
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
    )
    theme = forms.ChoiceField(choices=User.THEMES, required=False, label="Theme")

    def clean_time_zone(self) -> str:
        text = str(self.cleaned_data["time_zone"]).strip()
        zone = time_zone_named(text) if text else ""
        if text and not zone:
            raise ValidationError("There is no such time zone: give a name like Europe/Berlin.")
        return zone

    def clean_full_name(self) -> str:
        return _name(self.cleaned_data["full_name"])


class PasswordForm(forms.Form):
    """A new password, with the old one."""

    password = forms.CharField(
        label="Password now", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    new_password = forms.CharField(
        label="New password",
        strip=False,
        help_text="At least 10 characters. You are signed out everywhere else.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        if not self.user.check_password(self.cleaned_data["password"]):
            raise ValidationError("This is not your password.")
        return ""

    def clean_new_password(self) -> str:
        validate_password(self.cleaned_data["new_password"], self.user)
        return str(self.cleaned_data["new_password"])


class ForgottenForm(forms.Form):
    """The person who forgot a password."""

    name = forms.CharField(
        max_length=254,
        label="User name or e-mail address",
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


class NewPasswordForm(forms.Form):
    """A new password, by link."""

    new_password = forms.CharField(
        label="New password",
        strip=False,
        help_text="At least 10 characters.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_new_password(self) -> str:
        validate_password(self.cleaned_data["new_password"], self.user)
        return str(self.cleaned_data["new_password"])


def _name(text: str) -> str:
    name = text.strip()
    if name and not is_seen(name):
        raise ValidationError("Give a visible name.")
    if name.lower().startswith(SERVICE.strip()):
        raise ValidationError("Names like this are reserved for the team's tokens.")
    return name
