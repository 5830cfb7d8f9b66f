from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """Django's own hash with one round: a live portal beside the tests can check it too."""

    iterations = 1
