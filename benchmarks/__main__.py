"""All benchmarks, one after the other (`make bench`)."""

from __future__ import annotations

from benchmarks import bench_build, bench_download, bench_startup

for title, run in {
    "Start-up": bench_startup.main,
    "Downloads": bench_download.main,
    "Builds": bench_build.main,
}.items():
    print(f"\n== {title}")
    run()
