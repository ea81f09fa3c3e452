"""The parameters of a run as form fields: every argument of `wait` a person can give, under its own name."""

from __future__ import annotations

from django import forms
from django.conf import settings

from dashboard.launch.fields import (
    BooleanText,
    JSONText,
    NodeNames,
    OptionText,
    ServerChoice,
    Tags,
    speak_plainly,
    tie_to_help,
)
from dashboard.runs.models import ThreadChoice
from dashboard.servers.models import Server

AFTER_SECONDS_MAX = 366 * 24 * 3600

# Shown first; every other wait parameter is folded under Advanced.
MAIN_FIELDS = ["server", "assistant_id", "input", "context", "thread", "thread_id", "name", "tags"]
ADVANCED_GROUPS: list[tuple[str, list[str]]] = [
    ("Where to start", ["command", "strict_resume", "checkpoint_id", "checkpoint", "if_not_exists"]),
    ("When to stop", ["interrupt_before", "interrupt_after", "after_seconds"]),
    ("Configuration", ["config", "metadata"]),
    ("How it runs", ["multitask_strategy", "on_disconnect", "on_completion", "durability", "checkpoint_during"]),
    ("The answer", ["raise_error", "webhook", "langsmith_tracing"]),
    ("The request", ["headers", "params"]),
]
ADVANCED_FIELDS = [name for _, names in ADVANCED_GROUPS for name in names]

# The arguments of wait that the form passes on, in the signature's order, except headers and thread_id.
WAIT_PARAMETERS = (
    "input command metadata config context checkpoint checkpoint_id checkpoint_during interrupt_before interrupt_after "
    "webhook on_disconnect on_completion multitask_strategy if_not_exists after_seconds langsmith_tracing raise_error "
    "params durability strict_resume"
).split()


