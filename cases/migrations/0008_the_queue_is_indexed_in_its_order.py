from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0007_case_names_a_group"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="processorrequest",
            index=models.Index(
                "processor",
                "due_at",
                "subject_request_id",
                condition=Q(status="queued") | Q(status="pending", cancel_requested_at__isnull=False),
                name="request_due",
            ),
        ),
        migrations.RemoveIndex(model_name="processorrequest", name="request_queue"),
    ]
