import pytest
from django.contrib.auth import get_user_model
from django.db import connection


@pytest.mark.django_db
def test_the_suite_runs_as_a_role_that_owns_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user), "
            "count(*) FROM pg_tables WHERE tableowner = current_user"
        )
        name, superuser, owned = cursor.fetchone()
    assert (superuser, owned) == (False, 0), name


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", [1, 2])
def test_a_transactional_test_leaves_nothing_behind(time: int) -> None:
    users = get_user_model().objects
    assert not users.exists()
    users.create_user(f"someone{time}")
