package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"cloud.google.com/go/bigquery"
	"golang.org/x/sync/errgroup"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
)

// StagingExpiration is how long tables of a shop's staging data set stay.
const StagingExpiration = 24 * time.Hour

// Client returns a client of a project on the server, which knows all projects.
func (s *Server) Client(ctx context.Context, project string) (*bigquery.Client, error) {
	return bigquery.NewClient(ctx, project, option.WithEndpoint(s.Endpoint()), option.WithoutAuthentication())
}

// A Shop is the three data sets that the example examples/bigquery needs, on the emulator or in a real project: those of
// what it reads, of what it publishes and of what it stages.
type Shop struct {
	Source, Results, Staging string
}

// Make makes the data sets that are not there yet.
func (s Shop) Make(ctx context.Context, c *bigquery.Client, location string) error {
	for name, expiration := range map[string]time.Duration{s.Source: 0, s.Results: 0, s.Staging: StagingExpiration} {
		err := c.Dataset(name).Create(ctx, &bigquery.DatasetMetadata{
			Location: location, DefaultTableExpiration: expiration, Labels: map[string]string{"application": "segments"},
		})
		if err != nil && !is(err, http.StatusConflict) {
			return fmt.Errorf("data set %s: %w", name, err)
		}
	}
	return nil
}

// Remove deletes the data sets with all that is in them. What is not there is no error.
func (s Shop) Remove(ctx context.Context, c *bigquery.Client) error {
	var all error
	for _, name := range []string{s.Source, s.Results, s.Staging} {
		if err := c.Dataset(name).DeleteWithContents(ctx); err != nil && !is(err, http.StatusNotFound) {
			all = errors.Join(all, fmt.Errorf("data set %s: %w", name, err))
		}
	}
	return all
}

func is(err error, code int) bool {
	var h *googleapi.Error
	return errors.As(err, &h) && h.Code == code
}

// Load fills the data set of sources with the CSV files in dir that the demo writes: for each file NAME.json in the
// folder schemas, dir/NAME.csv becomes the table NAME with that schema, in the place of what the table had.
func (s Shop) Load(ctx context.Context, c *bigquery.Client, dir, schemas string) error {
	files, err := filepath.Glob(filepath.Join(schemas, "*.json"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("there is no schema in %s", schemas)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, file := range files {
		name := filepath.Base(file[:len(file)-len(".json")])
		group.Go(func() error {
			if err := loadCSV(ctx, c.Dataset(s.Source).Table(name), filepath.Join(dir, name+".csv"), file); err != nil {
				return fmt.Errorf("load %s: %w", name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// loadCSV replaces the rows of table by those of a file with a line of headers.
func loadCSV(ctx context.Context, table *bigquery.Table, file, schema string) error {
	text, err := os.ReadFile(schema)
	if err != nil {
		return err
	}
	columns, err := bigquery.SchemaFromJSON(text)
	if err != nil {
		return fmt.Errorf("%s: %w", schema, err)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it is only read
	source := bigquery.NewReaderSource(f)
	source.SourceFormat, source.SkipLeadingRows, source.Schema = bigquery.CSV, 1, columns
	loader := table.LoaderFrom(source)
	loader.WriteDisposition = bigquery.WriteTruncate
	loader.MediaOptions = []googleapi.MediaOption{googleapi.ChunkSize(0)} // one request: the emulator knows no other
	job, err := loader.Run(ctx)
	if err != nil {
		return err
	}
	status, err := job.Wait(ctx)
	if err != nil {
		return err
	}
	return status.Err()
}
