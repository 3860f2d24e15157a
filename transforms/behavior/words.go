package behavior

import (
	"fmt"
	"strconv"

	"segments/transforms"
)

// Segmentations implements transforms.Model. The rules name the thresholds that are in force.
func (m *model) Segmentations() []transforms.Segmentation {
	return []transforms.Segmentation{m.lifeCycles(), m.engagements(), m.intents(), m.stages()}
}

func (m *model) lifeCycles() transforms.Segmentation {
	others := plural(m.days.lapseDefault, "day") + " (lapse_default)"
	if t := m.InForce.Lapse; t.Known {
		others = fmt.Sprintf("%s days (%s %% of the repeat buyers usually come back within that time)",
			number(t.Value), percent(t.Quantile))
	}
	much := "High value: nobody, since too few buyers were there to learn its threshold"
	if t := m.InForce.HighValue; t.Known {
		much = fmt.Sprintf("High value: net revenue above %s (the top %s %% of the buyers)", number(t.Value), percent(1-t.Quantile))
	}
	silence := fmt.Sprintf("silence of more than %s times the customer's own median purchase interval, "+
		"or of more than %s where fewer than two intervals are known, and of more than %s in any case",
		number(m.Rules.LapseIntervals), others, plural(m.days.lapseMin, "day"))

	return transforms.Segmentation{Name: LifeCycle.Name, Doc: LifeCycle.Doc, Segments: []transforms.Segment{
		{
			Name:   repeatCustomer,
			Rule:   "Bought on two or more days, and not lapsed.",
			Action: "Reward them and ask for referrals; no discount is needed to bring them back.",
		},
		{
			Name:   firstTimeBuyer,
			Rule:   "Bought on one day, and not lapsed.",
			Action: "Welcome them and suggest what goes with the first purchase.",
		},
		{
			Name:   highValueLapsed,
			Rule:   "Lapsed, and of high value. " + much + ".",
			Action: "Win them back in person: ask what went wrong, make an offer worth their past spend.",
		},
		{
			Name:   browser,
			Rule:   "Bought nothing, or gave all of it back, but visited the web site or opened or clicked an e-mail at some time.",
			Action: "Show what they looked at, and take the risk out of the first purchase.",
		},
		{
			Name:   lapsed,
			Rule:   "Lapsed, and not of high value. Lapsed: " + silence + ".",
			Action: "One inexpensive win-back series, then fewer messages.",
		},
		{
			Name:   prospect,
			Rule:   "Bought nothing, or gave all of it back, and no web visit, e-mail open or click of theirs was ever seen.",
			Action: "Introduce yourselves; check that the address is right.",
		},
	}}
}

func (m *model) engagements() transforms.Segmentation {
	r, window := &m.Rules, " in the last "+plural(m.days.window, "day")+"."
	session := fmt.Sprintf(" (%s and %s or more)",
		plural(r.EngagedSessionMinutes, "minute"), plural(r.EngagedSessionPageViews, "page view"))
	opens := ""
	if r.EngagementMediumOpens > 0 {
		opens = " or " + atLeast(r.EngagementMediumOpens, "e-mail open")
	}
	return transforms.Segmentation{Name: Engagement.Name, Doc: Engagement.Doc, Segments: []transforms.Segment{
		{
			Name: high,
			Rule: "With " + atLeast(r.EngagementHighSessions, "engaged session") + session + " or " +
				atLeast(r.EngagementHighClicks, "e-mail click") + window,
			Action: "Make the offer now, through the channel they use.",
		},
		{
			Name:   medium,
			Rule:   "Not high, with " + atLeast(r.EngagementMediumSessions, "session") + opens + window,
			Action: "Give a reason to stay longer: content and products close to what they saw.",
		},
		{
			Name:   low,
			Rule:   "Neither high nor medium, though a web or e-mail event of theirs was seen at some time.",
			Action: "Send less and better; ask whether they still want to hear from you.",
		},
		{
			Name:   unknown,
			Rule:   "No web or e-mail event of theirs was ever seen.",
			Action: "Ask for an e-mail address or a login; silence here is not disinterest.",
		},
	}}
}

func (m *model) intents() transforms.Segmentation {
	r := &m.Rules
	return transforms.Segmentation{Name: Intent.Name, Doc: Intent.Doc, Segments: []transforms.Segment{
		{
			Name:   high,
			Rule:   "With " + m.cart() + " or " + atLeast(r.HotLeadViews, "product view") + m.sincePurchase() + ".",
			Action: "Remind them of the product within a day; help with the checkout.",
		},
		{
			Name: medium,
			Rule: "Not high, with " + atLeast(r.IntentMediumProductViews, "product view") + ", " + atLeast(r.IntentMediumForms, "form") +
				" (a download counts as one) or " + atLeast(r.IntentMediumSessions, "session") + m.sincePurchase() + ".",
			Action: "Help to choose: comparisons, reviews, advice.",
		},
		{
			Name:   low,
			Rule:   "Neither high nor medium, though a web event of theirs was seen at some time.",
			Action: "No sales pressure; stay in mind.",
		},
		{
			Name:   unknown,
			Rule:   "No web event of theirs was ever seen.",
			Action: "Judge them by purchases and e-mail.",
		},
	}}
}

func (m *model) stages() transforms.Segmentation {
	return transforms.Segmentation{Name: JourneyStage.Name, Doc: JourneyStage.Doc, Segments: []transforms.Segment{
		{
			Name:   decision,
			Rule:   "With " + m.cart() + m.sincePurchase() + ".",
			Action: "Clear the last obstacles: delivery, payment, open questions.",
		},
		{
			Name:   consideration,
			Rule:   "Not in decision, with high or medium intent; also who never bought, with high engagement.",
			Action: "Help to choose: comparisons, reviews, advice.",
		},
		{
			Name:   retention,
			Rule:   "Bought, and neither in decision nor in consideration of the next purchase.",
			Action: "Service, care and refills; the life cycle says who is about to leave.",
		},
		{
			Name:   awareness,
			Rule:   "Never bought, and neither in decision nor in consideration.",
			Action: "Tell them what there is.",
		},
	}}
}

func (m *model) cart() string {
	return atLeast(m.Rules.IntentHighCartAdds, "cart addition") + " or " + atLeast(m.Rules.IntentHighCheckouts, "checkout")
}

func (m *model) sincePurchase() string {
	return " in the last " + plural(m.days.intentWindow, "day") + ", after the last purchase"
}

func atLeast(n int, what string) string { return "at least " + plural(n, what) }

func plural[N int | int64](n N, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func percent(share float64) string { return fmt.Sprintf("%.4g", 100*share) }
