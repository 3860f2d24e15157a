// Package config reads the configuration: one YAML file, strict, with the place of every mistake.
//
// Unknown keys are refused. Defaults stand in the structs: Default and the New functions of the components. The sections
// of warehouses and transforms belong to those; they are decoded by Section into whatever the component wants. Schema
// writes the same rules down for editors, and Describe reads one key of it.
package config

import (
	"path/filepath"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"segments/sql"
)

// A Config is a configuration file. Paths in it are absolute.
type Config struct {
	Name        string              `yaml:"name" json:"name" jsonschema:"required,example=shop" jsonschema_description:"Names the configuration. A slot is name and as-of date; the outputs belong to one name. A lower-case letter, then letters, digits, _ and -, at most 63."`
	Timezone    string              `yaml:"timezone" json:"timezone,omitempty" jsonschema:"minLength=1,example=Europe/Berlin" jsonschema_description:"The time zone that days are counted in (IANA name)."`
	Warehouse   map[string]ast.Node `yaml:"warehouse" json:"warehouse" jsonschema:"required" jsonschema_description:"The one warehouse that is read and written."`
	Sources     Sources             `yaml:"sources" json:"sources" jsonschema:"required" jsonschema_description:"Where the canonical inputs come from. Only orders or customers must be there."`
	Transforms  map[string]ast.Node `yaml:"transforms" json:"transforms,omitempty" jsonschema_description:"What is computed, where it differs from the defaults."`
	Validation  Validation          `yaml:"validation" json:"validation,omitempty" jsonschema_description:"How segments are held against what customers did next."`
	Experiments Experiments         `yaml:"experiments" json:"experiments,omitempty" jsonschema_description:"How experiments are read; docs/experiments.md."`
	Attribution Attribution         `yaml:"attribution" json:"attribution,omitempty" jsonschema_description:"How conversions are divided among the touches before them; docs/attribution.md."`
	Freshness   Freshness           `yaml:"freshness" json:"freshness,omitempty" jsonschema_description:"How old sources may be. An older one is waited for and then ends the run with exit code 6."`
	Currency    Currency            `yaml:"currency" json:"currency,omitempty" jsonschema_description:"The currency of the outputs."`
	Quality     Quality             `yaml:"quality" json:"quality,omitempty" jsonschema_description:"How much of a source may be put aside before a run is rejected."`
	Privacy     Privacy             `yaml:"privacy" json:"privacy,omitempty" jsonschema_description:"What is kept from the outputs."`
	Outputs     Outputs             `yaml:"outputs" json:"outputs,omitempty" jsonschema_description:"The published tables."`
	Report      Report              `yaml:"report" json:"report,omitempty" jsonschema_description:"The HTML report that a run writes when it has ended."`
	Notify      Notify              `yaml:"notify" json:"notify,omitempty" jsonschema_description:"Who is told how a run went."`
	Schedule    string              `yaml:"schedule" json:"schedule,omitempty" jsonschema:"example=0 3 * * *" jsonschema_description:"When segments schedule runs the job: five cron fields (minute, hour, day, month, weekday) in UTC."`

	file string
	src  []byte
	root ast.Node
}

// Sources says where the canonical inputs come from.
type Sources struct {
	Customers   *Source `yaml:"customers" json:"customers,omitempty" jsonschema_description:"Who the customers are, one row each."`
	Orders      *Source `yaml:"orders" json:"orders,omitempty" jsonschema_description:"What was ordered: one row for each order or each line of one."`
	WebEvents   *Source `yaml:"web_events" json:"web_events,omitempty" jsonschema_description:"What customers did on the site or in the app, one row for each event."`
	EmailEvents *Source `yaml:"email_events" json:"email_events,omitempty" jsonschema_description:"What became of e-mails to customers, one row for each event."`
	Conversions *Source `yaml:"conversions" json:"conversions,omitempty" jsonschema_description:"What segments are validated on, one row for each conversion. Left out, orders are the conversions."`
	Experiments *Source `yaml:"experiments" json:"experiments,omitempty" jsonschema_description:"Who was given which variant of which experiment, one row for each. Needed for experiment_results only."`
	Touchpoints *Source `yaml:"touchpoints" json:"touchpoints,omitempty" jsonschema_description:"What reached customers through which channel, one row for each touch. Left out, attribution reads the web and e-mail events."`
	Costs       *Source `yaml:"costs" json:"costs,omitempty" jsonschema_description:"What was spent on which channel on which day."`
}

