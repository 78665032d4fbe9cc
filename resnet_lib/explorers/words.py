"""Every text that the explorers' scripts and the course's pages show by themselves, from one table for each language.

A table is languages/NAME.json: `lang`, the language's code in HTML; `component`, the texts of the scripts in notebooks
and pages; `scenes`, those of what is live in a page without a kernel; `pages`, those of the pages around it;
`synonyms`, for the search, {what others call it: what the course calls it}. {…} are filled in where they are shown.
Another language is another table.
"""

import json
from importlib.resources import files

LANGUAGES = files(__package__).joinpath("languages")


def table(language="english"):
    """Return the table of a language, {"lang", "synonyms", "component", "scenes", "pages"}."""
    file = LANGUAGES.joinpath(f"{language}.json")
    if not file.is_file():
        raise ValueError(f"There is no table of words {language}.json in resnet_lib/explorers/languages.")
    return json.loads(file.read_text(encoding="utf-8"))


WORDS = table()["component"]
