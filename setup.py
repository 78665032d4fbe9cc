"""Puts the lessons into the wheel, as resnet_lib/notebooks; all else about the package stands in pyproject.toml."""

from pathlib import Path
from shutil import copyfile, rmtree

from setuptools import setup
from setuptools.command.build_py import build_py

LESSONS = ("*.ipynb", "solutions/*.ipynb", "instructor/*.md", "images/*")


class BuildWithLessons(build_py):
    def run(self):
        if not self.editable_mode:  # there the lessons lie beside the library
            rmtree(self.build_lib, ignore_errors=True)  # else files deleted since an earlier build would come along
        super().run()
        if not self.editable_mode:
            for source, target in self.lessons():
                target.parent.mkdir(parents=True, exist_ok=True)
                copyfile(source, target)

    def lessons(self):
        """Each file of the lessons, and where it goes."""
        folder, inside = Path(__file__).parent / "notebooks", Path(self.build_lib, "resnet_lib", "notebooks")
        return [(file, inside / file.relative_to(folder)) for each in LESSONS for file in sorted(folder.glob(each))]

    def get_outputs(self, include_bytecode=1):
        """Return all files of the wheel: what is installed, and what an uninstallation removes."""
        return super().get_outputs(include_bytecode) + [str(target) for _, target in self.lessons()]


setup(cmdclass={"build_py": BuildWithLessons})