// A Source says where one of them comes from.
type Source struct {
	From       string            `yaml:"from" json:"from,omitempty" jsonschema:"minLength=1,example=data/orders/*.parquet" jsonschema_description:"A table or view of the warehouse; or a file or glob of files (CSV, Parquet, JSON), relative to the configuration. ${NAME} is an environment variable."`
	Query      string            `yaml:"query" json:"query,omitempty" jsonschema:"minLength=1" jsonschema_description:"Instead of from, a SELECT in the warehouse's dialect. ${NAME} is an environment variable."`
	Columns    map[string]string `yaml:"columns" json:"columns" jsonschema:"required" jsonschema_description:"For each canonical column, the source's column or an SQL expression over its columns."`
	Attributes []string          `yaml:"attributes" json:"attributes,omitempty" jsonschema_description:"Further columns of the source that segments are described by."`
}

// Validation says how segments are held against what customers did next.
type Validation struct {
	Horizon     Days   `yaml:"horizon" json:"horizon,omitempty" jsonschema_description:"The days after an origin in which conversions count, 1d to 3650d."`
	Horizons    []Days `yaml:"horizons" json:"horizons,omitempty" jsonschema_description:"Shorter horizons that conversions are counted within too. They are published, and decide nothing. Left out, 30d where the horizon is longer."`
	Origins     int    `yaml:"origins" json:"origins,omitempty" jsonschema:"minimum=1,maximum=12" jsonschema_description:"How many earlier dates, a horizon apart, the backtest goes back to."`
	MaxSegments int    `yaml:"max_segments" json:"max_segments,omitempty" jsonschema:"minimum=2,maximum=100" jsonschema_description:"Of a segmentation with more segments, merges are proposed until there are so many; see the table segment_merges. Nothing is merged."`
	Gate        Gate   `yaml:"gate" json:"gate,omitempty" jsonschema_description:"When the conversions forbid to publish."`
}

// ShorterHorizons are Horizons or, where there are none, their default.
func (v Validation) ShorterHorizons() []Days {
	const usual = 30
	if v.Horizons == nil && v.Horizon > usual {
		return []Days{usual}
	}
	return v.Horizons
}

// Gate says when the conversions forbid to publish.
type Gate struct {
	MinAUCLower   float64 `yaml:"min_auc_lower" json:"min_auc_lower,omitempty" jsonschema:"minimum=0,maximum=1" jsonschema_description:"The lower bound of the 95 % interval of the core segments' AUC must reach this."`
	MinConverters int64   `yaml:"min_converters" json:"min_converters,omitempty" jsonschema:"minimum=1" jsonschema_description:"With fewer converters nothing is evaluated."`
}

// Experiments says how experiments are read.
type Experiments struct {
	Control  []string                      `yaml:"control" json:"control,omitempty" jsonschema_description:"Names of variants that are controls. The first of them that an experiment has is what its other variants are held against."`
	Horizon  Days                          `yaml:"horizon" json:"horizon,omitempty" jsonschema_description:"The days after each customer's assignment in which conversions count, 1d to 3650d."`
	Expected map[string]map[string]float64 `yaml:"expected" json:"expected,omitempty" jsonschema_description:"For an experiment, the shares that its variants should have, such as {mail: 9, control: 1}; equal ones where it is not named."`
}

