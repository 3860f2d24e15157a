package scout

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"segments/pipeline/discover"
	"segments/pipeline/discover/draft"
	"segments/pipeline/discover/values"
	"segments/pipeline/warehouse"
	"segments/sql"
)

// A Files is one file, or files that are parts of one table, such as orders-2025.csv and orders-2026.csv.
type Files struct {
	Name  string // without the ending and what differs
	Glob  string // absolute; what is special in a glob is escaped
	Paths []string
	Bytes int64
}

// FindFiles lists the data files that args name: files, globs, and folders with those below them, one level down. Files
// of a folder that differ in their digits only are parts of one table.
func FindFiles(args []string) ([]Files, error) {
	var paths []string
	for _, arg := range args {
		found, err := below(arg)
		if err != nil {
			return nil, err
		}
		paths = append(paths, found...)
	}
	slices.Sort(paths)
	var out []Files
	at := map[string]int{}
	for _, p := range slices.Compact(paths) {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		name := nameOf(p)
		key := filepath.Join(filepath.Dir(p), digits.ReplaceAllString(filepath.Base(p), "*"))
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, Files{Name: name})
		}
		out[i].Paths, out[i].Bytes = append(out[i].Paths, p), out[i].Bytes+info.Size()
	}
	for i := range out {
		f := &out[i]
		f.Glob = escaped.Replace(f.Paths[0])
		if len(f.Paths) > 1 {
			dir, base := filepath.Split(f.Paths[0])
			f.Glob = escaped.Replace(dir) + digits.ReplaceAllString(escaped.Replace(base), "[0-9]*")
			f.Name = strings.Trim(digits.ReplaceAllString(f.Name, ""), "-_. ")
			if f.Name == "" || f.Name == "part" || f.Name == "data" {
				f.Name = filepath.Base(dir)
			}
		}
	}
	return out, nil
}

// Split returns the files one by one: what is called alike need not be alike.
func (f Files) Split() (out []Files) {
	for _, p := range f.Paths {
		size := f.Bytes / int64(len(f.Paths))
		out = append(out, Files{Name: nameOf(p), Glob: escaped.Replace(p), Paths: []string{p}, Bytes: size})
	}
	return out
}

var (
	digits  = regexp.MustCompile(`[0-9]+`)
	escaped = strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]")
)

// nameOf returns the name of a file without its endings.
func nameOf(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return name
}

// below lists the data files that arg names.
func below(arg string) ([]string, error) {
	info, err := os.Stat(arg)
	if err != nil {
		found, bad := filepath.Glob(arg)
		if bad != nil || len(found) == 0 {
			return nil, fmt.Errorf("%s: there is no such file or folder", draft.Safe(arg))
		}
		var out []string
		for _, f := range found {
			more, err := below(f)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
		return out, nil
	}
	abs, err := filepath.Abs(arg)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		if !sql.IsFile(abs) {
			return nil, fmt.Errorf("%s is no file that is read: want CSV, Parquet or JSON", draft.Safe(arg))
		}
		return []string{abs}, nil
	}
	var out []string
	for _, pattern := range []string{"*", "*/*"} {
		found, err := filepath.Glob(filepath.Join(escaped.Replace(abs), pattern))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if info, err := os.Stat(f); err == nil && info.Mode().IsRegular() && info.Size() > 0 && sql.IsFile(f) && !notData(f) {
				out = append(out, f)
			}
		}
	}
	return out, nil
}

// notData says whether a file that happens to lie in a folder is none of tables.
func notData(path string) bool {
	base := strings.ToLower(filepath.Base(path))
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "~") || strings.HasPrefix(base, "readme") || strings.HasPrefix(base, "license") ||
		slices.Contains([]string{"package.json", "package-lock.json", "tsconfig.json", "source.txt", "requirements.txt"}, base)
}

// LookFiles reads files, in the way of several that reads all of their rows: as they are, with types from all rows, in
// another encoding, or as columns with spaces between. from is how the configuration names them.
func (l Scout) LookFiles(ctx context.Context, f Files, from string) (discover.Table, error) {
	literal := sql.DuckDB.Literal(f.Glob)
	if len(f.Paths) > 1 {
		if err := l.alike(ctx, f); err != nil {
			return discover.Table{}, err
		}
	}
	tries := []discover.Table{{From: from}}
	written := encoding(f.Paths[0])
	if isCSV(f.Glob) {
		if names := spaced(f.Paths[0]); names != nil {
			tries = []discover.Table{{Query: spacedQuery(literal, names), Note: "columns with spaces between; there is no other delimiter"}}
		} else {
			again := func(option, note string) {
				tries = append(tries, discover.Table{Query: "SELECT *\nFROM read_csv(" + literal + option + ", sample_size = -1)", Note: note})
			}
			again("", "the types are those of all rows: the first ones mislead")
			if written != isUTF16 {
				again(", encoding = 'latin-1'", "the file is not UTF-8") // nor may be what follows the first lines
			}
			if written == isUTF16 || written == isHidden {
				again(", encoding = 'utf-16'", "the file is UTF-16")
			}
		}
	}
	var first error
	for _, t := range tries {
		t.Name, t.Rows = f.Name, -1
		err := l.try(ctx, &t, f)
		if err == nil {
			return t, nil
		}
		if errors.Is(err, context.Canceled) || errors.Is(err, warehouse.ErrTemporary) {
			return t, err
		}
		if first == nil {
			first = err
		}
	}
	if written == isOther {
		first = errEncoding
	}
	return discover.Table{}, first
}

