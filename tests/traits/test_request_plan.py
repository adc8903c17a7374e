"""The plan of the requests: keys change with everything that the answer depends on; estimates and limits."""

from dataclasses import replace

import pytest

from personax.runs.errors import InputError
from personax.traits.model_list import ModelSpec
from personax.traits.people_list import Person
from personax.traits.prompting import Prompts, read_prompts
from personax.traits.request_plan import Generation, TraitRequest, estimate, plan_requests, refuse_too_long

MODEL = ModelSpec("m", "m", "http://localhost/v1", price_in=1.0, price_out=2.0)
USUAL = Generation()
PERSON = Person("1", "Mira Quill", {"description": "A sailor."})


def request_of(
    person: Person = PERSON,
    model: ModelSpec = MODEL,
    name: str = "number-l3-inc",
    repeats: int = 1,
    prompts: Prompts | None = None,
    generation: Generation = USUAL,
) -> TraitRequest:
    return plan_requests([person], [model], [name], repeats, prompts or read_prompts(), generation)[-1]


def test_keys_differ_wherever_the_answer_may_differ() -> None:
    own = read_prompts()
    own = Prompts({**own.texts, "instructions": "Be brief."}, "")
    changed = [
        request_of(),
        request_of(replace(PERSON, context={"description": "A singer."})),
        request_of(replace(PERSON, id="2")),
        request_of(model=replace(MODEL, base_url="http://other/v1")),
        request_of(model=replace(MODEL, model="n")),
        request_of(model=replace(MODEL, extra={"top_p": 0.5})),
        request_of(name="number-l3-dec"),
        request_of(repeats=2),
        request_of(prompts=own),
        request_of(generation=Generation(temperature=0.0)),
        request_of(generation=Generation(max_tokens=10)),
        request_of(generation=Generation(seed=1)),
        request_of(generation=Generation(description_length=60)),
    ]
    assert len({request.key for request in changed}) == len(changed)


def test_keys_do_not_depend_on_limits_prices_or_labels() -> None:
    other = replace(MODEL, label="other", at_once=1, requests_per_minute=5, price_in=9.0, key_env="K")
    assert request_of(model=other).key == request_of().key


def test_each_repeat_has_a_seed_of_its_own() -> None:
    assert request_of(repeats=3, generation=Generation(seed=7)).parameters["seed"] == 9
    assert "seed" not in request_of().parameters
    assert "temperature" not in request_of().parameters


def test_estimates_multiply_people_formats_and_repeats() -> None:
    people = [replace(PERSON, id=str(k)) for k in range(3)]
    formats = ["number-l3-inc", "text-l5-inc"]
    requests = plan_requests(people, [MODEL], formats, 5, read_prompts(), Generation(max_tokens=100))
    (each,) = estimate(requests)
    assert each.requests == 30
    assert each.completion_tokens == 3000
    assert each.prompt_tokens == sum(request.prompt_tokens() for request in requests)
    assert each.cost == pytest.approx((each.prompt_tokens + 2 * 3000) / 1e6)


@pytest.mark.parametrize(
    ("limit", "model"),
    [
        ("context_tokens", replace(MODEL, context_tokens=4000)),
        ("tokens_per_minute", replace(MODEL, tokens_per_minute=4000)),
    ],
)
def test_a_question_that_cannot_fit_is_refused_before_anything_is_asked(limit: str, model: ModelSpec) -> None:
    long = replace(PERSON, context={"description": "word " * 4000})
    refuse_too_long([request_of(model=model)])
    with pytest.raises(InputError, match=f"id '1', m: .* more than {limit} 4,000"):
        refuse_too_long([request_of(long, model)])
