package main

import (
	"fmt"
	"slices"
	"strings"

	"segments/pipeline"
	"segments/pipeline/warehouse"
)

// checkGroups are the states of checks in the order in which they matter.
var checkGroups = []struct {
	state pipeline.CheckState
	mark  string
	words string
}{
	{pipeline.Failed, markBad, "failed, so that nothing was published"},
	{pipeline.Accepted, markWarning, "failed and was accepted"},
	{pipeline.Warned, markWarning, "warned"},
	{pipeline.NotEvaluated, "·", "not evaluated"},
	{pipeline.Passed, markGood, "passed"},
}

// showSheet prints a run as a person reads it: what became of it, its checks by how they went, and its rows.
func (a *app) showSheet(run ledgerRun, checks, rejects *listing, kept warehouse.Kept) error {
	s := a.sheet()
	kind := ""
	if run.backfill {
		kind = " · backfill"
	}
	s.Title(fmt.Sprintf("run %s · as of %s · %s%s", run.id, run.asOf, run.state, kind))
	s.Line("ended", a.when(run)+prefixed(" · took ", run.took()))
	s.Line("customers", fmt.Sprintf("%s, %s left out", amount(run.customers), amount(run.leftOut)))
	s.Line("message", run.message)
	s.Line("next", run.next())
	s.Line("staged", keptLine(run.id, kept))
	for _, g := range checkGroups {
		var of [][]any
		for _, r := range checks.rows {
			if r[2] == string(g.state) {
				of = append(of, r)
			}
		}
		if len(of) == 0 {
			continue
		}
		s.Title(fmt.Sprintf("%s %s %s", g.mark, plural(int64(len(of)), "check"), g.words))
		if g.state == pipeline.Passed {
			s.Line("", strings.Join(namesCounted(of), " · "))
			continue
		}
		for _, r := range of {
			s.Line(fmt.Sprintf("%v of %v", r[0], r[1]), spoken(r[3]))
		}
		if g.state != pipeline.NotEvaluated {
			s.Line("what to do", "`segments explain check "+spoken(of[0][0])+"`")
		}
	}
	if len(rejects.rows) > 0 {
		s.Title("what became of the rows")
	}
	bySource, order := map[string][]string{}, []string{}
	for _, r := range rejects.rows {
		source := spoken(r[0])
		if bySource[source] == nil {
			order = append(order, source)
		}
		bySource[source] = append(bySource[source], strings.ReplaceAll(spoken(r[1]), "_", " ")+" "+amount(r[2]))
	}
	for _, source := range order {
		s.Line(source, strings.Join(bySource[source], " · "))
	}
	return s.Print()
}

// namesCounted lists the names of checks with how many there are of each.
func namesCounted(rows [][]any) []string {
	var names []string
	n := map[string]int{}
	for _, r := range rows {
		name := spoken(r[0])
		if n[name] == 0 {
			names = append(names, name)
		}
		n[name]++
	}
	slices.Sort(names)
	for i, name := range names {
		if n[name] > 1 {
			names[i] = fmt.Sprintf("%s (%d)", name, n[name])
		}
	}
	return names
}

// prefixed is s after prefix; empty where s is.
func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// amount is a whole number with its thousands set off.
func amount(v any) string {
	if n, ok := v.(int64); ok {
		return thousands(n)
	}
	return spoken(v)
}
