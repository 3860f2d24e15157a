package sql

import "segments/transforms/frame"

// Canonical returns the table that the query canonical_NAME stages of the source called name, with the rows of the
// source after merging equal ones. copies says how many rows a row stands for, and reject, where it is not NULL, why the
// row is put aside.
func Canonical(name string) frame.Table { return canonical[name] }

// Prepared lists the tables that come of the canonical ones once a run, in the order in which they are staged. Each is
// the result of the query of its name.
func Prepared() []frame.Table { return []frame.Table{orders, lateLines, refunds} }

// AsOf lists the tables that come of the canonical and prepared ones for each as-of date before customer_features, in
// the order in which they are staged. Each is the result of the query of its name.
func AsOf() []frame.Table {
	return []frame.Table{CustomerPurchases, customerWeb, customerMoments, customerEmail, customerHabits}
}

// Columns of staged tables. Days are counted from 1970-01-01, moments are microseconds since then in UTC, and money is
// in ten-thousandths: sums of integers are exact, and windows over them read the same in all dialects.
var (
	id      = text("customer_id")
	maybeID = null(text("customer_id"))
)

var canonical = map[string]frame.Table{
	"customers": canonicalTable("customers", maybeID, null(integer("created_day")), null(text("country")), null(text("gender")),
		null(frame.Date("birth_date", "").Column), null(text("industry")), null(integer("employees")), null(text("plan")),
		null(text("acquisition_channel")), null(boolean("consent_profiling")), null(boolean("consent_email")),
		boolean("unreadable_consent"), null(integer("deleted_day")), null(text("attributes"))),
	"orders": canonicalTable("orders", null(text("order_id")), maybeID, null(integer("ordered_us")), null(integer("ordered_day")),
		null(integer("ordered_hour")), null(integer("amount_e4")), null(text("currency")), null(integer("refund_e4")),
		null(integer("refunded_day")), boolean("refund_above_amount"), boolean("discounted"), null(text("channel")),
		null(text("store_id")), null(text("category"))),
	"web_events": canonicalTable("web_events", maybeID, null(integer("occurred_us")), null(integer("occurred_day")),
		text("event_name"), null(text("session_key")), null(text("page")), integer("duration_us"), null(text("device")), null(text("channel"))),
	"email_events": canonicalTable("email_events", maybeID, null(integer("occurred_us")), null(integer("occurred_day")),
		text("event_name")),
	"conversions": canonicalTable("conversions", maybeID, null(integer("converted_us")), null(integer("converted_day")),
		null(integer("converted_hour")), text("kind"), null(integer("value_e4"))),
	"experiments": canonicalTable("experiments", maybeID, null(text("experiment")), null(text("variant")), null(integer("assigned_us")),
		null(integer("assigned_day"))),
	"touchpoints": canonicalTable("touchpoints", maybeID, null(integer("occurred_us")), null(integer("occurred_day")), null(text("channel")),
		null(text("campaign_id"))),
	"costs": canonicalTable("costs", null(text("channel")), null(text("campaign_id")), null(integer("spent_day")), null(integer("amount_e4")),
		null(text("currency"))),
}

var (
	orders = staged("orders", []string{"customer_id", "order_id"}, id, text("order_id"), integer("ordered_us"), integer("ordered_day"),
		null(integer("ordered_hour")), integer("last_day"), integer("amount_e4"), boolean("discounted"), null(text("channel")),
		boolean("in_store"))

	lateLines = staged("late_lines", []string{"customer_id", "order_id", "ordered_day"}, id, text("order_id"), integer("ordered_day"),
		integer("amount_e4"))

	refunds = staged("refunds", nil, id, null(text("order_id")), integer("refunded_day"), integer("amount_e4"))

	// CustomerPurchases is what the query of its name gives as of a date.
	CustomerPurchases = staged("customer_purchases", []string{"customer_id"}, id, integer("orders"), integer("purchase_days"),
		null(integer("first_day")), null(integer("last_day")), null(integer("band2_day")), null(integer("band3_day")),
		null(integer("band4_day")), null(integer("band5_day")), integer("monetary_e4"), integer("refund_e4"), integer("net_e4"),
		null(integer("repeat_net_e4")), null(frame.Float64("median_interval_days", "").Column), integer("discounted_orders"),
		integer("store_orders"), integer("horizon_purchase_days"), integer("horizon_net_e4"))

	customerWeb = staged("customer_web", []string{"customer_id"}, id, integer("events"), integer("last_day"), integer("sessions"),
		integer("engaged_sessions"), integer("page_views"), integer("product_views"), integer("cart_adds"), integer("checkouts"),
		integer("session_seconds_max"), integer("intent_sessions"), integer("intent_product_views"), integer("intent_cart_adds"),
		integer("intent_checkouts"), integer("intent_forms"))

	customerMoments = staged("customer_moments", []string{"customer_id"}, id, integer("product_views_24h_max"),
		null(integer("hot_lead_us")), null(integer("cart_abandoned_us")))

	customerEmail = staged("customer_email", []string{"customer_id"}, id, integer("events"), integer("actions"), integer("delivered"),
		integer("opened"), integer("clicked"), null(integer("last_click_day")), null(integer("unsubscribed_day")))

	customerHabits = staged("customer_habits", []string{"customer_id"}, id, null(integer("weekday")), null(text("day_part")),
		null(text("channel")), null(text("category")), null(text("device")))
)

// CustomerActions is what the query of its name gives as of a date: events ever, for core_inputs.
var CustomerActions = staged("customer_actions", []string{"customer_id"}, id, integer("web_events"), integer("email_events"),
	integer("email_actions"))

func canonicalTable(source string, cols ...frame.Column) frame.Table {
	return frame.Table{Name: "canonical_" + source, Columns: append(cols, integer("copies"), null(text("reject")))}
}

func staged(name string, key []string, cols ...frame.Column) frame.Table {
	return frame.Table{Name: name, Key: key, Columns: cols}
}

func text(name string) frame.Column    { return frame.String(name, "").Column }
func integer(name string) frame.Column { return frame.Int64(name, "").Column }
func boolean(name string) frame.Column { return frame.Bool(name, "").Column }

// null returns c as a nullable column.
func null(c frame.Column) frame.Column {
	c.Nullable = true
	return c
}
