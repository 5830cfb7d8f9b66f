"""Users, and the keys under which everything personal is encrypted."""

import uuid

from django.contrib.auth.models import UserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import migrations, models
from django.db.models import Q
from django.utils import timezone

from dsrportal.models import validate_time_zone


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("dsrportal", "0001_user_and_data_key"),
        ("dsrportal", "0002_an_import_has_a_key_of_its_own"),
        ("dsrportal", "0003_language_of_a_user"),
    ]
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "A user with that username already exists."},
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        unique=True,
                        validators=[UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                ("first_name", models.CharField(blank=True, max_length=150, verbose_name="first name")),
                ("last_name", models.CharField(blank=True, max_length=150, verbose_name="last name")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="email address")),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                ("date_joined", models.DateTimeField(default=timezone.now, verbose_name="date joined")),
                (
                    "time_zone",
                    models.CharField(
                        default="UTC",
                        max_length=64,
                        validators=[validate_time_zone],
                        verbose_name="time zone",
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        blank=True,
                        choices=[("", "Browser setting"), ("en", "English"), ("de", "Deutsch")],
                        default="",
                        max_length=8,
                        verbose_name="language",
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "abstract": False,
            },
            managers=[("objects", UserManager())],
        ),
        migrations.CreateModel(
            name="DataKey",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("subject", "identities of one person"),
                            ("case", "notes, files and packages of one case"),
                            ("portal", "credentials"),
                            ("evidence", "callback bodies and headers"),
                            ("index", "blind indexes"),
                            ("import", "the file of one import"),
                        ],
                        editable=False,
                        max_length=16,
                    ),
                ),
                ("wrapped", models.BinaryField(null=True)),
                ("master_key_id", models.CharField(editable=False, max_length=32)),
                ("created_at", models.DateTimeField(default=timezone.now, editable=False)),
                ("destroyed_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(purpose__in=["subject", "case", "portal", "evidence", "index", "import"]),
                        name="datakey_purpose_valid",
                    ),
                    models.CheckConstraint(
                        condition=Q(destroyed_at__isnull=False, wrapped__isnull=True)
                        | Q(destroyed_at__isnull=True, wrapped__isnull=False),
                        name="datakey_destroyed_iff_unwrapped",
                    ),
                    models.UniqueConstraint(
                        fields=["purpose"],
                        condition=Q(destroyed_at__isnull=True, purpose__in=["portal", "evidence", "index"]),
                        name="datakey_one_shared_per_purpose",
                    ),
                ],
            },
        ),
    ]
