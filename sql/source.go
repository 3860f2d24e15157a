package sql

import (
	"fmt"
	"slices"
	"strings"

	"segments/transforms/frame"
)

// A Source says where one of the canonical inputs comes from, as the configuration has it.
type Source struct {
	Name       string            // one of SourceNames
	From       string            // a table, a view, a file or a glob of files (CSV, Parquet, JSON); or
	Query      string            // a SELECT in the warehouse's dialect
	Columns    map[string]string // canonical column: a column of the source, or an expression over them
	Attributes []string          // customers only: further columns, described by segment
	Pinned     bool              // From is a table that is read as of the parameter @snapshot
}

// A Family is what a source's column is, as far as reading it is concerned.
type Family string

// The families. A Timestamp has no zone and is read as wall clock time of the configured zone; an Instant has one.
// A column of which nothing is known but NULL is of family Null.
const (
	Text      Family = "text"
	Integer   Family = "integer"
	Decimal   Family = "decimal"
	Float     Family = "float"
	Boolean   Family = "boolean"
	Day       Family = "date"
	Timestamp Family = "timestamp"
	Instant   Family = "instant"
	Null      Family = "null"
	Other     Family = "other"
)

// A ColumnInfo is a column of a query's result as the warehouse describes it.
type ColumnInfo struct {
	Name   string
	Native string // the warehouse's name of its type
	Family Family
}

// A SourceColumn is a canonical column that a source may have.
type SourceColumn struct {
	Name, Doc string
	Needed    bool
	as        reading
}

// stem is the name of a time column without what says that it is one.
func (c SourceColumn) stem() string { return c.Name[:len(c.Name)-len("_at")] }

// How a column is read.
type reading int

const (
	asText  reading = iota
	asMoney         // gives NAME_e4: ten-thousandths, with moneyLimit for what is no number or too large
	asNumber
	asInteger
	asConsent // gives also NAME_unreadable: whether it is text of no known meaning, which reads as false
	asDate    // a day without a time, such as a birth date
	asTime    // NAME_at, or NAME_on, gives three columns: NAME_us, microseconds since 1970 UTC; NAME_day, days since 1970 in the local zone; NAME_hour
)

// wants lists the families that a reading takes, and what to call them in messages.
var wants = map[reading]struct {
	families []Family
	words    string
}{
	asText:    {[]Family{Text, Integer, Decimal, Float, Boolean, Day, Timestamp, Instant, Null}, "text"},
	asMoney:   {[]Family{Integer, Decimal, Float, Null}, "a number"},
	asNumber:  {[]Family{Integer, Decimal, Float, Null}, "a number"},
	asInteger: {[]Family{Integer, Decimal, Float, Null}, "a number"},
	asConsent: {[]Family{Boolean, Integer, Text, Null}, "a boolean, 0 or 1, or text such as true and no"},
	asDate:    {[]Family{Day, Timestamp, Instant, Null}, "a date"},
	asTime:    {[]Family{Day, Timestamp, Instant, Null}, "a date or a timestamp"},
}

// SourceColumns says which columns a source called name may have; nil where there is no such source.
func SourceColumns(name string) []SourceColumn { return sourceColumns[name] }

// SourceNames lists the canonical sources.
func SourceNames() []string {
	return []string{"customers", "orders", "web_events", "email_events", "conversions", "experiments", "touchpoints", "costs"}
}

// All returns the relation of everything the source has, unmapped.
func (s Source) All(d Dialect) (Relation, error) {
	rel, err := s.relation(d)
	if err != nil {
		return Relation{}, err
	}
	return Relation{s.Name, "SELECT * FROM " + rel}, nil
}

