"""Actions of the audit trail, each with its sentence."""

from django.db import models
from django.utils.translation import gettext_lazy


class Action(models.TextChoices):
    """Everything that can happen, in the past tense, with the sentence that a timeline shows for it.

    Slots are names in `details`; none of them can hold personal data.
    """

    CASE_OPENED = (
        "case.opened",
        gettext_lazy("Opened the case ({type}, {regulation}); identifiers given: {identities}"),
    )
    CLOCK_STARTED = "case.clock_started", gettext_lazy("Response due {due_on} ({rule})")
    CLOCK_RESTARTED = (
        "case.clock_restarted",
        gettext_lazy("Response due {due_on} instead of {due_before}: counted from {started_on} ({rule})"),
    )
    CASE_VERIFIED = "case.verified", gettext_lazy("Recorded verification: {method}")
    VERIFICATION_FAILED = "verification.failed", gettext_lazy("Recorded that verification failed: {method}")
    LINK_ASKED = (
        "verification.link_asked",
        gettext_lazy("Asked the requester to confirm an e-mail address (link valid for {days} days)"),
    )
    LINK_SENT = "verification.link_sent", gettext_lazy("Sent the confirmation link")
    LINK_REFUSED = (
        "verification.link_refused",
        gettext_lazy("The confirmation link could not be delivered: {error}"),
    )
    LINK_CANCELLED = "verification.link_cancelled", gettext_lazy("The confirmation link is no longer valid")
    LINK_EXPIRED = (
        "verification.link_expired",
        gettext_lazy("The confirmation link expired unused"),
    )
    VERIFICATION_RULE_CHANGED = (
        "verification.rule_changed",
        gettext_lazy("Changed the verification rule ({type}, {regulation}): {fields}"),
    )
    CASE_ASSIGNED = "case.assigned", gettext_lazy("Assigned the case to {account}")
    CASE_DEFERRED = "case.deferred", gettext_lazy("Deferred the case until {until}")
    CASE_TAGGED = "case.tagged", gettext_lazy("Changed the tags: added {added}, removed {removed}")
    CASE_PLANNED = "case.planned", gettext_lazy("Planned the processor requests ({requests})")
    CASE_PLAN_CHANGED = (
        "case.plan_changed",
        gettext_lazy("Changed the plan: {requests} requests, {skipped} processors skipped"),
    )
    CASE_IDENTITIES_CHANGED = (
        "case.identities_changed",
        gettext_lazy("Changed the identifiers: {added} added, {removed} removed"),
    )
    CASE_QUEUED = "case.queued", gettext_lazy("Queued the requests: this type needs no approval")
    CASE_APPROVED = "case.approved", gettext_lazy("Approved the plan")
    APPROVAL_VOIDED = "case.approval_voided", gettext_lazy("The approval became void: {what} changed")
    APPROVAL_UNDONE = "case.approval_undone", gettext_lazy("Undid the approval before anything was sent")
    CASE_HELD = "case.held", gettext_lazy("Put on hold: waits for {other}")
    CASE_RELEASED = "case.released", gettext_lazy("Released from hold: no longer waits for {other}")
    CASE_DENIED = "case.denied", gettext_lazy("Denied the case")
    CASE_WITHDRAWN = "case.withdrawn", gettext_lazy("Recorded the withdrawal of the request")
    CASE_STATUS_CHANGED = "case.status_changed", gettext_lazy("Case moved from {from} to {to}")
    CASE_CLOSED = "case.closed", gettext_lazy("Closed the case as {outcome}")
    CASE_CLOSED_AS_DUPLICATE = (
        "case.closed_as_duplicate",
        gettext_lazy("Closed the case as a duplicate of {other}"),
    )
    DUPLICATE_TAKEN = "case.duplicate_taken", gettext_lazy("{other} was closed as a duplicate of this case")
    DUPLICATE_MOVED = (
        "case.duplicate_moved",
        gettext_lazy("Now a duplicate of {other} instead of {before}"),
    )
    DUPLICATE_GIVEN_BACK = (
        "case.duplicate_given_back",
        gettext_lazy("{other} is no longer a duplicate of this case"),
    )
    DUPLICATE_DISMISSED = "case.duplicate_dismissed", gettext_lazy("Marked {other} as not a duplicate")
    DUPLICATE_SUGGESTED_AGAIN = (
        "case.duplicate_suggested_again",
        gettext_lazy("Removed the mark that {other} is not a duplicate"),
    )
    CASE_REOPENED = "case.reopened", gettext_lazy("Reopened the case")
    REQUEST_STATUS_CHANGED = "request.status_changed", gettext_lazy("{processor}: {from} to {to}")
    REQUEST_ANSWERED = "request.answered", gettext_lazy("{processor} responded: {answer}")
    REQUEST_RETRIED = "request.retried", gettext_lazy("Queued the request to {processor} again")
    REQUEST_REFRESHED = "request.refreshed", gettext_lazy("Asked {processor} for the status of the request")
    CANCEL_REQUESTED = "request.cancel_requested", gettext_lazy("Requested cancellation from {processor}")
    CANCEL_REFUSED = "request.cancel_refused", gettext_lazy("{processor} did not cancel")
    PROFILE_SEARCHED = (
        "profile.searched",
        gettext_lazy("Searched {processor} for the data subject: {finding}"),
    )
    TASK_CREATED = "task.created", gettext_lazy("Created a manual task for {processor}, due {due_on}")
    TASK_ASSIGNED = "task.assigned", gettext_lazy("Assigned the task at {processor} to {account}")
    TASK_ATTESTED = "task.attested", gettext_lazy("Attested the task at {processor}: {answer}")
    FORWARDING_CHANGED = "forwarding.changed", gettext_lazy("{processor} reports {partner}: {to}")
    RESULT_FETCHED = (
        "result.fetched",
        gettext_lazy("Fetched the result from {processor} ({size_bytes} bytes)"),
    )
    RESULT_MISSED = "result.missed", gettext_lazy("The result from {processor} could not be stored: {state}")
    RESULT_EXPIRED = "result.expired", gettext_lazy("Deleted the result package after its expiry")
    RESULT_SEALED = "result.sealed", gettext_lazy("Sealed the result from {processor}: {doubt}")
    RESULT_DROPPED = (
        "result.dropped",
        gettext_lazy("Discarded the result from {processor} ({state}) to fetch it again"),
    )
    RESULT_VIEWED = "result.viewed", gettext_lazy("Viewed the contents of the result package")
    RESULT_DOWNLOADED = "result.downloaded", gettext_lazy("Downloaded the result package")
    RESULT_REDACTED = (
        "result.redacted",
        gettext_lazy("Downloaded the result package with {left_out} parts removed"),
    )
    NOTE_WRITTEN = "note.written", gettext_lazy("Added a note")
    NOTE_MENTIONED = "note.mentioned", gettext_lazy("Mentioned {account} in a note")
    ATTACHMENT_ADDED = "attachment.added", gettext_lazy("Attached a file ({media_type}, {size_bytes} bytes)")
    ATTACHMENT_DOWNLOADED = "attachment.downloaded", gettext_lazy("Downloaded an attached file")
    IDENTITIES_REVEALED = "identity.revealed", gettext_lazy("Revealed the identifiers ({identities})")
    IDENTITY_SEARCHED = "identity.searched", gettext_lazy("Searched by an identifier ({found} found)")
    ATTENTION_OPENED = "attention.opened", gettext_lazy("Needs attention: {kind}")
    ATTENTION_RESOLVED = "attention.resolved", gettext_lazy("Resolved: {kind} ({resolution})")
    PROCESSOR_CREATED = "processor.created", gettext_lazy("Added the processor {processor}")
    PROCESSOR_CHANGED = "processor.changed", gettext_lazy("Changed {fields} of {processor}")
    PROCESSOR_PAUSED = "processor.paused", gettext_lazy("Paused {processor}")
    PROCESSOR_RESUMED = "processor.resumed", gettext_lazy("Resumed {processor}")
    OUTGOING_PAUSED = "outgoing.paused", gettext_lazy("Paused all sending")
    OUTGOING_RESUMED = "outgoing.resumed", gettext_lazy("Resumed all sending")
    PROCESSOR_TESTED = "processor.tested", gettext_lazy("Tested the connection to {processor}: {result}")
    INTAKE_SOURCE_CREATED = "intake_source.created", gettext_lazy("Added the intake source {source}")
    INTAKE_SOURCE_CHANGED = (
        "intake_source.changed",
        gettext_lazy("Changed {fields} of the intake source {source}"),
    )
    INTAKE_TOKEN_ROTATED = (
        "intake_source.token_rotated",
        gettext_lazy("Replaced the token of the intake source {source}"),
    )
    INTAKE_SOURCE_DEACTIVATED = (
        "intake_source.deactivated",
        gettext_lazy("Deactivated the intake source {source}"),
    )
    INTAKE_SOURCE_ACTIVATED = (
        "intake_source.activated",
        gettext_lazy("Reactivated the intake source {source}"),
    )
    KEYS_ROTATED = "key.rotated", gettext_lazy("Data keys wrapped under the current master key: {count}")
    LIST_EXPORTED = (
        "list.exported",
        gettext_lazy("Exported the list {listed}, rows: {count}, filters: {filters}"),
    )
    VIEW_SHARED = "view.shared", gettext_lazy("Shared the view “{view}” ({filters})")
    VIEW_UNSHARED = "view.unshared", gettext_lazy("Stopped sharing the view “{view}”")
    VIEW_RENAMED = "view.renamed", gettext_lazy("Renamed the shared view “{before}” to “{view}”")
    VIEW_DELETED = "view.deleted", gettext_lazy("Deleted the shared view “{view}”")
    AUDIT_EXPORTED = "audit.exported", gettext_lazy("Exported audit events: {count}")
    BULK_STARTED = "bulk.started", gettext_lazy("Started a bulk run: {verb}, cases: {cases} ({run})")
    BULK_RETRIED = "bulk.retried", gettext_lazy("Retried a bulk run: {verb}, cases: {cases} ({run})")
    BULK_STOPPED = "bulk.stopped", gettext_lazy("Stopped a bulk run: {verb} ({run})")
    BULK_UNDO_STARTED = (
        "bulk.undo_started",
        gettext_lazy("Started undoing a bulk run: {verb}, cases: {cases} ({run})"),
    )
    BULK_FINISHED = (
        "bulk.finished",
        gettext_lazy(
            "Finished a bulk run: {verb}, {done} done, {refused} refused, {failed} failed, {undone} "
            "undone ({run})"
        ),
    )
    IMPORT_UPLOADED = "import.uploaded", gettext_lazy("Uploaded a file for import, rows: {rows}")
    IMPORT_STARTED = "import.started", gettext_lazy("Started an import, rows: {rows}")
    IMPORT_FINISHED = (
        "import.finished",
        gettext_lazy("Finished an import: {opened} opened, {known} imported earlier, {failed} failed"),
    )
    IMPORT_STOPPED = "import.stopped", gettext_lazy("An import stopped ({stop}): {opened} opened")
    IMPORT_DISCARDED = "import.discarded", gettext_lazy("Discarded a file that was not imported")
    IMPORT_DOWNLOADED = "import.downloaded", gettext_lazy("Downloaded the failed rows of an import: {failed}")
    IMPORT_EXPIRED = "import.expired", gettext_lazy("Deleted the file of an import")
    USER_LOGGED_IN = "user.logged_in", gettext_lazy("Logged in")
    USER_LOGGED_OUT = "user.logged_out", gettext_lazy("Logged out")
    USER_LOGIN_FAILED = "user.login_failed", gettext_lazy("Log-in failed")
    USER_LOCKED_OUT = "user.locked_out", gettext_lazy("Log-in locked out")
    USER_CREATED = "user.created", gettext_lazy("Created the account {account}")
    USER_CHANGED = "user.changed", gettext_lazy("Changed {fields} of {account}")
    PASSWORD_CHANGED = "user.password_changed", gettext_lazy("Changed the password of {account}")
    ROLES_CHANGED = (
        "user.roles_changed",
        gettext_lazy("Changed roles of {account}: added {added}, removed {removed}"),
    )
    ROLE_CHANGED = "role.changed", gettext_lazy("Changed the permissions of the role {role}")
