package pipeline

import (
	"context"
	"fmt"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// A Cost is about what a run reads, where the warehouse charges for that.
//
// What the sources give is known exactly: the warehouse says it without running anything. Of a staged table only the
// number of rows can be said before, and only as a bound: as many as what it comes of has, and for tables of customers as
// many as the customers source has, or the orders. A row is taken to have 8 bytes a column and as much text as the source
// has bytes. Each query is taken to read all of each table it names. Bytes is therefore rather too much than too little.
type Cost struct {
	Bytes int64
	Reads int64 // tables read, counted anew for each query: warehouses bill each of them with a minimum
}

// What a run asks besides what it stages: audits, profiles, traits and counts once, and so the report; and for each origin
// of the backtest the outcomes of every segmentation. TestBigQuery (cmd/segments) holds them against what a run asked.
const (
	otherReads      = 200 // once
	originReads     = 20  // for each origin
	otherReadsWidth = 64  // bytes a customer that they read: an identifier and a few columns

	sourceReads = 5 // of each canonical table: its weeks, and what channels, the funnel and experiments are made of
	corePasses  = 5 // days of which the core segment alone is scored, for shifts and causes
)

// cost is the Cost of a run over ss, whose rows need not have been counted.
func (j *Job) cost(ss []source) (Cost, error) {
	var (
		c      Cost
		least  = j.Warehouse.Charges().Least
		size   = map[string]int64{} // of staged tables, bytes
		rows   = map[string]int64{}
		text   int64 // bytes of a row of the source that has most
		people int64
	)
	read := func(bytes int64) {
		c.Bytes += max(bytes, least)
		c.Reads++
	}
	for _, s := range ss {
		read(s.bytes)
		if j.Freshness[s.Name] > 0 {
			read(s.bytes)
		}
		t, n := sql.Canonical(s.Name), s.rows
		if n == 0 {
			n = s.most
		}
		width := s.bytes / max(n, 1)
		rows[t.Name], size[t.Name] = n, n*(8*int64(len(t.Columns))+width)
		text = max(text, width)
		if s.Name == "customers" || s.Name == "orders" && people == 0 {
			people = n
		}
		for range sourceReads {
			read(size[t.Name])
		}
	}
	var known []sql.Relation
	for _, ts := range [][]frame.Table{canonicalTables(), sql.Prepared(), sql.AsOf(), {customer.Features, {Name: "previous"}, {Name: "rates"}}} {
		for _, t := range ts {
			known = append(known, sql.Relation{Name: t.Name})
		}
	}
	stage := func(t frame.Table, n int64) error {
		reads, err := sql.Resolve(t.Name, j.Warehouse.Dialect(), known...)
		if err != nil {
			return err
		}
		for _, r := range reads {
			if bytes, staged := size[r.Name]; staged {
				read(bytes)
			}
		}
		rows[t.Name], size[t.Name] = n, n*(8*int64(len(t.Columns))+text)
		return nil
	}
	for _, t := range sql.Prepared() {
		if err := stage(t, rows["canonical_orders"]); err != nil {
			return c, err
		}
	}
	for range j.Origins + 1 {
		for _, t := range append(sql.AsOf(), customer.Features) {
			if err := stage(t, people); err != nil {
				return c, err
			}
		}
	}
	for range corePasses {
		for _, t := range []frame.Table{sql.CustomerPurchases, sql.CustomerActions, coreInputsTable} {
			if err := stage(t, people); err != nil {
				return c, err
			}
		}
	}
	for range otherReads + originReads*j.Origins {
		read(people * otherReadsWidth)
	}
	if least == 0 { // nobody charges
		c.Bytes = 0
	}
	return c, nil
}

func canonicalTables() []frame.Table {
	var out []frame.Table
	for _, name := range sql.SourceNames() {
		out = append(out, sql.Canonical(name))
	}
	return out
}

// affordable fails where a run would cost more than it may, before anything has been paid.
func (r *run) affordable(ctx context.Context) error {
	charges := r.Warehouse.Charges()
	if charges.Least == 0 {
		return nil
	}
	ss, err := r.Job.sources(ctx) // described, for nothing, but not yet counted
	if err != nil {
		return err
	}
	if r.planned, err = r.cost(ss); err != nil {
		return err
	}
	r.Log.Info("cost", "bytes_planned", r.planned.Bytes, "price", charges.Price.Of(r.planned.Bytes), "currency", charges.Price.Currency,
		"price_date", charges.Price.Date, "bytes_allowed", charges.Budget)
	if charges.Budget > 0 && r.planned.Bytes > charges.Budget {
		return fmt.Errorf("%w: the run would read about %.1f GiB, max_bytes_billed allows %.1f GiB; raise it, or give the run less to read: "+
			"fewer origins, fewer columns", warehouse.ErrBudget, gib(r.planned.Bytes), gib(charges.Budget))
	}
	return nil
}

func gib(bytes int64) float64 { return float64(bytes) / (1 << 30) }
