"""Addresses of pages, each looked up once for each script prefix: a page has dozens, and Django searches every time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeAlias
from uuid import UUID

from django import template
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as url_of_django
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.html import escape

register = template.Library()

Addresses: TypeAlias = Callable[[UUID | str], str]
"""Gives the address of a page by the id in it."""


def page_address(url_name: str) -> str:
    """The address of a page that is the only one of its name."""
    return _address(url_name, get_script_prefix())


def addresses(url_name: str) -> Addresses:
    """The addresses of the pages of this name."""
    return _addresses(url_name, get_script_prefix())


@cache
def _address(url_name: str, prefix: str) -> str:
    return reverse(url_name)


@cache
def _addresses(url_name: str, prefix: str) -> Addresses:
    before, _, after = reverse(url_name, args=[UUID(int=0)]).partition(str(UUID(int=0)))
    return lambda pk: f"{before}{pk}{after}"


class _URLNode(URLNode):
    def render(self, context: Context) -> str:
        name, args = self.view_name.resolve(context), [arg.resolve(context) for arg in self.args]
        if self.kwargs or ":" in name or len(args) > 1 or not all(isinstance(arg, UUID) for arg in args):
            return super().render(context)
        try:
            found = escape(addresses(name)(args[0]) if args else page_address(name))
        except NoReverseMatch:
            return super().render(context)
        if self.asvar is None:
            return found
        context[self.asvar] = found
        return ""


@register.tag
def url(parser: Parser, token: Token) -> URLNode:
    """Django's tag of this name; it remembers addresses without parameters, and those with an id."""
    node = url_of_django(parser, token)
    return _URLNode(node.view_name, node.args, node.kwargs, node.asvar)
