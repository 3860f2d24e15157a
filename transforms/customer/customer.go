// Package customer declares the columns of the customer features: one row a customer, as of a date.
//
// They are what every transform reads. sql/query/customer_features.sql computes them in the warehouse.
// A feature that needs a source the configuration leaves out is NULL for everybody.
package customer

import "segments/transforms/frame"

// Who it is, and what the CRM says now.
var (
	ID   = frame.String("customer_id", "The customer, as the source names them.")
	AsOf = frame.Date("as_of", "The day at whose end the row was true, in the configured time zone.")

	InCRM              = frame.Bool("in_crm", "Whether the customers source knows the customer.")
	CreatedOn          = frame.Date("created_on", "The day the CRM record was made; NULL where it does not say.").Null()
	Country            = frame.String("country", "The country in the CRM, as known now.").Null().Now()
	Gender             = frame.String("gender", "The gender in the CRM, as known now.").Null().Now()
	AgeYears           = frame.Int64("age_years", "Completed years of age on the as-of day, from the birth date in the CRM.").In("years").Null().Now()
	Industry           = frame.String("industry", "The industry of the customer's company, as known now.").Null().Now()
	Employees          = frame.Int64("employees", "The size of the customer's company, as known now.").In("people").Null().Now()
	Plan               = frame.String("plan", "The plan or tariff, as known now.").Null().Now()
	AcquisitionChannel = frame.String("acquisition_channel", "The channel that brought the customer, as known now.").Null().Now()
	ConsentEmail       = frame.Bool("consent_email", "Whether the customer agreed to e-mail, as known now; NULL where the source does not say.").Null().Now()
	EmailAllowed       = frame.Bool("email_allowed", "Whether the customer may be e-mailed, as known at the time of the run: they agreed (consent_email), "+
		"have never unsubscribed or complained, whatever the date, and are not deleted; NULL where the customers source does not say.").Null().Now()
)

// What they bought. A purchase is an order that is not fully refunded as of the date; a purchase day is a day with at
// least one of them. Where there is no purchase, dates, means and BTYD columns are NULL, and counts and sums 0.
var (
	Orders             = frame.Int64("orders", "Distinct purchases: orders that are not fully refunded.").In("orders")
	PurchaseDays       = frame.Int64("purchase_days", "Distinct days with a purchase.").In("days")
	FirstOrderOn       = frame.Date("first_order_on", "The day of the first purchase.").Null()
	LastOrderOn        = frame.Date("last_order_on", "The day of the last purchase.").Null()
	DaysSinceLastOrder = frame.Int64("days_since_last_order", "As-of day minus the day of the last purchase: the recency of RFM.").In("days").Null()

	// Band2On to Band5On let silence be foreseen: when BandNOn leaves the window, the frequency score falls below N.
	Band2On = frame.Date("band2_on", "The n-th latest purchase day, n being the least number of purchase days of frequency score 2; NULL where there are fewer.").Null()
	Band3On = frame.Date("band3_on", "As band2_on, for frequency score 3.").Null()
	Band4On = frame.Date("band4_on", "As band2_on, for frequency score 4.").Null()
	Band5On = frame.Date("band5_on", "As band2_on, for frequency score 5.").Null()

	BtydX   = frame.Int64("btyd_x", "Purchase days after the first: the x of BTYD models.").In("days").Null()
	BtydTx  = frame.Int64("btyd_t_x_days", "First to last purchase day: the t_x of BTYD models.").In("days").Null()
	BtydAge = frame.Int64("btyd_t_days", "First purchase day to the as-of day: the T of BTYD models.").In("days").Null()

	MonetaryTotal      = frame.Float64("monetary_total", "Net revenue so far: all orders less all refunds. It can be negative where a refund's purchase is older than the data.").In("money")
	RefundTotal        = frame.Float64("refund_total", "Money refunded so far.").In("money")
	MonetaryRepeatMean = frame.Float64("monetary_repeat_mean", "Mean net spend of the purchase days after the first: what Gamma-Gamma reads.").In("money a day").Null()
	AverageOrderValue  = frame.Float64("average_order_value", "Mean net value of the purchases.").In("money an order").Null()
	IntervalDays       = frame.Float64("purchase_interval_days", "Median number of days between purchase days; NULL with fewer than two intervals.").In("days").Null()

	PurchaseDaysLastHorizon = frame.Int64("purchase_days_last_horizon", "Purchase days in the last validation horizon (90 days unless configured) up to the as-of day.").In("days")
	ValueLastHorizon        = frame.Float64("value_last_horizon", "Net value of the purchases of the last validation horizon.").In("money")
)

