package report

import (
	"slices"
	"strings"
)

var trustPanel = panel{id: "trust", question: "Can I trust this run?", build: buildTrust}

// The states of checks.
const (
	checkPassed       = "passed"
	checkWarned       = "warned"
	checkFailed       = "failed"
	checkAccepted     = "accepted"
	checkNotEvaluated = "not_evaluated"
)

// staleDays is the age of a run's day, when it ran, above which the reader is told to ask for a newer report.
const staleDays = 7

// manyRows is the share of a source's rows from which it matters that they were put aside.
const manyRows = 0.05

// A trust is what the first panel knows.
type trust struct {
	run, checks, troubles         *table
	order, forecast, rows, people *table // nil where there is nothing
	early                         bool   // the run ended before there were any groups
}

// buildTrust says whether the groups may be acted upon: what the gate, the checks and the forecast found, and who is not
// in the report. It needs no table, so that a run that was rejected early has a report, too.
func buildTrust(d *data) (*section, error) {
	t := trust{
		run: d.runTable(), order: d.orderTable(), forecast: d.forecastTable(), rows: d.rowsTable(), people: d.peopleTable(), early: !d.has("segment_profiles"),
	}
	t.checks, t.troubles = d.checkTables()
	s := &section{Tables: []*table{t.run, t.checks}}
	for _, more := range []*table{t.order, t.forecast, t.people, t.rows} {
		if more != nil {
			s.Tables = append(s.Tables, more)
		}
	}
	if len(t.troubles.Rows) > 0 {
		s.Tables = append(s.Tables, t.troubles)
	}
	s.Title, s.Tone = t.verdict(d.Run.State)
	failed := t.told(checkFailed)
	if d.Run.Why != "" { // the page begins with it
		failed = nil
	}
	serious, others := t.warnings()
	s.Lead = slices.Concat(t.state(d.Run.State), failed, t.told(checkAccepted), t.tested(), t.aside(), serious, t.told(checkWarned), t.elsewhere())
	s.Told = max(mostOpen, len(s.Lead))
	s.Lead = slices.Concat(s.Lead, t.forecasts(), t.warned(), others, t.leftOut())
	s.Notes = []string{
		"The groups are tested on the past: the job is run as of an earlier day, and what the customers did after that day is held against the groups they " +
			"were in. Nothing of what came after was known to the job.",
		"AUC: of two customers, one who converted and one who did not, how often the first is in the better group; ties count half. A coin toss gives a " +
			"half, a perfect order one.",
		"A group differs measurably when its rate differs from that of all others by more than chance explains, several groups being tested at once.",
	}
	return s, nil
}

// verdict is the answer in a sentence.
func (t trust) verdict(state State) (sentence, tone) {
	switch {
	case state == Rejected:
		return say("Do not use this run: it was rejected, and nothing was published"), bad
	case t.accepted():
		return say("Use with care: a check failed, and somebody accepted that"), caution
	case t.order == nil || t.notTested() != nil:
		return say("Not evaluated: the groups could not be tested against what customers did next"), caution
	}
	switch r := t.order.Rows[0]; {
	case value(r[6]) <= 0.5:
		return say("Use with care: the order of the groups is not proven to tell who converts"), caution
	case value(r[10]) < 0.5:
		return say("Use with care: only {} of the customers are in groups that are proven to differ from the rest", r[10]), caution
	case t.serious():
		return say("Trust it with care: the groups {} who converts, but mind the warnings", sentence{strength(r)}), caution
	default:
		return say("You can trust this run: the groups {} who converts and who does not", sentence{strength(r)}), good
	}
}

// accepted says whether a check failed and was accepted.
func (t trust) accepted() bool {
	return slices.ContainsFunc(t.troubles.Rows, func(r []*cell) bool { return r[2].Value == checkAccepted })
}

// strength says in words how far the order of the groups is from a coin toss, by the lower end of the interval.
func strength(order []*cell) string {
	switch low := value(order[6]); {
	case low >= 0.8:
		return "tell very well"
	case low >= 0.7:
		return "tell well"
	case low >= 0.6:
		return "tell fairly well"
	}
	return "tell a little better than chance"
}

// aboutRows are the checks whose warnings matter only if they are about many rows.
var aboutRows = []string{"rejected_rows", "anonymous_rows"}

// runWarnings is the check that has what a run warned of, by step.
const runWarnings = "warnings"

// seriousSubjects are those whose warnings put every group in doubt: what the groups are made of, and the run itself.
var seriousSubjects = []string{"run", "rfm"}

// serious says whether a warning is about more than a few rows, or a step beside the groups.
func (t trust) serious() bool {
	return t.many() != nil || slices.ContainsFunc(t.troubles.Rows, func(r []*cell) bool {
		switch check := r[0].String(); {
		case r[2].Value != checkWarned || slices.Contains(aboutRows, check):
			return false
		case check == runWarnings:
			return slices.Contains(seriousSubjects, r[1].String())
		case check == "segmentation" || check == "shifts" || check == "drift" && isParameter(r[1].String()): // beside the groups
			return false
		}
		return true
	})
}

