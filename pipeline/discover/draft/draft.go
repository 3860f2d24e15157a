// Package draft is a configuration to be: guesses with their reasons, the questions that they leave open, and the commented
// YAML that is made of both.
package draft

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"segments/sql"
)

// A Guess is a value of the configuration, and why.
type Guess struct {
	Value      string
	Confidence int    // in percent, of 100
	Reason     string // in words, without values of columns that identify people
	Ask        string // what a person must answer; empty where the guess may stand
	Others     []Other
}

// An Other is what may be meant instead.
type Other struct{ Value, Why string }

// A Mapping says where a canonical column comes from.
type Mapping struct {
	Column string
	Guess
}

// A Source is the draft of one.
type Source struct {
	Name       string
	Table      string // the Name of its table
	From       string
	Query      string
	Note       Guess // about the table as a whole: its Ask is a question about From or Query
	Columns    []Mapping
	Attributes []string // proposed; of few values
	Outcomes   []string // of few values too, but results, arms of tests or groupings
	Unused     []string // what else the table has
	Lines      bool     // of orders: some orders have several rows
	Day        bool     // a question stands in the query as the literal that Note.Value is
	Place      string   // the absolute path that Query reads; empty where it reads tables
}

// A Draft is a configuration to be.
type Draft struct {
	Name     Guess
	Timezone Guess
	Currency Guess // empty Value: left to the orders
	Sources  []Source
	Unused   []Other // tables that nothing is taken from, and why
	Traits   *Source // customers made of what the orders say of who ordered, for somebody to take; nil where there is none
}

// DayAsked stands for the day to run for in what Write says, where that is a question of the draft.
const DayAsked = "DAY"

// Questions returns what a person must answer, with the key of each, in the order of the file.
func (d *Draft) Questions() (keys []string, guesses []*Guess) {
	add := func(key string, g *Guess) {
		if g.Ask != "" {
			keys, guesses = append(keys, key), append(guesses, g)
		}
	}
	add("name", &d.Name)
	add("timezone", &d.Timezone)
	for i := range d.Sources {
		s := &d.Sources[i]
		add("sources."+s.Name, &s.Note)
		for k := range s.Columns {
			add("sources."+s.Name+".columns."+s.Columns[k].Column, &s.Columns[k].Guess)
		}
	}
	add("currency.code", &d.Currency)
	return keys, guesses
}

// Source returns the draft of the source called name; nil where there is none.
func (d *Draft) Source(name string) *Source {
	for i := range d.Sources {
		if d.Sources[i].Name == name {
			return &d.Sources[i]
		}
	}
	return nil
}

// SQL returns s as the job reads it.
func (s Source) SQL() sql.Source {
	out := sql.Source{Name: s.Name, From: s.From, Query: s.Query, Columns: map[string]string{}, Attributes: s.Attributes}
	for _, m := range s.Columns {
		out.Columns[m.Column] = m.Value
	}
	return out
}

var (
	nameForm     = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)
)

// Answer puts a person's answer in place of the guess of key, as Questions gives it. It fails where the answer cannot be.
func (d *Draft) Answer(key, value string) error {
	keys, guesses := d.Questions()
	i := slices.Index(keys, key)
	if i < 0 {
		return fmt.Errorf("%s is no question", key)
	}
	g := guesses[i]
	switch {
	case key == "name" && !nameForm.MatchString(value):
		return fmt.Errorf("%q is no name: want a lower-case letter, then letters, digits, _ and -", value)
	case key == "currency.code" && !currencyForm.MatchString(value):
		return fmt.Errorf("%q is no currency: want an ISO 4217 code such as EUR", value)
	case key == "timezone":
		if _, err := time.LoadLocation(value); err != nil || value == "" || value == "Local" {
			return fmt.Errorf("%q is no time zone: want an IANA name such as Europe/Berlin", value)
		}
	}
	if source, ok := strings.CutPrefix(key, "sources."); ok && !strings.Contains(source, ".") {
		return d.answerDay(source, value)
	}
	g.Value, g.Ask, g.Reason, g.Confidence, g.Others = value, "", "answered", 0, nil
	return nil
}

// answerDay puts the day in place of the one that the queries count back from.
func (d *Draft) answerDay(source, value string) error {
	s := d.Source(source)
	if !s.Day {
		s.Note.Ask = "" // it was a question of yes and no
		return nil
	}
	if _, err := time.Parse(time.DateOnly, value); err != nil {
		return fmt.Errorf("%q is no date: want for example 2026-11-20", value)
	}
	old := s.Note.Value
	for i := range d.Sources {
		o := &d.Sources[i]
		if o.Day {
			o.Query = strings.ReplaceAll(o.Query, "'"+old+"'", "'"+value+"'")
			o.Note.Value, o.Note.Ask = value, ""
		}
	}
	return nil
}
