"""Plans of Dockerfiles for tests: read, outlined and completed, without an image store."""

from collections.abc import Mapping

from runtime.build.dockerfile.lint import Lint, LintWarning, read_lint_options
from runtime.build.dockerfile.reader import read_dockerfile
from runtime.build.plan import BuildPlan, ImageSource
from runtime.build.planning.options import BaseImage, PlanOptions
from runtime.build.planning.outline import missing_bases, outline
from runtime.build.planning.planner import complete
from schemas.engine.records import ImageConfig

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULTS = PlanOptions()
BUSYBOX = ImageConfig(environment=(PATH,), command=("sh",))


def plan(
    text: str | bytes,
    options: PlanOptions = DEFAULTS,
    images: Mapping[str, ImageConfig] | None = None,
    lint: Lint | None = None,
) -> BuildPlan:
    """Return the plan of a Dockerfile; a base that `images` does not know is busybox."""
    dockerfile = read_dockerfile(text.encode() if isinstance(text, str) else text)
    lint = lint or Lint()
    sketch = outline(dockerfile, options, lint)
    bases: dict[ImageSource, BaseImage] = {}
    while missing := missing_bases(sketch, bases):
        bases.update({source: BaseImage((images or {}).get(source.reference, BUSYBOX)) for source in missing})
    return complete(sketch, bases, lint)


def warnings(text: str, options: PlanOptions = DEFAULTS) -> list[LintWarning]:
    """Return what the rules of `build --check` find."""
    lint = Lint(read_lint_options(read_dockerfile(text.encode()).check))
    plan(text, options, lint=lint)
    return lint.warnings
