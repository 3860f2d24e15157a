package config

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// Errors are the mistakes of one configuration.
type Errors []*Error

// Error returns what each of them says, one below the other.
func (es Errors) Error() string {
	all := make([]string, len(es))
	for i, e := range es {
		all[i] = e.Error()
	}
	return strings.Join(all, "\n")
}

// Unwrap returns each of them.
func (es Errors) Unwrap() []error {
	all := make([]error, len(es))
	for i, e := range es {
		all[i] = e
	}
	return all
}

// Add adds the mistakes that err consists of, and returns what it consists of besides. A mistake that only follows from
// one that is there already, such as a key that is missing since its value could not be read, is left out.
func (es *Errors) Add(err error) (rest error) {
	var one *Error
	var many Errors
	switch {
	case err == nil:
	case errors.As(err, &many):
		for _, e := range many {
			es.add(e)
		}
	case errors.As(err, &one):
		es.add(one)
	default:
		return err
	}
	return nil
}

func (es *Errors) add(e *Error) {
	if !slices.ContainsFunc(*es, e.follows) {
		*es = append(*es, e)
	}
}

// follows says whether e is but what comes of other: it is about the same key, or about one in or around it.
func (e *Error) follows(other *Error) bool {
	if e.Key == "" || other.Key == "" {
		return e.Line == other.Line && e.Message == other.Message
	}
	within := func(a, b string) bool { return a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(a, b+"[") }
	return within(e.Key, other.Key) || within(other.Key, e.Key) || slices.Contains(other.meant, e.Key)
}

// Err returns them in the order of the file; nil where there are none, and a single one as the Error it is.
func (es Errors) Err() error {
	switch len(es) {
	case 0:
		return nil
	case 1:
		return es[0]
	}
	sorted := slices.Clone(es)
	slices.SortStableFunc(sorted, func(a, b *Error) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	return sorted
}
