package duckdb

import duck "github.com/duckdb/duckdb-go-bindings"

// Version is that of the DuckDB engine that is linked in, such as v1.4.0.
func Version() string { return duck.LibraryVersion() }
