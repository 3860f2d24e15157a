package rfm

import "segments/transforms"

// shippedMaps are the maps that can be chosen by name, best segment first.
//
// rf10 is recency by frequency; money is a tier beside it, not more names. rxfm has the same ten names and borders with
// the mean of frequency and money in the place of frequency, for shops where one big order says as much as three small
// ones. rfxm splits what a marketer would treat differently by money: twelve names.
//
// The order is that of the share who bought within 90 days among CDNOW's customers as of 1997-09-30, 1997-12-31 and
// 1998-03-31, by rf10: Champions 56 %, Loyal 26 %, Potential Loyalist 22 %, Can't Lose 14 %, At Risk 12 %, Need Attention
// 10 %, Promising 8 %, About to Sleep 6 %, Hibernating 5 %. Nobody there was New; its place is a judgement.
var shippedMaps = map[string][]Segment{
	"rf10": {
		{Name: champions, R: []int{5}, F: []int{4, 5}},
		{Name: loyal, R: []int{3, 4}, F: []int{4, 5}},
		{Name: potentialLoyalist, R: []int{4, 5}, F: []int{2, 3}},
		{Name: newcomer, R: []int{5}, F: []int{1}},
		{Name: cantLose, R: []int{1, 2}, F: []int{5}},
		{Name: atRisk, R: []int{1, 2}, F: []int{3, 4}},
		{Name: needAttention, R: []int{3}, F: []int{3}},
		{Name: promising, R: []int{4}, F: []int{1}},
		{Name: aboutToSleep, R: []int{3}, F: []int{1, 2}},
		{Name: hibernating, R: []int{1, 2}, F: []int{1, 2}},
	},
	"rxfm": {
		{Name: champions, R: []int{5}, FM: []int{4, 5}},
		{Name: loyal, R: []int{3, 4}, FM: []int{4, 5}},
		{Name: potentialLoyalist, R: []int{4, 5}, FM: []int{2, 3}},
		{Name: newcomer, R: []int{5}, FM: []int{1}},
		{Name: cantLose, R: []int{1, 2}, FM: []int{5}},
		{Name: atRisk, R: []int{1, 2}, FM: []int{3, 4}},
		{Name: needAttention, R: []int{3}, FM: []int{3}},
		{Name: promising, R: []int{4}, FM: []int{1}},
		{Name: aboutToSleep, R: []int{3}, FM: []int{1, 2}},
		{Name: hibernating, R: []int{1, 2}, FM: []int{1, 2}},
	},
	"rfxm": {
		{Name: champions, R: []int{4, 5}, F: []int{4, 5}, M: []int{4, 5}},
		{Name: risingStar, R: []int{4, 5}, F: []int{2, 3}, M: []int{4, 5}},
		{Name: loyal, R: []int{4, 5}, F: []int{4, 5}, M: []int{1, 2, 3}},
		{Name: potentialLoyalist, R: []int{4, 5}, F: []int{2, 3}, M: []int{1, 2, 3}},
		{Name: newBigSpender, R: []int{4, 5}, F: []int{1}, M: []int{4, 5}},
		{Name: cantLose, R: []int{1, 2}, F: []int{4, 5}, M: []int{4, 5}},
		{Name: needAttention, R: []int{3}, M: []int{4, 5}},
		{Name: newcomer, R: []int{4, 5}, F: []int{1}, M: []int{1, 2, 3}},
		{Name: lapsedBigSpender, R: []int{1, 2}, F: []int{1, 2, 3}, M: []int{4, 5}},
		{Name: atRisk, R: []int{1, 2}, F: []int{4, 5}, M: []int{1, 2, 3}},
		{Name: aboutToSleep, R: []int{3}, M: []int{1, 2, 3}},
		{Name: hibernating, R: []int{1, 2}, F: []int{1, 2, 3}, M: []int{1, 2, 3}},
	},
}

// The names in the shipped maps.
const (
	champions         = "Champions"
	loyal             = "Loyal"
	risingStar        = "Rising Star"
	potentialLoyalist = "Potential Loyalist"
	newBigSpender     = "New Big Spender"
	newcomer          = "New"
	promising         = "Promising"
	needAttention     = "Need Attention"
	cantLose          = "Can't Lose"
	atRisk            = "At Risk"
	aboutToSleep      = "About to Sleep"
	lapsedBigSpender  = "Lapsed Big Spender"
	hibernating       = "Hibernating"
)

// meanings say in words, true of every shipped map, who is meant and what could be done.
var meanings = map[string]transforms.Segment{
	champions: {
		Rule:   "The best customers, among the latest to buy.",
		Action: "Reward and ask for reviews and referrals; no discounts.",
	},
	loyal: {
		Rule:   "Very good customers who bought not long ago.",
		Action: "Offer early access and a loyalty program; suggest what goes with what they own.",
	},
	risingStar: {
		Rule:   "Bought a few times and lately, and spend much.",
		Action: "Give personal service and lead to the next purchase while interest is high.",
	},
	potentialLoyalist: {
		Rule:   "Recent buyers of medium frequency or value.",
		Action: "Recommend products and invite into the loyalty program.",
	},
	newBigSpender: {
		Rule:   "Bought once lately, and spent much.",
		Action: "Thank personally, make sure all went well, offer a second purchase.",
	},
	newcomer: {
		Rule:   "Recent buyers with little behind them: new, or back after a long pause.",
		Action: "Welcome, help to get started, lead to the second purchase.",
	},
	promising: {
		Rule:   "Small customers who bought not long ago.",
		Action: "Remind of the brand and offer a reason for the second purchase.",
	},
	needAttention: {
		Rule:   "Good customers whose last purchase is becoming old.",
		Action: "Reach out with a limited offer from what they used to buy.",
	},
	cantLose: {
		Rule:   "Among the best customers once, silent for long.",
		Action: "Win back in person: call, ask what went wrong, make a strong offer.",
	},
	atRisk: {
		Rule:   "Good customers once, silent for long.",
		Action: "Win back with a personal message and a relevant offer.",
	},
	aboutToSleep: {
		Rule:   "Small customers whose last purchase is becoming old.",
		Action: "Share popular products and a small incentive before they are gone.",
	},
	lapsedBigSpender: {
		Rule:   "Bought rarely but spent much, silent for long.",
		Action: "Win back with products of the kind they spent on.",
	},
	hibernating: {
		Rule:   "Small customers, silent for long.",
		Action: "Contact rarely and cheaply; leave out of costly campaigns.",
	},
}

// Describe returns the segments of the shipped map called name, best first, with rules in words that no number enters:
// rf10 (recency by frequency), rxfm (recency by the mean of frequency and money), rfxm (recency by frequency by money).
// It returns nil for any other name.
func Describe(name string) []transforms.Segment {
	var segs []transforms.Segment
	for _, s := range shippedMaps[name] {
		d := meanings[s.Name]
		d.Name = s.Name
		segs = append(segs, d)
	}
	return segs
}