// Attribution says how conversions are divided among the touches before them.
type Attribution struct {
	Window   Days   `yaml:"window" json:"window,omitempty" jsonschema_description:"The days before a conversion in which a touch counts for it, 1d to 365d."`
	Days     Days   `yaml:"days" json:"days,omitempty" jsonschema_description:"The days up to the as-of date whose conversions, touches, costs and sessions are counted, 1d to 365d."`
	HalfLife Days   `yaml:"half_life" json:"half_life,omitempty" jsonschema_description:"Of the model time_decay: a touch so many days before the last one counts half as much, 1d to 365d."`
	Model    string `yaml:"model" json:"model,omitempty" jsonschema:"enum=first,enum=last,enum=linear,enum=time_decay,enum=position,enum=markov" jsonschema_description:"The model that costs are held against, and by which the report ranks channels where there are costs."`
}

// Freshness says how old sources may be.
type Freshness struct {
	Customers   Days     `yaml:"customers" json:"customers,omitempty" jsonschema_description:"The days before the as-of date within which the newest row must lie; 0d does not look."`
	Orders      Days     `yaml:"orders" json:"orders,omitempty" jsonschema:"example=2d" jsonschema_description:"The days before the as-of date within which the newest row must lie; 0d does not look."`
	WebEvents   Days     `yaml:"web_events" json:"web_events,omitempty" jsonschema_description:"The days before the as-of date within which the newest row must lie; 0d does not look."`
	EmailEvents Days     `yaml:"email_events" json:"email_events,omitempty" jsonschema_description:"The days before the as-of date within which the newest row must lie; 0d does not look."`
	Conversions Days     `yaml:"conversions" json:"conversions,omitempty" jsonschema_description:"The days before the as-of date within which the newest row must lie; 0d does not look."`
	Wait        Duration `yaml:"wait" json:"wait,omitempty" jsonschema:"example=2h" jsonschema_description:"How long to wait for a source that is too old."`
}

// Currency is the currency of the outputs.
type Currency struct {
	Code  string             `yaml:"code" json:"code,omitempty" jsonschema:"example=EUR" jsonschema_description:"The outputs' currency, an ISO 4217 code. Left out, it is the only one that the orders have."`
	Rates map[string]float64 `yaml:"rates" json:"rates,omitempty" jsonschema_description:"For each other currency, what a unit of it is worth in the outputs' currency. Without rates mixed currencies are refused."`
}

// Quality says how much may be put aside.
type Quality struct {
	MaxRejected  float64 `yaml:"max_rejected" json:"max_rejected,omitempty" jsonschema:"minimum=0,maximum=1" jsonschema_description:"The share of a source's rows that may be quarantined."`
	MaxAnonymous float64 `yaml:"max_anonymous" json:"max_anonymous,omitempty" jsonschema:"minimum=0,maximum=1" jsonschema_description:"The share of a source's rows that may have no customer."`
}

// Privacy says what is kept from the outputs.
type Privacy struct {
	Pseudonymize bool   `yaml:"pseudonymize" json:"pseudonymize,omitempty" jsonschema_description:"Whether customer_id is replaced in the outputs. Not there yet: only false is taken."`
	KeyFile      string `yaml:"key_file" json:"key_file,omitempty" jsonschema_description:"The file with the key of the pseudonyms; not read while pseudonymize is false."`
	MinGroup     int64  `yaml:"min_group" json:"min_group,omitempty" jsonschema:"minimum=1" jsonschema_description:"Groups of fewer customers are counted and not described."`
}

// Outputs is about the published tables.
type Outputs struct {
	Retention Days `yaml:"retention" json:"retention,omitempty" jsonschema:"example=400d" jsonschema_description:"Dated rows older than this go at the next publish; 0d keeps everything."`
	People    bool `yaml:"people" json:"people,omitempty" jsonschema_description:"Whether there is a view people: customer_id, email and phone of who may be written to, read from the customers source whenever it is asked. Addresses are not copied. Off by default; docs/activation.md says what it takes."`
}

