"""All addresses: the desk at /admin/, everything else belongs to the cases."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/"), name="root"),
    path("admin/", admin.site.urls),
    path("", include("cases.urls")),
]
