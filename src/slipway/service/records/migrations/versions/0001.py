"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("stamp", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("change", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("stamp"),
    )
    op.create_index("events_record", "events", ["kind", "id"], unique=False)
    op.create_table(
        "images",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("link_path", sa.Text(), nullable=True),
        sa.Column("link_etag", sa.Text(), nullable=True),
        sa.Column("link_type", sa.String(length=16), nullable=True),
        sa.Column("home_path", sa.Text(), nullable=True),
        sa.Column("home_etag", sa.Text(), nullable=True),
        sa.Column("home_type", sa.String(length=16), nullable=True),
        sa.Column("arch", sa.String(length=16), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "images_link",
        "images",
        ["link_path"],
        unique=True,
        sqlite_where=sa.text("state IN ('live', 'undeleting')"),
        postgresql_where=sa.text("state IN ('live', 'undeleting')"),
    )
    op.create_index("images_order", "images", ["created", "id"], unique=False)
    op.create_index("images_stamp", "images", ["stamp"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("job_type", sa.String(length=16), nullable=False),
        sa.Column("artifact_id", sa.String(length=36), nullable=False),
        sa.Column("public_key_id", sa.String(length=36), nullable=False),
        sa.Column("image_root_archive_name", sa.Text(), nullable=False),
        sa.Column("enable_debug", sa.Boolean(), nullable=False),
        sa.Column("build_env_size", sa.Integer(), nullable=False),
        sa.Column("job_mem_size", sa.Integer(), nullable=False),
        sa.Column("kernel_file_name", sa.Text(), nullable=False),
        sa.Column("initrd_file_name", sa.Text(), nullable=False),
        sa.Column("kernel_parameters_file_name", sa.Text(), nullable=False),
        sa.Column("ssh_containers", sa.JSON(), nullable=False),
        sa.Column("require_dkms", sa.Boolean(), nullable=False),
        sa.Column("arch", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("resultant_image_id", sa.String(length=36), nullable=True),
        sa.Column("kubernetes_job", sa.Text(), nullable=True),
        sa.Column("kubernetes_service", sa.Text(), nullable=True),
        sa.Column("kubernetes_configmap", sa.Text(), nullable=True),
        sa.Column("kubernetes_namespace", sa.Text(), nullable=True),
        sa.Column("kubernetes_pvc", sa.Text(), nullable=True),
        sa.Column("kubernetes_secret", sa.Text(), nullable=True),
        sa.Column("remote_build_node", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("jobs_order", "jobs", ["created", "id"], unique=False)
    op.create_index("jobs_stamp", "jobs", ["stamp"], unique=False)
    op.create_table(
        "nodes",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("nodes_order", "nodes", ["created", "id"], unique=False)
    op.create_index("nodes_stamp", "nodes", ["stamp"], unique=False)
    op.create_table(
        "public_keys",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("public_keys_order", "public_keys", ["created", "id"], unique=False)
    op.create_index("public_keys_stamp", "public_keys", ["stamp"], unique=False)
    op.create_table(
        "recipes",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("recipe_type", sa.String(length=32), nullable=False),
        sa.Column("linux_distribution", sa.String(length=32), nullable=False),
        sa.Column("link_path", sa.Text(), nullable=True),
        sa.Column("link_etag", sa.Text(), nullable=True),
        sa.Column("link_type", sa.String(length=16), nullable=True),
        sa.Column("home_path", sa.Text(), nullable=True),
        sa.Column("home_etag", sa.Text(), nullable=True),
        sa.Column("home_type", sa.String(length=16), nullable=True),
        sa.Column("template_dictionary", sa.JSON(), nullable=False),
        sa.Column("require_dkms", sa.Boolean(), nullable=False),
        sa.Column("arch", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "recipes_link",
        "recipes",
        ["link_path"],
        unique=True,
        sqlite_where=sa.text("state IN ('live', 'undeleting')"),
        postgresql_where=sa.text("state IN ('live', 'undeleting')"),
    )
    op.create_index("recipes_order", "recipes", ["created", "id"], unique=False)
    op.create_index("recipes_stamp", "recipes", ["stamp"], unique=False)
    op.create_table(
        "replies",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("asked", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "actor"),
    )
    op.create_table(
        "stamps",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
    )
    stamps = sa.table("stamps", sa.column("kind", sa.String), sa.column("stamp", sa.BigInteger))
    kinds = ("", "public-key", "recipe", "image", "job", "node")
    op.bulk_insert(stamps, [{"kind": kind, "stamp": 0} for kind in kinds])
