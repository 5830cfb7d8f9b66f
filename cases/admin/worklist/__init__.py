"""The list of cases: columns, filters, views, search, export."""
