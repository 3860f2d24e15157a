package config

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"segments/sql"
)

var (
	nameForm     = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)
)

// check looks at what the types do not say, and adds to found what is wrong.
func (c *Config) check(found *Errors) {
	wrong := func(key, format string, args ...any) {
		found.add(c.errorf(key, format, args...))
	}
	switch {
	case c.Name == "":
		wrong("name", "is missing; want for example name: shop")
	case !nameForm.MatchString(c.Name):
		wrong("name", "%q is no name: want a lower-case letter, then letters, digits, _ and -, at most 63", c.Name)
	}
	if _, err := time.LoadLocation(c.Timezone); err != nil || c.Timezone == "" || c.Timezone == "Local" {
		wrong("timezone", "%q is no time zone: want an IANA name such as Europe/Berlin", c.Timezone)
	}
	const example = "want exactly one, such as duckdb: {path: shop.duckdb}"
	if len(c.Warehouse) == 0 {
		wrong("warehouse", "is missing; "+example)
	}
	if len(c.Warehouse) > 1 {
		wrong("warehouse", "there are %s; %s", strings.Join(sortedKeys(c.Warehouse), " and "), example)
	}
	if c.Sources.Orders == nil && c.Sources.Customers == nil {
		wrong("sources", "orders and customers are missing; want at least one of them")
	}
	for _, name := range sql.SourceNames() {
		if s := c.Sources.named(name); s != nil {
			c.checkSource(wrong, found, name, s)
		}
	}
	c.checkRanges(wrong)
	c.checkCurrency(wrong, found)
	if _, set := c.find("schedule"); set {
		c.checkSchedule(wrong)
	}
}

// wrong says what is wrong with the value of a key.
type wrong func(key, format string, args ...any)

func (c *Config) checkSource(wrong wrong, found *Errors, name string, s *Source) {
	key := "sources." + name
	switch {
	case s.From == "" && s.Query == "":
		e := c.atKey(key, "want from (a table or a file) or query")
		e.Key += ".from" // which is to be added
		found.add(e)
	case s.From != "" && s.Query != "":
		wrong(key+".query", "from is there too; want one of them")
	}
	if name != "customers" && s.Attributes != nil {
		wrong(key+".attributes", "only customers have attributes")
		return
	}
	var all []string
	for _, sc := range sql.SourceColumns(name) {
		all = append(all, sc.Name)
	}
	for _, col := range sortedKeys(s.Columns) {
		if !slices.Contains(all, col) {
			e := c.atKey(key+".columns."+col, "unknown column"+suggest(col, all, nil))
			for _, near := range Nearest(col, all) {
				e.meant = append(e.meant, key+".columns."+near)
			}
			found.add(e)
		} else if strings.TrimSpace(s.Columns[col]) == "" {
			wrong(key+".columns."+col, "is empty; want a column of the source or an SQL expression")
		}
	}
	var needed []string
	for _, sc := range sql.SourceColumns(name) {
		if sc.Needed {
			needed = append(needed, sc.Name)
		}
	}
	if len(s.Columns) == 0 {
		wrong(key+".columns", "is missing; needed are %s", strings.Join(needed, ", "))
	}
	for _, sc := range sql.SourceColumns(name) {
		if _, ok := s.Columns[sc.Name]; sc.Needed && !ok {
			wrong(key+".columns."+sc.Name, "is missing; it is needed. %s", sc.Doc)
		}
	}
	for i, a := range s.Attributes {
		if strings.TrimSpace(a) == "" || slices.Contains(s.Attributes[:i], a) {
			wrong(key+".attributes", "%q is empty or there twice", a)
		}
	}
}