class ParameterFields(forms.Form):
    """A run's parameters. Empty means "not given", so that the SDK's own default holds."""

    server = ServerChoice(
        queryset=Server.objects.none(), required=False, label="Server", help_text="The server that executes the run."
    )
    assistant_id = forms.CharField(
        max_length=200,
        label="Assistant",
        help_text="Choose one, or type a graph's name or an assistant's id.",
        error_messages={"required": "Choose an assistant, or type a graph's name or an assistant's id."},
    )
    input = JSONText(
        label="Input", example='{"topic": "tides"}', help_text="What the graph works on, as JSON. Default: no input."
    )
    context = JSONText(
        label="Context",
        example='{"tone": "plain"}',
        help_text="Settings the assistant reads while it runs, as JSON. Default: the assistant's own.",
    )
    thread = forms.ChoiceField(
        choices=ThreadChoice.choices,
        required=False,
        widget=forms.RadioSelect,
        label="Thread",
        help_text="A new thread keeps its state; without a thread nothing is kept.",
    )
    thread_id = forms.CharField(
        required=False,
        max_length=200,
        label="Thread id",
        help_text="The thread to continue, a UUID. Only for an existing thread.",
    )
    name = forms.CharField(
        required=False,
        max_length=200,
        label="Name",
        help_text="How people find this run. Without one it is called after its input.",
    )
    tags = Tags(label="Tags", help_text="Words to filter by, separated by commas.")

    command = JSONText(
        label="Command",
        example='{"resume": "yes"}',
        help_text="Resume, update or goto instead of an input, as JSON. Default: none.",
    )
    strict_resume = BooleanText(
        label="Strict resume",
        help_text="With true, a resume that meets no question fails instead of being ignored, on servers that "
        "support it. Default: not given.",
    )
    checkpoint_id = forms.CharField(
        required=False,
        max_length=200,
        label="Checkpoint id",
        help_text="Start from this checkpoint of the thread. Default: its latest.",
    )
    checkpoint = JSONText(
        label="Checkpoint",
        example='{"checkpoint_id": "1ef4…", "checkpoint_ns": ""}',
        help_text="The same as a whole checkpoint object. Default: the thread's latest.",
    )
    if_not_exists = OptionText(
        [("reject", "reject: refuse the run"), ("create", "create: make the thread")],
        label="If the thread is missing",
        default_label="Default: reject (a new thread is always created)",
        help_text="What the server does when the thread does not exist. Default: reject.",
    )
    interrupt_before = NodeNames(
        label="Stop before nodes", help_text="Node names, one per line, or * for every node. Default: none."
    )
    interrupt_after = NodeNames(
        label="Stop after nodes", help_text="Node names, one per line, or * for every node. Default: none."
    )
    after_seconds = forms.IntegerField(
        required=False,
        # No type=number: a browser sends "" for what it cannot read, and the run would start at once.
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        min_value=0,
        max_value=AFTER_SECONDS_MAX,
        label="Start after seconds",
        help_text="Seconds the server waits before it starts the run. Default: at once.",
        error_messages={
            "invalid": "Give whole seconds, for example 60.",
            "min_value": "Give 0 or more seconds; a run cannot start in the past.",
            "max_value": "That is over a year. Give at most 31622400 seconds (366 days).",
        },
    )
    config = JSONText(
        label="Config",
        example='{"recursion_limit": 50}',
        help_text="tags, recursion_limit and configurable for the assistant, as JSON. Default: the assistant's own.",
    )
    metadata = JSONText(
        label="Metadata",
        example='{"ticket": "OPS-12"}',
        help_text="Kept with the run on the server, as JSON. Default: none but Runboard's run id.",
    )
    multitask_strategy = OptionText(
        [
            ("reject", "Refuse this run (reject)"),
            ("interrupt", "Stop the other, keep its work (interrupt)"),
            ("rollback", "Stop the other, undo its work (rollback)"),
            ("enqueue", "Wait until the other is done (enqueue)"),
        ],
        label="If the thread is busy",
        help_text="What to do while another run uses the thread. Default: the server's, enqueue.",
    )
    on_disconnect = OptionText(
        [("continue", "continue: the run goes on"), ("cancel", "cancel: the run is stopped")],
        label="If Runboard's connection to the server drops",
        help_text="With cancel, the server stops the run when its connection to Runboard breaks. A restarted worker "
        f"waits {settings.ENV.stop_grace_s} s for it first; one that crashes cannot. Default: continue.",
    )
    on_completion = OptionText(
        [("delete", "delete the thread"), ("keep", "keep the thread")],
        label="After a stateless run",
        help_text="What happens to the thread that the server makes for it. Default: delete.",
    )
    durability = OptionText(
        [
            ("sync", "sync: before the next step"),
            ("async", "async: while the next step runs"),
            ("exit", "exit: only at the end"),
        ],
        label="Durability",
        help_text="When the server saves each step. Default: async.",
    )
    checkpoint_during = BooleanText(
        label="Checkpoint during (deprecated)",
        help_text="The old name of durability: true is async, false is sync. Default: not given.",
    )
    raise_error = BooleanText(
        default_label="Default: true",
        label="Raise the graph's error",
        help_text="With false, the error the server returned is kept as the final state. Default: true.",
    )
    webhook = forms.CharField(
        required=False,
        max_length=2000,
        label="Webhook",
        help_text="An http(s) address the server calls when the run is done. Default: none.",
    )
    langsmith_tracing = JSONText(
        label="LangSmith tracing",
        example='{"project_name": "demo"}',
        help_text="project_name and example_id, as JSON. Default: the server's own tracing.",
    )
    headers = JSONText(
        label="Headers",
        example='{"X-Team": "search"}',
        help_text="Extra request headers, as JSON. Values are stored encrypted and never shown again. Default: none.",
    )
    params = JSONText(
        label="Query parameters",
        example='{"trace": ["a", "b"]}',
        help_text="Added to the request's address, as JSON; a list repeats its key. Default: none.",
    )

    launch_key = forms.UUIDField(required=False, widget=forms.HiddenInput)
    parent = forms.UUIDField(required=False, widget=forms.HiddenInput)


# Every form starts with copies of these.
speak_plainly(ParameterFields.base_fields)
tie_to_help(ParameterFields.base_fields)
