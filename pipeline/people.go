package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// The views for activation, as far as commands read them.
var (
	mailable = frame.Int64("mailable", "Of those, who may be e-mailed: they agreed to it, have not unsubscribed and are not in the holdout.").In("customers")
	mayNot   = frame.Int64("held_out", "Who might be e-mailed too, but is in the holdout (see in_holdout of customer_segments).").In("customers")

	// Audiences lists the groups of the newest published day that anybody is in.
	audiences = frame.Table{
		Name: "audiences",
		Doc:  "The groups of the newest published day that anybody is in: how many they are, how many may be e-mailed, rule and suggested action.",
		Columns: cols(customer.AsOf, segmentation, segment, definitionOrder.Null(), definitionParent, profileCustomers, mailable, mayNot,
			frame.Float64("share", "Customers by those of the whole segmentation.").In("share"), definitionRule.Null(), definitionAction,
			frame.String("sets_apart", "What is more common here than with everybody; NULL where nothing is.").Null()),
	}
	memberships = frame.Table{
		Name:    "audience_memberships",
		Doc:     "Who may be e-mailed, by group of the newest published day: only of whom email_allowed of customer_features is true.",
		Columns: cols(customer.AsOf, customer.ID, segmentation, segment),
	}

	// By its Doc a view is known to be ours before it is dropped: whoever changes the text drops the views of earlier
	// versions by hand.
	people = frame.Table{
		Name: "people",
		Doc: "Where to reach who may be e-mailed, as the customers source says whenever this is asked. Nothing of it is stored. " +
			"It is there only while outputs.people is true.",
		Columns: cols(customer.ID, frame.String("email", "The e-mail address.").Null(), frame.String("phone", "The telephone number.").Null()),
	}
)

// ErrNoPeople says that there is no view people to take addresses from.
var ErrNoPeople = errors.New("there is no view people: set outputs.people to true and publish; docs/activation.md says what that takes")

// views are what readers find beside the tables.
func (r *run) views() []warehouse.View {
	rows := []string{"customer_segments_current", "customer_features_current"}
	reach := warehouse.View{Name: people.Name, Doc: people.Doc, Query: "people", Reads: rows, Gone: true}
	for _, s := range r.sources {
		if s.addresses.Name != "" {
			reach.Over, reach.Gone = []sql.Relation{s.addresses}, false
		}
	}
	return []warehouse.View{
		{Name: audiences.Name, Doc: audiences.Doc, Query: "audiences", Reads: append(rows, "segment_profiles_current", "segment_definitions")},
		{Name: memberships.Name, Doc: memberships.Doc, Query: "audience_memberships", Reads: rows},
		reach,
		{Name: drops.Name, Doc: drops.Doc, Query: "drops_next_week", Reads: rows[:1]},
	}
}

// addresses returns what the view people reads of the source s; nothing where s has no part in it.
func (j *Job) addresses(s sql.Source, has, types []sql.ColumnInfo) (sql.Relation, error) {
	if !j.People || s.Name != "customers" {
		return sql.Relation{}, nil
	}
	d := j.Warehouse.Dialect()
	if d == sql.BigQuery && s.Query == "" && strings.Count(s.From, ".") < 2 {
		return sql.Relation{}, configError(fmt.Errorf("sources.customers.from: %s does not say its project, which the view people of outputs.people needs: "+
			"write project.dataset.table", s.From))
	}
	r, err := s.Addresses(d, has, types)
	if err != nil {
		return sql.Relation{}, configError(err)
	}
	return r, nil
}

// checkPeople looks whether the configured sources have what the view people needs.
func (j *Job) checkPeople() error {
	if !j.People {
		return nil
	}
	for _, s := range j.Sources {
		if s.Name != "customers" {
			continue
		}
		switch {
		case s.Columns["email"] == "" && s.Columns["phone"] == "":
			return configError(errors.New("outputs.people: sources.customers.columns has neither email nor phone, so that there is nothing to show"))
		case s.Columns["consent_email"] == "":
			return configError(errors.New("outputs.people: sources.customers.columns has no consent_email, so that nobody is known to have agreed"))
		}
		return nil
	}
	return configError(errors.New("outputs.people: there is no source customers to read addresses from"))
}

// Audiences lists the groups of the newest published day: as_of, segmentation, segment, customers, mailable, held_out, and what
// segment_definitions and segment_profiles say of them.
func (j *Job) Audiences(ctx context.Context) frame.Batches {
	return j.read(ctx, "audience_list", nil, audiences)
}

// Members lists who of an audience may be e-mailed: customer_id, segmentation, segment and as_of, by customer_id.
// withAddress adds email and phone as the customers source has them now, of who still is in the view people; its error
// wraps ErrNoPeople where there is none.
func (j *Job) Members(ctx context.Context, segmentation, segment string, withAddress bool) frame.Batches {
	at := map[string]any{"segmentation": segmentation, "segment": segment}
	if !withAddress {
		return j.read(ctx, "audience_members", at, memberships)
	}
	_, ok, err := j.Warehouse.Published(ctx, people)
	if err != nil {
		return frame.Fail(err)
	}
	if !ok || !j.People {
		return frame.Fail(ErrNoPeople)
	}
	return j.read(ctx, "audience_addresses", at, memberships, people)
}
