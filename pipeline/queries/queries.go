// Package queries lists every statement that the job sends to BigQuery, with the tables it reads, the types of its
// parameters and the columns it must give: all that a type checker needs.
//
// The list is not written by hand. A recorder stands in for the warehouse, the job runs on it as it would on BigQuery,
// and what it asks is kept (recorder.go, job.go). To that come the conversions of source columns of every type, and the
// statements that make tables (types.go). sql/typecheck checks the list with GoogleSQL's own analyzer.
package queries

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"segments/sql"
	"segments/transforms/frame"
)

// A Query is a statement to be checked.
type Query struct {
	Name   string // unlike that of any other
	Text   string
	Params []Column // by name
	Reads  []Table  // by name
	Gives  []Column // what the result must have, by name; empty where it is not said, as of statements that give nothing
	Script bool     // several statements with control flow, of which only the syntax can be checked
}

// A Table is a table or a view that a Query reads.
type Table struct {
	Name    string // of three parts, quoted as it stands in the text
	Columns []Column
}

// A Column is a column or a parameter.
type Column struct {
	Name string
	Type string // as in DDL: INT64
}

// RecordFile is the file that says what has been checked, from the root of the repository.
const RecordFile = "sql/typecheck/typecheck.golden"

// All lists the statements in the order in which the job comes to them, and then the scripts that the tests of the
// warehouse keep below tree, the root of the repository.
func All(tree fs.FS) ([]Query, error) {
	rec := newRecorder()
	for _, f := range []func(*recorder) error{runs, conversions, definitions} {
		if err := f(rec); err != nil {
			return nil, err
		}
	}
	rec.findTables()
	files, err := fs.Glob(tree, "pipeline/warehouse/bigquery/testdata/*.sql")
	if err != nil {
		return nil, err
	}
	out := rec.asked
	for _, file := range files {
		text, err := fs.ReadFile(tree, file)
		if err != nil {
			return nil, err
		}
		out = append(out, Query{Name: "script: " + path.Base(file), Text: string(text), Script: true})
	}
	return out, nil
}

// Hash returns the SHA-256 of everything that decides whether q is well typed; its name does not.
func (q Query) Hash() string {
	q.Name = ""
	js, err := json.Marshal(q)
	if err != nil {
		panic(err) // of strings and a bool
	}
	sum := sha256.Sum256(js)
	return hex.EncodeToString(sum[:])
}

// Record returns the file that says that qs have been checked: a line for each, its hash and its name.
func Record(qs []Query) []byte {
	var b bytes.Buffer
	for _, q := range qs {
		fmt.Fprintf(&b, "%s %s\n", q.Hash(), q.Name)
	}
	return b.Bytes()
}

// Unchecked lists those of qs that record, which Record made, does not have.
func Unchecked(record []byte, qs []Query) []Query {
	checked := map[string]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(record)); lines.Scan(); {
		hash, _, _ := strings.Cut(lines.Text(), " ")
		checked[hash] = true
	}
	return slices.DeleteFunc(slices.Clone(qs), func(q Query) bool { return checked[q.Hash()] })
}

// columnsOf returns cs with the types that BigQuery has for their kinds.
func columnsOf(cs []frame.Column) []Column {
	out := make([]Column, len(cs))
	for i, c := range cs {
		out[i] = Column{c.Name, sql.BigQuery.Type(c.Kind)}
	}
	return out
}
