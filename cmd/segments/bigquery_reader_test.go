package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// current is what the _current views show to a query that reads all of them: of each the dates and how many rows.
func (p place) current() (string, error) {
	views, err := p.try("SELECT table_name FROM OUT.INFORMATION_SCHEMA.TABLES WHERE table_type = 'VIEW' AND ends_with(table_name, '_current') ORDER BY 1")
	if err != nil {
		return "", err
	}
	return p.seen(views)
}

func (p place) seen(views []string) (string, error) {
	parts := make([]string, len(views))
	for i, v := range views {
		parts[i] = fmt.Sprintf("SELECT '%s' AS name, CAST(min(as_of) AS STRING) AS first, CAST(max(as_of) AS STRING) AS last, count(*) AS n FROM OUT.%s", v, v)
	}
	lines, err := p.try(strings.Join(parts, "\nUNION ALL ") + "\nORDER BY 1")
	return strings.Join(lines, "\n"), err
}

// viewsOf lists the views of what current returned.
func viewsOf(current string) []string {
	var views []string
	for line := range strings.Lines(current) {
		name, _, _ := strings.Cut(line, " ")
		views = append(views, name)
	}
	return views
}

// A reader polls the _current views of a place, all in one query.
type reader struct {
	end  chan struct{}
	done chan struct{}
	seen map[string]int // what it saw, and how often
	err  error
}

// read reads until stop.
func (p place) read(views []string) *reader {
	r := &reader{end: make(chan struct{}), done: make(chan struct{}), seen: map[string]int{}}
	go func() {
		defer close(r.done)
		for {
			seen, err := p.seen(views)
			if err != nil {
				r.err = err
				return
			}
			r.seen[seen]++
			select {
			case <-r.end:
				return
			case <-time.After(p.poll):
			}
		}
	}()
	return r
}

// saw ends the reader, which must have seen nothing but whole generations, each of which is one of those given.
func (r *reader) saw(t testing.TB, generations ...string) {
	t.Helper()
	close(r.end)
	<-r.done
	check(t, r.err)
	polls := 0
	for seen, n := range r.seen {
		polls += n
		if !slices.Contains(generations, seen) {
			t.Errorf("%d times a reader saw what is no generation:\n%s", n, seen)
		}
	}
	t.Logf("a reader looked %d times and saw %d generations", polls, len(r.seen))
}
