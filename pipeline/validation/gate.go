package validation

import (
	"errors"
	"fmt"
	"strings"
)

// A Gate decides whether a segmentation may be published. It judges the size of the effect, not that of the sample:
// what fails is an order of segments that is not shown to tell converters from others by more than a margin. How many
// segments differ from the rest with significance depends on how many customers there are, and only warns.
type Gate struct {
	MinAUCLower   float64 `yaml:"min_auc_lower"`  // fails when the lower bound of the AUC's 95 % interval is under it
	MinConverters int64   `yaml:"min_converters"` // fewer converters, or fewer others: not evaluated
}

// DefaultGate returns the gate of a configuration that says nothing: .52 and 100.
func DefaultGate() Gate { return Gate{MinAUCLower: .52, MinConverters: 100} }

// Check reports a threshold that makes no sense, by its name in the configuration.
func (g Gate) Check() error {
	if !(g.MinAUCLower >= .5 && g.MinAUCLower < 1) {
		return fmt.Errorf("min_auc_lower: is %v, want at least 0.5 (no better than chance) and less than 1", g.MinAUCLower)
	}
	if g.MinConverters < 2 {
		return errors.New("min_converters: want at least 2, without which there is no interval")
	}
	return nil
}

// A State is the outcome of a gate. The set is closed.
type State string

// The states. Only StateFailed keeps a run from being published.
const (
	StatePassed       State = "passed"
	StateFailed       State = "failed"
	StateNotEvaluated State = "not_evaluated" // published, and marked as such
)

// A Decision is the outcome of a gate in words.
type Decision struct {
	State    State
	Reason   string   // a sentence with the numbers
	Warnings []string // sentences on what is odd but does not decide
}

// Decide applies g to e. Not evaluated are: nobody at the origin (too little history), one segment only, fewer
// converters or fewer others than MinConverters (so also: nobody converted, or everybody), and segments that have no
// score.
func (g Gate) Decide(e Evaluation) Decision {
	reason := g.tooLittle(e)
	switch {
	case reason != "":
	case len(e.Unscored) > 0:
		reason = fmt.Sprintf("No earlier rate and no declared order places the segments %s.", strings.Join(e.Unscored, ", "))
	case e.AUC == nil:
		reason = "There are too few converters, or too few others, for an interval."
	}
	if reason != "" {
		return Decision{State: StateNotEvaluated, Reason: reason}
	}
	d := Decision{State: StatePassed}
	verb := "reaches"
	if e.AUC.Low < g.MinAUCLower {
		d.State, verb = StateFailed, "is under"
	}
	d.Reason = fmt.Sprintf("The order of the segments has an AUC of %.4f (95 %% interval %.4f to %.4f) for %d converters among %d "+
		"customers: the lower bound %s the threshold of %.4f.",
		e.AUC.Value, e.AUC.Low, e.AUC.High, e.Converters, e.Customers, verb, g.MinAUCLower)
	if e.AUC.High < .5 {
		d.Warnings = append(d.Warnings,
			"The order is upside down: segments expected to convert less converted more.")
	}
	if _, proven := e.Differing(); 2*proven < e.Customers {
		d.Warnings = append(d.Warnings, fmt.Sprintf(
			"Only %.0f %% of the customers are in segments whose conversion rate is proven to differ from the rest.",
			100*float64(proven)/float64(e.Customers)))
	}
	return d
}

// tooLittle says why there is too little in e to judge any segmentation by; empty where there is enough.
func (g Gate) tooLittle(e Evaluation) string {
	switch others := e.Customers - e.Converters; {
	case e.Customers == 0:
		return "There was no customer at the origin: the history is too short to look back."
	case e.Occupied() < 2:
		return fmt.Sprintf("All %d customers were in one segment, which leaves nothing to compare.", e.Customers)
	case e.Converters < g.MinConverters:
		return fmt.Sprintf("%d of %d customers converted, and %d are needed to judge.", e.Converters, e.Customers, g.MinConverters)
	case others < g.MinConverters:
		return fmt.Sprintf("All but %d of %d customers converted, and %d who did not are needed to judge.",
			others, e.Customers, g.MinConverters)
	}
	return ""
}
