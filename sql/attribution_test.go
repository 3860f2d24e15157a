package sql_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"segments/pipeline/attribution"
	"segments/sql"
)

// The credits of the query are those of the definition in Go, to the last billionth, and so is the value.
func TestAttributionCredits(t *testing.T) {
	d := open(t, "")
	models := []attribution.Model{attribution.First, attribution.Last, attribution.Linear, attribution.TimeDecay, attribution.Position}
	const halfLife = 7
	rapid.Check(t, func(t *rapid.T) {
		rows := []string{}
		want := map[string][]int64{} // by channel: the credits of the models, then the values
		for conversion := range rapid.IntRange(1, 5).Draw(t, "conversions") {
			value := rapid.Int64Range(-1e15+1, 1e15-1).Draw(t, "value")
			days := append(rapid.SliceOfN(rapid.Int64Range(0, 364), 0, attribution.LongestPath-1).Draw(t, "days"), 0)
			slices.Sort(days)
			slices.Reverse(days)
			for i, day := range days {
				channel := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "channel")
				rows = append(rows, fmt.Sprintf("('order', 'x', %d, %d, '%s', 'S', %d, %d, %d)", conversion, value, channel, i+1, len(days), day))
				if want[channel] == nil {
					want[channel] = make([]int64, 2*len(models))
				}
				for m, model := range models {
					credits := attribution.Credits(model, days, halfLife)
					want[channel][m] += credits[i]
					want[channel][len(models)+m] += attribution.Divide(value, credits)[i]
				}
			}
		}
		paths := sql.Relation{Name: "paths", Select: "SELECT conversion_kind, customer_id, CAST(number AS BIGINT) AS number, CAST(value_e4 AS BIGINT) AS value_e4, channel, " +
			"segment, CAST(place AS BIGINT) AS place, CAST(length AS BIGINT) AS length, CAST(days AS BIGINT) AS days FROM (VALUES " + strings.Join(rows, ", ") +
			") AS p(conversion_kind, customer_id, number, value_e4, channel, segment, place, length, days)"}
		q, err := sql.Bind("attribution_credits", sql.DuckDB, map[string]any{"half_life_days": int64(halfLife)}, paths)
		if err != nil {
			t.Fatal(err)
		}
		columns, got := d.rows(q)
		for _, row := range got {
			if row[slices.Index(columns, "segment")] != "" {
				continue
			}
			channel := row[slices.Index(columns, "channel")]
			for i, name := range strings.Fields("first_credit last_credit linear_credit decay_credit position_credit first_e4 last_e4 linear_e4 decay_e4 position_e4") {
				if is := row[slices.Index(columns, name)]; is != strconv.FormatInt(want[channel][i], 10) {
					t.Fatalf("%s of %s is %s, want %d", name, channel, is, want[channel][i])
				}
			}
		}
		if len(got) != 2*len(want) {
			t.Fatalf("%d rows for %d channels", len(got), len(want))
		}
	})
}
