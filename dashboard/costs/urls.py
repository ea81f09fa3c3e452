from django.urls import path

from dashboard.costs import views

urlpatterns = [
    path("prices/", views.price_list, name="price-list"),
    path("prices/<int:price_id>/delete/", views.price_delete, name="price-delete"),
]
