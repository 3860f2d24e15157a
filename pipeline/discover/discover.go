// Package discover looks at tables and files and drafts a configuration: which of them is which source, and which column
// is which canonical column.
//
// Everything in a Draft is a guess with a reason. What a guess cannot settle is marked as a question, and the file says
// so in the place where the answer belongs. Look reads; Propose is a function of what was read; Write makes the file.
package discover

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"segments/sql"
)

// A Table is a table of the warehouse, a file, or files that are alike, and a sample of its rows.
type Table struct {
	Name    string // what people call it: the file's name without its ending
	From    string // as the configuration names it; or
	Query   string // the SELECT that reads it, where its name alone does not do
	At      string // where From is, for reading and in queries: an absolute path or glob; empty where From does
	Note    string // why there is a Query
	Columns []Column
	Rows    int64 // how many it has; -1 where nobody counted
}

// source returns t as a source, to be read from where it is.
func (t *Table) source() sql.Source {
	s := sql.Source{Name: "sampled", From: t.From, Query: t.Query}
	if t.From != "" && t.At != "" {
		s.From = t.At
	}
	return s
}

// A Column is a column of a table with the sampled values, one for each sampled row, as text. NULL is empty.
type Column struct {
	sql.ColumnInfo
	Values []string
}

// A Guess is a value of the configuration, and why.
type Guess struct {
	Value      string
	Confidence int    // in percent, of 100
	Reason     string // in words, without values of columns that identify people
	Ask        string // what a person must answer; empty where the guess may stand
	Others     []Other
}

// An Other is what may be meant instead.
type Other struct{ Value, Why string }

// A Mapping says where a canonical column comes from.
type Mapping struct {
	Column string
	Guess
}

// A Source is the draft of one.
type Source struct {
	Name       string
	Table      string // the Name of its table
	From       string
	Query      string
	Note       Guess // about the table as a whole: its Ask is a question about From or Query
	Columns    []Mapping
	Attributes []string // proposed; of few values
	Unused     []string // what else the table has
	Lines      bool     // of orders: some orders have several rows
	Day        bool     // a question stands in the query as the literal that Note.Value is
	id         string   // the column that identifies customers, unquoted; empty where an expression does
}

// A Draft is a configuration to be.
type Draft struct {
	Name     Guess
	Timezone Guess
	Currency Guess // empty Value: left to the orders
	Sources  []Source
	Unused   []Other // tables that nothing is taken from, and why
	Traits   string  // where there are no customers, a query that makes them of what the orders say of who ordered
}

// ErrNothing says that no source was found. The message says what is missing.
var ErrNothing = errors.New("no orders and no customers were found")

// Questions returns what a person must answer, with the key of each, in the order of the file.
func (d *Draft) Questions() (keys []string, guesses []*Guess) {
	add := func(key string, g *Guess) {
		if g.Ask != "" {
			keys, guesses = append(keys, key), append(guesses, g)
		}
	}
	add("name", &d.Name)
	add("timezone", &d.Timezone)
	for i := range d.Sources {
		s := &d.Sources[i]
		add("sources."+s.Name, &s.Note)
		for k := range s.Columns {
			add("sources."+s.Name+".columns."+s.Columns[k].Column, &s.Columns[k].Guess)
		}
	}
	add("currency.code", &d.Currency)
	return keys, guesses
}

// Source returns the draft of the source called name; nil where there is none.
func (d *Draft) Source(name string) *Source {
	for i := range d.Sources {
		if d.Sources[i].Name == name {
			return &d.Sources[i]
		}
	}
	return nil
}

// SQL returns s as the job reads it.
func (s Source) SQL() sql.Source {
	out := sql.Source{Name: s.Name, From: s.From, Query: s.Query, Columns: map[string]string{}, Attributes: s.Attributes}
	for _, m := range s.Columns {
		out.Columns[m.Column] = m.Value
	}
	return out
}

var (
	nameForm     = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)
)

// Answer puts a person's answer in place of the guess of key, as Questions gives it. It fails where the answer cannot be.
func (d *Draft) Answer(key, value string) error {
	keys, guesses := d.Questions()
	i := slices.Index(keys, key)
	if i < 0 {
		return fmt.Errorf("%s is no question", key)
	}
	g := guesses[i]
	switch {
	case key == "name" && !nameForm.MatchString(value):
		return fmt.Errorf("%q is no name: want a lower-case letter, then letters, digits, _ and -", value)
	case key == "currency.code" && !currencyForm.MatchString(value):
		return fmt.Errorf("%q is no currency: want an ISO 4217 code such as EUR", value)
	case key == "timezone":
		if _, err := time.LoadLocation(value); err != nil || value == "" || value == "Local" {
			return fmt.Errorf("%q is no time zone: want an IANA name such as Europe/Berlin", value)
		}
	}
	if source, ok := strings.CutPrefix(key, "sources."); ok && !strings.Contains(source, ".") {
		return d.answerDay(source, value)
	}
	g.Value, g.Ask, g.Reason, g.Confidence, g.Others = value, "", "answered", 0, nil
	return nil
}

// answerDay puts the day in place of the one that the queries count back from.
func (d *Draft) answerDay(source, value string) error {
	s := d.Source(source)
	if !s.Day {
		s.Note.Ask = "" // it was a question of yes and no
		return nil
	}
	if _, err := time.Parse(time.DateOnly, value); err != nil {
		return fmt.Errorf("%q is no date: want for example 2026-11-20", value)
	}
	old := s.Note.Value
	for i := range d.Sources {
		o := &d.Sources[i]
		if o.Day {
			o.Query = strings.ReplaceAll(o.Query, "'"+old+"'", "'"+value+"'")
			o.Note.Value, o.Note.Ask = value, ""
		}
	}
	return nil
}