// many are the rows of t.rows that are many.
func (t trust) many() [][]*cell {
	if t.rows == nil {
		return nil
	}
	var out [][]*cell
	for _, r := range t.rows.Rows {
		if value(r[3]) >= manyRows {
			out = append(out, r)
		}
	}
	return out
}

// notTested is the check that says why the groups were not tested; nil where they were.
func (t trust) notTested() []*cell {
	for _, r := range t.troubles.Rows {
		if r[0].Value == "gate" && r[2].Value == checkNotEvaluated {
			return r
		}
	}
	return nil
}

// state says what the report is of.
func (t trust) state(state State) []sentence {
	r := t.run.Rows[0]
	var out []sentence
	switch state {
	case Rejected:
		if t.early {
			out = append(out, say("The run for {} was stopped before there were any groups. What was published before is still in place.", r[1]))
			break
		}
		out = append(out, say("This is what would have been published as of {}. What was published before is still in place.", r[1]))
	case DryRun:
		out = append(out, say("This was a dry run as of {}: nothing was published.", r[1]))
	default:
		out = append(out, say("It describes your customers as of {}.", r[1]))
	}
	if value(r[4]) > staleDays {
		out = append(out, say("The day lies {} back: ask whether there is a newer report.", r[4]))
	}
	return out
}

// tested says what the backtest found, or why there is none.
func (t trust) tested() []sentence {
	if why := t.notTested(); why != nil {
		return []sentence{say("The groups were not tested: {}", thousands(why[3]))}
	}
	if t.order == nil {
		return nil
	}
	r := t.order.Rows[0]
	with := say(", with {} of the customers,", r[10])
	switch {
	case value(r[9]) == 0 || value(r[9]) == value(r[8]):
		with = nil
	case value(r[10]) >= 0.995: // which would be written as all
		with = say(", with nearly all of the customers,")
	}
	return []sentence{
		words(say("In the {} after {}, {} of {} customers ", r[2], r[1], r[4], r[3]), convertedWords(r[0]), say(
			". The order of the groups tells them from the others with an AUC of {} (between {} and {}; a coin toss gives a half).", r[5], r[6], r[7])),
		words(say("{} of ", r[9]), counted(r[8], "group", "groups"), with, " ", number(int(value(r[9])), "differs", "differ"), " measurably from the rest."),
	}
}

// convertedWords is what customers did, in the past.
func convertedWords(kind *cell) sentence {
	switch kind.Value {
	case "order":
		return say("bought")
	case "any", "conversion":
		return say("converted")
	}
	return say("converted ({})", kind)
}

// forecasts says whether the forecasts are better than naive ones.
func (t trust) forecasts() []sentence {
	if t.forecast == nil {
		return nil
	}
	var out []sentence
	for _, r := range t.forecast.Rows {
		switch off := known(r[3]); {
		case r[1].Value == checkNotEvaluated:
			out = append(out, say("The forecast of purchases could not be tested: {}.", inFitWords(r[4])))
		case r[1].Value == checkWarned && strings.HasPrefix(r[4].String(), "withheld"):
			out = append(out, say("The forecast of {} is withheld: a naive one is as good.", r[0]))
		case r[1].Value == checkWarned && off:
			out = append(out, say("The forecast of {} beats the naive ones, but was off by {} in all: trust its order more than its sums.", r[0], r[3]))
		case r[1].Value == checkPassed && off:
			out = append(out, say("The forecast of {} beats the naive ones; in all it was off by {}.", r[0], r[3]))
		case r[1].Value == checkPassed:
			out = append(out, say("The forecast of {} beats the naive ones.", r[0]))
		}
	}
	return out
}

// warned counts the checks.
func (t trust) warned() []sentence {
	r := t.checks.Rows[0]
	if !known(r[0]) {
		return nil
	}
	s := words(counted(r[0], "check", "checks"), " passed")
	for _, more := range []struct {
		n    *cell
		text string
	}{{r[2], " failed"}, {r[4], " failed and accepted"}, {r[1], " warned"}, {r[3], " could not be evaluated"}} {
		if value(more.n) > 0 {
			s = words(s, ", ", more.n, more.text)
		}
	}
	if serious, others := t.warnings(); value(r[1]) > 0 && value(r[2]) == 0 && !t.serious() && serious == nil && others == nil && t.elsewhere() == nil {
		s = words(s, "; what they warn of is small")
	}
	return []sentence{words(s, ".")}
}

// aside says which rows were put aside that are many.
func (t trust) aside() []sentence {
	var out []sentence
	for _, r := range t.many() {
		if r[1].Value == "missing_customer_id" {
			out = append(out, say("{} rows of {}, {}, name no customer: they count for nobody.", r[2], r[0], r[3]))
		} else {
			out = append(out, say("{} rows of {}, {}, were put aside: {}.", r[2], r[0], r[3], sentence{plain(r[1].String())}))
		}
	}
	return out
}

