package pipeline

import "fmt"

// A CheckDoc says what a check is about.
type CheckDoc struct {
	Name  string
	About string // what is checked, in a sentence
	Warns string // when it warns; empty where it never does
	Fails string // when it fails, so that nothing is published; empty where it never does
	Skips string // when it is not evaluated; empty where it always is
	Do    string // what to do where it warns or fails
}

// CheckDocs describes every check, in the order in which a run makes them.
func CheckDocs() []CheckDoc {
	return []CheckDoc{
		{
			Name: checkConservation,
			About: "Nothing gets lost: every row of a source is used or put aside for a reason, and every customer known is in each " +
				"table of customers or left out for a reason, once.",
			Fails: "the numbers do not add up. Of a source: it was written to while the run read it.",
			Do:    "Run again when nobody writes to the source. Where it fails again, that is a bug: report it.",
		},
		{
			Name: checkRejected,
			About: "The share of a source's rows that were put aside because a value makes no sense: an amount that is no number, a " +
				"day that has not come.",
			Warns: "any row was put aside.",
			Fails: "the share is above quality.max_rejected.",
			Do: "`segments show` counts the rows by reason. Mend them where they come from or with an expression in " +
				"sources.*.columns; raise quality.max_rejected only if they may be missing.",
		},
		{
			Name:  checkAnonymous,
			About: "The share of a source's rows that have no customer. They count in no segment.",
			Warns: "any row has no customer.",
			Fails: "the share is above quality.max_anonymous.",
			Do: "See whether sources.*.columns.customer_id is the right column. Guest orders are normal: raise " +
				"quality.max_anonymous to what is usual in your shop.",
		},
		{
			Name: checkRefunds,
			About: "The share of the money ordered that was given back without an order it belongs to: refunds of orders older than " +
				"the data, or under another order_id.",
			Warns: fmt.Sprintf("it is more than %.0f %%.", 100*mostUnmatched),
			Do:    "See whether refunds carry the order_id of their order. They lower monetary_total, and no order's value.",
		},
		{
			Name:  checkCurrency,
			About: "The amounts of all orders can be added up: they are in one currency, or each currency has a rate.",
			Fails: "there are several currencies, and currency.rates lacks one of them.",
			Do:    "Set currency.code to that of the outputs, and currency.rates to what a unit of each other currency is worth in it.",
		},
		{
			Name: checkGate,
			About: "The core segments tell who buys: fitted as of an earlier day, their order ranked who converted afterwards better " +
				"than chance.",
			Fails: "the lower end of the AUC's 95 % interval is below validation.gate.min_auc_lower.",
			Skips: "the history is too short, or fewer than validation.gate.min_converters customers converted.",
			Do: "`segments validate` has the rates by segment. See first whether the sources are complete and customer_id is the " +
				"same in all of them; then whether orders of the last months are missing.",
		},
		{
			Name: checkForecast,
			About: "The forecasts of orders and of value are better than naive ones, such as the last period repeated, on a horizon " +
				"that is over.",
			Warns: fmt.Sprintf("a naive forecast is as good, so that the model's is withheld (NULL, and the status says so); or the "+
				"total was off by more than %.0f %%, "+
				"as a season may do.", 100*mostBias),
			Skips: "the history is too short, or validation.horizon is not that of the forecasts (90d).",
			Do: "Nothing must be done: what is withheld misleads nobody. With more history, or a season behind, it may come back. " +
				"`segments explain config transforms.clv` has what can be set.",
		},
		{
			Name:  checkFit,
			About: "What a step says of its fit, in its own words.",
			Warns: "the step was fitted with reservations, or not at all for lack of data.",
			Do:    "The run's warnings and the step's columns ending in _status say what it means for whom.",
		},
		{
			Name:  checkWarnings,
			About: "What a run warned of, by the step that did: it is published all the same. Without warnings there is no such line.",
			Warns: "always.",
			Do:    "Read it before you rely on what the step gives: it says which figures are meant.",
		},
		{
			Name:  checkKeys,
			About: "No two rows of a table have the same key, such as as_of and customer_id.",
			Fails: "some have.",
			Do:    "That is a bug: report it with the table's name.",
		},
		{
			Name:  checkValues,
			About: "Every value is as the table declares it: no NULL where there must be none, no infinity, no word that is not in the list.",
			Fails: "some is not.",
			Do:    "That is a bug: report it with the column's name.",
		},
		{
			Name:  checkVolume,
			About: "The number of customers compared with the previous generation.",
			Warns: fmt.Sprintf("there are fewer than %.0f %% of them, or more than %.0f %%.", 100*driftBelow, 100*driftAbove),
			Fails: fmt.Sprintf("there are fewer than %.0f %%, or nobody is left to segment.", 100*collapseBelow),
			Skips: "there is no generation before.",
			Do: "See whether a source was loaded in part: `segments plan` has its rows. Where the drop is meant, publish into a " +
				"warehouse of its own: an empty file or data set.",
		},
		{
			Name:  checkCollapse,
			About: "No core segment has swallowed the others.",
			Fails: fmt.Sprintf("one has at least %.0f %% of all customers and had less before.", 100*swallowed),
			Do: "A source that carries the differences is probably empty or broken: compare `segments plan` with the run before. " +
				"Cuts and maps in transforms can do it too.",
		},
	}
}