// Report is about the HTML report.
type Report struct {
	File    string `yaml:"file" json:"file,omitempty" jsonschema:"minLength=1" jsonschema_description:"Where a run writes its report, relative to the configuration; none writes none."`
	Content string `yaml:"content" json:"content,omitempty" jsonschema:"minLength=1,example=content.csv" jsonschema_description:"A CSV file of what to suggest to which group: segment, stage, content, channel. Left out, it is what segments report --print-content prints."`
}

// Notify is about who is told.
type Notify struct {
	WebhookFile string `yaml:"webhook_file" json:"webhook_file,omitempty" jsonschema:"minLength=1,example=/var/run/segments/webhook" jsonschema_description:"A file with the address of a webhook that takes Slack's messages. It is a secret: the address stands in the file, not here."`
	Link        string `yaml:"link" json:"link,omitempty" jsonschema:"minLength=1,example=https://intranet.example/report.html" jsonschema_description:"Where people find the report, for the message."`
}

// Default returns the defaults.
func Default() Config {
	return Config{
		Timezone:    "UTC",
		Validation:  Validation{Horizon: 90, Origins: 3, MaxSegments: 12, Gate: Gate{MinAUCLower: 0.52, MinConverters: 100}},
		Experiments: Experiments{Control: []string{"control", "holdout", "none", "placebo", "baseline"}, Horizon: 30},
		Attribution: Attribution{Window: 30, Days: 90, HalfLife: 7, Model: "position"},
		Quality:     Quality{MaxRejected: 0.05, MaxAnonymous: 0.5},
		Privacy:     Privacy{MinGroup: 20},
		Report:      Report{File: "report.html"},
	}
}

// NoReport is the Report.File of who wants none.
const NoReport = "none"

// Path returns p, or where it is relative, p below the folder of the configuration.
func (c *Config) Path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	abs, err := filepath.Abs(filepath.Join(filepath.Dir(c.file), p))
	if err != nil {
		return filepath.Join(filepath.Dir(c.file), p)
	}
	return abs
}

// Location returns the configured time zone; UTC where there is none of its name, which is a mistake that Load refuses.
func (c *Config) Location() *time.Location {
	l, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return time.UTC
	}
	return l
}

// SQLSources returns the configured sources in their fixed order.
func (c *Config) SQLSources() []sql.Source {
	var out []sql.Source
	for _, name := range sql.SourceNames() {
		if s := c.Sources.named(name); s != nil {
			out = append(out, sql.Source{Name: name, From: s.From, Query: s.Query, Columns: s.Columns, Attributes: s.Attributes})
		}
	}
	return out
}

func (s Sources) named(name string) *Source {
	return map[string]*Source{
		"customers": s.Customers, "orders": s.Orders, "web_events": s.WebEvents, "email_events": s.EmailEvents, "conversions": s.Conversions,
		"experiments": s.Experiments, "touchpoints": s.Touchpoints, "costs": s.Costs,
	}[name]
}

// FreshnessDays returns how many days old the newest row of each source may be; sources that may be of any age are left out.
func (c *Config) FreshnessDays() map[string]int {
	f := c.Freshness
	out := map[string]int{}
	for name, d := range map[string]Days{
		"customers": f.Customers, "orders": f.Orders, "web_events": f.WebEvents, "email_events": f.EmailEvents, "conversions": f.Conversions,
	} {
		if d > 0 {
			out[name] = int(d)
		}
	}
	return out
}

// Section returns the decoder of one of the sections that belong to components: strict, into a pointer to a struct of
// defaults. An absent section leaves the struct as it is. Every error is an Error, or Errors where there are several
// mistakes; then what has none is decoded.
func (c *Config) Section(node ast.Node) func(into any) error {
	return func(into any) error {
		if empty(node) {
			return nil
		}
		return c.decode(node, into).Err()
	}
}

// decode reads into the pointer into what of node fits it.
func (c *Config) decode(node ast.Node, into any) Errors {
	found, fits := c.shape(node, into)
	if empty(fits) {
		return found
	}
	if err := yaml.NodeToValue(fits, into, yaml.Strict()); err != nil {
		found.add(c.wrap(err))
	}
	return found
}
