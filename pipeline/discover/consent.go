package discover

import (
	"fmt"
	"slices"
	"strings"

	"segments/sql"
)

// consenting and objecting are the words of consent that the job understands.
var (
	consenting = strings.Fields("true t yes y 1 on ja opted_in opt_in granted")
	objecting  = strings.Fields("false f no n 0 off nein opted_out opt_out denied declined revoked withdrawn objected")
)

// consent reads a column of consents; Ask where its words are not understood.
func consent(d sql.Dialect, c Column, s shape) (Guess, bool) {
	g := Guess{Value: c.Name}
	name := words(c.Name)
	objects := contains(name, []string{"opt", "out"}) || slices.Contains(name, "unsubscribed") || contains(name, []string{"do", "not"})
	x := quoted(d, c.Name)
	switch {
	case c.Family == sql.Boolean && objects:
		g.Value = "NOT " + x
	case c.Family == sql.Boolean:
	case c.Family == sql.Integer && s.distinct <= 2 && s.integer:
		if objects {
			g.Value = x + " = 0"
		}
	case c.Family == sql.Text && s.distinct <= 12:
		var strange []string
		for v := range s.values {
			if key := eventKey(v); !slices.Contains(consenting, key) && !slices.Contains(objecting, key) {
				if !wordForm.MatchString(v) {
					return Guess{}, false
				}
				strange = append(strange, strings.ToLower(v))
			}
		}
		if strange == nil {
			if objects {
				g.Value = "lower(" + x + ") NOT IN (" + literals(d, consenting) + ")"
			}
			break
		}
		slices.Sort(strange)
		yes := slices.DeleteFunc(slices.Clone(strange), func(v string) bool {
			return v != "subscribed" && v != "accepted" && v != "confirmed" && v != "si" && v != "oui"
		})
		g.Value = "lower(" + x + ") IN (" + literals(d, append(slices.Clone(consenting), yes...)) + ")"
		g.Ask = fmt.Sprintf("which of its words mean yes? not understood: %s", strings.Join(strange, ", "))
	default:
		return Guess{}, false
	}
	if objects {
		g.Ask = "it seems to say who objects, so it is turned round; is that right?"
	}
	return g, true
}

func literals(d sql.Dialect, words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = d.Literal(w)
	}
	return strings.Join(out, ", ")
}
