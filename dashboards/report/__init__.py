"""The decade report: what each water user was given, as an irrigation office posts it. docs/reports.md."""
