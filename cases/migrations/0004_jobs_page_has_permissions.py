from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0003_audit_trail_is_chained"),
    ]

    operations = [
        migrations.CreateModel(
            name="Jobs",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
            ],
            options={
                "verbose_name": "jobs",
                "verbose_name_plural": "jobs",
                "permissions": [
                    ("view_jobs", "Can look at queues, workers and failed jobs"),
                    ("requeue_jobs", "Can have failed jobs run again"),
                ],
                "managed": False,
                "default_permissions": (),
            },
        ),
    ]
