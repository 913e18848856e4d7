"""How the documentation is built: MyST Markdown, furo, and the reference from the docstrings."""

from importlib.metadata import version as installed_version

project = "escalation_rules"
copyright = "the escalation_rules authors"
version = release = installed_version("escalation-rules")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinxcontrib.mermaid"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "escalation_rules"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

default_role = "code"  # docstrings put names in single backticks
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {
    "members": True,
    "exclude-members": "model_config, model_fields, model_computed_fields, model_post_init",
}
