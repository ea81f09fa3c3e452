from django.urls import path

from dashboard.sharing import views

urlpatterns = [
    path("runs/<uuid:run_id>/share/", views.share_create, name="share-create"),
    path("runs/<uuid:run_id>/share/<uuid:link_id>/revoke/", views.share_revoke, name="share-revoke"),
    path("s/<str:token>/", views.share_page, name="share-page"),
    path("s/<str:token>/live/", views.share_live, name="share-live"),
    path("s/<str:token>/result.json", views.share_result, name="share-result"),
]
