"""Budgets, each measured against its floor in the same run: `python -m tests.benchmarks [NAME...] [--json FILE]`.

Times on a shared machine mean little; ratios of interleaved runs mean more. Every figure is a median, and the
limit of each ratio is in `docs/ARCHITECTURE.md`. No test runs these.
"""
