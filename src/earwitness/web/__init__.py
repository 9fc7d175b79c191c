"""The service and the page: what ``earwitness serve`` starts. Needs the extra ``[web]``."""
