package pipeline

import (
	"fmt"
	"slices"
	"strings"
)

// An Acceptance says that a check may fail, and the run is published all the same.
type Acceptance struct {
	Check   string
	Subject string // of the check; empty for all
}

// String is what the command line has for it.
func (a Acceptance) String() string {
	if a.Subject == "" {
		return a.Check
	}
	return a.Check + ":" + a.Subject
}

func (a Acceptance) fits(c Check) bool {
	return a.Check == c.Name && (a.Subject == "" || a.Subject == c.Subject)
}

// allCustomers is the subject of the check that fails where there is nobody to segment, which cannot be accepted.
const allCustomers = "everybody"

// accept is c as accepted where it failed and may.
func (r *run) accept(c Check) Check {
	if c.State != Failed || c.Subject == allCustomers {
		return c
	}
	i := slices.IndexFunc(r.Accept, func(a Acceptance) bool { return a.fits(c) })
	if i >= 0 {
		c.State, c.Detail = Accepted, fmt.Sprintf("accepted by --accept %s: %s", r.Accept[i], c.Detail)
	}
	return c
}

// unused says which acceptances have accepted nothing.
func (r *run) unused() []string {
	var notes []string
	for _, a := range r.Accept {
		if !slices.ContainsFunc(r.checks, func(c Check) bool { return c.State == Accepted && a.fits(c) }) {
			notes = append(notes, fmt.Sprintf("--accept %s: no such check has failed", a))
		}
	}
	return notes
}

// accepted lists the checks that were accepted.
func accepted(checks []Check) []string {
	var out []string
	for _, c := range checks {
		if c.State == Accepted {
			out = append(out, c.Name+" of "+c.Subject)
		}
	}
	return out
}

// acceptedNames are the acceptances in order, each once.
func acceptedNames(as []Acceptance) []string {
	var out []string
	for _, a := range as {
		out = append(out, a.String())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// An UnacceptableError says why a check cannot be accepted.
type UnacceptableError struct{ Check, Why string }

// Error implements error.
func (e UnacceptableError) Error() string { return e.Check + " cannot be accepted: " + e.Why }

// ParseAcceptance reads CHECK or CHECK:SUBJECT. ok is false where there is no such check; the error is an UnacceptableError.
func ParseAcceptance(s string) (a Acceptance, ok bool, err error) {
	var about bool
	a.Check, a.Subject, about = strings.Cut(strings.TrimSpace(s), ":")
	docs := CheckDocs()
	i := slices.IndexFunc(docs, func(d CheckDoc) bool { return d.Name == a.Check })
	if i < 0 {
		return a, false, nil
	}
	if why := docs[i].Never; why != "" {
		return a, true, UnacceptableError{a.Check, why}
	}
	if about && a.Subject == "" { // a variable of a script that is not set must not stand for everything
		return a, true, UnacceptableError{s, "nothing stands after the colon; leave the colon out for all subjects"}
	}
	return a, true, nil
}
