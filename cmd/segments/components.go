package main

import (
	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery"
	"segments/pipeline/warehouse/duckdb"
)

// The warehouses that are built in; the transforms are in pipeline/steps. A new one is a folder and a line here.
var warehouses = map[string]component[warehouse.Open]{
	"duckdb":   {duckdb.Open, func() any { c := duckdb.Defaults(); c.Threads = 0; return &c }},
	"bigquery": {bigquery.Open, func() any { c := bigquery.Defaults(); c.ReadStreams = 0; return &c }},
}

// A component is what opens or makes it, and its section of the configuration with the defaults.
type component[O any] struct {
	open     O
	defaults func() any
}
