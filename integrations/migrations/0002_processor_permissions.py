from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0001_processors"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="processor",
            options={
                "ordering": ["name"],
                "permissions": [
                    ("pause_processor", "Can pause and resume a processor"),
                    ("test_processor", "Can test a processor's connection"),
                ],
            },
        ),
    ]
