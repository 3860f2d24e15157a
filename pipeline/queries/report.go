package queries

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"segments/pipeline"
	"segments/pipeline/report"
	"segments/pipeline/steps"
	"segments/pipeline/warehouse"
	"segments/transforms/frame"
)

// writeReport records what the report asks of a published run. That all its queries are among it, TestEveryFile says.
func writeReport(r *recorder, j *pipeline.Job) error {
	tables, err := j.Tables()
	if err != nil {
		return err
	}
	return report.Write(context.Background(), io.Discard, report.Source{
		Run:       report.Run{ID: "run", Name: j.Name, AsOf: asOf(), State: report.Published, EndedAt: clock()},
		Warehouse: r, Declared: tables, Content: report.DefaultContent(),
		CoreSegment: j.CoreSegment, Currency: j.Currency, MinGroup: j.MinGroup,
		Table: func(ctx context.Context, name string) (ref warehouse.Ref, ok bool, err error) {
			if i := slices.IndexFunc(tables, func(t frame.Table) bool { return t.Name == name }); i >= 0 {
				return r.Published(ctx, tables[i])
			}
			return ref, false, nil
		},
	})
}

// rowOf answers a query that reads all of a published table: with a row of that table. ok is false where it reads none.
func (r *recorder) rowOf(text string) (a answer, ok bool) {
	for _, name := range slices.Sorted(maps.Keys(r.published)) {
		if strings.Contains(text, name) {
			return answer{r.published[name].Columns, []map[string]any{{"segmentation": steps.CoreSegment()}}}, true
		}
	}
	return answer{}, false
}
