package duckdb

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"segments/pipeline/warehouse"
)

// What a customer's row holds is in no message; what its columns and their types are called is.
func TestErrorsQuoteNoValues(t *testing.T) {
	d := openAt(t, filepath.Join(t.TempDir(), "w.duckdb"))
	const from = " when casting from source column v"
	for text, want := range map[string]string{
		"SELECT v::DOUBLE FROM (VALUES ('secret')) t(v)":                  "Could not convert string a value to DOUBLE" + from,
		"SELECT v::DOUBLE FROM (VALUES ('secret to O''secret')) t(v)":     "Could not convert string a value to DOUBLE" + from,
		"SELECT v::BIGINT FROM (VALUES (E'a\\nsecret')) t(v)":             "Could not convert string a value to INT64" + from,
		"SELECT v::BIGINT FROM (VALUES (E'a\\n\\nLINE secret''')) t(v)":   "Could not convert string a value",
		"SELECT v::DECIMAL(4,2) FROM (VALUES ('secret')) t(v)":            "to DECIMAL(4,2)" + from,
		"SELECT v::DECIMAL(4,2) FROM (VALUES (777777777.5)) t(v)":         "Casting a value to type DECIMAL(4,2) failed",
		"SELECT v::DECIMAL(4,2) FROM (VALUES (777777777.5::DOUBLE)) t(v)": "to DECIMAL(4,2)" + from,
		"SELECT v::TINYINT FROM (VALUES (-777)) t(v)":                     "Type INT32 with a value can't be cast",
		"SELECT v::DATE FROM (VALUES ('secret')) t(v)":                    "a value",
		"SELECT v::TIMESTAMP FROM (VALUES ('secret')) t(v)":               "a value",
		"SELECT strptime(v, '%Y') FROM (VALUES ('secret')) t(v)":          "Could not parse string a value",
		"SELECT v::UUID FROM (VALUES ('secret')) t(v)":                    "a value",
		"SELECT v * v FROM (VALUES (7777777777777)) t(v)":                 "Overflow in multiplication of INT64",
		"SELECT CAST('secret' AS BOOLEAN) AS v":                           "Could not convert string a value to BOOL",
	} {
		got := asked(t, d, text)
		if !strings.Contains(got, "Error: ") || !strings.Contains(got, want) || strings.Contains(got, "secret") || strings.Contains(got, "777") {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	for message, want := range map[string]string{
		`Invalid Input Error: Error when sniffing file "a.csv".`: `Invalid Input Error: Error when sniffing file "a.csv".`,
		`Conversion Error: Could not convert string 'torn`:       `Conversion Error: Could not convert string a value`,
		`Binder Error: "x" 'y'`:                                  `Binder Error: "x" 'y'`,
	} {
		if got := withoutValues(message); got != want {
			t.Errorf("%s: got %q, want %q", message, got, want)
		}
	}
}

func TestStagingIsPrivateAndSwept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	check(t, os.Mkdir(path+".staging", 0o755)) // as an older program would
	d := openAt(t, path)
	check(t, d.Claim(t.Context(), crashRun(1)))
	s, err := os.Stat(path + ".staging")
	check(t, err)
	if s.Mode().Perm() != 0o700 {
		t.Errorf("the staging folder is %v", s.Mode())
	}
	own, alive := filepath.Base(d.temp), fmt.Sprintf("tmp-%d-1", os.Getppid())
	for _, folder := range []string{own, alive, fmt.Sprintf("tmp-%d-1", os.Getpid()), "tmp-strange"} {
		check(t, os.MkdirAll(filepath.Join(path+".staging", folder, "spilled"), 0o700))
	}
	check(t, d.Sweep(t.Context()))
	var left []string
	entries, err := os.ReadDir(path + ".staging")
	check(t, err)
	for _, e := range entries {
		if e.IsDir() {
			left = append(left, e.Name())
		}
	}
	slices.Sort(left)
	want := []string{own, alive}
	slices.Sort(want)
	if !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v", left, want)
	}
}

func TestReaderSpillsInPrivate(t *testing.T) {
	c := Defaults()
	c.Path = filepath.Join(t.TempDir(), "w.duckdb")
	d, err := open(t.Context(), warehouse.Env{ReadOnly: true}, c)
	check(t, err)
	s, err := os.Stat(d.temp)
	check(t, err)
	if s.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v", s.Mode())
	}
	check(t, d.Close())
	if _, err := os.Stat(d.temp); err == nil {
		t.Error("the folder is left")
	}
}
