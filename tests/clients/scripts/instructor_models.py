"""instructor, by tools and by JSON schema."""

from __future__ import annotations

import instructor
import openai
import pytest
from instructor.core import InstructorRetryException
from pydantic import BaseModel

ADA = {"model": "auto", "messages": [{"role": "user", "content": "Ada is 36."}]}
MODES = [instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA]


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


@pytest.fixture(params=MODES, ids=lambda mode: mode.value)
def client(request: pytest.FixtureRequest, url: str, key: str):
    with openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as plain:
        yield instructor.from_openai(plain, mode=request.param)


class TestScriptedModel:
    def test_a_person_is_extracted(self, client: instructor.Instructor):
        person, completion = client.chat.completions.create_with_completion(
            response_model=Person, max_retries=0, **ADA
        )

        assert isinstance(person, Person)
        assert completion.usage.total_tokens > 0

    def test_a_person_takes_shape_in_a_stream(self, client: instructor.Instructor):
        *_, last = client.chat.completions.create_partial(
            response_model=Person, max_retries=0, **ADA
        )

        assert last.model_dump() == {"name": "name", "age": 1}

    def test_many_are_extracted(self, client: instructor.Instructor):
        people = list(client.chat.completions.create_iterable(response_model=Person, **ADA))

        assert people
        assert all(isinstance(person, Person) for person in people)

    def test_an_unknown_model_is_not_found(self, client: instructor.Instructor):
        with pytest.raises(InstructorRetryException) as refusal:
            client.chat.completions.create(
                response_model=Person, max_retries=0, **{**ADA, "model": "none"}
            )

        assert isinstance(refusal.value.__cause__, openai.NotFoundError)
