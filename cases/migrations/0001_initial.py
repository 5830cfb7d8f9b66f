"""Tables of the cases, all of them; the modules of `tables` hold them by nouns."""

from django.conf import settings
from django.db import migrations

from cases.migrations.tables import (
    audit,
    bulk,
    case,
    desk,
    intake,
    note,
    report,
    request,
    subject,
    verification,
)


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("cases", "0001_cases"),
        ("cases", "0002_case_reference"),
        ("cases", "0004_jobs_page_has_permissions"),
        ("cases", "0006_requests_take_slots_in_groups"),
        ("cases", "0007_case_names_a_group"),
        ("cases", "0008_the_queue_is_indexed_in_its_order"),
        ("cases", "0009_plans_span_every_system"),
        ("cases", "0010_a_skip_keeps_its_reason"),
        ("cases", "0011_cases_are_assigned_deferred_and_tagged"),
        ("cases", "0012_identities_are_verified_one_by_one"),
        ("cases", "0013_the_list_keeps_views_and_counts_weeks"),
        ("cases", "0014_notes_are_threads_and_name_people"),
        ("cases", "0015_the_person_is_verified_by_rules"),
        ("cases", "0016_duplicates_are_linked"),
        ("cases", "0017_many_cases_are_worked_at_once"),
        ("cases", "0018_cases_come_in_as_files"),
        ("cases", "0019_cases_are_opened_through_the_intake_api"),
        ("cases", "0020_sentences_are_kept_with_their_slots"),
        ("cases", "0021_cases_have_attachments"),
        ("cases", "0023_the_trail_is_indexed_for_review"),
        ("cases", "0024_models_have_names"),
        ("cases", "0025_sentences_of_rows_are_kept_with_their_slots"),
        ("cases", "0026_the_rest_of_the_models_have_names"),
    ]
    dependencies = [
        ("dsrportal", "0001_initial"),
        ("integrations", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        *desk.TABLES,
        *subject.TABLES,
        *case.TABLES,
        # References count up in one sequence, whatever the year.
        migrations.RunSQL("CREATE SEQUENCE cases_case_reference", "DROP SEQUENCE cases_case_reference"),
        *note.TABLES,
        *verification.TABLES,
        *request.TABLES,
        *report.TABLES,
        *intake.TABLES,
        *bulk.TABLES,
        *audit.TABLES,
    ]
