"""Cases, when the law wants them answered, and pairs that may be one."""

from django.core.validators import RegexValidator
from django.db import migrations, models
from django.db.models import F, Q

from cases.migrations.tables.columns import BIG_ID, USER, link, only_link, values

REQUEST_TYPES = [
    ("access", "Access"),
    ("portability", "Portability"),
    ("erasure", "Erasure"),
    ("opt_out", "Opt-out"),
    ("correction", "Correction"),
]
REGULATIONS = [("gdpr", "GDPR"), ("ccpa", "CCPA")]
VERIFICATION_METHODS = [
    ("matched_data", "Data points matched"),
    ("email_confirmed", "E-mail address confirmed"),
    ("document_seen", "Document seen"),
    ("signed_in", "Request made while signed in"),
    ("authorised_agent", "Authorised agent with proof"),
]
CASE_STATUSES = [
    ("intake", "Intake"),
    ("verifying", "Verifying"),
    ("ready", "Ready for approval"),
    ("working", "In progress"),
    ("attention", "Attention"),
    ("review", "Review"),
    ("closed", "Closed"),
]
OUTCOMES = [
    ("fulfilled", "Fulfilled"),
    ("partly_fulfilled", "Partly fulfilled"),
    ("denied", "Denied"),
    ("withdrawn", "Withdrawn"),
    ("duplicate", "Duplicate"),
    ("not_verified", "Not verified"),
    ("no_data_held", "No data held"),
]

