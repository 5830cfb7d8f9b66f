from django.core.validators import RegexValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0006_requests_take_slots_in_groups"),
    ]

    operations = [
        migrations.AddField(
            model_name="case",
            name="group_name",
            field=models.CharField(
                blank=True,
                default="",
                help_text=(
                    "Only where the processor shall report this case's requests together with others you name "
                    "alike. It is sent in addresses: nothing personal. Empty: the portal groups them itself."
                ),
                max_length=64,
                validators=[
                    RegexValidator(
                        r"^[A-Za-z0-9._-]+\Z", "Use letters, digits, points, hyphens and underscores only."
                    )
                ],
                verbose_name="group",
            ),
        ),
        migrations.AlterField(
            model_name="attentionitem",
            name="kind",
            field=models.CharField(
                choices=[
                    ("credentials", "Credentials refused"),
                    ("account_mismatch", "Another workspace answered"),
                    ("refused", "Processor refused the request"),
                    ("conflict", "Another request is in the way"),
                    ("gone", "Processor does not know the request"),
                    ("retries_exhausted", "No answer after many attempts"),
                    ("cancel_refused", "Cancel came too late"),
                    ("unknown_status", "Status word is not known"),
                    ("past_expected", "Past its expected completion"),
                    ("silent", "No word from the processor"),
                    ("disagreement", "Callback and report disagree"),
                    ("partner_failed", "A partner failed"),
                    ("result_missed", "Result could not be kept"),
                    ("foreign_callback", "Callback is not for us"),
                ],
                max_length=24,
            ),
        ),
    ]
