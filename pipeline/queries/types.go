package queries

import (
	"fmt"
	"slices"
	"strings"

	"segments/pipeline"
	"segments/pipeline/steps"
	"segments/sql"
	"segments/transforms/frame"
)

// native are the types of BigQuery that a source's column may have, and what they are to a source; the most fitting
// first.
var native = []sql.ColumnInfo{
	{Native: "TIMESTAMP", Family: sql.Instant},
	{Native: "DATE", Family: sql.Day},
	{Native: "DATETIME", Family: sql.Timestamp},
	{Native: "NUMERIC", Family: sql.Decimal},
	{Native: "BIGNUMERIC", Family: sql.Decimal},
	{Native: "BOOL", Family: sql.Boolean},
	{Native: "INT64", Family: sql.Integer},
	{Native: "FLOAT64", Family: sql.Float},
	{Native: "STRING", Family: sql.Text},
}

// accepts says whether the column called column of the source called source may be of type t.
func accepts(source, column string, t sql.ColumnInfo) bool {
	t.Name = column
	_, err := sql.Source{Name: source}.Typed(sql.BigQuery, sql.Nothing(source), []sql.ColumnInfo{t})
	return err == nil
}

// ideal returns the columns of s, each of a type that fits: text where text is taken, else the first that is.
func ideal(s sql.Source) ([]sql.ColumnInfo, error) {
	var out []sql.ColumnInfo
	for _, c := range sql.SourceColumns(s.Name) {
		if s.Columns[c.Name] == "" {
			continue
		}
		i := slices.IndexFunc(native, func(t sql.ColumnInfo) bool { return accepts(s.Name, c.Name, t) })
		if text := len(native) - 1; accepts(s.Name, c.Name, native[text]) {
			i = text
		}
		if i < 0 {
			return nil, fmt.Errorf("%s.%s takes no type of BigQuery", s.Name, c.Name)
		}
		out = append(out, sql.ColumnInfo{Name: c.Name, Native: native[i].Native, Family: native[i].Family})
	}
	for _, a := range s.Attributes {
		out = append(out, sql.ColumnInfo{Name: a, Native: "STRING", Family: sql.Text})
	}
	return out, nil
}

// conversions records the staging of every source with columns of every type that they may have: for each type a table of
// all columns that take it.
func conversions(r *recorder) error {
	for _, name := range sql.SourceNames() {
		for _, t := range native {
			if err := r.conversion(name, t); err != nil {
				return fmt.Errorf("%s of %s: %w", name, t.Native, err)
			}
		}
	}
	return nil
}

func (r *recorder) conversion(name string, t sql.ColumnInfo) error {
	s := sql.Source{Name: name, From: "project.raw." + name + "_" + strings.ToLower(t.Native), Columns: map[string]string{}}
	var has []sql.ColumnInfo
	for _, c := range sql.SourceColumns(name) {
		if accepts(name, c.Name, t) {
			s.Columns[c.Name] = c.Name
			has = append(has, sql.ColumnInfo{Name: c.Name, Native: t.Native, Family: t.Family})
		}
	}
	if name == "customers" {
		s.Attributes = []string{"trait"}
		has = append(has, sql.ColumnInfo{Name: "trait", Native: t.Native, Family: t.Family})
	}
	r.scene, r.sources[name] = "of "+t.Native, has
	if err := r.declareSource(s); err != nil {
		return err
	}
	mapped, err := s.Mapped(sql.BigQuery, has)
	if err != nil {
		return err
	}
	typed, err := s.Typed(sql.BigQuery, mapped, has)
	if err != nil {
		return err
	}
	canonical := sql.Canonical(name)
	// what else it reads, and its parameters, are those of the run
	q, err := sql.Bind(canonical.Name, sql.BigQuery, r.bound[canonical.Name].Params, typed)
	if err != nil {
		return err
	}
	return r.keep(q, columnsOf(canonical.Columns))
}

// plain stands for every description: what they say does not decide whether a statement is well formed, but how they are
// quoted does.
const plain = "a \"quoted\" word, it's `here`\\there; -- /* @x\nGröße"

// definitions records the statements that make the published tables, and one that adds a column of each kind.
func definitions(r *recorder) error {
	r.scene = "table"
	j := &pipeline.Job{Steps: steps.All()}
	tables, err := j.Tables()
	if err != nil {
		return err
	}
	for _, t := range tables {
		at, err := sql.BigQuery.TableName("project.published." + t.Name)
		if err != nil {
			return err
		}
		t.Doc, t.Columns = plain, slices.Clone(t.Columns)
		for i := range t.Columns {
			t.Columns[i].Doc, t.Columns[i].Unit, t.Columns[i].Values = plain, "", nil
		}
		if err := r.keep(sql.Query{Name: t.Name, Text: sql.CreateTable(t, sql.BigQuery, at)}, nil); err != nil {
			return err
		}
	}
	r.scene = "added column"
	for _, c := range []frame.Column{
		frame.Int64("added", plain).Null().Column, frame.Float64("added", plain).Null().Column, frame.String("added", plain).Null().Column,
		frame.Bool("added", plain).Null().Column, frame.Date("added", plain).Null().Column, frame.Timestamp("added", plain).Null().Column,
	} {
		text := sql.AddColumn(c, sql.BigQuery, "`project`.`published`.`customer_features`")
		if err := r.keep(sql.Query{Name: c.Kind.String(), Text: text}, nil); err != nil {
			return err
		}
	}
	return nil
}