func (s Source) relation(d Dialect) (string, error) {
	if s.Query != "" {
		return "(\n" + strings.TrimRight(strings.TrimSpace(s.Query), ";") + "\n)", nil
	}
	if reader := fileReader(s.From); reader != "" {
		if d != DuckDB {
			return "", fmt.Errorf("sources.%s.from: %q is a file, which %s cannot read; load it into a table first", s.Name, s.From, d)
		}
		return reader + "(" + d.Literal(s.From) + ")", nil
	}
	t, err := d.TableName(s.From)
	if err != nil {
		return "", fmt.Errorf("sources.%s.from: %w; or a file name that ends in .csv, .parquet or .json", s.Name, err)
	}
	if s.Pinned {
		t += " FOR SYSTEM_TIME AS OF @snapshot"
	}
	return t, nil
}

// IsFile says whether from names a file or a glob of files rather than a table or a view.
func IsFile(from string) bool { return fileReader(from) != "" }

func fileReader(from string) string {
	f := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(from), ".gz"), ".zst")
	switch {
	case strings.HasSuffix(f, ".csv"), strings.HasSuffix(f, ".tsv"), strings.HasSuffix(f, ".txt"):
		return "read_csv"
	case strings.HasSuffix(f, ".parquet"):
		return "read_parquet"
	case strings.HasSuffix(f, ".json"), strings.HasSuffix(f, ".jsonl"), strings.HasSuffix(f, ".ndjson"):
		return "read_json"
	}
	return ""
}

// Mapped returns the relation of the source's mapped columns under their canonical names, typed as the source has them,
// and its attributes as attr_NAME. has are the columns of All. It fails where a configured column is not there.
func (s Source) Mapped(d Dialect, has []ColumnInfo) (Relation, error) {
	rel, err := s.relation(d)
	if err != nil {
		return Relation{}, err
	}
	var cols []string
	for _, c := range sourceColumns[s.Name] {
		value, ok := s.Columns[c.Name]
		if !ok {
			continue
		}
		expr, err := s.expression(d, "columns."+c.Name, value, has)
		if err != nil {
			return Relation{}, err
		}
		cols = append(cols, expr+" AS "+d.ident(c.Name))
	}
	for _, a := range s.Attributes {
		expr, err := s.expression(d, "attributes", a, has)
		if err != nil {
			return Relation{}, err
		}
		q, err := d.Quote("attr_" + a)
		if err != nil {
			return Relation{}, fmt.Errorf("sources.%s.attributes: %w", s.Name, err)
		}
		cols = append(cols, expr+" AS "+q)
	}
	return Relation{s.Name, "SELECT " + strings.Join(cols, ", ") + "\nFROM " + rel}, nil
}

// expression returns value, that of the source's key, as a column of the source where it names one, else as the SQL it is.
func (s Source) expression(d Dialect, key, value string, has []ColumnInfo) (string, error) {
	for _, h := range has {
		if strings.EqualFold(h.Name, value) {
			return d.Quote(h.Name)
		}
	}
	if bareName.MatchString(value) {
		names := make([]string, len(has))
		for i, h := range has {
			names[i] = h.Name
		}
		return "", fmt.Errorf("sources.%s.%s: %w %s; it has %s", s.Name, key, ErrNoColumn, value, strings.Join(names, ", "))
	}
	return "(" + value + "\n)", nil // the value may end with a comment
}

// Typed returns the relation that the canonical queries read: every canonical column of the source, converted; those
// that the configuration leaves out are NULL. A time column NAME_at (or NAME_on) gives NAME_us, NAME_day and NAME_hour, money NAME_e4 in
// ten-thousandths, and the attributes of customers are one JSON object, attributes. mapped is the relation Mapped, types
// its columns. The relation has the parameter @timezone.
func (s Source) Typed(d Dialect, mapped Relation, types []ColumnInfo) (Relation, error) {
	var cols []string
	for _, c := range sourceColumns[s.Name] {
		at := slices.IndexFunc(types, func(t ColumnInfo) bool { return t.Name == c.Name })
		family := Null
		if at >= 0 {
			family = types[at].Family
			if w := wants[c.as]; !slices.Contains(w.families, family) {
				return Relation{}, fmt.Errorf("sources.%s.columns.%s: %w: %s is of type %s, want %s; give an expression such as CAST(… AS …)",
					s.Name, c.Name, ErrColumnType, s.Columns[c.Name], types[at].Native, w.words)
			}
		}
		cols = append(cols, d.convert(c, family, at >= 0)...)
	}
	if s.Name == "customers" {
		attributes, err := s.attributes(d)
		if err != nil {
			return Relation{}, err
		}
		cols = append(cols, attributes+" AS attributes")
	}
	return Relation{"source", "SELECT " + strings.Join(cols, ",\n  ") + "\nFROM (" + mapped.Select + ")"}, nil
}

