package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-googlesql"

	"segments/pipeline/queries"
)

// features are those of the language that our SQL uses beyond its core. All others are off, since not every feature of
// GoogleSQL is in BigQuery: look it up in the reference of BigQuery before a line is added here.
var features = []googlesql.LanguageFeature{
	googlesql.LanguageFeatureFeatureAnalyticFunctions,
	googlesql.LanguageFeatureFeatureNullsFirstLastInOrderBy, // BigQuery: not ASC NULLS LAST or DESC NULLS FIRST in aggregates and RANGE
	googlesql.LanguageFeatureFeatureOrderByInAggregate,
	googlesql.LanguageFeatureFeatureV11WithOnSubquery,
	googlesql.LanguageFeatureFeatureSelectStarExceptReplace,
	googlesql.LanguageFeatureFeatureForSystemTimeAsOf,
	googlesql.LanguageFeatureFeatureNumericType,
	googlesql.LanguageFeatureFeatureBignumericType,
	googlesql.LanguageFeatureFeatureV12CivilTime, // DATETIME
	googlesql.LanguageFeatureFeatureJsonType,
	googlesql.LanguageFeatureFeatureJsonConstructorFunctions,
	googlesql.LanguageFeatureFeatureCreateTableNotNull,
	googlesql.LanguageFeatureFeatureCreateTablePartitionBy,
	googlesql.LanguageFeatureFeatureCreateTableClusterBy,
}

// An analyzer checks statements with GoogleSQL's own analyzer, which is that of BigQuery. What it refuses, BigQuery
// refuses. BigQuery refuses a little more: what its engine cannot do, and what it looks at in the data only.
type analyzer struct {
	language *googlesql.LanguageOptions
	types    *googlesql.TypeFactory
	root     *googlesql.SimpleCatalog
	folders  map[string]*googlesql.SimpleCatalog // projects and datasets, by their dotted names
	tables   map[string][]queries.Column         // what has been declared
	held     []any                               // what the catalogs point to: it must not be collected
}

// newAnalyzer returns an analyzer that knows no tables.
func newAnalyzer() (*analyzer, error) {
	if err := googlesql.Init(); err != nil {
		return nil, err
	}
	a := &analyzer{folders: map[string]*googlesql.SimpleCatalog{}, tables: map[string][]queries.Column{}}
	var err error
	if a.language, err = language(); err != nil {
		return nil, err
	}
	if a.types, err = googlesql.NewTypeFactory(); err != nil {
		return nil, err
	}
	if a.root, err = googlesql.NewSimpleCatalog("bigquery", a.types); err != nil {
		return nil, err
	}
	return a, a.root.AddBuiltinFunctionsAndTypes(&googlesql.BuiltinFunctionOptions{LanguageOptions: a.language})
}

// language returns the language with features.
func language() (*googlesql.LanguageOptions, error) {
	l, err := googlesql.NewLanguageOptions()
	if err != nil {
		return nil, err
	}
	for _, f := range features {
		if err := l.EnableLanguageFeature(f); err != nil {
			return nil, err
		}
	}
	return l, errors.Join(l.SetProductMode(googlesql.ProductModeProductExternal), l.SetSupportsAllStatementKinds(),
		l.EnableReservableKeyword("QUALIFY", true))
}

// check says what is wrong with q.
func (a *analyzer) check(q queries.Query) error {
	if q.Script {
		return parse(q.Text)
	}
	for _, t := range q.Reads {
		if err := a.declare(t); err != nil {
			return fmt.Errorf("declare %s: %w", t.Name, err)
		}
	}
	o, err := a.options(q.Params)
	if err != nil {
		return err
	}
	out, err := googlesql.AnalyzeStatement(q.Text, o, a.root, a.types)
	if err != nil {
		return err
	}
	statement, err := out.ResolvedStatement()
	if err != nil {
		return err
	}
	query, ok := statement.(*googlesql.ResolvedQueryStmt)
	if !ok {
		return nil
	}
	gives, err := outputs(query)
	if err != nil {
		return err
	}
	return compare(gives, q.Gives)
}

// parse checks the syntax of a script.
func parse(text string) error {
	o, err := googlesql.NewParserOptions()
	if err != nil {
		return err
	}
	l, err := language() // of its own: the parser takes it away
	if err != nil {
		return err
	}
	if err := o.SetLanguageOptions(l); err != nil {
		return err
	}
	_, err = googlesql.ParseScript(text, o, nil)
	return err
}

