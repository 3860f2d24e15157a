package bigquery

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"segments/pipeline/warehouse"
)

// Config is the section of the configuration that describes the warehouse.
type Config struct {
	Project        string `yaml:"project" json:"project" jsonschema:"required" jsonschema_description:"The project that pays, and has the data sets that are named without one."`
	Location       string `yaml:"location" json:"location" jsonschema:"required,example=EU" jsonschema_description:"Where the data sets are, such as EU, US or europe-west3. Jobs run there."`
	Dataset        string `yaml:"dataset" json:"dataset" jsonschema:"required" jsonschema_description:"The data set of the published tables, as DATASET or PROJECT.DATASET. It belongs to one configuration."`
	StagingDataset string `yaml:"staging_dataset" json:"staging_dataset" jsonschema:"required" jsonschema_description:"The data set of what runs stage, which no reader looks at. Its tables must expire by default, within 7 days."`
	MaxBytesBilled string `yaml:"max_bytes_billed" json:"max_bytes_billed,omitempty" jsonschema:"example=200GiB" jsonschema_description:"The most that the queries of a run may bill together. A run that would need more ends before it costs anything. No limit by default."`
	Price          Price  `yaml:"price" json:"price,omitempty" jsonschema_description:"What reading costs, so that plan and run can say it in money."`
	ReadMemory     string `yaml:"read_memory" json:"read_memory,omitempty" jsonschema:"default=256MiB" jsonschema_description:"What rows on their way from BigQuery may take in memory."`
	ReadStreams    int    `yaml:"read_streams" json:"read_streams,omitempty" jsonschema:"minimum=1" jsonschema_description:"How many streams are read at once; as many as CPUs by default."`
}

// A Price is that of reading, with the date of the price list.
type Price struct {
	PerTiB   float64 `yaml:"per_tib" json:"per_tib" jsonschema:"minimum=0" jsonschema_description:"The price of reading 2^40 bytes."`
	Currency string  `yaml:"currency" json:"currency" jsonschema_description:"Its currency."`
	Date     string  `yaml:"date" json:"date" jsonschema:"format=date" jsonschema_description:"When it was looked up."`
}

// Defaults returns the configuration that the user's one is decoded over.
func Defaults() Config { return Config{ReadMemory: "256MiB", ReadStreams: runtime.GOMAXPROCS(0)} }

// A settings is a Config that has been checked.
type settings struct {
	Config
	output, staging dataset
	budget, memory  int64
}

// A dataset is the full name of one.
type dataset struct{ project, name string }

// ID is how messages and the bq tool name it.
func (d dataset) ID() string { return d.project + ":" + d.name }

var (
	projectName = regexp.MustCompile(`^([a-z0-9.-]+:)?[a-z][a-z0-9-]{3,61}[a-z0-9]$`)
	datasetName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	sizeOf      = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([KMGTP]?i?B?)$`)
)

// check returns c's settings. Its errors begin with the key that is at fault.
func (c Config) check() (s settings, err error) {
	s.Config = c
	for _, needed := range [][2]string{
		{"project", c.Project}, {"location", c.Location}, {"dataset", c.Dataset}, {"staging_dataset", c.StagingDataset},
	} {
		if needed[1] == "" {
			return s, fmt.Errorf("%s: missing", needed[0])
		}
	}
	if !projectName.MatchString(c.Project) {
		return s, fmt.Errorf("project: %q is no project id", c.Project)
	}
	if s.output, err = c.dataset(c.Dataset); err != nil {
		return s, fmt.Errorf("dataset: %w", err)
	}
	if s.staging, err = c.dataset(c.StagingDataset); err != nil {
		return s, fmt.Errorf("staging_dataset: %w", err)
	}
	if s.output == s.staging {
		return s, fmt.Errorf("staging_dataset: %s is that of the published tables; want another one, whose tables expire", s.staging.ID())
	}
	if s.budget, err = bytesOf(c.MaxBytesBilled); err != nil {
		return s, fmt.Errorf("max_bytes_billed: %w", err)
	}
	if s.memory, err = bytesOf(c.ReadMemory); err != nil {
		return s, fmt.Errorf("read_memory: %w", err)
	}
	if c.ReadStreams < 1 {
		return s, fmt.Errorf("read_streams: %d, want at least 1", c.ReadStreams)
	}
	if p := c.Price; p != (Price{}) {
		if p.PerTiB < 0 || p.Currency == "" {
			return s, errors.New("price: want per_tib of at least 0 and a currency, such as {per_tib: 6.25, currency: USD, date: 2026-11-01}")
		}
		if _, err := time.Parse(time.DateOnly, p.Date); err != nil {
			return s, fmt.Errorf("price: %q is no date; say when the price was looked up, such as 2026-11-01", p.Date)
		}
	}
	return s, nil
}

func (c Config) dataset(name string) (dataset, error) {
	project := c.Project
	if i := strings.LastIndex(name, "."); i >= 0 {
		project, name = name[:i], name[i+1:]
	}
	if !projectName.MatchString(project) || !datasetName.MatchString(name) {
		return dataset{}, fmt.Errorf("%q is no data set; want DATASET or PROJECT.DATASET, in letters, digits and _", name)
	}
	return dataset{project, name}, nil
}

// bytesOf reads a size such as 200GiB, 1.5TB or 1000000; the empty one is 0.
func bytesOf(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	m := sizeOf.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%q is no size; want one such as 200GiB", s)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, err
	}
	base := 1000.0
	if strings.Contains(m[2], "i") {
		base = 1024
	}
	for range strings.Index("BKMGTP", (m[2] + "B")[:1]) {
		n *= base
	}
	if n < 1 || n > 1<<60 {
		return 0, fmt.Errorf("%q is no sensible size", s)
	}
	return int64(n), nil
}

// The variables that name an emulator, for tests and trials: host:port of its REST and of its Storage interface. No
// credentials are sent there.
const (
	restEmulator    = "BIGQUERY_EMULATOR_HOST"
	storageEmulator = "BIGQUERY_STORAGE_EMULATOR_HOST"
)

// endpoints returns the emulator to talk to, if any.
func endpoints() (rest, storage string, err error) {
	rest, storage = os.Getenv(restEmulator), os.Getenv(storageEmulator)
	if (rest == "") != (storage == "") {
		return "", "", fmt.Errorf("%w: set both %s and %s to use an emulator, or none", warehouse.ErrUnusable, restEmulator, storageEmulator)
	}
	return strings.TrimSuffix(strings.TrimPrefix(rest, "http://"), "/"), strings.TrimPrefix(storage, "http://"), nil
}
