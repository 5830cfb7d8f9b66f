from cases.models.attachment import Attachment
from cases.models.attention import AttentionItem, AttentionKind
from cases.models.audit import Action, AppendOnly, AuditChain, AuditEvent
from cases.models.callback import CallbackDelivery, Verdict
from cases.models.case import Case, VerificationMethod
from cases.models.clock import Clock, ClockKind
from cases.models.forwarding import ForwardingExtension
from cases.models.group import RequestGroup
from cases.models.jobs import Jobs
from cases.models.note import Mention, Note
from cases.models.plan import SkippedProcessor
from cases.models.request import ProcessorRequest
from cases.models.result import PackageState, ResultPackage
from cases.models.search import Finding, ProfileSearch, Purpose
from cases.models.subject import Correction, DataSubject, SubjectIdentity
from cases.models.tag import Tag
from cases.models.task import ManualTask

__all__ = [
    "Action",
    "AppendOnly",
    "Attachment",
    "AttentionItem",
    "AttentionKind",
    "AuditChain",
    "AuditEvent",
    "CallbackDelivery",
    "Case",
    "Clock",
    "ClockKind",
    "Correction",
    "DataSubject",
    "Finding",
    "ForwardingExtension",
    "Jobs",
    "ManualTask",
    "Mention",
    "Note",
    "PackageState",
    "ProcessorRequest",
    "ProfileSearch",
    "Purpose",
    "RequestGroup",
    "ResultPackage",
    "SkippedProcessor",
    "SubjectIdentity",
    "Tag",
    "Verdict",
    "VerificationMethod",
]
