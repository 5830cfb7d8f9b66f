"""The Django project: settings and composition, and leaves that know no domain."""
