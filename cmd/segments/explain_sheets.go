package main

import (
	"fmt"
	"slices"
	"strings"

	"segments/pipeline"
	"segments/transforms/frame"
)

// measured is a value with its unit, as a person reads it.
func measured(v any, unit string) string {
	if p, ok := v.(*float64); ok && p != nil {
		v = *p
	}
	var x float64
	switch n := v.(type) {
	case nil:
		return ""
	case bool:
		return map[bool]string{true: "yes", false: "no"}[n]
	case string:
		return strings.TrimSuffix(strings.TrimSuffix(n, "T00:00:00Z"), ":00Z")
	case int64:
		switch {
		case unit == "" || unit == "money":
			return thousands(n)
		case n == 1:
			return "1 " + strings.TrimSuffix(unit, "s")
		}
		return thousands(n) + " " + unit
	case float64:
		x = n
	default:
		return fmt.Sprint(v)
	}
	switch {
	case unit == "share" || unit == "probability":
		return percent(x)
	case unit == "money":
		return grouped(x)
	case strings.HasPrefix(unit, "money "): // a day, an order
		return grouped(x) + " " + strings.TrimPrefix(unit, "money ")
	case abs(x) >= 1:
		return strings.TrimSpace(fmt.Sprintf("%.1f %s", x, unit))
	}
	return strings.TrimSpace(fmt.Sprintf("%.3g %s", x, unit))
}

// grouped is an amount of money with two digits and its thousands set off.
func grouped(x float64) string {
	s := fmt.Sprintf("%.2f", abs(x))
	whole, cents, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if x < 0 && s != "0.00" {
		whole = "-" + whole
	}
	return whole + "." + cents
}

// worded is a column's name as a person says it.
func worded(column string) string { return strings.ReplaceAll(column, "_", " ") }

// units are the units of all published columns, by table and column.
func units() (map[[2]string]string, error) {
	tables, err := declared()
	if err != nil {
		return nil, err
	}
	out := map[[2]string]string{}
	for _, t := range tables {
		for _, c := range t.Columns {
			out[[2]string{t.Name, c.Name}] = c.Unit
		}
	}
	return out, nil
}

// segmentSheet prints what a segment is, in each segmentation that has one of the name.
func (a *app) segmentSheet(definitions, profiles, validated *listing) error {
	unit, err := units()
	if err != nil {
		return err
	}
	s := a.sheet()
	for _, d := range definitions.rows {
		of := func(l *listing, r []any, name string) any { return r[slices.Index(l.headers, name)] }
		segmentation := of(definitions, d, "segmentation")
		s.Title(fmt.Sprintf("%v (%s)", of(definitions, d, "segment"), worded(spoken(segmentation))))
		for _, name := range []string{"rule", "action", "parent", "valid_from"} {
			s.Line(map[string]string{"rule": "who", "action": "what to do", "parent": "part of", "valid_from": "so since"}[name], spoken(of(definitions, d, name)))
		}
		for _, p := range profiles.rows {
			if of(profiles, p, "segmentation") != segmentation {
				continue
			}
			s.Title(fmt.Sprintf("as of %v", of(profiles, p, "as_of")))
			window := fmt.Sprintf("in %v days", of(profiles, p, "window_days"))
			for k, name := range profiles.headers {
				words := worded(name)
				switch name {
				case "as_of", "segmentation", "segment", "window_days":
					continue
				case "revenue_window":
					words = "revenue " + window
				case "conversion_rate":
					words = "bought " + window
				}
				u := unit[[2]string{"segment_profiles", name}]
				if u == "customers" { // 3 customers need not be called customers
					u = ""
				}
				s.Line(words, measured(p[k], u))
			}
		}
		title := false
		for _, v := range validated.rows {
			if of(validated, v, "segmentation") != segmentation {
				continue
			}
			if !title {
				s.Title("what customers did next")
				title = true
			}
			s.Line(fmt.Sprintf("from %v", of(validated, v, "origin")), conversionWords(func(name string) any { return of(validated, v, name) }))
		}
	}
	return s.Print()
}

// verdictWords are what a verdict says of a segment.
var verdictWords = map[string]string{
	"above": "more often than the others", "below": "less often than the others", "not_proven": "not proven to differ from the others",
	"too_few": "too few to tell", "not_evaluated": "not evaluated",
}

// conversionWords says what a row of segment_validation says.
func conversionWords(of func(name string) any) string {
	what := spoken(of("conversion_kind"))
	switch what {
	case "order":
		what = "ordered"
	case "any":
		what = "converted"
	default:
		what = "converted (" + what + ")"
	}
	text := fmt.Sprintf("%s of %s %s within %v days", amount(of("converters")), amount(of("customers")), what, of("horizon_days"))
	if rate := of("rate"); rate != nil {
		text += ": " + measured(rate, "share")
		if low, high := of("rate_low"), of("rate_high"); low != nil && high != nil {
			text += " [" + measured(low, "share") + " to " + measured(high, "share") + "]"
		}
	}
	if lift, ok := of("lift").(float64); ok {
		text += fmt.Sprintf(", %.2f times everybody's rate", lift)
	}
	verdict := spoken(of("verdict"))
	if words, ok := verdictWords[verdict]; ok {
		verdict = words
	}
	text += "; " + verdict
	if other := spoken(of("merge_candidate")); other != "" {
		text += "; cannot be told from " + other
	}
	return text
}

// customerSheet prints what is known of a customer: what was computed, step by step, and what that rests on.
func (a *app) customerSheet(id string, j *pipeline.Job, l *listing, been []stay, columns map[string]frame.Column) error {
	value := map[string]any{}
	for _, r := range l.rows {
		value[spoken(r[0])] = r[1]
	}
	s := a.sheet()
	s.Title(customerHeadline(id, value))
	s.Line("as of", spoken(value["as_of"]))
	shown := map[string]bool{"as_of": true}
	put := func(name string) {
		if v, ok := value[name]; ok && !shown[name] {
			shown[name] = true
			doc, _, _ := strings.Cut(columns[name].Doc, ". ")
			doc, _, _ = strings.Cut(doc, "; NULL ")
			s.Line(name, measured(v, columns[name].Unit)+" · "+strings.TrimSuffix(doc, "."))
		}
	}
	for i := len(j.Steps) - 1; i >= 0; i-- { // what the last step makes of the others comes first
		sig, err := j.Steps[i].Estimator.Signature()
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(sig.Outputs, func(c frame.Column) bool { return value[c.Name] != nil }) {
			continue // such as the holdout where nobody is kept out
		}
		s.Title(j.Steps[i].Name + prefixed(": ", strings.TrimSuffix(j.Steps[i].Doc, ".")))
		for _, c := range sig.Outputs {
			put(c.Name)
		}
	}
	historySheet(s, been)
	s.Title("what it rests on")
	for _, r := range l.rows {
		put(spoken(r[0]))
	}
	return s.Print()
}

// customerHeadline says in a sentence where a customer stands.
func customerHeadline(id string, value map[string]any) string {
	h := id
	if v := spoken(value["core_segment"]); v != "" {
		h += " · " + v
		if since := spoken(value["core_segment_since"]); since != "" {
			h += " since " + since
		}
	}
	if on, to := spoken(value["drops_on"]), spoken(value["drops_to"]); on != "" && to != "" {
		h += " · without a purchase " + to + " on " + on
	}
	return h
}
