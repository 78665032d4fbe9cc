"""Markdown of lessons → HTML, by nbconvert's renderer; its mathematics becomes MathML, which browsers read themselves."""

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath


class Renderer(IPythonRenderer):
    def block_math(self, body):
        # A formula wider than a phone is scrolled, by keys as well.
        return convert(body.strip(), display="block").replace("<math ", '<math tabindex="0" ', 1)

    def inline_math(self, body):
        return convert(body.strip(), display="inline")


def to_html(text):
    """Return the HTML of a Markdown cell. Headings get the ids that JupyterLab gives them."""
    return MarkdownWithMath(renderer=Renderer(escape=False, anchor_link_text="")).render(text)
