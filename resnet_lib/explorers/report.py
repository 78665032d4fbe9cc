"""The learner's own words, and a button that makes a page of them and of the design's numbers."""

from html import escape

import ipywidgets as widgets

from .._common import runs_folder
from .base import STYLE, WRONG, button, error, html, row, style
from .stills import Still


class ReportWriter(Still, widgets.VBox):
    """Writes a report into `runs_folder()`, and shows it with its place.

    make: called as make(author=…, why=…), returns a `views.report.Report`. name: of the file, without its ending.
    Controls (attributes of these names): author, why, write. A report of that name is replaced, and no other file.
    What keeps the page from being made or written is said as a sentence.
    """

    def __init__(self, make, name):
        self._make, self._name = make, name
        self.author = widgets.Text(description="your name", style=STYLE)
        self.why = widgets.Textarea(
            placeholder="What you chose and why, and what you do not know. An empty line begins a new paragraph.",
            rows=5,
            description="your reasons",
            style=STYLE,
            layout=widgets.Layout(width="calc(100% - 4px)", max_width="760px"),
        )
        self.write = button("write the report", self._write)
        self.said, self.page = html(), html()
        # An Output, since in it JupyterLab makes an address of the link to a file beside the notebook.
        self.link = widgets.Output()
        super().__init__()
        self.children = [style(self), row(self.author, self.write), self.why, self.said, self.link, self.page]

    def _write(self):
        try:
            report = self._make(author=self.author.value, why=self.why.value)
            path = report.write(_folder() / f"{self._name}.html")
        except WRONG as problem:
            self.said.show(error(str(problem)))
            self.page.value, self.link.outputs = "", ()
            return
        self.said.show(
            f"<p>Written: <b>{escape(str(path.resolve()))}</b>. Printed from a browser, or saved there as PDF, it is "
            "one page.</p>"
        )
        if not path.is_absolute():
            link = f'<a href="{escape(path.as_posix())}" target="_blank">open the report</a>'
            self.link.outputs = ({"output_type": "display_data", "data": {"text/html": link}, "metadata": {}},)
        self.page.value = f"<details><summary>look at it here</summary>{report._repr_html_()}</details>"


def _folder():
    folder = runs_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ValueError(
            f"the folder {str(folder)!r} cannot be made ({problem.strerror}): set the environment variable "
            "RESNET_COURSE_RUNS to a folder of your own"
        ) from None
    return folder
