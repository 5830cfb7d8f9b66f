"""Case references count up in one sequence, whatever the year."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_cases")]

    operations = [
        migrations.RunSQL(
            sql="CREATE SEQUENCE cases_case_reference",
            reverse_sql="DROP SEQUENCE cases_case_reference",
        ),
    ]
