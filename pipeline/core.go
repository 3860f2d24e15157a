package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// coreInputsTable is what the core segment is scored from as of a day. It is staged, never published.
var coreInputsTable = frame.Table{
	Name: "core_inputs", Key: []string{"customer_id"},
	Columns: cols(customer.AsOf, customer.ID, customer.Orders, customer.PurchaseDays, customer.FirstOrderOn, customer.LastOrderOn,
		customer.DaysSinceLastOrder, customer.Band2On, customer.Band3On, customer.Band4On, customer.Band5On, customer.MonetaryTotal,
		customer.WebEventsEver, customer.EmailActionsEver, customer.PreviousCoreSegment, customer.PreviousSince),
}

// errCoreInputs is wrapped where the core segment is made of more than core_inputs has: of a step of the user's own.
// What would need it on other days is not evaluated.
var errCoreInputs = errors.New("the core segment needs columns that only the customer features have")

// coreInputs stages what the core segment is scored from as of the day at, from what the sources say now, for everybody
// who is segmented on that day. The features of the as-of day, or of a backtest's origin, serve where they are staged.
func (r *run) coreInputs(ctx context.Context, at time.Time) (warehouse.Ref, error) {
	if ref, ok := r.inputsAt[frame.DayOf(at)]; ok {
		return ref, nil
	}
	ref, err := r.coreInputsOf(ctx, at, "_"+at.Format("20060102"))
	if err != nil {
		return warehouse.Ref{}, err
	}
	r.keepInputs(at, ref)
	return ref, nil
}

// keepInputs remembers ref, which has the columns of core_inputs as of the day at.
func (r *run) keepInputs(at time.Time, ref warehouse.Ref) {
	if r.inputsAt == nil {
		r.inputsAt = map[frame.Day]warehouse.Ref{}
	}
	r.inputsAt[frame.DayOf(at)] = ref
}

// coreInputsOf stages core_inputs with suffix as of the day at. Relations of have stand for those of the run: they may
// restrict it to some customers.
func (r *run) coreInputsOf(ctx context.Context, at time.Time, suffix string, have ...sql.Relation) (warehouse.Ref, error) {
	ctx = r.stepAsOf(ctx, "read core_inputs", at)
	stage := func(t frame.Table) (warehouse.Ref, error) {
		q, err := r.resolve(t.Name, r.params(at), slices.Concat(have, r.relations()))
		if err != nil {
			return warehouse.Ref{}, err
		}
		t.Name += suffix
		return r.Warehouse.Materialize(ctx, t, q)
	}
	purchases, err := stage(sql.CustomerPurchases)
	if err != nil {
		return warehouse.Ref{}, err
	}
	actions, err := stage(sql.CustomerActions)
	if err != nil {
		return warehouse.Ref{}, err
	}
	have = append([]sql.Relation{
		purchases.As("customer_purchases"),
		{Name: "customer_web", Select: "SELECT customer_id, web_events AS events FROM " + actions.Name + " WHERE web_events > 0"},
		{Name: "customer_email", Select: "SELECT customer_id, email_actions AS actions FROM " + actions.Name + " WHERE email_events > 0"},
	}, have...)
	return stage(coreInputsTable)
}

// coreLabels stages the core segment that the chain c, whatever day it was fitted as of, gives to everybody who is
// segmented on the day at: customer_id and segment, which is NULL where the chain gives none. It wraps errCoreInputs where
// c needs more than core_inputs has.
func (r *run) coreLabels(ctx context.Context, c *chain, at time.Time) (warehouse.Ref, error) {
	core, err := r.coreColumn(c)
	if err != nil {
		return warehouse.Ref{}, err
	}
	in, err := r.coreInputs(ctx, at)
	if err != nil {
		return warehouse.Ref{}, err
	}
	ctx = r.stepAsOf(ctx, "score core_inputs", at)
	t := frame.Table{Name: "core_labels_" + at.Format("20060102"), Key: []string{"customer_id"}, Columns: cols(customer.ID, segment.Null())}
	return r.stageLabels(ctx, t, c.stream(ctx, r.Warehouse, in, append(cols(customer.ID), core)))
}

// stageLabels stages in as t, whose columns are named otherwise.
func (r *run) stageLabels(ctx context.Context, t frame.Table, in frame.Batches) (warehouse.Ref, error) {
	w, err := r.Warehouse.Stage(ctx, t)
	if err != nil {
		return warehouse.Ref{}, err
	}
	for b, err := range in {
		if err == nil {
			err = w.Write(frame.Rename(b, t.Columns...))
		}
		if err != nil {
			_ = w.Abort() // the first error says what happened
			return warehouse.Ref{}, err
		}
	}
	return w.Commit()
}

// coreColumn is the output of c that has the core segment, unless that takes more than core_inputs has.
func (r *run) coreColumn(c *chain) (frame.Column, error) {
	core, ok := frame.Table{Columns: c.outputs()}.Column(r.CoreSegment)
	if !ok {
		return core, fmt.Errorf("%w: no step gives %s", errCoreInputs, r.CoreSegment)
	}
	var lacking []string
	_, base := c.needs(core)
	for _, col := range base {
		if !has(coreInputsTable.Columns, col.Name) {
			lacking = append(lacking, col.Name)
		}
	}
	if lacking != nil {
		return core, fmt.Errorf("%w: %s", errCoreInputs, strings.Join(lacking, ", "))
	}
	return core, nil
}
