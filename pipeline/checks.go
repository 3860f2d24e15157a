package pipeline

import "fmt"

// A CheckDoc says what a check is about.
type CheckDoc struct {
	Name  string
	About string // what is checked, in a sentence
	Warns string // when it warns; empty where it never does
	Fails string // when it fails, so that nothing is published; empty where it never does
	Skips string // when it is not evaluated; empty where it always is
	Never string // why --accept does not take it; empty where it does
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
			Never: "rows or customers are missing, and nobody knows which.",
			Do:    "Run again when nobody writes to the source. Where it fails again, that is a bug: report it.",
		},
		{
			Name: checkRejected,
			About: "The share of a source's rows that were put aside because a value makes no sense: an amount that is no number, a " +
				"day that has not come.",
			Warns: "any row was put aside.",
			Fails: "the share is above quality.max_rejected. Of experiments, touchpoints and costs, which no segment is made of, that warns only.",
			Do: "`segments show` counts the rows by reason. Mend them where they come from or with an expression in " +
				"sources.*.columns; raise quality.max_rejected only if they may be missing.",
		},
		{
			Name:  checkAnonymous,
			About: "The share of a source's rows that have no customer. They count in no segment.",
			Warns: "any row has no customer.",
			Fails: "the share is above quality.max_anonymous; of experiments and touchpoints that warns only.",
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
			Never: "sums of several currencies mean nothing; currency.rates makes one of them.",
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
			Name: checkSegmentation,
			About: "Each segmentation tells who converts, by the margin that the gate asks of the core segments. Of one whose segments are found " +
				"in the data (cluster), what its order cannot show is asked of the groups: how much they differ.",
			Warns: "that is not shown: the segmentation is of no use for telling who converts, whatever else it describes.",
			Skips: "the history is too short, fewer than validation.gate.min_converters customers converted, or it is made of what has no " +
				"history (attributes of the customers source): what they were at the origin is not known.",
			Do: "Do not build on that segmentation what is to sell more. segmentation_validation has the figures, for every kind of conversion " +
				"and horizon: it may tell who does something else.",
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
			Name: checkShifts,
			About: "The forecast of the sizes of the core segments in 30, 60 and 90 days: made as many days ago, it was nearer to what came than " +
				"the sizes of that day.",
			Warns: "it was not. segment_shifts says so in status, and the report does not draw the forecast. The probabilities stay: they say what " +
				"has been.",
			Skips: "the history is too short, or a step of your own gives the core segment.",
			Do:    "Nothing must be done. Where the sizes hardly change, nobody can foresee them better than by saying so.",
		},
		{
			Name: checkDrift,
			About: "What the models read and learned, and how large the segments are, is as in the previous run, and in the newest one at " +
				"least 28 days older.",
			Warns: "a feature or a segmentation is distributed otherwise (population stability index above .25), a segment grew or shrank by " +
				"more than half and by 100 customers, a cut moved, or a model learned something else.",
			Skips: "there is no earlier run.",
			Do: "Nothing is withheld for it. See first whether a source changed what it records, then whether the shop did: a campaign, a " +
				"season, other prices. The table drift has all comparisons.",
		},
		{
			Name:  checkFit,
			About: "What a step says of its fit, in its own words.",
			Warns: "the step was fitted with reservations, or not at all for lack of data.",
			Do:    "The run's warnings and the step's columns ending in _status say what it means for whom.",
		},
		{
			Name: checkRatio,
			About: "The customers of an experiment were shared out between its variants as they should be: by experiments.expected, or else " +
				"equally, and in every segment alike. Chance alone is seldom so far off that the check warns (p below 0.001).",
			Warns: "they were not: rows of the experiments source are missing for one variant, customers were assigned otherwise than meant, or " +
				"the variants have other shares in some segments.",
			Skips: "the experiment has only one variant.",
			Do: "Do not trust the experiment's results before you know why: who is missing from a variant is seldom missing by chance. " +
				"Where the shares were meant to differ, set experiments.expected.",
		},
		{
			Name: checkExperiment,
			About: "Who takes part in an experiment: customers whose experiments.horizon is over, who count, customers who wait, customers who " +
				"were given several variants, and customers left out since they object to profiling or are deleted.",
			Warns: fmt.Sprintf("more than %.0f %% were given several variants: they are in none, and who they are may be no matter of chance.", 100*mostCrossed),
			Skips: "nobody's horizon is over.",
			Do:    "See why the tool that assigns variants changed its mind, such as a customer known under two identifiers.",
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
			Never: "who reads the table would count customers twice.",
			Do:    "That is a bug: report it with the table's name.",
		},
		{
			Name:  checkValues,
			About: "Every value is as the table declares it: no NULL where there must be none, no infinity, no word that is not in the list.",
			Fails: "some is not.",
			Never: "who reads the table relies on what it declares.",
			Do:    "That is a bug: report it with the column's name.",
		},
		{
			Name:  checkVolume,
			About: "The number of customers compared with the previous generation.",
			Warns: fmt.Sprintf("there are fewer than %.0f %% of them, or more than %.0f %%.", 100*driftBelow, 100*driftAbove),
			Fails: fmt.Sprintf("there are fewer than %.0f %%, or nobody is left to segment.", 100*collapseBelow),
			Skips: "there is no generation before.",
			Do: "See whether a source was loaded in part: `segments plan` has its rows, `segments diff` the rows of both runs. Where the " +
				"drop is meant: `segments run --accept volume`.",
		},
		{
			Name: checkHistory,
			About: "What a source has of the days up to the previous run, compared with what that run used of them. Of a source that is " +
				"a window of the last days, the weeks that it still has whole are compared.",
			Warns: fmt.Sprintf("there are fewer than %.0f %% of those rows, or more than %.0f %% (data came late, or twice), or the source is no "+
				"longer configured. Or there are fewer than %.0f %% of what the newest run at least %d days older used: they went little by little.",
				100*driftBelow, 100*driftAbove, 100*collapseBelow, driftDays),
			Fails: fmt.Sprintf("there are fewer than %.0f %%: orders, or events, of the past are gone. Of experiments, touchpoints and costs, "+
				"which no segment is made of, that warns only.", 100*collapseBelow),
			Skips: fmt.Sprintf("there is no generation before that counted, or it had fewer than %d of these rows.", fewRows),
			Do: "See whether the source was loaded in part: `segments diff` has the rows of both runs, and source_weeks those of each " +
				"week. Where rows were deleted, or another filter is meant: `segments run --accept history:SOURCE`.",
		},
		{
			Name: checkAmounts,
			About: "The mean amount of a line of an order up to the previous run, compared with what it was in that run: amounts that turn " +
				"from euros to cents are a hundred times as many.",
			Warns: fmt.Sprintf("it is less than %.0f %%, or more than %.0f %%.", 100*dearBelow, 100*dearAbove),
			Do: "See what has changed in sources.orders.columns.amount, in the source behind it, or in currency.rates. If it is right, " +
				"value tiers and forecasts have changed with it.",
		},
		{
			Name: checkRecent,
			About: fmt.Sprintf("The rows of a source since the previous run, compared with the fewest of the %d spans of as many days, on the same "+
				"weekdays, before. A source that comes in bursts, or has fewer than %d rows in a span, is left alone.", spansBack, fewRecent),
			Warns: fmt.Sprintf("there are fewer than %.0f %%: the newest load may have come in part.", 100*partBelow),
			Do:    "See whether the load of the last days is complete, and run the day again when it is. A holiday can do it too.",
		},
		{
			Name:  checkCollapse,
			About: "No core segment has swallowed the others.",
			Fails: fmt.Sprintf("one has at least %.0f %% of all customers and had less before.", 100*swallowed),
			Do: "A source that carries the differences is probably empty or broken: compare `segments plan` with the run before. " +
				"Cuts and maps in transforms can do it too. Where it is meant: `segments run --accept collapse`.",
		},
		costCurrencyDoc,
	}
}
