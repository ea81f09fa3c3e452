from django.urls import path

from dashboard.handover import views

urlpatterns = [path("people/<int:user_id>/hand-over/", views.member_hand_over, name="member-hand-over")]
