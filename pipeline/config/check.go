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

// check looks at what the types do not say.
func (c *Config) check() error {
	if c.Name == "" {
		return c.Errorf("name", "is missing; want for example name: shop")
	}
	if !nameForm.MatchString(c.Name) {
		return c.Errorf("name", "%q is no name: want a lower-case letter, then letters, digits, _ and -, at most 63", c.Name)
	}
	if _, err := time.LoadLocation(c.Timezone); err != nil || c.Timezone == "" || c.Timezone == "Local" {
		return c.Errorf("timezone", "%q is no time zone: want an IANA name such as Europe/Berlin", c.Timezone)
	}
	const example = "want exactly one, such as duckdb: {path: shop.duckdb}"
	if len(c.Warehouse) == 0 {
		return c.Errorf("warehouse", "is missing; "+example)
	}
	if len(c.Warehouse) > 1 {
		return c.Errorf("warehouse", "there are %s; %s", strings.Join(sortedKeys(c.Warehouse), " and "), example)
	}
	if c.Sources.Orders == nil && c.Sources.Customers == nil {
		return c.Errorf("sources", "orders and customers are missing; want at least one of them")
	}
	for _, name := range sql.SourceNames() {
		if s := c.Sources.named(name); s != nil {
			if err := c.checkSource(name, s); err != nil {
				return err
			}
		}
	}
	if err := c.checkRanges(); err != nil {
		return err
	}
	if err := c.checkCurrency(); err != nil {
		return err
	}
	if _, set := c.find("schedule"); set {
		return c.checkSchedule()
	}
	return nil
}

func (c *Config) checkSource(name string, s *Source) error {
	key := "sources." + name
	switch {
	case s.From == "" && s.Query == "":
		return c.Errorf(key, "want from (a table or a file) or query")
	case s.From != "" && s.Query != "":
		return c.Errorf(key+".query", "from is there too; want one of them")
	case name != "customers" && s.Attributes != nil:
		return c.Errorf(key+".attributes", "only customers have attributes")
	}
	var all []string
	for _, sc := range sql.SourceColumns(name) {
		all = append(all, sc.Name)
	}
	for _, col := range sortedKeys(s.Columns) {
		if !slices.Contains(all, col) {
			return c.atKey(key+".columns."+col, "unknown column"+suggest(col, all, nil))
		}
		if strings.TrimSpace(s.Columns[col]) == "" {
			return c.Errorf(key+".columns."+col, "is empty; want a column of the source or an SQL expression")
		}
	}
	for _, sc := range sql.SourceColumns(name) {
		if _, ok := s.Columns[sc.Name]; sc.Needed && !ok {
			return c.Errorf(key+".columns."+sc.Name, "is missing; it is needed. %s", sc.Doc)
		}
	}
	for i, a := range s.Attributes {
		if strings.TrimSpace(a) == "" || slices.Contains(s.Attributes[:i], a) {
			return c.Errorf(key+".attributes", "%q is empty or there twice", a)
		}
	}
	return nil
}

func (c *Config) checkRanges() error {
	if s := c.Sources.Customers; c.Freshness.Customers > 0 && (s == nil || s.Columns["created_at"] == "") {
		return c.Errorf("freshness.customers", "cannot be told without sources.customers.columns.created_at")
	}
	if c.Privacy.Pseudonymize {
		return c.Errorf("privacy.pseudonymize", "pseudonyms are not there yet: customer_id is published as the source gives it")
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
		{"validation.gate.min_auc_lower", v.Gate.MinAUCLower >= 0 && v.Gate.MinAUCLower <= 1, "0 to 1", v.Gate.MinAUCLower},
		{"validation.gate.min_converters", v.Gate.MinConverters >= 1, "at least 1", v.Gate.MinConverters},
		{"quality.max_rejected", q.MaxRejected >= 0 && q.MaxRejected <= 1, "a share, 0 to 1", q.MaxRejected},
		{"quality.max_anonymous", q.MaxAnonymous >= 0 && q.MaxAnonymous <= 1, "a share, 0 to 1", q.MaxAnonymous},
		{"privacy.min_group", c.Privacy.MinGroup >= 1, "at least 1", c.Privacy.MinGroup},
	} {
		if !r.ok {
			return c.Errorf(r.key, "%v, want %s", r.got, r.want)
		}
	}
	return nil
}

func (c *Config) checkCurrency() error {
	const want = "want an ISO 4217 code such as EUR"
	code := c.Currency.Code
	if code != "" && !currencyForm.MatchString(code) {
		return c.Errorf("currency.code", "%q is no currency: %s", code, want)
	}
	for _, other := range sortedKeys(c.Currency.Rates) {
		key, rate := "currency.rates."+other, c.Currency.Rates[other]
		switch {
		case !currencyForm.MatchString(other):
			return c.atKey(key, "is no currency: "+want)
		case !(rate > 0 && rate < 1e9):
			return c.Errorf(key, "%v, want a number above 0", rate)
		case other == code && rate != 1:
			return c.Errorf(key, "%v, but %s is the currency of the outputs; leave its rate out", rate, code)
		}
	}
	if len(c.Currency.Rates) > 0 && code == "" {
		return c.Errorf("currency.rates", "there are rates and no currency.code: what are they worth in?")
	}
	return nil
}

// checkSchedule refuses what the cron library takes besides five fields: names such as @daily and a leading TZ=, which
// it moreover panics on when nothing follows.
func (c *Config) checkSchedule() error {
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
		return c.Errorf("schedule", "%q is no schedule%s: want five cron fields in UTC, such as 0 3 * * *", c.Schedule, why)
	}
	if schedule.Next(time.Unix(0, 0).UTC()).IsZero() {
		return c.Errorf("schedule", "%q is a day that never comes", c.Schedule)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// resolve puts environment variables into sources and makes paths absolute.
func (c *Config) resolve() error {
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
				return c.Errorf("sources."+name+"."+f.key, "%v", err)
			}
			*f.text = text
		}
		if sql.IsFile(s.From) {
			s.From = c.Path(s.From)
		}
	}
	return nil
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
