package sql

import "slices"

// The columns of the customers source that Addresses reads.
var addressColumns = []string{"customer_id", "email", "phone", "created_at", "consent_profiling", "consent_email", "deleted_at"}

// Addresses returns the relation addresses of a customers source: who may be written to, and where, as the source says
// whenever it is asked. It reads no other column, is not pinned to a moment and has no parameters, so that a view can be
// made of it. has are the columns of All and types those of Mapped, which Typed has found fit.
func (s Source) Addresses(d Dialect, has, types []ColumnInfo) (Relation, error) {
	narrow := Source{Name: s.Name, From: s.From, Query: s.Query, Columns: map[string]string{}}
	for _, name := range addressColumns {
		if value, ok := s.Columns[name]; ok {
			narrow.Columns[name] = value
		}
	}
	mapped, err := narrow.Mapped(d, has)
	if err != nil {
		return Relation{}, err
	}
	out := Relation{Name: "addresses", Select: "SELECT "}
	sep := ""
	for _, c := range sourceColumns[s.Name] {
		if !slices.Contains(addressColumns, c.Name) {
			continue
		}
		family := Null
		if at := slices.IndexFunc(types, func(t ColumnInfo) bool { return t.Name == c.Name }); at >= 0 {
			family = types[at].Family
		}
		expr := d.convert(c, family, family != Null)[0]
		if c.as == asTime {
			expr = d.finite(c.Name, family) + " AS " + c.Name
		}
		out.Select += sep + expr
		sep = ",\n  "
	}
	out.Select += "\nFROM (" + mapped.Select + ") AS customers"
	return out, nil
}

// finite returns the time column called name as it is, but NULL where it is infinite, which DuckDB's times can be.
func (d Dialect) finite(name string, f Family) string {
	x := d.ident(name)
	switch {
	case f == Null:
		return "CAST(NULL AS TIMESTAMP)"
	case d == DuckDB:
		return "CASE WHEN isfinite(" + x + ") THEN " + x + " END"
	}
	return x
}