TABLES = [
    migrations.CreateModel(
        name="Case",
        fields=[
            ("id", BIG_ID),
            (
                "reference",
                models.CharField(editable=False, max_length=20, unique=True, verbose_name="reference"),
            ),
            ("type", models.CharField(choices=REQUEST_TYPES, max_length=16, verbose_name="type")),
            ("regulation", models.CharField(choices=REGULATIONS, max_length=8, verbose_name="regulation")),
            (
                "received_at",
                models.DateTimeField(
                    help_text="When the request was received. The legal deadline is counted from then.",
                    verbose_name="received at",
                ),
            ),
            (
                "skip_waiting_period",
                models.BooleanField(
                    default=False,
                    help_text="Erasures only: asks mParticle to skip the seven days in which the request can be "
                    "cancelled.",
                ),
            ),
            (
                "status",
                models.CharField(
                    choices=CASE_STATUSES,
                    default="intake",
                    editable=False,
                    max_length=16,
                    verbose_name="status",
                ),
            ),
            (
                "outcome",
                models.CharField(
                    blank=True, choices=OUTCOMES, editable=False, max_length=20, verbose_name="outcome"
                ),
            ),
            ("status_changed_at", models.DateTimeField(editable=False)),
            ("closed_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ("opened_at", models.DateTimeField(auto_now_add=True)),
            ("verified_at", models.DateTimeField(blank=True, editable=False, null=True)),
            (
                "verification_method",
                models.CharField(blank=True, choices=VERIFICATION_METHODS, editable=False, max_length=20),
            ),
            ("approved_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ("approval_digest", models.CharField(blank=True, editable=False, max_length=64)),
            ("approved_by", link(USER, blank=True, editable=False, null=True)),
            ("changed_by", link(USER, blank=True, editable=False, null=True)),
            ("data_key", only_link("dsrportal.datakey", editable=False)),
            ("opened_by", link(USER, blank=True, editable=False, null=True)),
            ("verified_by", link(USER, blank=True, editable=False, null=True)),
            ("subject", link("cases.datasubject", "cases", editable=False)),
            (
                "group_name",
                models.CharField(
                    blank=True,
                    default="",
                    help_text="Only if the processor should report on this case's requests together with others "
                    "of the same group. The name appears in URLs. Do not use personal data. If empty, "
                    "the portal forms the groups itself.",
                    max_length=64,
                    validators=[
                        RegexValidator(
                            "^[A-Za-z0-9._-]+\\Z",
                            "Use letters, digits, points, hyphens and underscores only.",
                        )
                    ],
                    verbose_name="group",
                ),
            ),
            ("block_released_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ("blocked_by", link("cases.case", "blocks", blank=True, editable=False, null=True)),
            ("purposes", models.JSONField(blank=True, default=list)),
            ("assignee", link(USER, "assigned_cases", blank=True, editable=False, null=True)),
            ("follow_up_on", models.DateField(blank=True, editable=False, null=True)),
            ("verification_asked_by", link(USER, blank=True, editable=False, null=True)),
            ("duplicate_of", link("cases.case", "duplicates", blank=True, editable=False, null=True)),
            ("intake_source", link("cases.intakesource", "cases", blank=True, editable=False, null=True)),
            (
                "tags",
                models.ManyToManyField(blank=True, editable=False, related_name="cases", to="cases.tag"),
            ),
        ],
        options={
            "verbose_name": "case",
            "verbose_name_plural": "cases",
            "permissions": [
                ("verify_case", "Can verify requesters"),
                ("assign_case", "Can assign, defer and tag cases"),
                ("plan_case", "Can change the plan and the identifiers of a case"),
                ("search_case", "Can search processors for data subjects"),
                ("release_case", "Can release erasures from hold"),
                ("approve_case", "Can approve or deny a case"),
                ("withdraw_case", "Can record the withdrawal of a case"),
                ("cancel_case", "Can cancel requests at processors"),
                ("refresh_case", "Can check the status at processors and retry"),
                ("close_case", "Can close a case with its outcome"),
                ("reopen_case", "Can reopen a closed case"),
                ("reveal_identity", "Can reveal identifiers, with a reason"),
                ("download_package", "Can download result packages"),
                ("export_case", "Can export lists of cases"),
            ],
            "indexes": [
                models.Index(fields=["status", "-id"], name="case_by_status"),
                models.Index(fields=["received_at"], name="case_by_receipt"),
                models.Index(
                    fields=["closed_at"], condition=Q(closed_at__isnull=False), name="case_by_closing"
                ),
            ],
            "constraints": [
                models.CheckConstraint(condition=Q(type__in=values(REQUEST_TYPES)), name="case_type_known"),
                models.CheckConstraint(
                    condition=Q(regulation__in=values(REGULATIONS)), name="case_regulation_known"
                ),
                models.CheckConstraint(
                    condition=Q(status__in=values(CASE_STATUSES)), name="case_status_known"
                ),
                models.CheckConstraint(
                    condition=Q(closed_at__isnull=False, outcome__in=values(OUTCOMES), status="closed")
                    | (~Q(status="closed") & Q(closed_at__isnull=True, outcome="")),
                    name="case_outcome_iff_closed",
                ),
                models.CheckConstraint(
                    condition=Q(verification_method="", verified_at__isnull=True, verified_by__isnull=True)
                    | (Q(verified_at__isnull=False, verified_by__isnull=False) & ~Q(verification_method=""))
                    | Q(
                        verification_method="email_confirmed",
                        verified_at__isnull=False,
                        verified_by__isnull=True,
                    ),
                    name="case_verified_by_someone",
                ),
                models.CheckConstraint(
                    condition=Q(type__in=["opt_out"])
                    | Q(verified_at__isnull=False)
                    | (Q(approved_at__isnull=True) & ~Q(status="ready")),
                    name="case_verified_before_approval",
                ),
                models.CheckConstraint(
                    condition=Q(approval_digest="", approved_at__isnull=True, approved_by__isnull=True)
                    | (Q(approved_at__isnull=False, approved_by__isnull=False) & ~Q(approval_digest="")),
                    name="case_approved_by_someone",
                ),
                models.CheckConstraint(
                    condition=Q(intake_source__isnull=True, opened_by__isnull=False)
                    | Q(intake_source__isnull=False, opened_by__isnull=True),
                    name="case_opened_by_one",
                ),
                models.CheckConstraint(
                    condition=Q(changed_by__isnull=False) | Q(intake_source__isnull=False),
                    name="case_changed_by_someone",
                ),
                models.CheckConstraint(
                    condition=~Q(type__in=["erasure", "correction"])
                    | Q(approved_by__isnull=True)
                    | (
                        (Q(opened_by__isnull=True) | ~Q(approved_by=F("opened_by")))
                        & (Q(changed_by__isnull=True) | ~Q(approved_by=F("changed_by")))
                        & (Q(verified_by__isnull=True) | ~Q(approved_by=F("verified_by")))
                    ),
                    name="case_second_person_approves",
                ),
                models.CheckConstraint(
                    condition=~Q(type__in=["erasure", "correction"])
                    | Q(approved_by__isnull=True)
                    | Q(verification_asked_by__isnull=True)
                    | ~Q(approved_by=F("verification_asked_by")),
                    name="case_link_sender_does_not_approve",
                ),
                models.CheckConstraint(
                    condition=Q(blocked_by__isnull=True) | Q(block_released_at__isnull=True, type="erasure"),
                    name="case_blocked_only_as_erasure",
                ),
                models.CheckConstraint(
                    condition=Q(duplicate_of__isnull=False, outcome="duplicate")
                    | (~Q(outcome="duplicate") & Q(duplicate_of__isnull=True)),
                    name="case_duplicate_iff_of_another",
                ),
                models.CheckConstraint(
                    condition=Q(duplicate_of__isnull=True) | ~Q(duplicate_of=F("id")),
                    name="case_no_duplicate_of_itself",
                ),
                models.CheckConstraint(
                    condition=Q(skip_waiting_period=False) | Q(type="erasure"),
                    name="case_skips_wait_only_for_erasure",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Clock",
        fields=[
            ("id", BIG_ID),
            ("kind", models.CharField(choices=[("response", "Response")], max_length=20)),
            ("rule", models.CharField(max_length=64)),
            ("rule_version", models.CharField(max_length=32)),
            ("calendar_version", models.CharField(max_length=64)),
            ("zone", models.CharField(max_length=64)),
            ("started_on", models.DateField()),
            (
                "nominal_on",
                models.DateField(help_text="The last safe day, before moving to a working day."),
            ),
            ("due_on", models.DateField()),
            ("due_at", models.DateTimeField(db_index=True)),
            ("satisfied_at", models.DateTimeField(blank=True, null=True)),
            ("case", link("cases.case", "clocks")),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=["case", "kind"], name="clock_one_per_kind"),
                models.CheckConstraint(
                    condition=Q(due_on__gte=F("nominal_on"), nominal_on__gte=F("started_on")),
                    name="clock_runs_forward",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="PossibleDuplicate",
        fields=[
            ("id", BIG_ID),
            ("found_at", models.DateTimeField()),
            ("dismissed_at", models.DateTimeField(blank=True, null=True)),
            ("dismissed_by", link(USER, blank=True, null=True)),
            ("first", link("cases.case", db_index=False)),
            ("second", link("cases.case")),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=["first", "second"], name="duplicate_pair_once"),
                models.CheckConstraint(condition=Q(first__lt=F("second")), name="duplicate_pair_in_order"),
                models.CheckConstraint(
                    condition=Q(dismissed_at__isnull=True, dismissed_by__isnull=True)
                    | Q(dismissed_at__isnull=False, dismissed_by__isnull=False),
                    name="duplicate_dismissed_by_someone",
                ),
            ],
        },
    ),
]
