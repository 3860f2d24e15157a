package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"segments/pipeline"
	"segments/pipeline/warehouse"
)

func (a *app) planCommand() *cobra.Command {
	var asOf string
	var detailed bool
	c := &cobra.Command{
		Use: "plan", Short: "Say what a run would do: sources, tables, rows, cost, schema changes", Args: cobra.NoArgs,
		Long: "Say what a run would do: whether the day is published already, what it would wait for, the rows of the sources, the tables and\n" +
			"columns it would add, and what it would cost. Nothing is written.",
		Example: "  segments plan -c shop.yaml\n  segments plan --as-of 2026-11-20 -o json | jq .slot",
		RunE: a.reading(func(ctx context.Context, j *pipeline.Job, _ []string) error {
			day, err := a.dayOr(asOf, a.yesterday(j.Location))
			if err != nil {
				return err
			}
			p, err := j.Plan(ctx, day)
			if err != nil {
				return err
			}
			if a.format == "json" {
				err = a.json(planned(p))
			} else {
				err = a.show(planListing(p))
			}
			if err != nil {
				return err
			}
			fmt.Fprint(a.err, a.planWords(p))
			if b := p.Charges.Budget; b > 0 && p.Cost.Bytes > b {
				return fmt.Errorf("%w: a run would read about %s, max_bytes_billed allows %s; raise it, or give the run less to read: fewer origins, fewer columns",
					warehouse.ErrBudget, size(p.Cost.Bytes), size(b))
			}
			if detailed && p.Changes() {
				return exitError(exitChanges)
			}
			return nil
		}),
	}
	c.Flags().StringVar(&asOf, "as-of", "", "the day (default yesterday)")
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 10 where tables would be made or columns added")
	return c
}

// dayOr is the day that a flag --as-of gives, or else day.
func (a *app) dayOr(asOf string, day time.Time) (time.Time, error) {
	if asOf == "" {
		return day, nil
	}
	return date("as-of", asOf)
}

// planWords says in words what p comes to.
func (a *app) planWords(p *pipeline.Plan) string {
	day := p.AsOf.Format(time.DateOnly)
	what := map[pipeline.SlotState]string{
		pipeline.SlotNew:      day + " is not published yet",
		pipeline.SlotReplaced: fmt.Sprintf("%s is published as run %s, whose rows would be replaced: something has changed since", day, p.Replaces),
		pipeline.SlotDone:     fmt.Sprintf("%s is published already as run %s: nothing has changed since, a run would do nothing", day, p.Replaces),
	}[p.Slot]
	on := "building on no earlier day"
	if p.Previous != "" {
		on = "building on " + p.Previous
	}
	lines := []string{what + "; " + on}
	for i, w := range p.Waits {
		then := ""
		if i == len(p.Waits)-1 {
			then = "; a run would end with exit code 6 at once"
			if p.Wait > 0 {
				then = fmt.Sprintf("; a run would wait %s at most, then end with exit code 6", p.Wait)
			}
		}
		lines = append(lines, a.mark(markWarning)+" "+w+then)
	}
	return strings.Join(append(lines, plannedCost(p)), "\n") + "\n"
}

// A jsonPlan is a plan as data.
type jsonPlan struct {
	AsOf     string             `json:"as_of"`
	Run      string             `json:"run"`
	Slot     pipeline.SlotState `json:"slot"` // new, replaced or done
	Replaces string             `json:"replaces,omitempty"`
	Previous string             `json:"previous,omitempty"`
	Waits    []string           `json:"waits"`
	Changes  bool               `json:"changes"`
	Sources  []jsonSource       `json:"sources"`
	Tables   []jsonTable        `json:"tables"`
	Cost     *jsonCost          `json:"cost,omitempty"`
}

type jsonSource struct {
	Name   string   `json:"name"`
	Rows   int64    `json:"rows"`
	Absent []string `json:"absent_columns"`
}

type jsonTable struct {
	Name    string   `json:"name"`
	Rows    int64    `json:"rows"`
	New     bool     `json:"new"`
	Columns []string `json:"added_columns"`
}

type jsonCost struct {
	Bytes   int64 `json:"bytes"`
	Reads   int64 `json:"reads"`
	Allowed int64 `json:"bytes_allowed,omitempty"`
}

func planned(p *pipeline.Plan) jsonPlan {
	none := func(s []string) []string { return append([]string{}, s...) } // [] rather than null
	out := jsonPlan{
		AsOf: p.AsOf.Format(time.DateOnly), Run: p.Run, Slot: p.Slot, Replaces: p.Replaces, Previous: p.Previous, Waits: none(p.Waits), Changes: p.Changes(),
	}
	for _, s := range p.Sources {
		out.Sources = append(out.Sources, jsonSource{s.Name, s.Rows, none(s.Absent)})
	}
	for _, t := range p.Tables {
		out.Tables = append(out.Tables, jsonTable{t.Name, t.Rows, t.New, none(t.Columns)})
	}
	if p.Charges.Least > 0 {
		out.Cost = &jsonCost{p.Cost.Bytes, p.Cost.Reads, p.Charges.Budget}
	}
	return out
}

func planListing(p *pipeline.Plan) *listing {
	l := &listing{headers: []string{"what", "name", "rows_now", "detail"}}
	for _, s := range p.Sources {
		detail := "every column"
		if len(s.Absent) > 0 {
			detail = "without " + strings.Join(s.Absent, ", ")
		}
		l.add("source", s.Name, s.Rows, detail)
	}
	if p.Charges.Least > 0 {
		l.add("cost", "bytes", nil, fmt.Sprintf("%d to be read, in about %d reads of tables", p.Cost.Bytes, p.Cost.Reads))
	}
	for _, t := range p.Tables {
		detail := ""
		switch {
		case t.New:
			detail = "would be made"
		case len(t.Columns) > 0:
			detail = "columns added: " + strings.Join(t.Columns, ", ")
		}
		l.add("table", t.Name, t.Rows, detail)
	}
	return l
}

// plannedCost says what a run would cost.
func plannedCost(p *pipeline.Plan) string {
	if p.Charges.Least == 0 {
		return "the embedded warehouse costs nothing"
	}
	s := "a run would read about " + size(p.Cost.Bytes) + money(p.Charges.Price, p.Cost.Bytes)
	if p.Charges.Budget > 0 {
		return s + "; " + size(p.Charges.Budget) + " are allowed"
	}
	return s + "; there is no limit (max_bytes_billed)"
}

// size is bytes in the unit that fits.
func size(bytes int64) string {
	v, unit := float64(bytes), 0
	for v >= 1024 && unit < 5 {
		v, unit = v/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d bytes", bytes)
	}
	return fmt.Sprintf("%.1f %ciB", v, " KMGTP"[unit])
}

// money says what bytes cost, where the configuration has a price.
func money(p warehouse.Price, bytes int64) string {
	if p == (warehouse.Price{}) {
		return ""
	}
	return fmt.Sprintf(", %.2f %s at the price of %s", p.Of(bytes), p.Currency, p.Date)
}
