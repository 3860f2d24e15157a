package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"segments/pipeline"
	"segments/pipeline/config"
	"segments/pipeline/steps"
	"segments/sql"
	"segments/transforms/frame"
)

func (a *app) tablesCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "tables", Short: "Print the published tables, as DDL or as their reference page",
		RunE: func(*cobra.Command, []string) error {
			return usageError{errors.New("what of the tables? ddl or markdown")}
		},
	}
	var dialect string
	ddl := &cobra.Command{
		Use: "ddl", Short: "Print the statements that make the tables", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			d := sql.Dialect(dialect)
			if d != sql.DuckDB && d != sql.BigQuery {
				return usageError{fmt.Errorf("--dialect: %q, want duckdb or bigquery", dialect)}
			}
			tables, err := declared()
			if err != nil {
				return err
			}
			for _, t := range tables {
				name, err := d.Quote(t.Name)
				if err != nil {
					return err
				}
				fmt.Fprintln(a.out, sql.CreateTable(t, d, name)+";")
				if d == sql.DuckDB {
					for _, s := range sql.Comments(t, name) {
						fmt.Fprintln(a.out, s+";")
					}
				}
			}
			return nil
		},
	}
	ddl.Flags().StringVar(&dialect, "dialect", "duckdb", "duckdb or bigquery")
	markdown := &cobra.Command{
		Use: "markdown", Short: "Print the reference page", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			tables, err := declared()
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(a.out, sql.Markdown(tables))
			return err
		},
	}
	c.AddCommand(ddl, markdown)
	return c
}

// declared lists the tables of a job with the defaults.
func declared() ([]frame.Table, error) {
	j := &pipeline.Job{Steps: steps.All()}
	return j.Tables()
}

// schema is the JSON Schema of the configuration.
func schema() ([]byte, error) {
	ws, ts := map[string]any{}, map[string]any{}
	for name, w := range warehouses {
		ws[name] = w.defaults()
	}
	for _, t := range steps.All() {
		ts[t.Name] = t.Estimator
	}
	return config.Schema(ws, ts)
}
