"""What holds for jobs whatever API they come through: names, defaults, and the order of their states. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.service.model import Recipe

if TYPE_CHECKING:
    from slipway.service.model import Arch, Image, JobStatus
    from slipway.service.settings import ServiceSettings

ENDED: Final[tuple[JobStatus, ...]] = ("error", "success")
# What may follow; every state that is no end may be followed by `error`.
_NEXT: Final[dict[JobStatus, tuple[JobStatus, ...]]] = {
    "creating": ("fetching_image", "fetching_recipe", "waiting_for_repos", "building_image"),
    "fetching_image": ("waiting_on_user", "packaging_artifacts"),
    "fetching_recipe": ("waiting_for_repos", "building_image"),
    "waiting_for_repos": ("building_image",),
    "building_image": ("waiting_on_user", "packaging_artifacts"),
    "waiting_on_user": ("packaging_artifacts",),
    "packaging_artifacts": ("success",),
    "error": (),
    "success": (),
}


def following(status: JobStatus) -> tuple[JobStatus, ...]:
    """The states that may come after this one."""
    return _NEXT[status] if status in ENDED else (*_NEXT[status], "error")


def names(job: str, job_type: str, settings: ServiceSettings) -> dict[str, str]:
    """The fields with the names of Kubernetes objects, which are kept whatever runs the job."""
    return {
        "kubernetes_job": f"cray-ims-{job}-{job_type}",
        "kubernetes_service": f"cray-ims-{job}-service",
        "kubernetes_configmap": f"cray-ims-{job}-configmap",
        "kubernetes_namespace": settings.job_namespace,
        "kubernetes_pvc": f"cray-ims-{job}-job-claim",
    }


def hosts(job: str, settings: ServiceSettings) -> tuple[tuple[str, str, int], ...]:
    """Where the job's containers are reached: network, host, port."""
    customer = f"{job}.ims.{settings.customer_subnet}.{settings.customer_domain}"
    inside = f"cray-ims-{job}-service.{settings.job_namespace}.svc.cluster.local"
    return (("customer_access", customer, 22), ("cluster.local", inside, 22))


def kernel(arch: Arch) -> str:
    """What the file of a kernel is called where nobody says."""
    return "Image" if arch == "aarch64" else "vmlinuz"


def dkms(source: Recipe | Image, wanted: bool | None, settings: ServiceSettings) -> bool:
    """Foreign instructions need kernel modules in any case; else the user decides, else the recipe or the settings."""
    if source.arch == "aarch64":
        return True
    if wanted is not None:
        return wanted
    return source.require_dkms if isinstance(source, Recipe) else settings.job_dkms
