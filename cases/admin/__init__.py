"""The desk: declares and asks, never decides. One wing a capability; importing its modules registers them."""

# Not `from … import`: a module's name would hide the wing of the same name.
# ruff: noqa: F401
import cases.admin.audit.audit
import cases.admin.bulk.run
import cases.admin.case.case
import cases.admin.home.attention
import cases.admin.home.mention
import cases.admin.home.task
import cases.admin.intake.imports
import cases.admin.intake.sources
import cases.admin.operations.callbacks
import cases.admin.operations.certificate
import cases.admin.operations.jobs
import cases.admin.people.role
import cases.admin.people.user
import cases.admin.people.verification_rule
import cases.admin.processors.processor
