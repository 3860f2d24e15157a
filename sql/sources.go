package sql

import (
	"errors"
	"regexp"
)

// What can be wrong with a source.
var (
	ErrNoColumn   = errors.New("the source has no column")
	ErrColumnType = errors.New("wrong type")
)

var bareName = regexp.MustCompile(`^[\pL_][\pL\pN_$]*$`)

const consentText = "Of text, true, t, yes, y, 1, on, ja, opted_in, opt_in and granted are true and every other word is false: " +
	"who cannot be understood has not consented."

// sourceColumns declares the canonical columns of each source.
var sourceColumns = map[string][]SourceColumn{
	"customers": {
		{"customer_id", "The customer's identifier.", true, asText},
		{"email", "The e-mail address; never copied into the outputs.", false, asText},
		{"phone", "The telephone number; never copied into the outputs.", false, asText},
		{"created_at", "When the record was made.", false, asTime},
		{"country", "The country.", false, asText},
		{"city", "The city; never copied into the outputs.", false, asText},
		{"birth_date", "The day of birth; only the age in years is copied into the outputs.", false, asDate},
		{"gender", "The gender.", false, asText},
		{"company", "The company; never copied into the outputs.", false, asText},
		{"industry", "The company's industry.", false, asText},
		{"employees", "The company's number of employees.", false, asInteger},
		{"plan", "The plan or tariff.", false, asText},
		{"acquisition_channel", "The channel that brought the customer.", false, asText},
		{"consent_profiling", "False leaves the customer out of segmentation; NULL and empty text do not. " + consentText, false, asConsent},
		{"consent_email", "Whether the customer agreed to e-mail. " + consentText, false, asConsent},
		{"deleted_at", "When the customer was deleted; such customers are left out.", false, asTime},
	},
	"orders": {
		{"order_id", "The order's identifier. Rows of one order are its lines; rows alike in every mapped column are duplicates.", true, asText},
		{"customer_id", "Who ordered. Rows without one are anonymous: counted, in no segment.", true, asText},
		{"ordered_at", "When it was ordered.", true, asTime},
		{"amount", "The money of the row, before refunds. A negative amount is a refund of that day.", true, asMoney},
		{"currency", "The currency of the amounts.", false, asText},
		{"status", "The order's state; cancelled, failed, pending and similar ones are no purchases.", false, asText},
		{"refund_amount", "The money given back of this row.", false, asMoney},
		{"refunded_at", "When it was given back; the day of the order where it is not known.", false, asTime},
		{"discount_amount", "The money taken off; above zero marks a purchase at a discount.", false, asMoney},
		{"channel", "The sales channel.", false, asText},
		{"store_id", "The store; orders without one were made online.", false, asText},
		{"category", "The product category.", false, asText},
		{"product_id", "The product.", false, asText},
		{"quantity", "How many.", false, asNumber},
	},
	"web_events": {
		{"customer_id", "Whose event it is.", true, asText},
		{"occurred_at", "When it happened.", true, asTime},
		{"event_name", "page_view, product_view, add_to_cart, begin_checkout, purchase, search, form_submit, download or other.", true, asText},
		{"event_id", "The event's identifier: rows with the same one are duplicates. Without it, rows alike in every mapped column are.", false, asText},
		{"session_id", "The session. Without it, 30 minutes without an event end one.", false, asText},
		{"page", "The page; the first of a session is where it landed.", false, asText},
		{"product_id", "The product.", false, asText},
		{"device", "The device.", false, asText},
		{"channel", "The channel of the visit.", false, asText},
		{"duration_seconds", "How long the event took.", false, asNumber},
	},
	"email_events": {
		{"customer_id", "Whose event it is.", true, asText},
		{"occurred_at", "When it happened.", true, asTime},
		{"event_name", "sent, delivered, open, click, bounce, unsubscribe or complaint.", true, asText},
		{"message_id", "The message.", false, asText},
		{"campaign_id", "The campaign.", false, asText},
	},
	"conversions": {
		{"customer_id", "Who converted.", true, asText},
		{"converted_at", "When.", true, asTime},
		{"conversion_id", "The conversion's identifier: rows with the same one are duplicates. Without it, rows alike in every mapped column are.", false, asText},
		{"kind", "The kind of conversion, such as trial or renewal.", false, asText},
		{"value", "The money it brought.", false, asMoney},
	},
	"experiments": {
		{"customer_id", "Who takes part.", true, asText},
		{"experiment", "The experiment.", true, asText},
		{"variant", "The variant that the customer was given. Who was given several of one experiment is left out of it.", true, asText},
		{"assigned_at", "When; of several times for the same variant the first counts.", true, asTime},
	},
	"touchpoints": {
		{"customer_id", "Who was reached.", true, asText},
		{"occurred_at", "When.", true, asTime},
		{"channel", "The channel, such as email, paid_search or store.", true, asText},
		{"campaign_id", "The campaign.", false, asText},
	},
	"costs": {
		{"channel", "The channel, by the names that touchpoints or web events have.", true, asText},
		{"spent_on", "The day that the money is for.", true, asTime},
		{"amount", "The money spent. Rows alike in every mapped column are duplicates.", true, asMoney},
		{"campaign_id", "The campaign.", false, asText},
		{"currency", "The currency of the amount.", false, asText},
	},
}
