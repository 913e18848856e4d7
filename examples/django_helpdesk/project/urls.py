"""The host's pages, and one of ours: why is this ticket where it is."""

from django.contrib import admin
from django.urls import include, path

from escalation.views import why

urlpatterns = [
    path("admin/", admin.site.urls),
    path("tickets/<int:ticket_id>/why/", why, name="why"),
    path("", include("helpdesk.urls", namespace="helpdesk")),
]
