"""The question about a person, made of template files that anybody can read and change.

The exact prompt of the paper is not published beyond its first sentence, with which ours begins; the rest is
ours. A folder of prompts holds

    instructions.txt        the system message
    person.txt              the question: $name, $context and $levels are filled in
    number-l3-inc.txt, ...  how scores are written, one file for each format
    json_object.txt         added where an endpoint knows no schemas; $schema is filled in
    parsed.txt              added where an endpoint cannot be made to answer in JSON
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from personax.runs.errors import InputError
from personax.runs.files import read_text, sha256_text
from personax.traits.answers import Structured
from personax.traits.formats import FORMATS
from personax.traits.people_list import Person

SHIPPED_PROMPTS = Path(__file__).parent / "prompts"
PROMPT_PARTS: Mapping[str, tuple[str, ...]] = {
    "instructions": (),
    "person": ("name", "context", "levels"),
    **dict.fromkeys(FORMATS, ()),
    "json_object": ("schema",),
    "parsed": (),
}

Message = Mapping[str, str]
"""The role ("system" or "user") and the content of a message of a chat."""


@dataclass(frozen=True)
class Prompts:
    """The templates of a folder.

    Attributes:
        texts: part -> its template; the parts are the keys of `PROMPT_PARTS`.
        sha256: checksum of all of them.
    """

    texts: Mapping[str, str]
    sha256: str


def read_prompts(folder: Path = SHIPPED_PROMPTS) -> Prompts:
    """The templates in a folder. Raises InputError if one is missing or lacks what must be filled in."""
    texts = {part: read_text(folder / f"{part}.txt").strip() for part in PROMPT_PARTS}
    for part, blanks in PROMPT_PARTS.items():
        template = Template(texts[part])
        if not template.is_valid() or set(template.get_identifiers()) != set(blanks):
            wanted = ", ".join(f"${blank}" for blank in blanks) or "no $ at all (write $$ for a dollar)"
            raise InputError(f"{folder / part}.txt: must have {wanted}")
    return Prompts(texts, sha256_text(json.dumps(texts, sort_keys=True)))


def question(prompts: Prompts, person: Person, format_name: str) -> tuple[Message, ...]:
    """The messages that ask about one person in one format."""
    context = "\n".join(f"{column.capitalize()}: {text}" for column, text in person.context.items())
    levels = Template(prompts.texts[format_name]).substitute()
    content = Template(prompts.texts["person"]).substitute(name=person.name, context=context, levels=levels)
    system = Template(prompts.texts["instructions"]).substitute()
    return {"role": "system", "content": system}, {"role": "user", "content": content}


def with_form(
    messages: tuple[Message, ...], prompts: Prompts, form: Structured, schema: Mapping[str, object]
) -> tuple[Message, ...]:
    """The messages; the last one describes the form of the answer if the endpoint does not enforce it."""
    if form == "json_schema":
        return messages
    filled = {"schema": json.dumps(schema)} if form == "json_object" else {}
    described = Template(prompts.texts[form]).substitute(filled)
    last = messages[-1]
    return *messages[:-1], {**last, "content": f"{last['content']}\n\n{described}"}