// attributes returns the attributes as one JSON object, whose keys are a1, a2, … in the order in which they are declared.
func (s Source) attributes(d Dialect) (string, error) {
	if len(s.Attributes) == 0 {
		return "CAST(NULL AS " + d.Type(frame.StringKind) + ")", nil
	}
	values := make([]string, len(s.Attributes))
	for i, a := range s.Attributes {
		q, err := d.Quote("attr_" + a)
		if err != nil {
			return "", err
		}
		values[i] = fmt.Sprintf("'a%d', nullif(trim(CAST(%s AS %s)), '')", i+1, q, d.Type(frame.StringKind))
	}
	object := "json_object(" + strings.Join(values, ", ") + ")"
	if d == BigQuery {
		return "to_json_string(" + object + ")", nil
	}
	return "CAST(" + object + " AS VARCHAR)", nil
}

// convert returns the expressions of the canonical column c, given as a column of family f.
func (d Dialect) convert(c SourceColumn, f Family, given bool) []string {
	x := d.ident(c.Name)
	if !given || f == Null {
		x = "NULL"
	}
	try := map[Dialect]string{DuckDB: "TRY_CAST", BigQuery: "SAFE_CAST"}[d]
	cast := func(x, t string) string { return try + "(" + x + " AS " + t + ")" }
	str, i64 := d.Type(frame.StringKind), d.Type(frame.Int64Kind)
	as := func(expr, suffix string) string { return expr + " AS " + c.Name + suffix }
	switch c.as {
	case asMoney:
		if x == "NULL" {
			return []string{as("CAST(NULL AS "+i64+")", "_e4")}
		}
		return []string{as(d.money(x), "_e4")}
	case asNumber:
		return []string{as(cast(x, d.Type(frame.Float64Kind)), "")}
	case asInteger:
		return []string{as(cast(x, i64), "")}
	case asConsent:
		if f == Text {
			state := "replace(replace(lower(trim(" + x + ")), ' ', '_'), '-', '_')"
			return []string{
				as("CASE WHEN "+state+" IN ("+consents+") THEN TRUE WHEN "+state+" <> '' THEN FALSE END", ""),
				as("coalesce("+state+" NOT IN ('', "+consents+", "+objections+"), FALSE)", "_unreadable"),
			}
		}
		return []string{as(cast(x, d.Type(frame.BoolKind)), ""), as("FALSE", "_unreadable")}
	case asDate:
		return []string{as(cast(x, "DATE"), "")}
	case asTime:
		us, day, hour := "CAST(NULL AS "+i64+")", "CAST(NULL AS "+i64+")", "CAST(NULL AS "+i64+")"
		if x != "NULL" {
			us, day, hour = d.time(x, f)
		}
		stem := c.stem()
		return []string{us + " AS " + stem + "_us", day + " AS " + stem + "_day", hour + " AS " + stem + "_hour"}
	default:
		if f == Float { // identifiers that passed through a float: 17850.0 is 17850
			x = "CASE WHEN " + x + " = floor(" + x + ") THEN CAST(" + cast(x, i64) + " AS " + str + ") ELSE CAST(" + x + " AS " + str + ") END"
		}
		return []string{as("nullif(trim(CAST("+x+" AS "+str+")), '')", "")}
	}
}

