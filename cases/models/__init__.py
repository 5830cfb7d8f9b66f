"""Models of cases and of everything that belongs to them."""

from cases.models.attachment import Attachment
from cases.models.attention import AttentionItem, AttentionKind
from cases.models.audit.actions import Action
from cases.models.audit.event import AppendOnly, AuditChain, AuditEvent
from cases.models.bulk import BulkRow, BulkRun, BulkState, BulkVerb, RowState
from cases.models.callback import CallbackDelivery, Verdict
from cases.models.case import Case, VerificationMethod
from cases.models.clock import Clock, ClockKind
from cases.models.duplicate import PossibleDuplicate
from cases.models.forwarding import ForwardingExtension
from cases.models.group import RequestGroup
from cases.models.intake.case_import import CaseImport, ImportedRow, ImportFailure, ImportState, StopReason
from cases.models.intake.receipt import IntakeReceipt
from cases.models.intake.source import IntakeSource
from cases.models.jobs import Jobs
from cases.models.note import Mention, Note
from cases.models.plan import SkippedProcessor
from cases.models.profile_search import Finding, ProfileSearch, Purpose
from cases.models.request import ProcessorRequest
from cases.models.result import PackageState, ResultPackage
from cases.models.saved_view import SavedView
from cases.models.subject import Correction, DataSubject, SubjectIdentity
from cases.models.tag import Tag
from cases.models.task import ManualTask
from cases.models.verification import EmailConfirmation, LinkState, Verification, VerificationRule

__all__ = [
    "Action",
    "AppendOnly",
    "Attachment",
    "AttentionItem",
    "AttentionKind",
    "AuditChain",
    "AuditEvent",
    "BulkRow",
    "BulkRun",
    "BulkState",
    "BulkVerb",
    "CallbackDelivery",
    "Case",
    "CaseImport",
    "Clock",
    "ClockKind",
    "Correction",
    "DataSubject",
    "EmailConfirmation",
    "Finding",
    "ForwardingExtension",
    "ImportFailure",
    "ImportState",
    "ImportedRow",
    "IntakeReceipt",
    "IntakeSource",
    "Jobs",
    "LinkState",
    "ManualTask",
    "Mention",
    "Note",
    "PackageState",
    "PossibleDuplicate",
    "ProcessorRequest",
    "ProfileSearch",
    "Purpose",
    "RequestGroup",
    "ResultPackage",
    "RowState",
    "SavedView",
    "SkippedProcessor",
    "StopReason",
    "SubjectIdentity",
    "Tag",
    "Verdict",
    "Verification",
    "VerificationMethod",
    "VerificationRule",
]
