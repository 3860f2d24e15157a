// Package discover guesses which of the tables and files that are there is which source of a configuration, and which of
// their columns is which canonical column.
//
// Propose is a function of samples: package scout reads them, words knows what columns are called, values what is in them,
// and draft is what comes of it. Every guess has a reason; what a guess cannot settle is marked as a question.
package discover

import (
	"errors"

	"segments/pipeline/discover/values"
	"segments/sql"
)

// A Table is a table of the warehouse, a file, or files that are alike, and a sample of its rows.
type Table struct {
	Name    string // what people call it: the file's name without its ending
	From    string // as the configuration names it; or
	Query   string // the SELECT that reads it, where its name alone does not do
	At      string // where From is, for reading and in queries: an absolute path or glob; empty where From does
	Note    string // why there is a Query
	Columns []values.Column
	Rows    int64 // how many it has; -1 where nobody counted
}

// Source returns t as a source, to be read from where it is.
func (t *Table) Source() sql.Source {
	s := sql.Source{Name: "sampled", From: t.From, Query: t.Query}
	if t.From != "" && t.At != "" {
		s.From = t.At
	}
	return s
}

// ErrNothing says that no source was found. The message says what is missing.
var ErrNothing = errors.New("no orders and no customers were found")
