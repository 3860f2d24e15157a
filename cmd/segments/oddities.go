package main

import (
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"segments/pipeline/config"
	"segments/pipeline/warehouse/bigquery"
	"segments/pipeline/warehouse/duckdb"
)

// oddities are values of the configuration that are allowed and hardly meant.
func oddities(c *config.Config) []error {
	var out []error
	odd := func(is bool, key, format string, args ...any) {
		if is {
			out = append(out, c.Errorf(key, format, args...))
		}
	}
	if node, ok := c.Warehouse["duckdb"]; ok {
		d := duckdb.Defaults()
		if c.Section(node)(&d) == nil {
			memory := bytesOf(d.Memory)
			odd(memory > 0 && memory < 256<<20, "warehouse.duckdb.memory",
				"%s is little: queries will spill to disk all the time; the default is 3GB", d.Memory)
			odd(memory > 1<<40, "warehouse.duckdb.memory", "%s is more than machines have; what is not there ends the run", d.Memory)
			odd(d.Threads > 4*runtime.NumCPU(), "warehouse.duckdb.threads",
				"%d threads on %d CPUs: each takes memory and none makes it faster", d.Threads, runtime.NumCPU())
		}
	}
	if node, ok := c.Warehouse["bigquery"]; ok {
		b := bigquery.Defaults()
		if c.Section(node)(&b) == nil {
			memory, budget := bytesOf(b.ReadMemory), bytesOf(b.MaxBytesBilled)
			odd(memory > 0 && memory < 16<<20, "warehouse.bigquery.read_memory",
				"%s is little: rows will be read a batch at a time; the default is 256MiB", b.ReadMemory)
			odd(memory > 8<<30, "warehouse.bigquery.read_memory", "%s comes on top of what the job itself takes; the default is 256MiB", b.ReadMemory)
			odd(budget > 0 && budget < 1<<30, "warehouse.bigquery.max_bytes_billed",
				"%s is less than any run needs: it reads hundreds of tables, and each is billed with 10 MiB at least", b.MaxBytesBilled)
		}
	}
	odd(c.Outputs.People && c.Warehouse["bigquery"] != nil, "outputs.people",
		"who reads the view people needs access to the customers source too, unless the view is authorized there; docs/activation.md has the command")
	odd(c.Validation.Horizon < 7, "validation.horizon",
		"%s is short: what customers do within it is mostly chance; the default is 90d", c.Validation.Horizon)
	odd(c.Privacy.MinGroup < 5, "privacy.min_group",
		"groups of %s are described: people may be recognized; the default is 20", plural(c.Privacy.MinGroup, "customer"))
	odd(c.Quality.MaxRejected > 0.5, "quality.max_rejected",
		"%v lets a run go on without most rows of a source; the default is 0.05", c.Quality.MaxRejected)
	odd(time.Duration(c.Freshness.Wait) > 24*time.Hour, "freshness.wait", "%s: the next day's run would find this one waiting", c.Freshness.Wait)
	odd(c.Outputs.Retention > 0 && c.Outputs.Retention < 91, "outputs.retention",
		"%s is less than retention_90d and the moves of a quarter look back", c.Outputs.Retention)
	return out
}

var sizeForm = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([KMGTP]?)(i?)B?$`)

// bytesOf reads a size such as 256MiB or 3GB; 0 is one that cannot be read.
func bytesOf(s string) float64 {
	m := sizeForm.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0
	}
	base := 1000.0
	if m[3] != "" {
		base = 1024
	}
	for range strings.Index(" KMGTP", (m[2] + " ")[:1]) {
		n *= base
	}
	return n
}