// alike fails where files that are called alike have other columns; the first, the last and one between are looked at.
func (l Scout) alike(ctx context.Context, f Files) error {
	var first []string
	for _, i := range []int{0, len(f.Paths) / 2, len(f.Paths) - 1} {
		rel, err := sql.Source{Name: "part", From: escaped.Replace(f.Paths[i])}.All(sql.DuckDB)
		if err != nil {
			return err
		}
		est, err := l.Warehouse.Estimate(ctx, sql.Query{Name: "part", Text: rel.Select})
		if err != nil {
			return err
		}
		var names []string
		for _, c := range est.Columns {
			names = append(names, c.Name)
		}
		if i > 0 && !slices.Equal(names, first) {
			return fmt.Errorf("%s and %s have other columns", draft.Safe(f.Paths[0]), draft.Safe(f.Paths[i]))
		}
		first = names
	}
	return nil
}

func (l Scout) try(ctx context.Context, t *discover.Table, f Files) error {
	read := *t
	if t.From != "" {
		read.From = f.Glob
	}
	if f.Bytes <= countedBytes {
		if err := l.Whole(ctx, &read); err != nil {
			return err
		}
		t.Rows = read.Rows
	}
	if err := l.Look(ctx, &read); err != nil {
		return err
	}
	t.Columns, t.At = read.Columns, f.Glob
	if isCSV(f.Glob) && t.From != "" && slices.ContainsFunc(t.Columns, dated) {
		l.asWritten(ctx, t, f.Glob)
	}
	return nil
}

// asWritten puts the text of the file in place of days that DuckDB has read: whether the day or the month comes first is
// seen in the text only.
func (l Scout) asWritten(ctx context.Context, t *discover.Table, glob string) {
	raw := discover.Table{Name: t.Name, Query: "SELECT * FROM read_csv(" + sql.DuckDB.Literal(glob) + ", all_varchar = true)"}
	for _, c := range t.Columns {
		if dated(c) {
			raw.Columns = append(raw.Columns, values.Column{ColumnInfo: c.ColumnInfo})
		}
	}
	rel, err := l.relation(&raw)
	if err != nil || l.sample(ctx, &raw, rel) != nil {
		return
	}
	var either []string
	for _, c := range raw.Columns {
		column := &t.Columns[slices.IndexFunc(t.Columns, func(o values.Column) bool { return o.Name == c.Name })]
		if len(column.Values) != len(c.Values) {
			return
		}
		column.Values = c.Values
		if values.EitherDayOrMonth(c) {
			column.Family, column.Native = sql.Text, "VARCHAR"
			either = append(either, sql.DuckDB.Literal(c.Name)+": 'VARCHAR'")
		}
	}
	if either != nil {
		t.From, t.At = "", ""
		t.Query = "SELECT *\nFROM read_csv(" + sql.DuckDB.Literal(glob) + ", types = {" + strings.Join(either, ", ") + "})"
		t.Note = "dates are read as text: whether the day or the month comes first would be guessed anew with each file"
	}
}

func dated(c values.Column) bool { return c.Family == sql.Day || c.Family == sql.Timestamp }

func isCSV(path string) bool {
	p := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(path), ".gz"), ".zst")
	return strings.HasSuffix(p, ".csv") || strings.HasSuffix(p, ".tsv") || strings.HasSuffix(p, ".txt")
}

// spaced returns the names of the columns of a text file whose lines are so many words with spaces between; nil where it
// is none.
func spaced(path string) (names []string) {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // it is only read
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return nil
		}
	}
	lines := bufio.NewScanner(in)
	n := 0
	for lines.Scan() && n < 200 {
		l := strings.TrimSpace(lines.Text())
		if l == "" {
			continue
		}
		if strings.ContainsAny(l, ",;\t|\"") {
			return nil
		}
		parts := strings.Fields(l)
		if n == 0 {
			names = parts
		}
		if len(parts) != len(names) || len(parts) < 3 {
			return nil
		}
		n++
	}
	if n < 2 || slices.ContainsFunc(names, func(s string) bool { return values.Number(s) }) {
		return nil // without a header nobody knows what the columns are
	}
	return names
}

func spacedQuery(literal string, names []string) string {
	cols := make([]string, len(names))
	for i, n := range names {
		cols[i] = fmt.Sprintf("r[%d] AS %s", i+1, values.Quoted(sql.DuckDB, n))
	}
	return fmt.Sprintf(`SELECT %s
FROM (
  SELECT regexp_extract_all(line, '\S+') AS r
  FROM read_csv(%s, delim = chr(1), header = false, skip = 1, columns = {'line': 'VARCHAR'})
)
WHERE len(r) = %d`, strings.Join(cols, ", "), literal, len(names))
}
