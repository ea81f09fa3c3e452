from channels.routing import URLRouter
from django.urls import path

from dashboard.live.consumer import NowhereConsumer
from dashboard.live.member_consumers import InboxConsumer, RunConsumer, RunListConsumer, WorkersConsumer
from dashboard.live.share_consumer import ShareConsumer
from dashboard.live.shared_sets import SharedSetConsumer, SharedSetRunConsumer

websockets = URLRouter(
    [
        path("ws/runs/", RunListConsumer.as_asgi()),
        path("ws/runs/<uuid:run_id>/", RunConsumer.as_asgi()),
        path("ws/inbox/", InboxConsumer.as_asgi()),
        path("ws/workers/", WorkersConsumer.as_asgi()),
        path("ws/s/<str:token>/", ShareConsumer.as_asgi()),
        path("ws/s/<str:token>/runs/", SharedSetConsumer.as_asgi()),
        path("ws/s/<str:token>/runs/<uuid:run_id>/", SharedSetRunConsumer.as_asgi()),
        path("<path:path>", NowhereConsumer.as_asgi()),
    ]
)
