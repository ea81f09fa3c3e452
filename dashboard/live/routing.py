from channels.routing import URLRouter
from django.urls import path

from dashboard.live import consumers, shared_sets

websockets = URLRouter(
    [
        path("ws/runs/", consumers.RunListConsumer.as_asgi()),
        path("ws/runs/<uuid:run_id>/", consumers.RunConsumer.as_asgi()),
        path("ws/inbox/", consumers.InboxConsumer.as_asgi()),
        path("ws/workers/", consumers.WorkersConsumer.as_asgi()),
        path("ws/s/<str:token>/", consumers.ShareConsumer.as_asgi()),
        path("ws/s/<str:token>/runs/", shared_sets.SharedSetConsumer.as_asgi()),
        path("ws/s/<str:token>/runs/<uuid:run_id>/", shared_sets.SharedSetRunConsumer.as_asgi()),
        path("<path:path>", consumers.NowhereConsumer.as_asgi()),
    ]
)
