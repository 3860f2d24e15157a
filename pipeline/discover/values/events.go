package values

import (
	"maps"
	"slices"
	"strings"

	"segments/pipeline/discover/draft"
	"segments/sql"
)

// webEvents says what events are called elsewhere: GA4's recommended and automatic events
// (developers.google.com/analytics/devguides/collection/ga4/reference/events), Segment's ecommerce specification
// (segment.com/docs/connections/spec/ecommerce/v2), Klaviyo's on-site metrics and Meta's standard events.
var webEvents = eventNames(map[string]string{
	"page_view":      "pageview page page_viewed viewed_page view active_on_site screen_view",
	"product_view":   "view_item product_viewed viewed_product view_product product_detail view_content viewcontent product_page",
	"add_to_cart":    "product_added added_to_cart addtocart cart_add add_to_basket add_to_bag cart basket",
	"begin_checkout": "checkout_started started_checkout initiate_checkout initiatecheckout checkout add_payment_info add_shipping_info",
	"purchase":       "order_completed placed_order checkout_completed transaction order purchased buy completed_order",
	"search":         "view_search_results products_searched searched site_search",
	"form_submit":    "generate_lead form_submitted submit_form sign_up lead contact_form submitted_form",
	"download":       "file_download downloaded",
})

// emailEvents are those of SendGrid's event webhook (docs.sendgrid.com/for-developers/tracking-events/event), Klaviyo's
// metrics, Mailchimp's member activity, and the past tenses that exports have.
var emailEvents = eventNames(map[string]string{
	"sent":        "send processed email_sent message_sent",
	"delivered":   "received_email email_delivered delivery received",
	"open":        "opened opened_email email_opened email_open opens",
	"click":       "clicked clicked_email email_clicked email_link_clicked clicks",
	"bounce":      "bounced bounced_email email_bounced dropped dropped_email hard_bounce soft_bounce",
	"unsubscribe": "unsubscribed unsub group_unsubscribe unsubscribed_from_list unsubscribed_from_email_marketing email_unsubscribed",
	"complaint":   "spamreport spam_report spam abuse marked_email_as_spam complained",
})

// knownEmail are the values that the job reads without being told.
var knownEmail = []string{"opened", "clicked", "bounced", "unsubscribed"}

func eventNames(m map[string]string) map[string]string {
	out := map[string]string{}
	for canonical, others := range m {
		out[canonical] = canonical
		for _, o := range strings.Fields(others) {
			out[o] = canonical
		}
	}
	return out
}

func eventKey(s string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(s)))
}

// eventsOf returns what events of the source are called.
func eventsOf(source string) map[string]string {
	if source == "email_events" {
		return emailEvents
	}
	return webEvents
}

// Understood returns the share of s's values that are names of events of the source.
func (s Shape) Understood(source string) float64 {
	names := eventsOf(source)
	n := 0
	for v, times := range s.Values {
		if names[eventKey(v)] != "" {
			n += times
		}
	}
	if s.Filled == 0 {
		return 0
	}
	return float64(n) / float64(s.Filled)
}

// Event returns what reads event names from column c: itself where the job understands its values, else a CASE. It takes
// only values that look like names of events, and at most 40 of them.
func Event(d sql.Dialect, c Column, s Shape, source string) draft.Guess {
	names := eventsOf(source)
	renamed := map[string][]string{}
	var unknown int
	for v := range s.Values {
		key := eventKey(v)
		switch canonical := names[key]; {
		case canonical == "" || !wordForm.MatchString(v):
			unknown++
		case canonical != key && !slices.Contains(knownEmail, key):
			renamed[canonical] = append(renamed[canonical], d.Literal(strings.ToLower(v)))
		}
	}
	reason := "its values are names of events"
	if unknown > 0 {
		reason += "; what is not understood counts as other"
	}
	if len(renamed) == 0 || s.Distinct > 200 {
		return draft.Guess{Value: c.Name, Reason: reason}
	}
	var b strings.Builder
	x := Quoted(d, c.Name)
	b.WriteString("CASE")
	for _, canonical := range slices.Sorted(maps.Keys(renamed)) {
		slices.Sort(renamed[canonical])
		b.WriteString(" WHEN lower(" + x + ") IN (" + strings.Join(slices.Compact(renamed[canonical]), ", ") + ") THEN '" + canonical + "'")
	}
	b.WriteString(" ELSE " + x + " END")
	return draft.Guess{Value: b.String(), Reason: reason}
}
