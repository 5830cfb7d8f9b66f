"""The pause of all sending is named for what it is; "outgoing" is the queue alone."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial")]

    operations = [
        migrations.RenameModel("Outgoing", "SendingPause"),
        migrations.AlterModelOptions(
            "SendingPause",
            {
                "default_permissions": (),
                "permissions": [("pause_outgoing", "Can pause and resume all sending")],
                "verbose_name": "pause of all sending",
                "verbose_name_plural": "pause of all sending",
            },
        ),
    ]
