from django.db import migrations, models

import cases.models.worded


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0024_models_have_names"),
    ]

    operations = [
        migrations.AddField(
            model_name="bulkrow",
            name="wording",
            field=cases.models.worded.WordingField(default=dict, editable=False),
        ),
        migrations.AddField(
            model_name="importfailure",
            name="wording",
            field=cases.models.worded.WordingField(default=dict, editable=False),
        ),
        migrations.AlterField(
            model_name="bulkrow",
            name="sentence",
            field=models.TextField(blank=True),
        ),
        migrations.AlterField(
            model_name="importfailure",
            name="sentence",
            field=models.TextField(),
        ),
    ]
