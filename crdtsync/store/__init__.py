"""SQLite: tables, transactions, projections, queries."""