// What they did on the web. Where the web_events source is left out all are NULL. Windows end with the as-of day; the
// behavior transform sets their lengths (web_window_days, intent_window_days). Intent counts start again after a purchase.
var (
	WebEventsEver       = frame.Int64("web_events_ever", "Web events so far.").In("events").Null()
	LastWebOn           = frame.Date("last_web_on", "The day of the last web event; NULL where there is none.").Null()
	WebSessions         = frame.Int64("web_sessions", "Sessions in the behavior window.").In("sessions").Null()
	WebEngagedSessions  = frame.Int64("web_engaged_sessions", "Sessions in the behavior window that were long enough and had enough page views (engaged_session_seconds, engaged_session_page_views).").In("sessions").Null()
	WebPageViews        = frame.Int64("web_page_views", "Page and product views in the behavior window.").In("views").Null()
	WebProductViews     = frame.Int64("web_product_views", "Product views in the behavior window.").In("views").Null()
	WebCartAdds         = frame.Int64("web_cart_adds", "Products put into the cart in the behavior window.").In("events").Null()
	WebCheckouts        = frame.Int64("web_checkouts", "Checkouts begun in the behavior window.").In("events").Null()
	WebSessionSecondMax = frame.Int64("web_session_seconds_max", "The longest session in the behavior window.").In("seconds").Null()
	WebProductViews24h  = frame.Int64("web_product_views_24h_max", "The most product views within any 24 hours of the behavior window.").In("views").Null()

	IntentSessions     = frame.Int64("intent_sessions", "Sessions in the intent window, after the last purchase.").In("sessions").Null()
	IntentProductViews = frame.Int64("intent_product_views", "Product views in the intent window, after the last purchase.").In("views").Null()
	IntentCartAdds     = frame.Int64("intent_cart_adds", "Products put into the cart in the intent window, after the last purchase.").In("events").Null()
	IntentCheckouts    = frame.Int64("intent_checkouts", "Checkouts begun in the intent window, after the last purchase.").In("events").Null()
	IntentForms        = frame.Int64("intent_forms", "Forms sent and files downloaded in the intent window, after the last purchase.").In("events").Null()

	HotLeadAt       = frame.Timestamp("hot_lead_at", "The latest moment of the behavior window at which enough product views fell within 24 hours (hot_lead_views); NULL where there is none.").Null()
	CartAbandonedAt = frame.Timestamp("cart_abandoned_at", "The latest cart or checkout event of the behavior window that followed a product view and was followed by no purchase within 24 hours, those hours being over; NULL where there is none.").Null()
)

// What they did with e-mail. Where the email_events source is left out all are NULL.
var (
	EmailEventsEver     = frame.Int64("email_events_ever", "E-mail events so far, of any kind.").In("events").Null()
	EmailActionsEver    = frame.Int64("email_actions_ever", "Opens and clicks so far: what the customer did, not what was sent.").In("events").Null()
	EmailDelivered      = frame.Int64("email_delivered", "E-mails delivered in the behavior window (sent less bounced, where the source has no deliveries).").In("e-mails").Null()
	EmailOpened         = frame.Int64("email_opened", "Opens in the behavior window. Mail privacy features fake them.").In("events").Null()
	EmailClicked        = frame.Int64("email_clicked", "Clicks in the behavior window.").In("events").Null()
	EmailLastClickOn    = frame.Date("email_last_click_on", "The day of the last click; NULL where there is none.").Null()
	EmailUnsubscribedOn = frame.Date("email_unsubscribed_on", "The day of the last unsubscription or complaint; NULL where there is none.").Null()
)