// ConsentWords returns what is read as a consent and what as an objection, in lower case and with _ for spaces and hyphens.
func ConsentWords() (consenting, objecting []string) {
	words := func(list string) []string { return strings.Split(strings.ReplaceAll(list, "'", ""), ", ") }
	return words(consents), words(objections)
}

const (
	consents   = "'true', 't', 'yes', 'y', '1', 'on', 'ja', 'opted_in', 'opt_in', 'granted'"
	objections = "'false', 'f', 'no', 'n', '0', 'off', 'nein', 'opted_out', 'opt_out', 'denied', 'declined', 'revoked', 'withdrawn', 'objected'"
)

// moneyLimit stands for amounts of 100 billion or more, NaN and the infinities, in ten-thousandths. Below it, a product
// of a decimal of four digits and 10000 is within half of the true integer even in double precision.
const moneyLimit = 1_000_000_000_000_000

// money returns x in ten-thousandths.
func (d Dialect) money(x string) string {
	e4 := "CAST(round(SAFE_CAST(" + x + " AS NUMERIC) * 10000) AS INT64)"
	number := "SAFE_CAST(" + x + " AS NUMERIC)"
	if d == DuckDB {
		number = "TRY_CAST(" + x + " AS DECIMAL(18,4))"
		e4 = "CAST(round(CAST(" + number + " AS DOUBLE) * 10000) AS BIGINT)"
	}
	return fmt.Sprintf("CASE WHEN abs(%s) < %d THEN %s WHEN %s IS NOT NULL THEN %d END", number, int64(moneyLimit/10000), e4, x, int64(moneyLimit))
}

// time returns the instant in microseconds, the local day and the local hour of x. A date has no hour.
func (d Dialect) time(x string, f Family) (us, day, hour string) {
	if d == BigQuery {
		switch f {
		case Day:
			return "unix_micros(timestamp(" + x + ", @timezone))", "unix_date(" + x + ")", "CAST(NULL AS INT64)"
		case Instant:
			return "unix_micros(" + x + ")", "unix_date(date(" + x + ", @timezone))", "extract(hour FROM " + x + " AT TIME ZONE @timezone)"
		default:
			return "unix_micros(timestamp(" + x + ", @timezone))", "unix_date(date(" + x + "))", "extract(hour FROM " + x + ")"
		}
	}
	const finite = " THEN CAST(%s AS BIGINT) END"
	guard := func(expr string) string { return "CASE WHEN isfinite(" + x + ")" + fmt.Sprintf(finite, expr) }
	switch f {
	case Day:
		return guard("epoch_us(timezone(@timezone, TRY_CAST(" + x + " AS TIMESTAMP)))"), guard(x + " - DATE '1970-01-01'"), "CAST(NULL AS BIGINT)"
	case Instant:
		return guard("epoch_us(" + x + ")"),
			guard("CAST(timezone(@timezone, " + x + ") AS DATE) - DATE '1970-01-01'"),
			guard("hour(timezone(@timezone, " + x + "))")
	default:
		return guard("epoch_us(timezone(@timezone, CAST(" + x + " AS TIMESTAMP)))"),
			guard("CAST(" + x + " AS DATE) - DATE '1970-01-01'"),
			guard("hour(" + x + ")")
	}
}

// Newest returns the relation of the newest day of a row, as n, up to the parameter @as_of_day. typed is the relation Typed.
func (s Source) Newest(typed Relation) Relation {
	i := slices.IndexFunc(sourceColumns[s.Name], func(c SourceColumn) bool { return c.as == asTime })
	day := sourceColumns[s.Name][i].stem() + "_day"
	return Relation{s.Name, "SELECT max(" + day + ") AS n FROM (" + typed.Select + ") AS s WHERE " + day + " <= @as_of_day"}
}
