package values

import (
	"fmt"
	"slices"
	"strings"

	"segments/pipeline/discover/draft"
	"segments/pipeline/discover/words"
	"segments/sql"
)

// consenting and objecting are the words of consent that the job understands.
var consenting, objecting = sql.ConsentWords()

// Consent reads a column of consents; Ask where its words are not understood.
func Consent(d sql.Dialect, c Column, s Shape) (draft.Guess, bool) {
	g := draft.Guess{Value: c.Name}
	objects := Objects(words.Of(c.Name))
	x := Quoted(d, c.Name)
	switch {
	case c.Family == sql.Boolean && objects:
		g.Value = "NOT " + x
	case c.Family == sql.Boolean:
	case c.Family == sql.Integer && s.Distinct <= 2 && s.Integer:
		if objects {
			g.Value = x + " = 0"
		}
	case c.Family == sql.Text && s.Distinct <= 12:
		var strange []string
		for v := range s.Values {
			if key := eventKey(v); !slices.Contains(consenting, key) && !slices.Contains(objecting, key) {
				if !wordForm.MatchString(v) {
					return draft.Guess{}, false
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
		return draft.Guess{}, false
	}
	if objects {
		g.Ask = "it seems to say who objects, so it is turned round; is that right?"
	}
	return g, true
}

// Objects says whether a column whose name is these words says who objects rather than who consents.
func Objects(name []string) bool {
	return words.Contain(name, []string{"opt", "out"}) || slices.Contains(name, "unsubscribed") || words.Contain(name, []string{"do", "not"})
}

func literals(d sql.Dialect, list []string) string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = d.Literal(w)
	}
	return strings.Join(out, ", ")
}
