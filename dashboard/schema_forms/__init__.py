"""Forms made from a JSON Schema: schema and document -> HTML controls -> document, with nothing lost on the way.

    form = SchemaForm(schema, name="input", document=document)              # show it: {{ form }}
    form = SchemaForm.from_post(schema, request.POST, name="input", files=request.FILES)
    form.is_valid()    # fills form.errors and form.warnings, by control name
    form.document      # the JSON value; MISSING when nothing was given
    form.act(request.POST["do"])    # a row button: add, remove, up, down, paste, kind, ...; then show the form again

Controls are named by the form and a JSON Pointer (`input/sections/0/heading`; a scalar at the top is `input` itself).
Hidden fields add what the controls cannot say, all optional when posted by hand:

    given/<name>   value, null or out (left out), where the control alone cannot say it
    kind/<name>    which branch of a union (an index), or `json`: the control holds JSON text
    key/<name>     the key of a mapping's row
    order/<name>   the document's order of keys, where it is not the schema's
    upload/<name>  a file for a base64 text
    paste/<name>   lines to add to a list

A value, null and left out are three different things. Defaults are shown grey and are not sent unless they are typed.
What a form cannot draw is edited as JSON in its place, with the reason. Keys that the schema does not name are kept, as
are the order of keys and the digits of numbers. Everything works without JavaScript: row buttons are submit buttons
named `do`. The page's `<form>` needs a submit button of its own before `{{ form }}`, so that Enter means that one.

`Fixed` gives fields values that cannot be changed, shown (`locked`) or not (`hidden`). `json_text` reads and writes
JSON as people type it; `check` says what a schema refuses in a document.

This room imports nothing of ours; a schema is its only input.
"""

from dashboard.schema_forms import json_text
from dashboard.schema_forms.checking import check
from dashboard.schema_forms.forms import Fixed, SchemaForm
from dashboard.schema_forms.values import MISSING

__all__ = ["MISSING", "Fixed", "SchemaForm", "check", "json_text"]