// Habits: named only where the evidence passes a test against everybody's share (the lower Wilson bound of the
// customer's own share lies above it, with at least three occurrences), else NULL.
var (
	PreferredWeekday  = frame.Int64("preferred_weekday", "The weekday the customer buys on, 1 Monday to 7 Sunday.").Null()
	PreferredDayPart  = frame.String("preferred_day_part", "The part of the day the customer buys in: night 0-6, morning 6-12, afternoon 12-18, evening 18-24.").Null().OneOf("night", "morning", "afternoon", "evening")
	PreferredChannel  = frame.String("preferred_channel", "The sales channel the customer buys through.").Null()
	PreferredCategory = frame.String("preferred_category", "The product category the customer buys.").Null()
	PreferredDevice   = frame.String("preferred_device", "The device the customer visits the web with.").Null()
	DiscountShare     = frame.Float64("discount_share", "Share of the purchases made at a discount; NULL without purchases or where the source has no discounts.").In("share").Null()
	StoreShare        = frame.Float64("store_share", "Share of the purchases made in a store; NULL without purchases or where the source has no stores.").In("share").Null()
)

// What the newest generation published before the as-of day said. NULL for whom it did not have, and in backtests.
var (
	PreviousCoreSegment = frame.String("previous_core_segment", "The core segment that the previous generation gave.").Null()
	PreviousSince       = frame.Date("previous_core_segment_since", "Since when the previous generation had the customer there.").Null()
)

// Features is the table of customer features.
var Features = frame.Table{
	Name: "customer_features",
	Doc: "What the models read about each customer as of a date, so that every label can be explained. " +
		"The customers are the union of all sources, less who is left out (run_rejects says whom and why).",
	Key: []string{"as_of", "customer_id"},
	Columns: []frame.Column{
		AsOf.Column, ID.Column,
		InCRM.Column, CreatedOn.Column, Country.Column, Gender.Column, AgeYears.Column, Industry.Column, Employees.Column,
		Plan.Column, AcquisitionChannel.Column, ConsentEmail.Column, EmailAllowed.Column,
		Orders.Column, PurchaseDays.Column, FirstOrderOn.Column, LastOrderOn.Column, DaysSinceLastOrder.Column,
		Band2On.Column, Band3On.Column, Band4On.Column, Band5On.Column,
		BtydX.Column, BtydTx.Column, BtydAge.Column,
		MonetaryTotal.Column, RefundTotal.Column, MonetaryRepeatMean.Column, AverageOrderValue.Column, IntervalDays.Column,
		PurchaseDaysLastHorizon.Column, ValueLastHorizon.Column,
		WebEventsEver.Column, LastWebOn.Column, WebSessions.Column, WebEngagedSessions.Column, WebPageViews.Column,
		WebProductViews.Column, WebCartAdds.Column, WebCheckouts.Column, WebSessionSecondMax.Column, WebProductViews24h.Column,
		IntentSessions.Column, IntentProductViews.Column, IntentCartAdds.Column, IntentCheckouts.Column, IntentForms.Column,
		HotLeadAt.Column, CartAbandonedAt.Column,
		EmailEventsEver.Column, EmailActionsEver.Column, EmailDelivered.Column, EmailOpened.Column, EmailClicked.Column,
		EmailLastClickOn.Column, EmailUnsubscribedOn.Column,
		PreferredWeekday.Column, PreferredDayPart.Column, PreferredChannel.Column, PreferredCategory.Column, PreferredDevice.Column,
		DiscountShare.Column, StoreShare.Column,
		PreviousCoreSegment.Column, PreviousSince.Column,
	},
	PartitionBy: "as_of",
	ClusterBy:   []string{"customer_id"},
}
