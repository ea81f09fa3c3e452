from channels.routing import URLRouter
from django.urls import path

from dashboard.live import consumers

websockets = URLRouter(
    [
        path("ws/runs/", consumers.RunListConsumer.as_asgi()),
        path("ws/runs/<uuid:run_id>/", consumers.RunConsumer.as_asgi()),
        path("ws/inbox/", consumers.InboxConsumer.as_asgi()),
        path("ws/workers/", consumers.WorkersConsumer.as_asgi()),
        path("ws/s/<str:token>/", consumers.ShareConsumer.as_asgi()),
        path("<path:path>", consumers.NowhereConsumer.as_asgi()),
    ]
)
