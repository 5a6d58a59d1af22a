"""What is looked at before anything is made."""

from dataclasses import replace

import pytest

from compose.errors import ProjectError
from compose.orchestration import preflight
from compose.orchestration.options import ReconcileOptions
from compose.orchestration.reconcile.reconciler import reconcile
from tests.support.builders import nothing, project, service


@pytest.mark.parametrize(
    ("platform", "is_right"),
    [
        ("", True),
        ("linux/amd64", True),
        ("linux/x86_64", True),
        ("linux", True),
        ("linux/arm64/v8", False),
        ("windows/amd64", False),
    ],
)
def test_an_image_for_another_platform_must_not_be_run(platform: str, is_right: bool) -> None:
    """`platform` names what the image has to be for."""
    wanted = project(service("web", platform=platform))
    observed = nothing(wanted)
    images = {name: replace(image, architecture="amd64") for name, image in observed.images.items()}
    observed = replace(observed, images=images)
    plan = reconcile(wanted, observed, ReconcileOptions()).plan
    if is_right:
        preflight.check_images(plan, wanted, observed)
    else:
        with pytest.raises(ProjectError, match=f"is for linux/amd64, and `platform` wants {platform}"):
            preflight.check_images(plan, wanted, observed)
