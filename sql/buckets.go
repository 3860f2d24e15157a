package sql

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"segments/transforms/frame"
)

// Buckets returns the relation buckets: how many rows of each generation have a value of each of the columns in which
// bucket. It has the columns generation (the place of the relation in generations, from 0), feature, bucket, value and customers.
//
// Bucket is NULL where the value is, and for texts. It is 0 and 1 for FALSE and TRUE. For a number it is 0 for 0, and else
// says how many half octaves the number is above 1: 3000 for 1 up to the square root of 2, 3001 from there up to 2, 2999
// for what is below 1; and for a negative number the same with a minus. Value is the text, of which 120 characters count.
//
// DuckDB reads each column by itself, and only what it needs; BigQuery would plan so many parts for long, and unnests them.
func Buckets(d Dialect, columns []frame.Column, generations ...Relation) Relation {
	if len(columns) == 0 || len(generations) == 0 {
		return Empty(frame.Table{Name: "buckets", Columns: []frame.Column{
			integer("generation"), text("feature"), integer("bucket"), text("value"), integer("customers"),
		}}, d)
	}
	var parts []string
	for i, g := range generations {
		var structs []string
		for _, c := range columns {
			bucket, value, by := bucketOf(c, d)
			if d == BigQuery {
				structs = append(structs, fmt.Sprintf("STRUCT(%s AS feature, %s AS bucket, %s AS value)", d.Literal(c.Name), bucket, value))
				continue
			}
			parts = append(parts, fmt.Sprintf("SELECT %d AS generation, %s AS feature, %s AS bucket, %s AS value, count(*) AS customers\n"+
				"FROM (%s) AS g GROUP BY %d", i, d.Literal(c.Name), bucket, value, g.Select, by))
		}
		if d == BigQuery {
			parts = append(parts, fmt.Sprintf("SELECT %d AS generation, f.feature, f.bucket, f.value, count(*) AS customers\n"+
				"FROM (%s) AS g CROSS JOIN UNNEST([\n%s\n]) AS f GROUP BY 2, 3, 4", i, g.Select, strings.Join(structs, ",\n")))
		}
	}
	return Relation{"buckets", strings.Join(parts, "\nUNION ALL\n")}
}

// bucketOf returns the expressions of the bucket and the text of c's values, and which column of the relation tells them apart.
func bucketOf(c frame.Column, d Dialect) (bucket, value string, by int) {
	x := d.ident(c.Name)
	integers, texts := d.Type(frame.Int64Kind), d.Type(frame.StringKind)
	noText := "CAST(NULL AS " + texts + ")"
	switch c.Kind {
	case frame.StringKind:
		return "CAST(NULL AS " + integers + ")", "substr(" + x + ", 1, 120)", 4
	case frame.BoolKind:
		return "CASE WHEN " + x + " THEN 1 WHEN NOT " + x + " THEN 0 END", noText, 3
	}
	// a little is added so that powers of two do not fall below themselves; ln 2 is .693
	octaves := func(sign string) string {
		return fmt.Sprintf("CAST(floor(2 * ln(%s%s) / 0.6931471805599453 + 0.000000001) AS %s) + 3000", sign, x, integers)
	}
	bucket = fmt.Sprintf("CASE WHEN %[1]s > 0 THEN %[2]s WHEN %[1]s < 0 THEN -(%[3]s) WHEN %[1]s = 0 THEN 0 END", x, octaves(""), octaves("-"))
	return bucket, noText, 3
}

// LabelsAgo returns the relation labels_ago: who was in which segment so many days ago. ago has a relation of customer_id and
// segment for each number of days; who has no segment is left out.
func LabelsAgo(ago map[int]Relation) Relation {
	var parts []string
	for _, days := range slices.Sorted(maps.Keys(ago)) {
		parts = append(parts, fmt.Sprintf("SELECT %d AS days_ago, customer_id, segment FROM (%s) AS l WHERE segment IS NOT NULL", days, ago[days].Select))
	}
	return Relation{"labels_ago", strings.Join(parts, "\nUNION ALL\n")}
}