func (c *Config) checkRanges(wrong wrong) {
	if s := c.Sources.Customers; c.Freshness.Customers > 0 && (s == nil || s.Columns["created_at"] == "") {
		wrong("freshness.customers", "cannot be told without sources.customers.columns.created_at")
	}
	if c.Privacy.Pseudonymize {
		wrong("privacy.pseudonymize", "pseudonyms are not there yet: customer_id is published as the source gives it")
	}
	v, q := c.Validation, c.Quality
	for _, r := range []struct {
		key  string
		ok   bool
		want string
		got  any
	}{
		{"validation.horizon", v.Horizon >= 1 && v.Horizon <= 3650, "1d to 3650d", v.Horizon},
		{"validation.origins", v.Origins >= 1 && v.Origins <= 12, "1 to 12", v.Origins},
		{"validation.max_segments", v.MaxSegments >= 2 && v.MaxSegments <= 100, "2 to 100", v.MaxSegments},
		{"validation.gate.min_auc_lower", v.Gate.MinAUCLower >= 0 && v.Gate.MinAUCLower <= 1, "0 to 1", v.Gate.MinAUCLower},
		{"validation.gate.min_converters", v.Gate.MinConverters >= 1, "at least 1", v.Gate.MinConverters},
		{"quality.max_rejected", q.MaxRejected >= 0 && q.MaxRejected <= 1, "a share, 0 to 1", q.MaxRejected},
		{"quality.max_anonymous", q.MaxAnonymous >= 0 && q.MaxAnonymous <= 1, "a share, 0 to 1", q.MaxAnonymous},
		{"privacy.min_group", c.Privacy.MinGroup >= 1, "at least 1", c.Privacy.MinGroup},
	} {
		if !r.ok {
			wrong(r.key, "%v, want %s", r.got, r.want)
		}
	}
	if h := c.Experiments.Horizon; h < 1 || h > 3650 {
		wrong("experiments.horizon", "%v, want 1d to 3650d", h)
	}
	for _, e := range sortedKeys(c.Experiments.Expected) {
		key, shares := "experiments.expected."+e, c.Experiments.Expected[e]
		if len(shares) < 2 {
			wrong(key, "want the shares of two variants or more")
		}
		for _, v := range sortedKeys(shares) {
			if s := shares[v]; !(s > 0 && s < 1e9) {
				wrong(key+"."+v, "%v, want a share above 0", s)
			}
		}
	}
	for i, d := range v.Horizons {
		switch key := "validation.horizons"; {
		case d < 1 || d >= v.Horizon:
			wrong(key, "%v, want a day or more, and less than validation.horizon (%v)", d, v.Horizon)
		case slices.Contains(v.Horizons[:i], d):
			wrong(key, "%v is there twice", d)
		}
	}
}

func (c *Config) checkCurrency(wrong wrong, found *Errors) {
	const want = "want an ISO 4217 code such as EUR"
	code := c.Currency.Code
	if code != "" && !currencyForm.MatchString(code) {
		wrong("currency.code", "%q is no currency: %s", code, want)
	}
	for _, other := range sortedKeys(c.Currency.Rates) {
		key, rate := "currency.rates."+other, c.Currency.Rates[other]
		switch {
		case !currencyForm.MatchString(other):
			found.add(c.atKey(key, "is no currency: "+want))
		case !(rate > 0 && rate < 1e9):
			wrong(key, "%v, want a number above 0", rate)
		case other == code && rate != 1:
			wrong(key, "%v, but %s is the currency of the outputs; leave its rate out", rate, code)
		}
	}
	if len(c.Currency.Rates) > 0 && code == "" {
		e := c.errorf("currency.rates", "there are rates and no currency.code: what are they worth in?")
		e.Key = "currency.code" // which is to be added
		found.add(e)
	}
}

// checkSchedule refuses what the cron library takes besides five fields: names such as @daily and a leading TZ=, which
// it moreover panics on when nothing follows.
func (c *Config) checkSchedule(wrong wrong) {
	var schedule cron.Schedule
	var err error
	if len(strings.Fields(c.Schedule)) == 5 && !strings.ContainsAny(c.Schedule, "=@") {
		schedule, err = cron.ParseStandard(c.Schedule)
	}
	if schedule == nil || err != nil {
		why := ""
		if err != nil {
			why = " (" + err.Error() + ")"
		}
		wrong("schedule", "%q is no schedule%s: want five cron fields in UTC, such as 0 3 * * *", c.Schedule, why)
		return
	}
	if schedule.Next(time.Unix(0, 0).UTC()).IsZero() {
		wrong("schedule", "%q is a day that never comes", c.Schedule)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// resolve puts environment variables into sources and makes paths absolute.
func (c *Config) resolve(found *Errors) {
	for _, name := range sql.SourceNames() {
		s := c.Sources.named(name)
		if s == nil {
			continue
		}
		for _, f := range []struct {
			key  string
			text *string
		}{{"from", &s.From}, {"query", &s.Query}} {
			text, err := expand(*f.text)
			if err != nil {
				found.add(c.errorf("sources."+name+"."+f.key, "%v", err))
				continue
			}
			*f.text = text
		}
		if sql.IsFile(s.From) {
			s.From = c.Path(s.From)
		}
	}
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

func expand(s string) (string, error) {
	var missing []string
	out := variable.ReplaceAllStringFunc(s, func(m string) string {
		name := m[2 : len(m)-1]
		v := os.Getenv(name)
		if v == "" && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
		return v
	})
	if missing != nil {
		return "", fmt.Errorf("the environment variable %s is not set", strings.Join(missing, ", "))
	}
	return out, nil
}
