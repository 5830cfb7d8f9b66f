"""People who ask, what they are known by, and what shall be corrected."""

from django.db import migrations, models
from django.db.models import Q

from cases.migrations.tables.columns import UUID_ID, link, only_link, values
from dsrportal.fields import EncryptedTextField

IDENTITY_TYPES = [
    ("email", "E-mail"),
    ("controller_customer_id", "Customer ID"),
    ("mobile_number", "Mobile number"),
    ("phone_number_2", "Phone number 2"),
    ("phone_number_3", "Phone number 3"),
    ("mpid", "mParticle ID"),
    ("android_advertising_id", "Android advertising ID"),
    ("android_id", "Android ID"),
    ("fire_advertising_id", "Fire advertising ID"),
    ("ios_advertising_id", "iOS advertising ID"),
    ("ios_vendor_id", "iOS vendor ID"),
    ("microsoft_advertising_id", "Microsoft advertising ID"),
    ("microsoft_publisher_id", "Microsoft publisher ID"),
    ("roku_advertising_id", "Roku advertising ID"),
    ("roku_publisher_id", "Roku publisher ID"),
    ("other", "Other"),
    ("other2", "Other 2"),
    ("other3", "Other 3"),
    ("other4", "Other 4"),
    ("other5", "Other 5"),
    ("other6", "Other 6"),
    ("other7", "Other 7"),
    ("other8", "Other 8"),
    ("other9", "Other 9"),
    ("other10", "Other 10"),
]

TABLES = [
    migrations.CreateModel(
        name="DataSubject",
        fields=[
            ("id", UUID_ID),
            ("created_at", models.DateTimeField(auto_now_add=True)),
            ("data_key", only_link("dsrportal.datakey")),
        ],
    ),
    migrations.CreateModel(
        name="SubjectIdentity",
        fields=[
            ("id", UUID_ID),
            ("type", models.CharField(choices=IDENTITY_TYPES, max_length=32)),
            ("value", EncryptedTextField(key="subject.data_key")),
            ("blind_index", models.BinaryField(db_index=True, max_length=32)),
            ("position", models.PositiveSmallIntegerField(default=0)),
            ("subject", link("cases.datasubject", "identities")),
            ("verified_at", models.DateTimeField(blank=True, editable=False, null=True)),
        ],
        options={
            "verbose_name_plural": "subject identities",
            "ordering": ["position"],
            "constraints": [
                models.UniqueConstraint(fields=["subject", "blind_index"], name="identity_once_per_subject"),
                models.CheckConstraint(
                    condition=Q(type__in=values(IDENTITY_TYPES)), name="identity_type_known"
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Correction",
        fields=[
            ("id", UUID_ID),
            ("new_value", EncryptedTextField(key="identity.subject.data_key")),
            ("blind_index", models.BinaryField(max_length=32)),
            (
                "identity",
                models.OneToOneField(
                    on_delete=models.CASCADE, related_name="correction", to="cases.subjectidentity"
                ),
            ),
        ],
    ),
]