func (a *analyzer) options(params []queries.Column) (*googlesql.AnalyzerOptions, error) {
	o, err := googlesql.NewAnalyzerOptions2()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(o.SetLanguage(a.language), o.SetPruneUnusedColumns(true),
		o.SetErrorMessageMode(googlesql.ErrorMessageModeErrorMessageMultiLineWithCaret)); err != nil {
		return nil, err
	}
	for _, p := range params {
		t, err := a.typeOf(p.Type)
		if err != nil {
			return nil, err
		}
		if err := o.AddQueryParameter(p.Name, t); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// typeOf returns the type that is written as in DDL.
func (a *analyzer) typeOf(name string) (googlesql.Googlesql_TypeNode, error) {
	o, err := googlesql.NewAnalyzerOptions2()
	if err != nil {
		return nil, err
	}
	if err := o.SetLanguage(a.language); err != nil {
		return nil, err
	}
	return googlesql.AnalyzeType(name, o, a.root, a.types)
}

// declare puts t where its name of three parts says.
func (a *analyzer) declare(t queries.Table) error {
	if had, ok := a.tables[t.Name]; ok {
		if !slices.Equal(had, t.Columns) {
			return errors.New("it is declared twice, with other columns")
		}
		return nil
	}
	a.tables[t.Name] = t.Columns
	parts := strings.Split(strings.ReplaceAll(t.Name, "`", ""), ".")
	into, name := a.root, parts[len(parts)-1]
	for i := range parts[:len(parts)-1] {
		var err error
		if into, err = a.folder(into, strings.Join(parts[:i+1], "."), parts[i]); err != nil {
			return err
		}
	}
	table, err := googlesql.NewSimpleTable(name, 0)
	if err != nil {
		return err
	}
	for _, c := range t.Columns {
		typ, err := a.typeOf(c.Type)
		if err != nil {
			return err
		}
		column, err := googlesql.NewSimpleColumn(name, c.Name, typ, false, true)
		if err != nil {
			return err
		}
		if err := table.AddColumn2(column, false); err != nil {
			return err
		}
		a.held = append(a.held, column, typ)
	}
	a.held = append(a.held, table)
	return into.AddTable2(name, table)
}

// folder returns the catalog called name in into, whose whole name is path.
func (a *analyzer) folder(into *googlesql.SimpleCatalog, path, name string) (*googlesql.SimpleCatalog, error) {
	if a.folders[path] == nil {
		made, err := googlesql.NewSimpleCatalog(name, a.types)
		if err != nil {
			return nil, err
		}
		if err := into.AddCatalog2(name, made); err != nil {
			return nil, err
		}
		a.folders[path] = made
	}
	return a.folders[path], nil
}

// outputs returns the columns of the result of q.
func outputs(q *googlesql.ResolvedQueryStmt) ([]queries.Column, error) {
	n, err := q.OutputColumnListSize()
	if err != nil {
		return nil, err
	}
	out := make([]queries.Column, n)
	for i := range out {
		o, err := q.OutputColumnList2(int32(i))
		if err != nil {
			return nil, err
		}
		c, err := o.Column()
		if err != nil {
			return nil, err
		}
		t, err := c.Type()
		if err != nil {
			return nil, err
		}
		named, ok := t.(interface {
			TypeName(mode googlesql.ProductMode) (string, error)
		})
		if !ok {
			return nil, fmt.Errorf("column %d is of a type without a name: %T", i+1, t)
		}
		if out[i].Name, err = o.Name(); err != nil {
			return nil, err
		}
		if out[i].Type, err = named.TypeName(googlesql.ProductModeProductExternal); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// compare holds the columns of a result against those it must have, in any order. Where none are wanted, they must only
// have names of their own, without which there is no table.
func compare(got, want []queries.Column) error {
	types := map[string]string{}
	var wrong []error
	for _, c := range got {
		name := strings.ToLower(c.Name)
		switch _, twice := types[name]; {
		case twice:
			wrong = append(wrong, fmt.Errorf("the result has two columns %s", c.Name))
		case name == "" || strings.HasPrefix(name, "$"):
			wrong = append(wrong, fmt.Errorf("the result has a column of type %s without a name", c.Type))
		}
		types[name] = c.Type
	}
	if len(want) == 0 {
		return errors.Join(wrong...)
	}
	for _, c := range want {
		name := strings.ToLower(c.Name)
		switch t, ok := types[name]; {
		case !ok:
			wrong = append(wrong, fmt.Errorf("the result has no column %s, want %s", c.Name, c.Type))
		case t != c.Type:
			wrong = append(wrong, fmt.Errorf("the column %s is of type %s, want %s", c.Name, t, c.Type))
		}
		delete(types, name)
	}
	for _, c := range got {
		if _, left := types[strings.ToLower(c.Name)]; left {
			wrong = append(wrong, fmt.Errorf("the result has a column %s, which nobody wants", c.Name))
		}
	}
	return errors.Join(wrong...)
}
