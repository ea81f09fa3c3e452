from django.urls import path

from dashboard.sharing import list_views, panel_views, views
from dashboard.sharing.form_links import admin_views
from dashboard.sharing.form_links import views as form_views
from dashboard.sharing.sets import panel_views as set_panel_views
from dashboard.sharing.sets import views as set_views

urlpatterns = [
    path("runs/<uuid:run_id>/shares/", panel_views.share_create, name="share-create"),
    path("runs/<uuid:run_id>/shares/preview/", panel_views.share_preview, name="share-preview"),
    path("runs/<uuid:run_id>/share/", panel_views.share_make, name="share-make"),
    path(
        "runs/<uuid:run_id>/share/<uuid:link_id>/revoke/", panel_views.share_revoke_of_run, name="share-revoke-of-run"
    ),
    path("shares/", list_views.share_list, name="share-list"),
    path("shares/new/", set_panel_views.share_new, name="share-new"),
    path("shares/new/preview/", set_panel_views.share_new_preview, name="share-new-preview"),
    path("shares/revoke/", list_views.share_revoke_all, name="share-revoke-all"),
    path("shares/<uuid:link_id>/revoke/", list_views.share_revoke, name="share-revoke"),
    path("presets/<uuid:preset_id>/form-links/", admin_views.preset_form_link_create, name="preset-form-link-create"),
    path("f/<str:token>/", form_views.form_link_page, name="form-link-page"),
    path("s/<str:token>/", views.share_page, name="share-page"),
    path("s/<str:token>/live/", views.share_live, name="share-live"),
    path("s/<str:token>/state/", views.share_state, name="share-state"),
    path("s/<str:token>/result.json", views.share_result, name="share-result"),
    path("s/<str:token>/runs/<uuid:run_id>/", set_views.share_run, name="share-run"),
    path("s/<str:token>/runs/<uuid:run_id>/live/", set_views.share_run_live, name="share-run-live"),
    path("s/<str:token>/runs/<uuid:run_id>/state/", set_views.share_run_state, name="share-run-state"),
    path("s/<str:token>/runs/<uuid:run_id>/result.json", set_views.share_run_result, name="share-run-result"),
]