// toldElsewhere are the checks whose warnings other sentences tell better, here or in panels of theirs.
var toldElsewhere = []string{"rejected_rows", "anonymous_rows", forecastChecks, runWarnings, "drift", "segmentation", "shifts"}

// elsewhere says in short what panels of their own tell of: useless groupings, sizes that nobody foresees, drift.
func (t trust) elsewhere() []sentence {
	warned := map[string][]sentence{}
	for _, r := range t.troubles.Rows {
		if check := r[0].String(); r[2].Value == checkWarned && !(check == "drift" && isParameter(r[1].String())) {
			warned[check] = append(warned[check], sentence{name(plain(r[1].String()))})
		}
	}
	var out []sentence
	if names := warned["segmentation"]; names != nil {
		out = append(out, say("Beside the groups: {} {} not shown to tell who converts.", listed(names), sentence{number(len(names), "is", "are")}))
	}
	if warned["shifts"] != nil {
		out = append(out, say("How large the groups will be is not foreseen better than by the sizes they have."))
	}
	if warned["drift"] != nil {
		out = append(out, say("Something has shifted since earlier runs; what, is said under “What has changed under the hood?”."))
	}
	return out
}

// isParameter says whether what drifted is a parameter of a model, step.parameter, and no border between groups: that is for analysts.
func isParameter(subject string) bool {
	return strings.Contains(subject, ".") && !strings.Contains(subject, "_cut_")
}

// mostTold is how many checks of a state are told one by one.
const mostTold = 5

// told has the checks in a state in their own words, but for warnings that other sentences tell better.
func (t trust) told(state string) []sentence {
	var out []sentence
	for _, r := range t.troubles.Rows {
		check := r[0].String()
		if r[2].Value != state || state == checkWarned && slices.Contains(toldElsewhere, check) {
			continue
		}
		if len(out) == mostTold {
			return append(out, say("The other checks that {} are in the table.", sentence{state}))
		}
		if check == "fit" && fitWords[r[3].String()] != "" {
			out = append(out, say("{}: {}.", stepIn(r[1]), inFitWords(r[3])))
			continue
		}
		name := checkWords[check]
		if name == "" {
			name = plain(check)
		}
		out = append(out, stopped(upper(words(name, say(" ({}): {}", r[1], thousands(r[3]))))))
	}
	return out
}

// mostWarnings is how many warnings are told in their own words.
const mostWarnings = 3

// warnings are what the run warned of, the serious ones apart, but for steps of which it is told that they were not fitted.
func (t trust) warnings() (serious, others []sentence) {
	unfit := map[string]bool{}
	var list, grave [][]*cell
	for _, r := range t.troubles.Rows {
		switch check, subject := r[0].String(), r[1].String(); {
		case check == "fit" && fitWords[r[3].String()] != "":
			unfit[subject] = true
		case check == runWarnings && slices.Contains(seriousSubjects, subject):
			grave = append(grave, r)
		case check == runWarnings:
			list = append(list, r)
		}
	}
	list = slices.DeleteFunc(list, func(r []*cell) bool { return unfit[r[1].String()] })
	for _, r := range grave {
		serious = append(serious, warning(r[1], r[3]))
	}
	for _, r := range list[:min(mostWarnings, len(list))] {
		others = append(others, warning(r[1], r[3]))
	}
	if len(list) > mostWarnings {
		others = append(others, say("What else the run warned of is in the table."))
	}
	return serious, others
}

// leftOut says who was left out, the most frequent reasons first.
func (t trust) leftOut() []sentence {
	if t.people == nil {
		return nil
	}
	var why []sentence
	var all, used *cell
	for _, r := range slices.SortedStableFunc(slices.Values(t.people.Rows), func(a, b []*cell) int { return int(value(b[1]) - value(a[1])) }) {
		switch {
		case r[0].Value == "read":
			all = r[1]
		case r[0].Value == "used":
			used = r[1]
		case value(r[1]) > 0:
			why = append(why, words(r[1], " (", leftOutWords(r[0]), ")"))
		}
	}
	switch {
	case all == nil || used == nil:
		return nil
	case len(why) > 0:
		return []sentence{words(say("Of {} people known, left out: ", all), listed(why), ".")}
	case value(used) == value(all):
		if value(all) == 1 {
			return []sentence{say("Nobody was left out: {} person is known.", all)}
		}
		return []sentence{say("Nobody was left out: all {} people known are in the groups.", all)}
	}
	return nil
}

// leftOutWords says why people are left out.
func leftOutWords(reason *cell) any {
	switch reason.Value {
	case "consent":
		return "no consent to profiling"
	case "quarantined":
		return "only rows that were put aside name them"
	}
	return reason
}
