package report

import (
	"regexp"
	"strconv"
	"strings"
)

// checkWords are the names of checks for people.
var checkWords = map[string]string{
	"rejected_rows":     "Rows put aside",
	"anonymous_rows":    "Rows without a customer",
	"one_currency":      "Currency",
	"cost_currency":     "Currency of the costs",
	"unmatched_refunds": "Refunds without an order",
	"unique_keys":       "Rows that are there twice",
	runWarnings:         "What the run warned of",
	"accepted_values":   "Values that should not be there",
	"conservation":      "People or rows that do not add up",
	"collapse":          "A group that swallowed others",
	"volume":            "Number of customers",
	"history":           "Rows of days that were read before",
	"amounts":           "Amounts of orders",
	"recent_rows":       "Rows of the newest days",
	"gate":              "Test of the groups",
	forecastChecks:      "Forecast against naive ones",
	"sample_ratio":      "How an experiment was shared out",
	"experiment":        "Who takes part in an experiment",
	"fit":               "What a model could learn",
	"shifts":            "Forecast of the groups' sizes",
	"drift":             "What moved since earlier runs",
}

// stepWords are the names of steps for people.
var stepWords = map[string]string{
	"behavior": "The life cycle", "clv": "The forecasts", "cluster": "The clusters", "rfm": "The scores", "holdout": "The holdout", "segment": "The segments",
	"run": "The run", "gate": "The test of the groups",
}

// stepIn is the name of a step for people, at the beginning of a sentence.
func stepIn(step *cell) sentence {
	if words := stepWords[step.String()]; words != "" {
		return sentence{words}
	}
	return upper(sentence{plain(step.String())})
}

// inFitWords is what a step said of its fit in words.
func inFitWords(status *cell) sentence {
	if words := fitWords[status.String()]; words != "" {
		return sentence{words}
	}
	return sentence{thousands(status)}
}

// largeNumber is a number of things, unlike a date or the digits after a point.
var largeNumber = regexp.MustCompile(`(^|[^\w.-])(\d{4,} [a-z]|\d{5,}([:;,.)]|$))`)

var digitsIn = regexp.MustCompile(`\d+`)

// thousands is a text of the run's with its large numbers grouped, as those of the report are.
func thousands(c *cell) quote {
	return quote(largeNumber.ReplaceAllStringFunc(c.String(), func(s string) string {
		digits := digitsIn.FindString(s)
		n, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			return s
		}
		return strings.Replace(s, digits, grouped(n), 1)
	}))
}

// warning is what a step warned of, with its name unless it begins with one.
func warning(step, detail *cell) sentence {
	if strings.HasPrefix(detail.String(), "The ") {
		return stopped(sentence{thousands(detail)})
	}
	return stopped(say("{}: {}", stepIn(step), thousands(detail)))
}

// fitWords say what a step could not learn.
var fitWords = map[string]string{
	"few_buyers":    "too few have bought, or bought again, to learn all of its borders from",
	"no_model":      "too few have bought more than once to forecast what they will buy",
	"not_converged": "what was to be learned did not settle, so that it is not used",
	"no_rows":       "there was nobody to learn from",
	"no_buyers":     "nobody has bought yet",

	"not_enough_customers": "too few customers to find any",
	"no_spend_model":       "what customers spend could not be learned, so that no money is forecast",
}

// stopped ends a sentence whose last part is a quote, unless that does.
func stopped(s sentence) sentence {
	if strings.HasSuffix(s.String(), ".") {
		return s
	}
	return append(s, ".")
}
