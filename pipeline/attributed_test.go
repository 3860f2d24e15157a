package pipeline

import (
	"testing"

	"segments/pipeline/attribution"
)

// A source may call a channel (none), which the table has for conversions without a touch: what is given to all channels is all
// conversions still.
func TestMarkovWithAChannelCalledNone(t *testing.T) {
	const one = 1_000_000_000
	linear := map[place]credit{
		{"mail", allSegments}: {6 * one, 60}, {"mail", "Loyal"}: {4 * one, 40}, {"mail", unknownSegment}: {2 * one, 20},
		{noChannel, allSegments}: {5 * one, 40}, {noChannel, "Loyal"}: {5 * one, 40},
	}
	k := &kindCredits{by: map[attribution.Model]map[place]credit{attribution.Linear: linear}}
	journeys := []attribution.Transition{
		{To: "mail", Journeys: 10},
		{To: noChannel, Journeys: 5},
		{From: "mail", To: noChannel, Journeys: 2},
		{From: "mail", Converted: true, Journeys: 5},
		{From: noChannel, Converted: true, Journeys: 2},
		{From: "mail", Journeys: 3},
		{From: noChannel, Journeys: 5},
	}
	if err := k.addMarkov(journeys, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := k.sum(attribution.Markov), k.sum(attribution.Linear); got != want {
		t.Errorf("all channels have %v, want %v", got, want)
	}
	for p, want := range linear {
		if got := k.by[attribution.Markov][p]; got != want {
			t.Errorf("%v has %v, want %v", p, got, want)
		}
	}
}
