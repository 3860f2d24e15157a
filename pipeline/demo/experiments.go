package demo

import (
	"cmp"
	"slices"
)

// The experiments.
const (
	winback     = "winback_mail"
	buttonColor = "button_color"
)

const (
	assignedDays = 60   // winback_mail is sent so many days before AsOf
	redeemDays   = 45   // an offer is taken within so many days
	redeemCents  = 1500 // what it is worth
	redeemShare  = 0.02 // of all whom the mail is not for take it all the same
)

// treated are the shares that take the offer of winback_mail where they are sent it, of the types that differ.
var treated = map[Type]float64{BargainHunter: 0.14, WindowShopper: 0.09}

// An ArmTruth is what is known about the people of one type in one variant of an experiment. Who was by a fault given
// both variants counts in the first.
type ArmTruth struct {
	Experiment, Variant string
	Type                Type
	Rate                float64 // the chance of a conversion of kind offer_redeemed, which the experiment alone gives
	People, Redeemed    int
}

// arms are those of all experiments, with nobody in them.
func arms() []ArmTruth {
	var out []ArmTruth
	for _, t := range Types()[:StoreRegular+1] {
		rate := cmp.Or(treated[t], redeemShare)
		out = append(out, ArmTruth{winback, "control", t, redeemShare, 0, 0}, ArmTruth{winback, "treatment", t, rate, 0, 0})
	}
	for _, t := range Types() {
		if profiles[t].visits > 0 {
			out = append(out, ArmTruth{buttonColor, "blue", t, 0, 0, 0}, ArmTruth{buttonColor, "green", t, 0, 0, 0})
		}
	}
	return out
}

// takePart assigns the person to variants. Who had bought before the day of the mail gets it, or does not; who has come
// to the web shop by a day of the month after that, and still does, sees one color or the other.
func (a *actor) takePart() {
	day := a.w.o.Days - 1 - assignedDays
	if len(a.purchases) > 0 && a.purchases[0] < day {
		sent := at(day, 9*3600+a.aside.IntN(900))
		arm := a.assign(winback, [2]string{"control", "treatment"}, sent)
		if a.aside.Float64() < arm.Rate {
			after := min(moment(redeemDays*daySeconds), moment(600+9*daySeconds*a.aside.ExpFloat64()))
			arm.Redeemed++
			a.convertBy(a.w.rowAside, "k"+a.ID[1:]+"-"+winback, sent+after, kindRedeem, redeemCents)
		}
	}
	day += a.aside.IntN(30)
	if profiles[a.Type].visits > 0 && day >= 0 && a.from <= day && day <= a.to {
		a.assign(buttonColor, [2]string{"blue", "green"}, at(day, a.daytime()))
	}
}

// assign gives the person one of two variants by the toss of a coin, and returns who is counted with them.
func (a *actor) assign(experiment string, variants [2]string, when moment) *ArmTruth {
	toss := a.aside.IntN(2)
	w := a.w
	row := func(variant string, when moment) []string { return []string{experiment, variant, a.ID, w.time(when)} }
	w.rowAside(w.experiments, row(variants[toss], when)...)
	if w.faultAside(bothVariantsShare) {
		w.truth.Dirt.InBothVariants++
		w.experiments.write(row(variants[1-toss], when+600))
	}
	i := slices.IndexFunc(w.truth.Experiments, func(t ArmTruth) bool {
		return t.Experiment == experiment && t.Variant == variants[toss] && t.Type == a.Type
	})
	arm := &w.truth.Experiments[i]
	arm.People++
	return arm
}
